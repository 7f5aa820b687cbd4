"""Reading a file record by record, also if it is damaged.

A record that is not valid is either damage or the end of what was written before a crash.
Nothing before a sync is lost in a crash, and nothing is written after what a sync did not cover. So
it is damage if a later record proves that a sync was in between: one that is the first of its
epoch, or one of a later epoch; or if the file is known to be synced beyond it. Then the
records on both sides count. Otherwise the file ends before it.
"""

import re
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from .record import CHECKSUM, FIRST_OF_EPOCH, HEAD, KINDS, LEAST, Record, decode, seed_of

_LENGTH = Struct("<I")

_CANDIDATE = re.compile(
    b"(?=.{4}["
    + b"".join(re.escape(bytes([kind | flag])) for kind in sorted(KINDS) for flag in (0, FIRST_OF_EPOCH))
    + b"].{14}\\x00)",
    re.DOTALL,
)
"""Where a record may begin: its kind is known, and its sequence has less than 56 bits."""


class Damage(NamedTuple):
    """Bytes that are no valid record."""

    start: int
    end: int
    sequence: int = 0
    """If these are the bytes of one record: its sequence, as far as that can be believed."""


class Scan(NamedTuple):
    """What a file has."""

    records: list[Record]
    damage: list[Damage]
    end: int
    """Where it ends: what is beyond was not synced."""
    cut: bytes
    """What is beyond, without the zeros at the end."""
    dropped: int
    """Valid records among that."""


def scan(  # noqa: PLR0913 - by name, but for where it begins
    data: bytes, start: int, before: int, salt: int, *, synced: int, last: int = -1
) -> Scan:
    """Read records from `start` on. Up to `synced` all was synced before, so nothing is cut there.

    `before` is the checksum of what comes before `start`, and `last` its sequence.
    """
    used = start + len(data[start:].rstrip(b"\0"))
    return _judged(_Scanner(data, salt, used).run(start, before, last), data, start, used, synced)


class _Run(NamedTuple):
    """Valid records in a row, after a stretch of bytes that are none."""

    gap: int
    """Where that stretch begins."""
    records: list[Record]


class _Scanner:
    """One pass over the bytes of a file."""

    def __init__(self, data: bytes, salt: int, used: int) -> None:
        self._data = data
        self._salt = salt
        self._used = used

    def run(self, start: int, before: int, last: int) -> list[_Run]:
        """All valid records, in runs."""
        runs = [_Run(start, [])]
        offset = start
        while True:
            for record in self._valid_from(offset, before, last):
                runs[-1].records.append(record)
                offset, before, last = record.end, record.checksum, record.sequence
            if offset >= self._used:
                return runs
            resumed = self._resume(offset, before, last)
            if resumed is None:
                return runs
            if resumed.offset == offset:
                runs[-1].records.append(resumed)
            else:
                runs.append(_Run(offset, [resumed]))
            offset, before, last = resumed.end, resumed.checksum, resumed.sequence

    def _valid_from(self, offset: int, before: int, last: int) -> list[Record]:
        records = []
        while (record := decode(self._data, offset, 0, self._salt)) is not None:
            if record.sequence <= last or record.before != before:
                break
            records.append(record)
            offset, before, last = record.end, record.checksum, record.sequence
        return records

    def _resume(self, offset: int, before: int, last: int) -> Record | None:
        """The record at a bad place if only its checksum is wrong, else the next valid one."""
        corrected = self._with_checksum_of_next(offset)
        if corrected is not None and corrected.sequence > last and corrected.before == before:
            return corrected
        for match in _CANDIDATE.finditer(self._data, offset + 1, self._used):
            record = decode(self._data, match.start(), 0, self._salt)
            if record is not None and record.sequence > last:
                return record
        return None

    def _with_checksum_of_next(self, offset: int) -> Record | None:
        """The record here, if the next one proves it: that has its checksum."""
        data = self._data
        if offset + LEAST > len(data):
            return None
        (length,) = _LENGTH.unpack_from(data, offset)
        end = offset + length
        if length < LEAST or end > len(data):
            return None
        following = decode(data, end, 0, self._salt)
        computed = crc32(data[offset : end - 4], seed_of(self._salt, offset))
        if following is None or following.before != computed:
            return None
        return decode(data[offset : end - 4] + CHECKSUM.pack(computed), offset, offset, self._salt)


def _judged(runs: list[_Run], data: bytes, start: int, used: int, synced: int) -> Scan:
    """Decide which runs count."""
    kept = list(runs[0].records)
    damage: list[Damage] = []
    for position, run in enumerate(runs[1:], 1):
        later = runs[position:]
        if run.gap >= synced and not _proves_sync(later):
            dropped = sum(len(each.records) for each in later)
            return Scan(kept, damage, run.gap, data[run.gap : used], dropped)
        damage.append(_damage(data, run.gap, run.records[0].offset))
        kept += run.records
    end = kept[-1].end if kept else start
    if end < synced:
        damage.append(Damage(end, synced))
        end = synced
    return Scan(kept, damage, end, data[end:used], 0)


def _damage(data: bytes, start: int, end: int) -> Damage:
    """Damage, and whose it is if the length that it begins with is its own."""
    if end - start < LEAST:
        return Damage(start, end)
    length, _, _, _, _, sequence, _, _ = HEAD.unpack_from(data, start)
    return Damage(start, end, sequence if length == end - start else 0)


def _proves_sync(later: list[_Run]) -> bool:
    """Whether what comes later shows that the bytes in between were synced once."""
    records = [record for run in later for record in run.records]
    if records[0].first_of_epoch:
        return True
    return any(record.epoch != records[0].epoch for record in records)
