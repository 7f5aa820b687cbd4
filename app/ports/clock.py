"""Clock: the time, and calls that are made later.

Intervals are measured on the monotonic scale, so that a step of the wall clock
neither disconnects nor delays anyone; the wall clock is for people to read.
"""

from typing import Protocol

from ..domain.timers import Scheduler, Timer

__all__ = ["Clock", "Timer"]


class Clock(Scheduler, Protocol):
    """Time in seconds, as floats."""

    def time(self) -> float:
        """Seconds since the epoch, for people."""
        ...

    def time_ns(self) -> int:
        """The same in nanoseconds; asked for each message of a stream."""
        return round(self.time() * 1e9)
