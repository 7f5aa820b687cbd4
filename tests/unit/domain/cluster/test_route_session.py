"""The conversation over one route: subscriptions, messages, and what ends it."""

import gc
import weakref

import pytest

from app.domain.cluster.events import RouteErrorReceived
from app.domain.dataplane.reach import Naming
from app.domain.dataplane.seam import MakePlane
from app.domain.events import ReadFailed
from app.domain.limits import Limits
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_cluster import (
    GREATER_ID,
    OWN_ID,
    SMALLER_ID,
    RoutedBroker,
    RoutedBrokerOfToday,
    VirtualPeer,
    connect_line,
    info_line,
)

OWN_INFO = (
    b'INFO {"server_id":"MMMMMMMMMMMMMMMMMMMMMM","version":"0.8.0","go":"","host":"10.0.0.1","port":6222,'
    b'"auth_required":false,"ssl_required":false,"tls_required":false,"tls_verify":false,'
    b'"max_payload":1048576}\r\n'
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

GREETING = connect_line(GREATER_ID) + info_line(GREATER_ID)
LINE_LIMIT = 64 * 1024

REFUSED = {
    "a negative size": (b"MSG foo RSID:1:1 -5\r\n", PARSER),
    "no number": (b"MSG foo RSID:1:1 abc\r\n", PARSER),
    "a huge size": (b"MSG foo RSID:1:1 99999999999\r\n", TOO_LARGE),
    "2 to the 64th and 5": (b"MSG foo RSID:1:1 18446744073709551621\r\nhello\r\n", TOO_LARGE),
    "4,000 digits": (b"MSG foo RSID:1:1 %b\r\n" % (4000 * b"9"), PARSER),
    "one word": (b"MSG foo\r\n", PARSER),
    "two words": (b"MSG foo 5\r\nhello\r\n", PARSER),
    "five words": (b"MSG foo RSID:1:1 re x 5\r\nhello\r\n", PARSER),
    "no line end after it": (b"MSG foo RSID:1:1 5\r\nhello world\r\n", UNKNOWN),
    "PUB of a negative size": (b"PUB foo -5\r\n", PARSER),
    "SUB of one word": (b"SUB foo\r\n", PARSER),
    "SUB of four words": (b"SUB foo q RSID:1:1 x\r\n", PARSER),
    "UNSUB of nothing": (b"UNSUB\r\n", UNKNOWN),
    "UNSUB of three words": (b"UNSUB RSID:1:1 1 1\r\n", PARSER),
    "the interest of NATS 2": (b"RS+ $G foo\r\n", UNKNOWN),
    "a message of NATS 2": (b"RMSG $G foo 5\r\nhello\r\n", UNKNOWN),
    "MSG without a blank": (b"MSGX foo RSID:1:1 5\r\n", UNKNOWN),
    "broken INFO": (b'INFO {"server_id":"X"\r\n', PARSER),
    "broken CONNECT": (b"CONNECT {\r\n", PARSER),
    "a SUB without end": (b"SUB foo " + 100_000 * b"x", TOO_LONG),
    "a MSG without end": (b"MSG foo " + 100_000 * b"x", TOO_LONG),
    "a MSG with tabs and without end": (b"MSG\tfoo " + 100_000 * b"x", TOO_LONG),
    "a PUB without end": (b"pub foo " + 100_000 * b"x", TOO_LONG),
    "a long MSG": (b"MSG foo %b 5\r\nhello\r\n" % (100_000 * b"x"), TOO_LONG),
}


@pytest.fixture(name="peer")
def _peer(server: RoutedBroker) -> VirtualPeer:
    """A registered peer that dialled us."""
    return server.joined(GREATER_ID)


# --- interest of the peer --------------------------------------------------------------


def test_subscriptions_of_a_peer(server: RoutedBroker, peer: VirtualPeer) -> None:
    """Messages of local clients go to the peer under its own sids, until it takes its interest back."""
    client = server.connect(quiet=True)

    peer.send(b"SUB foo  RSID:3:1\r\nSUB foo.* grp QRSID:3:3\r\n")
    client.send(b"PUB foo 5\r\nhello\r\nPUB foo re 5\r\nhello\r\nPUB foo.x 2\r\nqq\r\n")
    during = peer.heard()
    peer.send(b"UNSUB RSID:3:1\r\nUNSUB QRSID:3:3\r\n")
    client.send(b"PUB foo 5\r\nhello\r\nPUB foo.x 2\r\nqq\r\n")

    assert (
        b"MSG foo RSID:3:1 5\r\nhello\r\nMSG foo RSID:3:1 re 5\r\nhello\r\nMSG foo.x QRSID:3:3 2\r\nqq\r\n"
    ) == during
    assert (b"", 0) == (peer.heard(), server.subscriptions)


def test_a_sid_in_use_keeps_its_subject(server: RoutedBroker, peer: VirtualPeer) -> None:
    """The second SUB of a peer with one sid has no effect."""
    client = server.connect(quiet=True)

    peer.send(b"SUB foo  RSID:3:1\r\nSUB bar  RSID:3:1\r\n")
    client.send(b"PUB bar 0\r\n\r\nPUB foo 0\r\n\r\n")

    assert b"MSG foo RSID:3:1 0\r\n\r\n" == peer.heard()


@pytest.mark.parametrize(
    "sid", [b"1", b"RSID", b"RSID:", b"QRSID:x:y", b"RSID:1:1:1", b"\xff\x00", 999 * b"s"]
)
def test_any_word_may_be_a_sid(server: RoutedBroker, peer: VirtualPeer, sid: bytes) -> None:
    """A sid is the peer's own affair: it comes back as it was."""
    client = server.connect(quiet=True)

    peer.send(b"SUB foo  %b\r\n" % sid)
    client.send(b"PUB foo 0\r\n\r\n")

    assert b"MSG foo %b 0\r\n\r\n" % sid == peer.heard()


@pytest.mark.parametrize("limit", [b"", b" 5", b" x", b" -1"])
def test_unsubscribing_what_is_unknown(peer: VirtualPeer, limit: bytes) -> None:
    """UNSUB of an unknown sid is no error."""
    assert PONG == peer.ask(b"UNSUB RSID:77:1%b\r\nPING\r\n" % limit)


@pytest.mark.parametrize("subject", [b"foo..bar", b".", b"foo.", b"foo.>.bar"])
def test_invalid_subjects(server: RoutedBroker, peer: VirtualPeer, subject: bytes) -> None:
    """A subject that is none is refused; the route stays, and the sid is free."""
    assert INVALID + PONG == peer.ask(b"SUB %b  RSID:1:1\r\nPING\r\n" % subject)
    assert (0, False) == (server.subscriptions, peer.is_over)


def test_a_malformed_subject_fills_no_log(peer: VirtualPeer, events: RecordingEventLog) -> None:
    """A peer that stays may send malformed subjects for ever, so they cost no line of the log each."""
    peer.ask(b"SUB foo.  RSID:1:1\r\n" * 100)

    assert [] == events.of(ReadFailed)


def test_an_unsubscribe_with_a_limit(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A limit across servers: two messages were sent, three are wanted, so one more goes out."""
    client = server.connect(quiet=True)
    publish = b"PUB foo 5\r\nhello\r\n"
    peer.send(b"SUB foo  RSID:3:2\r\n")
    client.send(2 * publish)
    peer.heard()

    peer.send(b"UNSUB RSID:3:2 3\r\n")
    client.send(publish)
    heard = peer.heard()
    client.send(publish)
    peer.send(b"UNSUB RSID:3:2\r\n")
    client.send(publish)

    assert b"MSG foo RSID:3:2 5\r\nhello\r\n" == heard
    assert (b"", 0, {}) == (peer.heard(), server.subscriptions, peer.session.subscriptions)


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_limit_that_is_reached_already(server: RoutedBroker, peer: VirtualPeer, limit: int) -> None:
    """A peer that wants no more than it has had gets no more."""
    client = server.connect(quiet=True)
    peer.send(b"SUB foo  RSID:3:2\r\n")
    client.send(2 * b"PUB foo 0\r\n\r\n")

    peer.send(b"UNSUB RSID:3:2 %d\r\n" % limit)

    assert 0 == server.subscriptions


def test_the_interest_of_a_lost_peer(server: RoutedBroker, peer: VirtualPeer) -> None:
    """With the route all that its clients listened to is gone, and members of groups are not drawn."""
    local = server.connect(quiet=True)
    local.send(b"SUB foo grp 1\r\n")
    peer.send(b"SUB foo  RSID:3:1\r\nSUB foo grp QRSID:3:2\r\nSUB foo grp QRSID:3:3\r\n")
    known = server.subscriptions

    peer.leave()
    local.send(20 * b"PUB foo 0\r\n\r\n")

    assert (4, 1) == (known, server.subscriptions)
    assert 20 * b"MSG foo 1 0\r\n\r\n" == local.heard()


# --- messages of the peer --------------------------------------------------------------


def test_messages_of_every_sid(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A plain message goes to all local plain listeners, whatever sid it bears, known or not."""
    client = server.connect(quiet=True)
    client.send(b"SUB foo 1\r\nSUB foo 2\r\nSUB foo grp 3\r\n")

    for sid in (b"RSID:2:1", b"RSID:77:1", b"RSID:x", b"7", b"RSID::"):
        peer.send(b"MSG foo %b re 2\r\nok\r\n" % sid)

        assert b"MSG foo 1 re 2\r\nok\r\nMSG foo 2 re 2\r\nok\r\n" == client.heard()


def test_messages_for_a_member(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A message for a member goes to that one alone."""
    first, second = server.connect(quiet=True), server.connect(quiet=True)
    for client in (first, second):
        client.send(b"SUB foo grp 1\r\nSUB foo 2\r\n")
    sid = b"QRSID:%d:1" % second.connection.cid

    peer.send(2 * (b"MSG foo %b 2\r\nok\r\n" % sid))

    assert (b"", 2 * b"MSG foo 1 2\r\nok\r\n") == (first.heard(), second.heard())


def test_a_message_for_a_plain_subscription(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A sid may name a plain subscription: it alone gets the message, whatever its subject is."""
    client = server.connect(quiet=True)
    client.send(b"SUB inbox 1\r\nSUB inbox 2\r\n")
    peer.heard()
    message = b"MSG stored.x QRSID:2:2 2\r\nok\r\n"

    peer.ask(message)
    once = client.heard()
    client.send(b"UNSUB 2\r\n")
    peer.ask(message)
    gone = client.heard()
    client.send(b"SUB other 2\r\n")
    peer.ask(message)

    assert (once, gone, client.heard()) == (b"MSG stored.x 2 2\r\nok\r\n", b"", b"MSG stored.x 2 2\r\nok\r\n")


@pytest.mark.parametrize(
    "sid",
    [
        b"QRSID:2:9",
        b"QRSID:9:1",
        b"QRSID:1:1",
        b"QRSID:-2:1",
        b"QRSID:2",
        b"QRSID:",
        b"QRSID::",
        b"QRSID:x:1",
        b"QRSID:%b:1" % (4000 * b"9"),
        b"QRSID:\xd9\xa2:1",
    ],
)
def test_messages_for_nobody(server: RoutedBroker, peer: VirtualPeer, sid: bytes) -> None:
    """A sid of a group that names no member here, or one that is none, delivers nothing and harms nobody."""
    client = server.connect(quiet=True)
    client.send(b"SUB foo grp 1\r\nSUB foo 2\r\n")
    assert 2 == client.connection.cid
    peer.heard()

    heard = peer.ask(b"MSG foo %b 2\r\nok\r\nPING\r\n" % sid)

    assert (b"", PONG) == (client.heard(), heard)


def test_messages_for_a_member_that_left(server: RoutedBroker, peer: VirtualPeer) -> None:
    """What was on its way to the last member of a group is lost; one that has its sid since gets its own."""
    client = server.connect(quiet=True)
    message = b"MSG foo QRSID:%d:1 2\r\nok\r\n" % client.connection.cid
    client.send(b"SUB foo grp 1\r\n")
    peer.send(message)
    client.send(b"UNSUB 1\r\n")
    peer.send(message)
    client.send(b"SUB bar grp 1\r\n")
    peer.send(message + message.replace(b"foo", b"bar"))

    assert b"MSG foo 1 2\r\nok\r\nMSG bar 1 2\r\nok\r\n" == client.heard()


def test_one_hop(server: RoutedBroker, peer: VirtualPeer) -> None:
    """What came over a route, as MSG or as PUB, goes to local clients and to no other server."""
    other = server.joined(SMALLER_ID)
    client = server.connect(quiet=True)
    client.send(b"SUB foo 1\r\n")
    other.send(b"SUB foo  RSID:1:1\r\nSUB foo q QRSID:1:2\r\n")
    peer.send(b"SUB foo  RSID:1:1\r\nSUB foo q QRSID:1:2\r\n")
    other.heard()
    peer.heard()

    peer.send(b"MSG foo RSID:1:1 2\r\nok\r\nPUB foo 2\r\nme\r\nMSG foo QRSID:1:2 2\r\nno\r\n")

    assert b"MSG foo 1 2\r\nok\r\nMSG foo 1 2\r\nme\r\n" == client.heard()
    assert (b"", b"") == (other.heard(), peer.heard())


def test_no_acknowledgement_for_a_peer(server: RoutedBroker) -> None:
    """A route is never verbose nor pedantic, whatever its CONNECT says."""
    peer = server.called()
    peer.send(connect_line(GREATER_ID, verbose=True, pedantic=True) + info_line(GREATER_ID))
    peer.heard()

    assert b"" == peer.ask(
        b"SUB foo  RSID:1:1\r\nUNSUB RSID:1:1\r\nPUB a.* 0\r\n\r\nMSG a.* RSID:1:1 0\r\n\r\n"
    )


def test_large_messages(make_plane: MakePlane) -> None:
    """A peer may pass on what its own clients may publish, though ours may not."""
    server = RoutedBroker(make_plane, limits=Limits(max_payload=10))
    client = server.connect(quiet=True)
    client.send(b"SUB foo 1\r\n")
    peer = server.joined(GREATER_ID)

    peer.send(b"MSG foo RSID:1:1 11\r\nhello world\r\n")

    assert b"MSG foo 1 11\r\nhello world\r\n" == client.heard()


# --- what ends a route -------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 7], ids=["whole", "by sevens"])
@pytest.mark.parametrize(("sent", "heard"), REFUSED.values(), ids=REFUSED.keys())
def test_what_ends_a_route(
    server: RoutedBroker, events: RecordingEventLog, sent: bytes, heard: bytes, size: int | None
) -> None:
    """What no server sends ends the route, with a reason for both sides; clients are served on."""
    client = server.connect(quiet=True)
    client.send(b"SUB > 1\r\n")
    peer = server.joined(GREATER_ID)

    answer = peer.ask(sent, size)

    assert (heard, True, b"", PONG) == (answer, peer.wire.closed, client.heard(), client.ask(PING))
    assert [peer.connection.link] == [event.link for event in events.of(ReadFailed)]


def test_the_log_names_a_router(server: RoutedBroker, events: RecordingEventLog) -> None:
    """An unknown operation of a server is logged in gnatsd's words, as one of a router."""
    peer = server.joined(GREATER_ID)

    peer.ask(b"ZZ\r\n")

    logged = "Error reading from client: Router Parser ERROR, state=0, i=0: proto='\"ZZ\\r\"...'"
    assert [logged] == [event.text() for event in events.of(ReadFailed)]


@pytest.mark.parametrize("size", [None, 13], ids=["whole", "by thirteens"])
@pytest.mark.parametrize("verb", [b"MSG ", b"PUB ", b"SUB "])
def test_the_longest_line(server: RoutedBroker, peer: VirtualPeer, verb: bytes, size: int | None) -> None:
    """A line of just the limit passes however it is cut, and one byte more does not."""
    rest = b" s 0\r\n\r\n" if verb == b"MSG " else b" 0\r\n\r\n" if verb == b"PUB " else b" s\r\n"
    longest = verb + (LINE_LIMIT - rest.index(b"\r")) * b"x" + rest

    passes = peer.ask(longest + PING, size)
    refused = server.joined(SMALLER_ID).ask(longest.replace(b"xx", b"xxx", 1), size)

    assert (PONG, TOO_LONG) == (passes, refused)


def test_the_peer_gives_up(server: RoutedBroker, events: RecordingEventLog, peer: VirtualPeer) -> None:
    """A peer that says -ERR is quoted in the log, and left."""
    heard = peer.ask(b"-ERR 'Authorization Violation'\r\nSUB foo  RSID:1:1\r\n")

    assert (b"", True) == (heard, peer.wire.closed)
    assert ["Route Error 'Authorization Violation'"] == [e.text() for e in events.of(RouteErrorReceived)]
    assert 0 == server.subscriptions


def test_a_peer_may_ping_and_acknowledge(peer: VirtualPeer) -> None:
    """PING is answered; +OK and stray PONG mean nothing."""
    assert 3 * PONG == peer.ask(b"PING\r\n+OK\r\nPONG\r\nping\r\nPiNg \r\n")


def test_own_id_is_passed_on_to_nobody(server: RoutedBroker, peer: VirtualPeer) -> None:
    """A server ignores INFO of itself."""
    assert b"" == peer.introduce(OWN_ID, ip="nats-route://192.0.2.9:6222/")
    assert [] == server.dialer.news()


@pytest.mark.parametrize("ending", ["lost", "refused", "duplicate"])
def test_nothing_remains_of_a_lost_route(server: RoutedBroker, ending: str) -> None:
    """The memory of a lost route is freed without the garbage collector, whatever the peer sent before."""
    first = server.joined(GREATER_ID) if ending == "duplicate" else None
    peer = server.called()
    peer.send(info_line(GREATER_ID) + b"SUB foo  RSID:1:1\r\nSUB foo.> q QRSID:1:2\r\n")
    server.connect(quiet=True).send(b"PUB foo.bar 0\r\n\r\nPUB foo 0\r\n\r\n")
    wire = weakref.ref(peer.wire)

    gc.disable()
    try:
        if ending == "refused":
            peer.send(b"x\r\n")
        peer.wire.lose()
        server.clients.remove(peer)
        del peer
        server.advance(1.0)
        remaining = wire()
    finally:
        gc.enable()

    assert remaining is None
    assert first is None or not first.is_over


# --- tracing -------------------------------------------------------------------------------


def test_tracing(make_plane: MakePlane) -> None:
    """Each line of a peer is logged as it came, with the payload of a message, and each line to it."""
    events = RecordingEventLog()
    server = RoutedBroker(make_plane, events=events)
    peer, client = server.joined(GREATER_ID), server.connect(quiet=True)
    peer.send(b"SUB foo  RSID:1:1\r\n")
    events.events.clear()

    peer.send(b"msg bar RSID:2:1 re 2\r\nok\r\nPING\r\nUNSUB RSID:9:9\r\n")
    client.send(b"PUB foo 2\r\nok\r\n")

    assert [
        "->> [MSG bar RSID:2:1 re 2]",
        "->> MSG_PAYLOAD: [ok]",
        "->> [PING]",
        "<<- [PONG]",
        "->> [UNSUB RSID:9:9]",
        "<<- [MSG foo RSID:1:1 2]",
    ] == [event.text() for event in events.events if event.link == peer.connection.link]


@pytest.mark.parametrize("headers", [True, False])
def test_which_subscriptions_messages_may_name(make_plane: MakePlane, headers: bool) -> None:  # noqa: FBT001 - a case
    """To a server that takes headers a message may name any subscription, to others a queue member only."""
    peer = RoutedBrokerOfToday(make_plane).joined(GREATER_ID, headers=headers)

    assert (Naming.ALL if headers else Naming.MEMBERS) == peer.connection.outbox.naming
