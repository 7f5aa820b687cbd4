"""Unit tests of where consumers begin."""

import pytest

from app.domain.jetstream.consumers.start import HIGHEST
from tests.fakes.jetstream import SECOND

from .harness import Harness, numbers

STARTS: list[tuple[dict[str, object], list[int], int]] = [
    ({"deliver_policy": "all"}, [3, 4, 5, 6], 2),
    ({"deliver_policy": "last"}, [6], 5),
    ({"deliver_policy": "last", "filter_subjects": ["s.a", "s.c"]}, [5], 4),
    ({"deliver_policy": "last", "filter_subject": "s.x"}, [], 2),
    ({"deliver_policy": "new"}, [], 6),
    ({"deliver_policy": "by_start_sequence", "opt_start_seq": 4}, [4, 5, 6], 3),
    ({"deliver_policy": "by_start_sequence", "opt_start_seq": 1}, [3, 4, 5, 6], 2),
    ({"deliver_policy": "by_start_sequence", "opt_start_seq": 9}, [], 8),
    ({"deliver_policy": "by_start_sequence", "opt_start_seq": 2**64 - 1}, [], HIGHEST - 1),
    ({"deliver_policy": "by_start_time", "opt_start_time": "2016-11-24T15:06:43Z"}, [4, 5, 6], 3),
    ({"deliver_policy": "by_start_time", "opt_start_time": "2030-01-01T00:00:00Z"}, [], 6),
    ({"deliver_policy": "last_per_subject", "filter_subject": ">"}, [4, 5, 6], 3),
    ({"deliver_policy": "last_per_subject", "filter_subject": "s.x"}, [], 5),
]


@pytest.mark.parametrize(("fields", "expected", "before"), STARTS)
def test_deliver_policies(fields: dict[str, object], expected: list[int], before: int) -> None:
    """What is delivered, and what counts as delivered before."""
    harness = Harness()
    for subject in ("s.a", "s.b", "s.a", "s.a", "s.c", "s.b"):
        harness.publish(1, subject)
        harness.clock.advance(1)
    harness.stream.purge(before=3)
    harness.create(ack_policy="none", **fields)
    assert (0, before) == harness.place()[0]
    assert len(expected) == harness.consumer.num_pending
    assert expected == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_an_empty_stream_with_a_first_sequence() -> None:
    """The first message is delivered by every policy."""
    for policy in ("all", "last", "new"):
        harness = Harness(first=100)
        harness.create(deliver_policy=policy)
        harness.publish()
        assert [100] == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_messages_that_went_while_it_was_away() -> None:
    """They are not pending, and the floor moves on."""
    harness = Harness()
    harness.create()
    harness.publish(5)
    harness.fetch(3)
    harness.advance(1)
    readers, harness.stream.readers = harness.stream.readers, []
    for sequence in (1, 2, 4):
        harness.stream.remove(sequence)
    harness.stream.readers = readers
    harness.restart()
    assert (1, 1, (2, 2)) == (
        harness.consumer.num_ack_pending,
        harness.consumer.num_pending,
        harness.place()[1],
    )


def test_counts_of_messages_that_went_are_forgotten() -> None:
    """Those that were delivered too often, too."""
    harness = Harness()
    harness.create(max_deliver=1, ack_wait=SECOND, max_ack_pending=5)
    harness.restart()
    harness = Harness()
    harness.create(max_deliver=2, ack_wait=SECOND)
    harness.publish()
    harness.fetch()
    harness.advance(2)
    harness.fetch()
    harness.advance(2)
    assert 1 == harness.count("num_redelivered")
    harness.stream.readers = []
    harness.stream.remove(1)
    harness.restart()
    assert 0 == harness.count("num_redelivered")


def test_a_stream_that_lost_messages() -> None:
    """New ones are delivered, although their sequences were used before."""
    harness = Harness()
    harness.create()
    harness.publish(5)
    harness.fetch(5)
    harness.advance(1)
    config = harness.consumer.config
    other = Harness()
    other.publish(2)
    other.state = harness.state.reopen()
    other.create()
    assert config == other.consumer.config
    assert (2, 2) == (other.place()[0][1], other.consumer.num_ack_pending)
    other.publish()
    assert [3] == [numbers(sent)[1] for sent in other.fetch(9)]


def test_the_newest_of_each_subject_after_a_restart() -> None:
    """What was not delivered before is, and nothing else that is old."""
    harness = Harness()
    for subject in ("s.a", "s.b", "s.c", "s.a", "s.b"):
        harness.publish(1, subject)
    harness.create(deliver_policy="last_per_subject", filter_subject="s.>")
    assert [3] == [numbers(sent)[1] for sent in harness.fetch(1)]
    harness.advance(1)
    harness.restart()
    assert [4, 5] == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_the_clock_was_set_back_while_it_was_away() -> None:
    """What is due is not delayed by that."""
    harness = Harness()
    harness.create(ack_wait=30 * SECOND)
    harness.publish()
    harness.fetch()
    harness.advance(10)
    harness.clock.step_wall(-3600)
    harness.restart()
    harness.advance(31)
    assert [2] == [numbers(sent)[0] for sent in harness.fetch(1)]
