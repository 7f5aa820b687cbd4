"""Message tracing, with clients over both twins."""

import json
from dataclasses import replace

import pytest

from app.domain.dataplane.seam import HookedMessage, MakePlane
from app.domain.hooks.hook_event import HookPoint
from app.domain.interest.subscription import Subscription
from app.domain.limits import Limits
from app.domain.message_trace.event import NO_ECHO, NO_SUPPORT, NO_SUPPORT_ONLY, SUBSCRIPTION_DENIES
from app.domain.message_trace.stream_step import StreamStep
from app.domain.permissions.rules import Permissions, Rule, entry
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions import message_tracing, trace_senders
from app.domain.sessions.trace_senders import TraceSender
from tests.fakes.single_user import SingleUser
from tests.support.hooked_broker import CONNECT, HookedBroker
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBrokerOfToday

TO_T = b"Nats-Trace-Dest:t\r\n"


class TracingBroker(HookedBroker):
    """Of today, with tracing, and a client that gets the events."""

    def __init__(self, make_plane: MakePlane, limits: Limits | None = None) -> None:
        super().__init__(make_plane, limits=limits)
        self.reader = self.client(b"t", b"SUB t 1\r\n")

    def traces(self) -> list[dict[str, object]]:
        """Those that have come since."""
        self.settle()
        lines = self.reader.heard().split(b"\r\n")
        return [json.loads(line) for line in lines if line.startswith(b"{")]


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> TracingBroker:
    return TracingBroker(make_plane)


def hpub(fields: bytes, words: bytes = b"a") -> bytes:
    """A message with these fields; `words` are its subject and reply."""
    block = b"NATS/1.0\r\n" + fields + b"\r\n"
    return b"HPUB %b %d %d\r\n%bhi\r\n" % (words, len(block), len(block) + 2, block)


def steps(event: dict[str, object]) -> list[list[object]]:
    """Type, name, subscription, queue group and error of each."""
    events = event["events"]
    assert isinstance(events, list)
    return [[one.get(key) for key in ("type", "name", "sub", "queue", "error")] for one in events]


def listeners(server: TracingBroker) -> VirtualClient:
    """One with a plain subscription and a queue group."""
    return server.client(b"r", b"SUB a 1\r\nSUB a q 2\r\n")


def test_who_gets_a_message(server: TracingBroker) -> None:
    """It is delivered as it is, and the event names the subscriptions; +OK comes where it is wanted."""
    receiver = listeners(server)
    publisher = server.client(b"p", connect=CONNECT.replace(b'"verbose":false', b'"verbose":true'))

    publisher.send(hpub(TO_T) + hpub(b"X:Nats-Trace\r\nNats-Trace-Dest:\r\n"))

    assert b"+OK\r\n+OK\r\n" == publisher.heard()
    assert 4 == receiver.heard().count(b"hi\r\n")
    (event,) = server.traces()
    assert {"header": {"Nats-Trace-Dest": ["t"]}, "msgsize": 33} == event["request"]
    assert [
        ["in", "p", None, None, None],
        ["eg", "r", "a", None, None],
        ["eg", "r", "a", "q", None],
    ] == steps(event)


def test_trace_only(server: TracingBroker) -> None:
    """Nobody gets it; a request with receivers is not answered, one without is."""
    receiver, publisher = listeners(server), server.client(b"p", b"SUB re 1\r\n")

    publisher.send(hpub(TO_T + b"Nats-Trace-Only:on\r\n", b"a re"))

    assert b"" == receiver.heard() + publisher.heard()
    assert 3 == len(steps(server.traces()[0]))
    publisher.send(hpub(TO_T + b"Nats-Trace-Only:on\r\n", b"b re"))
    assert b" 503\r\n" in publisher.heard()
    assert 1 == len(steps(server.traces()[0]))


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        (b"Nats-Trace-Dest:t.*\r\n", 2),
        (b"Nats-Trace-Dest:t.*\r\nNats-Trace-Only:1\r\n", 0),
        (TO_T + b"Nats-Trace-Origin-Account:A\r\n", 2),
        (TO_T + b"Nats-Trace-Origin-Account:A\r\nNats-Trace-Only:1\r\n", 0),
        (b"Nats-Trace-Dest:$GR.x\r\n", 0),
    ],
)
def test_no_event(server: TracingBroker, fields: bytes, count: int) -> None:
    """What cannot be traced is delivered, unless it is only to be traced, or may not go there."""
    receiver = listeners(server)
    publisher = server.client(b"p", connect=CONNECT.replace(b'"verbose":false', b'"verbose":true'))

    publisher.send(hpub(fields))

    assert [] == server.traces()
    heard = receiver.heard()
    assert count == heard.count(b"hi\r\n")
    assert (b"Origin" in heard) == (b"trace disabled" in heard)
    heard = publisher.heard()
    assert (b"$GR" in fields) == (b"Permissions Violation for Publish to" in heard)
    assert count // 2 == heard.count(b"+OK\r\n")


@pytest.mark.parametrize("point", [HookPoint.PUBLISH, HookPoint.DELIVER])
@pytest.mark.parametrize("value", [b"1", b"0"])
def test_trace_only_where_hooks_see_messages(make_plane: MakePlane, point: HookPoint, value: bytes) -> None:
    """What is only to be traced is delivered to nobody there either, and no hook is asked."""
    server = HookedBroker(make_plane, point)
    receiver, publisher = server.client(b"r", b"SUB h.x 1\r\n"), server.client(b"p")

    publisher.send(hpub(TO_T + b"Nats-Trace-Only:%b\r\n" % value, b"h.x") + b"PUB h.x 3\r\nbye\r\n")
    server.settle()

    heard = receiver.heard()
    assert (int(value == b"0"), 1) == (heard.count(b"hi\r\n"), heard.count(b"bye\r\n"))
    assert 1 + (value == b"0") == len(server.hooks.seen(point))


def test_no_echo(server: TracingBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event says what the publisher did not get because it wants no echo."""
    publisher = server.client(
        b"p", b"SUB a 1\r\nSUB a q 2\r\n", CONNECT.replace(b'"headers"', b'"echo":false,"headers"')
    )

    publisher.send(hpub(TO_T))

    assert b"" == publisher.heard()
    assert ["eg", "p", "a", None, NO_ECHO] in steps(server.traces()[0])
    monkeypatch.setattr(message_tracing, "MOST_STEPS", 1)
    publisher.send(hpub(TO_T))
    assert [["in", "p", None, None, None]] == steps(server.traces()[0])


def test_a_receiver_that_is_closed(server: TracingBroker) -> None:
    """Its subscriptions may be there for a moment: it is no receiver, and a request has none."""
    receiver, publisher = listeners(server), server.client(b"p", b"SUB re 1\r\n")
    receiver.connection.outbox.closed = True

    publisher.send(hpub(TO_T, b"a re"))

    assert b" 503\r\n" in publisher.heard()
    assert [["in", "p", None, None, None]] == steps(server.traces()[0])


def test_parts_of_the_server(server: TracingBroker) -> None:
    """A part of the server gets the message as one that nobody traces, and is not in the event."""
    part = TraceSender(server.broker, "part")
    server.broker.adopt(part)
    got: list[bytes] = []
    part.subscribe(b"a", lambda message: got.append(message.headers))

    server.client(b"p", hpub(TO_T))

    assert [["in", "p", None, None, None]] == steps(server.traces()[0])
    assert b"Nats-Trace-Dest: trace disabled" in got[0]


def test_events_are_bounded(server: TracingBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers above the limit get the message; events that would wait are not sent."""
    monkeypatch.setattr(message_tracing, "MOST_STEPS", 2)
    receiver, publisher = listeners(server), server.client(b"p")

    publisher.send(hpub(TO_T))

    assert 2 == len(steps(server.traces()[0]))
    assert 2 == receiver.heard().count(b"hi\r\n")
    monkeypatch.setattr(trace_senders, "MOST_WAITING", 100)
    publisher.send(hpub(TO_T))
    assert [] == server.traces()


def test_encodings(server: TracingBroker) -> None:
    """The event is encoded as the message accepts, and says so."""
    server.client(b"p", hpub(TO_T + b"Accept-Encoding:gzip\r\n"))
    server.settle()

    assert b"NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b" in server.reader.heard()


def test_large_events_are_lost(make_plane: MakePlane) -> None:
    """An event that is larger than messages may be is not sent, and the message is delivered."""
    server = TracingBroker(make_plane, replace(Limits(), max_payload=100))
    receiver = listeners(server)

    server.client(b"p", hpub(TO_T))

    assert [] == server.traces()
    assert 2 == receiver.heard().count(b"hi\r\n")


def test_a_sender_that_is_closed(server: TracingBroker) -> None:
    """Another one takes its place."""
    publisher = server.client(b"p", hpub(TO_T))
    server.traces()
    (sender,) = server.broker.sessions_of_clients()[2:]
    sender.connection.close()

    publisher.send(hpub(TO_T))

    assert 1 == len(server.traces())


class SlowStream:
    """A stream that says later what becomes of a message."""

    def __init__(self) -> None:
        self.steps: list[StreamStep] = []

    @staticmethod
    def stream_of(subscription: Subscription) -> str:
        """Its name, whatever the subscription."""
        assert subscription.subject == b"a"
        return "S"

    def take(self, subscription: Subscription, message: HookedMessage, step: StreamStep) -> bool:
        """Keep the step."""
        assert subscription.subject == message.subject
        self.steps.append(step)
        return True


def with_stream(server: TracingBroker) -> SlowStream:
    """The server has a stream from now on."""
    part = TraceSender(server.broker, "part")
    server.broker.adopt(part)
    part.subscribe(b"a", lambda _message: None)
    stream = SlowStream()
    assert server.broker.tracing is not None
    server.broker.tracing.streams = stream
    return stream


def test_an_event_waits_for_a_stream(server: TracingBroker) -> None:
    """It is sent once the stream has said what becomes of the message."""
    stream = with_stream(server)
    server.client(b"p", hpub(TO_T))
    assert [] == server.traces()

    stream.steps[0].end("no")

    (event,) = server.traces()
    assert [["in", "p", None, None, None], ["js", None, None, None, "no"]] == steps(event)


def test_a_stream_that_is_done_after_the_end(server: TracingBroker) -> None:
    """The event is lost when the server has shut down meanwhile, and nothing fails."""
    stream, done = with_stream(server), list[bool]()
    server.client(b"p", hpub(TO_T))
    server.broker.shutdown(lambda: done.append(True))

    stream.steps[0].end()

    server.settle()
    assert [True] == done
    assert b"" == server.reader.heard()


@pytest.mark.parametrize("subject", [b"a", b"no"])
def test_permissions(make_plane: MakePlane, subject: bytes) -> None:
    """An event goes only where the client may publish; of a message that it may not publish it says why."""
    rules = Permissions(Rule((entry("a"), entry("t"))))
    server = VirtualBroker(
        make_plane,
        gatekeeper=SingleUser("u", "s", rules),
        setup=BrokerSetup(compatibility=Compatibility.CURRENT),
    )
    connect = b'CONNECT {"verbose":false,"user":"u","pass":"s","headers":true}\r\n'
    reader, publisher = server.connect(), server.connect()
    reader.send(connect + b"SUB > 1\r\n")
    reader.heard()
    publisher.send(connect)
    publisher.heard()

    publisher.send(hpub(b"Nats-Trace-Dest:no\r\n", subject))
    server.settle()
    assert b"" == reader.heard()
    assert b"-ERR 'Permissions Violation for Publish to \"no\"'\r\n" == publisher.heard()

    publisher.send(hpub(TO_T, subject))
    server.settle()
    heard, text = reader.heard(), b'"error":"Permissions Violation for Publish to \\"no\\""'
    assert b'"type":"in"' in heard
    assert (subject == b"no") == (text in heard)


def test_a_reserved_reply(server: TracingBroker) -> None:
    """The reason of a refusal may be the reply subject."""
    server.client(b"p", hpub(TO_T, b"a $JS.ACK.x"))

    assert 'Permissions Violation for Publish with Reply of "$JS.ACK.x"' == steps(server.traces()[0])[0][4]


def test_other_servers(make_plane: MakePlane) -> None:
    """They get the message untraced, and the event says so; what is only traced does not go there."""
    server = RoutedBrokerOfToday(make_plane)
    route = server.joined(GREATER_ID)
    route.send(b"SUB a RSID:1:1\r\n")
    reader, publisher = server.connect(), server.connect()
    reader.send(CONNECT % b"t" + b"SUB t 1\r\n")
    publisher.send(CONNECT % b"p")
    route.heard()

    publisher.send(hpub(TO_T))
    publisher.send(hpub(TO_T + b"Nats-Trace-Only:1\r\n"))
    server.settle()

    assert 1 == route.heard().count(b"hi\r\n")
    heard = reader.heard().decode()
    assert 1 == heard.count(NO_SUPPORT) == heard.count(NO_SUPPORT_ONLY)


def test_servers_trace_for_clients_alone(make_plane: MakePlane) -> None:
    """No rules hold for a session that is none of a client; without a clock nothing is traced."""
    server = RoutedBrokerOfToday(make_plane)
    server.joined(GREATER_ID)
    client = server.broker.connect_local("l")
    server.broker.tracing = None

    assert client.session.may_trace_to(b"x")
    assert client.session.hooked(server.broker.plane.plan((), ()), HookedMessage(b"a", b"", 0, b""))


def test_rules_of_receivers(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event says whose rules keep the message from them, as far as there is room and time."""
    rules = Permissions(subscribe=Rule((entry(">"),), (entry("a"),)))
    server = VirtualBroker(
        make_plane,
        gatekeeper=SingleUser("u", "s", rules),
        setup=BrokerSetup(compatibility=Compatibility.CURRENT),
    )
    reader, receiver, publisher = server.connect(), server.connect(), server.connect()
    for client in (reader, receiver, publisher):
        client.send(b'CONNECT {"verbose":false,"user":"u","pass":"s","headers":true}\r\n')
    reader.send(b"SUB t 1\r\n")
    receiver.send(b"SUB * 1\r\nSUB > 2\r\nSUB a.b 3\r\n")
    reader.heard()

    def errors() -> list[object]:
        publisher.send(hpub(TO_T))
        server.settle()
        lines = reader.heard().split(b"\r\n")
        return [step[4] for line in lines if line.startswith(b"{") for step in steps(json.loads(line))[1:]]

    assert 2 * [SUBSCRIPTION_DENIES] == errors()
    monkeypatch.setattr(message_tracing, "MOST_STEPS", 2)
    assert [SUBSCRIPTION_DENIES] == errors()
