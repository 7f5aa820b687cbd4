"""Leaf nodes that dial us: the handshake, what they may do, and what they may not (leaf-nodes.md)."""

import json

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.events import AuthorizationFailed, AuthorizationTimedOut, ReadFailed
from app.domain.leaf.events import LeafClosed, LeafCreated, LeafRefused, LeafReplaced
from app.domain.leaf.session import tag_of
from app.domain.leaf.settings import LeafListenerSettings
from app.domain.peer_kind import PeerKind
from app.domain.permissions.rules import Permissions, Responses, Rule, entry
from app.domain.security.credentials import Answer, Credentials, Identity
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_leaves import LISTENER, LeafBroker, LeafPeer, leaf_connect_line

PONG = b"PONG\r\n"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"


class Known:
    """Lets in everybody with the right password, with these permissions."""

    required = True

    def __init__(self, permissions: Permissions | None = None) -> None:
        self.permissions = permissions
        self.asked: list[Credentials] = []

    def check(self, credentials: Credentials, answer: Answer) -> None:
        """Answer at once."""
        self.asked.append(credentials)
        answer(Identity("u", permissions=self.permissions) if credentials.password == "p" else None)  # noqa: S105 - of the test


def info_of(data: bytes) -> dict[str, object]:
    """What the first INFO in there says."""
    line = data[data.index(b"INFO ") :].partition(b"\r\n")[0]
    document = json.loads(line.removeprefix(b"INFO "))
    assert isinstance(document, dict)
    return document


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> LeafBroker:
    return LeafBroker(make_plane)


def test_the_first_info(server: LeafBroker) -> None:
    """It has what leaf nodes of today insist on, and says nothing of compression."""
    peer = server.called()

    info = info_of(peer.heard())

    assert {
        "server_id": "NOWNIDNOWNIDNOWNIDNOWN",
        "server_name": "own",
        "version": "2.15.1",
        "proto": 3,
        "host": "10.0.0.1",
        "port": 7422,
        "headers": True,
        "auth_required": True,
        "max_payload": 1048576,
        "client_id": peer.connection.cid,
        "nonce": "a-nonce",
        "info_on_connect": True,
        "leafnode_urls": ["10.0.0.1:7422"],
    } == info


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
def test_the_handshake(server: LeafBroker, size: int | None) -> None:
    """CONNECT is answered by the second INFO and all interest; then messages go both ways."""
    client = server.current()
    client.send(b"SUB a 1\r\nSUB q g 2\r\n")
    peer = server.called()
    peer.heard()

    heard = peer.ask(leaf_connect_line() + b"LS+ b\r\nLMSG a 2\r\nok\r\nPING\r\n", size)
    client.send(b"PUB b 2\r\nho\r\n")

    info = info_of(heard)
    assert (True, "$G", False) == (info["connect_info"], info["remote_account"], "nonce" in info)
    assert heard.endswith(server.loop + b"LS+ a\r\nLS+ q g 1\r\n" + PONG)
    assert (b"MSG a 1 2\r\nok\r\n", b"LMSG b 2\r\nho\r\n") == (client.heard(), peer.heard())
    assert ("leaf", tag_of("leaf"), False, False) == (
        peer.session.name,
        peer.session.cluster_tag,
        peer.session.is_spoke,
        peer.session.solicited,
    )
    assert [False] == [event.solicited for event in server.events.of(LeafCreated)]


def test_credentials_are_judged(make_plane: MakePlane) -> None:
    """All that CONNECT has is shown to who knows, with the nonce of the link."""
    gatekeeper = Known()
    server = LeafBroker(make_plane, gatekeeper=gatekeeper)

    good, bad = server.called(), server.called()
    good.ask(leaf_connect_line(**{"user": "u", "pass": "p", "nkey": "N", "sig": "S", "jwt": "J"}))
    heard = bad.ask(leaf_connect_line(auth_token="t"))  # noqa: S106 - of the test

    assert [
        Credentials("u", "p", "", "N", "S", "J", "a-nonce", None, ConnectionType.LEAFNODE),
        Credentials("", "", "t", nonce="a-nonce", connection_type=ConnectionType.LEAFNODE),
    ] == gatekeeper.asked
    assert (True, "u", False) == (good.session.established, good.session.user, good.is_over)
    assert (True, True) == (heard.endswith(VIOLATION), bad.is_over)
    assert 1 == len(server.events.of(AuthorizationFailed))


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize(
    "line", [b"PING\r\n", b"LS+ a\r\n", b"LMSG a 1\r\nx\r\n", b"INFO {}\r\n", b"PUB a 1\r\n"]
)
def test_nothing_comes_before_connect(server: LeafBroker, line: bytes, size: int | None) -> None:
    """Whatever else it is, the link ends, and nothing was done."""
    peer = server.called()
    peer.heard()

    assert (VIOLATION, True) == (peer.ask(line, size), peer.is_over)
    assert 0 == len(server.leaves.interest)


def test_a_login_takes_time(make_plane: MakePlane) -> None:
    """What follows CONNECT waits for the verdict, and one that is being made is waited for."""
    gatekeeper = ManualAuthenticator()
    server = LeafBroker(make_plane, gatekeeper=gatekeeper)
    first, second = server.called(), server.called()
    for peer, name in ((first, "a"), (second, "b")):
        peer.send(leaf_connect_line(name) + b"LS+ a\r\nPING\r\n")

    gatekeeper.at_work = True
    server.advance(6.0)
    gatekeeper.admit("u")
    gatekeeper.refuse()
    server.settle()

    assert (True, False) == (first.heard().endswith(PONG), first.is_over)
    assert (True, True) == (second.heard().endswith(VIOLATION), second.is_over)


def test_a_verdict_that_does_not_come(make_plane: MakePlane) -> None:
    """One whose turn does not come in time ends the link, and is withdrawn."""
    gatekeeper = ManualAuthenticator()
    events = RecordingEventLog(debug=True, trace=False)
    server = LeafBroker(make_plane, gatekeeper=gatekeeper, events=events)
    peer = server.called()
    peer.send(leaf_connect_line())

    server.advance(4.9)
    early = peer.is_over
    server.advance(0.3)

    assert (False, True, 1) == (early, peer.is_over, gatekeeper.cancelled)
    assert peer.heard().endswith(b"-ERR 'Authentication Timeout'\r\n")
    assert 1 == len(server.events.of(AuthorizationTimedOut))


def test_a_leaf_node_that_says_nothing(server: LeafBroker) -> None:
    """It has two seconds for its CONNECT."""
    peer = server.called()
    peer.heard()

    server.advance(1.8)
    early = peer.is_over
    server.advance(0.4)

    assert (False, b"-ERR 'Authentication Timeout'\r\n", True) == (early, peer.heard(), peer.is_over)


def test_a_client_is_turned_away(server: LeafBroker) -> None:
    """One that names a language has come to the wrong port."""
    peer = server.called()
    peer.heard()

    assert b"-ERR 'attempted to connect to leaf node port'\r\n" == peer.ask(leaf_connect_line(lang="go"))
    assert peer.is_over


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("2.10.0", True), ("2.9.21", False), ("", False), ("v2.11.0-beta", True), ("3", True), ("x.y", False)],
)
def test_a_minimum_version(make_plane: MakePlane, version: str, *, accepted: bool) -> None:
    """Older ones, and those that name none, are refused."""
    listener = LeafListenerSettings(LISTENER.host, LISTENER.port, min_version="2.10.0")
    server = LeafBroker(make_plane, needs={"listener": listener})
    peer = server.called()
    peer.heard()

    heard = peer.ask(leaf_connect_line(version=version))

    assert accepted is not peer.is_over
    assert accepted is not (b'minimum version required is "2.10.0"\'' in heard)


def test_another_server_of_our_cluster(make_plane: MakePlane) -> None:
    """It has a route, and needs no link; a server without a cluster has none to compare."""
    server = LeafBroker(make_plane, needs={"cluster": "A"})
    akin, other = server.called(), server.called()
    akin.heard()

    assert b"-ERR 'remote leafnode has same cluster name'\r\n" == akin.ask(leaf_connect_line(cluster="A"))
    other.ask(leaf_connect_line(cluster="B"))
    assert (True, False) == (akin.is_over, other.is_over)


def test_a_second_connect_means_nothing(server: LeafBroker) -> None:
    """Who somebody is does not change, and INFO of a leaf node says nothing."""
    peer = server.joined()

    assert PONG == peer.ask(leaf_connect_line("another") + b"INFO {}\r\n+OK\r\nPONG\r\nPING\r\n")
    assert "leaf" == peer.session.name


MALFORMED = [
    b"SUB a 1\r\n",
    b"UNSUB 1\r\n",
    b"PUB a 1\r\nx\r\n",
    b"MSG a s 1\r\nx\r\n",
    b"XYZ\r\n",
    b"LS+\r\n",
    b"LS+ a b\r\n",
    b"LS+ a b 1 2\r\n",
    b"LS- a b c\r\n",
    b"LMSG a x\r\n",
    b"LMSG a\r\n",
    b"HMSG a 3 2\r\n",
    b"LMSG a 2\r\nokxx\r\n",
    b"INFO [\r\n",
]


@pytest.mark.parametrize("size", [None, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("line", MALFORMED, ids=[repr(line[:12]) for line in MALFORMED])
def test_what_cannot_be_understood_ends_the_link(server: LeafBroker, line: bytes, size: int | None) -> None:
    """Nothing is said of it, but in the log."""
    peer = server.joined()

    assert (b"", True) == (peer.ask(line, size), peer.is_over)
    assert 1 == len(server.events.of(ReadFailed))
    assert 1 == len(server.events.of(LeafClosed))


def test_limits_hold(server: LeafBroker) -> None:
    """A message that is too large is named, as is a line without an end."""
    large, long, endless = server.joined("a"), server.joined("b"), server.joined("c")

    assert b"-ERR 'Maximum Payload Violation'\r\n" == large.ask(b"LMSG a 1048577\r\n")
    assert b"-ERR 'maximum control line exceeded'\r\n" == long.ask(b"LS+ " + 70_000 * b"a" + b"\r\n")
    assert b"-ERR 'maximum control line exceeded'\r\n" == endless.ask(b"INFO " + 70_000 * b"a")
    assert [True, True, True] == [peer.is_over for peer in (large, long, endless)]


def test_a_subject_that_is_none(server: LeafBroker) -> None:
    """It is refused, and the link stays."""
    peer = server.joined()

    assert b"-ERR 'Invalid Subscription'\r\n" + PONG == peer.ask(b"LS+ a..b\r\nPING\r\n")
    assert (False, {}) == (peer.is_over, peer.session.subscriptions)


PERMISSIONS = Permissions(
    publish=Rule((entry("in.>"),)), subscribe=Rule((entry("out.>"),), (entry("out.no"),))
)


def limited(make_plane: MakePlane) -> tuple[LeafBroker, LeafPeer, bytes]:
    """A leaf node with permissions, and what it heard when it came in."""
    server = LeafBroker(make_plane, gatekeeper=Known(PERMISSIONS))
    peer = server.called()
    peer.heard()
    return server, peer, peer.ask(leaf_connect_line(**{"user": "u", "pass": "p"}))


def test_permissions_are_named(make_plane: MakePlane) -> None:
    """The second INFO has what the leaf node may receive and send."""
    _, _, heard = limited(make_plane)

    info = info_of(heard)

    assert {"allow": ["out.>"], "deny": ["out.no"]} == info["import"]
    assert {"allow": ["in.>"]} == info["export"]


def test_permissions_are_kept(make_plane: MakePlane) -> None:
    """It hears of what it may publish, gets what it may receive, and publishes what it may."""
    server, peer, _ = limited(make_plane)
    client = server.current()
    client.send(b"SUB in.a 1\r\nSUB zz.a 2\r\n")

    announced = peer.heard()
    peer.send(b"LS+ >\r\nLMSG in.a 2\r\nok\r\n")
    client.send(b"PUB out.a 1\r\nx\r\nPUB out.no 1\r\nx\r\nPUB in.b 1\r\nx\r\n")

    assert b"LS+ in.a\r\n" == announced
    assert (b"MSG in.a 1 2\r\nok\r\n", b"LMSG out.a 1\r\nx\r\n") == (client.heard(), peer.heard())


def test_loops_are_found_whatever_a_leaf_node_may(make_plane: MakePlane) -> None:
    """Subjects by which loops are found pass in both directions, as with nats-server."""
    server, peer, _ = limited(make_plane)
    other = server.joined("other", **{"user": "u", "pass": "p"})
    other.send(b"LS+ $LDS.abc\r\n")

    assert b"LS+ $LDS.abc\r\n" == peer.heard()
    assert (b"", False) == (peer.ask(b"LS+ $LDS.xyz\r\n"), peer.is_over)


def answering(make_plane: MakePlane, *allowed: str, most: int = 1) -> tuple[LeafBroker, LeafPeer]:
    """A leaf node that may answer requests, and publish this, and listens to everything."""
    rights = Permissions(
        publish=Rule(tuple(map(entry, allowed))), responses=Responses(most=most, seconds=2.0)
    )
    server = LeafBroker(make_plane, gatekeeper=Known(rights))
    peer = server.called()
    peer.ask(leaf_connect_line(**{"user": "u", "pass": "p"}))
    peer.ask(b"LS+ ask\r\nLS+ ask q 1\r\n")
    return server, peer


REQUESTS = {
    "a request": b"PUB ask box.1 1\r\n?\r\n",
    "with headers": b"HPUB ask box.1 12 13\r\nNATS/1.0\r\n\r\n?\r\n",
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_leaf_node_that_may_answer(make_plane: MakePlane, request_: bytes) -> None:
    """It hears of each inbox, publishes the answer, and no second one."""
    server, peer = answering(make_plane)
    client = server.current()
    client.send(b"SUB box.1 1\r\n" + request_)

    asked = peer.heard()
    peer.send(b"LMSG box.1 1\r\n!\r\n")
    answered = client.heard()
    peer.send(b"LMSG box.1 1\r\n!\r\n")

    assert (True, True) == (b"LS+ box.1\r\n" in asked, b"MSG ask + box.1 q " in asked)
    assert b"MSG box.1 1 1\r\n!\r\n" == answered
    assert b'Permissions Violation for Publish to "box.1"' in peer.heard()
    assert peer.is_over


def test_answers_besides_what_a_leaf_node_may_publish(make_plane: MakePlane) -> None:
    """Both count; an answer comes in time, a message without a reply subject opens nothing."""
    server, peer = answering(make_plane, "in.>", most=2)
    client = server.current()
    client.send(b"SUB > 1\r\nPUB ask box.1 1\r\n?\r\nPUB ask 1\r\n?\r\n")
    client.heard()

    peer.send(b"LMSG in.a 1\r\n1\r\nLMSG box.1 1\r\n2\r\nLMSG box.1 1\r\n3\r\n")
    answered = client.heard()
    client.send(b"PUB ask box.1 1\r\n?\r\n")
    server.advance(3.0)
    peer.send(b"LMSG box.1 1\r\n4\r\n")

    assert b"MSG in.a 1 1\r\n1\r\nMSG box.1 1 1\r\n2\r\nMSG box.1 1 1\r\n3\r\n" == answered
    assert peer.is_over


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"LMSG zz.a 1\r\nx\r\n", b"-ERR 'Permissions Violation for Publish to \"zz.a\"'\r\n"),
        (b"LS+ other\r\n", b"-ERR 'Permissions Violation for Subscription to \"other\"'\r\n"),
        (b"LS+ out.no q 1\r\n", b"-ERR 'Permissions Violation for Subscription to \"out.no\"'\r\n"),
    ],
)
def test_a_leaf_node_outside_of_its_permissions(make_plane: MakePlane, line: bytes, text: bytes) -> None:
    """Its link ends, as it should have known."""
    server, peer, _ = limited(make_plane)

    assert (text, True) == (peer.ask(line), peer.is_over)
    assert 1 == len(server.events.of(LeafRefused))


def test_what_a_leaf_node_does_not_want(server: LeafBroker) -> None:
    """Its `deny_pub` is what we need not send."""
    peer = server.joined(deny_pub=["no.>"])
    client = server.current()
    peer.send(b"LS+ >\r\n")

    client.send(b"PUB no.a 1\r\nx\r\nPUB yes 1\r\nx\r\n")

    assert b"LMSG yes 1\r\nx\r\n" == peer.heard()


def test_a_leaf_node_that_takes_the_part_of_the_hub(server: LeafBroker) -> None:
    """Then we announce as leaf nodes do, and what it sends goes to our own alone."""
    spoke = server.joined("spoke")
    hub = server.joined("hub", is_hub=True)
    other = server.joined("other", is_hub=True)
    spoke.heard()

    hub.send(b"LS+ up\r\nLMSG down 1\r\nx\r\n")
    spoke.send(b"LS+ a\r\n")
    other.send(b"LS+ o\r\n")

    assert (PeerKind.HUB, True, True) == (
        hub.session.kind,
        hub.session.is_spoke,
        spoke.session.announces(b"a"),
    )
    assert (b"LS+ a\r\n", b"LS+ a\r\n") == (hub.heard(), other.heard())
    assert b"LS+ up\r\nLS+ o\r\n" == spoke.heard()


def test_a_server_that_comes_in_again(server: LeafBroker) -> None:
    """Its first link ends; one with another name, or for another account, stays."""
    first, other, foreign = server.joined("x"), server.joined("y"), server.joined("x", remote_account="B")

    server.joined("x")

    assert b"-ERR 'Duplicate Remote LeafNode Connection'\r\n" == first.heard()
    assert [True, False, False] == [peer.is_over for peer in (first, other, foreign)]
    assert ["x"] == [event.name for event in server.events.of(LeafReplaced)]


def test_a_loop(server: LeafBroker) -> None:
    """What we have announced comes back over a link: it ends."""
    peer = server.joined()

    heard = peer.ask(server.loop)

    assert (
        b"-ERR 'Loop detected for leafnode account=\"$G\". Delaying attempt to reconnect for 30s'\r\n"
        == heard
    )
    assert peer.is_over
