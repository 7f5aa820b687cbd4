"""Ids of messages that were stored recently (jetstream-streams.md, section 3)."""

from collections import deque
from collections.abc import Sequence

MOST = 1_000_000
MOST_BYTES = 128 * 1024 * 1024
"""Ids that are kept of one stream, and their bytes; beyond that the oldest are forgotten early."""


class DuplicateWindow:
    """Sequences by `Nats-Msg-Id`, for as long as the window lasts.

    Removing a message does not free its id.
    """

    __slots__ = ("_order", "_sequences", "_size", "window")

    def __init__(self, window: int) -> None:
        """`window` in nanoseconds; 0 for none."""
        self.window = window
        self._sequences: dict[bytes, int] = {}
        self._order: deque[tuple[int, bytes, int]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._sequences)

    def find(self, name: bytes, now: int) -> int:
        """The sequence of the message that has this id; 0 for none."""
        self.forget(now)
        return self._sequences.get(name, 0)

    def are_new(self, names: Sequence[bytes], now: int) -> bool:
        """Whether no message has one of these ids, and none is there twice."""
        if not self.window:
            return True
        self.forget(now)
        different = set(names)
        return len(different) == len(names) and different.isdisjoint(self._sequences)

    def add(self, name: bytes, sequence: int, time: int) -> None:
        """A message with this id was stored; times do not decrease."""
        if self.window:
            self._sequences[name] = sequence
            self._order.append((time, name, sequence))
            self._size += len(name)
            while len(self._order) > MOST or self._size > MOST_BYTES:
                self._forget_first()

    def forget(self, now: int) -> None:
        """Drop the ids whose time is over."""
        end = now - self.window
        while self._order and self._order[0][0] <= end:
            self._forget_first()

    def _forget_first(self) -> None:
        _, name, sequence = self._order.popleft()
        self._size -= len(name)
        if self._sequences.get(name) == sequence:
            del self._sequences[name]

    def drop(self, first: int) -> None:
        """Forget the ids of messages from this sequence on: they were taken back."""
        while self._order and self._order[-1][2] >= first:
            _, name, sequence = self._order.pop()
            self._size -= len(name)
            if self._sequences.get(name) == sequence:
                del self._sequences[name]

    @property
    def next_due(self) -> int | None:
        """When it is worth while to forget ids, if nothing is published; None without ids."""
        return self._order[0][0] + 2 * self.window if self._order else None
