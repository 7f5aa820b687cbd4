"""Scripts: the input of clients, routes and leaf links, cut into reads, stalls and ends. Saved as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from app.adapters.auth.authenticators import AllowAll
from app.domain.dataplane.seam import MakePlane, Plane, Planner
from app.domain.leaf.settings import LeafNeeds, LeafRemote
from app.domain.limits import Limits
from app.domain.sessions.connection import Connection
from fuzz.hooks import HOOK_TERMS, FuzzedHooks
from tests.support.broker_stats import BrokerStats, stats_of
from tests.support.virtual_broker import VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker, RoutedBrokerOfToday, info_line
from tests.support.virtual_leaves import (
    LISTENER,
    REMOTE,
    ScriptedHubDialer,
    ScriptedLogin,
    hub_info_line,
    leaf_connect_line,
)

CLIENTS = 3
REGISTERED = CLIENTS
"""The number of a route that is registered from the start."""

UNREGISTERED = CLIENTS + 1
"""The number of a route that only the script may register."""

HEADED = UNREGISTERED + 1
"""The number of a route that is registered from the start, and takes headers."""

LEAF = HEADED + 1
"""The number of a leaf node that has logged in."""

HUB = LEAF + 1
"""The number of a hub that was dialled, and whose handshake is over."""

PEERS = HUB + 1
HEADED_ID = "Y" * 22
ROUTE_INFO = info_line(GREATER_ID)
LIMITS = Limits(max_payload=200_000, max_pending=400_000, max_control_line=256)

SEND, PIECES, STALL, PASS, WAIT, END = "send", "pieces", "stall", "pass", "wait", "end"
"""Actions: send a chunk in one read, or in small ones, stop reading output, read it again, let time pass,
end the link."""

CURRENT = "current"
"""A script with this step is played on a server of today, any other one on one of gnatsd's protocol."""

HOOKED = "hooked"
"""A script with this step is played on a server with hooks."""


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One action. `data` is a chunk to send; `number` is the time to wait in seconds, or the bytes of a read.

    `peer` is the number of a client, from 0, or of a route or a leaf link, numbered after the clients.
    """

    action: str
    peer: int = 0
    data: bytes = b""
    number: float = 0.0


Script = tuple[ScriptStep, ...]


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """All that is visible of a script from outside the broker."""

    heard: tuple[bytes, ...]
    ended: tuple[bool, ...]
    stats: BrokerStats
    facts: tuple[str, ...]


def play(make_plane: MakePlane, script: Script) -> ScriptOutcome:
    """Play a script with new clients and routes on a new broker."""
    today = any(step.action == CURRENT for step in script)
    hooks = (HOOK_TERMS, FuzzedHooks()) if any(step.action == HOOKED for step in script) else None
    dialer = ScriptedHubDialer()
    remote = LeafRemote(REMOTE, dialer, ScriptedLogin())
    leaves = LeafNeeds(LISTENER, (remote,), AllowAll(), lambda: "a-nonce", "hubs")
    make_server = RoutedBrokerOfToday if today else RoutedBroker
    server = make_server(_with_deferred_flushes(make_plane), limits=LIMITS, hooks=hooks, leaves=leaves)
    peers = [server.connect() for _ in range(CLIENTS)]
    peers += [server.joined(GREATER_ID), server.called(), server.joined(HEADED_ID, headers=True)]
    peers += _links(server, dialer)
    for step in script:
        _do(server, peers[step.peer % PEERS], step)
        if hooks is not None:
            hooks[1].answer()
            server.settle()
    return ScriptOutcome(
        tuple(peer.heard() for peer in peers),
        tuple(peer.connection.closed for peer in peers),
        stats_of(server.broker),
        tuple(server.events.texts()),
    )


def _with_deferred_flushes(make_plane: MakePlane) -> MakePlane:
    """Makes planes that the server flushes like the compiled twin, so that events have the same order."""

    def make(planner: Planner, seed: int, max_payload: int, max_control_line: int) -> Plane:
        plane = make_plane(planner, seed, max_payload, max_control_line)
        if not plane.compiled:
            plane.compiled = True
        return plane

    return make


def _links(server: RoutedBroker, dialer: ScriptedHubDialer) -> list[VirtualClient]:
    """Both ends of leaf links: a leaf node, and a hub that gives itself another name."""
    links = []
    if server.broker.leaves is not None:
        server.broker.leaves.solicit()
    for acceptor, line in (
        (server.broker.accept_leaf, leaf_connect_line("leaf")),
        (dialer.pending.pop(0).acceptor, hub_info_line()),
    ):
        wire = server.wire()
        peer = VirtualClient(server, server.drive(wire, acceptor), wire)
        server.clients.append(peer)
        peer.ask(line)
        links.append(peer)
    return links


def _do(server: VirtualBroker, peer: VirtualClient, step: ScriptStep) -> None:
    connection: Connection = peer.connection
    if step.action == WAIT:
        server.advance(step.number)
    elif peer.wire.is_over or connection.closed:
        return
    elif step.action == SEND and step.data:
        peer.send(step.data)
    elif step.action == PIECES and step.data:
        peer.send(step.data, max(1, int(step.number)))
    elif step.action == STALL:
        peer.wire.stall()
    elif step.action == PASS:
        peer.wire.pass_on()
        server.settle()
    elif step.action == END:
        peer.wire.end()
        server.settle()


def save(path: Path, script: Script) -> None:
    """Write a script as readable JSON; bytes are written as Latin-1 characters."""
    steps = [[step.action, step.peer, step.data.decode("latin-1"), step.number] for step in script]
    lines = ",\n".join(json.dumps(step) for step in steps)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def load(path: Path) -> Script:
    """Read a script."""
    steps = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        ScriptStep(action, peer, data.encode("latin-1"), number) for action, peer, data, number in steps
    )
