"""Entries of a stream's journal: removals, the synced position, and the beginning of a new journal."""

from collections.abc import Iterator

from ...domain.jetstream.storage.index import Index
from ...domain.jetstream.storage.seam import Document
from ...domain.value_object import value_object
from .cleaning import Cleaner
from .consumers import Consumers, to_json
from .journal import JournalEntry, StreamJournal
from .log import FileLog
from .proposals import Proposals
from .record import DOCUMENT, ERASE, FLOOR, LOST, MARK, REMOVED, REMOVED_RUNS
from .removals import PendingRemovals, in_runs, pack, pack_runs, without
from .writer import MessageWriter


@value_object
class StreamParts:
    """What a stream is made of."""

    index: Index
    writer: MessageWriter
    removals: PendingRemovals


class StreamEntries:
    """The entries of one stream."""

    def __init__(self, parts: StreamParts, log: FileLog, cleaner: Cleaner, consumers: Consumers) -> None:
        self._index, self._writer, self._removals = parts.index, parts.writer, parts.removals
        self._log = log
        self._cleaner = cleaner
        self._consumers = consumers
        self.document: Document = {}
        self.proposals = Proposals()
        self.lost_runs: list[tuple[int, int]] = []
        """What was lost by damage."""
        self._marked = (0, 0)

    def _first_certain(self) -> int:
        """Below it nothing is there, nor will be."""
        return min([self._index.first, *self._log.unwritten_removals()])

    def enter_removals(self, journal: StreamJournal) -> None:
        """Enter what was removed and is not entered yet."""
        written = self._writer.written
        floor, runs, erase = self._removals.take(self._first_certain(), written.last)
        self._cleaner.to_erase.update(erase)
        if floor is not None:
            journal.add(FLOOR, b"", self._floor(floor))
        for entry in _removed(runs):
            journal.add(*entry)
        if erase:
            journal.add(ERASE, b"", pack(erase))
        if journal.is_pending(sync=False):
            self.mark(journal)

    def mark(self, journal: StreamJournal) -> bool:
        """Enter how far everything is synced; False if that was entered."""
        point = self._writer.synced
        if (point.number, point.end) == self._marked:
            return False
        self._marked = (point.number, point.end)
        journal.add(MARK, b"", self._mark())
        return True

    def enter_all(self, journal: StreamJournal) -> None:
        """Begin a new journal: segments are removed that have removals which this one does not have."""
        journal.add(MARK, b"", self._mark())
        journal.rotate()

    def _mark(self) -> bytes:
        point = self._writer.synced
        return pack([point.number, point.end, point.last, point.last_time])

    def _floor(self, first: int) -> bytes:
        written = self._writer.written
        return pack([first, written.last, written.last_time])

    def contents(self) -> Iterator[JournalEntry]:
        """What a new journal begins with."""
        yield JournalEntry(DOCUMENT, b"", to_json(self.document))
        yield from self._consumers.entries()
        removals, last = self._removals, self._writer.written.last
        unwritten = set(self._log.unwritten_removals())
        first = min(max(self._first_certain(), removals.floor, removals.agreed_floor), last + 1)
        yield JournalEntry(FLOOR, b"", self._floor(first))
        gaps = [(max(start, first), min(end, last)) for start, end in self._index.gaps_from(first)]
        runs = [run for gap in gaps for run in without(gap, unwritten) if run[0] <= run[1]]
        yield JournalEntry(REMOVED_RUNS, b"", pack_runs([*runs, *in_runs(sorted(removals.agreed))]))
        yield JournalEntry(ERASE, b"", pack({*self._cleaner.to_erase, *removals.agreed_to_erase}))
        yield JournalEntry(LOST, b"", pack_runs(run for run in self.lost_runs if run[1] >= first))
        yield JournalEntry(MARK, b"", self._mark())
        yield from self.proposals.entries()

    def removal(self, sequences: list[int], *, erase: bool) -> list[JournalEntry]:
        """Entries which say that these are removed."""
        entries = _removed(in_runs(sequences))
        if erase:
            entries.append(JournalEntry(ERASE, b"", pack(sequences)))
        return entries

    def removal_before(self, sequence: int) -> list[JournalEntry]:
        """An entry which says that all below is removed."""
        return [JournalEntry(FLOOR, b"", self._floor(sequence))]


def _removed(runs: list[tuple[int, int]]) -> list[JournalEntry]:
    entries = []
    longer = [run for run in runs if run[0] < run[1]]
    if longer:
        entries.append(JournalEntry(REMOVED_RUNS, b"", pack_runs(longer)))
    if len(longer) < len(runs):
        entries.append(JournalEntry(REMOVED, b"", pack(start for start, end in runs if start == end)))
    return entries
