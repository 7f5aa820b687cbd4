"""Unit tests of the place of a consumer in its stream."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.consumers.cursor import HEARD, Cursor
from app.domain.jetstream.consumers.filters import Filters
from tests.fakes.jetstream import FakeOutlet, FakeStream


class Reading:
    """A cursor that reads a stream."""

    name = "R"

    def __init__(self, stream: FakeStream, *filters: str, following: int = 1) -> None:
        self.stream = stream
        self.is_awaited = False
        self.cursor = Cursor(stream.log, Filters(filters), following, stream.committed)
        stream.readers = [self]

    @property
    def filters(self) -> tuple[bytes, ...]:
        """Those of the cursor."""
        return self.cursor.filters.subjects

    def wants(self, subject: bytes) -> bool:
        """What the filters match."""
        return self.cursor.filters.match(subject)

    def needs(self, sequence: int) -> bool:
        """Not asked."""
        return self.cursor.is_wanted(sequence)

    def stored(self, sequence: int, subject: bytes) -> None:
        """Hear of a message."""
        assert self.wants(subject)
        self.cursor.stored(sequence, is_awaited=self.is_awaited)

    def removed(self, sequence: int, subject: bytes) -> None:
        """Hear that it went."""
        assert self.wants(subject)
        self.cursor.removed(sequence)

    def purged(self, first: int) -> None:
        """Hear of a purge."""
        self.cursor.purged(first, self.stream.committed)

    def deleted(self) -> None:
        """Not called."""

    def next(self) -> int:
        """Deliver the next message."""
        sequence = self.cursor.peek(self.stream.committed)
        if sequence:
            self.cursor.advance(sequence)
        return sequence

    def rest(self) -> list[int]:
        """Deliver all."""
        found = []
        while sequence := self.next():
            found.append(sequence)
        return found


def make(*subjects: str) -> FakeStream:
    """A stream with messages."""
    stream = FakeStream(FakeOutlet())
    for subject in subjects:
        stream.add(subject)
    return stream


def test_messages_come_in_order_up_to_the_safe_ones() -> None:
    """And those that are not safe yet are not counted."""
    stream = make("a", "b")
    stream.holds = True
    stream.add("c")
    reading = Reading(stream)
    assert (2, [1, 2], 0) == (reading.cursor.pending, reading.rest(), reading.cursor.pending)
    stream.commit()
    assert (1, [3]) == (reading.cursor.pending, reading.rest())


def test_filters_pass_over_other_messages() -> None:
    """The place moves with them."""
    reading = Reading(make("a", "b", "c", "b", "c"), "b")
    assert (2, [2, 4], 6) == (reading.cursor.pending, reading.rest(), reading.cursor.next)


def runs(reading: Reading, most: int) -> list[list[int]]:
    """Deliver all, as many at a time."""
    found = []
    while sequences := list(reading.cursor.next_run(reading.stream.committed, most)):
        found.append(sequences)
        reading.cursor.advance_run(sequences[-1], len(sequences))
    return found


def test_messages_in_runs() -> None:
    """The next ones are named without being delivered, up to the safe ones."""
    stream = make("a", "b.1", "c", "b.1", "b.2")
    stream.holds = True
    stream.add("b.1")

    assert runs(Reading(stream), 3) == [[1, 2, 3], [4, 5]]
    assert runs(Reading(stream, "b.1"), 1) == [[2], [4]]
    assert runs(Reading(stream, "b.1"), 9) == [[2, 4]]
    assert runs(Reading(stream, "b.*"), 2) == [[2, 4], [5]]
    assert runs(Reading(stream, "c", "b.2"), 9) == [[3, 5]]
    assert runs(Reading(stream, "d"), 9) == []
    assert runs(Reading(stream), 0) == []


def test_a_run_of_what_was_heard() -> None:
    """Messages that were reported need no search, and are safe or wait."""
    stream = make("a")
    reading = Reading(stream, "b")
    reading.is_awaited = True
    for subject in ("b", "c", "b", "b"):
        stream.add(subject)

    assert list(reading.cursor.next_run(4, 9)) == [2, 4]
    assert runs(reading, 2) == [[2, 4], [5]]
    assert (0, 6) == (reading.cursor.pending, reading.cursor.next)


def test_no_runs_of_the_newest_of_each_subject() -> None:
    """They are somewhere."""
    stream = make("a", "b", "a")
    reading = Reading(stream, ">")
    reading.cursor.follow_newest(3, stream.committed)
    assert list(reading.cursor.next_run(3, 9)) == []


def test_the_newest_of_each_subject_first() -> None:
    """In order, then everything that is new."""
    stream = make("a", "b", "a", "c", "b")
    reading = Reading(stream, "a", "b")
    reading.cursor.follow_newest(5, stream.committed)
    assert 2 == reading.cursor.pending
    stream.add("a")
    stream.add("c")
    assert 3 == reading.cursor.pending
    assert [False, False, True, False, True, True] == [reading.cursor.is_wanted(s) for s in range(1, 7)]
    assert [3, 5, 6] == reading.rest()
    stream.add("b")
    assert [8] == reading.rest()


def test_a_newest_one_that_goes_is_not_delivered() -> None:
    """Nor counted; one that is not the newest changes nothing."""
    stream = make("a", "b", "a", "b", "c")
    reading = Reading(stream, ">")
    reading.cursor.follow_newest(5, stream.committed)
    stream.remove(1)
    assert 3 == reading.cursor.pending
    stream.remove(4)
    assert (2, [3, 5]) == (reading.cursor.pending, reading.rest())


def test_if_all_newest_ones_go_the_new_ones_follow() -> None:
    """There is nothing to wait for."""
    stream = make("a")
    reading = Reading(stream, "a")
    reading.cursor.follow_newest(1, stream.committed)
    stream.remove(1)
    stream.add("a")
    assert [2] == reading.rest()


def test_the_newest_one_waits_until_it_is_safe() -> None:
    """As any other."""
    stream = make("a")
    stream.holds = True
    stream.add("a")
    reading = Reading(stream, "a")
    reading.cursor.follow_newest(2, stream.committed)
    assert 0 == reading.next()
    stream.commit()
    assert [2] == reading.rest()
    assert 0 == reading.cursor.pending


def test_a_purge_counts_anew() -> None:
    """Also among the newest ones."""
    stream = make("a", "b", "c", "d")
    reading = Reading(stream, ">")
    reading.cursor.follow_newest(4, stream.committed)
    stream.purge(before=3)
    assert (2, [3, 4]) == (reading.cursor.pending, reading.rest())


def test_a_place_in_the_future() -> None:
    """What comes before is neither counted nor delivered."""
    stream = make("a")
    reading = Reading(stream, following=4)
    for _ in range(4):
        stream.add("a")
    assert (2, [4, 5]) == (reading.cursor.pending, reading.rest())
    stream.remove(2)
    assert 0 == reading.cursor.pending


def test_removals_before_and_after_the_place() -> None:
    """Those after it are pending no more."""
    stream = make("a", "b", "a", "b")
    reading = Reading(stream, "a")
    reading.next()
    reading.cursor.removed(1)
    assert 1 == reading.cursor.pending
    stream.remove(3)
    assert (0, []) == (reading.cursor.pending, reading.rest())


def test_what_was_reported_needs_no_search() -> None:
    """As long as it is not too much, and nothing of it went."""
    stream = make("b")
    reading = Reading(stream, "a")
    reading.is_awaited = True
    for _ in range(2):
        stream.add("a")
        stream.add("b")
    searched: list[int] = []
    search = stream.log.next

    def count(start: int, filters: Sequence[bytes] = ()) -> int:
        searched.append(start)
        return search(start, filters)

    stream.log.next = count  # type: ignore[method-assign] # to count what is asked
    assert ([2, 4], 1) == (reading.rest(), len(searched))
    for _ in range(HEARD + 5):
        stream.add("a")
    assert HEARD + 5 == len(reading.rest())
    stream.add("a")
    stream.add("a")
    stream.remove(stream.log.last - 1)
    assert [stream.log.last] == reading.rest()


def test_what_is_reported_is_safe() -> None:
    """It is delivered up to the safe ones, as all."""
    stream = make()
    reading = Reading(stream, "a")
    reading.is_awaited = True
    stream.add("a")
    assert (0, 1) == (reading.cursor.peek(0), reading.next())


def test_other_filters_and_jumps_count_anew() -> None:
    """From the place on, or from another."""
    stream = make("a", "b", "a", "b")
    reading = Reading(stream, "a")
    assert 1 == reading.next()
    reading.cursor.refilter(Filters(["b"]), stream.committed)
    assert (2, 2) == (reading.cursor.pending, reading.next())
    reading.cursor.jump(1, stream.committed)
    assert (2, [2, 4]) == (reading.cursor.pending, reading.rest())


def test_reports_of_uncounted_messages_change_nothing() -> None:
    """A removal is counted once."""
    stream = make("a")
    reading = Reading(stream)
    reading.cursor.removed(9)
    assert 1 == reading.cursor.pending
    reading.cursor.stored(1)
    assert 1 == reading.cursor.pending


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "add", "remove", "next", "purge", "commit"]), st.integers(0, 30)),
        max_size=60,
    ),
    st.sampled_from([(), ("a",), ("a", "c"), (">",)]),
    st.sampled_from(["all", "awaited", "newest"]),
)
def test_what_is_pending_is_what_is_there(
    steps: list[tuple[str, int]], filters: tuple[str, ...], policy: str
) -> None:
    """Exact at any time, whatever is stored, removed, purged and delivered."""
    stream = make("a", "b", "a", "c")
    stream.holds = True
    reading = Reading(stream, *filters)
    reading.is_awaited = policy == "awaited"
    if policy == "newest":
        reading.cursor.follow_newest(4, stream.committed)
    delivered: set[int] = set()
    for step, number in steps:
        if step == "add":
            stream.add("abcd"[number % 4])
        elif step == "remove":
            stream.remove(1 + number)
        elif step == "purge" and number <= stream.committed:
            stream.purge(before=number // 4)
        elif step == "commit":
            stream.commit()
        elif found := reading.next():
            assert found not in delivered
            delivered.add(found)
        wanted = [
            s
            for s in range(1, stream.committed + 1)
            if stream.log.subject_of(s)
            and reading.needs(s)
            and reading.wants(stream.log.subject_of(s) or b"")
        ]
        assert len(wanted) == reading.cursor.pending
    stream.commit()
    assert reading.cursor.pending == len(reading.rest())
