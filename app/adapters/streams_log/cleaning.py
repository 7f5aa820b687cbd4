"""Freeing disk space and overwriting bytes: after everything else is safe."""

from functools import partial

from ...domain.jetstream.storage.seam import StorageFailure
from ...ports.files import Files
from .erasing import erase_record
from .file_head import StreamIdentity
from .log import FileLog
from .removals import PendingRemovals
from .rewriting import Rewriting
from .segment import Segment, number_of, offset_of
from .steps import Outcome, Step
from .writer import MessageWriter, sync_file


class Cleaner:
    """The segments of one stream that have no messages, or few, and the messages to be erased."""

    def __init__(
        self,
        files: Files,
        identity: StreamIdentity,
        writer: MessageWriter,
        log: FileLog,
        removals: PendingRemovals,
    ) -> None:
        self._files = files
        self._identity = identity
        self._writer = writer
        self._log = log
        self._removals = removals
        self.to_erase: dict[int, int] = {}
        """Sequences whose bytes are to be overwritten, and their places."""
        self._erasing: dict[int, int] = {}
        self._empty: set[int] = set()
        self._sparse: set[int] = set()
        self._removing: list[Segment] = []
        self._rewriting: Rewriting | None = None

    @property
    def is_pending(self) -> bool:
        """Whether segments are to be removed or written again."""
        return bool(self._empty or self._sparse or self._removals.has_empty)

    def steps(self) -> list[Step]:
        """What is to be done when the journal has all removals."""
        return [*self._erase_steps(), *self._remove_steps()]

    def _erase_steps(self) -> list[Step]:
        point = self._writer.synced
        busy = self._rewriting.segment.number if self._rewriting else 0
        steps: list[Step] = []
        for sequence, place in self.to_erase.items():
            number, offset = number_of(place), offset_of(place)
            segment = self._writer.segments.get(number)
            if (number, offset) >= (point.number, point.end) and point.is_open:
                continue
            if number == busy or number > point.number:
                continue
            self._erasing[sequence] = place
            if segment is not None:
                steps += [partial(erase_record, segment, offset), partial(sync_file, segment)]
        return steps

    def _remove_steps(self) -> list[Step]:
        self._empty |= self._removals.take_empty()
        referenced = self._log.unwritten_segments()
        waiting: set[int] = set()
        for number in self._empty:
            segment = self._writer.segments.get(number)
            if segment is None:
                continue
            if segment.live:
                if segment.messages:
                    self._sparse.add(number)
            elif (
                not segment.closed
                or segment.columns is not None
                or number in referenced
                or self._is_busy(segment)
            ):
                waiting.add(number)
            else:
                self._removing.append(segment)
        self._empty = waiting
        return [partial(self._files.remove, self._writer.path(each)) for each in self._removing]

    def _is_busy(self, segment: Segment) -> bool:
        return self._rewriting is not None and self._rewriting.segment is segment

    def done(self, *, safe: bool) -> None:
        """A round is over; the steps were done if it was `safe`."""
        removing, self._removing = self._removing, []
        erasing, self._erasing = self._erasing, {}
        if not safe:
            self._empty |= {segment.number for segment in removing}
            return
        for segment in removing:
            self._writer.segments.pop(segment.number, None)
            if segment.file is not None:
                segment.file.close()
        for sequence in erasing:
            self.to_erase.pop(sequence, None)

    def next_rewriting(self) -> Rewriting | None:
        """A segment to be written again, of which most messages are gone; one at a time."""
        if self._rewriting is not None or self._removals.is_pending or self._log.unwritten_removals():
            return None
        while self._sparse:
            segment = self._writer.segments.get(self._sparse.pop())
            if segment is None or segment.damaged or not segment.live or segment.columns is not None:
                continue
            path, messages = self._writer.path(segment), self._log.messages_in(segment)
            self._rewriting = Rewriting(self._files, path, self._identity, segment, messages)
            return self._rewriting
        return None

    def rewritten(self, outcome: Outcome) -> bool:
        """Use the new file; False if the disk is broken."""
        rewriting, self._rewriting = self._rewriting, None
        if rewriting is None or outcome.messages is StorageFailure.BROKEN:
            return False
        segment, file = rewriting.segment, rewriting.file
        if file is None:
            segment.damaged = segment.damaged or outcome.messages is None
            return True
        if segment.file is not None:
            segment.file.close()
        segment.file = file
        segment.end = segment.allocated = rewriting.size
        segment.messages = len(rewriting.moved)
        self._log.moved(segment, rewriting.moved)
        for sequence, place in list(self.to_erase.items()):
            if number_of(place) == segment.number:
                self._erase_at(sequence, segment.number, rewriting.moved.get(sequence))
        return True

    def _erase_at(self, sequence: int, number: int, offset: int | None) -> None:
        """What was removed before is not in the new file; what was removed meanwhile is."""
        if offset is None:
            del self.to_erase[sequence]
        else:
            self.to_erase[sequence] = number << 32 | offset
