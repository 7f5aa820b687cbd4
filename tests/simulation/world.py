"""A whole cluster with its clients in virtual time: plays one scenario, and holds it to every promise."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from app.adapters.clock_manual import ManualClock
from app.adapters.entropy import SeededEntropy
from app.domain.broker import Broker
from app.domain.dataplane.seam import MakePlane
from tests.simulation import invariants
from tests.simulation.client import Client
from tests.simulation.damage import Damage
from tests.simulation.faults import Faults
from tests.simulation.host import Host
from tests.simulation.lane import Path
from tests.simulation.network import Network
from tests.simulation.scenario import Phase, Scenario
from tests.simulation.server import MakeBroker, Server
from tests.simulation.trace import Trace
from tests.simulation.traffic import Traffic
from tests.simulation.truth import Truth, Violation

HEAL_SECONDS = 60.0
"""So long after the last fault the mesh is complete. Enough for silence to be noticed (15 s), or for
the longest wait between two dials (45 s), and for gossip after either."""

REST_SECONDS = 25.0
"""So long after that all is in order, and at rest. Enough for clients to notice silence, and to come back."""

CALM_SECONDS = 10.0
"""For so long at the end of it nobody has had reason to dial."""

LEAVE_SECONDS = 10.0
"""After so long nothing is left of clients that went, or of servers that were told to stop."""

_LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Outcome:
    """What playing a scenario came to."""

    digest: str
    violation: str | None = None
    trace: list[str] = field(default_factory=list)
    """The last events before the violation."""
    counts: dict[str, int] = field(default_factory=dict)
    healing: list[float] = field(default_factory=list)
    """For each quiet period, after how many seconds the mesh was complete."""


class World:
    """One simulation."""

    def __init__(self, scenario: Scenario, make_plane: MakePlane, *, echo: bool = False) -> None:
        self.scenario = scenario
        self.make_plane = make_plane
        self.make_broker: MakeBroker = Broker
        """What servers run; tests replace it by brokers with a defect."""
        self.debug = echo
        self.logged: Counter[str] = Counter()
        """How often servers noted some facts."""
        self.clock = ManualClock()
        self.trace = Trace(self.clock.monotonic, echo=echo)
        self.network = Network(self.clock, Random(f"network:{scenario.seed}"), self.trace)
        self.network.make_path = self._make_path
        self.entropy = SeededEntropy(scenario.seed)
        self.damage = Damage()
        self.truth = Truth(self.damage)
        self.servers: list[Server] = [
            Server(self, number, self._server_host(number), seat)
            for number, seat in enumerate(scenario.seats)
        ]
        self.clients: dict[int, Client] = {}
        self.faults = Faults(self)
        self.traffic = Traffic(self)
        self.checks = 0
        self._members = 0
        self._healing: list[float] = []

    def _server_host(self, number: int) -> Host:
        return self.network.host(f"s{number}", f"10.0.{number // 250}.{number % 250 + 1}")

    def _make_path(self, _source: Host, _target: Host) -> Path:
        weather = self.scenario.weather
        return Path(weather.latency, weather.jitter, capacity=weather.capacity, grain=weather.grain)

    # --- what clients ask for ------------------------------------------------------

    def next_member(self) -> int:
        """A number for a new session."""
        self._members += 1
        return self._members

    def client(self, number: int) -> Client:
        """The client of a number."""
        client = self.clients.get(number)
        if client is None:
            host = self.network.host(f"c{number}", f"10.1.0.{number + 1}")
            servers = [server.host for server in self.servers]
            client = self.clients[number] = Client(self, number, host, servers)
        return client

    # --- the play --------------------------------------------------------------------

    def play(self) -> Outcome:
        """Play the scenario to its end, or to the first violation."""
        try:
            self._form()
            for phase in self.scenario.phases:
                self._go_through(phase)
                self._come_to_rest()
            self._end()
        except Exception as error:  # noqa: BLE001 - whatever a broker raises is a finding
            violation, lines = invariants.describe(error), self.trace.lines()
            return Outcome(self.trace.digest, violation, lines, self.counts(), self._healing)
        return Outcome(self.trace.digest, counts=self.counts(), healing=self._healing)

    def counts(self) -> dict[str, int]:
        """What was done, for the summary."""
        return {
            "messages": len(self.truth.messages),
            "deliveries": self.truth.deliveries,
            "owed deliveries": self.truth.owed,
            "sessions": self._members,
            "checks": self.checks,
            "virtual seconds": int(self.clock.monotonic()),
            **self.logged,
            **{f"fault {verb}": count for verb, count in self.faults.counts.items()},
        }

    def _form(self) -> None:
        """Start all that are not late, and let them find each other."""
        chance = Random(f"start:{self.scenario.seed}")
        for server, seat in zip(self.servers, self.scenario.seats, strict=True):
            self.damage.touch(server.host, 0.0)
            if not seat.late:
                server.start()
                self.clock.advance(chance.choice((0.0, 0.0, 0.001, 0.3)))
        if chance.random() < 0.6 and not any(seat.late for seat in self.scenario.seats):
            self._come_to_rest()
        else:
            self.clock.advance(chance.choice((0.0, 0.1, 5.0)))

    def _go_through(self, phase: Phase) -> None:
        began = self.clock.monotonic()
        for step in phase.steps:
            self.clock.advance(max(0.0, began + step.at - self.clock.monotonic()))
            (self.faults if step.is_fault else self.traffic).obey(step)
        self.clock.advance(max(0.0, began + phase.seconds - self.clock.monotonic()))

    def _come_to_rest(self) -> None:
        """Mend everything, wait, and look at everything."""
        self.trace.note("world", "is mended")
        self.faults.mend()
        dials = self._settle()
        self.trace.note("world", "is quiet")
        self._check(invariants.quiet)
        if dials:
            raise Violation(f"calm: {dials} dials in the last {CALM_SECONDS:g} s, and all are connected")
        self.damage.mend()

    def _settle(self) -> int:
        """Let time pass until the mesh is complete, and some more; how many dials there were at the end."""
        waited = 0.0
        while waited < HEAL_SECONDS and not invariants.mesh_is_complete(self):
            self.clock.advance(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
        self._healing.append(waited)
        self.clock.advance(REST_SECONDS - CALM_SECONDS)
        dials = self.network.dials
        self.clock.advance(CALM_SECONDS)
        return self.network.dials - dials

    def _end(self) -> None:
        """Let all clients leave, then all servers; nothing may be left of them."""
        for client in self.clients.values():
            client.leave(abrupt=False)
        self.clock.advance(LEAVE_SECONDS)
        self._check(invariants.deserted)
        for server in self.servers:
            server.stop()
        self.clock.advance(LEAVE_SECONDS)
        self._check(invariants.dark)

    def _check(self, check: Callable[["World"], int]) -> None:
        self.checks += check(self)
