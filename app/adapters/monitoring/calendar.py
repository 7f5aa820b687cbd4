"""From the monotonic scale, on which the broker measures, to the dates people read."""

from typing import Protocol

_STEP = 0.5
"""Seconds by which the two clocks may disagree before the wall clock counts as stepped."""


class Clock(Protocol):
    """The two scales."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...


class Calendar:
    """Dates moments: the same moment has the same date until the wall clock is set anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = clock.time() - clock.monotonic()

    def date(self, moment: float) -> float:
        """Seconds since the epoch, of a moment on the monotonic scale."""
        epoch = self._clock.time() - self._clock.monotonic()
        if abs(epoch - self._epoch) > _STEP:
            self._epoch = epoch
        return self._epoch + moment

    def now(self) -> float:
        """Seconds since the epoch, now."""
        return self._clock.time()
