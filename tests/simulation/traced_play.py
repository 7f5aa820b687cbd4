"""Traced messages in a simulated cluster: who publishes them, what is reported, and the oracle for it.

Each server reports what became of a message there, and names the ways to others. So the events of a
message are a tree: a way that one of them names leads to one event, and no event comes by another way.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, ClassVar

from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from app.domain.events import Link
from app.domain.message_trace.event import TraceKind
from app.domain.sessions.wire import Handler, Wire
from tests.simulation.client import CLIENT_PORT
from tests.simulation.host import Host
from tests.simulation.invariants import mesh_is_complete
from tests.simulation.oracle import GRACE, Violation
from tests.simulation.scenario import NetworkConditions, Scenario, Step
from tests.simulation.server import MakeBroker, SimulatedServer
from tests.simulation.simulation import HEAL_SECONDS, Simulation
from tests.simulation.topology import ServerSpec

MESSAGES = 40
CONNECT = b'CONNECT {"verbose":false,"headers":true}\r\n'
SUBSCRIPTIONS = (b"a.*", b"a.b", b">", b"a.> q", b"a.* q", b"*.c r")
SUBJECTS = ("a.b", "a.c", "b.c", "none")


class TracedSimulation(Simulation):
    """A cluster whose servers trace messages."""

    traces: ClassVar[bool] = True


@dataclass
class Traced:
    """A message, and what came of it."""

    only: bool
    deliveries: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def check(self, *, complete: bool) -> None:
        """Raise `Violation` for two events of one way; if all had to come, also for one that is missing."""
        came = Counter(event["request"]["header"].get("Nats-Trace-Hop", [""])[0] for event in self.events)
        twice = [way for way, count in came.items() if count > 1]
        if twice:
            raise Violation(f"at most once: two events came by the ways {twice}")
        if complete:
            self._check_complete(set(came))

    def _check_complete(self, came: set[str]) -> None:
        steps = [step for event in self.events for step in event["events"] if step["type"] == "eg"]
        named = {step["hop"] for step in steps if "hop" in step and "error" not in step}
        if came != {"", *named}:
            raise Violation(
                f"exactly once: the ways {sorted(named)} are named, events came by {sorted(came)}"
            )
        receivers = sum(step["kind"] == TraceKind.CLIENT for step in steps)
        if self.deliveries != (0 if self.only else receivers):
            raise Violation(f"delivered: {receivers} receivers are named, {self.deliveries} got the message")


class Player:
    """One connection to a server. Implements `Handler`."""

    _ROOM: ClassVar[memoryview] = memoryview(bytearray(64 * 1024))

    def __init__(self, play: "TracedPlay", number: int, lines: bytes, wire: Wire) -> None:
        self._play = play
        self._number = number
        self._wire = wire
        self._rest = b""
        wire.write(CONNECT + b"SUB t.%d.* 1\r\n" % number + lines)

    @property
    def link(self) -> Link:
        """Its name in an event log."""
        return Link("cid", self._number, str(self._wire.peer))

    def opened(self) -> None:
        """Nothing to do: CONNECT was written at once."""

    def reserve(self) -> memoryview:
        """The buffer that all share."""
        return self._ROOM

    def received(self, count: int) -> None:
        """Take messages apart; keep an incomplete rest."""
        data = self._rest + bytes(self._ROOM[:count])
        while (end := data.find(b"\r\n")) >= 0:
            line, rest = data[:end], data[end + 2 :]
            if line.startswith((b"MSG ", b"HMSG ")):
                size = int(line.rpartition(b" ")[2])
                if len(rest) < size + 2:
                    break
                self._play.heard(line.split()[1].decode(), rest[:size], is_own=line.split()[2] == b"1")
                rest = rest[size + 2 :]
            elif line == b"PING":
                self._wire.write(b"PONG\r\n")
            data = rest
        self._rest = data

    def eof_received(self) -> None:
        """The server ends it."""
        self._wire.close()

    def drained(self) -> None:
        """Nothing to do."""

    def connection_lost(self, _error: Exception | None) -> None:
        """Its server is gone, and so is what it would have heard."""

    def publish(self, number: int, subject: str, *, only: bool) -> None:
        """Publish a traced message, whose events come here."""
        block = b"NATS/1.0\r\nNats-Trace-Dest: t.%d.%d\r\n" % (self._number, number)
        block += b"Nats-Trace-Only: true\r\n" * only + b"\r\n"
        payload = b"%d" % number
        sizes = (len(block), len(block) + len(payload))
        self._wire.write(b"HPUB %b %d %d\r\n%b%b\r\n" % (subject.encode(), *sizes, block, payload))


class TracedPlay:
    """Clients at all servers that publish traced messages, with faults or without."""

    def __init__(self, seed: int, make_plane: MakePlane, make_broker: MakeBroker = Broker) -> None:
        self._chance = chance = Random(f"traced:{seed}")
        count = chance.randint(2, 5)
        old = chance.randrange(count) if chance.random() < 0.3 else -1
        conditions = NetworkConditions(
            chance.choice((0.0, 0.01)), chance.choice((0.0, 0.02)), chance.choice((0, 7)), 256 * 1024
        )
        scenario = Scenario(
            seed,
            tuple(ServerSpec((0,), current=number != old) for number in range(count)),
            conditions,
            route_password=False,
            max_pending=1_000_000,
            phases=(),
        )
        self._simulation = TracedSimulation(scenario, make_plane)
        self._simulation.make_broker = make_broker
        self._players: list[Player] = []
        self.messages: list[Traced] = []

    def run(self, *, faults: bool) -> None:
        """Play it. Raises `Violation`."""
        simulation = self._simulation
        for server in simulation.servers:
            server.start()
        self._form()
        for server in [server for server in simulation.servers if server.is_current for _ in range(2)]:
            self._join(server)
        simulation.clock.advance(GRACE)
        for _ in range(MESSAGES):
            if faults and self._chance.random() < 0.3:
                self._fail()
            self._publish()
            simulation.clock.advance(self._chance.choice((0.0, 0.0, 0.001, 0.5)))
        simulation.fault_injector.revert()
        simulation.clock.advance(HEAL_SECONDS)
        for message in self.messages:
            message.check(complete=not faults)

    def _form(self) -> None:
        waited = 0.0
        while not mesh_is_complete(self._simulation) and waited < HEAL_SECONDS:
            self._simulation.clock.advance(0.5)
            waited += 0.5

    def _join(self, server: SimulatedServer) -> None:
        network = self._simulation.network
        number = len(network.hosts)
        host: Host = network.host(f"c{number}", f"10.1.0.{number}")
        chosen = self._chance.sample(SUBSCRIPTIONS, 2)
        lines = b"".join(b"SUB %b %d\r\n" % (words, sid) for sid, words in enumerate(chosen, 2))
        begin = partial(self._begin, number, lines)
        network.dialer(host).dial(server.host.name, CLIENT_PORT, begin, lambda _reason: None)

    def _begin(self, number: int, lines: bytes, wire: Wire) -> Handler:
        player = Player(self, number, lines, wire)
        self._players.append(player)
        return player

    def _publish(self) -> None:
        chance, number = self._chance, len(self.messages)
        self.messages.append(message := Traced(chance.random() < 0.3))
        chance.choice(self._players).publish(number, chance.choice(SUBJECTS), only=message.only)

    def _fail(self) -> None:
        chance, count = self._chance, len(self._simulation.servers)
        one, other = chance.sample(range(count), 2)
        step = chance.choice(
            (
                Step(0.0, "reset", (one, other)),
                Step(0.0, "kill", (one,)),
                Step(0.0, "start", (one,)),
                Step(0.0, "freeze", (one, 8.0)),
                Step(0.0, "split", ("both", one)),
            )
        )
        self._simulation.fault_injector.apply(step)

    def heard(self, subject: str, data: bytes, *, is_own: bool) -> None:
        """A message came to a client; events also come to those who subscribe to all subjects."""
        if subject.startswith("t."):
            if is_own:
                self.messages[int(subject.rpartition(".")[2])].events.append(json.loads(data))
            return
        self.messages[int(data.rpartition(b"\r\n")[2])].deliveries += 1
