"""Traced messages on their way to streams, with clients over both twins."""

import json

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream import stream_traces
from app.domain.jetstream.intake import MESSAGES_PER_CHECK, RETRY
from app.domain.sessions.trace_senders import TraceSender
from tests.support.virtual_jetstream import VirtualJetStream

DEST = b"Nats-Trace-Dest: trace\r\n"
ONLY = DEST + b"Nats-Trace-Only: 1\r\n"


def hpub(fields: bytes = DEST, subject: bytes = b"s.a", payload: bytes = b"x") -> bytes:
    """A message with these header fields."""
    block = b"NATS/1.0\r\n%b\r\n" % fields
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject, len(block), len(block + payload), block, payload)


def steps(js: VirtualJetStream) -> list[list[dict[str, object]]]:
    """Those of streams in each event that came, without their times."""
    js.server.advance(0.001)
    lines = js.client.heard().split(b"\r\n")
    events = [json.loads(line)["events"] for line in lines if line.startswith(b'{"server"')]
    return [
        [{key: one[key] for key in one if key not in ("type", "ts")} for one in event if one["type"] == "js"]
        for event in events
    ]


@pytest.fixture(name="traced")
def _traced(js: VirtualJetStream) -> VirtualJetStream:
    """A server with a stream, and a client that gets the events."""
    js.stream()
    js.client.send(b"SUB trace 2\r\n")
    js.client.heard()
    return js


def messages(js: VirtualJetStream) -> list[bytes]:
    """The payloads in the stream."""
    log = js.jetstream.catalogue.streams["S"].stream.log
    found = [log.read(each) for each in range(1, log.last + 1)]
    return [each.payload for each in found if each is not None]


def test_a_message_for_a_stream(traced: VirtualJetStream) -> None:
    """It is stored without a trace of its own, and the event says so; what is only traced is not stored."""
    traced.client.send(hpub())
    assert [[{"stream": "S", "subject": "s.a"}]] == steps(traced)
    traced.client.send(hpub(ONLY))
    assert [[{"stream": "S", "subject": "s.a"}]] == steps(traced)

    assert [b"x"] == messages(traced)
    message = traced.jetstream.catalogue.streams["S"].stream.log.read(1)
    assert message is not None
    assert message.headers == b"NATS/1.0\r\nNats-Trace-Dest: trace disabled\r\n\r\n"


def test_parts_that_are_no_streams(traced: VirtualJetStream) -> None:
    """A request to the API, and a subscription of another part of the server, have no step."""
    part = TraceSender(traced.server.broker, "part")
    traced.server.broker.adopt(part)
    part.subscribe(b"elsewhere", lambda _message: None)

    traced.client.send(hpub(DEST, b"$JS.API.INFO") + hpub(DEST, b"elsewhere"))

    assert [[], []] == steps(traced)


def test_order(traced: VirtualJetStream) -> None:
    """It keeps its place among messages that are not traced, in a row or alone."""
    plain, numbers = b"PUB s.a 1\r\n%b\r\n", [b"%d" % number for number in range(8)]
    row = b"".join(plain % each for each in numbers)

    traced.client.send(row + hpub(payload=b"t") + hpub(ONLY) + row + hpub(payload=b"u") + plain % b"9")

    expected = [*numbers, b"t", *numbers, b"u", b"9"]
    assert expected == messages(traced)
    assert 3 == len(steps(traced))


def test_a_storage_that_lags(traced: VirtualJetStream) -> None:
    """A traced message waits as others do, and is stored when there is room again."""
    commits = traced.jetstream.catalogue.streams["S"].stream.commits
    most, commits.max_messages = commits.max_messages, 1
    traced.client.send(hpub())
    assert ([], []) == (steps(traced), messages(traced))
    commits.max_messages = most
    traced.server.advance(RETRY)

    assert [[{"stream": "S", "subject": "s.a"}]] == steps(traced)
    assert [b"x"] == messages(traced)


def test_a_turn_ends_by_the_clock(traced: VirtualJetStream) -> None:
    """After any traced message, since those are long; the rest comes in the next turn."""
    traced.clock.pace = 0.01
    traced.client.send(hpub() * MESSAGES_PER_CHECK)

    assert MESSAGES_PER_CHECK == len(steps(traced)) == len(messages(traced))


def test_a_stream_that_is_deleted(traced: VirtualJetStream) -> None:
    """A message that waits for its turn then finds no stream, and the event says so."""
    held = traced.jetstream.intake
    held.hold(held=True)
    traced.client.send(hpub())
    assert [] == steps(traced)
    traced.jetstream.catalogue.delete("S", lambda _failure: None)
    held.hold(held=False)

    assert [[{"stream": "S", "error": "stream closed"}]] == steps(traced)


def test_a_server_that_stops(traced: VirtualJetStream) -> None:
    """No event is sent any more."""
    held = traced.jetstream.intake
    held.hold(held=True)
    traced.client.send(hpub())
    traced.jetstream.stop()
    held.close()

    assert [] == steps(traced)


@pytest.mark.parametrize(("name", "value"), [("MOST", 1), ("MOST_BYTES", 60)])
def test_too_much_waits(
    traced: VirtualJetStream, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """What comes then is stored without a trace, or not at all if only traced; the event has no more."""
    monkeypatch.setattr(stream_traces, name, value)
    traced.client.send(hpub() + hpub(payload=b"y") + hpub(ONLY))

    name_alone: list[dict[str, object]] = [{"stream": "S"}]
    found = steps(traced)
    assert 3 == len(found)
    assert 2 == found.count(name_alone)
    assert [b"x", b"y"] == messages(traced)
    traced.client.send(hpub())
    assert [[{"stream": "S", "subject": "s.a"}]] == steps(traced)


def test_without_traces(make_plane: MakePlane) -> None:
    """A server that traces nothing has streams all the same."""
    js = VirtualJetStream(make_plane, begin=False)
    js.server.broker.tracing = None
    js.jetstream.begin()
    js.stream()

    assert {"stream": "S", "seq": 1} == js.publish("s.a")
