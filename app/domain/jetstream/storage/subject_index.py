"""The messages of each subject of a stream: the first, the last, and which follow each other."""

from collections.abc import Iterator, Sequence

from .chunk import NONE, SPAN_BITS
from .chunk_list import ChunkList
from .patterns import expression
from .seam import SubjectState
from .subject_table import SubjectTable


class SubjectIndex:
    """What an `Index` answers by subject; `Index` itself adds messages and removes them."""

    __slots__ = ("_chunks", "_subjects", "last")

    def __init__(self, last: int) -> None:
        """`last` is the highest sequence that was used up before."""
        self._subjects = SubjectTable()
        self._chunks = ChunkList()
        self.last = last

    def _first_of(self, id_: int) -> int:
        first = self._subjects.firsts[id_]
        if not self._chunks.is_of(first, id_):
            first = self._subjects.firsts[id_] = self._after(first, id_)
        return first

    def _last_of(self, id_: int) -> int:
        last = self._subjects.lasts[id_]
        chunk = self._chunks.by_number.get(last >> SPAN_BITS)
        slot = chunk.slot(last) if chunk is not None else NONE
        if chunk is None or slot == NONE or chunk.ids[slot] != id_:
            last = self._chunks.previous(last, lambda chunk, slot, _: chunk.previous_of(id_, slot))
            self._subjects.lasts[id_] = last
        return last

    def _after(self, sequence: int, id_: int) -> int:
        """The next message of a subject above this one, which is or was of it; 0 for none."""
        while (found := self._chunks.slot(sequence)) is not None and (step := found[0].following[found[1]]):
            sequence += step
            if self._chunks.is_of(sequence, id_):
                return sequence
        return self._chunks.next(sequence + 1, lambda chunk, slot, _: chunk.next_of(id_, slot))

    def _next_of(self, id_: int, start: int) -> int:
        first, last = self._first_of(id_), self._last_of(id_)
        if start <= first:
            return first
        if start >= last:
            return last if start == last else 0
        return self._chunks.next(start, lambda chunk, slot, _: chunk.next_of(id_, slot))

    def _previous_of(self, id_: int, start: int) -> int:
        first, last = self._first_of(id_), self._last_of(id_)
        if start >= last:
            return last
        if start <= first:
            return first if start == first else 0
        return self._chunks.previous(start, lambda chunk, slot, _: chunk.previous_of(id_, slot))

    def subjects(self, pattern: bytes = b">") -> Iterator[tuple[bytes, SubjectState]]:
        """Subjects that are there and match, in no order; the index may change meanwhile."""
        everything = pattern == b">"
        matches = expression(pattern).fullmatch
        for name in list(self._subjects.ids):
            if everything or matches(name):
                state = self.subject_state(name)
                if state is not None:
                    yield name, state

    def subject_state(self, subject: bytes) -> SubjectState | None:
        """That of one literal subject; None if no message has it."""
        subjects = self._subjects
        id_ = subjects.ids.get(subject)
        if id_ is None:
            return None
        last, count = self._last_of(id_), subjects.counts[id_]
        if count == 1:
            subjects.firsts[id_] = last
            return SubjectState(last, last, 1)
        return SubjectState(self._first_of(id_), last, count)

    def last_of(self, subject: bytes) -> int:
        """The last message of one literal subject; 0 for none."""
        id_ = self._subjects.ids.get(subject, 0)
        return self._last_of(id_) if id_ else 0

    def last_at_most(self, subject: bytes) -> int:
        """A sequence above which one literal subject has no message; 0 if it has none at all."""
        subjects = self._subjects
        id_ = subjects.ids.get(subject)
        return subjects.lasts[id_] if id_ else 0

    def excess(self, subject: bytes, most: int) -> Sequence[int]:
        """The oldest messages of a subject, as many as there are too many when another one comes."""
        subjects = self._subjects
        id_ = subjects.ids.get(subject, 0)
        count = subjects.counts[id_]
        more = count + 1 - most
        if not id_ or more <= 0:
            return ()
        if count == 1:
            return (self._last_of(id_),)
        return (self._first_of(id_),) if more == 1 else self.sequences_of(subject, self.last)[:more]

    def sequences_of(self, subject: bytes, up_to: int) -> list[int]:
        """All messages of one literal subject up to `up_to`, ascending."""
        id_ = self._subjects.ids.get(subject)
        found: list[int] = []
        sequence = self._first_of(id_) if id_ is not None else 0
        while sequence and sequence <= up_to:
            found.append(sequence)
            sequence = self._after(sequence, id_ or 0)
        return found
