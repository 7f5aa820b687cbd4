"""Unit tests of a stream's messages and who hears of them."""

from app.domain.jetstream.streams.contents import MANY, Contents
from tests.fakes.stream_host import FakeReader, HeldLog


def contents(count: int = 3, committed: int | None = None) -> tuple[Contents, FakeReader]:
    """Messages on two subjects in turn, and a reader that heard of those that are safe."""
    made = Contents(HeldLog())
    reader = FakeReader("r", (b"a",))
    made.index.add(reader)
    for number in range(count):
        made.append(b"ab"[number % 2 : number % 2 + 1], b"", b"", 1)
    made.announce(count if committed is None else committed)
    reader.heard.clear()
    return made, reader


def test_readers_hear_of_what_is_safe() -> None:
    """Once, in order, and only of subjects that they want."""
    made, reader = contents(5, 0)
    made.announce(3)
    assert [("stored", 1), ("stored", 3)] == reader.heard
    made.announce(5)

    assert [("stored", 1), ("stored", 3), ("stored", 5)] == reader.heard
    assert made.committed == 5


def test_what_went_before_it_was_safe_is_not_heard_of() -> None:
    """Neither its coming nor its going."""
    made, reader = contents(4, 0)
    made.remove([1])
    made.append(b"a", b"", b"", 1, [3])
    made.announce(5)

    assert [("stored", 5)] == reader.heard


def test_readers_hear_of_removals() -> None:
    """Also of those that come with a new message; not of what is not there."""
    made, reader = contents(5)
    assert made.remove([1, 2, 9]) == 2
    made.append(b"a", b"", b"", 1, [3])

    assert [("removed", 1), ("removed", 3)] == reader.heard


def test_many_removals_are_one_purge() -> None:
    """Readers count again."""
    made, reader = contents(2 * MANY)
    made.remove(range(1, MANY + 2))

    assert [("purged", MANY + 2)] == reader.heard
    assert made.remove_before(MANY + 1) == 0
    assert made.remove_before(2 * MANY + 1) == MANY - 1
    assert ("purged", 2 * MANY + 1) == reader.heard[-1]
    assert len(reader.heard) == 2


def test_nobody_need_listen() -> None:
    """Without readers nothing is looked up."""
    made = Contents(HeldLog())
    made.append(b"a", b"", b"", 1)
    made.announce(1)

    assert made.remove([1]) == 1
    assert made.committed == 1


def test_a_message_is_needed_by_its_readers() -> None:
    """Those whose filters match decide."""
    made, reader = contents()
    reader.needs_all, reader.wanted = False, {1}

    assert made.needed(1, b"a")
    assert not made.needed(2, b"b")
    assert not made.needed(3, b"a")


def test_messages_that_come_back_are_counted_again() -> None:
    """Readers hear that their counts are no longer right."""
    made, reader = contents()
    made.taken_back()

    assert [("purged", 1)] == reader.heard


def test_damaged_messages_are_not_there() -> None:
    """Reading one answers the same as for a message that went."""
    log = HeldLog()
    made = Contents(log)
    made.append(b"a", b"", b"x", 1)
    log.damaged.add(1)

    assert made.read(1) is None
    assert made.read(2) is None


def test_subjects_are_found_by_pattern() -> None:
    """Only those with messages up to a sequence."""
    made, _ = contents()

    assert [b"a"] == [subject for subject, _ in made.matching(b"*", 1)]


def test_all_sequences_are_a_range_unless_that_is_long() -> None:
    """Gaps of any length cost nothing."""
    made, _ = contents(3)
    assert made.all_sequences() == range(1, 4)
    made.log.skip(10**15, 1)
    made.append(b"a", b"", b"", 1)

    assert list(made.all_sequences()) == [1, 2, 3, 10**15 + 1]
