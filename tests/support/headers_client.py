"""A blocking client that may take headers, and knows what it received from what it has read."""

import socket
import time
from collections.abc import Callable
from typing import NamedTuple, Self

from tests.support.blocking_client import DEADLINE, PIECE

PLAIN = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
HEADED = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'

TICK = 0.005
"""Seconds between questions about the progress of other processes, which is no event here."""


class Delivery(NamedTuple):
    """One message that was received."""

    subject: bytes
    sid: bytes
    reply: bytes
    block: bytes
    """Its headers; empty for none."""
    payload: bytes


def published(subject: bytes, payload: bytes, block: bytes = b"", reply: bytes = b"") -> bytes:
    """A message as its publisher sends it; with HPUB if it has a header block."""
    words = [b"HPUB" if block else b"PUB", subject, *([reply] if reply else [])]
    words += [b"%d" % len(block)] if block else []
    return b"%b %d\r\n%b%b\r\n" % (b" ".join(words), len(block) + len(payload), block, payload)


def until(happened: Callable[[], bool]) -> None:
    """Ask until the answer is yes; raises AssertionError after `DEADLINE` seconds."""
    end = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(TICK)


class HeadersClient:
    """One connection to a server on the loopback, within a ``with`` block."""

    def __init__(self, port: int, *lines: bytes, connect: bytes = HEADED) -> None:
        """Connect and send these lines; return when the server has obeyed them."""
        self._link = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._rest = b""
        self._pongs = 0
        self.received: list[Delivery] = []
        self.ask(connect, *lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._link.close()

    def ask(self, *lines: bytes) -> None:
        """Send, and read all that comes until the server has obeyed; raises ConnectionError at an end."""
        self._link.sendall(b"".join(lines) + b"PING\r\n")
        wanted = self._pongs + 1
        while self._pongs < wanted:
            self._read()

    def take(self) -> list[Delivery]:
        """What was received since the last call, after a round trip."""
        self.ask()
        taken, self.received = self.received, []
        return taken

    def _read(self) -> None:
        data = self._link.recv(PIECE)
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._rest!r}")
        self._rest += data
        while self._consume():
            pass

    def _consume(self) -> bool:
        """Take one line or message from what was read. False if none is complete."""
        line, end, after = self._rest.partition(b"\r\n")
        if not end:
            return False
        words = line.split()
        if words[0] in (b"MSG", b"HMSG"):
            size = int(words[-1])
            if len(after) < size + 2:
                return False
            headed = words[0] == b"HMSG"
            reply = words[3] if len(words) == 5 + headed else b""
            block = int(words[-2]) if headed else 0
            delivery = Delivery(words[1], words[2], reply, after[:block], after[block:size])
            self.received.append(delivery)
            after = after[size + 2 :]
        elif words[0] == b"PONG":
            self._pongs += 1
        else:
            assert words[0] in (b"INFO", b"PING"), f"unexpected: {line!r}"
        self._rest = after
        return True
