"""A script: who sends what, in which reads, and what goes wrong meanwhile. Kept as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from app.domain.connection import Connection
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.stats import ServerStats
from tests.fakes.virtual_broker import VirtualBroker, VirtualClient

CLIENTS = 3
LIMITS = Limits(max_payload=200_000, max_pending=400_000, max_control_line=256)

SEND, STALL, PASS, WAIT, END = "send", "stall", "pass", "wait", "end"
"""Steps: send a chunk in one read, stop taking output, take it again, let time pass, end the link."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `data` is a chunk to send; `number` the seconds to wait."""

    action: str
    client: int = 0
    data: bytes = b""
    number: float = 0.0


Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that can be known of a conversation from outside."""

    heard: tuple[bytes, ...]
    ended: tuple[bool, ...]
    stats: ServerStats
    facts: tuple[str, ...]


def play(make_plane: MakePlane, script: Script) -> Outcome:
    """Let fresh clients of a fresh broker do what the script says."""
    server = VirtualBroker(make_plane, LIMITS)
    clients = [server.connect() for _ in range(CLIENTS)]
    for step in script:
        _do(server, clients[step.client % CLIENTS], step)
    return Outcome(
        tuple(client.heard() for client in clients),
        tuple(client.connection.closed for client in clients),
        server.broker.stats(),
        tuple(server.events.texts()),
    )


def _do(server: VirtualBroker, client: VirtualClient, step: Step) -> None:
    connection: Connection = client.connection
    if step.action == WAIT:
        server.advance(step.number)
    elif client.wire.is_over or connection.closed:
        return
    elif step.action == SEND and step.data:
        client.send(step.data)
    elif step.action == STALL:
        client.wire.stall()
    elif step.action == PASS:
        client.wire.pass_on()
        server.settle()
    elif step.action == END:
        client.wire.end()
        server.settle()


def save(path: Path, script: Script) -> None:
    """Write a script for people to read; bytes stand as the characters of Latin-1."""
    steps = [[step.action, step.client, step.data.decode("latin-1"), step.number] for step in script]
    lines = ",\n".join(json.dumps(step) for step in steps)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def load(path: Path) -> Script:
    """Read a script."""
    steps = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Step(action, client, data.encode("latin-1"), number) for action, client, data, number in steps
    )
