"""The twins, with leaf links: whatever is sent, however it is cut, each does what the plain one does."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from app.domain.dataplane import choose
from app.domain.dataplane.reach import Naming
from app.domain.dataplane.seam import (
    Decision,
    Group,
    Hook,
    HookedMessage,
    Kind,
    MakePlane,
    Plan,
    Plane,
    Planner,
    Progress,
    Search,
    Target,
)
from app.domain.subjects.subject import is_pattern, matches, tokens_of
from tests.fakes.data_plane import Station
from tests.support.traffic_strategies import LEAF_TRAFFIC, PROPER, cuts, pieces

LEAF, BARE_LEAF, CLIENT, ROUTE = range(4)
"""The stations: two leaf links, of which one takes no headers, a client and a route of ours."""

KINDS = (Kind.LEAF, Kind.LEAF, Kind.CLIENT, Kind.ROUTE)


class _GroupingPlanner(Planner):
    """Goes through all listeners; groups of one name have a part for each station and pattern."""

    def __init__(self) -> None:
        self.plain: list[tuple[bytes, Target]] = []
        self.parts: dict[tuple[bytes, bytes, int], Group] = {}
        self.asked: list[bytes] = []

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        del audience
        self.asked.append(subject)
        tokens = tokens_of(subject)
        plain = [target for pattern, target in self.plain if matches(tokens_of(pattern), tokens)]
        groups: dict[bytes, list[Group]] = {}
        for (pattern, name, _), part in self.parts.items():
            if matches(tokens_of(pattern), tokens):
                groups.setdefault(name, []).append(part)
        hook = Hook.DELIVER if subject == b"b" and plain else Hook.NONE
        return plane.plan(plain, list(groups.values()), hook=hook), len(tokens)

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        del sid
        return plane.plan((), ())

    def plan_failover(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        del sid, subject
        return plane.plan((), ())


class _Links:
    """A plane with these stations, and a control plane that obeys a little."""

    def __init__(self, make_plane: MakePlane, alarm: int, pace: float) -> None:
        self.planner = _GroupingPlanner()
        self.plane = make_plane(self.planner, 42, 400_000, 200)
        self.time = 0.0
        self.pace = pace
        self.plane.clock = self._tick
        self.stations = [Station(self.plane, kind) for kind in KINDS]
        self.answers: list[Progress] = []
        self.targets: list[Target] = []
        self._presses = 0
        for number, station in enumerate(self.stations):
            station.outbox.alarm = alarm
            station.outbox.leaf = number <= BARE_LEAF
            station.outbox.headers = station.inlet.headers = number != BARE_LEAF
            station.outbox.naming = (Naming.MEMBERS, Naming.MEMBERS, Naming.NEVER, Naming.ALL)[number]
            station.inlet.trace = station.outbox.trace = number == BARE_LEAF
            station.inlet.traces = station.inlet.headers
            station.control.obey = partial(self._obey, number)
            station.control.pass_on = self._pass_on
            station.owner.decide = partial(self._decide, station)
        self.stations[CLIENT].inlet.no_responders = True

    def _tick(self) -> float:
        self.time += self.pace
        return self.time

    def _decide(self, station: Station) -> bool:
        """Hold at some presses, and mark the outbox as congested from time to time."""
        self._presses += 1
        station.outbox.congested = self._presses % 3 != 0
        return self._presses % 7 in {2, 4}

    def _pass_on(self, plan: Plan, message: HookedMessage) -> bool:
        """Be the hooks, which let everything pass."""
        for target in self.plane.receivers(plan, None):
            self.plane.deliver_to(target, message)
        return True

    def _obey(self, number: int, line: bytes) -> bool:
        """Subscribe, in a way that depends on the line alone; stop at times."""
        words = line.strip(b"\r").split()
        if words[:1] in ([b"LS+"], [b"SUB"]) and len(words) > 1 and is_pattern(tokens_of(words[1])):
            self._subscribe((number + len(line)) % len(KINDS), words)
        elif words[:1] in ([b"LS-"], [b"UNSUB"]) and self.planner.plain:
            pattern, target = self.planner.plain.pop(len(line) % len(self.planner.plain))
            target.retire()
            self.plane.changed(pattern)
        return len(line) % 5 != 0

    def _subscribe(self, number: int, words: list[bytes]) -> None:
        pattern, queue = words[1], words[2] if len(words) > 2 else b""
        station = self.stations[number]
        target = station.target(queue if station.outbox.leaf else b"RSID:%d" % len(self.targets))
        self.targets.append(target)
        if queue:
            part = self.planner.parts.setdefault((pattern, queue, number), self.plane.group(queue))
            part.add(target)
            if len(words) > 3 and words[3].isdigit():
                part.weight = max(1, int(words[3][:3]))
        else:
            self.planner.plain.append((pattern, target))
        self.plane.changed(pattern)

    def run(self, parts: list[tuple[int, bytes]]) -> list[object]:
        """Feed each part to its station, going on after each stop; all that happened."""
        for number, (sender, part) in enumerate(parts):
            station = self.stations[sender]
            self.plane.now = float(number)
            self.plane.until = self.time + 1.0
            left = part
            while left:
                count = station.put(left)
                left = left[count:]
                self._finish(station, self.plane.ingest(station.inlet, count))
            for to in (b"a", b"a.b"):
                self.answers.append(self.plane.deliver(to, b"stored", b"$JS.ACK.1", b"", part[:40]))  # type: ignore[arg-type] # all answers in one list
                self.answers.append(self.plane.deliver(to, to, b"", b"NATS/1.0\r\n\r\n", part[:9]))  # type: ignore[arg-type] # the same
            if number % 3 == 0:
                self.plane.flush()
        plane = self.plane
        return [
            self.answers,
            self.planner.asked,
            [target.delivered for target in self.targets],
            (plane.in_msgs, plane.in_bytes, plane.out_msgs, plane.out_bytes, self.time),
            [self._describe(station) for station in self.stations],
        ]

    def _finish(self, station: Station, progress: Progress) -> None:
        self.answers.append(progress)
        while progress is not Progress.DONE and station.inlet.has_rest():
            self.plane.until = self.time + 1.0
            progress = station.go_on()
            self.answers.append(progress)

    def _describe(self, station: Station) -> object:
        inlet, outbox, control, owner = station.inlet, station.outbox, station.control, station.owner
        return (
            station.heard(),
            (control.lines, control.partials, control.faults, control.traces),
            (control.unanswered, control.denials, control.hooked_messages),
            (owner.presses, owner.heads),
            (inlet.in_msgs, inlet.in_bytes, inlet.kept(), inlet.serves_another(outbox, 100)),
            (outbox.out_msgs, outbox.out_bytes, outbox.pending(), outbox.congested),
        )


SETUPS = (
    b"LS+ a\r\nLS+ a q 1\r\nLS+ a.*  r 3 \r\nLS+ > s 2\r\nSUB a q 1\r\nSUB > 2\r\n",
    b"LS+ b\r\nLS+ > \r\nLS+ > q 100\r\nLS+ a q 2 \r\nLS+ a r 1\r\nLS+  a s 7\r\n",
)
ALARMS = st.sampled_from([0, 30, 200, 10_000, 1 << 40])


@given(
    sender=st.sampled_from([LEAF, BARE_LEAF]),
    setup=st.sampled_from(SETUPS),
    data=LEAF_TRAFFIC,
    shares=cuts(),
    terms=st.tuples(ALARMS, st.sampled_from([0.0, 0.1, 0.4])),
)
def test_twins_agree_on_leaf_links(  # noqa: PLR0913, PLR0917 - what varies
    make_plane: MakePlane,
    sender: int,
    setup: bytes,
    data: bytes,
    shares: list[float],
    terms: tuple[int, float],
) -> None:
    """Equal input in equal pieces gives equal output, questions, answers and counters."""
    _, reference = choose("python")
    parts = [(sender, part) for part in (setup, *pieces(data, shares))]

    assert _Links(reference, *terms).run(parts) == _Links(make_plane, *terms).run(parts)


@given(
    setup=st.sampled_from(SETUPS),
    parts=st.lists(
        st.tuples(st.sampled_from([LEAF, CLIENT, ROUTE]), st.one_of(PROPER, LEAF_TRAFFIC)), max_size=6
    ),
    terms=st.tuples(ALARMS, st.sampled_from([0.0, 0.4])),
)
def test_twins_agree_on_leaf_links_and_others(
    make_plane: MakePlane, setup: bytes, parts: list[tuple[int, bytes]], terms: tuple[int, float]
) -> None:
    """The same holds for clients and routes among them."""
    _, reference = choose("python")
    parts = [(LEAF, setup), *parts]

    assert _Links(reference, *terms).run(parts) == _Links(make_plane, *terms).run(parts)
