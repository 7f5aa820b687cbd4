"""The broker in a cluster: the addresses that clients get, and the cost of the loss of a server."""

import json
from dataclasses import replace
from functools import partial

import pytest

from app.domain.broker import FLUSH_SECONDS
from app.domain.cluster.settings import ClusterSettings
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import HOLD_SECONDS, Limits
from app.domain.protocol.encode import ListenerInfo
from app.domain.sessions.closing import REMOVED_AT_ONCE
from app.domain.sessions.congestion import SLOW_CHECKS, TICK
from app.domain.sessions.greeting import UPDATE_SECONDS
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.wire import FakeWire
from tests.support.broker_stats import stats_of
from tests.support.virtual_broker import INFO, VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, OWN_ID, SMALLER_ID, RoutedBroker, info_line

PING = b"PING\r\n"
PONG = b"PONG\r\n"
MODERN = b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'
HERE = "10.0.0.1:4222"
THERE = "10.0.0.2:4222"
YONDER = "10.0.0.3:4222"


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog(trace=False)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    """A member of a cluster that clients reach at `HERE`."""
    server = RoutedBroker(make_plane, events=events)
    server.broker.listening_on(4222, (HERE,))
    return server


def modern(server: VirtualBroker) -> VirtualClient:
    """A client of today, after its first PONG."""
    client = server.connect()
    assert PONG == client.ask(MODERN)
    return client


def urls(heard: bytes) -> list[list[str]]:
    """The addresses in each INFO that was heard; nothing else may be there."""
    lines = heard.splitlines()
    assert all(line.startswith(b"INFO ") for line in lines)
    return [json.loads(line[5:]).get("connect_urls", []) for line in lines]


# --- addresses for clients -------------------------------------------------------------------


def test_alone_there_is_nowhere_else_to_go(server: RoutedBroker) -> None:
    """While there is no other server clients get no addresses."""
    assert replace(INFO, server_id=OWN_ID).line() == server.accept().heard()


def test_a_server_comes_and_goes(server: RoutedBroker) -> None:
    """Clients of today hear of each change at once: first this server, then the others."""
    client = modern(server)

    heard = []
    peer = server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)
    heard.append(urls(client.heard()))
    other = server.joined(SMALLER_ID, 8222, connect_urls=[YONDER, THERE])
    server.advance(UPDATE_SECONDS)
    heard.append(urls(client.heard()))
    peer.leave()
    server.advance(UPDATE_SECONDS)
    heard.append(urls(client.heard()))
    other.leave()
    server.advance(UPDATE_SECONDS)
    heard.append(urls(client.heard()))

    assert [[[HERE, THERE, YONDER]], [[HERE, YONDER, THERE]], [[HERE]]] == heard[1:]
    assert [[HERE, THERE]] == heard[0]


def test_the_greeting_has_the_addresses(server: RoutedBroker) -> None:
    """A new client hears them in its first INFO, whatever protocol it will speak."""
    server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    assert [[HERE, THERE]] == urls(server.accept().heard())


def test_a_new_client_gets_the_addresses_at_once(server: RoutedBroker) -> None:
    """The greeting has all known addresses, even those that earlier clients have yet to get."""
    server.joined(GREATER_ID, connect_urls=[THERE])

    assert [[HERE, THERE]] == urls(server.accept().heard())


def test_a_newcomer_keeps_nobody_from_the_news(server: RoutedBroker) -> None:
    """Who was there hears of a change that a newcomer was greeted with; the newcomer hears it once."""
    witness = modern(server)
    server.joined(GREATER_ID, connect_urls=[THERE])
    newcomer = modern(server)

    server.advance(UPDATE_SECONDS)

    assert [[HERE, THERE]] == urls(witness.heard())
    assert b"" == newcomer.heard()


def test_a_server_that_sends_no_addresses(server: RoutedBroker) -> None:
    """A gnatsd 0.8.0 among the peers adds nothing, and does no harm."""
    client = modern(server)

    server.joined(GREATER_ID)
    server.advance(UPDATE_SECONDS)

    assert [[HERE]] == urls(client.heard())


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b'CONNECT {"verbose":false}\r\nPING\r\n',
        b'CONNECT {"verbose":false,"protocol":0}\r\nPING\r\n',
        b'CONNECT {"verbose":false,"protocol":1}\r\n',
        b'CONNECT {"verbose":false,"protocol":1}\r\nSUB foo 1\r\nPONG\r\n',
    ],
)
def test_old_clients_hear_nothing(server: RoutedBroker, sent: bytes) -> None:
    """Who did not say that it takes INFO at any time, or has not pinged yet, is not surprised by it."""
    client = server.connect()
    client.ask(sent)

    server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    assert b"" == client.heard()


def test_what_changed_before_the_first_pong_follows_it(server: RoutedBroker) -> None:
    """A client that connects in the middle of a change hears of it right after its PONG, and once."""
    client = server.connect()
    client.send(b'CONNECT {"verbose":false,"protocol":1}\r\n')
    server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    heard = client.ask(PING)

    assert heard.startswith(PONG)
    assert [[HERE, THERE]] == urls(heard.removeprefix(PONG))
    assert PONG == client.ask(PING)


def test_unchanged_addresses_are_not_sent(server: RoutedBroker) -> None:
    """INFO of a peer that says the same again is no news for clients."""
    peer = server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)
    client = modern(server)

    peer.introduce(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    assert b"" == client.heard()


def test_a_peer_may_have_new_addresses(server: RoutedBroker) -> None:
    """Clients get new addresses of a server that stays."""
    peer = server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)
    client = modern(server)

    peer.introduce(GREATER_ID, connect_urls=[YONDER])
    server.advance(UPDATE_SECONDS)

    assert [[HERE, YONDER]] == urls(client.heard())


def test_a_flood_of_addresses(server: RoutedBroker) -> None:
    """A peer that changes its addresses a thousand times at once makes little noise: the last ones count."""
    peer = server.joined(GREATER_ID)
    server.advance(UPDATE_SECONDS)
    client = modern(server)

    peer.send(b"".join(info_line(GREATER_ID, connect_urls=[f"10.0.0.2:{port}"]) for port in range(1, 1001)))
    server.advance(UPDATE_SECONDS)

    assert [[HERE, "10.0.0.2:1000"]] == urls(client.heard())


def test_many_addresses_of_one_server(server: RoutedBroker) -> None:
    """Of 5,000 addresses of one peer clients get a few."""
    client = modern(server)

    server.joined(GREATER_ID, connect_urls=[f"{n}:1" for n in range(5000)])
    server.advance(UPDATE_SECONDS)

    assert [65] == [len(addresses) for addresses in urls(client.heard())]


def test_a_client_that_is_cut_by_the_news(make_plane: MakePlane) -> None:
    """A client that reads nothing may be cut while INFO goes out; all others get it."""
    server = RoutedBroker(make_plane, limits=Limits(max_pending=1000))
    clients = [modern(server) for _ in range(3)]
    for stuck in clients[:2]:
        stuck.wire.stall()
        stuck.connection.outbox.send(990 * b"x")
    server.advance(HOLD_SECONDS + TICK)

    server.joined(GREATER_ID, connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    assert [True, True, False] == [client.wire.aborted for client in clients]
    assert [[THERE]] == urls(clients[2].heard())


def test_a_server_that_does_not_advertise(make_plane: MakePlane) -> None:
    """Operators may keep the addresses of the cluster from clients, and their own from the cluster."""
    server = RoutedBroker(make_plane, ClusterSettings(advertise=False))
    server.broker.listening_on(4222, (HERE,))
    server.broker.websockets_at((HERE,))
    client = modern(server)

    peer = server.called()
    greeting = peer.heard()
    peer.introduce(GREATER_ID, connect_urls=[THERE], ws_connect_urls=[THERE])
    server.advance(UPDATE_SECONDS)

    assert b"connect_urls" not in greeting
    assert b"" == client.heard()


def test_addresses_for_websockets(server: RoutedBroker) -> None:
    """A client gets those of the cluster that serve clients of its kind; servers exchange both."""
    server.broker.websockets_at(("10.0.0.1:80",))
    at = ListenerInfo("10.0.0.1", 80, connection_type=ConnectionType.WEBSOCKET)
    wire = server.wire()
    web = server.drive(wire, partial(server.broker.accept, listener=at))
    clients = [server.accept(), VirtualClient(server, web, wire)]
    for client in clients:
        client.ask(MODERN)
        client.heard()

    peer = server.called()
    greeting = json.loads(peer.heard().splitlines()[0][5:])
    peer.introduce(GREATER_ID, connect_urls=[THERE], ws_connect_urls=["10.0.0.2:80"])
    server.advance(UPDATE_SECONDS)

    assert ([HERE], ["10.0.0.1:80"]) == (greeting["connect_urls"], greeting["ws_connect_urls"])
    assert [[[HERE, THERE]], [["10.0.0.1:80", "10.0.0.2:80"]]] == [urls(client.heard()) for client in clients]


# --- members and others ---------------------------------------------------------------------


def test_alone_nobody_is_taken_for_a_server(make_plane: MakePlane) -> None:
    """A broker without a cluster raises an error when a link of a server is given to it."""
    server = VirtualBroker(make_plane)

    with pytest.raises(RuntimeError, match="without a cluster"):
        server.broker.accept_route(FakeWire())


def test_clients_and_routes_share_their_numbers(server: RoutedBroker) -> None:
    """Route sids are unambiguous, for no number is given twice; routes are no clients in the figures."""
    first = server.connect()
    peer = server.joined(GREATER_ID)
    second = server.connect()

    assert [1, 2, 3] == [c.connection.cid for c in (first, peer, second)]
    assert (2, 2, 3) == (
        stats_of(server.broker).connections,
        stats_of(server.broker).total_connections,
        server.broker.wires.left,
    )
    peer.leave()
    assert 2 == server.broker.wires.left


def test_what_a_server_says_of_itself(server: RoutedBroker) -> None:
    """Other servers hear our id, version, payload limit and addresses for clients."""
    info = server.cluster.info()

    assert (OWN_ID, "0.8.0", 1_048_576, (HERE,)) == (
        info.server_id,
        info.version,
        info.max_payload,
        info.connect_urls,
    )


def test_members_of_groups_across_servers(server: RoutedBroker) -> None:
    """Each message for a group goes to one member, and each member of the cluster has its share."""
    client = server.connect(quiet=True)
    client.send(b"SUB foo grp 1\r\n")
    peers = [server.joined(GREATER_ID), server.joined(SMALLER_ID, 8222)]
    for peer in peers:
        peer.send(b"SUB foo grp QRSID:9:1\r\nSUB foo grp QRSID:9:2\r\n")
        peer.heard()

    client.send(500 * b"PUB foo 0\r\n\r\n")

    counts = [client.heard().count(b"MSG foo 1 0")]
    for peer in peers:
        heard = peer.heard()
        counts += [heard.count(b"MSG foo QRSID:9:%d 0\r\n" % sid) for sid in (1, 2)]
    assert 500 == sum(counts)
    assert all(60 <= count <= 140 for count in counts)


# --- slow ones -----------------------------------------------------------------------------------


LARGE = b"PUB foo %d\r\n%b\r\n" % (1_000_000, 1_000_000 * b"x")


def test_a_slow_route_holds_up_nobody_for_long(server: RoutedBroker) -> None:
    """Clients publish on while a server does not read, and those who listen here get everything."""
    peer, publisher, listener = (
        server.joined(GREATER_ID),
        server.connect(quiet=True),
        server.connect(quiet=True),
    )
    peer.send(b"SUB foo  RSID:1:1\r\n")
    listener.send(b"SUB foo 1\r\n")
    peer.wire.stall()

    publisher.send(20 * LARGE)
    held = publisher.wire.paused
    server.advance(SLOW_CHECKS * TICK)

    assert (True, False, 0) == (held, publisher.wire.paused, publisher.wire.unread)
    assert 20 == listener.heard().count(b"MSG foo 1 1000000\r\n")
    assert not peer.is_over


def test_a_slow_client_holds_up_no_route_for_long(server: RoutedBroker) -> None:
    """What a server brings for others is not kept back by one client that does not read."""
    peer, slow, well = server.joined(GREATER_ID), server.connect(quiet=True), server.connect(quiet=True)
    for client in (slow, well):
        client.send(b"SUB foo 1\r\n")
    slow.wire.stall()
    peer.heard()

    peer.send(5 * LARGE.replace(b"PUB foo", b"MSG foo RSID:2:1"))
    held = peer.wire.paused
    server.advance(SLOW_CHECKS * TICK)

    assert (True, False, 0) == (held, peer.wire.paused, peer.wire.unread)
    assert 5 == well.heard().count(b"MSG foo 1 1000000\r\n")
    assert not slow.wire.is_over


# --- losses -----------------------------------------------------------------------------------


def test_slow_routes_are_counted_by_themselves(server: RoutedBroker) -> None:
    """Routes that were closed because they were too slow are among all receivers, and have a count."""
    server.joined(SMALLER_ID).connection.abort_slow("for this test")
    server.connect().connection.abort_slow("for this test")

    assert (2, 1) == (server.broker.slow.closed, server.broker.slow.closed_routes)
    assert ["rid", "cid"] == [record.kind for record in server.broker.slow.records]


def test_many_subscriptions_of_a_lost_server(server: RoutedBroker) -> None:
    """They go in slices, so that clients are served meanwhile, but none of them gets a message any more."""
    peer = server.joined(GREATER_ID)
    count = 2 * REMOVED_AT_ONCE
    lines = [b"SUB foo  RSID:1:%d\r\nSUB foo grp QRSID:2:%d\r\n" % (n, n) for n in range(count)]
    peer.send(b"".join(lines))
    client = server.connect(quiet=True)
    client.send(b"SUB foo grp 1\r\n")
    known = server.subscriptions

    peer.wire.lose()
    waiting = server.subscriptions
    client.wire.feed(10 * b"PUB foo 0\r\n\r\n")
    heard = client.heard()
    server.settle()

    assert (2 * count + 1, 2 * count + 1, 1) == (known, waiting, server.subscriptions)
    assert 10 * b"MSG foo 1 0\r\n\r\n" == heard


def test_losses_that_follow_each_other(server: RoutedBroker) -> None:
    """A server that is lost while another one's subscriptions are removed waits for its turn."""
    peers = [server.joined(GREATER_ID), server.joined(SMALLER_ID, 8222)]
    for peer in peers:
        peer.send(b"".join(b"SUB foo  RSID:1:%d\r\n" % n for n in range(REMOVED_AT_ONCE + 1)))

    for peer in peers:
        peer.wire.lose()
    server.settle()

    assert 0 == server.subscriptions


# --- the end --------------------------------------------------------------------------------------


def test_shutdown_closes_routes(server: RoutedBroker) -> None:
    """Routes end like clients, in good order and without a recital of what local clients listened to."""
    client, peer = server.connect(quiet=True), server.joined(GREATER_ID, connect_urls=[THERE])
    unknown = server.called()
    client.send(b"SUB foo 1\r\n")
    for other in (peer, unknown):
        other.heard()
    done: list[bool] = []

    server.broker.shutdown(lambda: done.append(True))
    server.advance(60.0)

    assert [True] == done
    assert [(b"", True, False)] * 2 == [(p.heard(), p.wire.closed, p.wire.aborted) for p in (peer, unknown)]
    assert ({}, {}, 0) == (server.cluster.routes, server.cluster.remotes, server.clock.timers_outstanding)
    assert [] == server.dialer.news()


def test_shutdown_sends_routes_what_is_pending(server: RoutedBroker) -> None:
    """What clients published last reaches other servers, if they take it in time."""
    client, peer = server.connect(quiet=True), server.joined(GREATER_ID)
    stuck = server.joined(SMALLER_ID, 8222)
    for other in (peer, stuck):
        other.send(b"SUB foo  RSID:1:1\r\n")
        other.heard()
        other.wire.stall()
    client.send(b"PUB foo 2\r\nok\r\n")

    server.broker.shutdown(lambda: None)
    peer.wire.pass_on()
    server.advance(FLUSH_SECONDS + 0.1)

    assert (b"MSG foo RSID:1:1 2\r\nok\r\n", True) == (peer.heard(), peer.wire.closed)
    assert stuck.wire.aborted
