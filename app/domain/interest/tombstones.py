"""Tombstones: the queue groups of members that have just left.

Another server may have drawn such a member before its end was announced there. The message
names it by its sid on routes alone, so that is what its group is remembered by.
"""

from ..timers import Scheduler

TOMBSTONE_SECONDS = 60.0
"""How long a member is remembered: longer than a route may be silent, so nothing is under way for it then."""

MOST_TOMBSTONES = 8192
"""Members that are remembered; a new one takes the place of the oldest."""

TOMBSTONE_BUDGET = 2 * 1024 * 1024
"""Bytes for all of them: each costs `TOMBSTONE_COST` plus its sid and its group's name."""

TOMBSTONE_COST = 200


class Tombstones:
    """The groups of members that have left, by their sids on routes."""

    __slots__ = ("_cost", "_groups", "_scheduler")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._groups: dict[bytes, tuple[float, bytes]] = {}
        """Until when, and which group; the oldest first."""
        self._cost = 0

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def cost(self) -> int:
        """What they cost, as `TOMBSTONE_BUDGET` counts."""
        return self._cost

    def add(self, sid: bytes, queue: bytes) -> None:
        """This member has left this group."""
        self._drop(sid)
        now = self._scheduler.monotonic()
        self._groups[sid] = now + TOMBSTONE_SECONDS, queue
        self._cost += _cost_of(sid, queue)
        while self._is_over(now):
            self._drop(next(iter(self._groups)))

    def group_of(self, sid: bytes) -> bytes | None:
        """The group that a member left a short time ago; None if there is no such member."""
        until, queue = self._groups.get(sid, (0.0, b""))
        if until > self._scheduler.monotonic():
            return queue
        self._drop(sid)
        return None

    def _is_over(self, now: float) -> bool:
        """Whether the oldest has to go."""
        if len(self._groups) > MOST_TOMBSTONES or self._cost > TOMBSTONE_BUDGET:
            return True
        until, _ = next(iter(self._groups.values()))
        return until <= now

    def _drop(self, sid: bytes) -> None:
        known = self._groups.pop(sid, None)
        if known is not None:
            self._cost -= _cost_of(sid, known[1])


def _cost_of(sid: bytes, queue: bytes) -> int:
    return TOMBSTONE_COST + len(sid) + len(queue)
