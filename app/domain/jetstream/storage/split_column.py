"""Columns in less room: halves of numbers, where that is enough.

Numbers of 64 bits in a row often have the same upper half: times of some seconds, places in one
file. A split column has all lower halves, and the upper ones as runs.
"""

import sys
from array import array
from bisect import bisect_right
from itertools import compress, pairwise
from operator import ne
from typing import overload

_LOW = 0 if sys.byteorder == "little" else 1
_HALF = 32
_MASK = (1 << _HALF) - 1
_MOST_RUNS = 256
"""More runs are not worth it."""


class SplitColumn:
    """A column of numbers of 64 bits, in little more than four bytes each. Numbers are not negative."""

    __slots__ = ("_highs", "_lows", "_starts", "typecode")

    def __init__(self, typecode: str, lows: "array[int]", starts: list[int], highs: list[int]) -> None:
        """`starts` are positions where the upper half becomes another one."""
        self.typecode = typecode
        self._lows = lows
        self._starts = starts
        self._highs = highs

    def __len__(self) -> int:
        return len(self._lows)

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> "array[int]": ...

    def __getitem__(self, at: int | slice) -> "int | array[int]":
        if isinstance(at, slice):
            start, end, _ = at.indices(len(self._lows))
            return self._whole(start, max(start, end))
        low = self._lows[at]
        return self._high(at if at >= 0 else at + len(self._lows)) << _HALF | low

    def _high(self, at: int) -> int:
        return self._highs[bisect_right(self._starts, at) - 1]

    def _whole(self, start: int, end: int) -> "array[int]":
        halves = array("I", bytes(8 * (end - start)))
        halves[_LOW::2] = self._lows[start:end]
        uppers = array("I")
        for (first, last), high in zip(pairwise([*self._starts, len(self._lows)]), self._highs, strict=True):
            uppers.extend(array("I", [high]) * (min(last, end) - max(first, start)))
        halves[1 - _LOW :: 2] = uppers
        return array(self.typecode, halves.tobytes())

    def __setitem__(self, at: int, number: int) -> None:
        """Replace a number; raises `ValueError` unless its upper half is the same."""
        if number >> _HALF != self._high(at):
            raise ValueError(number)
        self._lows[at] = number & _MASK

    def has_above(self, least: int) -> bool:
        """Whether some upper half is not below that of this number."""
        return max(self._highs) >= least >> _HALF

    def whole(self) -> "array[int]":
        """The column as an array."""
        return self._whole(0, len(self._lows))


def split(column: "array[int]") -> "array[int] | SplitColumn":
    """The same in less room, if it may be."""
    halves = array("I", column.tobytes())
    uppers = halves[1 - _LOW :: 2]
    starts = [0]
    if uppers.tobytes() != uppers[:1].tobytes() * len(uppers):
        starts += compress(range(1, len(uppers)), map(ne, uppers[1:], uppers))
    if len(starts) > _MOST_RUNS or not column:
        return array(column.typecode, column.tobytes())
    highs = [uppers[start] for start in starts]
    return SplitColumn(column.typecode, halves[_LOW::2], starts, highs)


def halved(column: "array[int]") -> "array[int]":
    """A column of numbers of 32 bits in 16, if each of them has no more."""
    halves = array("H", column.tobytes())
    if halves[1 - _LOW :: 2].tobytes() != bytes(2 * len(column)):
        return array(column.typecode, column.tobytes())
    return halves[_LOW::2]
