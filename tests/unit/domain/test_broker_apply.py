"""Limits and trace flags that are replaced while a broker runs."""

from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import PayloadExceeded, SlowConsumer
from app.domain.limits import VERDICT_SECONDS, Limits, route_line
from app.domain.timers import SLACK
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker

LIMITS = Limits(ping_interval=1000.0)
PING, PONG = b"PING\r\n", b"PONG\r\n"
TOO_LARGE = b"-ERR 'Maximum Payload Violation'\r\n"
TOO_LONG = b"-ERR 'Maximum Control Line Exceeded'\r\n"
TOO_LATE = b"-ERR 'Authorization Timeout'\r\n"
STALE = b"-ERR 'Stale Connection'\r\n"


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, LIMITS)


@pytest.fixture(name="client")
def _client(server: VirtualBroker) -> VirtualClient:
    """One that is there before the limits are replaced."""
    return server.connect(quiet=True)


def test_the_payload(server: VirtualBroker, client: VirtualClient) -> None:
    """A client that is there obeys it, the log names it, and INFO says it to those that take it."""
    modern = server.connect()
    modern.ask(b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n')

    server.broker.apply(replace(LIMITS, max_payload=3))

    assert b'"max_payload":3' in modern.heard()
    assert b'"max_payload":3' in server.accept().heard()
    assert TOO_LARGE == client.ask(b"PUB a 4\r\n")
    assert [3] == [event.limit for event in server.events.of(PayloadExceeded)]


def test_the_line(server: VirtualBroker, client: VirtualClient) -> None:
    """It holds for lines of the session, for those of messages, and for those that have no end yet."""
    others = [server.connect(quiet=True) for _ in range(2)]

    server.broker.apply(replace(LIMITS, max_control_line=20))

    assert TOO_LONG == client.ask(b"SUB " + 22 * b"a" + b" 1\r\n")
    assert TOO_LONG == others[0].ask(b"PUB " + 22 * b"a" + b" 0\r\n\r\n")
    assert TOO_LONG == others[1].ask(b"SUB " + 99 * b"a")


def test_connections(server: VirtualBroker, client: VirtualClient) -> None:
    """Those that are there stay; no more come in."""
    server.broker.apply(replace(LIMITS, max_connections=1))

    assert b"-ERR 'Maximum Connections Exceeded'\r\n" in server.accept().heard()
    assert PONG == client.ask(PING)


def test_pings(server: VirtualBroker, client: VirtualClient) -> None:
    """The time that has passed counts, and so does each ping that was not answered."""
    server.advance(10.0)

    server.broker.apply(replace(LIMITS, ping_interval=11.0, ping_max=1))
    server.advance(1.0 + SLACK)
    first = client.heard()
    server.advance(11.0 + SLACK)

    assert (PING, STALE) == (first, client.heard())


def test_logins(make_plane: MakePlane) -> None:
    """A login that is under way has the new time, and so has one that waits for its verdict."""
    server = VirtualBroker(make_plane, Limits(auth_timeout=100.0), gatekeeper=ManualAuthenticator())
    silent, waiting = server.connect(), server.connect()
    waiting.send(b"CONNECT {}\r\n")

    server.broker.apply(Limits(auth_timeout=2.0))
    server.advance(2.0 + SLACK)
    heard = silent.heard(), waiting.heard()
    server.advance(VERDICT_SECONDS - 2.0)

    assert ((TOO_LATE, b""), TOO_LATE) == (heard, waiting.heard())


def test_pending_bytes(server: VirtualBroker, client: VirtualClient) -> None:
    """A reader that is congested is closed by the new limits, and one that is not is asked earlier."""
    events, slow = server.events, server.connect(quiet=True)
    slow.send(b"SUB a 1\r\n")
    slow.wire.stall()

    limits = replace(LIMITS, max_payload=1000, max_pending=20_000, write_deadline=0.5)
    server.broker.apply(limits)
    alarms = [one.connection.outbox.alarm for one in (client, slow)]
    for _ in range(15):
        client.send(b"PUB a 999\r\n" + 999 * b"x" + b"\r\n")
    server.advance(2.0)

    assert [limits.hold_above] * 2 == alarms
    assert ["no progress within write_deadline 0.5s"] == [one.reason for one in events.of(SlowConsumer)]


def test_routes(make_plane: MakePlane) -> None:
    """Other servers may send longer lines, and are pinged as often, as the new limits say."""
    server = RoutedBroker(make_plane, limits=LIMITS)
    peer = server.joined(GREATER_ID)
    limits = replace(LIMITS, ping_interval=3.0, max_control_line=100_000)

    server.broker.apply(limits)
    server.advance(0.5)
    longest = route_line(limits.max_control_line) - len("  RSID:1:1")
    heard = peer.ask(b"SUB %b  RSID:1:1\r\nPING\r\n" % (longest * b"a"))
    info = server.cluster.info()

    assert (PONG, limits.max_payload) == (heard, info.max_payload)
    assert route_line(limits.max_control_line) == peer.session.line_limit


def test_the_trace(make_plane: MakePlane) -> None:
    """Links that are there are traced from then on, and no more when nobody wants that."""
    events = RecordingEventLog(debug=False, trace=False)
    server = VirtualBroker(make_plane, events=events)
    client = server.connect(quiet=True)

    traced = []
    for wanted in (True, False):
        events.trace = wanted
        server.broker.trace_changed()
        events.events.clear()
        client.send(PING)
        traced.append(len(events.events) > 0)

    assert [True, False] == traced
