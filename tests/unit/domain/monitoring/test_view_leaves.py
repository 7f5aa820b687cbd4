"""The view of leaf links: those that are there, and what their peers ask for."""

from app.domain.dataplane.seam import MakePlane
from app.domain.events import Link
from app.domain.monitoring.view import LiveView
from app.domain.steps import ROW_WORK, STEP_WORK
from tests.support.steps import counted, finished
from tests.support.virtual_broker import VirtualBroker
from tests.support.virtual_leaves import REMOTE, LeafBroker


def test_a_server_without_leaf_nodes(make_plane: MakePlane) -> None:
    """There is nothing to see."""
    view = LiveView(VirtualBroker(make_plane).broker)
    facts = view.server()

    assert ((), 0, 0) == (finished(view.leaves()), facts.leaves, facts.leaf_port)
    assert [] == list(view.subscriptions_of_leaf(1))
    assert "" == view.name_of(Link("lid", 1, "192.0.2.1:1"))


def test_both_ends(make_plane: MakePlane) -> None:
    """A leaf and a hub each have a row; a link in its handshake has none."""
    server = LeafBroker(make_plane, REMOTE)
    leaf, hub = server.joined("east"), server.reached(server_name="centre")
    server.called()
    view = LiveView(server.broker)
    rows = {row.name: row for row in finished(view.leaves())}

    assert {"east", "centre"} == set(rows)
    assert (False, False, "$G") == (rows["east"].is_spoke, rows["east"].solicited, rows["east"].account)
    assert (True, True) == (rows["centre"].is_spoke, rows["centre"].solicited)
    assert leaf.connection.cid == rows["east"].connection.cid
    assert (2, 7422) == (view.server().leaves, view.server().leaf_port)
    assert "centre" == view.name_of(hub.connection.link)


def test_what_a_peer_asks_for(make_plane: MakePlane) -> None:
    """Its interest is listed as subscriptions are; that of a link that has ended is not."""
    server = LeafBroker(make_plane)
    leaf = server.joined()
    leaf.send(b"LS+ a.*\r\nLS+ b q 2\r\n")
    view = LiveView(server.broker)
    (row,) = finished(view.leaves())
    listed = [one.subject for batch in view.subscriptions_of_leaf(row.connection.cid) for one in batch]
    leaf.leave()

    assert (2, {"a.*", "b"}) == (row.subscriptions, set(listed))
    assert () == finished(view.leaves())
    assert [] == list(view.subscriptions_of_leaf(row.connection.cid))


def test_many_links_are_read_in_steps(make_plane: MakePlane) -> None:
    """Others have their turn in between, and links that end meanwhile are left out."""
    server = LeafBroker(make_plane)
    peers = [server.joined(f"leaf-{number}") for number in range(STEP_WORK // ROW_WORK + 2)]
    pauses, rows = counted(LiveView(server.broker).leaves())
    steps = LiveView(server.broker).leaves()
    next(steps)
    peers[-1].connection.close()
    left = finished(steps)

    assert pauses == 1
    assert (len(peers), len(peers) - 1) == (len(rows), len(left))


def test_links_that_were_too_slow_or_silent(make_plane: MakePlane) -> None:
    """They are counted apart from clients and routes."""
    server = LeafBroker(make_plane, REMOTE)
    leaf, hub = server.joined(), server.reached()
    leaf.connection.abort_slow("too slow")
    server.advance(1000.0)
    facts = LiveView(server.broker).server()

    assert (1, 1, 0) == (facts.slow_consumers, facts.slow_leaves, facts.slow_routes)
    assert hub.is_over
    assert (facts.stale_connections, 0) == (facts.stale_leaves, facts.stale_routes)
    assert facts.stale_leaves
