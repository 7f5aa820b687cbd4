"""Unit tests of updates and resets."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from tests.fakes.jetstream import SECOND

from .harness import INBOX, Harness, numbers


def make(count: int = 3, **fields: object) -> Harness:
    """A consumer after these messages."""
    harness = Harness()
    harness.publish(count)
    harness.create(**fields)
    return harness


def test_other_filters() -> None:
    """What is pending is counted again, also after a restart; what was delivered stays so."""
    harness = make(0, filter_subject="s.a")
    for subject in ("s.a", "s.b", "s.a", "s.b"):
        harness.publish(1, subject)
    harness.fetch(1)
    assert harness.consumer.update(harness.reconfigured(filter_subject="s.b"))
    assert 2 == harness.consumer.num_pending
    harness.advance(1)
    harness.restart()
    assert (2, 1) == (harness.consumer.num_pending, harness.consumer.num_ack_pending)
    assert [2, 4] == [numbers(sent)[1] for sent in harness.fetch(9)]
    assert not harness.consumer.update(harness.reconfigured(description="same"))


def test_another_ack_wait_counts_for_what_is_pending() -> None:
    """Longer or shorter."""
    harness = make(1, ack_wait=10 * SECOND)
    harness.ask(batch=9)
    harness.outlet.take()
    harness.consumer.update(harness.reconfigured(ack_wait=3 * SECOND))
    harness.advance(2.9)
    assert [] == harness.outlet.take(INBOX)
    harness.advance(0.2)
    assert [2] == [numbers(sent)[0] for sent in harness.outlet.take(INBOX)]


def test_a_backoff_counts_from_the_next_delivery() -> None:
    """What is pending keeps its time."""
    harness = make(1, ack_wait=10 * SECOND)
    harness.ask(batch=9)
    harness.outlet.take()
    harness.consumer.update(harness.reconfigured(backoff=[SECOND]))
    harness.advance(9.9)
    assert [] == harness.outlet.take(INBOX)
    harness.advance(1.2)
    assert 2 == len(harness.outlet.take(INBOX))


def test_more_may_be_pending() -> None:
    """It goes on at once."""
    harness = make(3, max_ack_pending=1)
    harness.ask(batch=9)
    harness.outlet.take()
    harness.consumer.update(harness.reconfigured(max_ack_pending=3))
    harness.run()
    assert [2, 3] == [numbers(sent)[1] for sent in harness.outlet.take(INBOX)]


def test_another_rate() -> None:
    """Set, and taken away."""
    harness = make(0, deliver_subject="_INBOX.d", ack_policy="none", deliver_policy="all")
    harness.consumer.update(harness.reconfigured(rate_limit_bps=8000))
    for _ in range(3):
        harness.stream.add("s.a", bytes(700_000))
    harness.run()
    assert 1 == len(harness.outlet.take())
    harness.consumer.update(harness.reconfigured(rate_limit_bps=0))
    harness.run()
    assert 2 == len(harness.outlet.take())


def test_what_may_not_be_changed() -> None:
    """Nothing is changed then."""
    harness = make()
    with pytest.raises(JetStreamError) as caught:
        harness.consumer.check_update(harness.reconfigured(ack_policy="all"))
    assert (10012, "explicit") == (caught.value.number, harness.consumer.config.ack_policy)


def test_a_reset_to_the_floor() -> None:
    """What was not settled is delivered as new."""
    harness = make(4)
    first, _, _ = harness.fetch(3)
    harness.ack(first)
    assert 2 == harness.consumer.reset()
    assert ((0, 1), (0, 1)) == harness.place()
    assert (3, 0) == (harness.consumer.num_pending, harness.consumer.num_ack_pending)
    assert [(1, 2, 1), (1, 3, 2), (1, 4, 3)] == [numbers(sent)[:3] for sent in harness.fetch(9)]
    harness.advance(1)
    harness.restart()
    assert 3 == harness.consumer.num_ack_pending


@pytest.mark.parametrize(
    ("fields", "sequence", "words"),
    [
        ({"deliver_policy": "all"}, 1, ""),
        ({"deliver_policy": "all"}, 2**64 - 1, ""),
        ({"deliver_policy": "by_start_sequence", "opt_start_seq": 2}, 2, ""),
        ({"deliver_policy": "by_start_sequence", "opt_start_seq": 2}, 1, "below start seq"),
        ({"deliver_policy": "by_start_time", "opt_start_time": "2016-01-01T00:00:00Z"}, 1, ""),
        (
            {"deliver_policy": "by_start_time", "opt_start_time": "2030-01-01T00:00:00Z"},
            1,
            "below start time",
        ),
        ({"deliver_policy": "new"}, 1, "not allowed"),
    ],
)
def test_where_a_reset_may_go(fields: dict[str, object], sequence: int, words: str) -> None:
    """Not before the start."""
    harness = make(4, **fields)
    if not words:
        harness.consumer.reset(sequence)
        harness.publish(1)
        return
    with pytest.raises(JetStreamError) as caught:
        harness.consumer.reset(sequence)
    assert f"invalid reset: {words}" == caught.value.description


def test_a_reset_is_undone() -> None:
    """Deliveries are as they were, also after a restart; not where the consumer is gone."""
    harness = make(4)
    first, _, _ = harness.fetch(3)
    harness.ack(first)
    undo = harness.consumer.kept()
    before = (harness.place(), harness.consumer.num_pending, harness.consumer.num_ack_pending)
    harness.consumer.reset()
    harness.publish(1)
    undo()

    assert (harness.place(), harness.consumer.num_pending - 1, harness.consumer.num_ack_pending) == before
    harness.restart()
    assert 2 == harness.consumer.num_ack_pending
    assert [5, 4] == sorted((numbers(sent)[1] for sent in harness.fetch(9)), reverse=True)
    undo, place = harness.consumer.kept(), harness.place()
    harness.consumer.delete()
    undo()
    assert place == harness.place()
