"""Invariants of a cluster at rest. The oracle checks deliveries as they happen."""

import json
import traceback
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Protocol

from tests.simulation.client import SimulatedClient
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.server import SimulatedServer
from tests.support.broker_stats import stats_of

_IDLE_BYTES = 2 * len(b"PING\r\nPONG\r\n")
"""Maximum unread bytes of one direction at rest."""

_IDLE_TIMERS = 2
"""Timers of an idle server: to check its routes, and to ping them."""


class ClusterState(Protocol):
    """What is checked."""

    @property
    def network(self) -> Network:
        """Hosts and links."""
        ...

    @property
    def oracle(self) -> Oracle:
        """What clients observed."""
        ...

    @property
    def servers(self) -> list[SimulatedServer]:
        """The cluster."""
        ...

    @property
    def clients(self) -> dict[int, SimulatedClient]:
        """By number."""
        ...


def check_quiescent(state: ClusterState) -> int:
    """After a quiet period: all is connected, announced and delivered. Returns the number of checks."""
    state.oracle.check()
    checks = check_mesh(state.network, state.servers)
    check_service(state.clients)
    _addresses(state)
    sessions = sum(client.session is not None for client in state.clients.values())
    _interest(state, state.oracle.live)
    _links(state, sessions)
    check_buffers(state.network)
    return checks + len(state.clients) + 3 * len(state.servers)


def check_without_clients(state: ClusterState) -> int:
    """After all clients left: none of their state remains."""
    checks = check_mesh(state.network, state.servers)
    _interest(state, 0)
    _links(state, 0)
    check_buffers(state.network)
    for server in state.servers:
        broker = server.broker
        if broker is None:
            continue
        if count := stats_of(broker).connections:
            raise Violation(f"leak: {server.name} counts {count} clients, but there are none")
        if broker.wires.left != len(state.servers) - 1:
            raise Violation(f"leak: {server.name} counts {broker.wires.left} wires, but has fewer peers")
        if server.host.clock.outstanding > _IDLE_TIMERS:
            raise Violation(f"leak: {server.name} has {server.host.clock.outstanding} timers, but is idle")
    return checks + 4 * len(state.servers)


def check_after_shutdown(state: ClusterState) -> int:
    """After an orderly shutdown of all servers: no link and no timer remains."""
    for server in state.servers:
        if server.running:
            raise Violation(f"shutdown: {server.name} does not end")
        if server.left_timers:
            raise Violation(f"leak: {server.name} left {server.left_timers} timers when it stopped")
    if state.network.links:
        paths = ", ".join(link.there.label for link in state.network.links.values())
        raise Violation(f"leak: links outlive their servers: {paths}")
    return 2 * len(state.servers)


def mesh_is_complete(state: ClusterState) -> bool:
    """Whether every pair of servers has exactly one route."""
    try:
        check_mesh(state.network, state.servers)
    except Violation:
        return False
    return True


def check_service(clients: Mapping[int, SimulatedClient]) -> None:
    """Every client that wants a server has one."""
    for client in clients.values():
        if client.wanted and client.session is None:
            raise Violation(f"service: {client.name} finds no server that accepts it")


def check_mesh(network: Network, servers: Sequence[SimulatedServer]) -> int:
    """Every pair of servers has one route, and each of the two counts it once."""
    ids = {
        server.number: server.broker.greeting.info.server_id
        for server in servers
        if server.broker is not None
    }
    for server in servers:
        cluster = server.broker.cluster if server.broker is not None else None
        if cluster is None:
            raise Violation(f"service: {server.name} does not run")
        others = {own_id for number, own_id in ids.items() if number != server.number}
        if missing := others - cluster.remotes.keys():
            names = [f"s{number}" for number, own_id in ids.items() if own_id in missing]
            raise Violation(f"mesh: {server.name} has no route to {', '.join(names)}")
        if extra := sorted(cluster.remotes.keys() - others):
            raise Violation(f"mesh: {server.name} has routes to servers that are gone: {extra}")
        if len(cluster.routes) != len(others):
            raise Violation(f"mesh: {server.name} has {len(cluster.routes)} routes to {len(others)} servers")
    pairs = list(combinations(servers, 2))
    for one, other in pairs:
        if (count := len(network.between(one.host, other.host))) != 1:
            raise Violation(f"mesh: {count} links between {one.name} and {other.name}")
    return len(pairs)


def _addresses(state: ClusterState) -> None:
    """Every client has received the client addresses of all servers."""
    expected = {server.client_url for server in state.servers}
    for client in state.clients.values():
        check_addresses(client, expected)


def check_addresses(client: SimulatedClient, expected: set[str]) -> None:
    """The client, if it is connected, has received these addresses of servers, each once."""
    if client.session is not None:
        received = json.loads(client.session.info).get("connect_urls", [])
        if set(received) != expected or len(received) != len(expected):
            raise Violation(f"addresses: {client.name} received {received}, not the addresses of all servers")


def _interest(state: ClusterState, expected: int) -> None:
    """Every server knows every live subscription, and no other."""
    for server in state.servers:
        if server.broker is not None:
            known = stats_of(server.broker).subscriptions.num_subscriptions
            if known != expected:
                raise Violation(
                    f"interest: {server.name} knows {known} subscriptions, but {expected} are live"
                )


def _links(state: ClusterState, sessions: int) -> None:
    """One link for each pair of servers and for each session, and no other."""
    count = len(state.servers)
    expected = count * (count - 1) // 2 + sessions
    if len(state.network.links) != expected:
        paths = ", ".join(f"{link.there.label}:{link.port}" for link in state.network.links.values())
        raise Violation(f"leak: {len(state.network.links)} links instead of {expected}: {paths}")


def check_buffers(network: Network) -> None:
    """No bytes are unread."""
    for link in network.links.values():
        for direction in (link.there, link.back):
            if direction.unread > _IDLE_BYTES:
                raise Violation(f"leak: {direction.unread} bytes are unread on {direction.label}")


def describe(error: Exception) -> str:
    """A violation in a sentence; any other error with its traceback."""
    if isinstance(error, Violation):
        return str(error)
    return "defect: " + "".join(traceback.format_exception(error))
