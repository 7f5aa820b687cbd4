"""Ports that nobody else takes."""

import errno
import os
import socket

import pytest

from app.testing import free_port, ports

TAKEN = OSError(errno.EADDRINUSE, "address already in use")


class FakeNetwork:
    """Has addresses that are in use, and no sockets."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.used: set[int] = set()
        patch.setattr(socket, "socket", lambda: FakeSocket(self))
        patch.setattr(socket, "create_server", lambda address: FakeSocket(self).bind(address))
        patch.setattr(ports, "_block", None)


class FakeSocket:
    """Takes a port, and gives it back when it is closed."""

    def __init__(self, network: FakeNetwork) -> None:
        self._network = network
        self._port: int | None = None

    def bind(self, address: tuple[str, int]) -> "FakeSocket":
        """Take it. Raises `OSError` when it is in use."""
        if address[1] in self._network.used:
            raise TAKEN
        self._port = address[1]
        self._network.used.add(address[1])
        return self

    def detach(self) -> None:
        """Keep it for good."""

    def close(self) -> None:
        """Give it back."""
        self._network.used.discard(self._port or 0)


@pytest.fixture(name="network")
def _network(monkeypatch: pytest.MonkeyPatch) -> FakeNetwork:
    """One for each test."""
    return FakeNetwork(monkeypatch)


def test_ports_of_a_process(network: FakeNetwork) -> None:
    """They are given in turn, but for those in use; below what outgoing connections get."""
    network.used |= {16_387}

    assert [16_385, 16_386, 16_388] == [free_port() for _ in range(3)]
    assert {16_384, 16_387} == network.used
    assert ports._BLOCKS.stop <= 32_768  # noqa: SLF001 - the first port that Linux gives to a connection
    for _ in range(123):
        free_port()
    assert 16_385 == free_port()


@pytest.mark.usefixtures("network")
def test_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork, and a process that finds the first block in use, have blocks of their own."""
    assert 16_385 == free_port()
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert 16_513 == free_port()


def test_no_port_is_free(network: FakeNetwork) -> None:
    """Where no port is free, the error says so."""
    network.used |= set(range(16_385, 32_768))
    with pytest.raises(OSError, match=r"^all 127 ports of this process are in use at ::1$"):
        free_port("::1")
    network.used |= {16_384}
    ports._block = None  # noqa: SLF001 - as in a new process
    with pytest.raises(OSError, match=r"^no block of ports is free from 16384 to 32767$"):
        free_port()


@pytest.mark.usefixtures("network")
def test_a_host_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is that of the system, and no word of ports in use."""

    def refuse(address: tuple[str, int]) -> FakeSocket:
        raise OSError(errno.EADDRNOTAVAIL, f"cannot assign {address[0]}")

    monkeypatch.setattr(socket, "create_server", refuse)

    with pytest.raises(OSError, match=r"cannot assign 192\.0\.2\.1"):
        free_port("192.0.2.1")
