"""When messages end by themselves: by `max_age` or by a TTL (jetstream-streams.md, section 5)."""

import heapq

from ..storage.seam import DamagedMessage, StreamLog
from . import headers
from .durations import NEVER, SECOND, parse_ttl

_SLACK = 64
"""Entries of removed messages that the heap may have besides as many as there are messages."""


class Expiry:
    """The messages of a stream in the order of their end."""

    def __init__(self, log: StreamLog) -> None:
        self._log = log
        self._ends: list[tuple[int, int]] = []
        """Ends by TTL and sequences; a heap. Some of the messages may be gone."""
        self._next_by_age = 0
        """All messages below are gone, or never end by age."""
        self.max_age = 0
        """Nanoseconds; 0 for no limit."""
        self.has_ttls = False

    def __len__(self) -> int:
        return len(self._ends)

    def set(self, max_age: int, *, has_ttls: bool) -> None:
        """What the configuration says now; existing messages are judged again."""
        self.max_age = max_age
        self.has_ttls = has_ttls
        self._next_by_age = 0

    def add(self, sequence: int, time: int, ttl: int) -> None:
        """A message has a TTL in seconds."""
        if ttl > 0:
            heapq.heappush(self._ends, (time + ttl * SECOND, sequence))
            if len(self._ends) > 2 * self._log.count + _SLACK:
                self._ends = [each for each in self._ends if self._log.time_of(each[1])]
                heapq.heapify(self._ends)

    def drop(self, first: int) -> None:
        """Messages from this sequence on were taken back."""
        self._ends = [each for each in self._ends if each[1] < first]
        heapq.heapify(self._ends)

    @property
    def next_due(self) -> int | None:
        """When the next message ends; None if none will."""
        by_ttl = self._ends[0][0] if self._ends else None
        by_age = self._age_due()
        if by_ttl is None or by_age is None:
            return by_ttl if by_age is None else by_age
        return min(by_ttl, by_age)

    def _age_due(self) -> int | None:
        if not self.max_age:
            return None
        sequence = self._log.next(max(self._next_by_age, self._log.first))
        return self._log.time_of(sequence) + self.max_age if sequence else None

    def pop(self, now: int) -> int:
        """The sequence of a message that has ended; 0 if there is none. The caller removes it."""
        while self._ends and self._ends[0][0] <= now:
            _, sequence = heapq.heappop(self._ends)
            if self._log.time_of(sequence):
                return sequence
        while (due := self._age_due()) is not None and due <= now:
            sequence = self._log.next(max(self._next_by_age, self._log.first))
            self._next_by_age = sequence + 1
            if not self._is_for_ever(sequence):
                return sequence
        return 0

    def _is_for_ever(self, sequence: int) -> bool:
        if not self.has_ttls:
            return False
        try:
            message = self._log.read(sequence)
        except DamagedMessage:
            return False
        return message is not None and parse_ttl(headers.field(message.headers, headers.TTL)) == NEVER
