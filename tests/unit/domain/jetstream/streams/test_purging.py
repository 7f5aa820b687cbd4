"""Unit tests of removing messages on request (jetstream-api, section 4)."""

from dataclasses import fields as fields_of

import pytest

from app.domain.jetstream.errors import JetStreamError
from tests.fakes.stream_host import FakeReader, Made, make


def filled(count: int = 6) -> Made:
    """A stream with `s.0`, `s.1` and `s.2` in turn."""
    made = make()
    for number in range(count):
        made.publish(f"s.{number % 3}")
    made.outlet.clock.run_pending()
    made.outlet.take()
    return made


@pytest.mark.parametrize(
    ("pattern", "sequence", "keep", "left"),
    [
        (b"", 0, 0, []),
        (b">", 0, 0, []),
        (b"", 3, 0, [3, 4, 5, 6]),
        (b"", 1, 0, [1, 2, 3, 4, 5, 6]),
        (b"", 7, 0, []),
        (b"", 0, 2, [5, 6]),
        (b"", 0, 9, [1, 2, 3, 4, 5, 6]),
        (b"s.1", 0, 0, [1, 3, 4, 6]),
        (b"s.1", 5, 0, [1, 3, 4, 5, 6]),
        (b"s.1", 0, 1, [1, 3, 4, 5, 6]),
        (b"s.*", 0, 1, [6]),
        (b"nosuch", 0, 0, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_purge_removes_what_matches(pattern: bytes, sequence: int, keep: int, left: list[int]) -> None:
    """Below a sequence, or all but the newest; the answer is how many went."""
    made = filled()

    assert 6 - len(left) == made.stream.purge(pattern, sequence, keep)
    assert left == made.sequences()
    assert 6 == made.log.last


def test_a_purge_by_a_sequence_and_a_count() -> None:
    """It is either of the two."""
    with pytest.raises(JetStreamError, match="bad request"):
        filled().stream.purge(b"", 1, 1)


def test_after_a_purge_sequences_go_on() -> None:
    """`first` is after `last`, and the next message gets the next number."""
    made = filled()
    made.stream.purge()

    assert (7, 6) == (made.log.first, made.log.last)
    assert '{"stream":"S","seq":7}' == made.ask("s.1")


@pytest.mark.parametrize("count", [0, 6])
def test_a_purge_below_a_sequence_to_come_goes_on_there(count: int) -> None:
    """As in nats-server: the next message gets this sequence, and readers do not wait for those between."""
    made = filled(count)
    reader = FakeReader("r")
    made.stream.add_reader(reader)

    assert count == made.stream.purge(b"", 100)
    assert (100, 99) == (made.log.first, made.log.last)
    assert [("purged", 100)] == reader.heard
    assert '{"stream":"S","seq":100}' == made.ask("s.1")


@pytest.mark.parametrize(("sequence", "keep", "pattern"), [(2**62 + 1, 0, b""), (2**64 - 1, 0, b">")])
def test_no_purge_leads_to_sequences_that_cannot_be_held(sequence: int, keep: int, pattern: bytes) -> None:
    """Nothing is removed then."""
    made = filled()

    with pytest.raises(JetStreamError, match="bad request"):
        made.stream.purge(pattern, sequence, keep)
    assert 6 == len(made.sequences())


def test_the_sequence_of_a_purge_by_subject_may_be_any() -> None:
    """It moves nothing."""
    made = filled()

    assert 2 == made.stream.purge(b"s.1", 2**64 - 1)
    assert 6 == made.log.last


def test_a_purge_of_single_messages_needs_no_search() -> None:
    """Subjects with one message are known without a list."""
    made = filled(3)

    assert 2 == made.stream.purge(b"s.*", 0, 1)
    assert [3] == made.sequences()


def test_a_purge_is_committed() -> None:
    """It is answered when it is safe."""
    made = filled()
    made.log.holds = True
    outcomes: list[object] = []
    made.stream.purge(b"s.1")
    made.stream.after_commit(outcomes.append)
    made.outlet.clock.run_pending()
    assert [] == outcomes
    made.log.let_go()

    assert [None] == outcomes


def test_large_purges_go_in_steps() -> None:
    """What comes meanwhile stays."""
    made = filled(3000)
    steps = made.stream.purge_steps(b"s.*", 0, 1)
    count = 0
    for _ in steps:
        count += 1
    made.ask("s.1")

    assert count > 5
    assert [3000, 3001] == made.sequences()


def test_many_subjects_are_searched_in_steps() -> None:
    """No step lasts long."""
    made = make()
    for number in range(1000):
        made.publish(f"s.{number}", reply="")

    assert len(list(made.stream.purge_steps(b"s.*"))) > 10
    assert [] == made.sequences()


@pytest.mark.parametrize(
    ("fields", "arguments", "number"),
    [
        ({"deny_purge": True}, (b"", 0, 0), 10110),
        ({"sealed": True}, (b"", 0, 0), 10109),
        ({}, (b"", 1, 1), 10003),
    ],
)
def test_a_purge_may_be_refused(
    fields: dict[str, bool], arguments: tuple[bytes, int, int], number: int
) -> None:
    """By configuration, or for a contradiction."""
    made = filled()
    set_on(made, **fields)

    with pytest.raises(JetStreamError) as refusal:
        made.stream.purge(*arguments)

    assert number == refusal.value.number


def set_on(made: Made, **fields: object) -> None:
    """Change the configuration, whatever the rules say."""
    config = made.stream.config
    values = {each.name: getattr(config, each.name) for each in fields_of(config)}
    made.stream.update(type(config)(**values | fields))


def test_a_message_is_deleted() -> None:
    """It leaves a hole."""
    made = filled()
    made.stream.delete_message(2)

    assert [1, 3, 4, 5, 6] == made.sequences()
    assert [2] == made.log.holes()


@pytest.mark.parametrize(
    ("fields", "sequence", "number", "words"),
    [
        ({}, 0, 10043, "sequence 0 not found"),
        ({}, 2, 10043, "sequence 2 not found"),
        ({}, 7, 10043, "sequence 7 not found"),
        ({"storage": "file"}, 7, 10057, "stream store EOF"),
        ({"deny_delete": True}, 1, 10057, "message delete not permitted"),
        ({"sealed": True}, 1, 10109, "invalid operation on sealed stream"),
    ],
)
def test_a_deletion_may_be_refused(fields: dict[str, object], sequence: int, number: int, words: str) -> None:
    """What is not there, or is denied, has its number and its text."""
    made = filled()
    made.stream.delete_message(2)
    set_on(made, **fields)

    with pytest.raises(JetStreamError) as refusal:
        made.stream.delete_message(sequence)

    assert (number, words) == (refusal.value.number, refusal.value.description)
