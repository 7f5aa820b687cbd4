"""Invariants of a tree of hubs and leaves at rest."""

from typing import Protocol

from app.domain.broker import Broker
from app.domain.leaf.session import LeafSession
from tests.simulation.host import Host
from tests.simulation.invariants import (
    ClusterState,
    check_addresses,
    check_buffers,
    check_mesh,
    check_service,
)
from tests.simulation.oracle import Violation
from tests.simulation.server import SimulatedServer
from tests.simulation.tree import Tree
from tests.support.broker_stats import stats_of

_IDLE_TIMERS = 2
"""Timers of an idle server in a mesh: to check its routes, and to ping them."""

_LEAF_TIMERS = 2
"""The same of one with leaf links."""

Interest = tuple[str, str | None]
"""A subject, and a queue group or none."""


class TreeState(ClusterState, Protocol):
    """What is checked."""

    @property
    def tree(self) -> Tree:
        """Who is joined to whom."""
        ...


def check_quiescent(state: TreeState) -> int:
    """After a quiet period: all is connected, announced and delivered. Returns the number of checks."""
    state.oracle.check()
    state.tree.settle()
    checks = _links(state)
    check_service(state.clients)
    for client in state.clients.values():
        if client.session is not None:
            check_addresses(client, _addresses(state, client.server))
    _interest(state)
    _count_links(state, sum(client.session is not None for client in state.clients.values()))
    check_buffers(state.network)
    return checks + 2 * len(state.clients) + 2 * len(state.tree.leaves)


def check_without_clients(state: TreeState) -> int:
    """After all clients left: none of their state remains."""
    state.tree.settle()
    checks = _links(state)
    _interest(state)
    _count_links(state, 0)
    check_buffers(state.network)
    for server in state.servers:
        _check_idle(state, server)
    return checks + 4 * len(state.servers)


def is_formed(state: TreeState) -> bool:
    """Whether every mesh is complete, and every leaf is linked once."""
    try:
        _links(state)
    except Violation:
        return False
    return True


def _broker(server: SimulatedServer) -> Broker:
    if server.broker is None:
        raise Violation(f"service: {server.name} does not run")
    return server.broker


def _sessions(server: SimulatedServer) -> list[LeafSession]:
    """Its leaf links."""
    leaves = _broker(server).leaves
    assert leaves is not None
    return list(leaves.sessions.values())


def _links(state: TreeState) -> int:
    """Every mesh is complete, and every leaf has one link, which both ends know."""
    expected = dict.fromkeys(range(len(state.servers)), 0)
    for leaf, hub in state.tree.leaves.items():
        if (count := state.tree.links_of(leaf)) != 1:
            raise Violation(f"tree: {state.servers[leaf].name} has {count} links to its hubs")
        _link(state.servers[leaf], state.servers[hub])
        expected[leaf] += 1
        expected[hub] += 1
    for number, count in expected.items():
        server = state.servers[number]
        known = sum(session.established for session in _sessions(server))
        if known != count or len(_sessions(server)) != count:
            raise Violation(
                f"tree: {server.name} has {known} of {len(_sessions(server))} leaf links, not {count}"
            )
        mates = [state.servers[mate] for mate in state.tree.mates(number)]
        if mates[0] is server and len(mates) > 1:
            check_mesh(state.network, mates)
    return 2 * len(expected)


def _link(leaf: SimulatedServer, hub: SimulatedServer) -> tuple[LeafSession, LeafSession]:
    """Both ends of a link: at the leaf, and at the hub."""
    up = [session for session in _sessions(leaf) if session.is_spoke and session.established]
    down = [
        session
        for session in _sessions(hub)
        if not session.is_spoke and session.name == leaf.name and session.established
    ]
    if len(up) != 1 or len(down) != 1:
        raise Violation(
            f"tree: {leaf.name} and {hub.name} know {len(up)} and {len(down)} links of each other"
        )
    return up[0], down[0]


def _interest(state: TreeState) -> None:
    """Each end of a link knows what the other end has to announce, and no more."""
    live: dict[Host, set[Interest]] = {}
    for one in state.oracle.live_subscriptions():
        live.setdefault(one.session.server, set()).add((one.pattern, one.queue))
    for leaf, hub in state.tree.leaves.items():
        up, down = _link(state.servers[leaf], state.servers[hub])
        within = state.tree.below(leaf)
        mesh = set().union(*(state.tree.below(mate) for mate in state.tree.mates(leaf)))
        outside = live.keys() - mesh
        _compare(f"{state.servers[hub].name} of {state.servers[leaf].name}", down, _union(live, within))
        _compare(f"{state.servers[leaf].name} of {state.servers[hub].name}", up, _union(live, outside))


def _union(live: dict[Host, set[Interest]], hosts: set[Host]) -> set[Interest]:
    return set().union(*(live.get(host, set()) for host in hosts))


def _compare(ends: str, session: LeafSession, expected: set[Interest]) -> None:
    known = {
        (one.subject.decode(), one.queue.decode() if one.queue else None)
        for one in session.subscriptions.values()
        if not one.subject.startswith(b"$")
    }
    if missing := expected - known:
        raise Violation(f"interest: at {ends}, {sorted(map(str, missing))} is not known")
    if extra := known - expected:
        raise Violation(f"interest: at {ends}, {sorted(map(str, extra))} is known, and gone")


def _addresses(state: TreeState, server: Host) -> set[str]:
    """Where clients of this server may connect: itself and its mesh."""
    number = next(one.number for one in state.servers if one.host is server)
    mates = state.tree.mates(number)
    return {state.servers[mate].client_url for mate in mates} if len(mates) > 1 else set()


def _count_links(state: TreeState, sessions: int) -> None:
    """One link for each route, for each leaf and for each session, and no other."""
    meshes = {tuple(state.tree.mates(server.number)) for server in state.servers}
    routes = sum(len(mesh) * (len(mesh) - 1) // 2 for mesh in meshes)
    expected = routes + len(state.tree.leaves) + sessions
    if len(state.network.links) != expected:
        paths = ", ".join(f"{link.there.label}:{link.port}" for link in state.network.links.values())
        raise Violation(f"leak: {len(state.network.links)} links instead of {expected}: {paths}")


def _check_idle(state: TreeState, server: SimulatedServer) -> None:
    broker = _broker(server)
    if count := stats_of(broker).connections:
        raise Violation(f"leak: {server.name} counts {count} clients, but there are none")
    peers = len(state.tree.mates(server.number)) - 1 + len(_sessions(server))
    if broker.wires.left != peers:
        raise Violation(f"leak: {server.name} counts {broker.wires.left} wires, but has {peers} peers")
    if (timers := server.host.clock.outstanding) > _IDLE_TIMERS + _LEAF_TIMERS:
        raise Violation(f"leak: {server.name} has {timers} timers, but is idle")
