"""A clock whose long timers run out when a test says so, and not while a machine stands still."""

import asyncio
from collections.abc import Callable

from app.adapters.clock_loop import LoopClock
from app.ports.clock import Timer

LIMIT = 7000.0
"""Seconds; a limit that a test sets to this is over after `HeldClock.run_out`."""

_ABOUT = 600.0
"""A part of a limit may have been used, or it may be counted from a moment ago."""


class HeldTimer(Timer):
    """A call that waits for the test."""

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forget the call."""
        self.call = None


class HeldClock(LoopClock):
    """The clock of the loop, but for timers of about `LIMIT`."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[HeldTimer] = []
        self._skipped = 0.0
        self._part = 0.0
        real = self.monotonic
        self.monotonic = lambda: real() + self._skipped

    @property
    def held(self) -> int:
        """How many timers wait for the test."""
        self._held = [timer for timer in self._held if timer.call is not None]
        return len(self._held)

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """As usual, or when the test lets time pass."""
        if min(abs(delay - LIMIT), abs(delay - LIMIT + self._part)) > _ABOUT:
            return super().call_later(delay, call)
        timer = HeldTimer(self.monotonic() + delay, call)
        self._held.append(timer)
        return timer

    async def run_out(self, count: int = 1) -> None:
        """Let `LIMIT` pass, once this many timers wait."""
        await self._until_held(count)
        waiting, self._held = self._held, []
        self._skipped += LIMIT
        for timer in waiting:
            if timer.call is not None:
                timer.call()

    async def advance(self, seconds: float) -> None:
        """Let a part of `LIMIT` pass, once a timer waits: one that is set again meanwhile is due later."""
        await self._until_held(1)
        self._part = seconds  # what is left of a limit may be waited for by a new timer
        self._skipped += seconds
        now = self.monotonic()
        due = [timer for timer in self._held if timer.due <= now]
        self._held = [timer for timer in self._held if timer.due > now]
        for timer in due:
            if timer.call is not None:
                timer.call()

    async def _until_held(self, count: int) -> None:
        while self.held < count:  # noqa: ASYNC110 - timers are set in this loop, and tell nobody
            await asyncio.sleep(0)
