"""The beginning of a route: who speaks when, and who is sent away, to the byte."""

import pytest

from app.domain.cluster.cluster import HANDSHAKE_SECONDS, SETTLE_SECONDS
from app.domain.cluster.events import GossipIgnored, RouteRefused
from app.domain.cluster.route_session import Stage
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.events import AuthorizationTimedOut, Link, ReadFailed
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_cluster import (
    GREATER_ID,
    SMALLER_ID,
    RoutedBroker,
    VirtualPeer,
    connect_line,
    info_line,
)

OWN_INFO = (
    b'INFO {"server_id":"MMMMMMMMMMMMMMMMMMMMMM","version":"0.8.0","go":"","host":"10.0.0.1","port":6222,'
    b'"auth_required":false,"ssl_required":false,"tls_required":false,"tls_verify":false,'
    b'"max_payload":1048576,"sends_on":true}\r\n'
)
OWN_CONNECT = (
    b'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"name":"MMMMMMMMMMMMMMMMMMMMMM"}\r\n'
)
PING = b"PING\r\n"
PONG = b"PONG\r\n"
PARSER = b"-ERR 'Parser Error'\r\n"
UNKNOWN = b"-ERR 'Unknown Protocol Operation'\r\n" + PARSER
INVALID = b"-ERR 'Invalid Subject'\r\n"
TOO_LONG = b"-ERR 'Maximum Control Line Exceeded'\r\n"
TOO_LARGE = b"-ERR 'Maximum Payload Violation'\r\n"
SILENT = "the peer did not introduce itself in time"

GREETING = connect_line(GREATER_ID) + info_line(GREATER_ID)
LINE_LIMIT = 64 * 1024

TOO_EARLY = {
    "SUB": (b"SUB foo  RSID:1:1\r\n", PARSER),
    "UNSUB": (b"UNSUB RSID:1:1\r\n", PARSER),
    "PUB": (b"PUB foo 5\r\nhello\r\n", PARSER),
    "MSG": (b"MSG foo RSID:1:1 5\r\nhello\r\n", UNKNOWN),
    "a client's CONNECT and SUB": (b'CONNECT {"verbose":true,"name":"app"}\r\nSUB foo 1\r\n', PARSER),
    "a client's CONNECT and PUB": (b'CONNECT {"pedantic":true}\r\nPUB foo 5\r\nhello\r\n', PARSER),
    "garbage": (b"\x00\x01\x02\xff\r\n", UNKNOWN),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNKNOWN),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", UNKNOWN),
    "a blank line": (b"\r\n", UNKNOWN),
    "the interest of NATS 2": (b"RS+ $G foo\r\n", UNKNOWN),
    "a message of NATS 2": (b"RMSG $G foo 5\r\nhello\r\n", UNKNOWN),
    "broken INFO": (b'INFO {"server_id":"X"\r\n', PARSER),
    "INFO without a server": (b"INFO {}\r\n", PARSER),
    "INFO of wrong types": (b'INFO {"server_id":"X","port":"6222"}\r\n', PARSER),
    "broken CONNECT": (b"CONNECT {\r\n", PARSER),
    "CONNECT of wrong types": (b'CONNECT {"user":5}\r\n', PARSER),
    "1 MB of INFO": (b'INFO {"server_id":"' + 1024 * 1024 * b"X" + b'"}\r\n', TOO_LONG),
    "10,000 long addresses": (info_line("X", connect_urls=10_000 * ["10.0.0.1:4222"]), TOO_LONG),
    "1 MB of CONNECT": (b'CONNECT {"name":"' + 1024 * 1024 * b"X", TOO_LONG),
}


@pytest.fixture(name="peer")
def _peer(server: RoutedBroker) -> VirtualPeer:
    """A registered peer that dialled us."""
    return server.joined(GREATER_ID)


def test_the_acceptor_speaks_first(server: RoutedBroker) -> None:
    """A server that dials hears INFO at once, in one write, and nothing else."""
    assert [OWN_INFO] == server.called().wire.writes


def test_nothing_is_said_on_a_link_that_is_not_open(server: RoutedBroker) -> None:
    """With TLS the introduction waits for the handshake."""
    assert b"" == server.called(opened=False).heard()


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
def test_an_accepted_route(server: RoutedBroker, size: int | None) -> None:
    """The lines of a route at the side that accepts it: the reply to INFO is local interest."""
    client = server.connect(quiet=True)
    client.send(b"SUB pre.a 1\r\nSUB pre.q grp 2\r\n")
    peer = server.called()
    peer.heard()

    heard = peer.ask(GREETING, size)

    assert b"SUB pre.a  RSID:1:1\r\nSUB pre.q grp QRSID:1:2\r\n" == heard
    assert [GREATER_ID] == list(server.cluster.remotes)
    assert not peer.session.solicited


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
def test_a_dialled_route(make_plane: MakePlane, size: int | None) -> None:
    """The lines of a route at the side that dials: CONNECT and INFO in one write, then interest."""
    server = RoutedBroker(
        make_plane,
        ClusterSettings(host="10.0.0.1", port=6222, routes=(RouteUrl("seed", 6222),)),
    )
    client = server.connect(quiet=True)
    client.send(b"SUB pre.a 1\r\nSUB pre.q grp 2\r\n")
    server.cluster.solicit()
    peer = server.answered()
    before = list(peer.wire.writes)
    peer.heard()

    heard = peer.ask(info_line(SMALLER_ID), size)

    assert [OWN_CONNECT + OWN_INFO] == before
    assert b"SUB pre.a  RSID:1:1\r\nSUB pre.q grp QRSID:1:2\r\n" == heard
    assert [SMALLER_ID] == list(server.cluster.remotes)
    assert peer.session.solicited


def test_what_the_dialler_sends(make_plane: MakePlane) -> None:
    """A dialler sends the credentials of the URL, and what its own listener demands."""
    url = RouteUrl("seed", 6222, "joe", "secret")
    server = RoutedBroker(make_plane, ClusterSettings(host="h", port=6333, tls=True, routes=(url,)))
    server.cluster.solicit()

    heard = server.answered().heard()

    assert (
        b'CONNECT {"verbose":false,"pedantic":false,"user":"joe","pass":"secret","tls_required":true,'
        b'"name":"MMMMMMMMMMMMMMMMMMMMMM"}\r\n'
        b'INFO {"server_id":"MMMMMMMMMMMMMMMMMMMMMM","version":"0.8.0","go":"","host":"h","port":6333,'
        b'"auth_required":false,"ssl_required":true,"tls_required":true,"tls_verify":true,'
        b'"max_payload":1048576,"sends_on":true}\r\n'
    ) == heard


def test_info_has_the_real_port_and_addresses(make_plane: MakePlane) -> None:
    """Peers get the port that is really listened on, the advertised address, and those for clients."""
    server = RoutedBroker(make_plane, ClusterSettings(host="h", port=-1, advertised="203.0.113.1:6222"))
    server.broker.listening_on(4222, ("10.0.0.1:4222",))
    server.cluster.listening_on(6001)

    heard = server.called().heard()

    assert b'"host":"h","port":6001,' in heard
    assert heard.endswith(
        b',"sends_on":true,"ip":"nats-route://203.0.113.1:6222/","connect_urls":["10.0.0.1:4222"]}\r\n'
    )


@pytest.mark.parametrize("dialled", [False, True])
@pytest.mark.parametrize(("name", "spare"), [(100, 0), (101, 9)])
def test_an_introduction_that_gnatsd_reads_in_pieces(
    make_plane: MakePlane, name: int, spare: int, *, dialled: bool
) -> None:
    """After more than its first read of 512 bytes comes a line that it may lose; after less, nothing."""
    fixed = len(OWN_INFO) + len(b',"connect_urls":[""]') + (len(OWN_CONNECT) if dialled else 0)
    url = "u" * (412 + name - fixed)
    server = RoutedBroker(make_plane, ClusterSettings(host="10.0.0.1", port=6222, routes=(RouteUrl("h", 1),)))
    server.broker.listening_on(4222, (url,))
    server.cluster.solicit()

    heard = (server.answered() if dialled else server.called()).heard()

    introduction = 512 + name - 100
    assert (introduction + spare, spare > 0) == (len(heard), heard.endswith(b"}\r\nUNSUB 0\r\n"))


@pytest.mark.parametrize("size", [None, 1, 7], ids=["whole", "bytewise", "by sevens"])
def test_what_stands_right_after_the_introduction(server: RoutedBroker, size: int | None) -> None:
    """Interest and messages may come in the same read as INFO; they count, in order."""
    client = server.connect(quiet=True)
    client.send(b"SUB foo 1\r\n")
    peer = server.called()

    peer.send(
        GREETING + b"SUB bar  RSID:9:1\r\nMSG foo RSID:2:1 5\r\nhello\r\nUNSUB RSID:9:1\r\nMSG fo", size
    )
    client.send(b"PUB bar 0\r\n\r\n")

    assert b"MSG foo 1 5\r\nhello\r\n" == client.heard()
    assert {} == peer.session.subscriptions
    assert not peer.is_over


@pytest.mark.parametrize("size", [None, 7], ids=["whole", "by sevens"])
@pytest.mark.parametrize(("sent", "heard"), TOO_EARLY.values(), ids=TOO_EARLY.keys())
def test_who_does_not_introduce_itself(
    server: RoutedBroker, sent: bytes, heard: bytes, size: int | None
) -> None:
    """Clients, unknown peers and servers of another kind are sent away, and leave no trace."""
    client = server.connect(quiet=True)
    client.send(b"SUB > 1\r\n")
    peer = server.called()
    peer.heard()

    answer = peer.ask(sent, size)
    peer.send(info_line(GREATER_ID))

    assert (heard, True, False) == (answer, peer.wire.closed, peer.wire.aborted)
    assert ({}, {}, b"") == (server.cluster.remotes, server.cluster.routes, client.heard())
    assert PONG == client.ask(PING)


class TestCalledByName:
    """A server that has sent CONNECT with its name, and no INFO yet, as gnatsd lets it."""

    @pytest.fixture(name="named")
    def _named(self, server: RoutedBroker) -> VirtualPeer:
        peer = server.called()
        peer.send(connect_line(GREATER_ID))
        peer.heard()
        return peer

    def test_its_interest_counts(self, server: RoutedBroker, named: VirtualPeer) -> None:
        """It gets what it asked for, once, and no more when it gave that up."""
        client = server.connect(quiet=True)

        named.send(b"SUB foo  RSID:2:1\r\nSUB foo  RSID:2:2\r\n")
        client.send(b"PUB foo 2\r\nok\r\n")
        heard = named.heard()
        named.send(b"UNSUB RSID:2:1\r\nUNSUB RSID:2:2\r\n")
        client.send(b"PUB foo 2\r\nok\r\n")

        assert (b"MSG foo RSID:2:1 2\r\nok\r\n", b"") == (heard, named.heard())

    def test_its_messages_count(self, server: RoutedBroker, named: VirtualPeer) -> None:
        """Clients here get them, and they don't come back."""
        client = server.connect(quiet=True)
        client.send(b"SUB foo 1\r\n")
        named.send(b"SUB foo  RSID:2:1\r\n")

        named.send(b"MSG foo 1 2\r\nok\r\n")

        assert (b"MSG foo 1 2\r\nok\r\n", b"") == (client.heard(), named.heard())

    def test_so_do_those_of_a_server_that_we_dialled(self, make_plane: MakePlane) -> None:
        """The side that dialled makes no difference."""
        server = RoutedBroker(make_plane, ClusterSettings(routes=(RouteUrl("seed", 6222),)))
        server.cluster.solicit()
        client, peer = server.connect(quiet=True), server.answered()
        client.send(b"SUB foo 1\r\n")

        peer.send(connect_line(GREATER_ID) + b"MSG foo 1 2\r\nok\r\n")

        assert b"MSG foo 1 2\r\nok\r\n" == client.heard()

    @pytest.mark.parametrize("introduced", [False, True])
    def test_a_second_one_of_the_name_gets_nothing(
        self,
        server: RoutedBroker,
        named: VirtualPeer,
        introduced: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """A message reaches a server once, over whichever of its links."""
        if introduced:
            named.send(info_line(GREATER_ID))
        second = server.called()
        named.send(b"SUB foo  RSID:2:1\r\n")

        second.send(connect_line(GREATER_ID) + b"SUB foo  RSID:2:1\r\n")
        for peer in (named, second):
            peer.heard()
        server.connect(quiet=True).send(b"PUB foo 0\r\n\r\n")

        assert (b"MSG foo RSID:2:1 0\r\n\r\n", b"") == (named.heard(), second.heard())

    def test_another_name_in_the_introduction(
        self, server: RoutedBroker, named: VirtualPeer, events: RecordingEventLog
    ) -> None:
        """It is not the peer's, so nobody is registered, and nothing is passed on."""
        heard = named.ask(info_line("other") + PING)

        assert (PONG, {}) == (heard, server.cluster.remotes)
        assert ["Gossip ignored: the teller has not introduced itself"] == [
            event.text() for event in events.of(GossipIgnored)
        ]

    def test_it_is_registered_by_its_introduction(self, server: RoutedBroker, named: VirtualPeer) -> None:
        """The named peer then gets local interest, and the interest that it sent before is kept."""
        server.connect(quiet=True).send(b"SUB bar 1\r\n")
        named.send(b"SUB foo  RSID:2:1\r\n")
        before = named.heard()

        named.send(info_line(GREATER_ID))

        assert (b"", [GREATER_ID]) == (before, list(server.cluster.remotes))
        assert b"SUB bar  RSID:" in named.heard()
        assert 2 == server.subscriptions

    def test_nothing_remains_of_it(self, server: RoutedBroker, named: VirtualPeer) -> None:
        """Its interest goes with it."""
        named.send(b"SUB foo  RSID:2:1\r\n")

        named.leave()

        assert (0, {}) == (server.subscriptions, server.cluster.routes)


def test_pings_before_the_introduction(server: RoutedBroker) -> None:
    """A peer that pings before its INFO gets PONG, but is no route yet."""
    peer = server.called()
    peer.heard()

    assert PONG == peer.ask(b"PING\r\nPONG\r\n+OK\r\n")
    assert {} == server.cluster.remotes


def test_the_introduction_may_take_its_time(server: RoutedBroker, events: RecordingEventLog) -> None:
    """A peer that sends no INFO within 5 seconds is rejected, however often it pings."""
    peer = server.called()
    peer.heard()

    for _ in range(9):
        peer.send(PING)
        server.advance(0.5)
    early = peer.is_over
    server.advance(0.6)

    assert not early
    assert peer.heard().endswith(b"-ERR 'Authorization Timeout'\r\n")
    assert (True, 0) == (peer.is_over, server.clock.timers_outstanding)
    assert [SILENT] == [event.reason for event in events.of(RouteRefused)]


def test_whom_we_dial_may_be_silent(make_plane: MakePlane, events: RecordingEventLog) -> None:
    """A server that was dialled and says nothing is left; nobody speaks of logins, for it need not log in."""
    server = RoutedBroker(make_plane, ClusterSettings(routes=(RouteUrl("seed", 6222),)), events=events)
    server.cluster.solicit()
    peer = server.answered()
    peer.heard()

    server.advance(HANDSHAKE_SECONDS + 0.1)

    assert (b"", True) == (peer.heard(), peer.is_over)
    assert [SILENT] == [event.reason for event in events.of(RouteRefused)]
    assert [] == events.of(AuthorizationTimedOut)


@pytest.mark.parametrize("proto", [2, 3, 99])
def test_servers_of_nats_2_are_refused(server: RoutedBroker, events: RecordingEventLog, proto: int) -> None:
    """A peer with accounts in its routes is refused with one clear line, before anything is exchanged."""
    peer = server.called()
    peer.heard()

    heard = peer.introduce(GREATER_ID, proto=proto)

    assert (b"", True) == (heard, peer.wire.closed)
    reason = f"{GREATER_ID} speaks route protocol {proto}, of NATS 2; we speak that of gnatsd"
    assert [reason] == [event.reason for event in events.of(RouteRefused)]
    assert [] == events.of(ReadFailed)


@pytest.mark.parametrize("proto", [-1, 0, 1])
def test_servers_of_nats_1_are_welcome(server: RoutedBroker, proto: int) -> None:
    """Up to protocol 1 routes speak this language."""
    server.joined(GREATER_ID, proto=proto)

    assert [GREATER_ID] == list(server.cluster.remotes)


def test_info_again(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A peer may tell of itself again: it stays one route, and nothing is announced again."""
    server.connect(quiet=True).send(b"SUB foo 1\r\n")
    peer.heard()

    assert b"" == peer.introduce(GREATER_ID, version="0.9.6")
    assert [peer.session] == list(server.cluster.remotes.values())


def test_info_of_another(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A registered peer that sends INFO of another server keeps its own id."""
    peer.introduce(SMALLER_ID)

    assert {GREATER_ID: peer.session} == server.cluster.remotes


def test_connect_after_the_introduction_means_nothing(server: RoutedBroker) -> None:
    """Nobody shows credentials twice, and whom we dialled needs none."""
    peer = server.joined(GREATER_ID)

    assert b"" == peer.ask(connect_line("another", user="x"))
    assert {GREATER_ID: peer.session} == server.cluster.remotes


def test_no_route_through_the_client_port(server: RoutedBroker) -> None:
    """A client that talks like a server is a client, or refused."""
    client, other = server.connect(), server.connect()

    client.send(GREETING + b"SUB foo  RSID:1:1\r\n")
    client.heard()
    heard = client.ask(b"MSG foo RSID:1:1 5\r\n")

    assert {} == server.cluster.remotes
    assert (UNKNOWN, b"PONG\r\n") == (heard, other.ask(PING))


def test_a_route_in_the_words_of_the_log(server: RoutedBroker) -> None:
    """A route is named by rid where a client has its cid."""
    peer = server.called(ip="192.0.2.7")

    assert Link("rid", 1, f"192.0.2.7:{peer.wire.peer.port}") == peer.connection.link


def test_stages_of_a_route(server: RoutedBroker) -> None:
    """A peer comes further with CONNECT, with INFO, and with time; a CONNECT without a name is none."""
    peer = server.called()
    stages = [peer.session.stage]

    for line in (
        connect_line(GREATER_ID),
        b"CONNECT {}\r\n",
        connect_line(GREATER_ID),
        info_line(GREATER_ID),
    ):
        peer.send(line)
        stages.append(peer.session.stage)
    server.advance(SETTLE_SECONDS + SLACK)

    assert [Stage.UNNAMED, Stage.NAMED, Stage.UNNAMED, Stage.NAMED, Stage.REGISTERED] == stages
    assert Stage.UP is peer.session.stage
