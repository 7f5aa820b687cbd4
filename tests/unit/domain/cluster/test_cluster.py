"""Who belongs to the mesh: one route per server, found again when it is lost, and none to ourselves."""

import pytest

from app.domain.cluster.cluster import ROUTE_PING_SECONDS
from app.domain.cluster.events import RouteDuplicate, RouteErrorReceived, RouteToSelf
from app.domain.cluster.liveness import CHECK_SECONDS, PROBE_SECONDS
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import StaleConnection
from app.domain.limits import HOLD_SECONDS, Limits
from app.domain.sessions import flow
from app.domain.sessions.congestion import TICK
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.single_user import SingleUser
from tests.fakes.wire import ADDRESS
from tests.support.virtual_cluster import (
    GREATER_ID,
    OWN_ID,
    SMALLER_ID,
    RoutedBroker,
    VirtualCluster,
    VirtualPeer,
    connect_line,
    info_line,
)

PING = b"PING\r\n"
PONG = b"PONG\r\n"
SEED = RouteUrl("seed", 6222)
STALE = b"-ERR 'Stale Connection'\r\n"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"


@pytest.fixture(name="dialling")
def _dialling(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    """A server that has begun to dial its seed."""
    server = RoutedBroker(make_plane, ClusterSettings(routes=(SEED,)), events=events)
    server.cluster.solicit()
    server.dialer.news()
    return server


def redialled(server: RoutedBroker, within: float) -> float:
    """Seconds until somebody is dialled, to a twentieth."""
    server.dialer.news()
    for step in range(round(within / 0.05) + 1):
        if server.dialer.news():
            return step * 0.05
        server.advance(0.05)
    raise AssertionError("nobody was dialled")


# --- the log -------------------------------------------------------------------------------


def test_the_log_of_the_one_that_dials(dialling: RoutedBroker, events: RecordingEventLog) -> None:
    """The log of a start reads as gnatsd's."""
    peer = dialling.answered()
    peer.introduce(SMALLER_ID)
    dialling.advance(1.0)

    assert [
        "Trying to connect to route on seed:6222",
        "Route connection created",
        "Route connect msg sent",
        f'Registering remote route "{SMALLER_ID}"',
        "Route sent local subscriptions",
        f'Route to "{SMALLER_ID}" is up, dialled by this server',
    ] == events.texts()
    assert 5 * [peer.connection.link] == [event.link for event in events.events[1:]]


def test_the_log_of_the_one_that_accepts(server: RoutedBroker, events: RecordingEventLog) -> None:
    """So does the log of the other side, up to the end of the route."""
    peer = server.called()
    peer.send(connect_line(SMALLER_ID) + info_line(SMALLER_ID))
    peer.leave()

    assert [
        "Route connection created",
        f'Registering remote route "{SMALLER_ID}"',
        "Route sent local subscriptions",
        "Router connection closed",
    ] == events.texts()


# --- ourselves ------------------------------------------------------------------------------


def test_a_server_that_dials_itself(make_plane: MakePlane) -> None:
    """Both ends notice and close; the address is never dialled again, and the log has one line on it."""
    cluster = VirtualCluster(make_plane)
    server = cluster.add(6001, 6001)
    cluster.solicit()

    cluster.advance(60.0)

    assert ([], 0, 0) == (cluster.mesh(), cluster.links(), cluster.clock.timers_outstanding)
    assert [RouteToSelf(None, "nats-route://127.0.0.1:6001/")] == server.events.of(RouteToSelf)
    assert 1 == server.events.texts().count("Trying to connect to route on 127.0.0.1:6001")


def test_a_route_that_claims_to_be_us(server: RoutedBroker) -> None:
    """A link that bears our own id is dropped quietly."""
    peer = server.called()
    peer.heard()

    heard = peer.introduce(OWN_ID)

    assert (b"", True, {}, []) == (heard, peer.wire.closed, server.cluster.remotes, server.dialer.asked)


# --- duplicates ----------------------------------------------------------------------------


def test_the_first_route_to_a_server_stays(server: RoutedBroker, events: RecordingEventLog) -> None:
    """A second one is closed and logged, and messages take the first."""
    first, second = server.joined(GREATER_ID), server.called()
    second.heard()
    first.send(b"SUB foo  RSID:1:1\r\n")

    heard = second.ask(info_line(GREATER_ID) + b"SUB foo  RSID:1:1\r\n")

    assert (b"", True) == (heard, second.wire.closed)
    assert [RouteDuplicate(second.connection.link, GREATER_ID)] == events.of(RouteDuplicate)
    assert ({GREATER_ID: first.session}, 1) == (server.cluster.remotes, server.subscriptions)


def test_a_duplicate_that_we_dialled(dialling: RoutedBroker, events: RecordingEventLog) -> None:
    """The surviving route then counts as dialled: after a loss it is dialled again like a configured one."""
    first, second = dialling.joined(GREATER_ID), dialling.answered()

    second.introduce(GREATER_ID)
    dialling.advance(2.0)
    quiet = dialling.dialer.news()
    first.send(PONG)
    solicited = first.session.solicited
    first.leave()

    assert solicited
    assert [] == quiet
    assert (
        f'Not attempting reconnect for solicited route, already connected to "{GREATER_ID}"' in events.texts()
    )
    assert redialled(dialling, 1.6) >= 0.5


def test_two_servers_that_dial_each_other(make_plane: MakePlane) -> None:
    """Dialling at the same time ends in exactly one route, and interest is known over it."""
    cluster = VirtualCluster(make_plane)
    first, second = cluster.add(6002), cluster.add(6001)
    listener, speaker = first.connect(quiet=True), second.connect(quiet=True)
    listener.send(b"SUB foo 1\r\n")
    cluster.solicit()

    cluster.advance(10.0)
    speaker.send(b"PUB foo 2\r\nok\r\n")
    cluster.advance(0.0)

    assert ([(1, 2), (2, 1)], 2) == (cluster.mesh(), cluster.links())
    assert b"MSG foo 1 2\r\nok\r\n" == listener.heard()


def test_both_close_what_the_other_keeps(dialling: RoutedBroker) -> None:
    """If each of two servers closes the other's route, one of them dials again, and there is one."""
    ours, theirs = dialling.answered(), dialling.called()
    ours.introduce(GREATER_ID)
    theirs.introduce(GREATER_ID)
    closed = theirs.is_over
    ours.leave()
    none = dict(dialling.cluster.remotes)

    redialled(dialling, 1.6)
    dialling.reached(GREATER_ID)
    dialling.advance(60.0 * SLACK)

    assert (True, {}) == (closed, none)
    assert [GREATER_ID] == list(dialling.cluster.remotes)
    assert [] == dialling.dialer.news()


@pytest.mark.parametrize("sign", [PONG, b"MSG foo RSID:1:1 0\r\n\r\n", PING])
def test_a_survivor_that_lives(server: RoutedBroker, sign: bytes) -> None:
    """The route that stays is asked for a sign of life, and any will do."""
    first = server.joined(GREATER_ID)
    server.called().introduce(GREATER_ID)
    asked = first.heard()

    server.advance(PROBE_SECONDS - 0.1)
    first.send(sign)
    server.advance(1.0)

    assert (PING, False) == (asked, first.is_over)


def test_a_survivor_that_is_dead(server: RoutedBroker, events: RecordingEventLog) -> None:
    """A route that stays silent is aborted, so that the server can come in again."""
    first = server.joined(GREATER_ID)
    first.send(b"SUB foo  RSID:1:1\r\n")
    server.called().introduce(GREATER_ID)

    server.advance(PROBE_SECONDS)
    again = server.called()
    again.introduce(GREATER_ID)

    assert first.wire.aborted
    assert [StaleConnection(first.connection.link)] == events.of(StaleConnection)
    assert ({GREATER_ID: again.session}, 0) == (server.cluster.remotes, server.subscriptions)


def test_a_probe_of_a_route_that_ends(server: RoutedBroker, events: RecordingEventLog) -> None:
    """Nothing comes of a probe when its route is lost meanwhile, and nothing is left of it."""
    first = server.joined(GREATER_ID)
    server.called().introduce(GREATER_ID)
    first.leave()
    server.cluster.stop()

    server.advance(PROBE_SECONDS)

    assert ([], 0) == (events.of(StaleConnection), server.clock.timers_outstanding)


def test_a_namesake_is_asked_for_a_sign_of_life(server: RoutedBroker) -> None:
    """A server that comes back under a new id is believed: the route of the old one is probed, no other."""
    old, other = server.joined("old", 7001), server.joined("other", 7002)
    for peer in (old, other):
        peer.heard()

    new = server.called()
    new.introduce("new", 7001)
    asked = [peer.heard().startswith(PING) for peer in (old, other)]
    other.send(PONG)
    server.advance(PROBE_SECONDS)

    assert [True, False] == asked
    assert ["other", "new"] == list(server.cluster.remotes)


def test_servers_behind_one_address_live_side_by_side(server: RoutedBroker) -> None:
    """Different ports are different servers."""
    peers = [server.joined(f"{port}", port) for port in (7001, 7002, 7003)]

    probed = [PING in peer.heard() for peer in peers]
    server.advance(PROBE_SECONDS + 1.0)

    assert [False] * 3 == probed
    assert [False] * 3 == [peer.is_over for peer in peers]


# --- losses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server_id", "least", "most"), [(GREATER_ID, 0.0, 0.1), (SMALLER_ID, 0.7, 2.3)])
def test_one_of_two_dials_first(server: RoutedBroker, server_id: str, least: float, most: float) -> None:
    """Of two servers that lost each other the one with the smaller id dials at once, the other later."""
    server.joined(server_id).leave()

    assert least <= redialled(server, 3.0) <= most
    assert [(ADDRESS, 7222)] == [(dial.host, dial.port) for dial in server.dialer.pending]


def test_a_configured_server_is_dialled_after_a_second(dialling: RoutedBroker) -> None:
    """About, so that a cluster does not dial in step."""
    dialling.reached(GREATER_ID).leave()

    assert 0.45 <= redialled(dialling, 2.0) <= 1.55


def test_a_link_that_breaks_before_the_introduction(dialling: RoutedBroker) -> None:
    """A configured server that hangs up is dialled again, with growing waits."""
    waits = []
    for _ in range(4):
        dialling.answered().leave()
        waits.append(redialled(dialling, 5.0))

    for wait, expected in zip(waits, [0.5, 1.0, 2.0, 3.0], strict=True):
        assert expected / 2 - 0.05 <= wait <= expected * 1.5 + 0.05


def test_a_server_that_refuses_our_password(dialling: RoutedBroker, events: RecordingEventLog) -> None:
    """It is quoted in the log once for each try, and tries become rare."""
    waits = []
    for _ in range(7):
        peer = dialling.answered()
        peer.send(info_line(GREATER_ID, auth_required=True) + VIOLATION)
        waits.append(redialled(dialling, 50.0))

    assert 7 == len(events.of(RouteErrorReceived))
    assert waits[0] <= 1.55
    assert all(14.9 <= wait <= 45.1 for wait in waits[5:])


@pytest.mark.parametrize("ending", ["error", "loss"])
def test_a_route_that_ends_after_long(dialling: RoutedBroker, ending: str) -> None:
    """However hard it was to reach: a server that was there for hours is dialled again at once."""
    for _ in range(6):
        dialling.answered().leave()
        redialled(dialling, 5.0)
    peer = dialling.reached(GREATER_ID)
    for _ in range(1000):
        dialling.advance(9.0)
        peer.send(PONG)

    if ending == "error":
        peer.send(STALE)
    peer.leave()

    assert redialled(dialling, 2.0) <= 1.55


def test_a_learnt_server_that_says_farewell_after_long(server: RoutedBroker) -> None:
    """A server that was there for hours is not forgotten because it ended with an error."""
    server.joined(GREATER_ID).leave()
    redialled(server, 1.0)
    peer = server.reached(GREATER_ID)
    for _ in range(1000):
        server.advance(9.0)
        peer.send(PONG)

    peer.send(STALE)
    peer.leave()

    assert redialled(server, 2.0) <= 0.1


def test_a_server_that_asks_for_credentials_is_shown_ours(make_plane: MakePlane) -> None:
    """A lost server that had dialled us is dialled with what it asks for."""
    settings = ClusterSettings(user="joe", password="secret")  # noqa: S106
    server = RoutedBroker(make_plane, settings, route_gatekeeper=SingleUser("joe", "secret"))
    peer = server.called()
    peer.send(connect_line(GREATER_ID, user="joe", **{"pass": "secret"}))
    peer.introduce(GREATER_ID, auth_required=True)
    peer.leave()
    redialled(server, 1.0)

    assert b'"user":"joe","pass":"secret"' in server.answered().heard()


def test_a_server_that_asks_for_nothing_is_shown_nothing(make_plane: MakePlane) -> None:
    """Our credentials are for those who ask."""
    settings = ClusterSettings(user="joe", password="secret")  # noqa: S106
    server = RoutedBroker(make_plane, settings)
    server.joined(GREATER_ID).leave()
    redialled(server, 1.0)

    assert b"secret" not in server.answered().heard()


def test_a_server_that_does_not_listen_is_not_dialled(server: RoutedBroker) -> None:
    """Without a port there is nothing to dial."""
    for port in (0, -1, 65536, 10**30):
        server.joined(GREATER_ID, port).leave()
    server.advance(60.0)

    assert ([], 0) == (server.dialer.asked, server.clock.timers_outstanding)


# --- keep-alive ----------------------------------------------------------------------------------


def test_routes_are_pinged(server: RoutedBroker, events: RecordingEventLog) -> None:
    """A half-open route is found within half a minute, though clients are given longer."""
    peer = server.joined(GREATER_ID)
    server.advance(CHECK_SECONDS + SLACK)
    peer.heard()

    server.advance(2 * ROUTE_PING_SECONDS - CHECK_SECONDS)
    asked = peer.heard()
    server.advance(ROUTE_PING_SECONDS + SLACK)

    assert 2 * PING == asked
    assert (STALE, True) == (peer.heard(), peer.wire.closed)
    assert 3 == events.texts().count("Router Ping Timer")


def test_answered_pings(server: RoutedBroker) -> None:
    """A route that answers stays."""
    peer = server.joined(GREATER_ID)

    for _ in range(20):
        server.advance(ROUTE_PING_SECONDS + SLACK)
        peer.send(PONG)

    assert not peer.is_over


def test_a_shorter_interval_holds_for_routes(make_plane: MakePlane) -> None:
    """Operators who want clients pinged more often than routes get both."""
    server = RoutedBroker(make_plane, limits=Limits(ping_interval=0.5))
    peer = server.joined(GREATER_ID)

    server.advance(0.5 + SLACK)

    assert PING == peer.heard()


# --- slow ones -----------------------------------------------------------------------------------


def test_a_route_that_is_cut_while_it_is_probed(
    server: RoutedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namesake that was full already may be cut by the question; the newcomer is registered."""
    monkeypatch.setattr(flow, "ROUTE_PENDING", 0)
    old = [server.joined(f"old{number}", 7001) for number in range(3)]
    for peer in old:
        peer.send(PONG)
        fill(server, peer)

    new = server.called()
    new.introduce("new", 7001)

    assert [True] * 3 == [peer.wire.aborted for peer in old]
    assert ["new"] == list(server.cluster.remotes)


def test_a_newcomer_that_takes_nothing(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is cut while it gets local interest is removed, and announced again when it is back."""
    monkeypatch.setattr(flow, "ROUTE_PENDING", 0)
    server = RoutedBroker(make_plane, limits=Limits(max_pending=4000))
    other = server.joined("other", 7001)
    server.connect(quiet=True).send(b"SUB foo 1\r\n")
    new = server.called()
    fill(server, new)

    new.send(info_line("new", 7002))
    gone = (new.wire.aborted, list(server.cluster.remotes))
    other.heard()
    server.joined("new", 7002)

    assert (True, ["other"]) == gone
    assert b'"server_id":"new"' in other.heard()


def fill(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Let as much be pending for a peer as may be."""
    peer.wire.stall()
    peer.connection.outbox.send(server.limits.max_pending * b"x")
    server.advance(HOLD_SECONDS + TICK)


# --- who was turned away ---------------------------------------------------------------------------


def test_who_is_turned_away_waits(server: RoutedBroker, events: RecordingEventLog) -> None:
    """The next link from that address is greeted after a pause, and the log has one line of many."""
    for _ in range(5):
        peer = server.called()
        server.advance(2.0)
        peer.send(b"GET / HTTP/1.1\r\n")

    last, elsewhere = server.called(), server.called(ip="192.0.2.99")
    at_once = (last.heard(), elsewhere.heard() != b"")
    last.send(info_line(GREATER_ID))
    waiting = list(server.cluster.remotes)
    server.advance(2.0)

    assert (b"", True) == at_once
    assert [] == waiting
    assert [GREATER_ID] == list(server.cluster.remotes)
    assert 2 >= sum("Error reading" in text for text in events.texts())


def test_who_waits_may_leave(server: RoutedBroker) -> None:
    """A link that ends within the pause leaves nothing behind."""
    server.called().send(b"x\r\n")
    peer = server.called()

    peer.leave()
    server.advance(2.0)

    assert ({}, 0) == (server.cluster.routes, server.clock.timers_outstanding)


# --- the end -----------------------------------------------------------------------------------------


def test_a_server_that_stops(dialling: RoutedBroker) -> None:
    """It dials nobody, and takes nobody in; routes stay until they are closed, and then nothing is due."""
    peer = dialling.reached(GREATER_ID)
    dialling.joined(SMALLER_ID)

    dialling.cluster.stop()
    late = dialling.called()
    stays = not peer.is_over
    for connection in dialling.cluster.connections():
        connection.close()
    dialling.advance(60.0)

    assert (True, b"", True) == (stays, late.heard(), late.wire.closed)
    assert ({}, {}, 0) == (
        dialling.cluster.routes,
        dialling.cluster.remotes,
        dialling.clock.timers_outstanding,
    )
    assert [] == dialling.dialer.news()
