"""Unit tests of notifications to the service manager; real sockets are tested elsewhere."""

import os

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.process.service_manager import ServiceManager

SOCKET = {"NOTIFY_SOCKET": "/run/systemd/notify"}


class Mailbox:
    """Keeps what is sent; full mailboxes refuse."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.words: list[tuple[str, bytes]] = []

    def send(self, address: str, words: bytes) -> None:
        """Keep a datagram."""
        if self.full:
            raise ConnectionRefusedError(111, "Connection refused")
        self.words.append((address, words))


def manager(
    environment: dict[str, str], mailbox: Mailbox, warnings: list[str] | None = None
) -> ServiceManager:
    """A manager; warnings that no test expects fail it."""
    warn = pytest.fail if warnings is None else warnings.append
    return ServiceManager(environment, warn, mailbox.send)


def test_the_life_of_a_service() -> None:
    """The start and the stop are sent in systemd's protocol."""
    mailbox = Mailbox()
    service = manager(SOCKET, mailbox)

    service.ready()
    service.reloading(12.345678)
    service.status("what it does")
    service.stopping()

    assert [
        ("/run/systemd/notify", b"READY=1"),
        ("/run/systemd/notify", b"RELOADING=1\nMONOTONIC_USEC=12345678"),
        ("/run/systemd/notify", b"STATUS=what it does"),
        ("/run/systemd/notify", b"STOPPING=1"),
    ] == mailbox.words


def test_a_reload_that_ends_while_the_service_stops() -> None:
    """A service that is stopping is not ready again."""
    mailbox = Mailbox()
    service = manager(SOCKET, mailbox)

    service.reloading(1.0)
    service.stopping()
    service.ready()

    assert [b"RELOADING=1\nMONOTONIC_USEC=1000000", b"STOPPING=1"] == [words for _, words in mailbox.words]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"WATCHDOG_USEC": "1000000"}])
def test_nobody_to_tell(environment: dict[str, str]) -> None:
    """A server started by hand says nothing, and sets no timer."""
    mailbox, clock = Mailbox(), ManualClock()
    service = manager(environment, mailbox)

    service.ready()
    service.keep_alive(clock)
    service.stopping()

    assert [] == mailbox.words
    assert service.alive_every is None
    assert 0 == clock.timers_outstanding


@pytest.mark.parametrize("owner", [{}, {"WATCHDOG_PID": ""}, {"WATCHDOG_PID": str(os.getpid())}])
def test_signs_of_life(owner: dict[str, str]) -> None:
    """They come at once, and then twice in the time that is granted, as long as the loop turns."""
    mailbox, clock = Mailbox(), ManualClock()
    service = manager({**SOCKET, "WATCHDOG_USEC": "30000000", **owner}, mailbox)

    service.keep_alive(clock)
    assert 15.0 == service.alive_every
    assert 1 == len(mailbox.words)

    clock.advance(15.0 * 4)

    assert [("/run/systemd/notify", b"WATCHDOG=1")] * 5 == mailbox.words


def test_a_watchdog_for_another_process() -> None:
    """What a parent was asked to do is none of our business."""
    service = manager({**SOCKET, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, Mailbox())

    assert service.alive_every is None


@pytest.mark.parametrize("granted", ["soon", "-1", "0", "1.5", "²"])
def test_a_watchdog_without_a_time(granted: str) -> None:
    """A time that is none is warned of, and nothing else comes of it."""
    warnings: list[str] = []

    service = manager({**SOCKET, "WATCHDOG_USEC": granted}, Mailbox(), warnings)

    assert service.alive_every is None
    assert [
        f"cannot talk to the service manager: WATCHDOG_USEC is {granted!r}, not a number of microseconds"
    ] == warnings


def test_a_manager_that_does_not_listen() -> None:
    """The server goes on, and one line reports it, once."""
    warnings: list[str] = []
    mailbox = Mailbox(full=True)
    service = manager(SOCKET, mailbox, warnings)

    service.ready()
    service.stopping()

    assert [
        "cannot talk to the service manager: /run/systemd/notify: [Errno 111] Connection refused"
    ] == warnings
