"""Links that end with the process: which are kept, and for how long."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from app.adapters.net_asyncio import kept_links
from app.adapters.net_asyncio.kept_links import KEPT_SECONDS, KeptLinks, end_links
from app.adapters.net_asyncio.send_queue import unread


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that does not end its side is given up sooner."""
    monkeypatch.setattr(kept_links, "LINGER_SECONDS", 0.05)


class Rig:
    """Kept links, a link, and what is to be called later."""

    def __init__(self, at_end: ExitStack, error: Exception | None = None) -> None:
        self.later: list[tuple[float, Callable[[], None]]] = []
        self._error = error
        self.links = KeptLinks(self._call_later)
        self.near, self.far = socket.socketpair()
        self.far.settimeout(0)
        at_end.enter_context(self.near)
        at_end.enter_context(self.far)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        if self._error is not None:
            raise self._error
        self.later.append((seconds, call))

    def keep(self) -> bool:
        """Have the link kept, and close it as its owner does; whether it was kept."""
        is_kept = self.links.keep(self.near.fileno())
        self.near.close()
        return is_kept

    def is_open(self) -> bool:
        """Whether the peer still believes in the link."""
        try:
            return bool(self.far.recv(1))
        except BlockingIOError:
            return True


@pytest.fixture
def at_end() -> Iterator[ExitStack]:
    """What is left is closed."""
    with ExitStack() as stack:
        yield stack


def test_nothing_is_kept_before_the_end(at_end: ExitStack) -> None:
    """Links that end while the server serves do so at once."""
    rig = Rig(at_end)

    assert (False, False, []) == (rig.keep(), rig.is_open(), rig.later)


def test_a_link_is_kept_for_a_moment(at_end: ExitStack) -> None:
    """The peer hears nothing, until the process ends or the moment is over."""
    rig = Rig(at_end)
    rig.links.begin()

    assert (True, True) == (rig.keep(), rig.is_open())
    rig.links.settle()
    assert rig.is_open()
    seconds, too_late = rig.later[0]
    rig.far.shutdown(socket.SHUT_WR)
    too_late()
    assert (KEPT_SECONDS, False) == (seconds, rig.is_open())
    too_late()


def test_a_moment_begins_once(at_end: ExitStack) -> None:
    """It does not begin again with each link, and after it none is kept."""
    first, other = Rig(at_end), Rig(at_end)
    first.links.begin()
    other.links = first.links
    assert [True, True] == [first.keep(), other.keep()]
    assert 1 == len(first.later)

    late = Rig(at_end)
    first.later[0][1]()
    late.links = first.links

    assert [False] * 4 == [late.keep(), *(each.is_open() for each in (first, other, late))]


def test_a_link_with_input_is_not_kept(at_end: ExitStack) -> None:
    """It would be reset: who reads it to its end is its owner."""
    rig = Rig(at_end)
    rig.links.begin()
    rig.far.send(b"PUB a 0\r\n")

    assert (9, False) == (unread(rig.near.fileno()), rig.links.keep(rig.near.fileno()))


def test_input_that_comes_later(at_end: ExitStack) -> None:
    """It is read and discarded before the process ends, so that the peer finds an end of file."""
    talker, quiet = Rig(at_end), Rig(at_end)
    quiet.links = talker.links
    talker.links.begin()
    assert [True, True] == [talker.keep(), quiet.keep()]
    talker.far.send(b"PUB a 0\r\n")
    talker.far.shutdown(socket.SHUT_WR)

    talker.links.settle()

    assert [False, True] == [talker.is_open(), quiet.is_open()]
    talker.later[0][1]()


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), OSError("too many open files")])
def test_what_cannot_be_kept(at_end: ExitStack, error: Exception) -> None:
    """Without a thread, or a descriptor, links end in the usual way."""
    rig = Rig(at_end, error)
    rig.links.begin()

    assert (False, False) == (rig.keep(), rig.is_open())


def test_a_link_that_is_reset(at_end: ExitStack) -> None:
    """A peer that has reset its link is not waited for, nor one that never ends its side."""
    rig, stubborn = Rig(at_end), Rig(at_end)
    reset = os.dup(rig.near.fileno())
    rig.near.send(b"INFO {}\r\n")
    rig.far.close()

    end_links([reset, os.dup(stubborn.near.fileno())])
    stubborn.near.close()

    assert not stubborn.is_open()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reset)


def test_a_link_that_is_not_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TCP link that was reset cannot be shut down: it is over, and nobody waits for its peer."""
    monkeypatch.setattr(kept_links, "LINGER_SECONDS", 3600.0)
    unconnected = socket.socket()
    descriptor = unconnected.detach()

    end_links([descriptor])

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_number_that_is_no_socket() -> None:
    """A system that does not answer has nothing to read."""
    read, write = os.pipe()
    os.close(write)
    os.close(read)

    assert 0 == unread(read)
