"""A byte in a pipe is a call on the loop."""

import errno
import os
from collections.abc import Callable

import pytest

from app.adapters.files_os.write_signal import WriteSignal


def test_bytes_are_one_call() -> None:
    """Those that are there already; none is no harm either."""
    watched: dict[int, Callable[[], None]] = {}
    calls: list[str] = []

    def watch(descriptor: int, call: Callable[[], None]) -> Callable[[], None]:
        watched[descriptor] = call
        return watched.clear

    signal = WriteSignal(watch, lambda: calls.append("called"))
    ((reading, signalled),) = watched.items()
    os.write(signal.descriptor, b"...")
    signalled()
    signalled()
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    assert calls == ["called", "called"]
    signal.close()

    assert watched == {}
    for closed in (reading, signal.descriptor):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(closed)


def test_nothing_is_left_open_if_it_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop may have no room for one more."""
    made: list[int] = []
    pipe2 = os.pipe2

    def noted(flags: int) -> tuple[int, int]:
        made.extend(pipe2(flags))
        return made[0], made[1]

    def full(_descriptor: int, _call: Callable[[], None]) -> Callable[[], None]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pipe2", noted)
    with pytest.raises(OSError, match="No space"):
        WriteSignal(full, lambda: None)
    for closed in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(closed)

    assert len(made) == 2
