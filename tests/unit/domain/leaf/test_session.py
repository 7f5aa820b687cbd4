"""What both ends of a leaf link share: interest, weights, the end (leaf-nodes.md, section 4)."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.leaf import session as module
from app.domain.leaf.events import LeafClosed
from app.domain.leaf.session import tag_of
from app.domain.protocol.compatibility import Compatibility
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import BrokerSetup
from tests.support.virtual_leaves import LeafBroker

PONG = b"PONG\r\n"


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> LeafBroker:
    return LeafBroker(make_plane)


def test_interest_comes_and_goes(server: LeafBroker) -> None:
    """A subject that is announced twice is there once; what is unknown may go."""
    peer, client = server.joined(), server.current()

    peer.send(b"LS+ a\r\nLS+ a\r\nLS- b\r\nLS- a q\r\n")
    client.send(b"PUB a 1\r\nx\r\n")
    first = peer.heard()
    peer.send(b"LS- a\r\nLS- a\r\n")
    client.send(b"PUB a 1\r\ny\r\n")

    assert (b"LMSG a 1\r\nx\r\n", b"") == (first, peer.heard())
    assert ({}, False) == (peer.session.subscriptions, peer.is_over)


def test_weights(server: LeafBroker) -> None:
    """A group is announced again when its weight changes, and drawn by that."""
    light, heavy, client = server.joined("a"), server.joined("b"), server.current()
    light.send(b"LS+ a q 1\r\n")
    heavy.send(b"LS+ a q 9\r\nLS+ a q 3\r\n")
    light.heard()

    client.send(400 * b"PUB a 1\r\nx\r\n")
    shares = light.heard().count(b"LMSG a | q 1\r\n"), heavy.heard().count(b"LMSG a | q 1\r\n")
    heavy.send(b"LS+ a q 1\r\nLS+ a q 1\r\nLS- a q\r\n")
    client.send(b"PUB a 1\r\nx\r\n")

    assert 400 == sum(shares)
    assert 270 < shares[1] < 330
    assert ({}, True) == (heavy.session.weights, light.heard().endswith(b"LMSG a | q 1\r\nx\r\n"))


def test_members_here_are_nearer(server: LeafBroker) -> None:
    """A member of this server gets all, as long as there is one."""
    peer, client, member = server.joined(), server.current(), server.current()
    peer.send(b"LS+ a q 100\r\n")
    member.send(b"SUB a q 1\r\n")
    peer.heard()

    client.send(100 * b"PUB a 1\r\nx\r\n")
    here = member.heard()
    member.leave()
    client.send(b"PUB a 1\r\nx\r\n")

    assert 100 * b"MSG a 1 1\r\nx\r\n" == here
    assert peer.heard().endswith(b"LMSG a | q 1\r\nx\r\n")


def test_all_groups_are_in_one_line(server: LeafBroker) -> None:
    """Two queue groups and a plain subscription at one link get one line."""
    peer, client = server.joined(), server.current()
    peer.send(b"LS+ a\r\nLS+ a g1 1\r\nLS+ a g2 1\r\nLS+ * g3 1\r\n")

    client.send(b"PUB a re 1\r\nx\r\n")

    line = peer.heard()
    words = line.split(b"\r\n")[0].split()
    assert (b"LMSG", b"a", b"+", b"re", {b"g1", b"g2", b"g3"}, b"1") == (
        *words[:4],
        set(words[4:-1]),
        words[-1],
    )
    assert 1 == line.count(b"LMSG")


def test_a_group_that_is_not_named_gets_nothing(server: LeafBroker) -> None:
    """The other end has drawn for those that are."""
    peer, client = server.joined(), server.current()
    client.send(b"SUB a g1 1\r\nSUB a g2 2\r\nSUB a 3\r\n")

    peer.send(b"LMSG a | g2 1\r\nx\r\nLMSG a 1\r\ny\r\n")

    assert b"MSG a 3 1\r\nx\r\nMSG a 2 1\r\nx\r\nMSG a 3 1\r\ny\r\n" == client.heard()


def test_a_request_that_nobody_hears(server: LeafBroker) -> None:
    """A subject at the other end counts as a responder; without one the requester learns so at once."""
    peer, client = server.joined(), server.current(no_responders=True)
    client.send(b"SUB re 1\r\n")
    peer.send(b"LS+ a\r\n")
    peer.heard()

    client.send(b"PUB a re 0\r\n\r\n")
    asked = (client.heard(), peer.heard())
    peer.send(b"LS- a\r\n")
    client.send(b"PUB a re 0\r\n\r\n")

    assert (b"", b"LMSG a re 0\r\n\r\n") == asked
    assert client.heard().startswith(b"HMSG re 1 ")


def test_headers_are_cut_where_nobody_takes_them(server: LeafBroker, make_plane: MakePlane) -> None:
    """A leaf node without them gets LMSG; a server of gnatsd's protocol gives and takes none."""
    peer, client = server.joined(headers=False), server.current()
    peer.send(b"LS+ a\r\n")
    client.send(b"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n")
    old = LeafBroker(make_plane, setup=BrokerSetup(compatibility=Compatibility.GNATSD))
    silent = old.called()

    assert b"LMSG a 2\r\nhi\r\n" == peer.heard()
    assert b'"headers"' not in silent.heard()
    assert not old.joined().connection.outbox.headers


def test_messages_between_two_leaf_nodes(server: LeafBroker) -> None:
    """They reach each other, never themselves, and no other server that calls its cluster alike."""
    one, two, akin = server.joined("1"), server.joined("2"), server.joined("3", cluster="1")
    for peer in (one, two, akin):
        peer.send(b"LS+ a\r\n")
    heard = [peer.heard() for peer in (one, two, akin)]

    one.send(b"LMSG a 1\r\nx\r\n")

    assert [b"LS+ a\r\n", b"LS+ a\r\n", b"LS+ a\r\n"] == heard
    assert [b"", b"LMSG a 1\r\nx\r\n", b""] == [peer.heard() for peer in (one, two, akin)]


def test_pings(server: LeafBroker) -> None:
    """Both ends ask soon after the start, and a link that does not answer ends."""
    peer = server.joined()

    server.advance(2.1)
    asked = peer.heard()
    peer.send(b"PONG\r\n")
    rtt = peer.connection.rtt
    server.advance(600.0)

    assert (b"PING\r\n", True) == (asked, rtt >= 0.0)
    assert peer.is_over
    assert peer.heard().endswith(b"-ERR 'Stale Connection'\r\n")


def test_too_much_interest(server: LeafBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """One subject more than is kept of a link ends it."""
    monkeypatch.setattr(module, "MOST_INTERESTS", 3)
    peer = server.joined()

    heard = peer.ask(b"LS+ a\r\nLS+ b\r\nLS+ c\r\nLS+ a\r\nPING\r\nLS+ d\r\n")
    server.advance(1.0)

    assert PONG + b"-ERR 'maximum subscriptions exceeded'\r\n" == heard
    assert (True, 0, 0) == (peer.is_over, len(server.leaves.interest), server.broker.subscriptions)


def test_what_a_link_announced_goes_with_it(server: LeafBroker) -> None:
    """Other links hear of the end of each subject, weights included."""
    peer, other = server.joined("a"), server.joined("b")
    peer.send(b"LS+ a\r\nLS+ b q 5\r\n")
    added = other.heard()

    peer.leave()

    assert (b"LS+ a\r\nLS+ b q 1\r\nLS+ b q 5\r\n", b"LS- a\r\nLS- b q\r\n") == (added, other.heard())
    assert ["closed by the other end"] == [event.reason for event in server.events.of(LeafClosed)]


def test_lines_are_traced(make_plane: MakePlane) -> None:
    """The log reads what is announced, and what comes."""
    events = RecordingEventLog(debug=True, trace=True)
    server = LeafBroker(make_plane, events=events)
    peer, client = server.joined(), server.current()

    client.send(b"SUB a 1\r\n")
    peer.send(b"LS+ b\r\nLS- b\r\nLMSG a x\r\n")

    texts = events.texts()
    for text in ("LS+ a", "LS+ b", "LS- b"):
        assert any(text in line for line in texts)
    assert any("processLeafMsgArgs Bad or Missing Size: 'a x'" in line for line in texts)


def test_clusters_differ_in_short() -> None:
    """Another name is another word, whatever characters it has."""
    tags = {tag_of(name) for name in ("", "a", "b", "a b\r\n", "\udcff")}

    assert 5 == len(tags)
    assert all(tag.isalnum() for tag in tags)
