"""Footers: what a segment has, in columns, so that it need not be read to be indexed."""

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from struct import Struct, error
from typing import NamedTuple

from ...domain.jetstream.storage.chunk import Columns, Span
from ...domain.jetstream.storage.subject_ids import translated
from .run_encoding import column_of, run_encoder

_HEAD = Struct("<IIIQq")
"""Messages, subjects, removed sequences; the last sequence that is used up, and its time."""
_SPAN = Struct("<HIQQ")
"""Length of the name, messages, first, last."""
_FARTHEST = 0xFFFFFFFF


class SegmentColumns:
    """The messages of a segment that is being written."""

    __slots__ = ("_names", "ids", "names", "places", "removes", "sequences", "sizes", "times")

    def __init__(self) -> None:
        self._names: dict[bytes, int] = {}
        self.names: list[bytes] = []
        self.sequences = array("Q")
        self.ids = array("I")
        self.places = array("Q")
        self.times = array("q")
        self.sizes = array("I")
        self.removes = array("Q")
        """What the messages remove."""

    def add(self, sequence: int, subject: bytes, place: int, time: int, size: int) -> None:
        """Add a message."""
        self.sequences.append(sequence)
        id_ = self._names.get(subject)
        self.ids.append(self.number_of(subject) if id_ is None else id_)
        self.places.append(place)
        self.times.append(time)
        self.sizes.append(size)

    def extend(self, columns: Columns, names: Sequence[bytes], sequences: bytes) -> None:
        """Add messages; their ids are positions in `names`, and `sequences` are those of the columns."""
        self.sequences.frombytes(sequences)
        self.ids += translated(columns.ids, [self.number_of(name) for name in names])
        self.places += columns.places
        self.times += columns.times
        self.sizes += columns.sizes

    def number_of(self, subject: bytes) -> int:
        """What stands for a subject in `ids`."""
        id_ = self._names.get(subject)
        if id_ is None:
            id_ = self._names[subject] = len(self.names)
            self.names.append(subject)
        return id_

    def cut(self, messages: int, removes: int) -> None:
        """Keep only these numbers of messages and of what they remove."""
        for column in (self.sequences, self.ids, self.places, self.times, self.sizes):
            del column[messages:]
        del self.removes[removes:]

    def load(self, footer: "Footer") -> None:
        """Go on with what a footer says."""
        self.names = [span.name for span in footer.spans]
        self._names = {name: id_ for id_, name in enumerate(self.names)}
        self.sequences = array("Q", footer.columns.sequences)
        self.ids, self.places = footer.columns.ids, footer.columns.places
        self.times, self.sizes = footer.columns.times, footer.columns.sizes
        self.removes = array("Q", footer.removes)

    def __len__(self) -> int:
        return len(self.ids)


class Footer(NamedTuple):
    """What a footer says."""

    columns: Columns
    spans: list[Span]
    removes: Sequence[int]
    last: int
    last_time: int


def footer_of(columns: SegmentColumns, last: int, last_time: int) -> Footer:
    """The footer for these messages."""
    if len(columns.ids) and columns.sequences[-1] - columns.sequences[0] == len(columns.ids) - 1:
        return _footer_in_a_row(columns, last, last_time)
    counts = Counter(columns.ids)
    lasts = dict(zip(columns.ids, columns.sequences, strict=True))
    firsts = dict(zip(reversed(columns.ids), reversed(columns.sequences), strict=True))
    used = sorted(counts)
    translation = {id_: position for position, id_ in enumerate(used)}
    ids = array("I", map(translation.__getitem__, columns.ids))
    spans = [Span(columns.names[id_], counts[id_], firsts[id_], lasts[id_]) for id_ in used]
    following = _links(ids, columns.sequences, len(used))
    whole = Columns(columns.sequences, ids, columns.places, columns.times, columns.sizes, following)
    return Footer(whole, spans, columns.removes, last, last_time)


def _footer_in_a_row(columns: SegmentColumns, last: int, last_time: int) -> Footer:
    """The same for sequences without a gap, which is nearly all footers, and quicker."""
    ids = columns.ids
    links = run_encoder().links(ids.tobytes(), columns.sequences[0], len(columns.names))
    following = column_of("I", links[0])
    numbers = zip(columns.names, *(memoryview(each).cast("Q") for each in links[1:]), strict=True)
    spans = [Span(*each) for each in numbers]
    used = [span for span in spans if span.messages]
    if len(used) < len(spans):
        places = accumulate((bool(span.messages) for span in spans), initial=0)
        ids = translated(ids, list(places))
    whole = Columns(columns.sequences, ids, columns.places, columns.times, columns.sizes, following)
    return Footer(whole, used, columns.removes, last, last_time)


def _links(ids: "array[int]", sequences: "array[int]", subjects: int) -> "array[int]":
    following = array("I", bytes(4 * len(ids)))
    before = [-1] * subjects
    for position, id_ in enumerate(ids):
        earlier = before[id_]
        if earlier >= 0:
            distance = sequences[position] - sequences[earlier]
            following[earlier] = distance if distance <= _FARTHEST else 0
        before[id_] = position
    return following


def encode_footer(footer: Footer) -> bytes:
    """The body of a footer record."""
    columns, spans, removes, last, last_time = footer
    parts = [_HEAD.pack(len(columns.ids), len(spans), len(removes), last, last_time)]
    parts += [_SPAN.pack(len(span.name), span.messages, span.first, span.last) for span in spans]
    parts += [span.name for span in spans]
    parts += [_dump(array("Q", columns.sequences)), _dump(columns.places), _dump(columns.times)]
    parts += [_dump(columns.ids), _dump(columns.sizes), _dump(columns.following), _dump(array("Q", removes))]
    return b"".join(parts)


def decode_footer(body: bytes) -> Footer | None:
    """What a footer record says; None if it makes no sense."""
    try:
        return _decode(body)
    except (error, ValueError):
        return None


def _decode(body: bytes) -> Footer:
    messages, subjects, removes, last, last_time = _HEAD.unpack_from(body, 0)
    at = _HEAD.size
    heads = [_SPAN.unpack_from(body, at + _SPAN.size * each) for each in range(subjects)]
    at += _SPAN.size * subjects
    spans = []
    for length, count, first, final in heads:
        spans.append(Span(body[at : at + length], count, first, final))
        at += length
    columns = []
    for kind, count in (
        ("Q", messages),
        ("Q", messages),
        ("q", messages),
        *[("I", messages)] * 3,
        ("Q", removes),
    ):
        column = _load(kind, body[at : at + count * array(kind).itemsize])
        if len(column) != count:
            raise ValueError(kind)
        columns.append(column)
        at += count * column.itemsize
    sequences, places, times, ids, sizes, following, removed = columns
    in_a_row: Sequence[int] = sequences
    if messages and sequences[-1] - sequences[0] == messages - 1:
        in_a_row = range(sequences[0], sequences[0] + messages)
    whole = Columns(in_a_row, ids, places, times, sizes, following)
    return Footer(whole, spans, removed, last, last_time)


def _dump(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _load(kind: str, data: bytes) -> "array[int]":
    column: array[int] = array(kind)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
