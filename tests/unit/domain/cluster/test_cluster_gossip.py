"""What servers tell each other of third ones, and what they make of it (cluster-protocol.md, section 5)."""

import pytest

from app.domain.cluster import cluster, route_dialer
from app.domain.cluster.events import GossipIgnored
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import HOLD_SECONDS
from app.domain.protocol.encode import PING
from app.domain.sessions.congestion import TICK
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.single_user import SingleUser
from tests.support.broker_stats import stats_of
from tests.support.virtual_cluster import (
    GREATER_ID,
    OWN_ID,
    RoutedBroker,
    VirtualCluster,
    VirtualPeer,
    info_line,
)

FAR = "192.0.2.7"
C = "CCCCCCCCCCCCCCCCCCCCCC"
GOSSIP = (
    b'INFO {"server_id":"CCCCCCCCCCCCCCCCCCCCCC","version":"0.8.0","go":"","host":"127.0.0.1","port":15355,'
    b'"auth_required":false,"ssl_required":false,"tls_required":false,"tls_verify":false,'
    b'"max_payload":1048576,"ip":"nats-route://192.0.2.7:15355/"}\r\nUNSUB 0\r\n'
)
"""The UNSUB after INFO is for gnatsd 0.8.0, which may lose the line after an INFO."""

DEAD_ENDS = {
    "no address": "",
    "a name": "nats-route://evil.example:6222/",
    "multicast": "nats-route://224.0.0.1:6222/",
    "everywhere": "nats-route://0.0.0.0:6222/",
    "no port": "nats-route://192.0.2.9/",
    "port 0": "nats-route://192.0.2.9:0/",
    "another scheme": "http://192.0.2.9:80/",
    "a megabyte, nearly": "nats-route://" + 60_000 * "1",
}
NEAR = ["127.0.0.1", "[::1]", "169.254.169.254", "[fe80::1]", "[::ffff:127.0.0.1]"]


@pytest.fixture(name="peer")
def _peer(server: RoutedBroker) -> VirtualPeer:
    """A registered peer from far away."""
    return server.joined(GREATER_ID)


def gossip(server_id: str, ip: str, *, port: int = 7222, **fields: object) -> bytes:
    """INFO of another server, as a peer passes it on."""
    return info_line(server_id, port, ip=ip, **fields)


# --- sent ----------------------------------------------------------------------------------------


def test_a_new_server_is_announced(server: RoutedBroker, peer: VirtualPeer) -> None:
    """All others get its INFO with its address and a line to lose, in one write; it gets nothing itself."""
    other = server.joined("other", 8222)
    peer.heard()
    writes = len(peer.wire.writes)

    new = server.called(ip=FAR)
    new.heard()
    new.introduce(C, 15355, host="127.0.0.1")

    assert ([GOSSIP], GOSSIP, b"") == (peer.wire.writes[writes:], other.heard(), new.heard())


def test_the_first_server_is_announced_to_nobody(server: RoutedBroker) -> None:
    """There is no other peer to send INFO to."""
    peer = server.called()
    peer.heard()

    assert b"" == peer.introduce(GREATER_ID)


def test_a_server_that_we_dialled_by_name(make_plane: MakePlane) -> None:
    """Others get its address, since a name from a peer is not resolved."""
    server = RoutedBroker(make_plane, ClusterSettings(routes=(RouteUrl("seed", 1111),)))
    peer = server.joined(GREATER_ID)
    server.cluster.solicit()
    dial = server.dialer.pending.pop(0)
    wire = server.wire(FAR)
    server.drive(wire, dial.acceptor)

    wire.feed(info_line(C, 15355, host="127.0.0.1"))

    assert GOSSIP == peer.heard()


def test_a_server_that_we_dialled_by_name_and_that_came_back(make_plane: MakePlane) -> None:
    """It dials us from its address, and the route to its former self, known by name, is probed."""
    server = RoutedBroker(make_plane, ClusterSettings(routes=(RouteUrl("seed", 15355),)))
    server.cluster.solicit()
    dial = server.dialer.pending.pop(0)
    wire = server.wire(FAR)
    server.drive(wire, dial.acceptor)
    wire.feed(info_line("old", 15355))
    wire.heard()

    server.called(ip=FAR).introduce("new", 15355)

    assert wire.heard().startswith(PING)


def test_a_server_that_advertises_itself(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Others get the address that it advertises, and it is dialled there when it is lost."""
    new = server.called(ip=FAR)

    new.introduce(C, 15355, host="127.0.0.1", ip="nats-route://203.0.113.5:443/")
    heard = peer.heard()
    new.leave()
    server.advance(3.0)

    assert GOSSIP.replace(b"192.0.2.7:15355", b"203.0.113.5:443") == heard
    assert [("203.0.113.5", 443)] == server.dialer.news()


def test_only_old_servers_get_a_line_to_lose(server: RoutedBroker) -> None:
    """Servers that read INFO well, and programs that play one, hear just that."""
    others = [server.joined(f"v{version}", 1 + len(version), version=version) for version in ("0.9.2", "")]
    for other in others:
        other.heard()

    server.called(ip=FAR).introduce(C, 15355, host="127.0.0.1")

    assert 2 * [GOSSIP.removesuffix(b"UNSUB 0\r\n")] == [other.heard() for other in others]


def test_a_near_server_may_advertise_a_near_address(server: RoutedBroker) -> None:
    """Servers on one machine reach each other by the address that one of them names, behind a tunnel."""
    peer = server.joined(GREATER_ID, ip="127.0.0.1")

    server.called(ip="127.0.0.1").introduce(C, 15355, host="127.0.0.1", ip="nats-route://127.0.0.1:443/")

    assert GOSSIP.replace(b"192.0.2.7:15355", b"127.0.0.1:443") == peer.heard()


@pytest.mark.parametrize("ip", [*DEAD_ENDS.values(), "nats-route://127.0.0.1:22/"])
def test_an_advertised_address_that_is_none(server: RoutedBroker, peer: VirtualPeer, ip: str) -> None:
    """An unusable address is not passed on: others get the address that the server connects from."""
    server.called(ip=FAR).introduce(C, 15355, host="127.0.0.1", ip=ip)

    assert GOSSIP == peer.heard()


def test_a_server_that_does_not_listen_is_not_announced(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A server without a port cannot be dialled by others."""
    server.joined(C, 0, ip=FAR)

    assert b"" == peer.heard()


def test_addresses_for_clients_are_not_passed_on(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Each server sends its own addresses for clients, and no other ones."""
    server.joined(C, ip=FAR, connect_urls=["192.0.2.7:4222"])

    assert b"connect_urls" not in peer.heard()


def test_known_servers_are_not_announced(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A peer that announced a server gets no INFO of it, nor does a peer twice of a server that stays."""
    peer.send(gossip(C, f"nats-route://{FAR}:15355/"))

    server.reached(C, 15355)
    server.called(ip=FAR).introduce(C, 15355)

    assert b"" == peer.heard()


def test_a_server_that_is_back_is_announced_again(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Others get its INFO once more, since they may have lost it too."""
    server.joined(C, 15355, ip=FAR, host="127.0.0.1").leave()
    peer.heard()

    server.joined(C, 15355, ip=FAR, host="127.0.0.1")

    assert GOSSIP == peer.heard()


def test_peers_that_are_not_registered_hear_no_gossip(server: RoutedBroker) -> None:
    """A peer that has not sent its INFO gets no INFO of other servers."""
    unnamed = server.called()
    unnamed.heard()
    server.joined(GREATER_ID)
    server.joined(C, 8222)

    assert b"" == unnamed.heard()


def test_a_route_that_is_cut_by_gossip(
    server: RoutedBroker, peer: VirtualPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that reads nothing may be cut during an announcement; all others get it."""
    monkeypatch.setattr("app.domain.sessions.flow.ROUTE_PENDING", 0)
    others = [server.joined(f"{port}", port) for port in (8001, 8002)]
    peer.wire.stall()
    peer.connection.outbox.send(server.limits.max_pending * b"x")
    server.advance(HOLD_SECONDS + TICK)
    for other in others:
        other.heard()

    server.joined(C, 15355, ip=FAR, host="127.0.0.1")

    assert peer.wire.aborted
    assert [GOSSIP, GOSSIP] == [other.heard() for other in others]


# --- heard -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_what_is_heard_of_is_dialled(server: RoutedBroker, peer: VirtualPeer, size: int | None) -> None:
    """A third server is dialled at the address that gossip has, once, and becomes a route."""
    peer.send(2 * gossip(C, "nats-route://192.0.2.9:6333/"), size)

    assert [("192.0.2.9", 6333)] == server.dialer.news()
    server.reached(C)
    assert [GREATER_ID, C] == list(server.cluster.remotes)


def test_what_is_heard_of_and_known(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Ourselves, and servers that have a route, are not dialled wherever they are said to be."""
    server.joined(C, 8222)

    peer.send(gossip(OWN_ID, "nats-route://192.0.2.9:6333/") + gossip(C, "nats-route://192.0.2.9:6333/"))

    assert [] == server.dialer.news()


def test_what_is_heard_of_and_configured(make_plane: MakePlane) -> None:
    """A configured address is not dialled twice, in whatever case a peer writes its name."""
    server = RoutedBroker(make_plane, ClusterSettings(routes=(RouteUrl("seed", 6222),)))
    server.cluster.solicit()
    server.dialer.news()

    server.joined(GREATER_ID).send(gossip(C, "nats-route://192.0.2.9:6222/", host="SEED", port=6222))

    assert [] == server.dialer.news()


@pytest.mark.parametrize("ip", DEAD_ENDS.values(), ids=DEAD_ENDS.keys())
def test_gossip_that_leads_nowhere(
    server: RoutedBroker, peer: VirtualPeer, events: RecordingEventLog, ip: str
) -> None:
    """What is no address of a server is not dialled; the log says so, and the teller stays."""
    peer.send(gossip(C, ip))

    assert ([], False) == (server.dialer.news(), peer.is_over)
    assert ["it names no address to dial"] == [event.reason for event in events.of(GossipIgnored)]


@pytest.mark.parametrize("host", NEAR)
def test_near_addresses_from_far_away(
    server: RoutedBroker, peer: VirtualPeer, events: RecordingEventLog, host: str
) -> None:
    """A peer from another machine cannot make us dial our own loopback or link, in any disguise."""
    peer.send(gossip(C, f"nats-route://{host}:22/"))

    assert [] == server.dialer.news()
    assert "is an address of the teller's own machine or network" in events.of(GossipIgnored)[0].text()


@pytest.mark.parametrize("host", NEAR)
def test_near_addresses_from_nearby(server: RoutedBroker, host: str) -> None:
    """A peer on this machine may tell of another one here."""
    server.joined(GREATER_ID, ip="127.0.0.1").send(gossip(C, f"nats-route://{host}:6333/"))

    assert [(host.strip("[]"), 6333)] == server.dialer.news()


@pytest.mark.parametrize("asks", [True, False])
def test_credentials_are_for_those_who_ask(make_plane: MakePlane, *, asks: bool) -> None:
    """A server that is heard of is shown ours only if it is said to ask for some."""
    settings = ClusterSettings(user="joe", password="secret")  # noqa: S106
    server = RoutedBroker(make_plane, settings)
    server.joined(GREATER_ID).send(gossip(C, "nats-route://192.0.2.9:6333/", auth_required=asks))

    heard = server.answered().heard()

    assert asks is (b'"user":"joe","pass":"secret"' in heard)
    assert asks is (b"secret" in heard)


def test_gossip_before_the_introduction(server: RoutedBroker) -> None:
    """Only a registered peer is believed: the first INFO is about the peer itself, wherever it points."""
    unnamed = server.called()

    unnamed.send(gossip(C, "nats-route://192.0.2.9:6333/"))

    assert ([C], []) == (list(server.cluster.remotes), server.dialer.news())


def test_ten_thousand_servers(
    server: RoutedBroker, peer: VirtualPeer, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all servers that a peer makes up, a bounded number is remembered, and fewer are dialled at once."""
    monkeypatch.setattr(route_dialer, "MOST_LEARNT", 100)
    monkeypatch.setattr(cluster, "MOST_KNOWN", 200)
    lines = [gossip(f"{n}", f"nats-route://10.1.{n // 250}.{n % 250 + 1}:6222/") for n in range(10_000)]

    peer.send(b"".join(lines))

    assert route_dialer.MOST_DIALS == len(server.dialer.pending)
    assert 10_000 - 99 == len(events.of(GossipIgnored))  # the peer itself is one that is learnt
    assert (200, False) == (len(peer.session.known), peer.is_over)
    assert b"PONG\r\n" == server.connect(quiet=True).ask(b"PING\r\n")


def test_an_invented_server_at_our_own_address(make_plane: MakePlane) -> None:
    """Who makes us dial ourselves makes us do it once."""
    cluster = VirtualCluster(make_plane)
    cluster.add(6002)
    cluster.add()
    cluster.solicit()
    cluster.advance(1.0)
    liar = cluster.servers[1].broker.cluster
    assert liar is not None

    route = next(iter(liar.remotes.values()))
    for number in range(3):
        route.connection.send(gossip(f"{number}", "nats-route://127.0.0.1:6001/"))
        cluster.advance(5.0)

    texts = cluster.servers[0].events.texts()
    assert 1 == texts.count("Trying to connect to route on 127.0.0.1:6001")
    assert 1 == texts.count('Detected route to self, ignoring "nats-route://127.0.0.1:6001/"')
    assert [(1, 2), (2, 1)] == cluster.mesh()


# --- the mesh ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 5])
def test_a_mesh_from_one_seed(make_plane: MakePlane, count: int) -> None:
    """Servers that all have the same line of routes, the seed's own included, know each other soon."""
    cluster = VirtualCluster(make_plane)
    for _ in range(count):
        cluster.add(6001)
    cluster.solicit()

    cluster.advance(10.0)

    pairs = [(a, b) for a in range(1, count + 1) for b in range(1, count + 1) if a != b]
    assert (pairs, len(pairs)) == (cluster.mesh(), cluster.links())


def test_a_chain_becomes_a_mesh(make_plane: MakePlane) -> None:
    """Each knows the one before it, and in the end everybody everybody."""
    cluster = VirtualCluster(make_plane)
    for number in range(4):
        cluster.add(6000 + number)
    cluster.solicit()

    cluster.advance(60.0)

    assert 4 * 3 == len(cluster.mesh()) == cluster.links()


def test_a_mesh_that_asks_for_credentials(make_plane: MakePlane) -> None:
    """Servers that know the password find each other, by gossip as well; one that does not stays outside."""
    cluster = VirtualCluster(make_plane)
    for password in ("secret", "secret", "secret", "wrong"):
        cluster.add(6001, user="joe", password=password, gatekeeper=SingleUser("joe", "secret"))
    cluster.solicit()

    cluster.advance(10.0)
    cluster.advance(100.0)

    assert [(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b] == cluster.mesh()
    outsider = cluster.servers[3].events
    assert "Route Error 'Authorization Violation'" in outsider.texts()
    assert 12 >= outsider.texts().count("Trying to connect to route on 127.0.0.1:6001")


def test_each_gets_a_message_once(make_plane: MakePlane) -> None:
    """In a mesh every plain subscriber has one copy, and one member of each group."""
    cluster = VirtualCluster(make_plane)
    servers = [cluster.add(6001) for _ in range(3)]
    cluster.solicit()
    cluster.advance(10.0)
    clients = [server.connect(quiet=True) for server in servers for _ in range(2)]
    for client in clients:
        client.send(b"SUB foo 1\r\nSUB foo grp 2\r\nSUB * grp 3\r\n")
    cluster.advance(0.1)

    for client in clients:
        client.send(b"PUB foo 2\r\nok\r\n")
        cluster.advance(0.1)

        heard = [c.heard() for c in clients]
        assert 6 * [1] == [h.count(b"MSG foo 1 2\r\nok\r\n") for h in heard]
        assert 1 == sum(h.count(b"MSG foo 2 2\r\n") + h.count(b"MSG foo 3 2\r\n") for h in heard)


def test_limits_hold_across_servers(make_plane: MakePlane) -> None:
    """Each of several subscriptions gets as many messages as it asked for, though they share a route."""
    cluster = VirtualCluster(make_plane)
    here, there = cluster.add(), cluster.add(6001)
    cluster.solicit()
    cluster.advance(1.0)
    listener, speaker = here.connect(quiet=True), there.connect(quiet=True)
    listener.send(b"SUB foo 1\r\nUNSUB 1 3\r\nSUB foo 2\r\nUNSUB 2 5\r\nSUB foo grp 3\r\nUNSUB 3 4\r\n")
    cluster.advance(0.1)

    for _ in range(10):
        speaker.send(b"PUB foo 0\r\n\r\n")
        cluster.advance(0.1)

    heard = listener.heard()
    assert [3, 5, 4] == [heard.count(b"MSG foo %d 0" % sid) for sid in (1, 2, 3)]
    assert [0, 0] == [stats_of(s.broker).subscriptions.num_subscriptions for s in (here, there)]
