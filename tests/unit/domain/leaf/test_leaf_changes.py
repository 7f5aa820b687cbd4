"""What changes about leaf links that are there: remotes that a reload brings, hubs in lame duck mode."""

from dataclasses import replace

from app.domain.dataplane.seam import MakePlane
from app.domain.lame_duck import LameDuckTerms
from app.domain.leaf.leaf_url import LeafUrl
from app.domain.leaf.settings import LeafRemote, LeafRemoteSettings
from tests.support.virtual_leaves import (
    HUB_URL,
    REMOTE,
    LeafBroker,
    ScriptedHubDialer,
    ScriptedLogin,
    VirtualLeaves,
    hub_info_line,
)

OTHER = LeafUrl("10.0.0.8", 7422)


def remote_of(server: LeafBroker) -> LeafRemote:
    """The first of its remotes."""
    return server.leaves.needs.remotes[0]


# --- remotes -----------------------------------------------------------------------------------


def test_a_remote_is_added(make_plane: MakePlane) -> None:
    """It is dialled; a link that is there stays, and so does an attempt that is under way."""
    server = LeafBroker(make_plane, REMOTE)
    link = server.reached()
    dialer = ScriptedHubDialer()
    server.dialer.news()

    server.leaves.use_remotes(
        [remote_of(server), LeafRemote(LeafRemoteSettings((OTHER,)), dialer, ScriptedLogin())]
    )
    server.leaves.use_remotes(server.leaves.remotes)

    assert ([], ["10.0.0.8:7422"]) == (server.dialer.news(), dialer.news())
    assert not link.is_over


def test_a_remote_is_removed(make_plane: MakePlane) -> None:
    """Its link ends, it is not dialled again, and no failure is logged."""
    server = LeafBroker(make_plane, REMOTE)
    link = server.reached()
    server.dialer.news()

    server.leaves.use_remotes([])
    server.advance(60.0)

    assert link.is_over
    assert server.dialer.closed
    assert [] == server.dialer.news()
    assert any("the remote is removed - Remote: hub" in text for text in server.events.texts())
    assert not any("Error trying" in text for text in server.events.texts())


def test_a_remote_is_removed_while_it_is_dialled(make_plane: MakePlane) -> None:
    """A link that comes nevertheless is closed before anything is said."""
    server = LeafBroker(make_plane, REMOTE)
    dial = server.dialer.pending[0]
    wire = server.wire()

    server.leaves.use_remotes([])
    server.drive(wire, dial.acceptor)

    assert wire.is_over


def test_a_remote_is_removed_in_the_handshake(make_plane: MakePlane) -> None:
    """The link ends, and that it was none yet is no failure to reach the hub."""
    server = LeafBroker(make_plane, REMOTE)
    link = server.answered()

    server.leaves.use_remotes([])
    server.advance(60.0)

    assert link.is_over
    assert not any("Error trying" in text for text in server.events.texts())


def test_remotes_that_come_too_late(make_plane: MakePlane) -> None:
    """A reload that ends after the server has begun to stop dials nobody."""
    server = LeafBroker(make_plane, REMOTE)
    server.leaves.stop()
    dialer = ScriptedHubDialer()

    server.leaves.use_remotes([LeafRemote(LeafRemoteSettings((OTHER,)), dialer, ScriptedLogin())])

    assert [] == dialer.news()


# --- lame duck mode -------------------------------------------------------------------------------


def test_a_hub_in_lame_duck_mode_says_so(make_plane: MakePlane) -> None:
    """Leaf nodes learn of it once, and where else they may go; hubs of this server hear nothing."""
    server = LeafBroker(make_plane, REMOTE)
    leaf, hub = server.joined(), server.reached()
    server.current()
    leaf.heard()
    hub.heard()

    server.broker.lame_duck(LameDuckTerms(10.0, 1.0), lambda: None)

    info = leaf.heard()
    assert (True, False) == (b'"ldm":true' in info, b"leafnode_urls" in info)
    assert b"INFO" not in hub.heard()


def test_a_leaf_node_goes_to_another_hub(make_plane: MakePlane) -> None:
    """The other address is dialled at once, and the one that it left only after that."""
    server = LeafBroker(make_plane, LeafRemoteSettings((HUB_URL, OTHER), randomize=False))
    link = server.reached()
    server.dialer.news()

    link.send(hub_info_line(ldm=True, leafnode_urls=None))
    server.advance(0.01)
    dialled = server.dialer.news()
    server.dialer.refuse()
    server.advance(2.0)

    assert link.is_over
    assert (["10.0.0.8:7422"], ["10.0.0.7:7422"]) == (dialled, server.dialer.news())
    assert any("lame duck mode: another one is dialled" in text for text in server.events.texts())


def test_a_leaf_node_that_knows_no_other_hub_stays(make_plane: MakePlane) -> None:
    """Until the hub ends the link."""
    server = LeafBroker(make_plane, replace(REMOTE, ignore_discovered=True))
    link = server.reached()

    link.send(hub_info_line(ldm=True, leafnode_urls=["10.0.0.9:7422"]))
    link.send(hub_info_line(ldm=True))

    assert not link.is_over
    assert 1 == sum("the link stays" in text for text in server.events.texts())


def test_leaf_nodes_of_a_mesh_go_to_its_other_server(make_plane: MakePlane) -> None:
    """Both servers of a mesh are ours, and the leaf node has the address of one alone."""
    tree = VirtualLeaves(make_plane)
    one = tree.add(cluster="hubs")
    two = tree.add(cluster="hubs", routes=(one,))
    leaf = tree.add(one)
    for number, server in enumerate(tree.servers, 1):
        assert server.broker.leaves is not None
        server.broker.leaves.listening_on(7000 + number)
    tree.start()
    subscriber = tree.client(leaf, b"SUB a 1")
    tree.client(one)

    tree.servers[one - 1].broker.lame_duck(LameDuckTerms(30.0, 10.0), lambda: None)
    tree.advance(1.0)
    tree.client(two).send(b"PUB a 1\r\nx\r\n")

    leaves = tree.servers[two - 1].broker.leaves
    assert leaves is not None
    assert ["server-3"] == [session.name for session in leaves.established()]
    assert b"MSG a 1 1\r\nx\r\n" == tree.heard(subscriber)


def test_a_server_that_joins_a_hub_in_lame_duck_mode(make_plane: MakePlane) -> None:
    """A leaf node that knew no other hub goes to that one, as soon as it hears of it."""
    tree = VirtualLeaves(make_plane)
    one = tree.add(cluster="hubs")
    leaf = tree.add(one)
    for number, server in enumerate(tree.servers, 1):
        assert server.broker.leaves is not None
        server.broker.leaves.listening_on(7000 + number)
    tree.start()
    tree.client(one)
    tree.servers[one - 1].broker.lame_duck(LameDuckTerms(60.0, 10.0), lambda: None)
    tree.advance(1.0)

    two = tree.add(cluster="hubs", routes=(one,))
    leaves, cluster = tree.servers[two - 1].broker.leaves, tree.servers[two - 1].broker.cluster
    assert leaves is not None
    assert cluster is not None
    leaves.listening_on(7000 + two)
    cluster.solicit()
    tree.advance(3.0)

    assert [f"server-{leaf}"] == [session.name for session in leaves.established()]
    stays = [text for text in tree.servers[leaf - 1].events.texts() if "the link stays" in text]
    assert 1 == len(stays)
