"""The clock of a running server: timers of its event loop, and the wall clock."""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Protocol, cast

from ..ports.clock import Clock, Timer


class LoopClock(Clock):
    """Real time, and calls made by one event loop.

    ``monotonic`` is the loop's own scale, so that readings and timers agree. All
    methods belong to the loop's thread.
    """

    monotonic: Callable[[], float]
    """Asked for each line of the control plane, so it is the bare function."""
    time_ns: Callable[[], int]
    """Likewise."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Take `loop`, or the one that runs now; raises `RuntimeError` when none does."""
        self._loop = loop or asyncio.get_running_loop()
        own = type(self._loop).time is not asyncio.BaseEventLoop.time
        self.monotonic = self._loop.time if own else time.monotonic  # what the method of asyncio returns
        self.time_ns = time.time_ns
        self._poll = _poll_of(self._loop)

    def time(self) -> float:
        return time.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay, call)

    def call_soon(self, call: Callable[[], None]) -> None:
        self._loop.call_soon(call)

    def input_waits(self) -> bool:
        return self._poll is None or bool(self._poll(0))


Poll = Callable[[int], list[tuple[int, int]]]
"""What is ready of a set of descriptors, after this number of milliseconds at most."""


class _Selector(Protocol):
    """What loops of asyncio ask the system with."""

    def fileno(self) -> int:
        """Its own descriptor; not all kinds have one."""
        ...


class _AsyncioLoop(Protocol):
    """A loop of asyncio: what it shares with no other."""

    _selector: _Selector


class _UvLoop(Protocol):
    """A loop of uvloop, likewise."""

    def _get_backend_id(self) -> int: ...


def _poll_of(loop: asyncio.AbstractEventLoop) -> Poll | None:
    """Asks whether the loop's next round would find anything; None where nobody knows.

    The descriptor in which epoll or kqueue keeps a loop's sockets is ready when one of these is.
    """
    try:
        if hasattr(loop, "_get_backend_id"):
            descriptor = cast("_UvLoop", loop)._get_backend_id()  # noqa: SLF001 - no loop makes it public
        else:
            descriptor = cast("_AsyncioLoop", loop)._selector.fileno()  # noqa: SLF001 - the same
        polling = select.poll()
        polling.register(descriptor, select.POLLIN)
    except (AttributeError, OSError, ValueError):  # another loop, or another system
        return None
    return polling.poll
