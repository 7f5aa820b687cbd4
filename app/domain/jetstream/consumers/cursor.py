"""The cursor of a consumer: the next message to deliver, and the number of messages after it."""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import islice

from ..storage.seam import StreamLog
from .filters import Filters

HEARD = 1024
"""Sequences that are remembered from reports; a consumer with more of them searches."""


class Cursor:
    """The place of a consumer in its stream. `num_pending` is exact at any time."""

    __slots__ = ("_at", "_counted", "_heard", "_log", "_skip", "filters", "next", "pending", "resume")

    def __init__(self, log: StreamLog, filters: Filters, following: int, committed: int) -> None:
        """`following` is the first sequence that may be delivered, `committed` the last that is safe."""
        self._log = log
        self.filters = filters
        self.next = following
        self.resume = 0
        """Up to here only the newest message of each subject is delivered; 0 for none of that."""
        self._skip: array[int] | None = None
        """Those newest ones that are not delivered yet, from the index `_at` on."""
        self._at = 0
        self.pending = 0
        """Messages that match and were not delivered."""
        self._counted = 0
        """Up to here they are counted in `pending`; `stored` reports all above."""
        self._heard: deque[int] | None = None
        """All that are pending, if they were reported since nothing was: they need no search."""
        self.count(committed)

    def follow_newest(self, resume: int, committed: int) -> None:
        """Deliver the newest of each subject up to `resume` first, in order, and all after it."""
        newest = {
            state.last
            for pattern in self.filters.subjects or (b">",)
            for _, state in self._log.subjects(pattern)
            if self.next <= state.last <= resume
        }
        self.resume = resume
        self._skip, self._at = array("q", sorted(newest)), 0
        self.count(committed)

    def count(self, committed: int) -> None:
        """Count what is pending again, up to the last that is safe."""
        start, initial = self.next, 0
        if self._skip is not None:
            kept = [s for s in self._skip[self._at :] if self._log.subject_of(s) is not None]
            self._skip, self._at = array("q", kept), 0
            initial, start = len(kept), max(start, self.resume + 1)
        unsafe = max(start, committed + 1)
        self.pending = initial + self._log.count_from(start, self.filters.subjects)
        self.pending -= self._log.count_from(unsafe, self.filters.subjects)
        self._counted = unsafe - 1
        self._heard = None

    def refilter(self, filters: Filters, committed: int) -> None:
        """Deliver what these filters want, from here on."""
        self.filters = filters
        self._skip, self.resume = None, 0
        self.count(committed)

    def stored(self, sequence: int, *, is_awaited: bool = False) -> None:
        """A message that the filters match is there. `is_awaited`: it will be delivered soon."""
        if sequence > self._counted:
            self._counted = sequence
            self.pending += 1
            if self.filters.subjects:
                self._hear(sequence, is_awaited=is_awaited)

    def _hear(self, sequence: int, *, is_awaited: bool) -> None:
        if not is_awaited:
            self._heard = None
        elif self.pending == 1:
            self._heard = deque((sequence,))
        elif self._heard is not None:
            self._heard.append(sequence)
            if len(self._heard) > HEARD:
                self._heard = None

    def removed(self, sequence: int) -> None:
        """A message that the filters match went: `stored` reported it, or it was counted."""
        if sequence > self._counted:
            return
        self._heard = None
        if self._skip is not None and sequence <= self.resume:
            at = bisect_left(self._skip, sequence, self._at)
            if at < len(self._skip) and self._skip[at] == sequence:
                del self._skip[at]
                self.pending -= 1
        elif sequence >= self.next:
            self.pending -= 1

    def peek(self, committed: int) -> int:
        """The sequence of the next message; 0 if there is none up to `committed`."""
        if self._skip is not None:
            if self._at < len(self._skip):
                sequence = self._skip[self._at]
                return sequence if sequence <= committed else 0
            self._skip, self.next = None, max(self.next, self.resume + 1)
        if self.next > committed:
            return 0
        if self._heard:
            return self._heard[0] if self._heard[0] <= committed else 0
        found = self._log.next(self.next, self.filters.subjects)
        if not found or found > committed:
            self.next = committed + 1
            return 0
        self.next = found
        return found

    def direct(self, committed: int) -> int:
        """The sequence that is tried first, if it needs no search; 0 otherwise."""
        if self._skip is not None or self.filters.subjects or self.next > committed:
            return 0
        return self.next

    def next_run(self, committed: int, most: int) -> Sequence[int]:
        """The sequences of the next messages, ascending, `most` at most; there may be more.

        None of them where only `peek` knows: while the newest message of each subject is delivered.
        """
        if most <= 0 or self._skip is not None:
            return ()
        if not self.filters.subjects:
            return range(self.next, min(self.next + most, committed + 1))
        first = self.peek(committed)
        if first and most == 1:
            return (first,)
        if first and self._heard:
            return [sequence for sequence in islice(self._heard, most) if sequence <= committed]
        return self._log.matching(first, committed + 1, most, self.filters.subjects) if first else ()

    def advance_run(self, last: int, count: int) -> None:
        """`count` of those that `next_run` named were delivered, up to the sequence `last`."""
        self.pending -= count
        self.next = last + 1
        if self._heard:
            for _ in range(count):
                self._heard.popleft()

    def advance(self, sequence: int) -> None:
        """The message that `peek` found was delivered, or is not to be delivered."""
        self.pending -= 1
        self.next = sequence + 1
        if self._heard:
            self._heard.popleft()
        if self._skip is not None:
            self._at += 1
            if self._at == len(self._skip):
                self._skip, self.next = None, max(self.next, self.resume + 1)

    def is_wanted(self, sequence: int) -> bool:
        """Whether a message that is not delivered yet will be."""
        if sequence < self.next:
            return False
        if self._skip is None or sequence > self.resume:
            return True
        at = bisect_left(self._skip, sequence, self._at)
        return at < len(self._skip) and self._skip[at] == sequence

    def jump(self, following: int, committed: int) -> None:
        """Go on from this sequence."""
        self.next = following
        self._skip, self.resume = None, 0
        self.count(committed)

    def purged(self, first: int, committed: int) -> None:
        """Nothing below `first` is there, and other messages may have gone."""
        self.next = max(self.next, first)
        self.count(committed)
