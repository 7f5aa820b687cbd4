"""What a service manager hears, over the sockets of systemd."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.process.service_manager import ServiceManager
from tests.support.patience import PATIENCE

ADDRESSES = ["path"] + (["abstract"] if sys.platform == "linux" else [])


class Listener:
    """A service manager: it has an address, and hears words."""

    def __init__(self, address: str, link: socket.socket) -> None:
        self.address = address
        self._link = link

    def hear(self) -> bytes:
        """The next word."""
        return self._link.recv(4096)


@pytest.fixture(name="listener", params=ADDRESSES)
def _listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    """A manager that listens at a path, or in the abstract namespace."""
    path = str(tmp_path / "notify") if request.param == "path" else f"@pynatsd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(path.replace("@", "\0", 1))
        link.settimeout(PATIENCE)
        yield Listener(path, link)


def test_words_arrive(listener: Listener) -> None:
    """Each word is one datagram, at a path as well as at an abstract address."""
    service = ServiceManager({"NOTIFY_SOCKET": listener.address}, pytest.fail)

    service.ready()
    service.stopping()

    assert b"READY=1" == listener.hear()
    assert b"STOPPING=1" == listener.hear()


@pytest.mark.parametrize("address", ["missing", "vsock:2:1234", "a\0b"])
def test_an_address_that_leads_nowhere(address: str, tmp_path: Path) -> None:
    """Where nobody listens the server goes on, with one line of warning."""
    warnings: list[str] = []
    service = ServiceManager({"NOTIFY_SOCKET": f"{tmp_path}/{address}"}, warnings.append)

    service.ready()
    service.stopping()

    (warning,) = warnings
    assert warning.startswith(f"cannot talk to the service manager: {tmp_path}/{address}: ")
    assert "\n" not in warning


def fill(link: socket.socket) -> None:
    """Send until no more is taken."""
    with contextlib.suppress(BlockingIOError):
        while True:
            link.send(b"x")


def test_a_manager_that_does_not_read(tmp_path: Path) -> None:
    """A manager that is stuck costs the server a moment and a warning, and not its life."""
    warnings: list[str] = []
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.settimeout(0)
            other.connect(path)
            fill(other)
            ServiceManager({"NOTIFY_SOCKET": path}, warnings.append).ready()

    assert [f"cannot talk to the service manager: {path}: timed out"] == warnings
