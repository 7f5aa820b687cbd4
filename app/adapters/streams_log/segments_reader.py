"""Reading the segments of a stream: closed ones by their footers, others record by record."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...domain.jetstream.storage.chunk import WITH_HEADERS
from ...ports.files import File, Files
from .file_head import SEGMENT, FileHead, StreamIdentity, file_name, read_head, records_after_head, salt_of
from .footer import Footer, SegmentColumns, footer_of
from .journal_image import JournalImage, Mark, NewerFormat, cut_off
from .quick_scan import Reached, read_whole
from .record import ERASED, FOOT, FORMAT, MESSAGE, REMOVING_MESSAGE, Record, split_removals
from .run_encoding import HEADERS, OVERHEAD
from .scan import Scan, scan
from .segment import Segment, find_footer

GREATEST_HEAD = 512
DAMAGED = "damaged"
"""The directory for what cannot be used."""


class Found(NamedTuple):
    """What was found of one segment."""

    segment: Segment
    footer: Footer
    scan: Scan | None
    """What follows the part of it that is whole; None if its footer was read."""
    whole_to: int
    """The last sequence of that part; -1 if there is none."""
    data_end: int
    """Where its records end."""
    checksum: int
    epoch: int
    """Of the last record."""

    @property
    def is_good(self) -> bool:
        """Whether it can go on."""
        return self.scan is None or not self.scan.damage


class _Opened(NamedTuple):
    """A segment's file."""

    number: int
    salt: int
    file: File
    head: FileHead | None


class SegmentsReader:
    """Reads the segments of one stream."""

    def __init__(
        self, files: Files, directory: str, identity: StreamIdentity, report: Callable[[str], None]
    ) -> None:
        self._files = files
        self._directory = directory
        self._identity = identity
        self._report = report

    def read_all(self, numbers: list[int], image: JournalImage) -> Iterator[Found]:
        """What all segments have, in order, one at a time. Raises `NewerFormat` and `OSError`."""
        expected = 1
        for number in numbers:
            newest = number == numbers[-1]
            synced = image.mark.end if number == image.mark.number else 0
            one = self._read(number, image.mark, synced=synced if newest else None, expected=expected)
            if one is not None:
                expected = one.segment.last + 1
                yield one

    def _read(self, number: int, mark: Mark, *, synced: int | None, expected: int) -> Found | None:
        """What a segment has; None if it cannot be used. `synced` is None for all of it."""
        name = self._name(number)
        salt = salt_of(self._identity, SEGMENT, number)
        try:
            file = self._files.open(name)
            size = file.size()
            head = read_head(file.read(0, GREATEST_HEAD))
            closed = find_footer(file, size, salt)
            if closed is not None and synced is not None and mark.last < closed[1].last:
                closed = None  # it may have been written, and not what is before it
            data = b"" if closed is not None else file.read(0, size)
        except OSError as error:
            self._report(f"segment {number} cannot be read: {error}")
            return None
        if head is not None and head.format > FORMAT:
            raise NewerFormat(name)
        if head is not None and head.identity.incarnation != self._identity.incarnation:
            self._set_aside(number, file, "belongs to another stream")
            return None
        opened = _Opened(number, salt, file, head)
        if closed is not None:
            return _from_footer(opened, size, *closed)
        return self._from_records(opened, data, mark, synced, expected)

    def _set_aside(self, number: int, file: File, reason: str) -> None:
        name = self._name(number)
        file.close()
        self._report(f"segment {number} {reason}; it is set aside in {DAMAGED}")
        self._files.make_directory(DAMAGED)
        self._files.rename(name, f"{DAMAGED}/{name.replace('/', '-')}")
        self._files.sync_directory(self._directory)
        self._files.sync_directory(DAMAGED)

    def _name(self, number: int) -> str:
        return f"{self._directory}/{file_name(number, SEGMENT)}"

    def _from_records(
        self, opened: _Opened, data: bytes, mark: Mark, synced: int | None, expected: int
    ) -> Found | None:
        number, salt, file, head = opened
        start, before = records_after_head(data, salt, len(self._identity.name.encode()))
        begin = Reached(start, before, -1, *((head.time, head.epoch) if head is not None else (0, 0)))
        columns = SegmentColumns()
        whole = read_whole(data, begin, salt, number, columns)
        used = whole.offset + len(data[whole.offset :].rstrip(b"\0"))
        known = used if synced is None else synced
        found = scan(data, whole.offset, whole.before, salt, synced=known, last=whole.last)
        if head is None:
            if not found.records and whole.last < 0:
                just_made = synced is not None and number > mark.number
                self._drop(number, file, len(data.rstrip(b"\0")), just_made=just_made)
                return None
            self._report(f"the head of segment {number} is damaged; its messages are read all the same")
        last = found.records[-1] if found.records else None
        if last is not None and last.kind == FOOT:
            found = found._replace(cut=b"")
        if found.dropped:
            self._keep_cut(f"{DAMAGED}/{self._directory.replace('/', '-')}-{number}-{found.end}", found.cut)
        if synced is not None:
            cut_off(file, found)
        segment = Segment(number, head.sequence if head is not None else expected, salt)
        segment.file, segment.allocated, segment.end = file, len(data), found.end
        segment.columns, segment.last = columns, max(segment.last, whole.last)
        footer = _footer_from(found.records, columns, segment, whole.time)
        if last is None:
            return Found(segment, footer, found, whole.last, found.end, whole.before, whole.epoch)
        if last.kind == FOOT:
            return Found(segment, footer, found, whole.last, last.offset, last.before, last.epoch)
        return Found(segment, footer, found, whole.last, found.end, last.checksum, last.epoch)

    def _drop(self, number: int, file: File, used: int, *, just_made: bool) -> None:
        """A segment has neither head nor messages."""
        if used or not just_made:
            unsynced = "was not synced before a crash"
            self._set_aside(number, file, unsynced if just_made else "has no message that can be read")
        else:
            file.close()
            self._files.remove(self._name(number))
            self._files.sync_directory(self._directory)

    def _keep_cut(self, name: str, data: bytes) -> None:
        """Keep a copy of what is cut off though it has valid records."""
        self._files.make_directory(DAMAGED)
        file = self._files.create(name)
        file.write(0, [data])
        file.close()


def _footer_from(records: list[Record], columns: SegmentColumns, segment: Segment, time: int) -> Footer:
    """What the footer of a segment would say; adds these records to its columns."""
    for record in records:
        if record.kind == FOOT:
            break
        add_record(columns, record, segment.number)
        time = time if record.kind == ERASED else record.time
        segment.last = record.sequence
    return footer_of(columns, segment.last, time)


def _from_footer(opened: _Opened, size: int, record: Record, footer: Footer) -> Found:
    number, salt, file, head = opened
    first = footer.columns.sequences[0] if footer.spans else footer.last + 1
    segment = Segment(number, head.sequence if head is not None else first, salt)
    segment.file, segment.closed, segment.columns = file, True, None
    segment.end = segment.allocated = size
    segment.last = footer.last
    return Found(segment, footer, None, -1, record.offset, record.before, record.epoch)


def add_record(columns: SegmentColumns, record: Record, number: int) -> None:
    """Note a record in the columns of its segment."""
    if record.kind not in (MESSAGE, REMOVING_MESSAGE):
        return
    payload = len(record.body)
    if record.kind == REMOVING_MESSAGE:
        body, removes = split_removals(record.body)
        payload = len(body)
        columns.removes.extend(removes)
    size = OVERHEAD + len(record.subject) + payload
    if record.headers:
        size += HEADERS + len(record.headers)
    place = number << 32 | record.offset | (WITH_HEADERS if record.headers else 0)
    columns.add(record.sequence, record.subject, place, record.time, size)
