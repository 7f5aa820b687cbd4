"""Timers: one timer for many connections with the same delay."""

import math
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import Generic, Protocol, TypeVar

SLACK = 0.1
"""Seconds a due call may be late, so that calls due close together share one timer."""


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Forget the call; harmless when it was made already."""
        ...


class Scheduler(Protocol):
    """What the domain asks of a clock; the contract is in ``app.ports.clock``."""

    def monotonic(self) -> float:
        """Seconds on a scale that never steps, for intervals."""
        ...

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make the call once, `delay` seconds from now, never within this call."""
        ...

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call once, after the current one ends; calls keep their order."""
        ...

    def input_waits(self) -> bool:
        """Whether a peer may have sent what is not read yet; true where that is not known.

        All that is there now will have been read after two calls of `call_soon`, the second made by
        the first: those links come first that are known to be ready, then those that are found.
        """
        ...


T = TypeVar("T", bound=Hashable)


class DueQueue(Generic[T]):
    """Things that fall due a fixed delay after they were added, in that order.

    Adding and removing cost the same however many wait; a timer passes places of removed things, too.
    A thing is due once; the action may add it again.
    """

    __slots__ = ("_action", "_delay", "_due", "_scheduler", "_timer")

    def __init__(self, scheduler: Scheduler, delay: float, action: Callable[[T], None]) -> None:
        """`delay` in seconds; `action` is called with each thing when it is due."""
        self._scheduler = scheduler
        self._delay = delay
        self._action = action
        self._due: dict[T, float] = {}
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._due)

    def set_delay(self, delay: float) -> None:
        """Let all things be due this long after they were added, those that wait too; in seconds."""
        shift = delay - self._delay
        self._delay = delay
        for thing in self._due:
            self._due[thing] += shift
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._next_timer(self._scheduler.monotonic())

    def add(self, thing: T) -> None:
        """Start its delay; restart it if it waits already."""
        due = self._due
        due.pop(thing, None)
        due[thing] = self._scheduler.monotonic() + self._delay
        if self._timer is None:
            self._timer = self._scheduler.call_later(self._delay, self._fire)

    def discard(self, thing: T) -> None:
        """Remove it, if it waits."""
        was_due = self._due.pop(thing, None)
        if was_due is not None and not self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        """Act on what is due; the timer counts as set meanwhile, so that `add` sets no later one."""
        fired, now = self._timer, self._scheduler.monotonic()
        try:
            for thing in self._due_by(now):
                # An action before it may have discarded it, or started its delay again.
                if self._due.get(thing, math.inf) <= now:
                    del self._due[thing]
                    self._action(thing)
        finally:
            if self._timer is fired:
                self._timer = self._next_timer(now)

    def _due_by(self, now: float) -> list[T]:
        return [thing for thing, _ in takewhile(lambda entry: entry[1] <= now, self._due.items())]

    def _next_timer(self, now: float) -> Timer | None:
        """A timer for the first that waits; one whose turn an error took waits a moment."""
        due = next(iter(self._due.values()), None)
        if due is None:
            self._due.clear()  # gives back the room that many have needed
            return None
        return self._scheduler.call_later(max(due - now, min(SLACK, self._delay)), self._fire)
