"""Scenarios: a cluster and the schedule of its workload and faults, as plain data.

A seed determines a scenario before it is played. Steps are independent: one without a target
does nothing. So shrinking can remove steps to find those that matter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.simulation.topology import ServerSpec, cluster_specs, tree_specs

VERSION: Final = 5
"""Incremented when seeds change their meaning."""

TREES: Final = 5
"""One seed out of this number is a tree of hubs and leaves; the others are clusters."""

Argument = int | float | str | None


def number_of(argument: Argument) -> int:
    """An argument that is a count, or the number of a server or a client."""
    assert isinstance(argument, int)
    return argument


def amount_of(argument: Argument) -> float:
    """An argument that is a quantity."""
    assert isinstance(argument, int | float)
    return float(argument)


@dataclass(frozen=True, slots=True)
class Step:
    """One action, `at` seconds after the beginning of its phase."""

    at: float
    action: str
    arguments: tuple[Argument, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether it is a fault; otherwise it belongs to the workload."""
        return self.action in FAULTS

    def __str__(self) -> str:
        return f"{self.at:9.4f}  {self.action} {' '.join(map(str, self.arguments))}"


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps within some seconds; a quiet period follows."""

    seconds: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Features:
    """What a client asks for in CONNECT; a server with the protocol of gnatsd gives none of it."""

    headers: bool = False
    no_responders: bool = False
    echo: bool = True


NO_FEATURES: Final = Features()


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """Properties of the paths between hosts, in seconds and bytes."""

    latency: float
    jitter: float
    max_read: int
    """Maximum bytes of each of the first reads after an arrival; 0 for no limit."""
    capacity: int
    """Bytes that the kernels hold of each direction of a link."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a seed determines before the simulation begins."""

    seed: int
    server_specs: tuple[ServerSpec, ...]
    conditions: NetworkConditions
    route_password: bool
    """Whether routes need a password."""
    max_pending: int
    """Maximum pending bytes of one client."""
    phases: tuple[Phase, ...]
    features: tuple[Features, ...] = (NO_FEATURES,)
    """Of the clients, in turn."""

    @property
    def is_tree(self) -> bool:
        """Whether servers are hubs and leaves, in meshes of their own; otherwise all are one cluster."""
        return any(spec.hubs for spec in self.server_specs)

    @property
    def steps(self) -> int:
        """Number of steps."""
        return sum(len(phase.steps) for phase in self.phases)

    def lines(self) -> list[str]:
        """Readable lines: the cluster, and every step."""
        lines = [f"{self.conditions}{', with a password for routes' if self.route_password else ''}"]
        lines += [f"server {number}: {spec}" for number, spec in enumerate(self.server_specs)]
        lines += [f"clients in turn: {', '.join(map(str, self.features))}"]
        for number, phase in enumerate(self.phases):
            lines.append(f"phase {number} of {phase.seconds:g} s")
            lines += [str(step) for step in phase.steps]
        return lines


# --- workload ----------------------------------------------------------------------

_WORDS: Final = ("a", "b", "c")
_PATTERNS: Final = ("a.a", "a.b", "b.a", "c", "a.*", "*.a", "*.*", "a.>", ">", "b.*.c")
_QUEUES: Final = (None, None, "q", "r")
_SERVICES: Final = ("svc.one", "svc.two")
_REQUESTS: Final = (*_SERVICES, "svc.with.no.members")


def _subject(chance: Random) -> str:
    return ".".join(chance.choice(_WORDS) for _ in range(chance.choice((1, 2, 2, 2, 3))))


_ACTIONS: Final = ("pub", "req", "sub", "unsub", "limit", "move", "leave", "arrive", "stall")
_ORDINARY: Final = (60, 10, 10, 5, 5, 4, 2, 3, 1)
_HEAVY: Final = (60, 10, 5, 3, 3, 2, 1, 3, 8)
"""Weights of the actions."""


def _traffic_step(chance: Random, at: float, clients: int, servers: int, *, heavy: bool) -> Step:
    client = chance.randrange(clients)
    action = chance.choices(_ACTIONS, _HEAVY if heavy else _ORDINARY)[0]
    arguments: tuple[Argument, ...] = ()
    if action == "pub" and heavy:
        size = chance.choice((10, 1000, 20_000, 200_000))
        arguments = (_subject(chance), chance.choice((1, 2, 5) if size > 20_000 else (1, 5, 20, 100)), size)
    elif action == "pub":
        size = chance.choice((0, 10, 10, 100, 100, 1000, 20_000))
        arguments = (_subject(chance), chance.choice((1, 1, 2, 5, 20)), size)
    elif action == "req":
        arguments = (chance.choice(_REQUESTS),)
    elif action == "sub":
        arguments = (chance.choice(_PATTERNS), chance.choice(_QUEUES))
    elif action == "unsub":
        arguments = (chance.randrange(8),)
    elif action == "limit":
        arguments = (chance.randrange(8), chance.randint(1, 20))
    elif action in ("move", "arrive"):
        arguments = (chance.randrange(servers),)
    elif action == "leave":
        arguments = (chance.choice(("close", "abort")),)
    elif action == "stall":
        arguments = (round(chance.uniform(0.1, 6.0), 3),)
    return Step(at, action, (client, *arguments))


def _arrivals(chance: Random, clients: int, servers: int) -> list[Step]:
    """Clients that connect, and their subscriptions."""
    steps = []
    for client in range(clients):
        at = round(chance.uniform(0.0, 1.0), 6)
        steps.append(Step(at, "arrive", (client, chance.randrange(servers))))
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            arguments = (client, chance.choice(_PATTERNS), chance.choice(_QUEUES))
            steps.append(Step(at, "sub", arguments))
        if chance.random() < 0.3:
            steps.append(Step(at, "sub", (client, chance.choice((*_SERVICES, "svc.*")), "workers")))
    return steps


# --- faults --------------------------------------------------------------------------


def _one_server(chance: Random, servers: int) -> tuple[Argument, ...]:
    return (chance.randrange(servers),)


def _for_a_while(chance: Random, servers: int) -> tuple[Argument, ...]:
    return (chance.randrange(servers), round(chance.choice((0.5, 3.0, 8.0, 20.0)) * chance.random(), 3))


def _two_servers(chance: Random, servers: int) -> tuple[Argument, ...]:
    one = chance.randrange(servers)
    return one, (one + chance.randrange(1, servers)) % servers


def _slow(chance: Random, servers: int) -> tuple[Argument, ...]:
    return (*_two_servers(chance, servers), chance.choice((2_000, 20_000, 200_000)))


def _delay(chance: Random, servers: int) -> tuple[Argument, ...]:
    return (*_two_servers(chance, servers), round(chance.uniform(0.01, 0.3), 4))


def _split(chance: Random, servers: int) -> tuple[Argument, ...]:
    """The directions that are cut, and the servers on one side."""
    side = chance.sample(range(servers), chance.randint(1, max(1, servers // 2)))
    return (chance.choice(("both", "both", "out", "in")), *side)


def _client_side(chance: Random, _servers: int) -> tuple[Argument, ...]:
    return chance.randrange(12), round(chance.uniform(0.1, 20.0), 3)


def _hostile(chance: Random, servers: int) -> tuple[Argument, ...]:
    """The server, the port, the input, and the seconds until it disconnects."""
    port = chance.choice(("routes", "clients"))
    return chance.randrange(servers), port, chance.randrange(1000), round(chance.uniform(0.1, 30.0), 3)


FAULTS: Final[dict[str, tuple[int, Callable[[Random, int], tuple[Argument, ...]]]]] = {
    "power-off": (6, _one_server),
    "kill": (8, _one_server),
    "stop": (5, _one_server),
    "start": (22, _one_server),
    "split": (10, _split),
    "heal": (10, lambda _chance, _servers: ()),
    "freeze": (6, _for_a_while),
    "reset": (6, _two_servers),
    "slow": (4, _slow),
    "delay": (6, _delay),
    "refuse-routes": (3, _for_a_while),
    "disconnect": (4, _client_side),
    "hostile": (6, _hostile),
}
"""Weight and arguments of each fault."""


def _fault_step(chance: Random, at: float, servers: int) -> Step:
    action = chance.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
    return Step(at, action, FAULTS[action][1](chance, servers))


def _rolling_restart(chance: Random, seconds: float, servers: int) -> list[Step]:
    """Every server is stopped and started, one after the other."""
    turn = seconds / (servers + 1)
    action = chance.choice(("stop", "stop", "kill", "power-off"))
    away = turn * chance.uniform(0.1, 0.9)
    steps = [Step(round(turn * (number + 0.1), 6), action, (number,)) for number in range(servers)]
    return steps + [Step(round(step.at + away, 6), "start", step.arguments) for step in steps]


def _blackout(chance: Random, seconds: float, servers: int) -> list[Step]:
    """All servers stop at once, and start one by one."""
    at, action = round(chance.uniform(0.0, seconds / 2), 6), chance.choice(("kill", "power-off"))
    steps = [Step(at, action, (number,)) for number in range(servers)]
    back = [round(at + chance.uniform(0.0, seconds / 2), 6) for _ in steps]
    return steps + [Step(begin, "start", step.arguments) for begin, step in zip(back, steps, strict=True)]


def _faults(chance: Random, seconds: float, servers: int) -> list[Step]:
    kind = chance.random()
    if kind < 0.08:
        return _rolling_restart(chance, seconds, servers)
    if kind < 0.12:
        return _blackout(chance, seconds, servers)
    count = chance.randint(1, 8)
    return [_fault_step(chance, round(chance.uniform(0.0, seconds), 6), servers) for _ in range(count)]


_ROOMY, _TIGHT = 10 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class _PhaseKind:
    """The kind of a phase."""

    first: bool
    """Whether clients connect in it."""
    heavy: bool
    """Whether clients publish large volumes."""
    faulty: bool


def _phase(chance: Random, clients: int, servers: int, kind: _PhaseKind) -> Phase:
    long = chance.random() < 0.15  # long enough to notice silent peers
    seconds = round(chance.uniform(40.0, 90.0) if long else chance.uniform(3.0, 20.0), 3)
    steps = _arrivals(chance, clients, servers) if kind.first else []
    for _ in range(chance.randint(5, 50)):
        at = round(chance.uniform(1.0, seconds), 6)
        steps.append(_traffic_step(chance, at, clients, servers, heavy=kind.heavy))
    if kind.faulty:
        steps += _faults(chance, seconds, servers)
    return Phase(seconds, tuple(sorted(steps, key=lambda step: step.at)))


def _modernized(scenario: Scenario) -> Scenario:
    """In most seeds servers of today, in some of them with others among them; and clients of all kinds."""
    chance = Random(f"4:features:{scenario.seed}")
    if chance.random() < 0.3:
        return scenario
    share = chance.choice((1.0, 1.0, 0.8, 0.5))
    specs = tuple(replace(spec, current=chance.random() < share) for spec in scenario.server_specs)
    return replace(
        scenario, server_specs=specs, features=tuple(_features(chance) for _ in range(_KINDS_OF_CLIENTS))
    )


_KINDS_OF_CLIENTS: Final = 11
"""How many are made for a seed; they are given to clients in turn."""


def _features(chance: Random) -> Features:
    headers = chance.random() < 0.7
    return Features(headers, headers and chance.random() < 0.8, chance.random() < 0.8)


def is_tree(seed: int) -> bool:
    """Whether the servers of a seed are a tree."""
    return seed % TREES == TREES - 1


def make_scenario(seed: int) -> Scenario:
    """The scenario of a seed; the same in every process."""
    if is_tree(seed):
        return _tree(seed)
    chance = Random(f"4:{seed}")
    scenario = _scenario(seed, chance, cluster_specs(chance))
    return _modernized(scenario)


def _tree(seed: int) -> Scenario:
    """A tree, whose servers are all of today."""
    chance = Random(f"tree:{VERSION}:{seed}")
    scenario = _scenario(seed, chance, tree_specs(chance))
    return replace(scenario, features=tuple(_features(chance) for _ in range(_KINDS_OF_CLIENTS)))


def _scenario(seed: int, chance: Random, server_specs: tuple[ServerSpec, ...]) -> Scenario:
    """What happens to these servers."""
    servers, clients = len(server_specs), chance.randint(2, 10)
    latency = chance.choice((0.0, 0.0005, 0.001, 0.01, 0.05, 0.15))
    conditions = NetworkConditions(
        latency,
        jitter=latency * chance.choice((0.0, 0.5, 2.0)),
        max_read=chance.choice((0, 0, 0, 1, 11, 400)),
        capacity=chance.choice((256 * 1024, 32 * 1024)),
    )
    tight = latency <= 0.001 and chance.random() < 0.5
    count = chance.randint(2, 4) if servers <= 10 else 2
    phases = []
    for number in range(count):
        # Clients connect in the first phase, so it has few faults: later phases find a working cluster.
        heavy, faulty = chance.random() < (0.5 if tight else 0.1), chance.random() < (0.9 if number else 0.2)
        phases.append(_phase(chance, clients, servers, _PhaseKind(not number, heavy, faulty)))
    route_password = chance.random() < 0.3
    return Scenario(
        seed, server_specs, conditions, route_password, _TIGHT if tight else _ROOMY, tuple(phases)
    )
