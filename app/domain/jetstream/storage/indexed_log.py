"""What every log answers from its index."""

from collections.abc import Callable, Iterator, Sequence

from .index import Index
from .seam import SubjectState


class IndexedLog:
    """The part of `StreamLog` that asks for no bytes of messages."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.last_of: Callable[[bytes], int] = index.last_of
        self.excess: Callable[[bytes, int], Sequence[int]] = index.excess
        """See `StreamLog`. They are those of the index, a call less where each call counts."""

    @property
    def first(self) -> int:
        """See `StreamLog`."""
        return self._index.first

    @property
    def last(self) -> int:
        """See `StreamLog`."""
        return self._index.last

    @property
    def first_time(self) -> int:
        """See `StreamLog`."""
        return self._index.first_time

    @property
    def last_time(self) -> int:
        """See `StreamLog`."""
        return self._index.last_time

    @property
    def count(self) -> int:
        """See `StreamLog`."""
        return self._index.count

    @property
    def size(self) -> int:
        """See `StreamLog`."""
        return self._index.size

    @property
    def subject_count(self) -> int:
        """See `StreamLog`."""
        return self._index.subject_count

    def size_at(self, sequence: int) -> int:
        """See `StreamLog`."""
        return self._index.size_at(sequence)

    def time_of(self, sequence: int) -> int:
        """See `StreamLog`."""
        return self._index.time_of(sequence)

    def subject_of(self, sequence: int) -> bytes | None:
        """See `StreamLog`."""
        return self._index.subject_of(sequence)

    def next(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """See `StreamLog`."""
        return self._index.next(start, filters)

    def previous(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """See `StreamLog`."""
        return self._index.previous(start, filters)

    def matching(self, first: int, end: int, most: int, filters: Sequence[bytes]) -> list[int]:
        """See `StreamLog`."""
        return self._index.matching(first, end, most, filters)

    def next_with_headers(self, start: int) -> int:
        """See `StreamLog`."""
        return self._index.next_with_headers(start)

    def at_time(self, time: int) -> int:
        """See `StreamLog`."""
        return self._index.at_time(time)

    def count_from(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """See `StreamLog`."""
        return self._index.count_from(start, filters)

    def subjects(self, pattern: bytes = b">") -> Iterator[tuple[bytes, SubjectState]]:
        """See `StreamLog`."""
        return self._index.subjects(pattern)

    def subject_state(self, subject: bytes) -> SubjectState | None:
        """See `StreamLog`."""
        return self._index.subject_state(subject)

    def sequences_of(self, subject: bytes, up_to: int) -> list[int]:
        """See `StreamLog`."""
        return self._index.sequences_of(subject, up_to)

    def holes(self) -> list[int]:
        """See `StreamLog`."""
        return self._index.holes()

    @property
    def hole_count(self) -> int:
        """See `StreamLog`."""
        return self._index.hole_count
