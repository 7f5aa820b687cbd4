"""The index of one stream: which messages there are, and where.

Both storages have it in memory: 14 to 28 bytes for a message, and some 200 for a subject. Places
are numbers that mean something to the storage alone, but for the flag `WITH_HEADERS`.
Sequences without a message cost nothing, but for those next to messages (see `chunk`).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from ...named_tuple import made
from .chunk import COMPACTED_FROM, NONE, SPAN_BITS, Chunk, Columns, IndexEntry, IndexRun, Span
from .patterns import FilterCache, SubjectFilter, is_literal_filter, matcher, used_patterns
from .subject_ids import translated
from .subject_index import SubjectIndex
from .subject_table import SubjectTable

SEARCHED = 2048
"""Sequences that are looked at for messages that match."""


class Index(SubjectIndex):
    """The messages of a stream, by sequence, time and subject."""

    __slots__ = ("_cache", "count", "first", "last_time", "size")

    def __init__(self, last: int = 0, last_time: int = 0) -> None:
        """`last` is the highest sequence that was used up before."""
        super().__init__(last)
        self._cache = FilterCache()
        self.first = last + 1
        self.last_time = last_time
        self.count = 0
        self.size = 0

    @property
    def first_time(self) -> int:
        """When the first message was stored; 0 if there is none."""
        return self.time_of(self.first)

    @property
    def subject_count(self) -> int:
        """Subjects with messages."""
        return len(self._subjects.ids)

    # changes

    def append(self, sequence: int, subject: bytes, place: int, time: int, size: int) -> None:
        """Add a message above `last`."""
        subjects = self._subjects
        number = sequence >> SPAN_BITS
        chunk = self._chunks.by_number.get(number) or self._chunks.get(sequence)
        id_ = subjects.ids.get(subject, 0)
        if id_:
            self._chunks.link(subjects.lasts[id_], sequence)
            subjects.lasts[id_] = sequence
        else:
            id_ = self._new_subject(subject, sequence)
        chunk.append(sequence, id_, place, time, size)
        subjects.counts[id_] += 1
        if self._cache.is_used:
            for each in self._cache.of(id_, subject):
                each.changed(number, 1)
        if not self.count:
            self.first = sequence
        self.count += 1
        self.size += size
        self.last = sequence
        self.last_time = time

    def _new_subject(self, subject: bytes, sequence: int) -> int:
        id_ = self._subjects.add(subject, sequence)
        self._cache.subject_added(id_, subject)
        return id_

    def skip(self, last: int, time: int) -> None:
        """Use up the sequences up to `last`."""
        if last > self.last:
            self.last = last
            self.last_time = max(time, self.last_time)
            if not self.count:
                self.first = last + 1

    def load(self, columns: Columns, spans: Sequence[Span]) -> None:
        """Do as `extend`, before any filter was used."""
        self.extend(columns, spans)
        self._cache.clear()

    def extend(self, columns: Columns, spans: Sequence[Span]) -> None:
        """Add many messages above `last`; their ids are positions in `spans`, of which some may be empty."""
        ids = [self._load_subject(span) if span.messages else 0 for span in spans]
        columns = columns._replace(ids=translated(columns.ids, ids))
        sequences = columns.sequences
        start = 0
        while start < len(sequences):
            number = sequences[start] >> SPAN_BITS
            end = bisect_left(sequences, (number + 1) << SPAN_BITS, start)
            part = columns.part(start, end)
            self._chunks.get(sequences[start]).extend(part)
            if self._cache.is_used:
                self._count_part(number, part)
            start = end
        if not self.count:
            self.first = sequences[0]
        self.count += len(sequences)
        self.size += sum(columns.sizes)
        self.last = sequences[-1]
        self.last_time = columns.times[-1]

    def _count_part(self, number: int, columns: Columns) -> None:
        """Messages were added to a chunk: the filters that match count them."""
        for id_, count in Counter(columns.ids).items():
            for each in self._cache.of(id_, self._subjects.names[id_]):
                each.changed(number, count)

    def _load_subject(self, span: Span) -> int:
        subjects = self._subjects
        id_ = subjects.ids.get(span.name, 0)
        if id_:
            self._chunks.link(subjects.lasts[id_], span.first)
        else:
            id_ = self._new_subject(span.name, span.first)
        subjects.lasts[id_] = span.last
        subjects.counts[id_] += span.messages
        return id_

    def remove(self, sequence: int) -> IndexEntry | None:
        """Remove a message; None if it is not there."""
        number = sequence >> SPAN_BITS
        chunk = self._chunks.by_number.get(number)
        slot = chunk.slot(sequence) if chunk is not None else NONE
        id_ = chunk.ids[slot] if chunk is not None and slot != NONE else 0
        if chunk is None or not id_:
            return None
        subject = self._subjects.names[id_]
        size = chunk.sizes[slot]
        entry = made(IndexEntry, (sequence, subject, chunk.places[slot], chunk.times[slot], size))
        if self._cache.is_used:
            for each in self._cache.of(id_, subject):
                each.changed(number, -1)
        chunk.remove(slot)
        counts = self._subjects.counts
        if counts[id_] > 1:
            counts[id_] -= 1
        else:
            self._counted(id_, 1)
        self.count -= 1
        self.size -= size
        if not chunk.live:
            self._drop_chunk(number)
        elif chunk.live * 4 < len(chunk.ids) >= COMPACTED_FROM:
            chunk.compact()
        if sequence == self.first:
            self.first = self.next(sequence + 1) or self.last + 1
        return entry

    def _counted(self, id_: int, removed: int) -> None:
        counts = self._subjects.counts
        counts[id_] -= removed
        if not counts[id_]:
            self._subjects.drop(id_)
            self._cache.subject_gone(id_)

    def _drop_chunk(self, number: int) -> None:
        self._chunks.drop(number)
        self._cache.chunk_gone(number)

    def remove_before(self, sequence: int) -> int:
        """Remove all messages below; returns how many that were. Takes 1 ms for 20,000 of them."""
        before = self.count
        if sequence > self.last:
            self._clear()
            self.skip(sequence - 1, self.last_time)
            return before
        for number in self._chunks.up_to(sequence):
            self._remove_slots(number, self._chunks.by_number[number].slot_from(sequence))
        self.first = self.next(max(sequence, self.first)) or self.last + 1
        return before - self.count

    def _clear(self) -> None:
        self._subjects = SubjectTable()
        self._chunks.clear()
        self._cache.clear()
        self.count = self.size = 0
        self.first = self.last + 1

    def _remove_slots(self, number: int, end: int) -> None:
        """Remove what is in a chunk before this slot."""
        chunk = self._chunks.by_number[number]
        for id_, count in chunk.by_subject(end).items():
            for each in self._cache.of(id_, self._subjects.names[id_]):
                each.changed(number, -count)
            self._counted(id_, count)
            chunk.live -= count
            self.count -= count
        self.size -= sum(chunk.sizes[:end])
        if not chunk.live:
            self._drop_chunk(number)
            return
        chunk.forget(end)
        chunk.compact()

    def retract(self, last: int, last_time: int) -> None:
        """Take back all above `last`: those messages were not stored, and these sequences are free."""
        for sequence in reversed(list(self.sequences(last + 1))):
            self.remove(sequence)
        for id_ in self._subjects.ids.values():
            if self._subjects.lasts[id_] > last:
                self._chunks.link(self._last_of(id_), self._last_of(id_))
        for number in self._chunks.since(last):
            chunk = self._chunks.by_number[number]
            chunk.cut(chunk.slot_from(last + 1))
        self.last, self.last_time = last, last_time
        self.first = min(self.first, last + 1)

    def restore(self, entry: IndexEntry) -> None:
        """Have a message again that was removed."""
        sequence, subject, place, time, size = entry
        number = sequence >> SPAN_BITS
        chunk = self._chunks.get(sequence)
        subjects = self._subjects
        id_ = subjects.ids.get(subject, 0) or self._new_subject(subject, sequence)
        subjects.firsts[id_] = min(subjects.firsts[id_], sequence)
        subjects.lasts[id_] = max(subjects.lasts[id_], sequence)
        subjects.counts[id_] += 1
        chunk.insert(sequence, id_, place, time, size)
        self._chunks.link(
            self._chunks.previous(sequence - 1, lambda each, slot, _: each.previous_of(id_, slot)), sequence
        )
        for each in self._cache.of(id_, subject):
            each.changed(number, 1)
        self.first = min(self.first, sequence)
        self.count += 1
        self.size += size

    def move(self, sequence: int, place: int) -> None:
        """Note that a message is at another place; nothing if it is not there."""
        found = self._chunks.find(sequence)
        if found is not None:
            found[0].move(found[1], place)

    # one message

    def has(self, sequence: int) -> bool:
        """Whether the message is there."""
        return self._chunks.find(sequence) is not None

    def place_of(self, sequence: int) -> int | None:
        """Where it is; None if it is not there."""
        found = self._chunks.find(sequence)
        return None if found is None else found[0].places[found[1]]

    def size_at(self, sequence: int) -> int:
        """Its size; 0 if it is not there."""
        found = self._chunks.find(sequence)
        return 0 if found is None else found[0].sizes[found[1]]

    def time_of(self, sequence: int) -> int:
        """When it was stored; 0 if it is not there."""
        found = self._chunks.find(sequence)
        return 0 if found is None else found[0].times[found[1]]

    def subject_of(self, sequence: int) -> bytes | None:
        """Its subject; None if it is not there."""
        found = self._chunks.find(sequence)
        return None if found is None else self._subjects.names[found[0].ids[found[1]]]

    def run(self, first: int, most: int) -> IndexRun | None:
        """The message and those right after it, `most` at most; None if it is not there."""
        found = self._chunks.find(first)
        if found is None:
            return None
        chunk, slot = found
        end = slot + chunk.run(slot, most)
        names, ids = self._subjects.names, chunk.ids[slot:end]
        if ids == ids[:1] * len(ids):
            subjects = [names[ids[0]]] * len(ids)
        else:
            subjects = list(map(names.__getitem__, ids))
        return IndexRun(subjects, chunk.places[slot:end], chunk.times[slot:end], chunk.sizes[slot:end])

    # ranges

    def next(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """The first message from `start` on that matches; 0 for none."""
        if start > self.last or not self.count:
            return 0
        if not filters and self._chunks.find(start) is not None:
            return start
        patterns = used_patterns(filters)
        if not patterns:
            return self._chunks.next(max(start, 1), lambda chunk, slot, _: chunk.next_live(slot))
        if len(patterns) == 1 and is_literal_filter(patterns[0]):
            id_ = self._subjects.ids.get(patterns[0], 0)
            return self._next_of(id_, start) if id_ else 0
        found = self._filter(patterns)
        if not found.total:
            return 0
        mask = found.mask_for(len(self._subjects))

        def next_in(chunk: Chunk, slot: int, number: int) -> int:
            return chunk.next_in(mask, slot) if self._count_chunk(found, number) else NONE

        return self._chunks.next(max(start, self.first), next_in)

    def matching(self, first: int, end: int, most: int, filters: Sequence[bytes]) -> list[int]:
        """The message `first`, which matches, and those after it that do, ascending.

        They are below `end`, and `most` at most; there may be fewer. The filters are not those for all.
        """
        patterns = used_patterns(filters)
        if len(patterns) == 1 and is_literal_filter(patterns[0]):
            return self._following(self._subjects.ids[patterns[0]], first, end, most)
        chunk = self._chunks.by_number[first >> SPAN_BITS]
        begin, stop = chunk.slot_from(first), chunk.slot_from(min(end, first + SEARCHED))
        mask = self._filter(patterns).mask_for(len(self._subjects))
        return list(map(chunk.sequence, islice(chunk.slots_in(mask, begin, stop), max(most, 0))))

    def _following(self, id_: int, first: int, end: int, most: int) -> list[int]:
        found, last = list[int](), min(self._last_of(id_), end - 1)
        while first and first <= last and len(found) < most:
            found.append(first)
            first = self._after(first, id_) if first < last else 0
        return found

    def previous(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """The last message up to `start` that matches; 0 for none."""
        if start < self.first or not self.count:
            return 0
        patterns = used_patterns(filters)
        if not patterns:
            return self._chunks.previous(start, lambda chunk, slot, _: chunk.previous_live(slot))
        if len(patterns) == 1 and is_literal_filter(patterns[0]):
            id_ = self._subjects.ids.get(patterns[0], 0)
            return self._previous_of(id_, start) if id_ else 0
        found = self._filter(patterns)
        if not found.total:
            return 0
        mask = found.mask_for(len(self._subjects))

        def previous_in(chunk: Chunk, slot: int, number: int) -> int:
            return chunk.previous_in(mask, slot) if self._count_chunk(found, number) else NONE

        return self._chunks.previous(start, previous_in)

    def sequences(self, start: int, end: int | None = None) -> Iterator[int]:
        """Those of all messages from `start` on, below `end`; the index does not change meanwhile."""
        sequence = self.next(start)
        while sequence and (end is None or sequence < end):
            yield sequence
            sequence = self.next(sequence + 1)

    def messages(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Sequence, place and size of the messages in a range; the index does not change meanwhile."""
        return self._chunks.messages(first, last)

    def next_with_headers(self, start: int) -> int:
        """The first message from `start` on that has headers; 0 for none."""
        return self._chunks.next(start, lambda chunk, slot, _: chunk.next_with_headers(slot))

    def at_time(self, time: int) -> int:
        """The first message stored at this time or later; `last` + 1 if there is none."""
        sequence = self._chunks.at_time(time)
        return (self.next(sequence) if sequence else 0) or self.last + 1

    def count_from(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """How many messages from `start` on match."""
        if start > self.last or not self.count:
            return 0
        patterns = used_patterns(filters)
        if not patterns:
            return self.count if start <= self.first else self._count(start)
        if len(patterns) == 1 and is_literal_filter(patterns[0]):
            id_ = self._subjects.ids.get(patterns[0], 0)
            if not id_ or start > self._subjects.lasts[id_]:
                return 0
            if start <= self._subjects.firsts[id_]:
                return self._subjects.counts[id_]
        found = self._filter(patterns)
        return found.total if start <= self.first else self._count_filtered(found, start)

    def _count(self, start: int) -> int:
        _, chunk, later = self._chunks.split(start)
        counted = self._chunks.live(later)
        return counted + (chunk.count(chunk.slot_from(start), len(chunk.ids)) if chunk is not None else 0)

    def _count_filtered(self, found: SubjectFilter, start: int) -> int:
        earlier, chunk, later = self._chunks.split(start)
        mask = found.mask_for(len(self._subjects))
        if len(later) <= len(earlier):
            partial = chunk.count_in(mask, chunk.slot_from(start), len(chunk.ids)) if chunk is not None else 0
            return partial + sum(self._count_chunk(found, number) for number in later)
        below = chunk.count_in(mask, 0, chunk.slot_from(start)) if chunk is not None else 0
        return found.total - below - sum(self._count_chunk(found, number) for number in earlier)

    def _count_chunk(self, found: SubjectFilter, number: int) -> int:
        counted = found.counts.get(number)
        if counted is None:
            chunk = self._chunks.by_number[number]
            counted = chunk.count_in(found.mask_for(len(self._subjects)), 0, len(chunk.ids))
            found.counts[number] = counted
        return counted

    def _filter(self, patterns: tuple[bytes, ...]) -> SubjectFilter:
        found = self._cache.get(patterns)
        if found is None:
            found = SubjectFilter(patterns)
            counts = self._subjects.counts
            for id_ in self._subjects.matching(matcher(patterns)):
                found.include(id_)
                found.total += counts[id_]
            self._cache.add(found, len(self._subjects))
        return found

    def holes(self) -> list[int]:
        """Sequences between `first` and `last` that are not there, ascending."""
        return [sequence for start, end in self.gaps() for sequence in range(start, end + 1)]

    @property
    def hole_count(self) -> int:
        """How many these are."""
        return self.last - self.first + 1 - self.count

    def gaps(self) -> list[tuple[int, int]]:
        """The same as first and last of each run."""
        return self._chunks.gaps(self.first, self.last)

    def gaps_from(self, first: int) -> list[tuple[int, int]]:
        """The same from a sequence on."""
        return [gap for gap in self._chunks.gaps(first, self.last) if gap[1] >= first]
