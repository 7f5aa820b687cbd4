"""Ports for servers of tests, which no other test and no outgoing connection takes.

A port that the system gives lies in the range of outgoing connections: until a server listens there, any
connection of any program may take it. These ports lie below that range, and each process has a block of its
own.
"""

import errno
import itertools
import os
import socket
from collections.abc import Iterator
from typing import NamedTuple

_BLOCK_SIZE = 128
_BLOCKS = range(16_384, 32_768, _BLOCK_SIZE)
"""Linux gives outgoing connections 32,768 and more, macOS and Windows 49,152 and more."""

_TAKEN = (errno.EADDRINUSE, errno.EACCES)
"""In use, by another user's program too on Windows. Any other error concerns the host."""


class _Block(NamedTuple):
    """The ports of one process. The port before the first one is bound, which keeps other processes out."""

    pid: int
    ports: Iterator[int]


_block: _Block | None = None


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens at `host`, and which no other process gets from this function.

    A port comes again after 127 calls, unless it is in use then. Raises `OSError` when all ports are in use,
    or when `host` is no address of this machine.
    """
    block = _own_block()
    for port in itertools.islice(block.ports, _BLOCK_SIZE - 1):
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            continue
        return port
    raise OSError(f"all {_BLOCK_SIZE - 1} ports of this process are in use at {host}")


def _own_block() -> _Block:
    global _block  # noqa: PLW0603 - one for each process; a fork takes another
    if _block is None or _block.pid != os.getpid():
        _block = _claim()
    return _block


def _claim() -> _Block:
    for first in _BLOCKS:
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
            continue
        guard.detach()  # bound until the process ends
        return _Block(os.getpid(), itertools.cycle(range(first + 1, first + _BLOCK_SIZE)))
    raise OSError(f"no block of ports is free from {_BLOCKS.start} to {_BLOCKS.stop - 1}")
