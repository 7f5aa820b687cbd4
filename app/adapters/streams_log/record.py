"""Records: what all files of a stream consist of (docs/store-format.md).

A record has the checksum of the one before it, and its own covers that as well as its place in
the file and the identity of the file. So no record is valid at another place or in another
file, and which one it was written after is known.
"""

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

FORMAT = 1
"""Version of all files."""

HEAD = Struct("<IBBHIQqI")
"""Length, kind, epoch, length of subject, length of headers, sequence, time, checksum before."""
CHECKSUM = Struct("<I")
LEAST = HEAD.size + CHECKSUM.size
"""Bytes of the shortest record."""
GREATEST_SUBJECT = 0xFFFF

FIRST_OF_EPOCH = 0x80
"""Flag of a kind: everything before this record was synced before it was written."""

FILE_HEAD, MESSAGE, REMOVING_MESSAGE, SKIP, ERASED, FOOT = range(1, 7)
"""Kinds in segments. A message may name others, which are removed by it; a skip only uses up sequences."""

(
    DOCUMENT,
    CONSUMER,
    CONSUMER_GONE,
    CHANGE,
    CHECKPOINT,
    REMOVED,
    REMOVED_RUNS,
    FLOOR,
    ERASE,
    MARK,
    LOST,
    COMPLETE,
) = range(16, 28)
"""Kinds in journals."""

KINDS = frozenset([*range(1, 7), *range(16, 28)])

_NUMBER = Struct("<I")
_SEQUENCE = Struct("<Q")
_ONE_REMOVED = Struct("<QI")
"""What removes one message, as key-value buckets do with each put."""
REMOVAL, REMOVALS_COUNT = _SEQUENCE.size, _NUMBER.size
"""Bytes in a message for each that it removes, and for their number."""


class Record(NamedTuple):
    """A record that was found."""

    offset: int
    end: int
    kind: int
    first_of_epoch: bool
    epoch: int
    sequence: int
    time: int
    subject: bytes
    headers: bytes
    body: bytes
    """All after the headers."""
    before: int
    """Checksum of the record that it was written after."""
    checksum: int


def file_salt(incarnation: int, kind: bytes, number: int) -> int:
    """What the checksums of one file have in common."""
    return crc32(b"%d %s %d" % (incarnation, kind, number))


def encode(  # noqa: PLR0913, PLR0917 - the fields of a record, in its order
    kind: int,
    epoch: int,
    sequence: int,
    time: int,
    texts: tuple[bytes, bytes, bytes],
    before: int,
    seed: int,
) -> tuple[bytes, int]:
    """A record with subject, headers and body, and its checksum; `seed` is that of its place."""
    subject, headers, body = texts
    length = LEAST + len(subject) + len(headers) + len(body)
    head = HEAD.pack(length, kind, epoch, len(subject), len(headers), sequence, time, before)
    record = b"".join((head, subject, headers, body))
    checksum = crc32(record, seed)
    return record + checksum.to_bytes(4, "little"), checksum


def seed_of(salt: int, offset: int) -> int:
    """The seed of a place: the file's salt, and the offset."""
    return (salt ^ offset) & 0xFFFFFFFF


def with_removals(payload: bytes, removes: Sequence[int]) -> bytes:
    """The body of a message that removes others."""
    if len(removes) == 1:
        return payload + _ONE_REMOVED.pack(removes[0], 1)
    return b"".join((payload, *map(_SEQUENCE.pack, removes), _NUMBER.pack(len(removes))))


def split_removals(body: bytes) -> tuple[bytes, list[int]]:
    """The payload, and what it removes."""
    (count,) = _NUMBER.unpack_from(body, len(body) - 4)
    end = len(body) - 4 - 8 * count
    if end < 0:
        return body, []
    return body[:end], [_SEQUENCE.unpack_from(body, end + 8 * each)[0] for each in range(count)]


def decode(data: bytes, offset: int, base: int, salt: int) -> Record | None:
    """The record at an offset of the file whose bytes from `base` on are `data`; None if it is not valid."""
    start = offset - base
    if start < 0 or start + LEAST > len(data):
        return None
    length, kind, epoch, subject, headers, sequence, time, before = HEAD.unpack_from(data, start)
    bare = kind & ~FIRST_OF_EPOCH
    if not LEAST + subject + headers <= length <= len(data) - start or bare not in KINDS:
        return None
    seed = seed_of(salt, offset)
    end = start + length
    (stored,) = CHECKSUM.unpack_from(data, end - 4)
    if bare == ERASED:
        if not _is_erased(data[start:end], time, seed):
            return None
        texts = b"", b"", b""
    else:
        if crc32(memoryview(data)[start : end - 4], seed) != stored:
            return None
        split = start + HEAD.size + subject
        texts = (
            data[start + HEAD.size : split],
            data[split : split + headers],
            data[split + headers : end - 4],
        )
    first = bool(kind & FIRST_OF_EPOCH)
    return Record(offset, base + end, bare, first, epoch, sequence, time, *texts, before, stored)


def erased(record: Record, seed: int) -> bytes:
    """What overwrites a message: its checksum stays, for the record after it has that in its own.

    In place of the time it has a checksum of its own.
    """
    length = record.end - record.offset
    kind = ERASED | (FIRST_OF_EPOCH if record.first_of_epoch else 0)
    blank = bytes(length - LEAST)
    tail = CHECKSUM.pack(record.checksum)
    own = crc32(
        HEAD.pack(length, kind, record.epoch, 0, 0, record.sequence, 0, record.before) + blank + tail, seed
    )
    return HEAD.pack(length, kind, record.epoch, 0, 0, record.sequence, own, record.before) + blank + tail


def _is_erased(data: bytes, own: int, seed: int) -> bool:
    length, kind, epoch, subject, headers, sequence, _, before = HEAD.unpack_from(data, 0)
    head = HEAD.pack(length, kind, epoch, subject, headers, sequence, 0, before)
    return own == crc32(head + data[HEAD.size :], seed)
