"""All leaf links of a server, and servers of ours that are linked (leaf-nodes.md, section 1; ADR 0054)."""

from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.leaf import leaves as module
from app.domain.leaf.settings import LeafListenerSettings
from app.domain.limits import Limits
from app.domain.peer_kind import PeerKind
from app.domain.sessions import sliced_lines
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker
from tests.support.virtual_leaves import (
    LISTENER,
    REMOTE,
    LeafBroker,
    VirtualLeaves,
    leaf_connect_line,
)


@pytest.fixture(name="tree")
def _tree(make_plane: MakePlane) -> VirtualLeaves:
    return VirtualLeaves(make_plane)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> LeafBroker:
    return LeafBroker(make_plane)


def test_messages_go_both_ways(tree: VirtualLeaves) -> None:
    """A client of a leaf node and one of its hub hear each other, with replies and headers."""
    hub = tree.add()
    leaf = tree.add(hub)
    tree.start()
    here, there = tree.client(leaf, b"SUB a 1"), tree.client(hub, b"SUB b 2")

    here.send(b"HPUB b re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n")
    there.send(b"PUB a 2\r\nho\r\n")

    assert b"HMSG b 2 re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n" == tree.heard(there)
    assert b"MSG a 1 2\r\nho\r\n" == tree.heard(here)


def test_a_tree(tree: VirtualLeaves) -> None:
    """Leaf nodes of leaf nodes and their neighbours reach each other, once, from everywhere."""
    top = tree.add()
    left, right = tree.add(top), tree.add(top)
    below = tree.add(left)
    tree.start()
    clients = [tree.client(number, b"SUB a 1") for number in (top, left, right, below)]

    for number, client in enumerate(clients):
        client.send(b"PUB a 1\r\n%d\r\n" % number)
        assert 4 * [b"MSG a 1 1\r\n%d\r\n" % number] == [tree.heard(each) for each in clients]


def test_a_request_over_two_links(tree: VirtualLeaves) -> None:
    """The reply finds its way, and where nobody listens the requester learns so."""
    top = tree.add()
    left, right = tree.add(top), tree.add(top)
    tree.start()
    responder, requester = tree.client(left, b"SUB ask 1"), tree.client(right, b"SUB inbox.x 2")

    requester.send(b"PUB ask inbox.x 1\r\n?\r\n")
    asked = tree.heard(responder)
    responder.send(b"PUB inbox.x 1\r\n!\r\nUNSUB 1\r\n")
    answer = tree.heard(requester)
    requester.send(b"PUB ask inbox.x 1\r\n?\r\n")

    assert (b"MSG ask 1 inbox.x 1\r\n?\r\n", b"MSG inbox.x 2 1\r\n!\r\n") == (asked, answer)
    assert b"503" in tree.heard(requester)


def test_a_queue_group_gets_it_once(tree: VirtualLeaves) -> None:
    """Over the whole tree; a member at the publisher's server has it all."""
    top = tree.add()
    left, right = tree.add(top), tree.add(top)
    tree.start()
    members = [tree.client(number, b"SUB a g 1") for number in (left, right, right)]
    outside, inside = tree.client(top), tree.client(left)

    outside.send(120 * b"PUB a 1\r\nx\r\n")
    shares = [tree.heard(member).count(b"MSG") for member in members]
    inside.send(50 * b"PUB a 1\r\nx\r\n")

    assert (120, True) == (sum(shares), all(10 < share for share in shares))
    assert [50, 0, 0] == [tree.heard(member).count(b"MSG") for member in members]


def meshes(tree: VirtualLeaves, *links: int) -> list[int]:
    """Two meshes of two servers; the servers of the second one have links to these of the first."""
    first = tree.add(cluster="hubs")
    second = tree.add(cluster="hubs", routes=(first,))
    here = tree.add(*links[:1], cluster="leaves")
    there = tree.add(*links[1:], cluster="leaves", routes=(here,))
    tree.start()
    return [first, second, here, there]


@pytest.mark.parametrize("links", [(1, 2), (1, 1), (2, 1)], ids=str)
def test_two_meshes_whose_servers_are_all_linked(tree: VirtualLeaves, links: tuple[int, ...]) -> None:
    """Wherever it is published, each client gets a message once, and one member of a queue group."""
    numbers = meshes(tree, *links)
    clients = [tree.client(number, b"SUB a 1", b"SUB a.* 2") for number in numbers]
    members = [tree.client(number, b"SUB a g 3") for number in numbers]

    for number in numbers:
        publisher = tree.client(number)
        publisher.send(b"PUB a 1\r\nx\r\nPUB a.b 1\r\ny\r\n")
        heard = [tree.heard(client) for client in clients]
        assert 4 * [(1, 1)] == [(each.count(b"MSG a 1"), each.count(b"MSG a.b 2")) for each in heard]
        assert 1 == sum(tree.heard(member).count(b"MSG") for member in members)


@pytest.mark.parametrize("number", [3, 4])
def test_members_elsewhere_in_a_mesh_with_links(tree: VirtualLeaves, number: int) -> None:
    """A queue group whose only member is at a leaf node's mesh gets what is published at either hub."""
    numbers = meshes(tree, 1, 2)
    member = tree.client(number, b"SUB a g 3")

    for each in numbers:
        tree.client(each).send(20 * b"PUB a 1\r\nx\r\n")

    assert 80 == tree.heard(member).count(b"MSG")


def test_plain_and_grouped_at_a_link_of_another_server(tree: VirtualLeaves) -> None:
    """A client of one hub reaches plain subscriptions and groups at a leaf node of the other one, once."""
    one = tree.add(cluster="hubs")
    two = tree.add(cluster="hubs", routes=(one,))
    leaf = tree.add(two)
    tree.start()
    clients = [
        tree.client(leaf, b"SUB a.* 1", b"SUB *.* r 2", b"SUB a.a q 3"),
        tree.client(two, b"SUB a.a 4"),
    ]

    publisher = tree.client(one)
    publisher.send(b"PUB a.a 1\r\nx\r\nPUB a.a re 1\r\ny\r\n")

    heard = tree.heard(clients[0])
    assert [2, 2, 2] == [heard.count(b"MSG a.a %d" % sid) for sid in (1, 2, 3)]
    assert 2 == tree.heard(clients[1]).count(b"MSG a.a 4")


def test_a_member_that_gets_none_of_its_own(tree: VirtualLeaves) -> None:
    """The other one, across a link, gets it."""
    hub = tree.add()
    leaf = tree.add(hub)
    tree.start()
    member = tree.client(leaf, b"SUB a r 1")
    publisher = tree.client(hub, b'CONNECT {"echo":false,"verbose":false}', b"SUB > r 1")

    publisher.send(b"PUB a 1\r\nx\r\n")

    assert b"MSG a 1 1\r\nx\r\n" == tree.heard(member)


def test_a_mesh_with_one_link(tree: VirtualLeaves) -> None:
    """A server without a link of its own hears nothing of the hub: each dials its own."""
    hub = tree.add()
    one = tree.add(hub, cluster="m")
    two = tree.add(cluster="m", routes=(one,))
    tree.start()
    clients = [tree.client(number, b"SUB a 1") for number in (hub, one, two)]

    clients[0].send(b"PUB a 1\r\nx\r\n")
    from_hub = [bool(tree.heard(client)) for client in clients]
    clients[2].send(b"PUB a 1\r\ny\r\n")
    from_two = [bool(tree.heard(client)) for client in clients]

    assert ([True, True, False], [False, True, True]) == (from_hub, from_two)


def test_two_servers_that_dial_each_other(tree: VirtualLeaves) -> None:
    """The loop is found, and one link is left; messages arrive once."""
    one = tree.add(2)
    two = tree.add(1)
    tree.start()
    clients = [tree.client(number, b"SUB a 1") for number in (one, two)]

    clients[0].send(b"PUB a 1\r\nx\r\n")

    assert all(tree.heard(client).count(b"MSG a 1 1\r\n") <= 1 for client in clients)
    links = [server.broker.leaves for server in tree.servers]
    assert all(len(each.established()) <= 1 for each in links if each is not None)


def test_a_loop_through_three_servers(tree: VirtualLeaves) -> None:
    """Nothing goes in circles."""
    numbers = [tree.add(2), tree.add(3), tree.add(1)]
    tree.start()
    clients = [tree.client(number, b"SUB a 1") for number in numbers]

    clients[0].send(b"PUB a 1\r\nx\r\n")

    assert all(tree.heard(client).count(b"MSG a 1 1\r\n") <= 1 for client in clients)


def test_hubs_of_one_mesh_that_are_linked_otherwise(tree: VirtualLeaves) -> None:
    """Two servers of a mesh have links to two hubs, of which one is a leaf node of the other: a circle."""
    top = tree.add()
    below = tree.add(top)
    one = tree.add(top, cluster="m")
    two = tree.add(below, cluster="m", routes=(one,))
    tree.start()
    clients = [tree.client(number, b"SUB a 1") for number in (top, below, one, two)]

    for number in (top, below, one, two):
        tree.client(number).send(b"PUB a 1\r\nx\r\n")
        heard = [tree.heard(client).count(b"MSG a 1 1\r\n") for client in clients]
        assert max(heard) == 1

    texts = [text for server in tree.servers for text in server.events.texts()]
    assert any("Loop detected" in text for text in texts)


def test_a_dialler_that_is_the_hub(tree: VirtualLeaves) -> None:
    """The parts are swapped: the one that was dialled announces its own alone."""
    spoke = tree.add()
    hub = tree.add(spoke, hub=True)
    tree.start()
    here, there = tree.client(hub, b"SUB a 1"), tree.client(spoke, b"SUB b 2")

    here.send(b"PUB b 1\r\nx\r\n")
    there.send(b"PUB a 1\r\ny\r\n")

    assert (b"MSG a 1 1\r\ny\r\n", b"MSG b 2 1\r\nx\r\n") == (tree.heard(here), tree.heard(there))
    kinds = [session.kind for server in tree.servers for session in server.broker.leaves.established()]  # type: ignore[union-attr] # each has some
    assert [PeerKind.HUB, PeerKind.LEAF] == kinds


def test_interest_of_a_link_that_is_lost(tree: VirtualLeaves) -> None:
    """It goes, and comes again with the link."""
    hub = tree.add()
    leaf = tree.add(hub)
    tree.start()
    client, other = tree.client(leaf, b"SUB a 1"), tree.client(hub)
    leaves = tree.servers[leaf - 1].broker.leaves
    assert leaves is not None

    next(iter(leaves.sessions.values())).connection.abort()
    tree.advance(0.1)
    other.send(b"PUB a 1\r\nx\r\n")
    lost = tree.heard(client)
    tree.advance(3.0)
    other.send(b"PUB a 1\r\ny\r\n")

    assert (b"", True) == (lost, tree.heard(client).endswith(b"MSG a 1 1\r\ny\r\n"))


# --- one server ---------------------------------------------------------------------------


def test_a_server_without_leaf_nodes(make_plane: MakePlane) -> None:
    """It takes none, and knows of none."""
    server = VirtualBroker(make_plane)

    assert None is server.broker.leaves
    with pytest.raises(RuntimeError):
        server.broker.accept_leaf(server.wire())


def test_addresses_that_are_announced(make_plane: MakePlane) -> None:
    """Where it listens, or what is advertised; a server without a port for leaf nodes announces none."""
    advertised = LeafListenerSettings("0.0.0.0", 7422, advertised="leaf.example")  # noqa: S104 - a name
    hidden = replace(advertised, advertise=False)
    servers = [LeafBroker(make_plane, needs={"listener": each}) for each in (LISTENER, advertised, hidden)]
    alone = LeafBroker(make_plane, needs={"listener": None})

    assert [("10.0.0.1:7422",), ("leaf.example:7422",), ("0.0.0.0:7422",)] == [
        each.leaves.announced_urls for each in servers
    ]
    assert ((), "", 7422) == (alone.leaves.announced_urls, alone.leaves.min_version, servers[0].leaves.port)


def test_links_that_never_log_in_are_few(server: LeafBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of them goes when there are too many; those that are in stay."""
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    first = server.joined()
    peers = [server.called() for _ in range(4)]

    assert [True, True, False, False] == [peer.is_over for peer in peers]
    assert not first.is_over


def test_interest_is_sent_in_slices(make_plane: MakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that takes nothing waits, one that ends is left; what goes meanwhile is not announced."""
    monkeypatch.setattr(sliced_lines, "SLICE", 10)
    monkeypatch.setattr(sliced_lines, "ENOUGH", 0)
    events = RecordingEventLog(debug=True, trace=False)
    server = LeafBroker(make_plane, events=events)
    client = server.current()
    client.send(b"".join(b"SUB a.%d %d\r\n" % (number, number) for number in range(25)))
    peer, gone = server.called(), server.called()
    peer.heard()
    for each in (peer, gone):
        each.wire.stall()
        each.send(leaf_connect_line("x" if each is peer else "y"))

    first = peer.heard()
    gone.leave()
    client.send(b"UNSUB 24\r\n")
    peer.wire.pass_on()
    server.advance(1.0)

    lines = (first + peer.heard()).split(b"\r\n")
    assert 24 == sum(line.startswith(b"LS+ a.") for line in lines)
    assert any("Sent interest to leafnode" in text for text in events.texts())


def test_the_end_of_a_server(make_plane: MakePlane) -> None:
    """It dials nobody any more, and its links end."""
    server = LeafBroker(make_plane, REMOTE)
    peer, leaf = server.reached(), server.joined()
    late = server.called(opened=False)
    ended: list[bool] = []

    server.broker.shutdown(lambda: ended.append(True))
    late.connection.opened()
    server.advance(10.0)

    assert (True, True, [True]) == (peer.is_over, leaf.is_over, ended)
    assert (1, True) == (len(server.dialer.asked), server.dialer.closed)


def test_a_link_that_opens_late(make_plane: MakePlane) -> None:
    """Nothing begins once the server stops."""
    server = LeafBroker(make_plane, REMOTE)
    peer = server.called(opened=False)
    server.leaves.stop()

    peer.connection.opened()

    assert peer.is_over


def test_limits_may_change(server: LeafBroker) -> None:
    """Pings follow, and what a message may measure."""
    peer = server.joined()

    server.broker.apply(Limits(max_payload=5, ping_interval=1.0, ping_max=1))
    large = peer.ask(b"LMSG a 6\r\n")

    assert (b"-ERR 'Maximum Payload Violation'\r\n", True) == (large, peer.is_over)


def test_news_of_a_hub_that_is_forgotten(make_plane: MakePlane) -> None:
    """Addresses that it names while its link ends are of no use."""
    server = LeafBroker(make_plane, REMOTE)
    peer = server.reached()
    session = peer.session

    peer.leave()
    server.leaves.discovered(session, ("10.0.0.9:1",))  # type: ignore[arg-type] # one that we have dialled

    server.advance(100.0)
    assert {"10.0.0.7:7422"} == set(server.dialer.asked)
