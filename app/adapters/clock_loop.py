"""The clock of a running server: timers of its event loop, and the wall clock."""

import asyncio
import time
from collections.abc import Callable

from ..ports.clock import Clock, Timer


class LoopClock(Clock):
    """Real time, and calls made by one event loop.

    ``monotonic`` is the loop's own scale, so that readings and timers agree. All
    methods belong to the loop's thread.
    """

    monotonic: Callable[[], float]
    """Asked for each line of the control plane, so it is the bare function."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Take `loop`, or the one that runs now; raises `RuntimeError` when none does."""
        self._loop = loop or asyncio.get_running_loop()
        own = type(self._loop).time is not asyncio.BaseEventLoop.time
        self.monotonic = self._loop.time if own else time.monotonic  # what the method of asyncio returns

    def time(self) -> float:
        return time.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay, call)

    def call_soon(self, call: Callable[[], None]) -> None:
        self._loop.call_soon(call)
