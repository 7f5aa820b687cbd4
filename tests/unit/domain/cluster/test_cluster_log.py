"""What an operator sees of routes: up, down and why, and how long an answer takes."""

from dataclasses import replace

import pytest

from app.domain.cluster.events import RouteDown, RouteUp
from app.domain.cluster.liveness import CHECK_SECONDS
from app.domain.cluster.route_url import RouteUrl
from app.domain.dataplane.seam import MakePlane
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_cluster import GREATER_ID, SETTINGS, SMALLER_ID, RoutedBroker


def routes_up_and_down(events: RecordingEventLog) -> list[str]:
    """The lines about routes at the default level."""
    return [event.text() for event in events.events if isinstance(event, RouteUp | RouteDown)]


def test_a_route_is_up_when_it_has_lasted(server: RoutedBroker, events: RecordingEventLog) -> None:
    """One that ends at once has no line; one that lasts has two, with the name and the reason."""
    server.joined(SMALLER_ID).leave()
    peer = server.joined(SMALLER_ID, server_name="west")
    server.advance(1.0)
    peer.leave()
    server.joined(GREATER_ID)
    server.advance(1.0)

    assert [
        'Route to "west" is up, dialled by the other server',
        'Route to "west" is down: closed by the other end',
        f'Route to "{GREATER_ID}" is up, dialled by the other server',
    ] == routes_up_and_down(events)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b"-ERR 'Stale Connection'\r\n", "Route Error 'Stale Connection'"),
        (b"FOO\r\n", "Error reading from client: "),
    ],
)
def test_why_a_route_is_down(
    server: RoutedBroker, events: RecordingEventLog, words: bytes, reason: str
) -> None:
    """What the peer says, or what was wrong with that, is the reason."""
    peer = server.joined(SMALLER_ID)
    server.advance(1.0)
    peer.send(words)

    assert routes_up_and_down(events)[-1].startswith(f'Route to "{SMALLER_ID}" is down: {reason}')


def test_a_route_is_down_because_nobody_answers(server: RoutedBroker, events: RecordingEventLog) -> None:
    """Pings that are left unanswered end it."""
    server.joined(SMALLER_ID)
    server.advance(120.0)

    assert f'Route to "{SMALLER_ID}" is down: its pings stayed unanswered' == routes_up_and_down(events)[-1]


def test_a_route_is_down_because_this_server_decides(server: RoutedBroker, events: RecordingEventLog) -> None:
    """Whatever closes it without a word is this server; one that stops says so."""
    first, second = server.joined(SMALLER_ID), server.joined(GREATER_ID, 7333)
    third = server.joined("X" * 22, 7334)
    server.advance(1.0)
    first.connection.close()
    second.connection.abort_slow("test")
    server.cluster.stop()
    third.connection.close()

    assert [
        f'Route to "{SMALLER_ID}" is down: closed by this server',
        f'Route to "{GREATER_ID}" is down: Slow Consumer: test',
        f'Route to "{"X" * 22}" is down: this server stops',
    ] == routes_up_and_down(events)[3:]


def test_a_server_that_comes_in_by_itself_is_reached(make_plane: MakePlane) -> None:
    """A configured one that could not be dialled is unreachable until a route to it has lasted."""
    events = RecordingEventLog()
    settings = replace(SETTINGS, routes=(RouteUrl("seed", 6222),))
    server = RoutedBroker(make_plane, settings, events=events)
    server.cluster.solicit()
    server.dialer.refuse("refused")
    missed = [(route.attempts, route.error) for route in server.cluster.unreachable()]
    server.joined(SMALLER_ID)
    server.advance(3.0)
    server.answered().introduce(SMALLER_ID)

    assert ([(1, "refused")], ()) == (missed, server.cluster.unreachable())
    assert "Route to seed:6222 is reached, failed attempts before: 1" in events.texts()


def test_the_time_an_answer_takes(server: RoutedBroker) -> None:
    """Each PONG shows it; one that nobody asked for does not."""
    peer = server.joined(SMALLER_ID)
    peer.send(b"PONG\r\n")
    before = peer.session.rtt
    for _ in range(2):
        server.advance(CHECK_SECONDS + SLACK)
    assert b"PING\r\n" == peer.heard()
    server.advance(0.25)
    peer.send(b"PONG\r\n")

    assert 0.0 == before
    assert 0.25 <= peer.session.rtt <= 0.5
