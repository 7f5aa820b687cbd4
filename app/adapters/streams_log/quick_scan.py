"""Reading the part of a segment that is whole: message after message, into columns.

What is not whole is left to `scan`, which goes on from where this ends.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple, cast
from zlib import crc32

from ...domain.jetstream.storage.chunk import WITH_HEADERS
from .footer import SegmentColumns
from .record import (
    ERASED,
    FIRST_OF_EPOCH,
    HEAD,
    LEAST,
    MESSAGE,
    REMOVING_MESSAGE,
    SKIP,
    decode,
    split_removals,
)
from .run_encoding import HEADERS, OVERHEAD

_KIND = ~FIRST_OF_EPOCH


class Reached(NamedTuple):
    """How far records were read."""

    offset: int
    before: int
    """The checksum of the last record."""
    last: int
    """Its sequence; -1 if there was none."""
    time: int
    """Of the last record that has one."""
    epoch: int


def read_whole(data: bytes, begin: Reached, salt: int, number: int, columns: SegmentColumns) -> Reached:
    """Read records as long as each is valid and follows the one before; `number` is that of the segment."""
    read_messages = message_reader()
    while True:
        begin = read_messages(data, begin, salt, number, columns)
        record = decode(data, begin.offset, 0, salt)
        if record is None or record.kind not in (SKIP, ERASED):
            return begin
        if record.before != begin.before or record.sequence <= begin.last:
            return begin
        time = begin.time if record.kind == ERASED else record.time
        begin = Reached(record.end, record.checksum, record.sequence, time, record.epoch)


ReadMessages = Callable[[bytes, Reached, int, int, SegmentColumns], Reached]
"""Reads messages from where something was reached, up to what is none; see `read_whole`."""


@cache
def message_reader() -> ReadMessages:
    """The compiled one where it is built."""
    try:
        return cast("ReadMessages", import_module(".native_records", __package__).read_messages)
    except ImportError:
        return read_plainly


def read_plainly(data: bytes, begin: Reached, salt: int, number: int, columns: SegmentColumns) -> Reached:
    """See `ReadMessages`; the calls that decode, number and add a record are written out here, for speed."""
    offset, before, last, time, epoch = begin
    view, unpack, size, of_kind, head = memoryview(data), HEAD.unpack_from, len(data), _KIND, HEAD.size
    greatest, segment, numbers = size - LEAST, number << 32, dict[bytes, int]()
    add_sequence, add_id, add_place = columns.sequences.append, columns.ids.append, columns.places.append
    add_time, add_size = columns.times.append, columns.sizes.append
    while offset <= greatest:
        length, kind, its_epoch, subject_size, headers, sequence, its_time, its_before = unpack(data, offset)
        split = offset + head + subject_size
        body, end = split + headers, offset + length - 4
        bare = kind & of_kind
        if its_before != before or sequence <= last or not body <= end <= size - 4:
            break
        checksum = crc32(view[offset:end], (salt ^ offset) & 0xFFFFFFFF)
        if checksum.to_bytes(4, "little") != data[end : end + 4]:
            break
        if bare == MESSAGE:
            payload = end - body
        elif bare == REMOVING_MESSAGE:
            content, removes = split_removals(data[body:end])
            payload = len(content)
            columns.removes.extend(removes)
        else:
            break
        subject = data[offset + head : split]
        id_ = numbers.get(subject)
        if id_ is None:
            id_ = numbers[subject] = columns.number_of(subject)
        add_sequence(sequence)
        add_id(id_)
        if headers:
            add_place(segment | offset | WITH_HEADERS)
            add_size(OVERHEAD + subject_size + payload + HEADERS + headers)
        else:
            add_place(segment | offset)
            add_size(OVERHEAD + subject_size + payload)
        add_time(its_time)
        offset, before, last, time, epoch = end + 4, checksum, sequence, its_time, its_epoch
    return Reached(offset, before, last, time, epoch)
