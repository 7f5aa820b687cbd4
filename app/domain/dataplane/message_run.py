"""Messages of a stream in a row, in flat pieces: a log hands them to the data plane without an object each.

Columns are arrays of signed 64-bit numbers (`q`), all of the same length.
"""

import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

LANES = 256
"""Numbers that are made at once."""


class MessageRun(NamedTuple):
    """Stored messages, with ascending sequences."""

    sequences: "array[int]"
    times: "array[int]"
    """Nanoseconds since the epoch."""
    subjects: list[bytes]
    heads: "array[int]"
    """How many bytes of each are headers."""
    starts: "array[int]"
    """Where headers and payload begin in `data`."""
    ends: "array[int]"
    data: bytes


class AckNumbers(NamedTuple):
    """What the reply subject of a run's first message says."""

    prefix: bytes
    """`$JS.ACK.<stream>.<consumer>.<deliveries>.`"""
    number: int
    """The consumer sequence of the first message; those after it count on."""
    pending: int
    """Messages that follow after the first one; it counts down."""


class AckRun(NamedTuple):
    """Plain acks in a row, for messages of one consumer, without replies."""

    end: int
    """Where the next message begins."""
    sid: bytes
    """Of the subscription that they came for."""
    stream: bytes
    consumer: bytes
    sequences: "array[int]"
    """Those of the stream, as the acks name them."""


def zeros(count: int) -> "array[int]":
    """A column of zeros."""
    return array("q", bytes(8 * count))


@lru_cache(maxsize=2048)
def _lanes(count: int) -> tuple[int, int]:
    """The numbers from 0 on, and as many ones, each in 64 bits of one large number."""
    places = range(0, 64 * count, 64)
    return sum(number << at for number, at in enumerate(places)), sum(1 << at for at in places)


def ascending(first: int, count: int) -> "array[int]":
    """A column of numbers that follow each other, none of them negative.

    One addition makes all of them: as objects they cost ten times as much.
    """
    if count == 1:
        return array("q", (first,))
    column = array("q")
    for start in range(first, first + count, LANES):
        numbers = min(LANES, first + count - start)
        steps, ones = _lanes(numbers)
        column.frombytes((start * ones + steps).to_bytes(8 * numbers, sys.byteorder))
    if sys.byteorder == "big":  # pragma: no cover - the first number is the lowest
        column.reverse()
    return column


def joined(  # noqa: PLR0913, PLR0917 - the columns of a run, in its order
    sequences: "array[int]",
    times: "array[int]",
    subjects: list[bytes],
    heads: "array[int]",
    bodies: Sequence[bytes],
    size: int,
) -> MessageRun | None:
    """A run of the first of these, with `size` bytes of bodies at most; None if the first has more."""
    ends = array("q", accumulate(map(len, bodies)))
    count = bisect_right(ends, size)
    if not count:
        return None
    if count < len(ends):
        sequences, times, subjects = sequences[:count], times[:count], subjects[:count]
        heads, bodies, ends = heads[:count], bodies[:count], ends[:count]
    starts = array("q", (0,)) + ends[:-1]
    return MessageRun(sequences, times, subjects, heads, starts, ends, b"".join(bodies))
