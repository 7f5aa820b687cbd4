"""Streams are filled with as many messages as a row needs, whenever the server stores them."""

import socket
from collections.abc import Callable
from itertools import count
from typing import cast

import pytest

from benchmarks import consuming
from benchmarks.client import RowFailed
from benchmarks.streams import StreamApi

PIECE = 2000


class FakeServer:
    """A server that stores what `stores` makes of a piece, piece by piece, some questions later."""

    def __init__(self, stores: Callable[[int, int], int], delay: int = 0) -> None:
        self._stores, self._delay = stores, delay
        self._pieces = count()
        self._coming: list[int] = []
        self._stored = 0
        self.sent = 0

    def sendall(self, data: bytes) -> None:
        """As a link."""
        messages = data.count(b"PUB ")
        self.sent += messages
        self._coming += [0] * self._delay + [self._stores(next(self._pieces), messages)]

    def messages(self) -> int:
        """As an API."""
        if self._coming:
            self._stored += self._coming.pop(0)
        return self._stored

    def fill(self, messages: int) -> None:
        """Fill its stream."""
        consuming.fill(cast("StreamApi", self), cast("socket.socket", self), messages)


def test_a_server_that_pauses() -> None:
    """Messages that are stored late are not sent twice."""
    server = FakeServer(lambda _, sent: sent, delay=20)

    server.fill(PIECE + 100)

    assert PIECE + 100 == server.sent


def test_a_server_that_drops_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it drops is sent again."""
    monkeypatch.setattr(consuming, "_DROPPED_SECONDS", 0.0)
    server = FakeServer(lambda piece, sent: sent - 300 if piece == 0 else sent)

    server.fill(PIECE)

    assert PIECE + 300 == server.sent


def test_a_server_that_stores_after_a_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row with more messages than it counts would never end, so it fails."""
    monkeypatch.setattr(consuming, "_DROPPED_SECONDS", 0.0)
    server = FakeServer(lambda piece, sent: sent - 300 if piece == 0 else sent + 300)

    with pytest.raises(RowFailed, match="300 messages were stored that seemed to be dropped"):
        server.fill(PIECE)
