"""Unit tests of push consumers."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.streams.config import StreamConfig
from tests.fakes.jetstream import SECOND, Sent

from .harness import Harness, numbers

DELIVER = "d"


def make(count: int = 0, *, listens: bool = True, **fields: object) -> Harness:
    """A push consumer, after these messages."""
    harness = Harness()
    harness.publish(count)
    if listens:
        harness.outlet.subscribe(DELIVER)
    harness.create(deliver_subject=DELIVER, **fields)
    return harness


def sequences(harness: Harness, subject: str = DELIVER) -> list[int]:
    """Stream sequences that came since the last call."""
    return [numbers(sent)[1] for sent in harness.outlet.take(subject) if sent.reply.startswith(b"$JS.ACK")]


def test_messages_go_to_who_listens() -> None:
    """Those that are there, and new ones."""
    harness = make(2)
    harness.publish(1)
    assert [1, 2, 3] == sequences(harness)
    assert harness.info["push_bound"] is True


def test_without_interest_it_waits() -> None:
    """Until somebody comes, and again when they go."""
    harness = make(2, listens=False)
    assert [] == sequences(harness)
    assert "push_bound" not in harness.info
    harness.outlet.subscribe(DELIVER)
    harness.run()
    assert [1, 2] == sequences(harness)
    harness.outlet.unsubscribe(DELIVER)
    harness.run()
    harness.publish(1)
    assert not harness.consumer.is_bound
    assert 1 == harness.consumer.num_pending


def test_a_group_has_to_listen() -> None:
    """A plain subscription does not start it."""
    harness = make(1, deliver_group="g")
    assert [] == sequences(harness)
    harness.outlet.subscribe(DELIVER, "g")
    harness.run()
    assert [1] == sequences(harness)


def test_pull_requests_are_refused() -> None:
    """With a status."""
    harness = make()
    assert ["409 Consumer is push based"] == [sent.status for sent in harness.ask()]


def test_nobody_gets_a_message_although_somebody_listens() -> None:
    """It is tried again, without a hot loop."""
    harness = make()
    harness.outlet.deaf.add(DELIVER.encode())
    harness.publish(1)
    assert 1 == harness.clock.timers_outstanding
    harness.outlet.deaf.clear()
    harness.advance(0.01)
    assert [1] == sequences(harness)


def test_interest_that_goes_in_the_same_turn() -> None:
    """The message is not lost."""
    harness = make()
    harness.outlet._interest.remove((b"d", ""))  # noqa: SLF001 - a change that is not announced yet
    harness.publish(1)
    assert not harness.consumer.is_bound
    harness.outlet.subscribe(DELIVER)
    harness.run()
    assert [1] == sequences(harness)


def test_slow_receivers_are_tried_again() -> None:
    """In some ms."""
    harness = make()
    harness.outlet.congested.add(DELIVER.encode())
    harness.publish(2)
    assert [] == sequences(harness)
    harness.outlet.congested.clear()
    harness.advance(0.01)
    assert [1, 2] == sequences(harness)


def test_heartbeats_come_when_nothing_else_does() -> None:
    """Also while it is paused; not while nobody listens."""
    harness = make(3, idle_heartbeat=SECOND)
    harness.outlet.take()
    harness.advance(0.9)
    assert [] == harness.outlet.take()
    harness.advance(0.1)
    (beat,) = harness.outlet.take()
    assert (
        b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 3\r\nNats-Last-Stream: 3\r\n\r\n" == beat.headers
    )
    assert b"" == beat.reply
    harness.consumer.pause(harness.outlet.wall() + 10 * SECOND)
    harness.advance(2)
    assert 2 == len(harness.outlet.take())
    harness.outlet.unsubscribe(DELIVER)
    harness.advance(5)
    assert [] == harness.outlet.take()


def requests(sent: list[Sent]) -> list[Sent]:
    """Flow control requests among messages."""
    return [each for each in sent if each.status == "100 FlowControl Request"]


def test_flow_control() -> None:
    """A request in line after half the window, a stop at its end, more after the answer."""
    harness = make(ack_policy="none", flow_control=True, idle_heartbeat=SECOND)
    for _ in range(300):
        harness.stream.add("s.a", bytes(16000))
    harness.run()
    sent = harness.outlet.take()
    (request,) = requests(sent)
    assert request.reply.startswith(b"$JS.FC.S.C.")
    assert 66 == sent.index(request)
    assert 132 == len(sent)
    harness.advance(1.5)
    (beat,) = harness.outlet.take()
    assert b"Nats-Consumer-Stalled: " + request.reply in beat.headers
    harness.consumer.flow_reply(b"nope")
    harness.run()
    assert [] == harness.outlet.take()
    harness.consumer.flow_reply(request.reply.split(b".")[-1])
    harness.run()
    sent = harness.outlet.take()
    assert 66 == sent.index(requests(sent)[0])


def test_flow_replies_mean_nothing_elsewhere() -> None:
    """Without flow control, or to a pull consumer."""
    harness = make()
    harness.consumer.flow_reply(b"x")
    other = Harness()
    other.create()
    other.consumer.flow_reply(b"x")
    other.run()
    assert [] == other.outlet.take()


def test_another_deliver_subject() -> None:
    """While the old one is bound it is refused; then unsettled messages are sent again at once."""
    harness = make(2)
    harness.outlet.take()
    harness.outlet.subscribe("e")
    config = harness.consumer.config
    other = harness.reconfigured(deliver_subject="e")
    with pytest.raises(JetStreamError):
        harness.consumer.check_update(other)
    assert config == harness.consumer.config
    harness.outlet.unsubscribe(DELIVER)
    harness.run()
    harness.consumer.check_update(other)
    harness.consumer.update(other)
    harness.advance(0.01)
    assert [1, 2] == sequences(harness, "e")
    assert 1 == harness.outlet.watched
    harness.consumer.delete()
    assert 0 == harness.outlet.watched


def test_another_deliver_subject_before_it_began() -> None:
    """Nothing has to be given up."""
    harness = make(1, listens=False)
    harness.consumer.update(harness.reconfigured(description="new"))
    harness.outlet.subscribe(DELIVER)
    harness.run()
    assert [1] == sequences(harness)


def test_another_deliver_subject_before_anybody_listened() -> None:
    """The new one is watched in place of the old one."""
    harness = make(1, listens=False, flow_control=True, idle_heartbeat=SECOND)
    mode = harness.consumer._core.mode  # noqa: SLF001 - before `start`, which no client can see
    mode.close()
    mode.close()
    harness.consumer.update(harness.reconfigured(deliver_subject="e"))
    harness.outlet.subscribe("e")
    harness.run()
    assert ([1], 1) == (sequences(harness, "e"), harness.outlet.watched)


def test_its_end() -> None:
    """It watches interest no more; a late report of interest does nothing."""
    harness = make(1)
    harness.outlet.unsubscribe(DELIVER)
    harness.outlet.subscribe(DELIVER)
    harness.consumer.delete()
    harness.consumer.delete()
    harness.run()
    harness.outlet.take()
    harness.publish(1)
    assert [] == harness.outlet.take()
    harness.advance(1)
    assert 0 == harness.clock.timers_outstanding


def test_a_rate() -> None:
    """Bits per second, after a first bucket."""
    harness = make(ack_policy="none", rate_limit_bps=8 * 10**6)
    for _ in range(4):
        harness.stream.add("s.a", bytes(500_000))
    harness.run()
    assert [1, 2] == sequences(harness)
    harness.advance(0.46)
    assert [3] == sequences(harness)
    harness.advance(0.51)
    assert [4] == sequences(harness)


def test_the_original_gaps() -> None:
    """What was there is sent as slowly as it was stored, what is new at once."""
    harness = Harness()
    for _ in range(3):
        harness.publish(1)
        harness.advance(2)
    harness.outlet.subscribe(DELIVER)
    harness.create(deliver_subject=DELIVER, replay_policy="original")
    assert [1] == sequences(harness)
    harness.advance(1.9)
    assert [] == sequences(harness)
    harness.advance(0.1)
    assert [2] == sequences(harness)
    harness.advance(2)
    harness.publish(2)
    assert [3, 4, 5] == sequences(harness)


def flowing(count: int = 0, retention: str = "limits", **fields: object) -> Harness:
    """A consumer whose messages are acknowledged by flow control."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention=retention))
    harness.publish(count)
    harness.outlet.subscribe(DELIVER)
    harness.create(deliver_subject=DELIVER, ack_policy="flow_control", **fields)
    return harness


def answer(harness: Harness, request: Sent, number: object, sequence: object) -> None:
    """What a client says that is done with these deliveries."""
    fields = f"Nats-Last-Consumer: {number}\r\nNats-Last-Stream: {sequence}\r\n"
    harness.consumer.flow_reply(request.reply.split(b".")[-1], f"NATS/1.0\r\n{fields}\r\n".encode())
    harness.run()


def test_flow_control_acknowledges() -> None:
    """It is asked for with a heartbeat while something is not settled, and settles all up to a delivery."""
    harness = flowing(3, "workqueue")
    assert [1, 2, 3] == sequences(harness)
    harness.advance(1)
    beat, request = harness.outlet.take()
    assert ("100 Idle Heartbeat", "100 FlowControl Request") == (beat.status, request.status)
    harness.advance(1)
    assert [b"Nats-Consumer-Stalled"] == [
        each.headers.split(b"\r\n")[3][:21] for each in harness.outlet.take()
    ]

    answer(harness, request, 2, 2)
    assert ((3, 3), (2, 2)) == harness.place()
    assert 1 == harness.consumer.num_ack_pending
    assert [("C", 1), ("C", 2)] == harness.stream.settlements
    assert "last_active" in str(harness.info["ack_floor"])
    harness.advance(1)
    answer(harness, harness.outlet.take()[-1], 3, 3)
    harness.advance(5)
    assert {"100 Idle Heartbeat"} == {each.status for each in harness.outlet.take()}


def test_flow_control_that_acknowledges_when_it_is_full() -> None:
    """The limit is reached, a request follows, and more goes after the answer."""
    harness = flowing(5, max_ack_pending=2)
    *sent, request = harness.outlet.take()
    assert 2 == len(sent)
    harness.publish(1)
    assert [] == harness.outlet.take()

    answer(harness, request, 2, 2)
    *sent, request = harness.outlet.take()
    assert [3, 4] == [numbers(each)[1] for each in sent]
    answer(harness, request, 0, 0)
    again = requests(harness.outlet.take())
    assert 1 == len(again)


@pytest.mark.parametrize(
    ("number", "sequence"), [(0, 2), (4, 2), (2, 4), ("x", 2), (2, "x"), (2, 0), ("9" * 30, 2), (-1, 2)]
)
def test_answers_to_flow_control_that_acknowledge_nothing(number: object, sequence: object) -> None:
    """What was not delivered, what is no number, and what was acknowledged before."""
    harness = flowing(3)
    harness.advance(1)
    request = harness.outlet.take()[-1]

    answer(harness, request, number, sequence)

    assert ((3, 3), (0, 0)) == harness.place()


def test_other_acks_mean_nothing_where_flow_control_acknowledges() -> None:
    """Neither one nor many of them; and messages do not come again by themselves."""
    harness = flowing(2)
    first = harness.outlet.take()[0]

    assert not harness.ack(first, double=True)
    harness.consumer.ack_many([1, 2])
    harness.advance(100_000)
    assert 2 == harness.consumer.num_ack_pending
    assert [] == sequences(harness)


def test_what_flow_control_acknowledged_is_known_after_a_restart() -> None:
    """The rest is not settled, and comes again after a reset."""
    harness = flowing(3)
    harness.advance(1)
    answer(harness, harness.outlet.take()[-1], 2, 2)
    harness.advance(1)
    harness.outlet.take()
    harness.restart()

    assert [] == sequences(harness)
    assert ((3, 3), (2, 2)) == harness.place()
    assert 3 == harness.consumer.reset()
    harness.run()
    assert [3] == sequences(harness)


def test_answers_to_flow_control_after_the_end() -> None:
    """They do nothing."""
    harness = flowing(1)
    harness.advance(1)
    request = harness.outlet.take()[-1]
    harness.consumer.delete()

    answer(harness, request, 1, 1)
    assert 1 == harness.consumer.num_ack_pending
