"""What must hold when all has come to rest. What must hold always, `Truth` checks as it happens."""

import json
import traceback
from itertools import combinations
from typing import Protocol

from tests.simulation.client import Client
from tests.simulation.network import Network
from tests.simulation.server import Server
from tests.simulation.truth import Truth, Violation
from tests.support.broker_stats import stats_of

_IDLE_BYTES = 2 * len(b"PING\r\nPONG\r\n")
"""So much may be under way on a link at rest."""

_IDLE_TIMERS = 2
"""What an idle server waits for: the times to look at its routes, and to ping them."""


class Scene(Protocol):
    """What is looked at."""

    @property
    def network(self) -> Network:
        """Where links are."""
        ...

    @property
    def truth(self) -> Truth:
        """What clients saw."""
        ...

    @property
    def servers(self) -> list[Server]:
        """The cluster."""
        ...

    @property
    def clients(self) -> dict[int, Client]:
        """By number."""
        ...


def quiet(scene: Scene) -> int:
    """A quiet period has passed: all is connected, known and delivered. Returns how much was checked."""
    scene.truth.judge()
    checks = _mesh(scene)
    for client in scene.clients.values():
        if client.wanted and client.session is None:
            raise Violation(f"service: {client.name} finds no server that lets it in")
    _addresses(scene)
    sessions = sum(client.session is not None for client in scene.clients.values())
    _interest(scene, scene.truth.live)
    _links(scene, sessions)
    _buffers(scene)
    return checks + len(scene.clients) + 3 * len(scene.servers)


def deserted(scene: Scene) -> int:
    """All clients have left: nothing of them is left."""
    checks = _mesh(scene)
    _interest(scene, 0)
    _links(scene, 0)
    _buffers(scene)
    for server in scene.servers:
        broker = server.broker
        if broker is None:
            continue
        if count := stats_of(broker).connections:
            raise Violation(f"leak: {server.name} counts {count} clients, and there are none")
        if broker.wires != len(scene.servers) - 1:
            raise Violation(f"leak: {server.name} counts {broker.wires} wires, and knows of fewer peers")
        if server.host.clock.outstanding > _IDLE_TIMERS:
            raise Violation(f"leak: {server.name} has {server.host.clock.outstanding} timers, and is idle")
    return checks + 4 * len(scene.servers)


def dark(scene: Scene) -> int:
    """All servers have stopped in good order: no link, no timer of theirs is left."""
    for server in scene.servers:
        if server.running:
            raise Violation(f"shutdown: {server.name} does not come to an end")
        if server.left_timers:
            raise Violation(f"leak: {server.name} left {server.left_timers} timers when it stopped")
    if scene.network.links:
        ways = ", ".join(link.there.way for link in scene.network.links.values())
        raise Violation(f"leak: links outlive their servers: {ways}")
    return 2 * len(scene.servers)


def mesh_is_complete(scene: Scene) -> bool:
    """Whether every pair of servers has its one route."""
    try:
        _mesh(scene)
    except Violation:
        return False
    return True


def _mesh(scene: Scene) -> int:
    """Every pair of servers has one route, and each of the two counts it once."""
    ids = {
        server.number: server.broker.greeting.info.server_id
        for server in scene.servers
        if server.broker is not None
    }
    for server in scene.servers:
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
    pairs = list(combinations(scene.servers, 2))
    for one, other in pairs:
        if (count := len(scene.network.between(one.host, other.host))) != 1:
            raise Violation(f"mesh: {count} links between {one.name} and {other.name}")
    return len(pairs)


def _addresses(scene: Scene) -> None:
    """Every client was told where all servers take clients."""
    expected = {server.client_url for server in scene.servers}
    for client in scene.clients.values():
        if client.session is not None:
            told = json.loads(client.session.info).get("connect_urls", [])
            if set(told) != expected or len(told) != len(expected):
                raise Violation(f"addresses: {client.name} was told of {told}, and not of all servers")


def _interest(scene: Scene, expected: int) -> None:
    """Every server knows every live subscription, and no other."""
    for server in scene.servers:
        if server.broker is not None:
            known = stats_of(server.broker).subscriptions.num_subscriptions
            if known != expected:
                raise Violation(f"interest: {server.name} knows {known} subscriptions, and {expected} live")


def _links(scene: Scene, sessions: int) -> None:
    """One link for each pair of servers, one for each session, and no other."""
    count = len(scene.servers)
    expected = count * (count - 1) // 2 + sessions
    if len(scene.network.links) != expected:
        ways = ", ".join(f"{link.there.way}:{link.port}" for link in scene.network.links.values())
        raise Violation(f"leak: {len(scene.network.links)} links instead of {expected}: {ways}")


def _buffers(scene: Scene) -> None:
    """Nothing is under way any more."""
    for link in scene.network.links.values():
        for lane in (link.there, link.back):
            if lane.unread > _IDLE_BYTES:
                raise Violation(f"leak: {lane.unread} bytes still wait on {lane.way}")


def describe(error: Exception) -> str:
    """A violation in a sentence; any other error with its traceback."""
    if isinstance(error, Violation):
        return str(error)
    return "defect: " + "".join(traceback.format_exception(error))
