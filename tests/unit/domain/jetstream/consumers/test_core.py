"""Unit tests of what the parts of a consumer share."""

from app.domain.jetstream.consumers.consumer import Consumer
from app.domain.jetstream.consumers.scheduling import SAVING
from app.domain.jetstream.streams.config import StreamConfig
from tests.fakes.jetstream import SECOND, FakeState

from .harness import Harness, numbers


def test_changes_are_written_together() -> None:
    """Once in some ms, however much happens."""
    harness = Harness()
    harness.create()
    harness.publish(50)
    for message in harness.fetch(50):
        harness.ack(message)
    before = harness.state.commits
    harness.advance(SAVING)
    assert 1 == harness.state.commits - before
    harness.advance(10)
    assert 1 == harness.state.commits - before


def test_a_consumer_in_memory_writes_nothing() -> None:
    """Creation costs no commit; double acks are answered all the same."""
    harness = Harness()
    harness.create(mem_storage=True)
    harness.publish(2)
    first, _ = harness.fetch(2)
    assert harness.ack(first, double=True)
    harness.advance(10)
    assert (0, b"") == (harness.state.commits, harness.state.reopen().checkpoint)


def test_a_consumer_of_a_stream_in_memory_writes_nothing() -> None:
    """Nobody would read it."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), storage="memory"))
    harness.create()
    harness.publish(2)
    harness.fetch(2)
    harness.advance(10)
    assert (0, b"") == (harness.state.commits, harness.state.reopen().checkpoint)


def test_a_consumer_without_a_log() -> None:
    """On a stream in memory."""
    harness = Harness()
    config = harness.create().config
    harness.consumer = Consumer("C", config, harness.stream, None, harness.services)
    harness.stream.readers = [harness.consumer]
    harness.consumer.start()
    harness.publish(1)
    assert 1 == len(harness.fetch(1))


def test_a_new_consumer_is_written_at_once() -> None:
    """So that a restart finds where it began."""
    harness = Harness()
    harness.publish(3)
    harness.create(deliver_policy="new")
    harness.publish(1)
    config = harness.consumer.config
    harness.state = FakeState(harness.state.reopen().checkpoint)
    harness.consumer = Consumer("C", config, harness.stream, harness.state, harness.services)
    assert [4] == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_advisories_need_nobody() -> None:
    """Without a listener nothing happens."""
    harness = Harness()
    config = harness.create().config
    harness.consumer = Consumer("C", config, harness.stream, None, harness.services)
    harness.stream.readers = [harness.consumer]
    harness.publish(1)
    (message,) = harness.fetch(1)
    harness.ack(message, b"-NAK")
    assert [] == harness.advisories
    assert callable(harness.consumer.on_advisory)
    harness.consumer.on_inactive()


def test_redelivery_counts_from_the_delivery() -> None:
    """Also over a restart."""
    harness = Harness()
    harness.create(ack_wait=10 * SECOND)
    harness.publish(1)
    harness.fetch(1)
    harness.advance(4)
    harness.restart(away=3)
    harness.advance(2.9)
    assert [] == harness.fetch(1)
    harness.advance(0.2)
    assert [2] == [numbers(sent)[0] for sent in harness.fetch(1)]
