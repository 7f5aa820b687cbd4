"""The messages of a stream, and the readers that are informed of new and removed ones."""

from collections.abc import Sequence

from ..storage.seam import DamagedMessage, StoredMessage, StreamLog, SubjectState
from .reader_index import ReaderIndex

MANY = 256
"""Messages that go one by one for readers; if more go at once they count again."""


class Contents:
    """A stream's log. All removals go through it.

    Readers hear of a message when it is safe, and of its end only if they heard of it.
    """

    def __init__(self, log: StreamLog) -> None:
        self.log = log
        self.index = ReaderIndex()
        self.committed = log.last
        """The highest sequence that is safe."""

    def read(self, sequence: int) -> StoredMessage | None:
        """A message; None if it is not there, or is damaged."""
        try:
            return self.log.read(sequence)
        except DamagedMessage:
            return None

    def append(
        self, subject: bytes, headers: bytes, payload: bytes, time: int, removes: Sequence[int] = ()
    ) -> int:
        """Store a message, and remove others in the same step; returns its sequence."""
        if not removes or not self.index.filters:
            return self.log.append(subject, headers, payload, time, removes)
        gone = self._before_removal(removes)
        sequence = self.log.append(subject, headers, payload, time, removes)
        self._after_removal(gone)
        return sequence

    def remove(self, sequences: Sequence[int], *, erase: bool = False) -> int:
        """Remove these; returns how many were there."""
        gone = self._before_removal(sequences)
        count = self.log.remove(sequences, erase=erase)
        self._after_removal(gone)
        return count

    def remove_before(self, sequence: int) -> int:
        """Remove all below; returns how many. A sequence above the last one uses up those between."""
        first = self.log.first
        count = self.log.remove_before(sequence)
        if count or self.log.first != first:
            self._after_removal(None)
        return count

    def _before_removal(self, sequences: Sequence[int]) -> list[tuple[int, bytes]] | None:
        """The messages of which readers heard; None for many."""
        if not sequences or not len(self.index):
            return []
        if len(sequences) > MANY:
            return None
        subject_of, committed = self.log.subject_of, self.committed
        found = ((each, subject_of(each)) for each in sequences if each <= committed)
        return [(sequence, subject) for sequence, subject in found if subject is not None]

    def _after_removal(self, gone: list[tuple[int, bytes]] | None) -> None:
        if gone is None:
            for reader in self.index.all():
                reader.purged(self.log.first)
            return
        for sequence, subject in gone:
            for reader in self.index.wanting(subject):
                reader.removed(sequence, subject)

    def all_sequences(self) -> Sequence[int]:
        """Those of all messages; with others between if that is shorter to say."""
        log = self.log
        if log.last - log.first < 2 * log.count + MANY:
            return range(log.first, log.last + 1)
        found = [log.next(log.first)]
        while len(found) < log.count:
            found.append(log.next(found[-1] + 1))
        return found

    def taken_back(self) -> None:
        """The storage took back messages, and what they had removed is there again: count again."""
        self._after_removal(None)

    def announce(self, last: int) -> None:
        """All up to `last` is safe: let the readers hear of what is new."""
        start = self.committed + 1
        self.committed = max(self.committed, last)
        if not self.index.filters:
            return
        log, wanting = self.log, self.index.wanting
        while 0 < start <= last:
            subject = log.subject_of(start)
            if subject is None:
                start = log.next(start)
                continue
            for reader in wanting(subject):
                reader.stored(start, subject)
            start += 1

    def needed(self, sequence: int, subject: bytes) -> bool:
        """Whether some reader may still deliver this message."""
        return any(reader.needs(sequence) for reader in self.index.wanting(subject))

    def matching(self, pattern: bytes, up_to: int) -> list[tuple[bytes, SubjectState]]:
        """Subjects with messages that begin at `up_to` or before."""
        return [each for each in self.log.subjects(pattern) if each[1].first <= up_to]
