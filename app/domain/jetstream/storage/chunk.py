"""A chunk: what is known of 16,384 sequences in a row, in flat arrays.

Without gaps a message has the slot of its distance from the first one. With gaps the
chunk is sparse: it has a further array with the sequence of each slot. A message that is
removed leaves its slot with id 0, until three slots of four are such. A chunk that nothing is
added to any more is packed: its columns are as narrow as their numbers allow.
"""

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import NamedTuple

from .split_column import SplitColumn, halved, split

SPAN_BITS = 14
SPAN = 1 << SPAN_BITS
"""Sequences of a chunk."""

COMPACTED_FROM = 256
"""Slots; smaller chunks are not worth it."""

NONE = -1
"""No slot."""

NEAR = 32
"""Slots that are looked at one by one, before all are searched at once."""

_FARTHEST = 0xFFFFFFFF

WITH_HEADERS = 1 << 63
"""Flag of a place: the message has headers."""


class Columns(NamedTuple):
    """Messages in ascending order, by column. All columns have the same length."""

    sequences: Sequence[int]
    ids: "array[int]"
    places: "array[int]"
    times: "array[int]"
    sizes: "array[int]"
    following: "array[int]"

    def part(self, start: int, end: int) -> "Columns":
        """Those in these positions."""
        sequences, ids, places, times, sizes, following = self
        if not start and end == len(sequences):
            return self
        at = slice(start, end)
        return Columns(sequences[at], ids[at], places[at], times[at], sizes[at], following[at])


class IndexRun(NamedTuple):
    """What the index knows of messages in a row; all columns have the same length."""

    subjects: list[bytes]
    places: "array[int]"
    times: "array[int]"
    sizes: "array[int]"


class IndexEntry(NamedTuple):
    """What the index knew of a message that was removed."""

    sequence: int
    subject: bytes
    place: int
    time: int
    size: int


class Span(NamedTuple):
    """A subject among many messages that are loaded at once."""

    name: bytes
    messages: int
    first: int
    last: int


class Chunk:
    """The messages of `SPAN` sequences."""

    __slots__ = (
        "base",
        "following",
        "ids",
        "is_packed",
        "live",
        "offsets",
        "places",
        "sizes",
        "start",
        "times",
    )

    def __init__(self, number: int, start: int) -> None:
        """`start` is the first sequence that will be in it."""
        self.base = number << SPAN_BITS
        self.start = start
        self.offsets: array[int] | None = None
        """Sequences of the slots, from `base`; None as long as there are no gaps."""
        self.ids = array("I")
        """The number of the subject; 0 for a message that is removed."""
        self.places: array[int] | SplitColumn = array("Q")
        self.times: array[int] | SplitColumn = array("q")
        self.sizes = array("I")
        """0 for a message that is removed."""
        self.following = array("I")
        """How far the next message of the same subject is, if that was appended later; a hint."""
        self.live = 0
        self.is_packed = False

    def pack(self) -> None:
        """Have less room; what changes more than a message unpacks it."""
        if not self.is_packed:
            places, times = self._wide()
            self.places, self.times = split(places), split(times)
            self.ids, self.sizes, self.following = map(halved, (self.ids, self.sizes, self.following))
            self.is_packed = True

    def unpack(self) -> "tuple[array[int], array[int]]":
        """Have columns that can be added to; returns the wide ones: places and times."""
        if self.is_packed:
            self.places, self.times = self._wide()
            self.ids, self.sizes, self.following = (
                array("I", column) for column in (self.ids, self.sizes, self.following)
            )
            self.is_packed = False
        return self._wide()

    def _wide(self) -> "tuple[array[int], array[int]]":
        places, times = self.places, self.times
        return (
            places.whole() if isinstance(places, SplitColumn) else places,
            times.whole() if isinstance(times, SplitColumn) else times,
        )

    def slot(self, sequence: int) -> int:
        """Where a message is, also one that is removed; `NONE` if it has no slot."""
        if self.offsets is None:
            at = sequence - self.start
            return at if 0 <= at < len(self.ids) else NONE
        wanted = sequence - self.base
        at = bisect_left(self.offsets, wanted)
        return at if at < len(self.offsets) and self.offsets[at] == wanted else NONE

    def slot_from(self, sequence: int) -> int:
        """The first slot for this sequence or a higher one; the number of slots if there is none."""
        if self.offsets is None:
            return min(max(sequence - self.start, 0), len(self.ids))
        return bisect_left(self.offsets, sequence - self.base)

    def sequence(self, slot: int) -> int:
        """The sequence of a slot."""
        return self.start + slot if self.offsets is None else self.base + self.offsets[slot]

    def messages(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Sequence, place and size of the messages in these slots."""
        sequences: Sequence[int] = range(self.start + start, self.start + end)
        if self.offsets is not None:
            sequences = [self.base + offset for offset in self.offsets[start:end]]
        rows = zip(sequences, self.places[start:end], self.sizes[start:end], strict=True)
        return compress(rows, self.ids[start:end])

    def append(self, sequence: int, id_: int, place: int, time: int, size: int) -> None:
        """Add a message above all others."""
        if self.offsets is None and sequence != self.start + len(self.ids):
            self._have_gaps()
        if self.offsets is not None:
            self.offsets.append(sequence - self.base)
        places, times = self.places, self.times
        if isinstance(places, SplitColumn) or isinstance(times, SplitColumn) or self.is_packed:
            places, times = self.unpack()
        self.ids.append(id_)
        places.append(place)
        times.append(time)
        self.sizes.append(size)
        self.following.append(0)
        self.live += 1

    def extend(self, columns: Columns) -> None:
        """Add messages above all others."""
        sequences = columns.sequences
        if sequences[0] != self.start + len(self.ids) or sequences[-1] - sequences[0] != len(sequences) - 1:
            self._have_gaps()
        if self.offsets is not None:
            self.offsets.extend(sequence - self.base for sequence in sequences)
        places, times = self.unpack()
        self.ids += columns.ids
        places += columns.places
        times += columns.times
        self.sizes += columns.sizes
        self.following += columns.following
        self.live += len(sequences)

    def run(self, slot: int, most: int) -> int:
        """How many messages in a row are there from this slot on, `most` at most."""
        ids, offsets = self.ids[slot : slot + most], self.offsets
        count = len(ids)
        if self.live < len(self.ids) and 0 in ids:
            count = ids.index(0)
        if offsets is not None and offsets[slot + count - 1] - offsets[slot] != count - 1:
            steps = (offsets[slot + at] - offsets[slot] - at for at in range(count))
            count = next(at for at, step in enumerate(steps) if step)
        return count

    def insert(self, sequence: int, id_: int, place: int, time: int, size: int) -> None:
        """Have a message again that was removed."""
        slot = self.slot(sequence)
        places, times = self.unpack()
        if slot == NONE:
            offsets = self._have_gaps()
            slot = self.slot_from(sequence)
            offsets.insert(slot, sequence - self.base)
            self.following.insert(slot, 0)
            for column in (self.ids, places, times, self.sizes):
                column.insert(slot, 0)
        self.ids[slot], self.sizes[slot] = id_, size
        places[slot], times[slot] = place, time
        self.live += 1

    def remove(self, slot: int) -> None:
        """Remove a message that is there."""
        self.ids[slot] = self.sizes[slot] = 0
        self.live -= 1

    def cut(self, slot: int) -> None:
        """Drop the slots from this one on; those messages were removed."""
        for column in (*self.unpack(), self.ids, self.sizes, self.following):
            del column[slot:]
        if self.offsets is not None:
            del self.offsets[slot:]

    def compact(self) -> None:
        """Drop the slots of what is removed, if these are most."""
        if len(self.ids) < COMPACTED_FROM or self.live * 4 >= len(self.ids):
            return
        was_packed, (places, times), ids = self.is_packed, self.unpack(), self.ids
        self.offsets = array("H", compress(self._have_gaps(), ids))
        self.places = array("Q", compress(places, ids))
        self.times = array("q", compress(times, ids))
        self.sizes = array("I", compress(self.sizes, ids))
        self.following = array("I", compress(self.following, ids))
        self.ids = array("I", compress(ids, ids))
        if was_packed:
            self.pack()

    def move(self, slot: int, place: int) -> None:
        """Note that a message is at another place."""
        place |= self.places[slot] & WITH_HEADERS
        try:
            self.places[slot] = place
        except ValueError:
            self.unpack()[0][slot] = place

    def link(self, slot: int, distance: int) -> None:
        """Note how far the next message of the same subject is, unless that is very far."""
        distance = distance if distance <= _FARTHEST else 0
        try:
            self.following[slot] = distance
        except OverflowError:
            self.following = array("I", self.following)
            self.following[slot] = distance

    def forget(self, end: int) -> None:
        """Have no message before this slot; they are not counted."""
        self.ids[:end] = array(self.ids.typecode, [0]) * end
        self.sizes[:end] = array(self.sizes.typecode, [0]) * end

    def _have_gaps(self) -> "array[int]":
        if self.offsets is None:
            first = self.start - self.base
            self.offsets = array("H", range(first, first + len(self.ids)))
        return self.offsets

    def next_live(self, slot: int) -> int:
        """The first slot from this one on with a message that is there."""
        ids = self.ids
        if slot < len(ids) and ids[slot]:
            return slot
        for end in (slot + NEAR, len(ids)):
            rest = ids[slot:end].tobytes()
            stripped = rest.lstrip(b"\0")
            if stripped:
                return slot + (len(rest) - len(stripped)) // ids.itemsize
        return NONE

    def next_with_headers(self, slot: int) -> int:
        """The first slot from this one on with a message that is there and has headers."""
        if isinstance(self.places, SplitColumn) and not self.places.has_above(WITH_HEADERS):
            return NONE
        flagged = compress(range(slot, len(self.ids)), map(WITH_HEADERS.__le__, self.places[slot:]))
        return next((at for at in flagged if self.ids[at]), NONE)

    def previous_live(self, slot: int) -> int:
        """The last slot up to this one with a message that is there."""
        ids = self.ids
        if slot >= 0 and ids[slot]:
            return slot
        width = ids.itemsize
        for start in (max(slot + 1 - NEAR, 0), 0):
            found = (len(ids[start : slot + 1].tobytes().rstrip(b"\0")) + width - 1) // width
            if found:
                return start + found - 1
        return NONE

    def next_of(self, id_: int, slot: int) -> int:
        """The first slot from this one on with this subject."""
        if id_ in self.ids[slot : slot + NEAR]:
            return self.ids.index(id_, slot)
        width = self.ids.itemsize
        data, key = self.ids.tobytes(), self._key(id_)
        at = data.find(key, slot * width)
        while at % width and at >= 0:
            at = data.find(key, at + 1)
        return at // width

    def previous_of(self, id_: int, slot: int) -> int:
        """The last slot up to this one with this subject."""
        width = self.ids.itemsize
        data, key = self.ids.tobytes(), self._key(id_)
        end = slot * width + width
        at = data.rfind(key, 0, end)
        while at % width and at >= 0:
            at = data.rfind(key, 0, at + width - 1)
        return at // width

    def _key(self, id_: int) -> bytes:
        """What stands for an id among the bytes of `ids`; nothing there is equal to it if it is too high."""
        return id_.to_bytes(max(self.ids.itemsize, (id_.bit_length() + 7) // 8), sys.byteorder)

    def next_in(self, mask: bytearray, slot: int) -> int:
        """The first slot from this one on whose subject is in the mask."""
        hits = map(mask.__getitem__, self.ids[slot:])
        return next(compress(range(slot, len(self.ids)), hits), NONE)

    def slots_in(self, mask: bytearray, slot: int, end: int) -> Iterator[int]:
        """The slots from this one on and before `end` whose subjects are in the mask."""
        return compress(range(slot, end), map(mask.__getitem__, self.ids[slot:end]))

    def previous_in(self, mask: bytearray, slot: int) -> int:
        """The last slot up to this one whose subject is in the mask."""
        hits = map(mask.__getitem__, reversed(self.ids[: slot + 1]))
        return next(compress(range(slot, -1, -1), hits), NONE)

    def count_in(self, mask: bytearray, start: int, end: int) -> int:
        """Messages in these slots whose subject is in the mask."""
        return sum(map(mask.__getitem__, self.ids[start:end]))

    def count(self, start: int, end: int) -> int:
        """Messages in these slots."""
        if self.live == len(self.ids):
            return max(end - start, 0)
        return len(self.ids[start:end]) - self.ids[start:end].count(0)

    def by_subject(self, end: int) -> Counter[int]:
        """How many messages each subject has before this slot."""
        counts = Counter(self.ids[:end])
        del counts[0]
        return counts

    def runs(self) -> Iterator[tuple[int, int]]:
        """The sequences that are there, as first and last of each run."""
        slot = self.next_live(0)
        while slot != NONE:
            end = self._end_of_run(slot)
            yield self.sequence(slot), self.sequence(end)
            slot = self.next_live(end + 1)

    def _end_of_run(self, slot: int) -> int:
        end, ids = slot, self.ids
        if self.offsets is None:
            gap = self.next_of(0, slot)
            return len(ids) - 1 if gap == NONE else gap - 1
        while end + 1 < len(ids) and ids[end + 1] and self.offsets[end + 1] == self.offsets[end] + 1:
            end += 1
        return end
