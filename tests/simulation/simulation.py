"""The simulation of a cluster with its clients in virtual time: plays a scenario, checks all promises."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from app.adapters.clock_manual import ManualClock
from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from tests.fakes.entropy import SeededEntropy
from tests.simulation import invariants
from tests.simulation.client import SimulatedClient
from tests.simulation.fault_injection import FaultInjector
from tests.simulation.fault_log import FaultLog
from tests.simulation.host import Host
from tests.simulation.link_direction import NetworkPath
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.scenario import NO_FEATURES, Features, Phase, Scenario
from tests.simulation.server import MakeBroker, SimulatedServer
from tests.simulation.trace import Trace
from tests.simulation.workload import Workload

HEAL_SECONDS = 60.0
"""Maximum seconds from the last fault to a complete mesh: enough to notice silence (15 s), or for
the longest interval between two dials (45 s), and for gossip after either."""

REST_SECONDS = 25.0
"""Seconds from there until all is at rest: enough for clients to notice silence, and to reconnect."""

IDLE_SECONDS = 10.0
"""The last seconds of that time, in which no server dials."""

CLEANUP_SECONDS = 10.0
"""Seconds until no state remains of clients that left, and of servers that were stopped."""

_POLL_SECONDS = 0.5


@dataclass(slots=True)
class SimulationResult:
    """The result of playing a scenario."""

    digest: str
    violation: str | None = None
    trace: list[str] = field(default_factory=list)
    """The last events before the violation."""
    counts: dict[str, int] = field(default_factory=dict)
    healing: list[float] = field(default_factory=list)
    """For each quiet period, the seconds until the mesh was complete."""


class Simulation:
    """One simulation."""

    def __init__(self, scenario: Scenario, make_plane: MakePlane, *, echo: bool = False) -> None:
        self.scenario = scenario
        self.make_plane = make_plane
        self.make_broker: MakeBroker = Broker
        """Makes the brokers; tests replace it to run mutants."""
        self.debug = echo
        self.logged: Counter[str] = Counter()
        """By event, how often servers logged it."""
        self.clock = ManualClock()
        self.trace = Trace(self.clock.monotonic, echo=echo)
        self.network = Network(self.clock, Random(f"network:{scenario.seed}"), self.trace)
        self.network.make_path = self._make_path
        self.entropy = SeededEntropy(scenario.seed)
        self.fault_log = FaultLog()
        self.servers: list[SimulatedServer] = [
            SimulatedServer(self, number, self._server_host(number), spec)
            for number, spec in enumerate(scenario.server_specs)
        ]
        self.oracle = self._make_oracle()
        self._current = {server.host for server in self.servers if server.is_current}
        self.oracle.mixed = len(self._current) < len(self.servers)
        self.clients: dict[int, SimulatedClient] = {}
        self.fault_injector = FaultInjector(self)
        self.workload = Workload(self)
        self.checks = 0
        self._sessions = 0
        self._healing: list[float] = []

    def _make_oracle(self) -> Oracle:
        return Oracle(self.fault_log)

    def _server_host(self, number: int) -> Host:
        return self.network.host(f"s{number}", f"10.0.{number // 250}.{number % 250 + 1}")

    def _make_path(self, _source: Host, _target: Host) -> NetworkPath:
        conditions = self.scenario.conditions
        return NetworkPath(
            conditions.latency, conditions.jitter, capacity=conditions.capacity, max_read=conditions.max_read
        )

    # --- used by clients -----------------------------------------------------------

    def next_session(self) -> int:
        """A number for a new session."""
        self._sessions += 1
        return self._sessions

    def asked_by(self, number: int) -> Features:
        """What a client asks for."""
        features = self.scenario.features
        return features[number % len(features)]

    def features_of(self, number: int, server: Host) -> Features:
        """What a client gets of what it asks for, at this server."""
        return self.asked_by(number) if server in self._current else NO_FEATURES

    def client(self, number: int) -> SimulatedClient:
        """The client of a number."""
        client = self.clients.get(number)
        if client is None:
            host = self.network.host(f"c{number}", f"10.1.0.{number + 1}")
            servers = [server.host for server in self.servers]
            client = self.clients[number] = SimulatedClient(self, number, host, servers)
        return client

    # --- playing -------------------------------------------------------------------

    def play(self) -> SimulationResult:
        """Play the scenario to its end, or to the first violation."""
        try:
            self._form()
            for phase in self.scenario.phases:
                self._play_phase(phase)
                self._quiesce()
            self._end()
        except Exception as error:  # noqa: BLE001 - any exception of a broker is a defect
            violation, lines = invariants.describe(error), self.trace.lines()
            return SimulationResult(self.trace.digest, violation, lines, self.counts(), self._healing)
        return SimulationResult(self.trace.digest, counts=self.counts(), healing=self._healing)

    def counts(self) -> dict[str, int]:
        """Counts for the summary."""
        return {
            "messages": len(self.oracle.messages),
            "deliveries": self.oracle.deliveries,
            "expected deliveries": self.oracle.expected,
            "deliveries with headers": self.oracle.headed,
            "requests to nobody": self.oracle.requests_to_nobody,
            "sessions": self._sessions,
            "checks": self.checks,
            "virtual seconds": int(self.clock.monotonic()),
            **self.logged,
            **{f"fault {action}": count for action, count in self.fault_injector.counts.items()},
        }

    def _form(self) -> None:
        """Start all servers that do not start late, and let them form a mesh."""
        chance = Random(f"start:{self.scenario.seed}")
        for server, spec in zip(self.servers, self.scenario.server_specs, strict=True):
            self.fault_log.record_host(server.host, 0.0)
            if not spec.starts_late:
                server.start()
                self.clock.advance(chance.choice((0.0, 0.0, 0.001, 0.3)))
        if chance.random() < 0.6 and not any(spec.starts_late for spec in self.scenario.server_specs):
            self._quiesce()
        else:
            self.clock.advance(chance.choice((0.0, 0.1, 5.0)))

    def _play_phase(self, phase: Phase) -> None:
        began = self.clock.monotonic()
        for step in phase.steps:
            self.clock.advance(max(0.0, began + step.at - self.clock.monotonic()))
            (self.fault_injector if step.is_fault else self.workload).apply(step)
        self.clock.advance(max(0.0, began + phase.seconds - self.clock.monotonic()))

    def _quiesce(self) -> None:
        """Revert all faults, wait, and check everything."""
        self.trace.note("simulation", "all faults reverted")
        self.fault_injector.revert()
        dials = self._settle()
        self.trace.note("simulation", "quiet period ends")
        self._check_quiescent()
        if dials:
            raise Violation(f"idle: {dials} dials in the last {IDLE_SECONDS:g} s of a complete mesh")
        self.fault_log.clear()

    def _settle(self) -> int:
        """Wait for a complete mesh, and for rest; returns the number of dials in the last seconds."""
        waited = 0.0
        while waited < self.heal_seconds and not self.is_formed():
            self.clock.advance(_POLL_SECONDS)
            waited += _POLL_SECONDS
        self._healing.append(waited)
        self.clock.advance(REST_SECONDS - IDLE_SECONDS)
        dials = self.network.dials
        self.clock.advance(IDLE_SECONDS)
        return self.network.dials - dials

    def _end(self) -> None:
        """Disconnect all clients, then stop all servers; check that no state remains."""
        for client in self.clients.values():
            client.leave(abrupt=False)
        self.clock.advance(CLEANUP_SECONDS)
        self._check_without_clients()
        for server in self.servers:
            server.stop()
        self.clock.advance(CLEANUP_SECONDS)
        self.checks += invariants.check_after_shutdown(self)

    # --- what trees do in another way ------------------------------------------------

    heal_seconds: ClassVar[float] = HEAL_SECONDS
    traces: ClassVar[bool] = False
    """Whether messages of clients are traced; see `traced_play`."""

    def is_formed(self) -> bool:
        """Whether all links between servers are there."""
        return invariants.mesh_is_complete(self)

    def _check_quiescent(self) -> None:
        self.checks += invariants.check_quiescent(self)

    def _check_without_clients(self) -> None:
        self.checks += invariants.check_without_clients(self)
