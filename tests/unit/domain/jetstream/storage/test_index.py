"""The index of a stream agrees with a plain list of messages, whatever happens to both."""

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from app.domain.jetstream.storage.chunk import SPAN, SPAN_BITS, WITH_HEADERS, Columns, IndexEntry, Span
from app.domain.jetstream.storage.index import Index
from app.domain.jetstream.storage.seam import SubjectState
from app.domain.subjects.subject import matches, tokens_of

SUBJECTS = [b"a", b"b", b"a.x", b"a.y", b"a.x.1", b"b.x.1", b"c.*.d"]
FILTERS: list[tuple[bytes, ...]] = [
    (),
    (b">",),
    (b"a",),
    (b"missing",),
    (b"a.*",),
    (b"*.x.>",),
    (b"a.>", b"b"),
    (b"a", b"b.x.1"),
    (b"nothing.>",),
    (b"*.*",),
    (b"c.*.d",),
]


@dataclass
class Model:
    """What an index promises, in the plainest form."""

    messages: dict[int, IndexEntry] = field(default_factory=dict)
    last: int = 0

    def matching(self, filters: Sequence[bytes]) -> list[int]:
        """The sequences that match, ascending."""
        return [
            sequence
            for sequence, entry in sorted(self.messages.items())
            if not filters or any(matches(tokens_of(each), tokens_of(entry.subject)) for each in filters)
        ]


class Pair:
    """An index and its model."""

    def __init__(self, seed: int, last: int = 0) -> None:
        self.random = random.Random(seed)
        self.model = Model(last=last)
        self.index = Index(last=last)
        self.time = 1000

    def append(self, subject: bytes | None = None) -> None:
        """Add a message to both."""
        subject = subject or self.random.choice(SUBJECTS)
        self.time += self.random.choice([0, 1, 5])
        sequence = self.model.last + 1
        entry = IndexEntry(
            sequence, subject, self.random.getrandbits(60), self.time, self.random.choice([7, 70_000])
        )
        self.index.append(*entry)
        self.model.messages[sequence] = entry
        self.model.last = sequence

    def extend(self) -> None:
        """Add several messages at once to both."""
        count = self.random.choice([1, 2, 7, 40])
        names = self.random.sample(SUBJECTS, self.random.randint(1, len(SUBJECTS)))
        ids = array("I", (self.random.randrange(len(names)) for _ in range(count)))
        first = self.model.last + 1
        sequences = range(first, first + count)
        self.time += 1
        times = array("q", range(self.time, self.time + count))
        self.time = times[-1]
        places = array("Q", (self.random.getrandbits(60) for _ in range(count)))
        sizes = array("I", (self.random.randrange(1, 99) for _ in range(count)))
        spans = []
        following = array("I", bytes(4 * count))
        for id_, name in enumerate(names):
            found = [each for each in range(count) if ids[each] == id_]
            for one, other in pairwise(found):
                following[one] = other - one
            spans.append(
                Span(name, len(found), first + found[0] if found else 0, first + found[-1] if found else 0)
            )
        self.index.extend(Columns(sequences, ids, places, times, sizes, following), spans)
        for at, sequence in enumerate(sequences):
            entry = IndexEntry(sequence, names[ids[at]], places[at], times[at], sizes[at])
            self.model.messages[sequence] = entry
        self.model.last = sequences[-1]

    def some(self) -> int:
        """A sequence near or in the stream."""
        return self.random.randint(max(self.index.first - 2, 0), self.model.last + 2)

    def remove(self, sequence: int) -> IndexEntry | None:
        """Remove it from both."""
        entry = self.index.remove(sequence)
        assert self.model.messages.pop(sequence, None) == entry
        return entry

    def remove_before(self, sequence: int) -> None:
        """Remove all below from both."""
        gone = [each for each in self.model.messages if each < sequence]
        for each in gone:
            del self.model.messages[each]
        self.model.last = max(self.model.last, sequence - 1)
        assert len(gone) == self.index.remove_before(sequence)

    def skip(self, distance: int) -> None:
        """Use up sequences of both."""
        self.model.last += distance
        self.index.skip(self.model.last, self.time)

    def fail(self) -> None:
        """Append some that remove others, and take it all back."""
        last, last_time = self.index.last, self.index.last_time
        removed: list[IndexEntry] = []
        before = dict(self.model.messages)
        for _ in range(self.random.randint(1, 4)):
            self.append()
            entry = self.remove(self.some())
            if entry is not None and entry.sequence <= last:
                removed.append(entry)
        self.index.retract(last, last_time)
        for entry in reversed(removed):
            self.index.restore(entry)
        self.model.messages, self.model.last = before, last

    def check(self) -> None:
        """Compare the numbers of both."""
        index, messages = self.index, self.model.messages
        first = min(messages, default=self.model.last + 1)
        assert (first, self.model.last, len(messages)) == (index.first, index.last, index.count)
        assert sum(entry.size for entry in messages.values()) == index.size
        assert len({entry.subject for entry in messages.values()}) == index.subject_count
        assert (messages[first].time if messages else 0) == index.first_time
        holes = [each for each in range(first, self.model.last + 1) if each not in messages]
        assert holes == index.holes()
        assert len(holes) == index.hole_count

    def check_subjects(self) -> None:
        """Compare what both have of every subject."""
        states = {}
        for subject in SUBJECTS:
            found = [each for each, entry in sorted(self.model.messages.items()) if entry.subject == subject]
            up_to = self.some()
            assert [each for each in found if each <= up_to] == self.index.sequences_of(subject, up_to)
            if found:
                states[subject] = SubjectState(found[0], found[-1], len(found))
            assert states.get(subject) == self.index.subject_state(subject)
        assert states == dict(self.index.subjects())
        chosen = {s: v for s, v in states.items() if matches([b"a", b">"], tokens_of(s))}
        assert chosen == dict(self.index.subjects(b"a.>"))

    def check_ranges(self, filters: tuple[bytes, ...]) -> None:
        """Compare searches from somewhere."""
        found, start = self.model.matching(filters), self.some()
        assert next((each for each in found if each >= start), 0) == self.index.next(start, filters)
        assert next((each for each in found[::-1] if each <= start), 0) == self.index.previous(start, filters)
        assert sum(each >= start for each in found) == self.index.count_from(start, filters)
        first = next((each for each in found if each >= start), 0)
        if first and filters and b">" not in filters:
            end, most = first + self.random.randint(1, 40), self.random.randint(1, 9)
            matching = self.index.matching(first, end, most, filters)
            expected = [each for each in found if first <= each < end][:most]
            assert matching
            assert matching == expected[: len(matching)]
            assert matching == expected or first >> SPAN_BITS < expected[-1] >> SPAN_BITS

    def check_messages(self) -> None:
        """Compare what both have in a range."""
        first, last = sorted((self.some(), self.some()))
        expected = [
            (sequence, entry.place, entry.size)
            for sequence, entry in sorted(self.model.messages.items())
            if first <= sequence <= last
        ]
        assert expected == list(self.index.messages(first, last))

    def check_one(self) -> None:
        """Compare one message."""
        sequence = self.some()
        entry = self.model.messages.get(sequence)
        assert (entry is not None) is self.index.has(sequence)
        assert (entry.subject if entry else None) == self.index.subject_of(sequence)
        assert (entry.place if entry else None) == self.index.place_of(sequence)
        assert (entry.size if entry else 0) == self.index.size_at(sequence)
        assert (entry.time if entry else 0) == self.index.time_of(sequence)
        time = self.random.randint(990, self.time + 5)
        later = (each for each, entry in sorted(self.model.messages.items()) if entry.time >= time)
        assert next(later, self.model.last + 1) == self.index.at_time(time)

    def move(self) -> None:
        """Give a message another place in both."""
        sequence = self.some()
        self.index.move(sequence, 17)
        entry = self.model.messages.get(sequence)
        if entry is not None:
            self.model.messages[sequence] = entry._replace(place=17)

    def pack(self) -> None:
        """Have the chunks of the index as those that nothing is added to."""
        for chunk in self.index._chunks.by_number.values():  # noqa: SLF001 - a packed one answers the same
            chunk.pack()

    def step(self) -> None:
        """Do something by chance."""
        chance = self.random.random()
        if chance < 0.55:
            self.append()
        elif chance < 0.6:
            self.extend()
        elif chance < 0.85:
            self.remove(self.random.choice([self.some(), self.index.first, self.index.last]))
        elif chance < 0.9:
            self.remove_before(self.index.first + self.random.randint(0, 6))
        elif chance < 0.93:
            self.skip(self.random.choice([1, 3, 40]))
        elif chance < 0.95:
            self.move()
        elif chance < 0.97:
            self.pack()
        else:
            self.fail()


def check_all(pair: Pair) -> None:
    """Compare everything."""
    pair.check()
    pair.check_subjects()
    pair.check_one()
    pair.check_messages()
    for filters in FILTERS:
        pair.check_ranges(filters)


@pytest.mark.parametrize("seed", range(16))
def test_small_streams_agree_with_the_model(seed: int) -> None:
    """All answers are those of a plain list, after every step."""
    pair = Pair(seed, last=seed * 7)

    for number in range(200):
        pair.step()
        if number % 3 == 0:
            check_all(pair)

    assert pair.index.last == pair.model.last


@pytest.mark.parametrize("seed", range(6))
def test_streams_over_several_chunks_agree_with_the_model(seed: int) -> None:
    """Searches and counts cross the borders of chunks, with and without gaps."""
    pair = Pair(seed, last=SPAN - 300)
    for border in range(3):
        for _ in range(600):
            pair.append(SUBJECTS[border] if seed % 2 else None)
        pair.skip([SPAN - 600, 2 * SPAN, 0][border])
        for _ in range(500 if seed % 3 else 590):
            pair.remove(pair.some())

    for _ in range(8):
        pair.step()
        check_all(pair)
    pair.remove_before(pair.index.last - 5)
    check_all(pair)
    pair.remove_before(pair.index.last + 9)

    check_all(pair)
    assert pair.index.count == 0


def test_full_chunks_have_no_holes() -> None:
    """Holes are those around what is full."""
    index = Index()
    for sequence in range(1, 2 * SPAN + 10):
        index.append(sequence, b"s", 0, sequence, 1)
    index.remove(2 * SPAN + 3)
    index.remove_before(SPAN)

    assert [2 * SPAN + 3] == index.holes()
    assert index.at_time(SPAN + 7) == SPAN + 7
    assert index.count_from(SPAN + 5) == SPAN + 4


def test_sequences_far_apart_cost_nothing() -> None:
    """A million million sequences may be used up between two messages."""
    index = Index()
    index.append(1, b"s", 0, 1, 1)
    index.skip(10**12, 2)
    index.append(10**12 + 1, b"s", 0, 3, 1)
    index.remove(1)

    assert index.subject_state(b"s") == SubjectState(10**12 + 1, 10**12 + 1, 1)
    assert (10**12 + 1, 0) == (index.first, index.hole_count)


def test_a_skip_back_is_none() -> None:
    """Sequences that are used up stay so."""
    index = Index(last=9, last_time=5)
    index.skip(4, 8)

    assert (10, 9, 5) == (index.first, index.last, index.last_time)


def _columns(sequences: Sequence[int], ids: list[int]) -> Columns:
    times = array("q", [sequence * 2 for sequence in sequences])
    sizes = array("I", [5] * len(ids))
    links = array("I", bytes(4 * len(ids)))
    return Columns(sequences, array("I", ids), array("Q", sequences), times, sizes, links)


def test_what_is_loaded_is_as_if_it_were_appended() -> None:
    """Loading in bulk gives the same index, also over chunks and with gaps."""
    pair = Pair(1)
    pieces = [range(1, SPAN + 50), [SPAN + 50, SPAN + 60, 4 * SPAN + 1], [4 * SPAN + 3, 4 * SPAN + 4]]
    for sequences in pieces:
        ids = [sequence % 2 for sequence in sequences]
        spans = []
        for id_, name in enumerate([b"a.x", b"b"]):
            own = [sequence for sequence, each in zip(sequences, ids, strict=True) if each == id_]
            if own:
                spans.append(Span(name, len(own), own[0], own[-1]))
        if len(spans) == 1:
            ids = [0] * len(ids)
        pair.index.load(_columns(sequences, ids), spans)
        for sequence in sequences:
            subject = [b"a.x", b"b"][sequence % 2]
            pair.model.messages[sequence] = IndexEntry(sequence, subject, sequence, sequence * 2, 5)
        pair.model.last = pair.time = sequences[-1]
    pair.time *= 2

    check_all(pair)
    for _ in range(300):
        pair.remove(pair.some())
    check_all(pair)


def test_old_filters_make_room() -> None:
    """Filters that were not used for long are forgotten, and found again."""
    index = Index()
    for number in range(20):
        index.append(number + 1, b"s.%d" % number, 0, 1, 1)
    index._cache.limit = 100  # noqa: SLF001 - a stream of millions of subjects is slow to make

    counts = [index.count_from(3, (b"s.*", b"x.%d" % number)) for number in range(40)]

    assert [18] * 40 == counts
    assert index.count_from(1, (b"s.*", b"x.0")) == 20


def test_messages_with_headers_are_found() -> None:
    """Also when they were moved; those that are gone are not."""
    index = Index()
    for sequence in range(1, 2 * SPAN):
        index.append(sequence, b"s", WITH_HEADERS | 5 if sequence % SPAN == 7 else 5, 1, 1)
    index.move(7, 99)

    assert (7, SPAN + 7, 0) == tuple(index.next_with_headers(start) for start in (1, 8, SPAN + 8))
    assert index.place_of(7) == WITH_HEADERS | 99
    index.remove(SPAN + 7)
    assert index.next_with_headers(8) == 0


def test_gaps_from_a_sequence_on() -> None:
    """Gaps are listed from a sequence on, with the one that it lies in."""
    index = Index()
    for sequence in range(1, 10):
        index.append(sequence, b"s", 0, sequence, 1)
    for sequence in (2, 5, 6):
        index.remove(sequence)

    assert [(2, 2), (5, 6)] == index.gaps()
    assert [(5, 6)] == index.gaps_from(6)


def test_messages_in_a_row() -> None:
    """What is known of each, as far as they follow each other within a chunk."""
    index = Index(last=SPAN - 3)
    for sequence in range(SPAN - 2, SPAN + 3):
        index.append(sequence, b"s.%d" % (sequence % 2), sequence * 10, sequence * 100, sequence % 7 + 1)

    found = index.run(SPAN - 2, 99)

    assert found is not None
    assert (found.subjects, list(found.places)) == ([b"s.0", b"s.1"], [(SPAN - 2) * 10, (SPAN - 1) * 10])
    assert (list(found.times), len(found.sizes)) == ([(SPAN - 2) * 100, (SPAN - 1) * 100], 2)
    assert index.run(SPAN - 3, 5) is None
    index.remove(SPAN + 1)
    assert index.run(SPAN + 1, 5) is None
    after = index.run(SPAN, 5)
    assert after is not None
    assert after.subjects == [b"s.0"]


def test_what_was_taken_back_leads_nobody_astray() -> None:
    """A message that came and went in a failed attempt was the newest of its subject."""
    index = Index()
    index.append(1, b"b", 0, 1, 1)
    index.append(2, b"a", 0, 1, 1)
    index.append(3, b"b", 0, 1, 1)
    index.remove(3)
    index.retract(1, 1)
    for sequence, subject in ((2, b"b"), (3, b"a"), (4, b"b"), (5, b"a")):
        index.append(sequence, subject, 0, 1, 1)

    assert [1, 2, 4] == index.sequences_of(b"b", 9)
    assert [3, 5] == index.sequences_of(b"a", 9)


def test_what_comes_back_is_in_its_place() -> None:
    """A failed attempt removed it, and was the newest of the subject for a while."""
    index = Index()
    index.append(1, b"b", 0, 1, 1)
    index.append(2, b"b", 0, 1, 1)
    entry = index.remove(2)
    assert index.subject_state(b"b") == SubjectState(1, 1, 1)
    index.append(3, b"b", 0, 1, 1)
    index.remove(3)
    assert index.subject_state(b"b") == SubjectState(1, 1, 1)
    index.retract(2, 1)
    assert entry is not None
    index.restore(entry)
    index.append(3, b"a", 0, 1, 1)

    assert [1, 2] == index.sequences_of(b"b", 9)
