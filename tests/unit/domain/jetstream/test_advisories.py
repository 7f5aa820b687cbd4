"""Advisories."""

import json

from app.domain.jetstream.advisories import OF_CONSUMERS, STREAM_CREATED, Advisories
from tests.support.virtual_jetstream import VirtualJetStream


def test_nobody_listens(js: VirtualJetStream) -> None:
    """Nothing is published where nobody subscribes."""
    js.jetstream.advisories.publish(STREAM_CREATED, ("S",), {})
    assert js.jetstream.intake.waiting == 0


def test_what_they_say(js: VirtualJetStream) -> None:
    """Each has a type, an id, a time, its fields, and the domain if there is one."""
    js.client.send(b"SUB $JS.EVENT.> 2\r\n")
    advisories = Advisories(js.jetstream.outlet, "hub")
    advisories.of_consumer("nak", "S", "C", {"stream": "S"})
    advisories.of_consumer("unknown", "S", "C", {})
    js.server.advance(0.01)
    line, text, *_ = js.client.heard().split(b"\r\n")
    assert line.startswith(b"MSG $JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.S.C 2 ")
    document = json.loads(text)
    assert list(document) == ["type", "id", "timestamp", "stream", "domain"]
    assert document["type"] == f"io.nats.jetstream.{OF_CONSUMERS['nak'].type}"


def test_streams_may_keep_them(js: VirtualJetStream) -> None:
    """A stream that listens to them is a reason to publish, and stores them."""
    js.stream("EVENTS", subjects=["$JS.EVENT.>"])
    js.stream("T")
    js.server.advance(0.01)
    last = js.ask("STREAM.MSG.GET.EVENTS", {"last_by_subj": "$JS.EVENT.ADVISORY.STREAM.CREATED.T"})
    assert last["message"]["subject"] == "$JS.EVENT.ADVISORY.STREAM.CREATED.T"  # type: ignore[index]
