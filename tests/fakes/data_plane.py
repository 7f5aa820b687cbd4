"""Everything around a data plane, scripted, so that a plane can be tried alone."""

from collections.abc import Callable, Sequence
from functools import partial

from app.domain.dataplane.seam import (
    Control,
    Decision,
    Expiring,
    Fault,
    Group,
    HookedMessage,
    Kind,
    MakePlane,
    Outbox,
    Owner,
    Plan,
    Plane,
    Planner,
    Progress,
    Search,
    Target,
)
from tests.fakes.wire import FakeWire

MAX_PAYLOAD = 1_048_576
MAX_LINE = 1024
NO_ALARM = 1 << 60
ROUTES = 7
"""The audience of the routes here."""


class ScriptedControl(Control):
    """Remembers what it is asked; `obey` and `judge` decide the answers."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.partials: list[bytes] = []
        self.faults: list[tuple[Fault, bytes]] = []
        self.denials: list[tuple[bytes, bytes]] = []
        self.traces: list[tuple[bytes, bytes, bytes]] = []
        self.unanswered: list[tuple[bytes, bytes]] = []
        self.hooked_messages: list[HookedMessage] = []
        self.pass_on: Callable[[Plan, HookedMessage], bool] = lambda _plan, _message: True
        """Answers `hooked`."""
        self.obey: Callable[[bytes], bool] = lambda _line: True
        """Answers `line`."""
        self.judge: Callable[[bytes], bool] = lambda _rest: True
        """Answers `partial`."""

    def line(self, line: bytes) -> bool:
        """Remember a line."""
        self.lines.append(line)
        return self.obey(line)

    def partial(self, rest: bytes) -> bool:
        """Remember the beginning of a line."""
        self.partials.append(rest)
        return self.judge(rest)

    def fault(self, fault: int, text: bytes) -> None:
        """Remember what is wrong."""
        self.faults.append((Fault(fault), text))

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Remember a message that was denied."""
        self.denials.append((subject, reply))

    def traced(self, verb: bytes, argument: bytes, payload: bytes) -> None:
        """Remember a traced message."""
        self.traces.append((verb, argument, payload))

    def no_responders(self, subject: bytes, reply: bytes) -> None:
        """See `seam.Control`."""
        self.unanswered.append((subject, reply))

    def hooked(self, plan: Plan, message: HookedMessage) -> bool:
        """Remember a message for hooks."""
        self.hooked_messages.append(message)
        return self.pass_on(plan, message)


class ScriptedOwner(Owner):
    """Counts how often its outbox was over the alarm; `decide` gives the answer."""

    def __init__(self) -> None:
        self.presses = 0
        self.heads: list[bytes] = []
        self.failures: list[Exception] = []
        self.decide: Callable[[], bool] = lambda: False
        self.unread = 0

    def pressed(self, *, own: bool = False) -> bool:  # noqa: ARG002 - each press counts
        """Count, and answer."""
        self.presses += 1
        return self.decide()

    def untaken(self) -> int:
        """What the test says, in `unread`."""
        return self.unread

    def sent(self, head: bytes) -> None:
        """Remember a traced message."""
        self.heads.append(head)

    def failed(self, error: Exception) -> None:
        """Remember a failure."""
        self.failures.append(error)


class ScriptedSubscription(Expiring):
    """Counts how often it had its last message; `act` may do more."""

    def __init__(self) -> None:
        self.expirations = 0
        self.act: Callable[[], None] = lambda: None

    def expired(self) -> None:
        """Count, and act."""
        self.expirations += 1
        self.act()


def group_of(plane: Plane, members: Sequence[Target]) -> Group:
    """A group of these."""
    group = plane.group()
    for member in members:
        group.add(member)
    return group


class ScriptedSearch(Search):
    """A decision that is made at the end of some turns."""

    def __init__(self, decide: Callable[[], Decision], turns: int) -> None:
        self._decide = decide
        self._left = turns

    def go_on(self) -> Decision | None:
        """The decision, in the last turn."""
        self._left -= 1
        return self._decide() if self._left <= 0 else None


Listeners = tuple[Sequence[Target], Sequence[Sequence[Target]]]


class ScriptedPlanner(Planner):
    """Plans by a table: `listeners` of exact subjects, `refused` for (audience, subject).

    Subjects that are not in the table have no listeners. `asked` keeps the questions.
    `members` are the queue members that sids of routes name; `sought` keeps the sids asked for.
    By default each subject is decided for itself; `decide` may say otherwise.
    """

    def __init__(self) -> None:
        self.listeners: dict[bytes, Listeners] = {}
        self.refused: dict[tuple[int, bytes], bytes] = {}
        self.asked: list[tuple[int, bytes]] = []
        self.members: dict[bytes, Target] = {}
        self.sought: list[bytes] = []
        self.left: dict[bytes, list[Target]] = {}
        """Members that have left, and who stands in for them."""
        self.replaced: list[tuple[bytes, bytes]] = []
        """The sids and subjects that `plan_failover` was asked for."""
        self.decide: Callable[[bytes], int] = lambda subject: subject.count(b".") + 1
        """How many leading tokens decide."""
        self.turns = 1
        """In how many turns a decision is made."""
        self.answer: Callable[[Plane, int, bytes], Plan] = self._answer
        """Makes the plan for an audience and a subject."""

    def plan(self, plane: Plane, audience: int, subject: bytes) -> Decision | Search:
        """Look it up."""
        self.asked.append((audience, subject))
        # No lambda: CPython 3.13 crashes where there is no memory for a function object.
        search = ScriptedSearch(partial(self._decide, plane, audience, subject), self.turns)
        return search.go_on() or search

    def _decide(self, plane: Plane, audience: int, subject: bytes) -> Decision:
        return self.answer(plane, audience, subject), self.decide(subject)

    def _answer(self, plane: Plane, audience: int, subject: bytes) -> Plan:
        refusal = self.refused.get((audience, subject))
        if refusal is not None:
            return plane.plan((), (), refusal)
        plain, groups = self.listeners.get(subject, ((), ()))
        return plane.plan(plain, [(group_of(plane, members),) for members in groups])

    def member(self, plane: Plane, sid: bytes) -> Plan | None:
        """Look it up."""
        self.sought.append(sid)
        if sid in self.left:
            return None
        member = self.members.get(sid)
        return plane.plan(() if member is None else (member,), ())

    def plan_failover(self, plane: Plane, sid: bytes, subject: bytes) -> Plan:
        """Look it up, by the sid."""
        self.replaced.append((sid, subject))
        return plane.plan((), [[group_of(plane, self.left[sid])]] if self.left[sid] else ())


class Station:
    """One connection of a plane: wire, owner and outbox, control and inlet.

    Messages are served and +OK is off.
    """

    def __init__(self, plane: Plane, kind: Kind = Kind.CLIENT) -> None:
        self.plane = plane
        self.wire = FakeWire()
        self.owner = ScriptedOwner()
        self.control = ScriptedControl()
        self.outbox: Outbox = plane.outbox(self.wire, self.owner)
        self.outbox.alarm = NO_ALARM
        self.inlet = plane.inlet(self.control, self.outbox, kind)
        self.inlet.publishing = True

    def target(self, sid: bytes = b"1", subscription: Expiring | None = None) -> Target:
        """A new place to deliver to."""
        return self.plane.target(self.outbox, sid, subscription or ScriptedSubscription())

    def put(self, data: bytes) -> int:
        """Let the plane's room take the beginning of `data`; answer how much that is."""
        room = self.plane.reserve(self.inlet)
        count = min(len(room), len(data))
        room[:count] = data[:count]
        return count

    def feed(self, data: bytes) -> Progress:
        """Send all of `data`, in as few reads as there is room for; the last answer."""
        progress = Progress.DONE
        while data:
            assert progress is Progress.DONE, f"{progress!r} before all was read"
            count = self.put(data)
            progress = self.plane.ingest(self.inlet, count)
            data = data[count:]
        return progress

    def feed_bytewise(self, data: bytes) -> None:
        """Send `data` in reads of one byte."""
        for i in range(len(data)):
            self.feed(data[i : i + 1])

    def go_on(self) -> Progress:
        """Ingest what was kept."""
        return self.plane.ingest(self.inlet, 0)

    def heard(self) -> bytes:
        """Flush the plane; what this connection got since the last call."""
        self.plane.flush()
        return self.wire.heard()


class Stage:
    """A plane, its planner, and stations made by `station`."""

    def __init__(
        self,
        make_plane: MakePlane,
        *,
        seed: int = 1,
        max_payload: int = MAX_PAYLOAD,
        max_line: int = MAX_LINE,
    ) -> None:
        self.planner = ScriptedPlanner()
        self.plane: Plane = make_plane(self.planner, seed, max_payload, max_line)

    def station(self) -> Station:
        """A new client."""
        return Station(self.plane)

    def route(self) -> Station:
        """A new peer server, with an audience of its own."""
        station = Station(self.plane, Kind.ROUTE)
        station.inlet.audience = ROUTES
        return station

    def subscribe(self, subject: bytes, *targets: Target) -> None:
        """Let the targets be all plain listeners of a literal subject, and tell the plane."""
        self.planner.listeners[subject] = (targets, ())
        self.plane.changed(subject)
