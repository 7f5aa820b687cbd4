"""Dial rate: a limit on dials to addresses from gossip where no server has answered yet.

A peer can name any address. An honest one names servers, which answer: a dial that leads
to a route costs nothing, so a newcomer meets hundreds of servers as fast as it can dial.
"""

from ..timers import Scheduler

UNKNOWN_AT_ONCE = 32
"""Dials to such addresses that may be made without a pause."""

UNKNOWN_PER_SECOND = 4.0
"""Further ones."""


class DialRate:
    """A supply of permissions that refills with time."""

    __slots__ = ("_at", "_left", "_scheduler")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._left = float(UNKNOWN_AT_ONCE)
        self._at = scheduler.monotonic()

    def take(self) -> bool:
        """Take a permission, if there is one."""
        self._refill()
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def give_back(self) -> None:
        """One was taken for an address that has turned out to be a server's."""
        self._left = min(self._left + 1.0, float(UNKNOWN_AT_ONCE))

    def wait(self) -> float:
        """Seconds until there is one."""
        self._refill()
        return max(0.0, 1.0 - self._left) / UNKNOWN_PER_SECOND

    def _refill(self) -> None:
        now = self._scheduler.monotonic()
        self._left = min(self._left + (now - self._at) * UNKNOWN_PER_SECOND, float(UNKNOWN_AT_ONCE))
        self._at = now
