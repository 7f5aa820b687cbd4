"""What all streams use together, by kind of storage."""

from collections.abc import Callable, Mapping

from ...timers import Scheduler
from .hosted import HostedStream

EXACT = 16
"""Streams up to which the sum is made again each time it is asked for."""

STALE_SECONDS = 0.05
"""How old the sum of more streams may be, or a sum that is far below the limit."""

FAR = 1 << 30
"""Bytes below a limit that cannot be stored within that time."""


class Usage:
    """Sums; nothing is counted where there is no limit."""

    def __init__(self, streams: Mapping[str, HostedStream], scheduler: Scheduler) -> None:
        self._streams = streams
        self._clock: Callable[[], float] = scheduler.monotonic
        self._known: dict[bool, tuple[float, int]] = {}

    def used(self, *, in_memory: bool) -> int:
        """Bytes of all messages."""
        streams = self._streams.values()
        return sum(each.stream.size for each in streams if each.stream.config.in_memory is in_memory)

    def used_lately(self, *, in_memory: bool) -> int:
        """The same; of many streams it may be some ms old."""
        if len(self._streams) <= EXACT:
            return self.used(in_memory=in_memory)
        now = self._clock()
        known = self._known.get(in_memory)
        if known is None or now - known[0] > STALE_SECONDS:
            known = self._known[in_memory] = now, self.used(in_memory=in_memory)
        return known[1]

    def is_over(self, limit: int, *, in_memory: bool) -> bool:
        """Whether more than this is used; asked for each message that is stored alone."""
        known = self._known.get(in_memory)
        if known is not None and known[1] < limit - FAR and self._clock() - known[0] <= STALE_SECONDS:
            return False
        used = self.used_lately(in_memory=in_memory)
        if used < limit - FAR and len(self._streams) <= EXACT:
            self._known[in_memory] = self._clock(), used
        return used > limit

    def is_far_below(self, limit: int, *, in_memory: bool) -> bool:
        """Whether so much less is used that it cannot be reached within `STALE_SECONDS`."""
        return self.used_lately(in_memory=in_memory) < limit - FAR

    def reserved(self, *, in_memory: bool) -> int:
        """Bytes that configurations set aside."""
        streams = self._streams.values()
        return sum(each.stream.reserved for each in streams if each.stream.config.in_memory is in_memory)

    @property
    def consumers(self) -> int:
        """How many consumers there are."""
        return sum(len(each.consumers) for each in self._streams.values())
