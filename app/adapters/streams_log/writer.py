"""Writing messages: records into segments, and segments one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from ...domain.dataplane.incoming_run import FIELDS, IncomingRun
from ...domain.jetstream.storage.chunk import WITH_HEADERS, Columns, Span
from ...domain.named_tuple import made
from ...ports.files import File, Files, SyncFailed, Write
from .file_head import NEW, SEGMENT, StreamIdentity, file_name, make_head, salt_of
from .footer import SegmentColumns, footer_of
from .record import (
    FIRST_OF_EPOCH,
    LEAST,
    MESSAGE,
    REMOVAL,
    REMOVALS_COUNT,
    REMOVING_MESSAGE,
    SKIP,
    with_removals,
)
from .run_encoding import Chain, run_encoder
from .segment import SEGMENT_SIZE, Segment, encode_closing
from .steps import NO_DESCRIPTOR, Step

FIRST_ALLOCATION = 64 << 10
_GREATEST_ALLOCATION = 4 << 20
"""Bytes of room that a segment gets ahead of what is written, at least and at most."""


QUICK_BYTES = 64 << 10
"""What the page cache takes in some microseconds."""


class Point(NamedTuple):
    """How far everything is written."""

    number: int
    """Of the newest segment; 0 for none."""
    is_open: bool
    """Whether that goes on."""
    end: int
    checksum: int
    messages: int
    removes: int
    last: int
    last_time: int


@dataclass(slots=True)
class _Part:
    """What is to be written to one segment."""

    segment: Segment
    offset: int
    pieces: list[bytes] = field(default_factory=list)
    end: int = 0
    makes: bool = False
    closing: "_Closing | None" = None


class _Closing(NamedTuple):
    columns: SegmentColumns
    checksum: int
    epoch: int
    last: int
    last_time: int


class WrittenRun(NamedTuple):
    """Messages in a row that were given to one segment."""

    segment: Segment
    columns: Columns
    """Their ids are positions in the spans."""
    spans: list[Span]
    data: bytes
    """Their records."""
    offset: int
    """Where these begin in the segment."""


class MessageWriter:
    """The segments of a stream. The loop appends; the worker carries out what `take` returns."""

    __slots__ = (
        "_checksum",
        "_closed",
        "_cut",
        "_directory",
        "_encode",
        "_encode_message",
        "_files",
        "_identity",
        "_new_epoch",
        "_parts",
        "_stale",
        "_taken",
        "_taken_synced",
        "_unsynced",
        "active",
        "ahead",
        "epoch",
        "last",
        "last_time",
        "only_write",
        "segments",
        "size",
        "synced",
        "unfinished",
        "written",
    )

    def __init__(self, files: Files, directory: str, identity: StreamIdentity) -> None:
        self._files = files
        self._directory = directory
        self._identity = identity
        self.size = SEGMENT_SIZE
        encoder = run_encoder()
        self._encode, self._encode_message = encoder.encode_run, encoder.encode_message
        self.ahead = FIRST_ALLOCATION
        self.segments: dict[int, Segment] = {}
        """By number, ascending."""
        self.active: Segment | None = None
        self._checksum = 0
        self.epoch = 0
        self._new_epoch = True
        self._parts: list[_Part] = []
        self._stale: list[str] = []
        """Files that a failed attempt may have left."""
        self._cut = False
        self._unsynced = False
        self.unfinished = False
        """Whether something is being written."""
        self._taken_synced = False
        self.only_write: Write | None = None
        """What `take` has returned, if it is just that."""
        self._closed: list[Segment] = []
        """Segments that get their footers."""
        self.last = 0
        self.last_time = 0
        self.written = Point(0, False, 0, 0, 0, 0, 0, 0)  # noqa: FBT003 - a field
        self.synced = self._taken = self.written

    def resume(self, last: int, last_time: int, active: Segment | None, checksum: int, epoch: int) -> None:
        """Go on after recovery. The active segment, if any, is cut at its end when it is next written."""
        self.last, self.last_time, self.active, self._checksum = last, last_time, active, checksum
        self.epoch = epoch
        self._cut = True
        self.written = self.synced = self._taken = self._point()

    def _point(self) -> Point:
        active = self.active
        if active is None or active.columns is None:
            return Point(self.number, False, 0, 0, 0, 0, self.last, self.last_time)  # noqa: FBT003 - a field
        columns = active.columns
        messages, removes = len(columns.ids), len(columns.removes)
        fields = active.number, True, active.end, self._checksum, messages, removes, self.last, self.last_time
        return made(Point, fields)

    @property
    def number(self) -> int:
        """Of the newest segment."""
        return next(reversed(self.segments), 0)

    def is_pending(self, *, sync: bool) -> bool:
        """Whether something is to be written, or synced."""
        return bool(self._parts) or (sync and self._unsynced)

    @property
    def has_closed(self) -> bool:
        """Whether segments are closed by what was taken."""
        return bool(self._closed)

    @property
    def needs_repair(self) -> bool:
        """Whether files may have what was taken back."""
        return bool(self._stale) or self._cut

    def append(  # noqa: PLR0913, PLR0917 - the fields of a record, in its order
        self,
        sequence: int,
        time: int,
        subject: bytes,
        headers: bytes,
        payload: bytes,
        removes: Sequence[int],
        size: int,
        kind: int = MESSAGE,
    ) -> int:
        """Write a message, or another kind of record; returns its place."""
        removed, length = 0, LEAST + len(subject) + len(headers) + len(payload)
        if removes:
            kind = REMOVING_MESSAGE
            length += REMOVAL * len(removes) + REMOVALS_COUNT
            if len(removes) == 1:
                removed = removes[0]
            else:
                payload = with_removals(payload, removes)
        active = self.active
        if active is None or active.end + length > self.size:
            active = self._segment_for(length)
        parts = self._parts
        if parts and parts[-1].segment is active:
            part = parts[-1]
        else:
            part = _Part(active, active.end)
            parts.append(part)
        if self._new_epoch:
            self._new_epoch = False
            kind |= FIRST_OF_EPOCH
        offset = active.end
        seed = (active.salt ^ offset) & 0xFFFFFFFF
        record, self._checksum = self._encode_message(
            kind, self.epoch, sequence, time, subject, headers, payload, removed, self._checksum, seed
        )
        part.pieces.append(record)
        active.end = part.end = offset + length
        active.last = self.last = sequence
        self.last_time = time
        place = active.number << 32 | offset
        if headers:
            place |= WITH_HEADERS
        columns = active.columns
        if columns is not None and size:
            columns.add(sequence, subject, place, time, size)
            if removes:
                columns.removes.extend(removes)
        return place

    def append_run(self, run: IncomingRun, start: int, sequence: int, time: int) -> WrittenRun:
        """Write messages of a run from `start` on, as many as the segment takes; at least one."""
        _, subject_size, *_, size = run.rows[start * FIELDS : (start + 1) * FIELDS]
        active = self._segment_for(LEAST + subject_size + size)
        kind = MESSAGE | FIRST_OF_EPOCH if self._new_epoch else MESSAGE
        self._new_epoch = False
        offset = active.end
        place = active.number, active.salt, offset, self.size
        encoded = self._encode(run, start, Chain(kind, self.epoch, sequence, time, self._checksum, *place))
        part = self._part(active)
        part.pieces.append(encoded.data)
        self._checksum = encoded.checksum
        active.end = part.end = offset + len(encoded.data)
        active.last = self.last = sequence + encoded.total - 1
        self.last_time = time + encoded.total - 1
        columns, spans = encoded.columns(run, start, sequence), encoded.spans(run)
        if active.columns is not None:
            active.columns.extend(columns, run.names, encoded.sequences)
        return WrittenRun(active, columns, spans, encoded.data, offset)

    def _segment_for(self, length: int) -> Segment:
        """The segment that takes a record of this length: the active one, or the next."""
        active = self.active
        if active is None or (active.end + length > self.size and active.last >= active.first):
            active = self.roll()
        return active

    def skip(self, last: int, time: int) -> None:
        """Write that the sequences up to `last` are used up."""
        self.append(last, time, b"", b"", b"", (), 0, SKIP)

    def _part(self, active: Segment) -> _Part:
        if self._parts and self._parts[-1].segment is active:
            return self._parts[-1]
        part = _Part(active, active.end, end=active.end)
        self._parts.append(part)
        return part

    def roll(self) -> Segment:
        """Close the active segment, and begin the next."""
        if self.active is not None:
            self.close_active()
        number = self.number + 1
        segment = Segment(number, self.last + 1, salt_of(self._identity, SEGMENT, number))
        head, self._checksum = make_head(self._identity, number, self.last + 1, self.last_time, self.epoch)
        segment.end = len(head)
        self.segments[number] = self.active = segment
        self._parts.append(_Part(segment, 0, [head], len(head), makes=True))
        return segment

    def close_active(self) -> None:
        """Close the active segment: it gets a footer, and nothing more."""
        active = self.active
        if active is None or active.columns is None:
            return
        part = self._part(active)
        part.closing = _Closing(active.columns, self._checksum, self.epoch, self.last, self.last_time)
        active.closed, active.last_time = True, self.last_time
        self.active = None

    @property
    def is_quick(self) -> bool:
        """Whether what is to be written is little, and goes on where the last write ended."""
        active, written = self.active, self.written
        if active is None or active.number != written.number or self._stale or self._cut:
            return False
        return active.end - written.end <= QUICK_BYTES

    def write_now(self) -> None:
        """Write what waits, if that is quick; runs on the loop.

        After an error it still waits, and is written again from its begin. Raises `OSError`.
        """
        for part in self._parts:
            write = self._as_write(part, sync=False)
            if write is None:
                self._carry_out(part, sync=False)
            else:
                write.file.write(write.offset, write.pieces)
        self._parts = []
        self._unsynced = True
        self.written = self._point()

    def take(self, *, sync: bool) -> list[Step]:
        """All that is to be written, as steps. With `sync` they end when it is safe."""
        steps: list[Step] = []
        if self._stale:
            steps.append(partial(self._remove_stale, list(self._stale)))
        if self._cut:
            segment = self.segments.get(self.written.number)
            if segment is not None and self.written.is_open:
                steps.append(partial(self._cut_off, segment, self.written.end))
        parts, self._parts = self._parts, []
        self.only_write = self._as_write(parts[0], sync=sync) if len(parts) == 1 and not steps else None
        steps += [partial(self._carry_out, part, sync) for part in parts]
        if sync and self._unsynced and not parts and self.active is not None:
            steps.append(partial(sync_file, self.active))
        self._unsynced = not sync and (self._unsynced or bool(parts))
        self._closed = [part.segment for part in parts if part.closing is not None]
        self._taken_synced = sync
        self.unfinished = bool(parts)
        self._taken = self._point()
        if sync:
            self.epoch = (self.epoch + 1) & 0xFF
            self._new_epoch = True
        return steps

    @staticmethod
    def _as_write(part: _Part, *, sync: bool) -> Write | None:
        """A part that just goes on with a file that has room for it."""
        segment = part.segment
        if segment.file is None or part.closing is not None or part.makes or part.end > segment.allocated:
            return None
        return Write(segment.file, part.offset, part.pieces, sync)

    @staticmethod
    def _cut_off(segment: Segment, end: int) -> None:
        if segment.file is not None:
            segment.file.truncate(end)
            sync_now(segment.file)
            segment.allocated = end

    def _remove_stale(self, names: list[str]) -> None:
        for name in names:
            try:
                self._files.remove(name)
            except FileNotFoundError:
                continue
        self._files.sync_directory(self._directory)

    def _carry_out(self, part: _Part, sync: bool) -> None:  # noqa: FBT001 - for `partial`
        """Write one part; runs in the worker, or on the loop."""
        segment = part.segment
        if part.makes:
            segment.file = self._files.create(self.path(segment))
        file = segment.file
        assert file is not None  # noqa: S101 - it is made with the first part
        closing = part.closing
        pieces = part.pieces
        end = part.end
        if closing is not None:
            footer = footer_of(closing.columns, closing.last, closing.last_time)
            last = encode_closing(footer, closing.checksum, segment.salt, end, closing.epoch)
            pieces, end = [*pieces, last], end + len(last)
        elif end > segment.allocated:
            self._allocate(segment, file, end)
        file.write(part.offset, pieces)
        if closing is not None:
            file.truncate(end)
            segment.allocated = end
        if sync or closing is not None:
            sync_file(segment)
        if part.makes:
            _sync_directory(self._files, self._directory)

    def _allocate(self, segment: Segment, file: File, end: int) -> None:
        ahead = min(max(end, self.ahead), _GREATEST_ALLOCATION)
        try:
            file.allocate(end + ahead)
            segment.allocated = end + ahead
        except OSError:
            file.allocate(end)
            segment.allocated = end

    def path(self, segment: Segment) -> str:
        """The name of its file."""
        return f"{self._directory}/{file_name(segment.number, SEGMENT)}"

    def succeeded(self) -> None:
        """What was taken is written."""
        self.written = self._taken
        self.unfinished = self._cut = False
        self._stale.clear()
        if self._taken_synced:
            self.synced = self.written
        for segment in self._closed:
            segment.end = segment.allocated
            segment.messages = len(segment.columns or ())
            segment.columns = None
        self._closed = []

    def failed(self) -> None:
        """Nothing of it counts: go back to what was written before."""
        self._parts.clear()
        self.unfinished = False
        point = self.written
        for number in [number for number in self.segments if number > point.number]:
            segment = self.segments.pop(number)
            self._stale.append(self.path(segment))
            if segment.file is not None:
                segment.file.close()
        self.active = self.segments.get(point.number) if point.is_open else None
        if self.active is not None and self.active.columns is not None:
            self.active.columns.cut(point.messages, point.removes)
            self.active.closed = False
            self.active.end, self.active.last = point.end, point.last
        self._checksum = point.checksum
        self.last, self.last_time = point.last, point.last_time
        self._cut = self._new_epoch = True
        self.epoch = (self.epoch + 1) & 0xFF

    def close_files(self) -> None:
        """Let go of all files."""
        for segment in self.segments.values():
            if segment.file is not None:
                segment.file.close()
                segment.file = None

    @property
    def used(self) -> int:
        """Bytes on the disk."""
        return sum(max(segment.allocated, segment.end) for segment in self.segments.values())

    def probe(self) -> None:
        """Fail unless there is room again; runs in the worker. Raises `OSError`."""
        name = f"probe{NEW}"
        file = self._files.create(name)
        try:
            file.allocate(self.ahead)
        finally:
            file.close()
            self._files.remove(name)


def sync_file(segment: Segment) -> None:
    """Sync a segment's file. Raises `SyncFailed`."""
    if segment.file is not None:
        sync_now(segment.file)


def sync_now(file: File) -> None:
    """Sync a file. Raises `SyncFailed`."""
    try:
        file.sync()
    except OSError as error:
        raise SyncFailed.of(error) from error


def _sync_directory(files: Files, directory: str) -> None:
    try:
        files.sync_directory(directory)
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise  # it was not opened: what was made there is taken back
        raise SyncFailed.of(error, "sync of the directory") from error
