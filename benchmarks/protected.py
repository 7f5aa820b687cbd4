"""Throughput over TLS and websockets, as the processor time that a server takes for a message.

There the load generator has to encrypt and decrypt, or frame, as much as the server, so it may well
be the slower of the two, and the time until all has arrived would be its time. What the
server's process took, in all its threads, does not depend on how fast it is fed.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import trustme

from benchmarks.client import CONNECT, PATIENCE, RowFailed, read_some
from benchmarks.encode import PING, PONG, surplus_is_keep_alive
from benchmarks.resources import processor_seconds_of
from benchmarks.sample import OpenProbe, Probe, Sample, Target
from benchmarks.servers import Contender
from benchmarks.shape import Shape, stream
from benchmarks.web import dial_web

PROCESSOR = "processor time"
"""The one figure of these rows: nanoseconds of the server's processor time per published message."""

_NS = 1e9
_LEAST_SECONDS = 0.5
"""Processor time is counted in hundredths of a second, so a sample must take many of them."""

_READ_BYTES = 256 * 1024


class _Link(Protocol):
    """What a load needs of a client's link."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""
        ...

    def recv_into(self, room: bytearray, /) -> int:
        """Read; return how many bytes of data came, 0 at the end and -1 for none yet."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class _Certificate:
    """One for localhost, in files, and a client's trust in it."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="benchmark-tls-")
        authority = trustme.CA()
        pair = authority.issue_cert("localhost", "127.0.0.1")
        folder = Path(self._folder.name)
        self.cert_file, self.key_file = str(folder / "cert.pem"), str(folder / "key.pem")
        pair.cert_chain_pems[0].write_to_path(self.cert_file)
        pair.private_key_pem.write_to_path(self.key_file)
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)


@cache
def certificate() -> _Certificate:
    """The same for all servers of a run."""
    return _Certificate()


def over_tls(contender: Contender) -> Contender:
    """The same server, whose clients need TLS."""
    pair = certificate()
    flags = ("--tls", "--tlscert", pair.cert_file, "--tlskey", pair.key_file)
    return replace(contender, flags=flags, knock=dial_protected)


def dial_protected(port: int, opening: bytes = b"") -> ssl.SSLSocket:
    """A client over TLS that has introduced itself. Raises `RowFailed` and `OSError`."""
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while not read_some(plain).endswith(b"\n"):  # INFO comes in clear text, and nothing after it
        pass
    link = certificate().context.wrap_socket(plain, server_hostname="localhost")
    link.sendall(CONNECT + opening + PING)
    _count(link, len(PONG))
    return link


def _count(link: _Link, wanted: int) -> None:
    """Read this many bytes, and the PINGs that the server sent among them."""
    room = bytearray(_READ_BYTES)
    received = 0
    while received < wanted:
        count = link.recv_into(room)
        if not count:
            raise RowFailed("the server closed a link")
        received += max(count, 0)
    if not surplus_is_keep_alive(wanted, received):
        raise RowFailed(f"{received} bytes arrived, and {wanted} should have")


class _ProtectedLoad:
    """A publisher and a subscriber of one server."""

    def __init__(self, shape: Shape, server: Target, dial: Callable[[bytes], _Link]) -> None:
        self._shape = shape
        self._server = server
        self._pieces = stream(shape)
        self._count = 1
        self._subscriber = dial(shape.opening)
        self._publisher = dial(shape.greeting)

    def close(self) -> None:
        """Close the connections."""
        self._subscriber.close()
        self._publisher.close()

    def warm_up(self, seconds: float) -> None:
        """Send longer and longer bursts until the server works for long enough."""
        wanted = max(seconds, _LEAST_SECONDS)
        while self._burst() < wanted:
            self._count *= 2

    def measure(self) -> Sample:
        """One burst."""
        spent = self._burst()
        messages = self._count * sum(piece.messages for piece in self._pieces)
        return Sample({PROCESSOR: spent * _NS / messages})

    def _burst(self) -> float:
        """Send the stream `_count` times; return the processor time of the server until all had arrived."""
        before = processor_seconds_of(self._server.pid)
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        _count(self._subscriber, self._shape.expected(self._pieces) * self._count)
        sender.join(PATIENCE)
        if sender.is_alive():
            raise RowFailed("the publisher got no PONG")
        return processor_seconds_of(self._server.pid) - before

    def _send(self) -> None:
        for _ in range(self._count):
            for piece in self._pieces:
                self._publisher.sendall(piece.data)
        self._publisher.sendall(PING)
        _count(self._publisher, len(PONG))


def protected_throughput(shape: Shape) -> OpenProbe:
    """A probe that measures this shape of load over TLS, with one publisher and one subscriber."""
    return _processor_time(shape, lambda server, opening: dial_protected(server.port, opening))


def web_throughput(shape: Shape) -> OpenProbe:
    """The same over websockets."""
    return _processor_time(shape, lambda server, opening: dial_web(server.websocket_port, opening))


def _processor_time(shape: Shape, dial: Callable[[Target, bytes], _Link]) -> OpenProbe:
    @contextmanager
    def open_probe(server: Target) -> Iterator[Probe]:
        load = _ProtectedLoad(shape, server, partial(dial, server))
        try:
            yield load
        finally:
            load.close()

    return open_probe
