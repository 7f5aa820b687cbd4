"""A byte in a pipe is a call on the loop."""

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
