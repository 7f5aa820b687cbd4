"""Unit tests of a whole consumer: retention, purges, pauses, inactivity, its end."""

import pytest

from app.domain.jetstream.consumers.consumer import CHECKED_AT_ONCE, DUE_BLOCKS
from app.domain.jetstream.consumers.pending import SIZE
from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.config import StreamConfig
from tests.fakes.jetstream import SECOND

from .harness import INBOX, Harness, numbers


def make(count: int = 0, **fields: object) -> Harness:
    """A consumer after these messages."""
    harness = Harness()
    harness.publish(count)
    harness.create(**fields)
    return harness


def sequences(harness: Harness) -> list[int]:
    """Stream sequences that came."""
    return [numbers(sent)[1] for sent in harness.outlet.take(INBOX) if sent.reply]


# ---- its begin ----


@pytest.mark.parametrize("fields", [{}, {"deliver_subject": INBOX}])
def test_a_held_one_waits(fields: dict[str, object]) -> None:
    """Until it is released it delivers nothing, even if somebody asks; then it delivers all."""
    harness = Harness()
    harness.publish(2)
    harness.make(**fields)
    harness.consumer.hold()
    harness.consumer.start()
    if not fields:
        harness.ask(batch=3, no_wait=True)
    harness.publish()
    harness.advance(1)

    assert [] == sequences(harness)
    harness.consumer.release()
    harness.run()
    assert [1, 2, 3] == sequences(harness)


def test_one_that_ended_while_it_was_held() -> None:
    """It delivers nothing."""
    harness = Harness()
    harness.publish()
    harness.make(deliver_subject=INBOX)
    harness.consumer.hold()
    harness.consumer.start()
    harness.consumer.delete()
    harness.consumer.release()
    harness.run()

    assert [] == sequences(harness)


def test_no_heartbeats_of_a_held_one() -> None:
    """They begin when it is released, and no timer runs for them before that."""
    harness = Harness()
    harness.make(deliver_subject=INBOX, idle_heartbeat=SECOND)
    harness.consumer.hold()
    harness.consumer.start()
    harness.advance(2.5)
    assert [] == harness.outlet.take(INBOX)

    harness.consumer.release()
    harness.advance(0)
    assert [b""] == [sent.reply for sent in harness.outlet.take(INBOX)]
    harness.advance(1)
    assert 1 == len(harness.outlet.take(INBOX))


def test_a_held_one_answers_requests_that_end() -> None:
    """Its clients do not wait for messages longer than they asked for."""
    harness = make()
    harness.consumer.hold()
    harness.ask(expires=SECOND)
    harness.advance(1.01)

    assert ["408 Request Timeout"] == [sent.status for sent in harness.outlet.take(INBOX)]


def test_one_that_is_held_twice() -> None:
    """It delivers when it was released as often."""
    harness = Harness()
    harness.publish()
    harness.create(deliver_subject="_INBOX.b")
    harness.consumer.hold()
    harness.consumer.hold()
    harness.publish()
    harness.consumer.release()
    harness.run()

    assert 1 == len(harness.outlet.take("_INBOX.b"))
    harness.consumer.release()
    harness.run()
    assert 1 == len(harness.outlet.take("_INBOX.b"))


# ---- what the stream asks ----


def test_what_it_needs() -> None:
    """What it will deliver, what is not settled, what was delivered too often."""
    harness = make(6, deliver_policy="by_start_sequence", opt_start_seq=2, max_deliver=1, ack_wait=SECOND)
    harness = make(
        0,
        filter_subject="s.a",
        max_deliver=2,
        ack_wait=SECOND,
        deliver_policy="by_start_sequence",
        opt_start_seq=2,
    )
    for subject in ("s.a", "s.a", "s.b", "s.a", "s.a", "s.a", "s.b"):
        harness.publish(1, subject)
    two, four, _ = harness.fetch(3)
    harness.ack(four)
    assert [2, 5, 6] == [s for s in range(1, 9) if harness.consumer.needs(s)]
    harness.advance(1.01)
    harness.fetch(2)
    harness.advance(1.01)
    assert [2, 5, 6] == [s for s in range(1, 9) if harness.consumer.needs(s)]
    harness.ack(two)
    assert [5, 6] == [s for s in range(1, 9) if harness.consumer.needs(s)]
    assert [b"s.a"] == list(harness.consumer.filters)
    assert [True, False] == [harness.consumer.wants(s) for s in (b"s.a", b"s.b")]


def test_without_filters_it_needs_all_that_come() -> None:
    """From its place on."""
    harness = make(3)
    harness.fetch(1)
    assert [1, 2, 3, 4] == [s for s in range(5) if harness.consumer.needs(s)]


def test_a_purge() -> None:
    """What is gone is neither pending nor unsettled; the floor moves on."""
    harness = make(6)
    harness.fetch(3)
    harness.stream.purge(before=3)
    harness.run()
    assert ((3, 3), (2, 2)) == harness.place()
    assert (1, 3) == (harness.consumer.num_ack_pending, harness.consumer.num_pending)
    harness.stream.purge(before=7)
    harness.run()
    assert ((3, 6), (3, 6)) == harness.place()
    harness.publish(1)
    assert [7] == [numbers(sent)[1] for sent in harness.fetch(1)]


def test_a_purge_with_a_filter() -> None:
    """Holes among the unsettled messages are found, in turns."""
    harness = make(0, max_ack_pending=-1)
    count = 2 * CHECKED_AT_ONCE + 10
    for _ in range(count):
        harness.stream.add()
    harness.run()
    harness.fetch(count)
    harness.stream.purge(sequences=range(2, count + 1, 2))
    harness.run()
    assert (count // 2, 0) == (harness.consumer.num_ack_pending, harness.consumer.num_pending)


def test_a_purge_makes_room() -> None:
    """It goes on at once."""
    harness = make(4, max_ack_pending=2)
    harness.ask(batch=9)
    harness.stream.purge(before=3)
    harness.run()
    assert [3, 4] == sequences(harness)


def test_its_stream_goes() -> None:
    """So does it; who waits is answered."""
    harness = make()
    harness.ask()
    harness.consumer.deleted()
    assert ["409 Consumer Deleted"] == [sent.status for sent in harness.outlet.take(INBOX)]


def test_reports_while_nobody_waits_cost_nothing() -> None:
    """No turn, no timer."""
    harness = make()
    harness.advance(1)
    harness.stream.add()
    assert (0, 0) == (harness.clock.calls_pending, harness.clock.timers_outstanding)


# ---- time ----


def test_many_messages_that_are_due_together() -> None:
    """They are queued in turns, in order."""
    count = DUE_BLOCKS * SIZE + 300
    harness = make(0, max_ack_pending=-1, ack_wait=SECOND)
    for _ in range(count):
        harness.stream.add()
    harness.run()
    harness.fetch(count)
    harness.consumer.pull(b"%d" % count, INBOX.encode())
    harness.advance(1)
    assert list(range(1, count + 1)) == sequences(harness)


def test_an_idle_consumer_has_no_timer() -> None:
    """A hundred thousand of them cost memory alone."""
    harness = make(3)
    for message in harness.fetch(3):
        harness.ack(message)
    harness.advance(100)
    assert 0 == harness.clock.timers_outstanding


def test_a_pause() -> None:
    """Nothing is delivered, acks count; who waits is served when it ends."""
    harness = make(2)
    (first,) = harness.fetch(1)
    until = harness.outlet.wall() + 100 * SECOND
    harness.consumer.pause(until)
    harness.consumer.pause(until)
    assert [] == harness.ask(batch=5)
    assert ["408 Requests Pending"] == [sent.status for sent in harness.ask(no_wait=True)]
    assert harness.ack(first, double=True)
    harness.advance(99)
    assert (True, SECOND) == (harness.consumer.is_paused, harness.consumer.pause_remaining)
    assert [] == sequences(harness)
    harness.advance(1)
    assert [2] == sequences(harness)
    assert [(True, until), (False, until)] == [(f["paused"], f["pause_until"]) for _, f in harness.advisories]


def test_a_pause_is_ended() -> None:
    """By a time in the past, or none; redeliveries wait for it, too."""
    harness = make(1, ack_wait=SECOND)
    harness.fetch(1)
    harness.ask(batch=5)
    harness.consumer.pause(harness.outlet.wall() + 100 * SECOND)
    harness.advance(5)
    assert [] == sequences(harness)
    harness.consumer.pause(harness.outlet.wall() - 1)
    harness.run()
    assert [1] == sequences(harness)
    harness.consumer.pause(None)
    harness.consumer.pause(None)
    assert [True, False, False] == [fields["paused"] for _, fields in harness.advisories]


def test_a_pause_follows_the_clock_that_was_set() -> None:
    """Within a minute."""
    harness = make(1)
    harness.ask()
    harness = make(1)
    harness.consumer.pause(harness.outlet.wall() + 10**6 * SECOND)
    harness.ask()
    harness.clock.step_wall(10**6)
    harness.advance(61)
    assert [1] == sequences(harness)


def test_a_paused_consumer_ends_requests_for_what_is_there() -> None:
    """Nothing is there for them."""
    harness = make(1)
    harness.consumer.pause(harness.outlet.wall() + 100 * SECOND)
    assert ["404 No Messages"] == [sent.status for sent in harness.ask(no_wait=True)]


def test_an_update_does_not_end_a_pause() -> None:
    """Nor begin one."""
    harness = make(1)
    harness.consumer.update(harness.reconfigured(pause_until="2016-11-24T15:07:00Z"))
    assert not harness.consumer.is_paused
    harness.consumer.pause(harness.outlet.wall() + 10 * SECOND)
    harness.consumer.update(harness.reconfigured(pause_until=None, description="d"))
    assert [] == harness.ask()
    harness.advance(20)
    assert [1] == sequences(harness)


def test_a_consumer_that_nobody_uses_ends() -> None:
    """After its threshold, counted from the end of the last request."""
    harness = make(durable_name="", name="C", inactive_threshold=5 * SECOND)
    harness.advance(3)
    harness.ask(expires=4 * SECOND)
    harness.advance(8.9)
    assert 0 == harness.ended
    harness.advance(0.2)
    assert 1 == harness.ended
    harness.advance(100)
    assert 1 == harness.ended


def test_a_request_that_waits_keeps_it() -> None:
    """As long as somebody listens."""
    harness = make(durable_name="", inactive_threshold=5 * SECOND)
    harness.outlet.subscribe("other")
    harness.ask("other")
    harness.advance(60)
    assert 0 == harness.ended
    harness.outlet.unsubscribe("other")
    harness.advance(20)
    assert 1 == harness.ended


def test_an_ack_that_may_come_keeps_it() -> None:
    """The threshold counts from when it is due."""
    harness = make(1, durable_name="", inactive_threshold=5 * SECOND, ack_wait=20 * SECOND)
    harness.fetch()
    harness.advance(24)
    assert 0 == harness.ended
    harness.advance(2)
    assert 1 == harness.ended


def test_a_push_consumer_without_listeners_ends() -> None:
    """After its threshold without one; a listener in between counts."""
    harness = make(durable_name="", deliver_subject="d", inactive_threshold=5 * SECOND)
    harness.advance(4)
    harness.outlet.subscribe("d")
    harness.advance(60)
    assert 0 == harness.ended
    harness.outlet.unsubscribe("d")
    harness.advance(4.9)
    assert 0 == harness.ended
    harness.advance(0.2)
    assert 1 == harness.ended


def test_many_clients_that_went_are_noticed_in_turns() -> None:
    """The consumer ends all the same."""
    harness = make(durable_name="", inactive_threshold=5 * SECOND, max_waiting=5000)
    harness.outlet.subscribe("gone")
    for _ in range(2500):
        harness.consumer.pull(b"", b"gone")
    harness.outlet.unsubscribe("gone")
    harness.advance(60)
    assert 1 == harness.ended


# ---- operators ----


def test_a_pin_needs_its_group() -> None:
    """10160."""
    harness = make(priority_policy="pinned_client", priority_groups=["g"])
    with pytest.raises(JetStreamError) as caught:
        harness.consumer.unpin("h")
    assert 10160 == caught.value.number
    harness = make(deliver_subject="d")
    with pytest.raises(JetStreamError) as caught:
        harness.consumer.unpin("g")
    assert 10160 == caught.value.number


def test_an_orderly_stop_saves_all() -> None:
    """Nothing happens after it, and who waits hears nothing."""
    for fields in ({}, {"deliver_subject": "d"}):
        harness = make(2, **fields)
        harness.outlet.subscribe("d")
        harness.run()
        message = (harness.outlet.take("d") or harness.ask(batch=3))[0]
        harness.consumer.ack(message.reply.split(b".")[-5:], b"", b"")
        harness.consumer.stop()
        harness.publish(1)
        harness.advance(1)
        assert [] == harness.outlet.take()
        config = harness.consumer.config
        harness.state = harness.state.reopen(keep=0)
        harness._open(config)  # noqa: SLF001 - what `restart` does, without the end before it
        assert 1 == harness.consumer.num_ack_pending


def test_nothing_begins_after_the_end() -> None:
    """Neither an update nor a pause sets a timer."""
    harness = make(1, durable_name="")
    harness.consumer.delete()
    harness.consumer.pause(harness.outlet.wall() + SECOND)
    harness.run()
    assert (0, False) == (harness.clock.timers_outstanding, harness.consumer.is_bound)


def test_acks_after_the_end_mean_nothing() -> None:
    """No answer, no error."""
    harness = make(1)
    (message,) = harness.fetch()
    harness.consumer.delete()
    assert not harness.ack(message, double=True)
    assert not harness.consumer.serve(0.0)


def test_a_slice_of_a_work_queue() -> None:
    """Each message goes once it is settled."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention="workqueue"))
    harness.create(filter_subject="s.a")
    harness.publish(2)
    harness.publish(1, "s.b")
    first, second = harness.fetch(2)
    harness.ack(second)
    assert [1, 3] == [s for s in (1, 2, 3) if harness.stream.log.subject_of(s)]
    harness.ack(first)
    assert (2, 2) == harness.place()[1]


def test_requests_end_with_the_server() -> None:
    """Who waits hears that the server stops, and how much of the request was not served."""
    harness = make(1)
    harness.consumer.pull(b'{"batch":5,"expires":30000000000}', INBOX.encode())
    harness.outlet.take()
    harness.consumer.end_requests()
    (sent,) = harness.outlet.take()
    assert sent.headers == (
        b"NATS/1.0 409 Server Shutdown\r\nNats-Pending-Messages: 4\r\nNats-Pending-Bytes: 0\r\n\r\n"
    )
    assert 0 == harness.count("num_waiting")


def test_a_push_consumer_has_no_requests() -> None:
    """Nothing is sent when the server stops."""
    harness = make(deliver_subject="d")
    harness.consumer.end_requests()
    assert [] == harness.outlet.take()
