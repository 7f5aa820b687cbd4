"""Streams that copy by consumers, in a whole server."""

import pytest

from app.domain.dataplane.seam import MakePlane
from tests.support.virtual_jetstream import VirtualJetStream


@pytest.fixture(name="js")
def _js(make_plane: MakePlane) -> VirtualJetStream:
    return VirtualJetStream(make_plane)


def copy(js: VirtualJetStream, count: int = 3, **source: object) -> None:
    """A work queue with messages, its consumer, and a stream that copies by it."""
    js.stream(name="O", subjects=["o.*"], retention="workqueue")
    for number in range(count):
        js.publish(f"o.{number}")
    config = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": "d"}
    js.ask("CONSUMER.CREATE.O.C", {"stream_name": "O", "config": config})
    by = {"name": "O", "consumer": {"name": "C", "deliver_subject": "d"}} | source
    js.stream(name="T", subjects=[], sources=[by])


def counts(js: VirtualJetStream) -> tuple[int, int]:
    """Messages of the origin and of the copy."""
    streams = js.jetstream.catalogue.streams
    return streams["O"].stream.log.count, streams["T"].stream.log.count


def test_messages_are_copied_and_settled(js: VirtualJetStream) -> None:
    """Those that are there, and new ones; the origin forgets them once flow control was answered."""
    copy(js)
    js.server.advance(1.5)
    assert (0, 3) == counts(js)
    js.publish("o.9")
    js.server.advance(2.5)

    assert (0, 4) == counts(js)
    assert js.server.broker.events is not None


def test_a_source_that_is_removed(js: VirtualJetStream) -> None:
    """Its consumer keeps what comes afterwards."""
    copy(js)
    js.server.advance(1.5)
    js.ask("STREAM.UPDATE.T", {"name": "T", "subjects": ["t"], "storage": "file"})
    js.publish("o.9")
    js.server.advance(2.5)

    assert (1, 3) == counts(js)


def test_a_consumer_that_goes(js: VirtualJetStream) -> None:
    """The source says so within some seconds, and goes on with the next one."""
    copy(js)
    js.server.advance(1.5)
    js.ask("CONSUMER.DELETE.O.C")
    js.server.advance(11)
    (source,) = js.jetstream.catalogue.streams["T"].stream.feeds.sources_json()
    assert "10014" in str(source["error"])
    config = {"durable_name": "C", "ack_policy": "flow_control", "deliver_subject": "d"}
    js.ask("CONSUMER.CREATE.O.C", {"stream_name": "O", "config": config})
    js.publish("o.9")
    js.server.advance(4)

    assert (0, 4) == counts(js)


def test_a_defect_of_a_handler(js: VirtualJetStream) -> None:
    """It costs one message, and is reported; messages without a reply come with none."""
    heard: list[tuple[bytes, ...]] = []

    def take(subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        heard.append((subject, headers, payload, reply))
        if len(heard) == 1:
            raise ValueError

    sid = js.jetstream.catalogue.listen(b"d", take)
    js.client.send(b"PUB d 1\r\nx\r\nPUB d r 1\r\ny\r\n")
    js.server.advance(0.01)
    js.jetstream.catalogue.leave(sid)
    js.client.send(b"PUB d 1\r\nz\r\n")
    js.server.advance(0.01)

    assert [(b"d", b"", b"x", b""), (b"d", b"", b"y", b"r")] == heard
