"""Keep-alive: pings at an interval, and an end for those who leave them unanswered."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import LineSent, PingTimerFired, StaleConnection
from app.domain.sessions.keep_alive import FIRST_PING_SECONDS, KeepAlive
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker, VirtualClient

PING = b"PING\r\n"
STALE = b"-ERR 'Stale Connection'\r\n"
INTERVAL = 7.0


class Scene:
    """Connections that are pinged every seven seconds, and may leave two pings unanswered."""

    def __init__(self, make_plane: MakePlane) -> None:
        self.events = RecordingEventLog()
        self.server = VirtualBroker(make_plane, events=self.events)
        self.keep_alive = KeepAlive(self.server.clock, self.events, INTERVAL, 2)

    def client(self) -> VirtualClient:
        """A client that is pinged."""
        client = self.server.connect(quiet=True)
        self.keep_alive.add(client.connection)
        self.events.events.clear()
        return client

    def wait(self) -> None:
        """Let one interval pass."""
        self.server.advance(INTERVAL + SLACK)


@pytest.fixture(name="scene")
def _scene(make_plane: MakePlane) -> Scene:
    return Scene(make_plane)


def test_a_ping_at_each_interval(scene: Scene) -> None:
    """Not at once, and then again and again while it is answered; the log has the timer and the line."""
    client = scene.client()

    heard = [client.heard()]
    for _ in range(4):
        scene.wait()
        heard.append(client.heard())
        client.send(b"PONG\r\n")

    assert [b"", PING, PING, PING, PING] == heard
    assert 4 * [PingTimerFired(client.connection.link)] == scene.events.of(PingTimerFired)
    assert 4 * [LineSent(client.connection.link, "PING")] == scene.events.of(LineSent)


def test_unanswered_pings(scene: Scene) -> None:
    """A tolerated number of pings may be unanswered; the next one ends the connection, with an error."""
    client = scene.client()

    for _ in range(3):
        scene.wait()

    assert 2 * PING + STALE == client.heard()
    assert client.wire.closed
    assert [StaleConnection(client.connection.link)] == scene.events.of(StaleConnection)


def test_a_peer_that_has_to_wait_is_not_stale(scene: Scene) -> None:
    """A held publisher's answers are not read, so its pings do not count until it continues."""
    client = scene.client()
    client.connection.wait()

    for _ in range(5):
        scene.wait()
    held = client.wire.closed
    client.connection.go_on()
    for _ in range(3):
        scene.wait()

    assert (False, 7 * PING + STALE) == (held, client.heard())


def test_who_is_discarded_is_not_pinged(scene: Scene) -> None:
    """And one that was never added may be discarded."""
    client, other = scene.client(), scene.server.connect(quiet=True)

    scene.keep_alive.discard(client.connection)
    scene.keep_alive.discard(other.connection)
    scene.wait()

    assert b"" == client.heard()


def test_a_ping_that_ends_its_peer(scene: Scene) -> None:
    """A peer that is cut by its ping is not due again."""
    client = scene.client()
    client.wire.stall()
    client.connection.outbox.send(scene.server.limits.max_pending * b"x")

    scene.wait()
    timers = scene.server.clock.timers_outstanding

    assert (True, 0) == (client.wire.aborted, timers)


def test_without_debug_the_timer_is_not_logged(make_plane: MakePlane) -> None:
    """Nobody pays for facts that nobody wants."""
    scene = Scene(make_plane)
    scene.events.debug = False
    client = scene.client()

    scene.wait()

    assert PING == client.heard()
    assert [] == scene.events.of(PingTimerFired)


def test_other_limits(scene: Scene) -> None:
    """They hold at once: pings come at the new interval, and as many may be unanswered."""
    client = scene.client()

    scene.keep_alive.set_limits(INTERVAL / 7, 1)
    scene.server.advance(2.0 + 3 * SLACK)

    assert PING + STALE == client.heard()


def test_a_ping_that_comes_soon(scene: Scene) -> None:
    """It comes once, in place of the first one at the interval, which begins again."""
    client = scene.client()

    scene.keep_alive.ping_soon(client.connection)
    scene.server.advance(FIRST_PING_SECONDS + SLACK)
    first = client.heard()
    scene.server.advance(INTERVAL - FIRST_PING_SECONDS + SLACK)
    between = client.heard()
    scene.server.advance(FIRST_PING_SECONDS + SLACK)

    assert (PING, b"", PING) == (first, between, client.heard())


def test_a_ping_that_comes_soon_takes_the_place_of_the_next(scene: Scene) -> None:
    """A client waits for one ping at a time: each idle connection pays for the places it has."""
    client = scene.client()
    timers = scene.server.clock.timers_outstanding

    scene.keep_alive.ping_soon(client.connection)

    assert timers == scene.server.clock.timers_outstanding


def test_who_is_discarded_is_not_pinged_soon(scene: Scene) -> None:
    """A client that leaves before has no timer any more."""
    client = scene.client()
    scene.keep_alive.ping_soon(client.connection)

    scene.keep_alive.discard(client.connection)
    scene.wait()

    assert b"" == client.heard()


def test_a_short_interval(scene: Scene) -> None:
    """A first ping never comes later than the interval, and never twice."""
    client = scene.client()
    scene.keep_alive.set_limits(1.0, 2)

    scene.keep_alive.ping_soon(client.connection)
    scene.server.advance(1.0 + 2 * SLACK)

    assert PING == client.heard()


def test_the_round_trip_time(scene: Scene) -> None:
    """It is measured from the first ping that is unanswered; what nobody asked for changes nothing."""
    client = scene.client()
    client.send(b"PONG\r\n")
    assert 0.0 == client.connection.rtt

    scene.server.advance(INTERVAL)
    scene.wait()
    client.send(b"PONG\r\n")
    late = client.connection.rtt
    client.send(b"PONG\r\n")

    assert INTERVAL + SLACK == pytest.approx(late)
    assert (late, 0) == (client.connection.rtt, client.connection.pings_out)
