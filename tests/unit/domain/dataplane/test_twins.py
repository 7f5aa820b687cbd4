"""The twins: whatever is sent, however it is cut, each does what the plain one does.

The plain twin is compared with itself too, so that the test is tested everywhere.
"""

from array import array
from dataclasses import dataclass, field
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.constants import MEMBER_MARK
from app.domain.dataplane.message_run import AckNumbers, joined
from app.domain.dataplane.reach import Naming
from app.domain.dataplane.seam import (
    NOT_KEPT,
    Decision,
    Group,
    Hook,
    HookedMessage,
    Inlet,
    Kind,
    MakePlane,
    Plan,
    Plane,
    Planner,
    Progress,
    Search,
    Target,
)
from app.domain.subjects.subject import is_literal, is_pattern, matches, tokens_of
from tests.fakes.data_plane import ScriptedSearch, ScriptedSubscription, Station
from tests.support.traffic_strategies import (
    HEADED,
    ROUTE_TRAFFIC,
    SPACIOUS,
    SPACIOUS_ROUTE,
    TRAFFIC,
    cuts,
    pieces,
)
from tests.support.twins import twins

MAX_PAYLOAD = 400_000
MAX_LINE = 200
SEED = 42
LISTENERS = 4
PAST = 4
"""The audience of messages that have been past the publish hooks."""
SETUP = b"SUB a 1\r\nSUB a.* q sid\r\nSUB > q 2\r\n"
CLIENT, PEDANT, ROUTE, TRACED_ROUTE = range(4)
"""The stations, and their audiences: both routes have that of the first."""

CROSSINGS = [
    b"MSG a RSID:1:2 2\r\nok\r\n",
    b"MSG a QRSID:sid 2\r\nok\r\n",
    b"MSG QRSID:sid QRSID:sid 2\r\nok\r\n",
    b"MSG QRSID:sid a 2\r\nok\r\n",
    b"PUB QRSID:sid 2\r\nok\r\n",
    b"PUB a 2\r\nok\r\n",
    b"PUB a 400001\r\n",
    b"PUB a" + 290 * b" " + b"2\r\nok\r\n",
    b"PUB a" + 220 * b" " + b"2\r\nok\r\n",
    b"PUB a 2\r\nok\r\nPUB a 2\r\n",
    b"HPUB a 1 2\r\nok\r\n",
    b"HPUB nobody re 0 2\r\nok\r\n",
    b"HMSG a RSID:1:2 1 2\r\nok\r\n",
    b"ok\r\n",
    b"SUB > q sid\r\n",
    b"UNSUB sid\r\n",
]
"""What one kind of connection may send, and what would harm if another kind's were mistaken for it."""


@dataclass
class _Listener:
    """A target, as the planner of this test knows it."""

    pattern: bytes
    queue: bytes | None
    sid: bytes
    target: Target


class _SlowPlanner(Planner):
    """Plans by going through all listeners; refuses what is no literal to pedants, and denies some.

    Some subjects take several turns, and some decisions are for one message. Groups of one
    name on several patterns have a part for each. Hooks see what is published on some subjects,
    and to whom it is delivered on others.
    """

    def __init__(self) -> None:
        self.listeners: list[_Listener] = []
        self.asked: list[tuple[int, bytes]] = []
        self.sought: list[bytes] = []
        self.groups: dict[tuple[bytes, bytes], Group] = {}
        self.has_hooks = False

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        self.asked.append((audience, subject))
        search = ScriptedSearch(lambda: self._decide(plane, audience, subject), 1 + len(subject) % 3)
        return search.go_on() or search

    def _decide(self, plane: Plane, audience: int, subject: bytes) -> Decision:
        if audience == PEDANT and subject.startswith((b"b.", b"a.b.")):
            refusal = b"" if is_literal(subject) else b"-ERR 'Invalid Subject'\r\n"
            return plane.plan((), (), refusal, denied=True), max(2, self._decisive(subject))
        if audience == PEDANT and not is_literal(subject):
            return plane.plan((), (), b"-ERR 'Invalid Subject'\r\n"), self._decisive(subject)
        if self.has_hooks and audience in (CLIENT, PEDANT) and subject in (b"a.b", b"b"):
            return plane.plan((), (), hook=Hook.PUBLISH), len(tokens_of(subject))
        tokens = tokens_of(subject)
        plain: list[Target] = []
        groups: dict[bytes, list[Group]] = {}
        for listener in self.listeners:
            if not matches(tokens_of(listener.pattern), tokens):
                continue
            if listener.queue is None:
                plain.append(listener.target)
            else:
                part = self.groups[listener.pattern, listener.queue]
                if part not in groups.setdefault(listener.queue, []):
                    groups[listener.queue].append(part)
        kept = NOT_KEPT if subject == b"b" else max(2 * (audience == PEDANT), self._decisive(subject))
        if self.has_hooks and len(tokens) < 3 and (plain or groups):
            return plane.plan(plain, list(groups.values()), hook=Hook.DELIVER), max(kept, 3)
        return plane.plan(plain, list(groups.values())), kept

    def add(self, plane: Plane, listener: "_Listener") -> None:
        """It listens from now on."""
        self.listeners.append(listener)
        if listener.queue is not None:
            group = self.groups.setdefault((listener.pattern, listener.queue), plane.group())
            group.add(listener.target)

    def remove(self, listener: "_Listener") -> None:
        """It listens no more."""
        self.listeners.remove(listener)
        if listener.queue is not None:
            self.groups[listener.pattern, listener.queue].remove(listener.target)

    def _decisive(self, subject: bytes) -> int:
        """As far as some listener asks for a particular token."""
        tokens = tokens_of(subject)
        if not is_literal(subject):
            return len(tokens)
        return max((self._reach(listener.pattern, tokens) for listener in self.listeners), default=0)

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        """The listener whose sid follows the mark, if it is in a group."""
        self.sought.append(sid)
        named = [
            listener.target
            for listener in self.listeners
            if listener.queue is not None and listener.sid == sid.removeprefix(MEMBER_MARK)
        ]
        return plane.plan(named[:1], ()) if named else None

    def plan_failover(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """All members of groups on this subject, for a sid that names none."""
        self.sought.append(sid)
        tokens = tokens_of(subject)
        parts = [group for (pattern, _), group in self.groups.items() if matches(tokens_of(pattern), tokens)]
        return plane.plan((), [parts] if parts else ())

    @staticmethod
    def _reach(pattern: bytes, tokens: list[bytes]) -> int:
        """How far a pattern has to be compared with the tokens."""
        reach = 0
        for depth, (wanted, token) in enumerate(zip(tokens_of(pattern), tokens, strict=False), 1):
            if wanted == b">":
                break
            if wanted != b"*":
                reach = depth
                if wanted != token:
                    break
        return reach


@dataclass
class _Account:
    """All that can be seen of a plane at work."""

    answers: list[Progress] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)


class _Ensemble:
    """A plane with two clients and two routes, and a control plane that obeys a little."""

    def __init__(self, make_plane: MakePlane, alarm: int, pace: float) -> None:
        self.planner = _SlowPlanner()
        self.plane = make_plane(self.planner, SEED, MAX_PAYLOAD, MAX_LINE)
        self.time = 0.0
        self.pace = pace
        self.plane.clock = self._tick
        kinds = (Kind.CLIENT, Kind.CLIENT, Kind.ROUTE, Kind.ROUTE)
        self.stations = [Station(self.plane, kind) for kind in kinds]
        for station, audience in zip(self.stations, (CLIENT, PEDANT, ROUTE, ROUTE), strict=True):
            station.inlet.audience = audience
        self.stations[PEDANT].inlet.verbose = True
        self.stations[PEDANT].inlet.echo = False
        for number in (CLIENT, PEDANT, ROUTE):
            self.stations[number].inlet.headers = True
            self.stations[number].inlet.traces = True
        for number in (CLIENT, ROUTE):
            self.stations[number].outbox.headers = True
            self.stations[number].inlet.no_responders = True
        self.stations[CLIENT].outbox.naming = Naming.ALL
        self.stations[PEDANT].outbox.naming = Naming.MEMBERS
        self.stations[CLIENT].inlet.guarded = self.stations[PEDANT].inlet.guarded = True
        for station in (self.stations[PEDANT], self.stations[TRACED_ROUTE]):
            station.outbox.trace = True
            station.inlet.trace = True
        self.past = [plane_inlet(self.plane, station) for station in self.stations]
        self.targets: list[Target] = []
        for number, station in enumerate(self.stations):
            station.control.pass_on = partial(self._see, number)
        for station in self.stations:
            station.outbox.alarm = alarm
            station.control.obey = self._obey
            station.owner.decide = partial(self._decide, station)
        self.account = _Account()
        self._presses = 0

    def _tick(self) -> float:
        """A clock that is the same for both, if they look at it as often."""
        self.time += self.pace
        return self.time

    def _decide(self, station: Station) -> bool:
        """Hold at some presses, and mark the outbox as congested from time to time."""
        self._presses += 1
        station.outbox.congested = self._presses % 3 != 0
        return self._presses % 7 in {2, 4}

    def _see(self, number: int, plan: Plan, message: HookedMessage) -> bool:
        """Be the hooks: publish past them at times, and deliver to some; stop at times."""
        station, past, plane = self.stations[number], self.past[number], self.plane
        words = [b"HPUB" if message.header else b"PUB", message.subject, message.reply]
        words += [b"%d" % message.header] * bool(message.header) + [b"%d" % len(message.payload)]
        data = b" ".join(filter(None, words)) + b"\r\n" + message.payload + b"\r\n"
        if plan.hook == Hook.DELIVER:
            skip = None if station.inlet.echo else station.outbox
            for place, target in enumerate(plane.receivers(plan, skip)):
                if (len(data) + place) % 3:
                    plane.deliver_to(target, message)
        elif len(data) % 4 and not past.has_rest():
            past.verbose, past.echo = station.inlet.verbose, station.inlet.echo
            past.put(data)
            self._go_past(past)
        return len(data) % 5 != 0

    def _go_past(self, past: Inlet) -> None:
        progress = None
        for _ in range(9):
            progress = self.plane.ingest(past, 0)
            self.account.answers.append(progress)
            if not past.has_rest():
                break

    def _obey(self, line: bytes) -> bool:
        """Add and remove listeners, in a way that depends on the line alone; stop at times."""
        words = line.strip(b"\r").split()
        if words[:1] == [b"SUB"] and len(words) > 2 and len(self.targets) < LISTENERS:
            if is_pattern(tokens_of(words[1])):
                self._subscribe(words)
        elif words[:1] == [b"UNSUB"] and self.planner.listeners:
            self._retire(self.planner.listeners[len(line) % len(self.planner.listeners)])
        return len(line) % 5 != 0

    def _subscribe(self, words: list[bytes]) -> None:
        subscription = ScriptedSubscription()
        station = self.stations[len(words) % 2]
        target = station.target(words[-1], subscription)
        listener = _Listener(words[1], words[2] if len(words) > 3 else None, words[-1], target)
        target.limit = 3 if words[-1] == b"3" else 0
        station.inlet.answer_at(b"r", target)
        subscription.act = lambda: self._retire(listener)
        self.targets.append(target)
        self.planner.add(self.plane, listener)
        self._forget_plans(listener)

    def _retire(self, listener: _Listener) -> None:
        listener.target.retire()
        self.planner.remove(listener)
        self._forget_plans(listener)

    def _forget_plans(self, listener: _Listener) -> None:
        self.plane.changed(listener.pattern)
        if listener.queue is not None:
            self.plane.forget_member(MEMBER_MARK + listener.sid)

    def run(self, parts: list[tuple[int, bytes]]) -> _Account:
        """Feed each part to its station, going on after each stop, and tell all that happened."""
        for number, (sender, part) in enumerate(parts):
            station = self.stations[sender]
            self.plane.now = float(number + 1)
            self.plane.patient = (None, lambda: True, lambda: False)[number % 3]
            self.plane.until = self.time + 1.0
            if self.past[sender].has_rest():
                self._go_past(self.past[sender])
            left = part
            while left:
                count = station.put(left)
                left = left[count:]
                self._finish(station, self.plane.ingest(station.inlet, count))
            self._deliver(number, part)
            if number % 3 == 0:
                self.plane.flush()
        self.account.seen += [self._describe(station) for station in self.stations]
        self.account.seen += [(target.delivered, target.limit) for target in self.targets]
        plane = self.plane
        self.account.seen.append((plane.in_msgs, plane.in_bytes, plane.out_msgs, plane.out_bytes))
        self.account.seen.append((self.time, plane.plan_figures()[:3]))
        self.account.seen.append((plane.plan_hits, self.planner.asked, self.planner.sought))
        return self.account

    def _deliver(self, number: int, part: bytes) -> None:
        """Have the server send messages of its own, in a way that depends on the number alone."""
        self.plane.server = self.stations[number % 5].outbox if number % 5 < len(self.stations) else None
        for to in (b"a", b"a.b", b"x"):
            subject = to if number % 4 == 0 else b"stored.subject"
            block = b"NATS/1.0\r\n\r\n" if number % 2 else b""
            reply = b"" if number % 3 else b"reply"
            self.account.seen.append(self.plane.reach(to))
            self.account.seen.append(self.plane.deliver(to, subject, reply, block, part[: 40 * number]))
            self._deliver_run(to, number, part)

    def _deliver_run(self, to: bytes, number: int, part: bytes) -> None:
        """The same for messages of a stream."""
        bodies = [part[: 30 * at] for at in range(4)]
        run = joined(
            array("q", range(5, 9)),
            array("q", (10**18,) * 4),
            [b"stored", b"stored.other", to if number % 4 == 1 else b"x", b"stored"],
            array("q", (min(len(body), number % 3) for body in bodies)),
            bodies,
            1 << 30,
        )
        assert run is not None
        acks = AckNumbers(b"$JS.ACK.S.C.1.", number, number % 7)
        self.account.seen.append(self.plane.deliver_run(to, run, acks, 200 * number))

    def _finish(self, station: Station, progress: Progress) -> None:
        """Go on until the ingest ends of itself."""
        self.account.answers.append(progress)
        while progress is not Progress.DONE and station.inlet.has_rest():
            self.plane.until = self.time + 1.0
            progress = station.go_on()
            self.account.answers.append(progress)

    def _describe(self, station: Station) -> object:
        inlet, outbox, control = station.inlet, station.outbox, station.control
        return (
            station.heard(),
            (control.lines, control.partials, control.faults, control.traces),
            (control.unanswered, control.denials, control.hooked_messages),
            (station.owner.presses, station.owner.heads),
            (inlet.in_msgs, inlet.in_bytes, inlet.last_publish, inlet.has_rest()),
            (outbox.out_msgs, outbox.out_bytes, outbox.last_delivery, outbox.pending(), outbox.passed()),
            (outbox.congested, inlet.kept(), inlet.serves_another(outbox, 100)),
            len(self.plane.reserve(inlet)),
        )


def plane_inlet(plane: Plane, station: Station) -> Inlet:
    """Where the station's messages go on that hooks have let pass."""
    past = plane.inlet(station.control, station.outbox, Kind.CLIENT)
    past.publishing = past.headers = True
    past.audience = PAST
    return past


def test_the_plain_twin_always_runs() -> None:
    """Wherever the tests run, the twin that defines the behaviour is among those tested."""
    assert "python" in twins()


def _check_twins(
    make_plane: MakePlane, parts: list[tuple[int, bytes]], alarm: int, pace: float = 0.0
) -> None:
    """With hooks and without."""
    _, reference = choose("python")
    for has_hooks in (False, True):
        expected, actual = _Ensemble(reference, alarm, pace), _Ensemble(make_plane, alarm, pace)
        expected.planner.has_hooks = actual.planner.has_hooks = has_hooks

        assert expected.run(parts) == actual.run(parts)


def _from(sender: int, data: bytes, shares: list[float]) -> list[tuple[int, bytes]]:
    """All from one station, after some subscriptions."""
    return [(sender, part) for part in (SETUP, *pieces(data, shares))]


ALARMS = st.sampled_from([0, 30, 200, 10_000, 1 << 40])
TERMS = st.tuples(ALARMS, st.sampled_from([0.0, 0.1, 0.4, 2.0]))
"""An alarm, and seconds between two readings of the clock; a turn is one second long."""


@given(sender=st.sampled_from([CLIENT, PEDANT]), data=TRAFFIC, shares=cuts(), terms=TERMS)
def test_twins_agree(
    make_plane: MakePlane, sender: int, data: bytes, shares: list[float], terms: tuple[int, float]
) -> None:
    """Equal input in equal pieces gives equal output, questions, answers, counters and room."""
    _check_twins(make_plane, _from(sender, data, shares), *terms)


@given(sender=st.sampled_from([ROUTE, TRACED_ROUTE]), data=ROUTE_TRAFFIC, shares=cuts(), terms=TERMS)
def test_twins_agree_on_routes(
    make_plane: MakePlane, sender: int, data: bytes, shares: list[float], terms: tuple[int, float]
) -> None:
    """The same holds for what peer servers send."""
    _check_twins(make_plane, _from(sender, data, shares), *terms)


@given(data=SPACIOUS, shares=cuts(), alarm=st.sampled_from([100_000, 1 << 40]))
def test_twins_agree_on_large_messages(
    make_plane: MakePlane, data: bytes, shares: list[float], alarm: int
) -> None:
    """The same holds where messages have buffers of their own."""
    _check_twins(make_plane, _from(CLIENT, data, shares), alarm)


@given(data=SPACIOUS_ROUTE, shares=cuts(), alarm=st.sampled_from([100_000, 1 << 40]))
def test_twins_agree_on_large_routed_messages(
    make_plane: MakePlane, data: bytes, shares: list[float], alarm: int
) -> None:
    """The same holds where such messages are routed."""
    _check_twins(make_plane, _from(ROUTE, data, shares), alarm)


@given(
    parts=st.lists(st.tuples(st.integers(CLIENT, TRACED_ROUTE), st.sampled_from(CROSSINGS))),
    terms=TERMS,
)
def test_twins_agree_on_clients_and_routes_in_turns(
    make_plane: MakePlane, parts: list[tuple[int, bytes]], terms: tuple[int, float]
) -> None:
    """Whatever one kind of connection sent before another, each is judged for itself."""
    _check_twins(make_plane, [(CLIENT, SETUP), *parts], *terms)


@given(
    parts=st.lists(
        st.tuples(st.integers(CLIENT, TRACED_ROUTE), st.one_of(TRAFFIC, ROUTE_TRAFFIC)), max_size=6
    ),
    terms=TERMS,
)
def test_twins_agree_on_a_whole_ensemble(
    make_plane: MakePlane, parts: list[tuple[int, bytes]], terms: tuple[int, float]
) -> None:
    """The same holds for all that clients and routes say among each other."""
    _check_twins(make_plane, [(CLIENT, SETUP), *((sender, part) for sender, part in parts if part)], *terms)


@given(
    parts=st.lists(st.tuples(st.integers(CLIENT, TRACED_ROUTE), HEADED), max_size=4),
    terms=TERMS,
)
def test_twins_agree_on_headers(
    make_plane: MakePlane, parts: list[tuple[int, bytes]], terms: tuple[int, float]
) -> None:
    """The same holds for messages with headers, from peers that may send them and from others."""
    _check_twins(make_plane, [(CLIENT, SETUP), *((sender, part) for sender, part in parts if part)], *terms)
