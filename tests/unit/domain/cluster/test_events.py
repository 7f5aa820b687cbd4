"""Facts about routes, in the words that operators look for (cluster-protocol.md, section 11)."""

import pytest

from app.domain.cluster import events
from app.domain.events import ConnectionClosed, Event, Level, Link, PingTimerFired

LINK = Link("rid", 7, "192.0.2.7:6222")

SENTENCES = [
    (
        events.RouteListening(None, "localhost", 4248),
        Level.INFO,
        "Listening for route connections on localhost:4248",
    ),
    (
        events.RouteListening(None, "::1", 4248),
        Level.INFO,
        "Listening for route connections on [::1]:4248",
    ),
    (
        events.RouteUp(None, "b", solicited=False),
        Level.INFO,
        'Route to "b" is up, dialled by the other server',
    ),
    (
        events.RouteDown(None, "b", "closed by the other end"),
        Level.INFO,
        'Route to "b" is down: closed by the other end',
    ),
    (
        events.RouteListenFailed(None, "::1", 6222, "address already in use"),
        Level.FATAL,
        "Error listening on router port: [::1]:6222 - address already in use",
    ),
    (
        events.RouteDialling(None, "localhost:4248"),
        Level.DEBUG,
        "Trying to connect to route on localhost:4248",
    ),
    (
        events.RouteDialFailed(None, "connection refused"),
        Level.DEBUG,
        "Error trying to connect to route: connection refused",
    ),
    (
        events.RouteRetrying(None, "nats-route://localhost:4248/"),
        Level.DEBUG,
        'Attempting reconnect for solicited route "nats-route://localhost:4248/"',
    ),
    (
        events.RouteServed(None, "A1"),
        Level.DEBUG,
        'Not attempting reconnect for solicited route, already connected to "A1"',
    ),
    (
        events.RouteToSelf(None, "nats-route://localhost:4248/"),
        Level.DEBUG,
        'Detected route to self, ignoring "nats-route://localhost:4248/"',
    ),
    (
        events.RouteForgotten(None, "nats-route://192.0.2.7:6222/"),
        Level.DEBUG,
        'Giving up on route "nats-route://192.0.2.7:6222/"',
    ),
    (events.RouteCreated(LINK), Level.DEBUG, "Route connection created"),
    (events.RouteConnectSent(LINK), Level.DEBUG, "Route connect msg sent"),
    (events.RouteRegistered(LINK, "A1"), Level.DEBUG, 'Registering remote route "A1"'),
    (events.RouteSubscriptionsSent(LINK), Level.DEBUG, "Route sent local subscriptions"),
    (events.RouteDuplicate(LINK, "A1"), Level.DEBUG, 'Detected duplicate remote route "A1"'),
    (
        events.RouteErrorReceived(LINK, "'Authorization Violation'"),
        Level.ERROR,
        "Route Error 'Authorization Violation'",
    ),
    (events.RouteRefused(LINK, "it is blue"), Level.ERROR, "Route refused: it is blue"),
    (events.GossipIgnored(LINK, "it is idle"), Level.DEBUG, "Gossip ignored: it is idle"),
    (ConnectionClosed(LINK), Level.DEBUG, "Router connection closed"),
    (PingTimerFired(LINK), Level.DEBUG, "Router Ping Timer"),
]


@pytest.mark.parametrize(
    ("event", "level", "text"), SENTENCES, ids=[type(event).__name__ for event, _, _ in SENTENCES]
)
def test_sentences(event: Event, level: Level, text: str) -> None:
    """Each fact has gnatsd's text, at gnatsd's level."""
    assert (level, text) == (event.level, event.text())
