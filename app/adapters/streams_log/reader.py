"""Reading messages from segments. Every byte is checked before it is given to anyone."""

import sys
from array import array
from bisect import bisect_right

from ...domain.dataplane.message_run import MessageRun, ascending
from ...domain.jetstream.storage.chunk import IndexRun
from ...domain.jetstream.storage.seam import DamagedMessage, StoredMessage
from .file_head import records_after_head
from .record import CHECKSUM, HEAD, MESSAGE, REMOVING_MESSAGE, Record, decode, split_removals
from .record_run import record_checks
from .scan import scan
from .segment import Segment, number_of

_BLOCK = 128 << 10
"""Bytes that are read at once by a reader that goes from message to message."""
_MORE = HEAD.size + 64
"""Bytes that a record has around its message, about."""


class SegmentReader:
    """Reads records; those in a row from one block."""

    __slots__ = ("_base", "_block", "_name_length", "_next", "_segment", "_valid")

    def __init__(self, name: str) -> None:
        """`name` is that of the stream."""
        self._name_length = len(name.encode())
        self._segment = 0
        self._base = 0
        self._block = b""
        self._next = 0
        """Where a reader would go on that reads in a row."""
        self._valid: dict[int, dict[int, Record]] = {}
        """By segment: records that a scan found good, where single ones could not be proved."""

    def forget(self, segment: int) -> None:
        """A segment is not what it was."""
        self._valid.pop(segment, None)
        if self._segment == segment:
            self._block = b""

    def message(self, segment: Segment, offset: int, size: int, sequence: int) -> StoredMessage:
        """The message at an offset; `size` is about its size. Raises `DamagedMessage`."""
        record = self.record(segment, offset, size)
        if record is None or record.kind not in (MESSAGE, REMOVING_MESSAGE) or record.sequence != sequence:
            raise DamagedMessage
        payload = record.body if record.kind == MESSAGE else split_removals(record.body)[0]
        return StoredMessage(record.sequence, record.time, record.subject, record.headers, payload)

    def run(self, segment: Segment, first: int, found: IndexRun, size: int) -> MessageRun | None:
        """Messages in a row that are in this segment and good, `size` bytes at most; None for none."""
        places = found.places
        count = len(places)
        if number_of(places[-1]) != segment.number:
            count = next(at for at, place in enumerate(places) if number_of(place) != segment.number)
        offsets = offsets_of(places[:count])
        begin = offsets[0]
        fitting = bisect_right(offsets, begin + min(size, _BLOCK) - _MORE - found.sizes[0])
        if offsets[-1] < begin or fitting < 1:
            return None
        offsets = offsets[:fitting]
        last = fitting - 1
        length = offsets[last] - begin + found.sizes[last] + _MORE
        subjects, check = found.subjects[:fitting], record_checks().check_records
        block = self._bytes(segment, begin, length)
        bodies = check(block, self._base, segment.salt, offsets, first, subjects)
        if not bodies.ends and self._base != begin:  # the block may be older than the records
            block = self._read(segment, begin, length)
            bodies = check(block, begin, segment.salt, offsets, first, subjects)
        count = len(bodies.ends)
        if not count:
            return None
        self._next = self._base + bodies.ends[-1] + CHECKSUM.size
        return MessageRun(ascending(first, count), found.times[:count], subjects[:count], *bodies, block)

    def record(self, segment: Segment, offset: int, size: int) -> Record | None:
        """The record at an offset; None if its bytes are not those that were written."""
        record = decode(self._bytes(segment, offset, size + _MORE), offset, self._base, segment.salt)
        if record is None and self._base != offset:  # the block may be older than the record
            record = decode(self._read(segment, offset, size + _MORE), offset, offset, segment.salt)
        if record is None:
            at = offset - self._base
            length = int.from_bytes(self._block[at : at + 4], "little")
            if length > size + _MORE:
                record = decode(self._read(segment, offset, length), offset, offset, segment.salt)
        if record is None:
            record = self._proved(segment).get(offset)
        if record is not None:
            self._next = record.end
        return record

    def _bytes(self, segment: Segment, start: int, length: int) -> bytes:
        """A block that has these bytes."""
        if self._segment == segment.number and self._base <= start:
            if start + length <= self._base + len(self._block):
                return self._block
            if start == self._next:
                return self._read(segment, start, max(length, _BLOCK))
        return self._read(segment, start, length)

    def _read(self, segment: Segment, start: int, length: int) -> bytes:
        self._segment, self._base = segment.number, start
        length = min(length, max(segment.end - start, 0))
        try:
            self._block = segment.file.read(start, length) if segment.file is not None else b""
        except OSError:
            self._block = b""
        return self._block

    def _proved(self, segment: Segment) -> dict[int, Record]:
        """The good records of a segment that has damage: a wrong checksum does not spoil its neighbours."""
        found = self._valid.get(segment.number)
        if found is None:
            segment.damaged = True
            try:
                data = segment.file.read(0, segment.end) if segment.file is not None else b""
            except OSError:
                data = b""
            start, before = records_after_head(data, segment.salt, self._name_length)
            records = scan(data, start, before, segment.salt, synced=len(data)).records if data else []
            found = self._valid[segment.number] = {record.offset: record for record in records}
        return found


def offsets_of(places: "array[int]") -> "array[int]":
    """The lower halves of places, at once: see `segment.offset_of`."""
    return array("I", places.tobytes())[sys.byteorder == "big" :: 2]
