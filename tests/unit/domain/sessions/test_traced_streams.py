"""Messages that are traced on their way to streams; see also `test_stream_traces`."""

import json
from typing import cast

import pytest

from app.domain.dataplane.seam import HookedMessage, Target
from app.domain.interest.subscription import Subscription
from app.domain.message_trace.event import TraceEvent
from app.domain.message_trace.request import TraceRequest
from app.domain.message_trace.stream_step import StreamStep
from app.domain.sessions.traced_streams import TracedStreams, goes_to_stream
from tests.support.virtual_broker import INFO

MESSAGE = HookedMessage(b"a", b"", 0, b"hi")
SUBSCRIPTION = Subscription.__new__(Subscription)


class FakeTarget:
    """The place of the subscription."""

    subscription = SUBSCRIPTION


class FakeStreams:
    """One stream, of this name if it has one."""

    def __init__(self, name: str, *, has_room: bool = True) -> None:
        self.name = name
        self.has_room = has_room
        self.taken: list[StreamStep] = []

    def stream_of(self, subscription: Subscription) -> str:
        """Its name."""
        assert subscription is SUBSCRIPTION
        return self.name

    def take(self, subscription: Subscription, message: HookedMessage, step: StreamStep) -> bool:
        """Keep the step, if there is room."""
        assert (subscription, message) == (SUBSCRIPTION, MESSAGE)
        if self.has_room:
            self.taken.append(step)
        return self.has_room


def play(streams: TracedStreams | None) -> tuple[bool, TraceEvent, list[str]]:
    """Whether the message goes to a stream, its event, and what is noted when it may be sent."""
    event, sent = TraceEvent(TraceRequest(b"t", only=False, header={}), 2, lambda: 1), list[str]()
    gone = goes_to_stream(streams, event, cast("Target", FakeTarget()), MESSAGE, only=False)
    event.delivered(lambda: sent.append("sent"))
    return gone, event, sent


@pytest.mark.parametrize("streams", [None, FakeStreams("")])
def test_no_streams(streams: TracedStreams | None) -> None:
    """Where no stream listens the event has no step, and waits for nothing."""
    gone, event, sent = play(streams)

    assert (False, 0, ["sent"]) == (gone, event.count, sent)


def test_an_event_waits_for_the_stream() -> None:
    """It is sent once, when the stream has said how it went."""
    streams = FakeStreams("S")
    gone, event, sent = play(streams)
    before = list(sent)
    (step,) = streams.taken
    step.end("no")

    assert (True, []) == (gone, before)
    assert ["sent"] == sent
    (shown,) = json.loads(event.text(INFO, 1))["events"]
    assert {"type": "js", "ts": "1970-01-01T00:00:00.000000001Z", "stream": "S", "error": "no"} == shown


def test_too_much_waits() -> None:
    """The step has no more than the name of the stream, and the event waits for nothing."""
    gone, event, sent = play(FakeStreams("S", has_room=False))

    assert (False, 1, ["sent"]) == (gone, event.count, sent)
