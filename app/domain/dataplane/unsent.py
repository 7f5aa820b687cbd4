"""What a wire has not passed on yet, kept for those who ask what it is: only of a receiver that is slow."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

KEPT_FROM = 256 * 1024
"""Pending bytes from which on it is kept; a wire announces that it drained from there on (`HIGH_WATER`)."""

MOST_KEPT = 2 * 1024 * 1024
"""Bytes that are kept for one receiver, and one flush more."""

Pieces = bytes | Sequence[bytes]


class UnsentFlush(NamedTuple):
    """What was handed over at once: it begins and ends with whole lines and messages."""

    pieces: Pieces
    passed: int
    """Bytes at its beginning that were passed on."""


class KeepsUnsent(Protocol):
    """An outbox that knows what its wire has not passed on."""

    def unsent(self) -> Sequence[UnsentFlush]:
        """Flushes that are pending, or a part of them, oldest first.

        What was handed over while less than `KEPT_FROM` or a quarter of `alarm` was pending is not known,
        nor what there was no room for.
        """
        ...


class Unsent:
    """The flushes of one outbox. Bytes are counted from the first that was ever handed over."""

    __slots__ = ("_flushes", "_size")

    def __init__(self) -> None:
        self._flushes: deque[tuple[int, int, Pieces]] = deque()
        """Where each begins and ends, and what it is."""
        self._size = 0

    def add(self, pieces: Pieces, size: int, handed: int) -> None:
        """A flush of `size` bytes, with which `handed` bytes were handed over."""
        if self._size < MOST_KEPT:
            self._flushes.append((handed - size, handed, pieces))
            self._size += size

    def passed(self, passed: int) -> None:
        """The first `passed` bytes were passed on: what ends before is let go of."""
        flushes = self._flushes
        while flushes and flushes[0][1] <= passed:
            begin, end, _ = flushes.popleft()
            self._size -= end - begin

    def rest(self, passed: int) -> list[UnsentFlush]:
        """What is left."""
        self.passed(passed)
        return [UnsentFlush(pieces, max(0, passed - begin)) for begin, _, pieces in self._flushes]
