"""Unit tests of removing messages on request (jetstream-api.md, section 4)."""

from collections import deque
from dataclasses import fields as fields_of
from itertools import count

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.stream_host import FakeReader, Made, make


def filled(messages: int = 6) -> Made:
    """A stream with `s.0`, `s.1` and `s.2` in turn."""
    made = make()
    for number in range(messages):
        made.publish(f"s.{number % 3}")
    made.outlet.clock.run_pending()
    made.outlet.take()
    return made


def slow_down(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each slice of work end at once."""
    readings = count(step=0.01)
    monkeypatch.setattr(made.outlet.clock, "monotonic", lambda: next(readings))


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

    assert 6 - len(left) == made.purge(pattern, sequence, keep)
    assert left == made.sequences()
    assert 6 == made.log.last


def test_a_purge_by_a_sequence_and_a_count() -> None:
    """It is either of the two."""
    with pytest.raises(JetStreamError, match="bad request"):
        filled().purge(b"", 1, 1)


def test_after_a_purge_sequences_go_on() -> None:
    """`first` is after `last`, and the next message gets the next number."""
    made = filled()
    made.purge()

    assert (7, 6) == (made.log.first, made.log.last)
    assert '{"stream":"S","seq":7}' == made.ask("s.1")


@pytest.mark.parametrize("count", [0, 6])
def test_a_purge_below_a_sequence_to_come_goes_on_there(count: int) -> None:
    """As in nats-server: the next message gets this sequence, and readers do not wait for those between."""
    made = filled(count)
    reader = FakeReader("r")
    made.stream.add_reader(reader)

    assert count == made.purge(b"", 100)
    assert (100, 99) == (made.log.first, made.log.last)
    assert [("purged", 100)] == reader.heard
    assert '{"stream":"S","seq":100}' == made.ask("s.1")


@pytest.mark.parametrize(("sequence", "keep", "pattern"), [(2**62 + 1, 0, b""), (2**64 - 1, 0, b">")])
def test_no_purge_leads_to_sequences_that_cannot_be_held(sequence: int, keep: int, pattern: bytes) -> None:
    """Nothing is removed then."""
    made = filled()

    with pytest.raises(JetStreamError, match="bad request"):
        made.purge(pattern, sequence, keep)
    assert 6 == len(made.sequences())


def test_the_sequence_of_a_purge_by_subject_may_be_any() -> None:
    """It moves nothing."""
    made = filled()

    assert 2 == made.purge(b"s.1", 2**64 - 1)
    assert 6 == made.log.last


def test_a_purge_of_single_messages_needs_no_search() -> None:
    """Subjects with one message are known without a list."""
    made = filled(3)

    assert 2 == made.purge(b"s.*", 0, 1)
    assert [3] == made.sequences()


def test_a_purge_is_committed() -> None:
    """It is answered when it is safe."""
    made = filled()
    made.log.holds = True
    outcomes: list[object] = []
    deque(made.stream.purge_steps(b"s.1", 0, 0, lambda *given: outcomes.append(given)), maxlen=0)
    assert [] == outcomes
    assert 6 == made.log.count
    made.log.let_go()

    assert [(4 - 2, None)] == outcomes
    assert 4 == made.log.count


def test_numbers_that_a_purge_uses_up_are_committed() -> None:
    """It is answered when the next messages are sure to get higher ones, also after a restart."""
    made = filled()
    made.log.holds = True
    outcomes: list[object] = []
    deque(made.stream.purge_steps(b"", 100, 0, lambda *given: outcomes.append(given)), maxlen=0)
    made.log.let_go()

    assert [] == outcomes
    assert 99 == made.log.last
    made.stream.end_turn()
    made.log.let_go()
    assert [(6, None)] == outcomes


@pytest.mark.parametrize("pattern", [b"", b"s.1"])
def test_a_purge_that_is_refused_removes_nothing(pattern: bytes) -> None:
    """Nor do readers hear of it."""
    made = filled()
    reader = FakeReader()
    made.stream.add_reader(reader)
    made.log.holds = True
    outcomes: list[object] = []
    deque(made.stream.purge_steps(pattern, 0, 0, lambda *given: outcomes.append(given)), maxlen=0)
    made.log.let_go(StorageFailure.FULL)

    assert [(0, StorageFailure.FULL)] == outcomes
    assert [1, 2, 3, 4, 5, 6] == made.sequences()
    assert [] == reader.heard


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_purge_of_a_stream_that_ends_is_answered(
    monkeypatch: pytest.MonkeyPatch, *, is_begun: bool
) -> None:
    """Nobody waits for ever."""
    made = filled(3000)
    made.log.holds = True
    outcomes: list[tuple[int, StorageFailure | None]] = []
    deque(made.stream.purge_steps(b"s.*", 0, 1, lambda *given: outcomes.append(given)), maxlen=0)
    if is_begun:
        slow_down(made, monkeypatch)
        made.log.let_go()
        assert [] == outcomes
    made.stream.end()
    made.log.let_go()
    made.outlet.clock.run_pending()

    assert [StorageFailure.GONE] * (not is_begun) + [None] * is_begun == [each[1] for each in outcomes]


def test_a_message_whose_removal_is_refused_stays() -> None:
    """It goes when that is safe, and not before."""
    made = filled()
    made.log.holds = True
    outcomes: list[object] = []
    made.stream.delete_message(2, outcomes.append)
    made.log.let_go(StorageFailure.FULL)
    assert [1, 2, 3, 4, 5, 6] == made.sequences()
    made.stream.delete_message(2, outcomes.append)
    made.stream.delete_message(2, outcomes.append)
    made.log.let_go()

    assert [StorageFailure.FULL, None, None] == outcomes
    assert [1, 3, 4, 5, 6] == made.sequences()


def test_large_purges_go_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes meanwhile stays."""
    made = filled(3000)
    slow_down(made, monkeypatch)
    assert made.purge(b"s.*", 0, 1) < 1000
    made.ask("s.1")
    made.outlet.clock.run_pending()

    assert [3000, 3001] == made.sequences()


def test_many_subjects_are_searched_in_steps() -> None:
    """No step lasts long."""
    made = make()
    for number in range(2000):
        made.publish(f"s.{number}", reply="")

    assert len(list(made.stream.purge_steps(b"s.*", 0, 0, lambda *_: None))) > 10
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
        made.purge(*arguments)

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
