"""The messages of one stream, on disk."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Protocol

from ...domain.dataplane.incoming_run import IncomingRun
from ...domain.dataplane.message_run import MessageRun
from ...domain.jetstream.storage.chunk import WITH_HEADERS, IndexEntry
from ...domain.jetstream.storage.index import Index
from ...domain.jetstream.storage.indexed_log import IndexedLog
from ...domain.jetstream.storage.seam import (
    DamagedMessage,
    Done,
    Lost,
    StorageFailure,
    StoredMessage,
)
from ...domain.named_tuple import made
from .fast_path import StoreNow, never
from .reader import SegmentReader
from .removals import PendingRemovals
from .run_encoding import HEADERS, OVERHEAD
from .segment import NUMBER, Segment, number_of, offset_of
from .tail import Tail
from .tail_block import TailBlock
from .writer import MessageWriter

_SEQUENCE = itemgetter(0)
_WORTH_A_NEW_SEGMENT = 64 << 10
_REPORTED = 20
"""Damaged messages that are reported one by one."""


class LogCommits(Protocol):
    """Who carries out what is to be written."""

    def commit(self, done: Done, *, only_messages: bool) -> None:
        """Have it done, then call `done`."""
        ...

    def commit_now(self) -> bool:
        """Have messages done here and now, if that takes no wait."""
        ...

    def later(self) -> None:
        """Have it done within 100 ms."""
        ...

    def propose_removal(self, sequences: Sequence[int], done: Done, *, erase: bool) -> None:
        """See `StreamLog`."""
        ...

    def propose_removal_before(self, sequence: int, done: Done) -> None:
        """See `StreamLog`."""
        ...

    def damage_found(self, text: str) -> None:
        """Damage was met when a message was read."""
        ...


def _nothing_to_write() -> bool:
    return True


class FileLog(IndexedLog):
    """Messages by sequence. A place is the number of a segment, and an offset in 32 bits."""

    def __init__(
        self, name: str, index: Index, writer: MessageWriter, removals: PendingRemovals, tail: Tail
    ) -> None:
        super().__init__(index)
        self._writer = writer
        self._removals = removals
        self._tail = tail
        self._reader = SegmentReader(name)
        self._commits: LogCommits | None = None
        self.commit_now: Callable[[], bool] = _nothing_to_write
        """That of the one that writes: a call less for each message that is stored alone."""
        self.store_now: StoreNow = never
        self.read_last: Callable[[bytes], StoredMessage | None] = self.find_last
        """See `StreamLog`."""
        self._undo: list[IndexEntry] = []
        """What messages removed that are not written."""
        self._undo_taken = 0
        self.failure: StorageFailure | None = None
        self._lost: dict[int, int] = {}
        """Damaged messages and their sizes."""
        self._lost_bytes = 0
        self._reported = 0
        self.relaxed = False

    def attach(self, commits: LogCommits) -> None:
        """Name the one that writes."""
        self._commits = commits
        self.commit_now = commits.commit_now

    @property
    def lost(self) -> Lost | None:
        if not self._lost and not self._lost_bytes:
            return None
        return Lost(tuple(sorted(self._lost)), self._lost_bytes)

    def note_lost(self, sequences: Sequence[int], size: int) -> None:
        """These are damaged."""
        self._lost.update(dict.fromkeys(sequences, 0))
        self._lost_bytes += size

    def size_of(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        return OVERHEAD + len(subject) + len(payload) + (HEADERS + len(headers) if headers else 0)

    def append(
        self, subject: bytes, headers: bytes, payload: bytes, time: int, removes: Sequence[int] = ()
    ) -> int:
        index = self._index
        sequence = index.last + 1
        size = OVERHEAD + len(subject) + len(payload)
        if headers:
            size += HEADERS + len(headers)
        writer = self._writer
        place = writer.append(sequence, time, subject, headers, payload, removes, size)
        index.append(sequence, subject, place, time, size)
        active = writer.active
        assert active is not None  # noqa: S101 - it has the message
        active.live += 1
        self._tail.add(made(StoredMessage, (sequence, time, subject, headers, payload)))
        for each in removes:
            entry = self._remove(each)
            if entry is not None:
                self._undo.append(entry)
        return sequence

    def append_run(self, run: IncomingRun, time: int) -> int:
        first, start = self._index.last + 1, 0
        while start < run.count:
            written = self._writer.append_run(run, start, first + start, time + start)
            columns, count = written.columns, len(written.columns.sequences)
            self._index.extend(columns, written.spans)
            written.segment.live += count
            last = first + start + count - 1
            self._tail.add_block(TailBlock(first + start, last, written.data, written.offset, columns.places))
            start += count
        return first

    def skip(self, last: int, time: int) -> None:
        if last > self._index.last:
            self._removals.skipped(self._index.last + 1, last)
            self._writer.skip(last, max(time, self._index.last_time))
            self._index.skip(last, time)

    def _remove(self, sequence: int) -> IndexEntry | None:
        entry = self._index.remove(sequence)
        if entry is not None:
            self._tail.discard(sequence)
            segment = self._writer.segments[entry.place >> 32 & NUMBER]
            segment.live -= 1
            if segment.live * 2 < segment.messages or not segment.live:
                self._removals.note_empty(segment.number)
        return entry

    def remove(self, sequences: Sequence[int], *, erase: bool = False) -> int:
        removed = []
        for sequence in sequences:
            entry = self._remove(sequence)
            if entry is not None:
                removed.append(sequence)
                if erase:
                    self._removals.erase(sequence, entry.place)
        self._removals.add(removed)
        self._later()
        return len(removed)

    def remove_before(self, sequence: int) -> int:
        if sequence > self._index.last + 1:
            self.skip(sequence - 1, self._index.last_time)
        removed = self._index.remove_before(sequence)
        self._tail.discard_before(sequence)
        self._removals.all_before(sequence)
        for segment in self._writer.segments.values():
            if segment.live and segment.last < sequence:
                segment.live = 0
                self._removals.note_empty(segment.number)
            elif segment.live and segment.first < sequence:
                segment.live = self._count_in(segment)
                if segment.live * 2 < segment.messages or not segment.live:
                    self._removals.note_empty(segment.number)
        if self.failure is None:
            self.close_empty()
        self._later()
        return removed

    def close_empty(self) -> None:
        """Close the active segment if no message is left in it, so that its room is given back."""
        active = self._writer.active
        if active is not None and not active.live and active.end > _WORTH_A_NEW_SEGMENT:
            self._writer.close_active()

    def propose_removal(self, sequences: Sequence[int], done: Done, *, erase: bool = False) -> None:
        if self._commits is None:
            done(None)
        else:
            self._commits.propose_removal(sequences, done, erase=erase)

    def propose_removal_before(self, sequence: int, done: Done) -> None:
        if self._commits is None:
            done(None)
        else:
            self._commits.propose_removal_before(sequence, done)

    def _count_in(self, segment: Segment) -> int:
        return self._index.count_from(segment.first) - self._index.count_from(segment.last + 1)

    def _later(self) -> None:
        if self._commits is not None:
            self._commits.later()

    def read(self, sequence: int) -> StoredMessage | None:
        message = self._tail.get(sequence)
        if message is not None:
            return message
        place = self._index.place_of(sequence)
        if place is None:
            return None
        block = self._tail.block_of(sequence)
        if block is not None:
            return block.message(sequence)
        segment = self._writer.segments[number_of(place)]
        try:
            message = self._reader.message(segment, offset_of(place), self._index.size_at(sequence), sequence)
        except DamagedMessage:
            self._damaged(sequence, segment)
            raise
        return message

    def find_last(self, subject: bytes) -> StoredMessage | None:
        """See `StreamLog.read_last`."""
        message = self._tail.get(self._index.last_at_most(subject))  # there are none that are removed
        if message is not None and message.subject == subject:
            return message
        sequence = self._index.last_of(subject)
        return self.read(sequence) if sequence else None

    def read_run(self, first: int, most: int, size: int) -> MessageRun | None:
        tail = self._tail
        block = tail.block_of(first)
        if block is not None:
            found = self._index.run(first, min(most, block.last - first + 1))
            salt = self._writer.segments[number_of(block.places[0])].salt
            return None if found is None else block.run(first, found, salt, size)
        run = tail.run(first, most, size)
        most = min(most, tail.written - first + 1)
        if run is not None or most < 1:
            return run
        found = self._index.run(first, most)
        if found is None:
            return None
        return self._reader.run(self._writer.segments[number_of(found.places[0])], first, found, size)

    def _damaged(self, sequence: int, segment: Segment) -> None:
        if sequence not in self._lost:
            self._lost[sequence] = 0
            self._lost_bytes += self._index.size_at(sequence)
            self._report_damage(f"message {sequence} is damaged in segment {segment.number}")

    def _report_damage(self, text: str) -> None:
        self._reported += 1
        if self._commits is not None and self._reported <= _REPORTED:
            self._commits.damage_found(text)
        elif self._commits is not None and self._reported == _REPORTED + 1:
            self._commits.damage_found("more messages are damaged; `pynatsd store check` lists them")

    def commit(self, done: Done, *, only_messages: bool = False) -> None:
        if self._commits is None:
            done(None)
        else:
            self._commits.commit(done, only_messages=only_messages)

    # rounds

    def unwritten_removals(self) -> list[int]:
        """What messages remove that are not written: these removals must not be written before."""
        return [entry.sequence for entry in self._undo]

    def unwritten_segments(self) -> set[int]:
        """Where these are."""
        return {number_of(entry.place) for entry in self._undo}

    def taken(self) -> None:
        """What was appended so far is being written."""
        self._undo_taken = len(self._undo)

    def written_now(self) -> None:
        """What was appended so far is written; as `taken` and `succeeded`."""
        if self._undo:
            is_due = self._removals.add(list(map(_SEQUENCE, self._undo)))
            self._undo.clear()
            if is_due:
                self._later()
        self._tail.now_written(self._writer.last)

    def succeeded(self) -> None:
        """It is written."""
        if self._undo_taken:
            self._removals.add([entry.sequence for entry in self._undo[: self._undo_taken]])
            del self._undo[: self._undo_taken]
            self._undo_taken = 0
        if self._removals.is_due:
            self._later()
        self._tail.now_written(self._writer.written.last)

    def failed(self) -> None:
        """It is not: take it back, and all that was appended meanwhile."""
        point = self._writer.written
        segments = self._writer.segments
        for sequence in self._index.sequences(point.last + 1):
            place = self._index.place_of(sequence) or 0
            if number_of(place) in segments:
                segments[number_of(place)].live -= 1
        self._index.retract(point.last, point.last_time)
        self._tail.retract(point.last)
        for entry in reversed(self._undo):
            if self._removals.floor <= entry.sequence <= point.last:
                self._index.restore(entry)
                segments[number_of(entry.place)].live += 1
        self._undo.clear()
        self._undo_taken = 0
        self._removals.retract(point.last)

    def messages_in(self, segment: Segment) -> list[tuple[int, int, int]]:
        """Sequence, offset and size of the messages that are there."""
        return [
            (sequence, offset_of(place), size)
            for sequence, place, size in self._index.messages(segment.first, segment.last)
            if number_of(place) == segment.number
        ]

    def moved(self, segment: Segment, offsets: Mapping[int, int]) -> None:
        """A segment was written again."""
        self._reader.forget(segment.number)
        for sequence, offset in offsets.items():
            self._index.move(sequence, segment.number << 32 | offset)
        for at, entry in enumerate(self._undo):
            if number_of(entry.place) == segment.number and entry.sequence in offsets:
                place = segment.number << 32 | offsets[entry.sequence] | entry.place & WITH_HEADERS
                self._undo[at] = entry._replace(place=place)
