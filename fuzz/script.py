"""A script: who sends what, in which reads, and what goes wrong meanwhile. Kept as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.sessions.connection import Connection
from tests.support.broker_stats import BrokerStats, stats_of
from tests.support.virtual_broker import VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker, info_line

CLIENTS = 3
REGISTERED = CLIENTS
"""A route whose server has introduced itself."""

STRANGER = CLIENTS + 1
"""A route whose server has not, unless the script does it."""

PEERS = STRANGER + 1
INTRODUCTION = info_line(GREATER_ID)
LIMITS = Limits(max_payload=200_000, max_pending=400_000, max_control_line=256)

SEND, STALL, PASS, WAIT, END = "send", "stall", "pass", "wait", "end"
"""Steps: send a chunk in one read, stop taking output, take it again, let time pass, end the link."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `data` is a chunk to send; `number` the seconds to wait.

    `peer` is one of the clients from 0 on, or of the routes after them.
    """

    action: str
    peer: int = 0
    data: bytes = b""
    number: float = 0.0


Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that can be known of a conversation from outside."""

    heard: tuple[bytes, ...]
    ended: tuple[bool, ...]
    stats: BrokerStats
    facts: tuple[str, ...]


def play(make_plane: MakePlane, script: Script) -> Outcome:
    """Let fresh clients and routes of a fresh broker do what the script says."""
    server = RoutedBroker(make_plane, limits=LIMITS)
    peers = [server.connect() for _ in range(CLIENTS)]
    peers += [server.joined(GREATER_ID), server.called()]
    for step in script:
        _do(server, peers[step.peer % PEERS], step)
    return Outcome(
        tuple(peer.heard() for peer in peers),
        tuple(peer.connection.closed for peer in peers),
        stats_of(server.broker),
        tuple(server.events.texts()),
    )


def _do(server: VirtualBroker, peer: VirtualClient, step: Step) -> None:
    connection: Connection = peer.connection
    if step.action == WAIT:
        server.advance(step.number)
    elif peer.wire.is_over or connection.closed:
        return
    elif step.action == SEND and step.data:
        peer.send(step.data)
    elif step.action == STALL:
        peer.wire.stall()
    elif step.action == PASS:
        peer.wire.pass_on()
        server.settle()
    elif step.action == END:
        peer.wire.end()
        server.settle()


def save(path: Path, script: Script) -> None:
    """Write a script for people to read; bytes stand as the characters of Latin-1."""
    steps = [[step.action, step.peer, step.data.decode("latin-1"), step.number] for step in script]
    lines = ",\n".join(json.dumps(step) for step in steps)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def load(path: Path) -> Script:
    """Read a script."""
    steps = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Step(action, peer, data.encode("latin-1"), number) for action, peer, data, number in steps)
