"""The overview: all streams and consumers as rows of figures."""

from app.domain.jetstream.figures import Overview
from app.domain.jetstream.overview import overview_of
from app.domain.jetstream.view import JetStreamView
from app.domain.steps import ROW_WORK, STEP_WORK
from tests.support.steps import counted, finished
from tests.support.virtual_jetstream import VirtualJetStream

ROOM = 1000


def overview(js: VirtualJetStream, streams: int = ROOM, consumers: int = ROOM) -> Overview:
    """What a reader gets who wants that many."""
    return finished(JetStreamView(js.jetstream).overview(streams, consumers))


def test_a_stream(js: VirtualJetStream) -> None:
    """Its size, its oldest message, and where it has come to."""
    js.stream(retention="workqueue")
    stored_at = js.wall()
    for subject in ("s.a", "s.b"):
        js.publish(subject)
    js.consumer()
    (stream,) = overview(js).streams

    assert ("S", ("s.>",), "workqueue", False) == (
        stream.name,
        stream.subjects,
        stream.retention,
        stream.in_memory,
    )
    assert (2, 2, 1, "") == (stream.messages, stream.last, stream.consumers, stream.failure)
    assert stream.size > 0
    assert stored_at <= stream.first_time <= js.wall()


def test_an_empty_stream(js: VirtualJetStream) -> None:
    """It has no oldest message."""
    js.stream(storage="memory")
    (stream,) = overview(js).streams

    assert (True, 0, 0, 0) == (stream.in_memory, stream.messages, stream.first_time, stream.last)


def test_a_consumer(js: VirtualJetStream) -> None:
    """How far it is, what is not settled, and what was delivered again."""
    js.stream()
    for _ in range(3):
        js.publish("s.a")
    js.consumer(ack_wait=1_000_000_000)
    js.client.send(b'PUB $JS.API.CONSUMER.MSG.NEXT.S.C _I.x 11\r\n{"batch":2}\r\n')
    js.server.advance(0.001)
    (before,) = overview(js).consumers
    js.server.advance(1.5)
    js.client.send(b'PUB $JS.API.CONSUMER.MSG.NEXT.S.C _I.x 11\r\n{"batch":2}\r\n')
    js.server.advance(0.001)
    (after,) = overview(js).consumers

    assert ("S", "C", False, False) == (before.stream, before.name, before.is_push, before.is_paused)
    assert (1, 2, 0, 2) == (before.lag, before.unacknowledged, before.redelivered, before.delivered)
    assert before.delivered_at > 0 == before.acked_at
    assert (2, 4) == (after.redelivered, after.delivered)


def test_ways(js: VirtualJetStream) -> None:
    """Pull requests that wait are counted; a consumer that pushes has none."""
    js.stream()
    js.consumer()
    js.consumer(name="P", deliver_subject="to.me")
    js.client.send(b"PUB $JS.API.CONSUMER.MSG.NEXT.S.C _I.x 0\r\n\r\n")
    js.server.advance(0.001)

    assert [("C", False, 1), ("P", True, 0)] == [
        (each.name, each.is_push, each.waiting) for each in overview(js).consumers
    ]


def test_no_more_than_there_is_room_for(js: VirtualJetStream) -> None:
    """All are counted, and the first ones listed."""
    for name in ("A", "B", "C"):
        js.stream(name)
        js.consumer(name)
    found = overview(js, 2, 1)

    assert (["A", "B"], 3) == ([each.name for each in found.streams], found.total_streams)
    assert (["A"], 3) == ([each.stream for each in found.consumers], found.total_consumers)


def test_it_is_made_in_steps(js: VirtualJetStream) -> None:
    """A step makes a bounded number of rows, of streams and of consumers."""
    for number in range(STEP_WORK // ROW_WORK):
        js.stream(f"S{number}")
    for number in range(STEP_WORK // ROW_WORK):
        js.consumer("S0", f"C{number}")

    hosted = js.jetstream.catalogue.streams.values()
    assert 2 == counted(overview_of(list(hosted), ROOM, ROOM))[0]


def test_details_of_one(js: VirtualJetStream) -> None:
    """A stream and a consumer can be asked for by name, with what `/jsz` has of them."""
    js.stream()
    js.consumer()
    view = JetStreamView(js.jetstream)
    stream, consumer = view.stream("S"), view.consumer("S", "C")

    assert stream is not None
    assert consumer is not None
    assert {"name", "created", "config", "state"} <= set(stream)
    assert ("C", 0) == (consumer["name"], consumer["num_pending"])
    assert "config" in consumer
    assert view.stream("X") is view.consumer("X", "C") is view.consumer("S", "X") is None
