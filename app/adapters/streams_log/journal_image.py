"""The content of a stream's journals."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...domain.jetstream.storage.seam import Document
from ...ports.files import File, Files, SyncFailed
from .consumers import Consumers, from_json
from .file_head import JOURNAL, FileHead, file_name, read_head, records_after_head, salt_of
from .record import (
    CHANGE,
    CHECKPOINT,
    COMPLETE,
    CONSUMER,
    CONSUMER_GONE,
    DOCUMENT,
    ERASE,
    FLOOR,
    FORMAT,
    LOST,
    MARK,
    REMOVED,
    REMOVED_RUNS,
    Record,
)
from .removals import unpack
from .scan import Scan, scan

_OF_CONSUMERS = frozenset([CONSUMER, CONSUMER_GONE, CHANGE, CHECKPOINT])


class NewerFormat(Exception):
    """A file was written by a later version of the server."""


@dataclass(slots=True)
class Mark:
    """Up to here a segment was synced."""

    number: int = 0
    end: int = 0
    last: int = 0
    time: int = 0


@dataclass(slots=True)
class JournalImage:
    """The entries of the journals, taken together."""

    document: Document | None = None
    floor: int = 0
    last: int = 0
    last_time: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)
    """What was removed."""
    erase: list[int] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    mark: Mark = field(default_factory=Mark)

    def take(self, record: Record, consumers: Consumers) -> None:
        """Take in an entry. Raises `ValueError` when it makes no sense."""
        kind, body = record.kind, record.body
        if kind in _OF_CONSUMERS:
            consumers.recover(kind, record.subject, body)
        elif kind == DOCUMENT:
            self.document = from_json(body)
        elif kind == REMOVED:
            self.runs += [(each, each) for each in unpack(body)]
        elif kind == REMOVED_RUNS:
            self.runs += _pairs(body)
        elif kind == FLOOR:
            floor, last, time = unpack(body)
            self.floor = max(self.floor, floor)
            self.used(max(last, floor - 1), time)
        elif kind == ERASE:
            self.erase += unpack(body)
        elif kind == LOST:
            self.lost = _pairs(body)
        elif kind == MARK:
            self.mark = Mark(*unpack(body))
            self.used(self.mark.last, self.mark.time)

    def used(self, last: int, time: int) -> None:
        """Sequences up to here are used up."""
        self.last = max(self.last, last)
        self.last_time = max(self.last_time, time)

    @property
    def highest(self) -> int:
        """No sequence up to here may be used again."""
        return max([self.last, *(end for _, end in self.runs)])


def _pairs(body: bytes) -> list[tuple[int, int]]:
    flat = unpack(body)
    return list(zip(flat[::2], flat[1::2], strict=False))


@dataclass(slots=True)
class JournalFile:
    """One journal, as it was found."""

    number: int
    file: File
    head: FileHead
    scan: Scan

    @property
    def is_whole(self) -> bool:
        """Whether it has all it began with."""
        return not self.scan.damage and any(record.kind == COMPLETE for record in self.scan.records)

    @property
    def checksum(self) -> int:
        """What the next record goes on from."""
        return self.scan.records[-1].checksum if self.scan.records else self.head.checksum

    @property
    def epoch(self) -> int:
        """That of its last record."""
        return self.scan.records[-1].epoch if self.scan.records else self.head.epoch


def open_journal(
    files: Files, directory: str, number: int, report: Callable[[str], None]
) -> JournalFile | None:
    """Read a journal; None if it cannot be used. Raises `NewerFormat`."""
    name = f"{directory}/{file_name(number, JOURNAL)}"
    try:
        file = files.open(name)
        data = file.read(0, file.size())
    except OSError as error:
        report(f"journal {number} cannot be read: {error}")
        return None
    head = read_head(data)
    if head is None or head.number != number:
        report(f"journal {number} has no valid head")
        file.close()
        return None
    if head.format > FORMAT:
        raise NewerFormat(name)
    salt = salt_of(head.identity, JOURNAL, number)
    start, before = records_after_head(data, salt, 0)
    found = scan(data, start, before, salt, synced=0)
    if found.damage:
        size = sum(each.end - each.start for each in found.damage)
        report(f"journal {number} has {size} damaged bytes; all its other entries are used")
    return JournalFile(number, file, head, found)


def cut_off(file: File, found: Scan) -> None:
    """Remove what was not synced before a crash. Raises `OSError`."""
    if found.cut:
        file.truncate(found.end)
    try:
        file.sync()
    except OSError as error:
        raise SyncFailed(error.errno, f"sync failed: {error.strerror}") from error
