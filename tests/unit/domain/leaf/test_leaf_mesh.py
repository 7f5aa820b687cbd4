"""A hub in a mesh: what other servers of its cluster hear of leaf nodes, and of their messages (ADR 0054)."""

import json
from dataclasses import replace

import pytest

from app.adapters.auth.authenticators import AllowAll
from app.domain.broker_needs import Membership
from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.gate import HookTerms
from app.domain.hooks.hook_event import HookPoint
from app.domain.interest import routing
from app.domain.leaf.session import tag_of
from app.domain.protocol.compatibility import Compatibility
from app.domain.sessions.greeting import UPDATE_SECONDS
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.hook_caller import FakeHookCaller, terms
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, SETTINGS, info_line
from tests.support.virtual_leaves import LISTENER, OWN_ID, LeafBroker, LeafPeer

TAG = tag_of("x")
"""The cluster of the leaf nodes here."""


class Hub(LeafBroker):
    """A server of a mesh with another one, which is in the hands of the test."""

    def __init__(self, make_plane: MakePlane, hooks: tuple[HookTerms, FakeHookCaller] | None = None) -> None:
        own = replace(INFO, server_id=OWN_ID, server_name="own")
        membership = Membership(SETTINGS, AllowAll(), ScriptedDialer())
        setup = BrokerSetup(own, membership, compatibility=Compatibility.CURRENT, hooks=hooks)
        super().__init__(make_plane, setup=setup, needs={"cluster": "hubs"})
        wire = self.wire()
        self.route = VirtualClient(self, self.drive(wire, self.broker.accept_route), wire)
        self.clients.append(self.route)
        self.route.ask(info_line(GREATER_ID, sends_on=True, headers=True))

    def leaf(self, name: str = "leaf", cluster: str = "x") -> LeafPeer:
        """A leaf node of a cluster."""
        peer = self.joined(name, cluster=cluster)
        self.route.heard()
        return peer

    def there(self, subject: bytes, sid: bytes, queue: bytes = b"") -> None:
        """The other server announces interest."""
        self.route.send(b"SUB %b %b %b\r\n" % (subject, queue, sid))

    def sid(self, peer: LeafPeer, subject: bytes, queue: bytes = b"") -> bytes:
        """What the other server calls the interest of a leaf node."""
        mark = b"QRSID" if queue else b"RSID"
        return b"%b:~%b:%d:%d:%b%b" % (mark, TAG, peer.connection.cid, len(queue), queue, subject)


@pytest.fixture(name="hub")
def _hub(make_plane: MakePlane) -> Hub:
    return Hub(make_plane)


def test_interest_of_leaf_nodes_is_announced_as_our_own(hub: Hub) -> None:
    """Under a name that says which cluster it is for; that of our hub is not."""
    leaf, ours = hub.leaf(), hub.joined("top", is_hub=True)
    hub.route.heard()

    leaf.send(b"LS+ a\r\nLS+ b q 1\r\nLS- a\r\n")
    ours.send(b"LS+ c\r\n")

    plain, group = hub.sid(leaf, b"a"), hub.sid(leaf, b"b", b"q")
    assert b"SUB a  %b\r\nSUB b q %b\r\nUNSUB %b\r\n" % (plain, group, plain) == hub.route.heard()


def test_a_new_route_hears_of_it(make_plane: MakePlane) -> None:
    """All that leaf nodes listen to is there from the beginning."""
    hub = Hub(make_plane)
    leaf = hub.leaf()
    leaf.send(b"LS+ a\r\n")
    wire = hub.wire()
    late = VirtualClient(hub, hub.drive(wire, hub.broker.accept_route), wire)
    hub.clients.append(late)

    heard = late.ask(info_line("Y" * 22))

    assert b"SUB a  %b\r\n" % hub.sid(leaf, b"a") in heard


def test_what_comes_over_the_route_goes_to_leaf_nodes(hub: Hub) -> None:
    """To all that listen, by the subject, and to the queue member that the other server has drawn."""
    leaf = hub.leaf()
    leaf.send(b"LS+ a\r\nLS+ b q 1\r\n")

    hub.route.send(b"MSG a %b 1\r\nx\r\n" % hub.sid(leaf, b"a"))
    hub.route.send(b"MSG b %b 1\r\nx\r\n" % hub.sid(leaf, b"b", b"q"))
    hub.route.send(b"MSG b %b 1\r\nx\r\nMSG b QRSID:99:1 1\r\nx\r\n" % hub.sid(leaf, b"none", b"q"))

    assert b"LMSG a 1\r\nx\r\nLMSG b | q 1\r\nx\r\n" == leaf.heard()


def test_a_message_does_not_come_back_by_another_server(hub: Hub) -> None:
    """One that speaks for the sender's cluster alone gets nothing, others get it under a special name."""
    leaf, other = hub.leaf(), hub.leaf("other", "y")
    hub.there(b"only", b"RSID:~%b:5:0:only" % TAG)
    hub.there(b"both", b"RSID:~%b:5:0:both" % TAG)
    hub.there(b"both", b"RSID:7:1")
    hub.there(b"b*", b"RSID:7:2")
    for peer in (leaf, other):
        peer.heard()

    for sender in (leaf, other):
        sender.send(b"LMSG only 1\r\nx\r\nLMSG both 1\r\nx\r\n")

    first, *rest = hub.route.heard().split(b"\r\n")[::2]
    assert b"MSG both QRSID:^%b 1" % TAG == first
    assert [b"MSG only RSID:~%b:5:0:only 1" % TAG, b"MSG both RSID:~%b:5:0:both 1" % TAG] == rest[:2]


def test_interest_of_the_same_cluster_elsewhere_is_not_announced(hub: Hub) -> None:
    """A leaf node hears of what others listen to, not of its own cluster."""
    leaf, other = hub.leaf(), hub.leaf("other", "y")

    hub.there(b"a", b"RSID:~%b:5:0:a" % TAG)
    hub.there(b"b", b"RSID:7:1")

    assert (b"LS+ b\r\n", b"LS+ a\r\nLS+ b\r\n") == (leaf.heard(), other.heard())


def test_a_message_that_is_not_for_a_cluster(hub: Hub) -> None:
    """It goes to clients and other leaf nodes, over and over, and as subscriptions are then."""
    leaf, other, client = hub.leaf(), hub.leaf("other", "y"), hub.current()
    for peer in (leaf, other):
        peer.send(b"LS+ a\r\n")
    client.send(b"SUB a 1\r\nSUB a q 2\r\n")
    everybody: list[VirtualClient] = [leaf, other, client]
    for each in everybody:
        each.heard()

    hub.route.send(2 * (b"MSG a QRSID:^%b 1\r\nx\r\n" % TAG))
    first = [each.heard() for each in everybody]
    client.send(b"UNSUB 1\r\n")
    hub.route.send(b"MSG a QRSID:^%b 1\r\nx\r\n" % TAG)

    assert [b"", 2 * b"LMSG a 1\r\nx\r\n", 2 * b"MSG a 1 1\r\nx\r\n"] == first
    assert b"" == client.heard()


def test_decisions_for_such_messages_are_few(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those for many subjects are forgotten, and made again."""
    monkeypatch.setattr(routing, "MOST_WITHOUT", 2)
    client = hub.current()
    client.send(b"SUB > 1\r\n")
    client.heard()

    for _ in range(2):
        for number in range(5):
            hub.route.send(b"MSG a.%d QRSID:^%b 1\r\nx\r\n" % (number, TAG))

    assert 10 == client.heard().count(b"MSG")


def test_hooks_see_such_messages_too(make_plane: MakePlane) -> None:
    """What decides about deliveries decides about these."""
    caller = FakeHookCaller()
    hub = Hub(make_plane, (terms(HookPoint.DELIVER, patterns=(b"a",)), caller))
    client = hub.current()
    client.send(b"SUB a 1\r\nSUB b 2\r\n")
    client.heard()

    hub.route.send(b"MSG a QRSID:^%b 1\r\nx\r\nMSG b QRSID:^%b 1\r\nx\r\n" % (TAG, TAG))

    assert 1 == len(caller.seen(HookPoint.DELIVER))
    assert b"MSG a 1 1\r\nx\r\nMSG b 2 1\r\nx\r\n" == client.heard()


def test_a_leaf_node_stands_in_for_a_member_that_has_left(hub: Hub) -> None:
    """A message that another server has drawn a client for goes to its group at the end of a link."""
    leaf, client = hub.leaf(), hub.current()
    ours = hub.joined("top", is_hub=True)
    leaf.send(b"LS+ a q 1\r\n")
    ours.send(b"LS+ a q 1\r\n")
    client.send(b"SUB a q 7\r\nUNSUB 7\r\n")
    for peer in (leaf, ours):
        peer.heard()

    hub.route.send(b"MSG a QRSID:%d:7 1\r\nx\r\n" % client.connection.cid)

    assert (b"LMSG a | q 1\r\nx\r\n", b"") == (leaf.heard(), ours.heard())


def test_members_of_the_mesh_come_first(hub: Hub) -> None:
    """One at another server of ours is nearer than one at the end of a link, at any server."""
    leaf, client = hub.leaf(), hub.current()
    leaf.send(b"LS+ a q 9\r\n")
    hub.there(b"a", b"QRSID:~%b:5:1:qa" % tag_of("z"), b"q")
    hub.there(b"a", b"QRSID:7:1", b"q")
    leaf.heard()
    hub.route.heard()

    client.send(50 * b"PUB a 1\r\nx\r\n")

    assert 50 * b"MSG a QRSID:7:1 1\r\nx\r\n" == hub.route.heard()
    assert b"" == leaf.heard()


def test_one_line_for_a_link_over_a_route(hub: Hub) -> None:
    """A member that another server has drawn here is in the line that its plain subscriptions get."""
    leaf = hub.leaf()
    leaf.send(b"LS+ a\r\nLS+ a q 1\r\nLS+ a r 1\r\n")
    number = leaf.connection.cid
    client = hub.current()
    client.send(b"SUB a 1\r\n")
    leaf.heard()
    client.heard()

    hub.route.send(b"MSG a QRSID:^#%d 1\r\nx\r\nMSG a QRSID:~%b:%d:*71*72 1\r\nx\r\n" % (number, TAG, number))
    hub.route.send(b"MSG a QRSID:~%b:99:*71 1\r\nx\r\n" % TAG)

    assert (b"LMSG a | q r 1\r\nx\r\n", b"MSG a 1 1\r\nx\r\n") == (leaf.heard(), client.heard())


def test_a_link_that_has_nothing_left(hub: Hub) -> None:
    """Its interest may have gone meanwhile."""
    leaf = hub.leaf()

    hub.route.send(b"MSG a QRSID:~%b:%d:*71 1\r\nx\r\n" % (TAG, leaf.connection.cid))

    assert (b"", False) == (leaf.heard(), leaf.is_over)


def test_nobody_stands_in_who_has_the_message(hub: Hub) -> None:
    """A link with plain subscriptions gets it anyway, so no member there is chosen besides."""
    leaf, client = hub.leaf(), hub.current()
    leaf.send(b"LS+ a q 1\r\nLS+ *\r\n")
    client.send(b"SUB a q 7\r\nUNSUB 7\r\n")
    leaf.heard()

    hub.route.send(b"MSG a QRSID:%d:7 1\r\nx\r\n" % client.connection.cid)

    assert b"" == leaf.heard()


def test_a_member_that_leaves_keeps_nothing_from_its_link(hub: Hub) -> None:
    """A message that names a group at a link is for its plain subscriptions there, also without the group."""
    leaf, other = hub.leaf(), hub.leaf("other", "y")
    leaf.send(b"LS+ a q 1\r\nLS+ *\r\nLS- a q\r\n")
    other.send(b"LS+ a q 1\r\n")
    for peer in (leaf, other):
        peer.heard()

    sid = hub.sid(leaf, b"a", b"q")
    hub.route.send(b"MSG a QRSID:^#%d 1\r\nx\r\nMSG a %b 1\r\nx\r\n" % (leaf.connection.cid, sid))
    hub.route.send(b"MSG a QRSID:~%b:x:1:qa 1\r\nx\r\nMSG a QRSID:~%b 1\r\nx\r\n" % (TAG, TAG))

    assert (b"LMSG a 1\r\nx\r\n", b"LMSG a | q 1\r\nx\r\n") == (leaf.heard(), other.heard())


def test_weights_are_announced(hub: Hub) -> None:
    """Other servers know how many members a leaf node has; a new name is there before the old one ends."""
    leaf = hub.leaf()

    leaf.send(b"LS+ a q 3\r\n")
    first = hub.route.heard()
    leaf.send(b"LS+ a q 3\r\nLS+ a q 1\r\nLS+ a q 4\r\n")
    changed = hub.route.heard()
    leaf.send(b"LS- a q\r\nLS+ a..b q 4\r\n")

    one = hub.sid(leaf, b"a", b"q")
    three, four = (one.replace(TAG, b"%b*%d" % (TAG, weight)) for weight in (3, 4))
    assert b"SUB a q %b\r\n" % three == first
    assert b"SUB a q %b\r\nUNSUB %b\r\nSUB a q %b\r\nUNSUB %b\r\n" % (one, three, four, one) == changed
    assert b"UNSUB %b\r\n" % four == hub.route.heard()
    assert {} == leaf.session.weights


def test_a_member_is_found_by_each_of_its_names(hub: Hub) -> None:
    """Also by one that has ended, as long as the other server may not have heard of it."""
    leaf = hub.leaf()
    leaf.send(b"LS+ a q 3\r\nLS+ a q 4\r\n")
    one = hub.sid(leaf, b"a", b"q")
    names = [one, *(one.replace(TAG, b"%b*%d" % (TAG, weight)) for weight in (3, 4))]
    for _ in range(2):
        for name in names:
            hub.route.send(b"MSG a %b 1\r\nx\r\n" % name)

    assert 6 * b"LMSG a | q 1\r\nx\r\n" == leaf.heard()

    leaf.send(b"LS- a q\r\nLS+ a q 3\r\n")
    for name in names:
        hub.route.send(b"MSG a %b 1\r\nx\r\n" % name)
    assert 3 * b"LMSG a | q 1\r\nx\r\n" == leaf.heard()


def test_another_member_stands_in_whatever_the_weight_was(hub: Hub) -> None:
    """One that has left is known by each of its names for a while."""
    leaf, client = hub.leaf(), hub.current()
    leaf.send(b"LS+ a q 3\r\nLS+ a q 4\r\nLS- a q\r\n")
    client.send(b"SUB a q 7\r\n")
    three = hub.sid(leaf, b"a", b"q").replace(TAG, b"%b*3" % TAG)

    hub.route.send(b"MSG a %b 1\r\nx\r\n" % three)

    assert b"MSG a 7 1\r\nx\r\n" == client.heard()


def test_weights_at_other_servers_count(hub: Hub) -> None:
    """In the draw, and in what our own leaf nodes hear; members of other weights are drawn from as well."""
    leaf, client = hub.leaf("y", "y"), hub.current()
    hub.there(b"a", b"QRSID:~%b*5:5:1:qa" % TAG, b"q")
    hub.there(b"a", b"QRSID:~%b:6:1:qa" % TAG, b"q")
    announced = leaf.heard()
    hub.route.heard()

    client.send(600 * b"PUB a 1\r\nx\r\n")
    heavy = hub.route.heard().count(b"*5:5:")
    hub.route.send(b"UNSUB QRSID:~%b*5:5:1:qa\r\n" % TAG)

    assert b"LS+ a q 5\r\nLS+ a q 6\r\n" == announced
    assert 430 < heavy < 570
    assert b"LS+ a q 1\r\n" == leaf.heard()


LINE = b"MSG a QRSID:~%b:%d:*71*72 1\r\nx\r\n"
"""The other server has drawn members of the groups q and r at a link."""


def test_one_of_several_groups_has_left_a_link(hub: Hub) -> None:
    """Another member of it gets the message; the other group is named to the link as before."""
    leaf, client = hub.leaf(), hub.current()
    leaf.send(b"LS+ a\r\nLS+ a q 1\r\nLS+ a r 1\r\nLS- a q\r\n")
    client.send(b"SUB a q 1\r\nSUB a r 2\r\n")
    leaf.heard()
    client.heard()

    hub.route.send(2 * LINE % (TAG, leaf.connection.cid, TAG, leaf.connection.cid))

    assert (2 * b"LMSG a | r 1\r\nx\r\n", 2 * b"MSG a 1 1\r\nx\r\n") == (leaf.heard(), client.heard())


@pytest.mark.parametrize("plain", [True, False])
def test_all_of_several_groups_have_left_a_link(hub: Hub, *, plain: bool) -> None:
    """Others of them get the message, and plain subscriptions at the link do if there are some."""
    leaf, other = hub.leaf(), hub.leaf("other", "y")
    leaf.send(b"LS+ b q 1\r\n" + (b"LS+ a\r\n" if plain else b""))
    other.send(b"LS+ a r 1\r\n")
    for peer in (leaf, other):
        peer.heard()

    hub.route.send(LINE % (TAG, leaf.connection.cid))

    assert b"LMSG a | r 1\r\nx\r\n" == other.heard()
    assert (b"LMSG a 1\r\nx\r\n" if plain else b"") == leaf.heard()


def test_several_groups_whose_members_come_and_go(hub: Hub) -> None:
    """What was decided about a line holds until somebody comes or goes."""
    leaf = hub.leaf()
    leaf.send(b"LS+ a q 1\r\nLS+ a r 1\r\n")
    number = leaf.connection.cid

    hub.route.send(2 * LINE % (TAG, number, TAG, number))
    both = leaf.heard()
    leaf.send(b"LS- a r\r\n")
    hub.route.send(LINE % (TAG, number))
    one = leaf.heard()
    leaf.send(b"LS+ a r 1\r\n")
    hub.route.send(LINE % (TAG, number))

    assert 2 * b"LMSG a | q r 1\r\nx\r\n" == both
    assert (b"LMSG a | q 1\r\nx\r\n", b"LMSG a | q r 1\r\nx\r\n") == (one, leaf.heard())


THERE = "10.0.0.2:7422"
HERE = "10.0.0.1:7422"


def addresses(heard: bytes) -> list[list[str]]:
    """What each INFO in these lines says of addresses for leaf nodes."""
    lines = [line for line in heard.splitlines() if line.startswith(b"INFO ")]
    return [json.loads(line[5:])["leafnode_urls"] for line in lines]


def test_leaf_nodes_learn_of_the_whole_cluster(hub: Hub) -> None:
    """Those that are here hear of servers that come and go; those that come later hear at once."""
    leaf = hub.leaf()
    hub.route.send(info_line(GREATER_ID, sends_on=True, headers=True, leafnode_urls=[THERE, HERE]))
    hub.advance(UPDATE_SECONDS)
    heard = addresses(leaf.heard())
    late = hub.called()
    first = addresses(late.heard())
    hub.route.send(info_line(GREATER_ID, sends_on=True, headers=True, leafnode_urls=[THERE, HERE]))
    hub.advance(UPDATE_SECONDS)
    again = leaf.heard()
    hub.route.leave()
    hub.advance(UPDATE_SECONDS)

    assert ([[HERE, THERE]], [[HERE, THERE]], b"") == (heard, first, again)
    assert [[HERE]] == addresses(leaf.heard())
    assert "10.0.0.1:7422" in hub.leaves.announced_urls


@pytest.mark.parametrize("advertise", [True, False])
def test_other_servers_learn_where_leaf_nodes_connect(make_plane: MakePlane, *, advertise: bool) -> None:
    """Unless that is not to be advertised; leaf nodes need one address in each case."""
    hub = Hub(make_plane)
    hub.leaves.use_listener(replace(LISTENER, advertise=advertise))
    cluster = hub.broker.cluster
    assert cluster is not None

    assert ((HERE,) if advertise else ()) == cluster.info().leafnode_urls
    assert (HERE,) == hub.leaves.announced_urls


def test_another_address_of_the_listener(hub: Hub) -> None:
    """Leaf nodes that are here hear of it, and other servers have to."""
    leaf = hub.leaf()
    changed = hub.leaves.use_listener(replace(LISTENER, advertised="hub.example"))
    unchanged = hub.leaves.use_listener(replace(LISTENER, advertised="hub.example", min_version="2.10.0"))

    assert (True, False) == (changed, unchanged)
    assert [["hub.example:7422"]] == addresses(leaf.heard())
