"""What a seed stands for: a cluster, its traffic and its misfortunes, as plain data.

A scenario is decided before it is played, and every step stands by itself: one that finds
nothing to act on does nothing. So steps can be left out, to find out which ones matter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

VERSION: Final = 2
"""Raised whenever a seed comes to stand for something else."""

Word = int | float | str | None


def number_of(word: Word) -> int:
    """A word that counts, or names a server or a client."""
    assert isinstance(word, int)
    return word


def amount_of(word: Word) -> float:
    """A word that measures."""
    assert isinstance(word, int | float)
    return float(word)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done, so many seconds after its phase began."""

    at: float
    verb: str
    words: tuple[Word, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether it is a misfortune, not traffic."""
        return self.verb in FAULTS

    def __str__(self) -> str:
        return f"{self.at:9.4f}  {self.verb} {' '.join(map(str, self.words))}"


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps within a stretch of time; a quiet period follows."""

    seconds: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """One server of the cluster: whom it is told of, and how it names itself."""

    routes: tuple[int, ...]
    """Numbers of the servers in its list of routes; its own among them, perhaps, and some twice."""
    late: bool = False
    """Whether it starts only when a step says so."""
    anywhere: bool = False
    """Whether it gives 0.0.0.0 as the host of its cluster listener."""
    by_name: bool = True
    """Whether its list of routes has names; otherwise addresses."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The ways between machines: seconds and bytes."""

    latency: float
    jitter: float
    grain: int
    """Most bytes that one of the first reads of an arrival gets; 0 for no bound."""
    capacity: int
    """Bytes of one direction of a link that its kernels hold."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a seed decides, apart from chance while it is played."""

    seed: int
    seats: tuple[Seat, ...]
    weather: Weather
    guarded: bool
    """Whether servers ask each other for a password."""
    max_pending: int
    """Bytes that may wait for one client."""
    phases: tuple[Phase, ...]

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return sum(len(phase.steps) for phase in self.phases)

    def lines(self) -> list[str]:
        """For people: the cluster, and every step."""
        lines = [f"{self.weather}{', with passwords between servers' if self.guarded else ''}"]
        lines += [f"server {number}: {seat}" for number, seat in enumerate(self.seats)]
        for number, phase in enumerate(self.phases):
            lines.append(f"phase {number} of {phase.seconds:g} s")
            lines += [str(step) for step in phase.steps]
        return lines


# --- topologies ------------------------------------------------------------------


def _all_to_seed(count: int, _chance: Random) -> list[list[int]]:
    return [[0] for _ in range(count)]  # the seed's own list names itself


def _chain(count: int, _chance: Random) -> list[list[int]]:
    return [[number - 1] if number else [] for number in range(count)]


def _mutual(count: int, _chance: Random) -> list[list[int]]:
    return [[other for other in range(count) if other != number] for number in range(count)]


def _same_list(count: int, chance: Random) -> list[list[int]]:
    """Every server is given one list that names some of them, perhaps twice, perhaps itself."""
    named = [chance.randrange(count) for _ in range(min(count, chance.randint(2, 5)))]
    return [list(named) for _ in range(count)]


def _tree(count: int, chance: Random) -> list[list[int]]:
    """Every server knows some earlier one, or is known by it."""
    lists: list[list[int]] = [[] for _ in range(count)]
    for number in range(1, count):
        other = chance.randrange(number)
        one, two = (number, other) if chance.random() < 0.7 else (other, number)
        lists[one].append(two)
    for _ in range(chance.randrange(count)):
        lists[chance.randrange(count)].append(chance.randrange(count))
    return lists


TOPOLOGIES: Final[tuple[Callable[[int, Random], list[list[int]]], ...]] = (
    _all_to_seed,
    _chain,
    _mutual,
    _same_list,
    _tree,
)

_SIZES: Final = ((2, 3, 20), (3, 3, 30), (4, 6, 34), (7, 10, 10), (11, 20, 4), (21, 50, 2))
"""From, to, and how many of a hundred seeds have so many servers."""


def _seats(chance: Random) -> tuple[Seat, ...]:
    low, high, _ = chance.choices(_SIZES, [share for _, _, share in _SIZES])[0]
    count = chance.randint(low, high)
    lists = chance.choice(TOPOLOGIES if count <= 20 else TOPOLOGIES[:2])(count, chance)
    return tuple(
        Seat(
            tuple(routes),
            late=number > 1 and chance.random() < 0.12,
            anywhere=chance.random() < 0.4,
            by_name=chance.random() < 0.5,
        )
        for number, routes in enumerate(lists)
    )


# --- traffic -----------------------------------------------------------------------

_WORDS: Final = ("a", "b", "c")
_PATTERNS: Final = ("a.a", "a.b", "b.a", "c", "a.*", "*.a", "*.*", "a.>", ">", "b.*.c")
_QUEUES: Final = (None, None, "q", "r")
_SERVICES: Final = ("svc.one", "svc.two")


def _subject(chance: Random) -> str:
    return ".".join(chance.choice(_WORDS) for _ in range(chance.choice((1, 2, 2, 2, 3))))


_VERBS: Final = ("pub", "req", "sub", "unsub", "limit", "move", "leave", "arrive", "stall")
_ORDINARY: Final = (60, 10, 10, 5, 5, 4, 2, 3, 1)
_HEAVY: Final = (60, 10, 5, 3, 3, 2, 1, 3, 8)
"""How often each comes."""


def _traffic_step(chance: Random, at: float, clients: int, servers: int, *, heavy: bool) -> Step:
    client = chance.randrange(clients)
    verb = chance.choices(_VERBS, _HEAVY if heavy else _ORDINARY)[0]
    words: tuple[Word, ...] = ()
    if verb == "pub" and heavy:
        size = chance.choice((10, 1000, 20_000, 200_000))
        words = (_subject(chance), chance.choice((1, 2, 5) if size > 20_000 else (1, 5, 20, 100)), size)
    elif verb == "pub":
        size = chance.choice((0, 10, 10, 100, 100, 1000, 20_000))
        words = (_subject(chance), chance.choice((1, 1, 2, 5, 20)), size)
    elif verb == "req":
        words = (chance.choice(_SERVICES),)
    elif verb == "sub":
        words = (chance.choice(_PATTERNS), chance.choice(_QUEUES))
    elif verb == "unsub":
        words = (chance.randrange(8),)
    elif verb == "limit":
        words = (chance.randrange(8), chance.randint(1, 20))
    elif verb in ("move", "arrive"):
        words = (chance.randrange(servers),)
    elif verb == "leave":
        words = (chance.choice(("close", "abort")),)
    elif verb == "stall":
        words = (round(chance.uniform(0.1, 6.0), 3),)
    return Step(at, verb, (client, *words))


def _audience(chance: Random, clients: int, servers: int) -> list[Step]:
    """Clients that arrive, and what they listen to."""
    steps = []
    for client in range(clients):
        at = round(chance.uniform(0.0, 1.0), 6)
        steps.append(Step(at, "arrive", (client, chance.randrange(servers))))
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            words = (client, chance.choice(_PATTERNS), chance.choice(_QUEUES))
            steps.append(Step(at, "sub", words))
        if chance.random() < 0.3:
            steps.append(Step(at, "sub", (client, chance.choice((*_SERVICES, "svc.*")), "workers")))
    return steps


# --- misfortunes ---------------------------------------------------------------------


def _one_server(chance: Random, servers: int) -> tuple[Word, ...]:
    return (chance.randrange(servers),)


def _for_a_while(chance: Random, servers: int) -> tuple[Word, ...]:
    return (chance.randrange(servers), round(chance.choice((0.5, 3.0, 8.0, 20.0)) * chance.random(), 3))


def _two_servers(chance: Random, servers: int) -> tuple[Word, ...]:
    one = chance.randrange(servers)
    return one, (one + chance.randrange(1, servers)) % servers


def _slow(chance: Random, servers: int) -> tuple[Word, ...]:
    return (*_two_servers(chance, servers), chance.choice((2_000, 20_000, 200_000)))


def _delay(chance: Random, servers: int) -> tuple[Word, ...]:
    return (*_two_servers(chance, servers), round(chance.uniform(0.01, 0.3), 4))


def _split(chance: Random, servers: int) -> tuple[Word, ...]:
    """Which way nothing passes, and who is on the one side."""
    side = chance.sample(range(servers), chance.randint(1, max(1, servers // 2)))
    return (chance.choice(("both", "both", "out", "in")), *side)


def _client_side(chance: Random, _servers: int) -> tuple[Word, ...]:
    return chance.randrange(12), round(chance.uniform(0.1, 20.0), 3)


def _stranger(chance: Random, servers: int) -> tuple[Word, ...]:
    """Whom it visits, on which port, with what to say, for how long."""
    port = chance.choice(("routes", "clients"))
    return chance.randrange(servers), port, chance.randrange(1000), round(chance.uniform(0.1, 30.0), 3)


FAULTS: Final[dict[str, tuple[int, Callable[[Random, int], tuple[Word, ...]]]]] = {
    "power": (6, _one_server),
    "kill": (8, _one_server),
    "stop": (5, _one_server),
    "start": (22, _one_server),
    "split": (10, _split),
    "heal": (10, lambda _chance, _servers: ()),
    "freeze": (6, _for_a_while),
    "reset": (6, _two_servers),
    "slow": (4, _slow),
    "delay": (6, _delay),
    "deaf": (3, _for_a_while),
    "lose": (4, _client_side),
    "stranger": (6, _stranger),
}
"""How often each comes, among the others, and with which words."""


def _fault_step(chance: Random, at: float, servers: int) -> Step:
    verb = chance.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
    return Step(at, verb, FAULTS[verb][1](chance, servers))


def _rolling_restart(chance: Random, seconds: float, servers: int) -> list[Step]:
    """Every server is stopped and started, one after the other."""
    turn = seconds / (servers + 1)
    verb = chance.choice(("stop", "stop", "kill", "power"))
    away = turn * chance.uniform(0.1, 0.9)
    steps = [Step(round(turn * (number + 0.1), 6), verb, (number,)) for number in range(servers)]
    return steps + [Step(round(step.at + away, 6), "start", step.words) for step in steps]


def _blackout(chance: Random, seconds: float, servers: int) -> list[Step]:
    """All servers go at once, and come back one by one."""
    at, verb = round(chance.uniform(0.0, seconds / 2), 6), chance.choice(("kill", "power"))
    steps = [Step(at, verb, (number,)) for number in range(servers)]
    back = [round(at + chance.uniform(0.0, seconds / 2), 6) for _ in steps]
    return steps + [Step(begin, "start", step.words) for begin, step in zip(back, steps, strict=True)]


def _misfortunes(chance: Random, seconds: float, servers: int) -> list[Step]:
    kind = chance.random()
    if kind < 0.08:
        return _rolling_restart(chance, seconds, servers)
    if kind < 0.12:
        return _blackout(chance, seconds, servers)
    count = chance.randint(1, 8)
    return [_fault_step(chance, round(chance.uniform(0.0, seconds), 6), servers) for _ in range(count)]


_ROOMY, _TIGHT = 10 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Mood:
    """What kind of phase it is to be."""

    first: bool
    """Clients arrive in it."""
    heavy: bool
    """They flood each other."""
    faulty: bool


def _phase(chance: Random, clients: int, servers: int, mood: _Mood) -> Phase:
    long = chance.random() < 0.15  # so long that what is lost is noticed within it
    seconds = round(chance.uniform(40.0, 90.0) if long else chance.uniform(3.0, 20.0), 3)
    steps = _audience(chance, clients, servers) if mood.first else []
    for _ in range(chance.randint(5, 50)):
        at = round(chance.uniform(1.0, seconds), 6)
        steps.append(_traffic_step(chance, at, clients, servers, heavy=mood.heavy))
    if mood.faulty:
        steps += _misfortunes(chance, seconds, servers)
    return Phase(seconds, tuple(sorted(steps, key=lambda step: step.at)))


def make_scenario(seed: int) -> Scenario:
    """What the seed stands for; the same in every process."""
    chance = Random(f"{VERSION}:{seed}")
    seats = _seats(chance)
    servers, clients = len(seats), chance.randint(2, 10)
    latency = chance.choice((0.0, 0.0005, 0.001, 0.01, 0.05, 0.15))
    weather = Weather(
        latency,
        jitter=latency * chance.choice((0.0, 0.5, 2.0)),
        grain=chance.choice((0, 0, 0, 1, 11, 400)),
        capacity=chance.choice((256 * 1024, 32 * 1024)),
    )
    tight = latency <= 0.001 and chance.random() < 0.5
    count = chance.randint(2, 4) if servers <= 10 else 2
    phases = []
    for number in range(count):
        # The first phase, in which clients arrive, sees few misfortunes: afterwards much is in place.
        heavy, faulty = chance.random() < (0.5 if tight else 0.1), chance.random() < (0.9 if number else 0.2)
        phases.append(_phase(chance, clients, servers, _Mood(not number, heavy, faulty)))
    guarded = chance.random() < 0.3
    return Scenario(seed, seats, weather, guarded, _TIGHT if tight else _ROOMY, tuple(phases))
