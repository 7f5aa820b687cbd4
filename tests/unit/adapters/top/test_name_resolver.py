"""Names of addresses: the board never waits for them."""

import queue
import socket

import pytest

from app.adapters.top import name_resolver
from app.adapters.top.name_resolver import NameResolver, look_up
from tests.support.patience import PATIENCE

SECONDS = PATIENCE


class Directory:
    """A name server that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def look_up(self, ip: str) -> str | None:
        """Wait for the answer."""
        self.asked.put(ip)
        return self.answers.get(timeout=SECONDS)

    def settle(self, found: NameResolver) -> None:
        """Wait until all that was answered before is known."""
        found.find("192.0.2.99")
        while self.asked.get(timeout=SECONDS) != "192.0.2.99":
            pass
        self.answers.put(None)


def test_a_name_comes_later() -> None:
    """An address has no name until the name server has answered, and is asked for once."""
    directory = Directory()
    found = NameResolver(directory.look_up)

    assert None is found.find("192.0.2.1")
    assert None is found.find("192.0.2.1")
    directory.answers.put("host.example")
    directory.settle(found)

    assert "host.example" == found.find("192.0.2.1")
    assert directory.asked.empty()


def test_an_address_without_a_name() -> None:
    """An address that has no name is not asked for again and again."""
    directory = Directory()
    found = NameResolver(directory.look_up)
    found.find("192.0.2.1")
    directory.answers.put(None)
    directory.settle(found)

    assert None is found.find("192.0.2.1")
    assert directory.asked.empty()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded number of addresses is remembered; the oldest are looked up again."""
    monkeypatch.setattr(name_resolver, "KEPT", 2)
    directory = Directory()
    found = NameResolver(directory.look_up)
    for ip in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        found.find(ip)
        directory.answers.put("host.example")
    directory.settle(found)

    assert None is found.find("192.0.2.1")
    assert "192.0.2.1" == directory.asked.get(timeout=SECONDS)
    directory.answers.put(None)


@pytest.mark.parametrize("error", [socket.herror(1, "Unknown host"), UnicodeError("label too long")])
def test_no_answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A look-up that fails, in whatever way, gives no name."""

    def fail(_ip: str) -> None:
        raise error

    monkeypatch.setattr(socket, "gethostbyaddr", fail)

    assert None is look_up("192.0.2.1")
