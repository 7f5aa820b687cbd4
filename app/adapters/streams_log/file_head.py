"""Names of a stream's files, and what is at the beginning of each."""

import re
from struct import Struct
from typing import NamedTuple

from .record import FILE_HEAD, FORMAT, LEAST, decode, encode, file_salt

MAGIC = b"pynatsd\x01"
_IDENTITY = Struct("<QIH")
"""Incarnation of the stream, number of the file, format."""
_NAME = re.compile(r"(\d{8})\.(segment|journal)")

SEGMENT, JOURNAL = "segment", "journal"
NEW = ".new"
"""Ends the name of a file or directory that is not complete yet."""
GONE = ".gone"
"""Ends the name of a directory that is being removed."""


class StreamIdentity(NamedTuple):
    """Which stream a file belongs to."""

    incarnation: int
    """A number by chance: no other stream has it, not even one of the same name or directory."""
    name: str


class FileHead(NamedTuple):
    """The beginning of a file."""

    identity: StreamIdentity
    number: int
    format: int
    sequence: int
    """In segments: no message is below."""
    time: int
    """Of the message before."""
    epoch: int
    end: int
    checksum: int


def file_name(number: int, kind: str) -> str:
    """The name of a file."""
    return f"{number:08}.{kind}"


def numbers(names: list[str], kind: str) -> list[int]:
    """The numbers of the files of this kind, ascending."""
    matches = map(_NAME.fullmatch, names)
    return sorted(int(match[1]) for match in matches if match is not None and match[2] == kind)


def salt_of(identity: StreamIdentity, kind: str, number: int) -> int:
    """What the checksums of this file have in common."""
    return file_salt(identity.incarnation, kind.encode(), number)


def make_head(
    identity: StreamIdentity, number: int, sequence: int, time: int, epoch: int
) -> tuple[bytes, int]:
    """The beginning of a file, and its checksum."""
    body = _IDENTITY.pack(identity.incarnation, number, FORMAT)
    record, checksum = encode(
        FILE_HEAD, epoch, sequence, time, (identity.name.encode(), b"", body), 0, len(MAGIC)
    )
    return MAGIC + record, checksum


def read_head(data: bytes) -> FileHead | None:
    """The head at the beginning of these bytes; None if there is none that is valid."""
    record = decode(data, len(MAGIC), 0, 0) if data.startswith(MAGIC) else None
    if record is None or record.kind != FILE_HEAD or len(record.body) != _IDENTITY.size:
        return None
    incarnation, number, version = _IDENTITY.unpack(record.body)
    identity = StreamIdentity(incarnation, record.subject.decode("utf-8", "replace"))
    return FileHead(
        identity, number, version, record.sequence, record.time, record.epoch, record.end, record.checksum
    )


def records_after_head(data: bytes, salt: int, name_length: int) -> tuple[int, int]:
    """Where the records of a file begin, and the checksum before them, also if its head is damaged."""
    head = read_head(data)
    if head is not None:
        return head.end, head.checksum
    end = len(MAGIC) + LEAST + name_length + _IDENTITY.size
    first = decode(data, end, 0, salt)
    return end, first.before if first is not None else 0
