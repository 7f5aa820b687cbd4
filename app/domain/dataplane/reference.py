"""The data plane in plain Python: the definition of its behaviour.

Read it together with ``seam``, which says what each part promises. It favours
being plain over being quick; the compiled twin does the same work in place.
"""

from collections.abc import Sequence
from typing import cast

from app.domain.commands import is_too_long, words_of
from app.domain.dataplane.draw import Draw
from app.domain.dataplane.plan_cache import PlanCache
from app.domain.dataplane.seam import (
    DELIVERY_WORK,
    LINE_WORK,
    OWN_BYTES,
    RECEIVE_BYTES,
    TURN_WORK,
    Control,
    Expiring,
    Fault,
    Owner,
    Plane,
    Planner,
    Progress,
    Sender,
)
from app.domain.limits import MAX_SIZE_DIGITS

VECTORED_BYTES = 4096
"""Mean size of the pieces from which on they are handed over unjoined."""

_CR = 13


class Outbox:
    """See `seam.Outbox`."""

    __slots__ = (
        "_backlog",
        "_chunks",
        "_dirty",
        "_handed",
        "_plane",
        "_size",
        "_wire",
        "alarm",
        "closed",
        "last_delivery",
        "out_bytes",
        "out_msgs",
        "owner",
        "trace",
    )

    def __init__(self, plane: "DataPlane", wire: Sender, owner: Owner) -> None:
        self._plane = plane
        self._wire = wire
        self.owner = owner
        self._chunks: list[bytes] = []
        self._size = 0
        self._backlog = 0
        self._dirty = False
        self.out_msgs = 0
        self.out_bytes = 0
        self.last_delivery = 0.0
        self._handed = 0
        self.alarm = 0
        self.closed = False
        self.trace = False

    def send(self, data: bytes) -> None:
        if not self.closed:
            self._put(data)

    def deliver(self, head: bytes, tail: bytes) -> None:
        """Queue a message: its line up to the sid, and the rest of it."""
        self._chunks.append(head)
        self._size += len(head)
        if self.trace:
            self.owner.sent(head + tail[: tail.index(b"\r")])
        self._put(tail)

    def room(self) -> int:
        """How many bytes more need no decision of the owner."""
        return self.alarm - self._backlog - self._size

    def put_run(self, messages: bytes) -> None:
        """Queue messages that press nobody."""
        self._chunks.append(messages)
        self._size += len(messages)
        self._touch()

    def _put(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        self._touch()
        if self._backlog + self._size > self.alarm and self.owner.pressed():
            self._plane.held = True

    def _touch(self) -> None:
        if not self._dirty:
            self._dirty = True
            self._plane.touched.append(self)

    def flush(self) -> None:
        self._dirty = False
        chunks, size = self._chunks, self._size
        if chunks:
            self._chunks = []
            self._size = 0
            self._handed += size
            if size >= VECTORED_BYTES * len(chunks):
                self._wire.writelines(chunks)
            else:
                self._wire.write(b"".join(chunks))
        self._backlog = self._wire.pending()

    def pending(self) -> int:
        return self._wire.pending() + self._size

    def passed(self) -> int:
        return self._handed - self._wire.pending()


class Target:
    """See `seam.Target`."""

    __slots__ = ("delivered", "limit", "outbox", "sid", "subscription")

    def __init__(self, outbox: Outbox, sid: bytes, subscription: Expiring) -> None:
        self.outbox: Outbox | None = outbox
        self.sid = sid
        self.subscription: Expiring | None = subscription
        self.delivered = 0
        self.limit = 0

    def retire(self) -> None:
        # Plans that are never used again may know the target for long, so it lets go of all else.
        self.outbox = None
        self.subscription = None

    def bears(self, size: int, most: int) -> int:
        """How many messages, at most `most`, it takes without a decision; `size` is without the sid."""
        outbox = self.outbox
        if outbox is None:
            return most
        if self.limit or outbox.trace:
            return 0
        return min(most, outbox.room() // (size + len(self.sid) + 1))


class Plan:
    """See `seam.Plan`."""

    __slots__ = ("fanout", "groups", "plain", "refusal", "runs")

    def __init__(
        self, plain: tuple[Target, ...], groups: tuple[tuple[Target, ...], ...], refusal: bytes
    ) -> None:
        self.plain = plain
        self.groups = groups
        self.refusal = refusal
        self.fanout = len(plain) + len(groups)
        # Runs would change the order among the messages for one connection.
        separate = len({target.outbox for target in plain}) == len(plain)
        self.runs = separate and not groups and not refusal


class _Publish:
    """A PUB line, understood, and what MSG has before the sid and from behind it up to the payload."""

    __slots__ = ("argument", "line", "size", "start", "subject", "tail")

    def __init__(self, line: bytes, argument: bytes, subject: bytes, tail: bytes, size: int) -> None:
        self.line = line
        self.argument = argument
        self.subject = subject
        self.start = b"MSG " + subject + b" "
        self.tail = tail
        self.size = size


class _Faulty(Exception):
    def __init__(self, fault: Fault, text: bytes) -> None:
        super().__init__(fault, text)
        self.fault = fault
        self.text = text


class Inlet:
    """See `seam.Inlet`.

    ``need`` is how many bytes the incomplete message takes in all, as soon as
    its line told; it is looked at one byte earlier, when the CR can be judged.
    The rest is kept in ``rest`` while it is small, else in ``own``, of which the
    first ``filled`` bytes are in use.
    """

    __slots__ = (
        "audience",
        "closed",
        "control",
        "filled",
        "in_bytes",
        "in_msgs",
        "last",
        "last_publish",
        "need",
        "outbox",
        "own",
        "plan",
        "planned_for",
        "publishing",
        "refused",
        "rest",
        "trace",
        "verbose",
    )

    def __init__(self, control: Control, outbox: Outbox) -> None:
        self.control = control
        self.outbox = outbox
        self.rest = b""
        self.own: bytearray | None = None
        self.filled = 0
        self.need = 0
        self.in_msgs = 0
        self.in_bytes = 0
        self.last_publish = 0.0
        self.verbose = False
        self.publishing = False
        self.audience = 0
        self.closed = False
        self.trace = False
        self.refused = False  # whether the incomplete message has been, already
        # The line before and its plan, for runs of the same subject.
        self.last: _Publish | None = None
        self.plan: Plan | None = None
        self.planned_for = (0, 0)

    def has_rest(self) -> bool:
        return self.filled > 0 or bool(self.rest)


class DataPlane:
    """See `seam.Plane`."""

    def __init__(self, planner: Planner, seed: int, max_payload: int, max_control_line: int) -> None:
        self._planner = planner
        self._draw = Draw(seed)
        self._max_payload = max_payload
        self._max_line = max_control_line
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._plans: PlanCache[Plan] = PlanCache()
        self.touched: list[Outbox] = []
        self.held = False
        self.in_msgs = 0
        self.in_bytes = 0
        self.out_msgs = 0
        self.out_bytes = 0
        self.now = 0.0

    def outbox(self, wire: Sender, owner: Owner) -> Outbox:
        return Outbox(self, wire, owner)

    def inlet(self, control: Control, outbox: Outbox) -> Inlet:
        return Inlet(control, outbox)

    def target(self, outbox: Outbox, sid: bytes, subscription: Expiring) -> Target:
        return Target(outbox, sid, subscription)

    def plan(self, plain: Sequence[Target], groups: Sequence[Sequence[Target]], refusal: bytes = b"") -> Plan:
        return Plan(tuple(plain), tuple(tuple(group) for group in groups), refusal)

    # --- receiving -------------------------------------------------------

    def reserve(self, inlet: Inlet) -> memoryview:
        if inlet.own is not None:
            if inlet.filled == len(inlet.own):
                self._grow(inlet, inlet.own)
            return memoryview(inlet.own)[inlet.filled :]
        kept = len(inlet.rest)
        if not kept:
            return self._buffer
        self._buffer[:kept] = inlet.rest
        return self._buffer[kept:]

    @staticmethod
    def _grow(inlet: Inlet, own: bytearray) -> None:
        """Make room: twice as much, but no more than the message needs."""
        room = 2 * len(own)
        if inlet.need > inlet.filled:
            room = min(room, inlet.need)
        inlet.own = own + bytearray(room - len(own))

    def ingest(self, inlet: Inlet, count: int) -> Progress:
        self.held = False
        if inlet.closed:
            self._keep(inlet, b"", 0)
            return Progress.STOPPED
        if inlet.own is not None:
            inlet.filled += count
            if inlet.filled < inlet.need - 1:
                return Progress.DONE
            data = bytes(memoryview(inlet.own)[: inlet.filled])
        elif count:
            data = bytes(self._buffer[: len(inlet.rest) + count])
        else:
            data = inlet.rest
        if len(data) < inlet.need - 1:
            inlet.rest = data
            return Progress.DONE
        self._keep(inlet, b"", 0)
        return self._scan(inlet, data)

    @staticmethod
    def _keep(inlet: Inlet, rest: bytes, need: int) -> None:
        inlet.need = need
        if max(len(rest), need) > OWN_BYTES:
            inlet.rest = b""
            inlet.own = bytearray(max(len(rest), OWN_BYTES))
            inlet.own[: len(rest)] = rest
            inlet.filled = len(rest)
        else:
            inlet.rest = rest
            inlet.own = None
            inlet.filled = 0

    def _scan(self, inlet: Inlet, data: bytes) -> Progress:
        """Consume messages and lines; what is left over is kept in the inlet."""
        position = 0
        work = TURN_WORK
        while position < len(data):
            pause = self._pause(inlet, work)
            if pause is not None:
                self._keep(inlet, b"" if inlet.closed else data[position:], 0)
                return pause
            end = data.find(b"\n", position)
            if end < 0:
                return self._await_line(inlet, data[position:])
            line = data[position:end]
            if inlet.publishing and _is_publish(line):
                try:
                    publish = self._understand(inlet, line)
                    plan = self._plan_of(inlet, publish)
                    self._refuse(inlet, plan)
                    complete = _is_complete(data, end + 1 + publish.size)
                except _Faulty as error:
                    inlet.control.fault(error.fault, error.text)
                    return Progress.STOPPED
                if not complete:
                    self._keep(inlet, data[position:], len(line) + 1 + publish.size + 2)
                    return Progress.DONE
                position, done = self._publish(inlet, publish, plan, (data, position), work)
                work -= done
            else:
                position = end + 1
                work -= LINE_WORK
                if not inlet.control.line(line):
                    self._keep(inlet, b"" if inlet.closed else data[position:], 0)
                    return Progress.STOPPED
        return Progress.HELD if self.held else Progress.DONE

    def _pause(self, inlet: Inlet, work: int) -> Progress | None:
        """Why the ingest must not go on, if so."""
        if inlet.closed:
            return Progress.STOPPED
        if self.held:
            return Progress.HELD
        return Progress.TURN if work <= 0 else None

    def _await_line(self, inlet: Inlet, rest: bytes) -> Progress:
        """Keep the beginning of a line, unless it is refused."""
        if not inlet.control.partial(rest):
            return Progress.STOPPED
        self._keep(inlet, rest, 0)
        return Progress.DONE

    def _refuse(self, inlet: Inlet, plan: Plan) -> None:
        """What the line alone refuses is refused before the payload has come, and once."""
        if plan.refusal and not inlet.refused:
            inlet.refused = True
            inlet.outbox.send(plan.refusal)

    def _understand(self, inlet: Inlet, line: bytes) -> _Publish:
        """Take a PUB line apart, or remember that it was the last one too."""
        last = inlet.last
        if last is not None and last.line == line:
            return last
        argument = line[4:].lstrip(b" \t")
        if is_too_long(len(line), len(argument) - argument.endswith(b"\r"), self._max_line):
            raise _Faulty(Fault.LINE, b"")
        words = words_of(argument)
        if len(words) not in (2, 3):
            raise _Faulty(Fault.ARGUMENTS, argument)
        digits = words[-1]
        if not digits.isdigit():
            raise _Faulty(Fault.SIZE, argument)
        if len(digits) > MAX_SIZE_DIGITS or 0 <= self._max_payload < int(digits):
            raise _Faulty(Fault.PAYLOAD, digits)
        tail = b" ".join(words[1:]) + b"\r\n"
        publish = _Publish(line, argument, words[0], tail, int(digits))
        if last is None or last.subject != publish.subject:
            inlet.plan = None
        inlet.last = publish
        return publish

    # --- delivering ------------------------------------------------------

    def _plan_of(self, inlet: Inlet, publish: _Publish) -> Plan:
        plan = inlet.plan
        if plan is None or inlet.planned_for != (self._plans.generation, inlet.audience):
            plan = inlet.plan = self._plan_for(inlet.audience, publish.subject)
            inlet.planned_for = (self._plans.generation, inlet.audience)
        return plan

    def _publish(
        self, inlet: Inlet, publish: _Publish, plan: Plan, where: tuple[bytes, int], work: int
    ) -> tuple[int, int]:
        """Execute the plan for the message that stands there, and for more of its kind behind it.

        Returns where the next line starts, and the work it was.
        """
        data, position = where
        start = position + len(publish.line) + 1
        stop = start + publish.size
        effort = DELIVERY_WORK + plan.fanout * (DELIVERY_WORK + len(publish.tail) + publish.size + 2)
        is_run = plan.runs and data.startswith(publish.line, stop + 2)
        if is_run and not inlet.verbose and not inlet.trace:
            count = self._publish_run(inlet, publish, plan, where, -(-work // effort))
            if count:
                return position + count * (stop + 2 - position), count * effort
        self._count_in(inlet, publish, 1)
        payload = data[start:stop]
        if inlet.trace:
            inlet.control.traced(publish.argument, payload)
        inlet.refused = False
        if inlet.verbose:
            inlet.outbox.send(b"+OK\r\n")
        tail = publish.tail + payload + b"\r\n"
        for target in plan.plain:
            self._deliver(target, publish, tail)
        for group in plan.groups:
            self._deliver(group[self._draw.below(len(group))], publish, tail)
        return stop + 2, effort

    def _publish_run(
        self, inlet: Inlet, publish: _Publish, plan: Plan, where: tuple[bytes, int], most: int
    ) -> int:
        """Publish the messages from there on whose line is the same, at most so many, all at once.

        That changes nothing but the speed, so it is done only where no delivery can
        provoke a decision in between. Returns how many they were; 0 to go one by one.
        """
        line = publish.line + b"\n"
        if not line.endswith(publish.tail):
            return 0
        size = len(publish.start) + len(publish.tail) + publish.size + 2
        for target in plan.plain:
            most = target.bears(size, most)
        tails = _tails_of_run(publish, line, where, most)
        if not tails:
            return 0
        self._count_in(inlet, publish, len(tails))
        for target in plan.plain:
            outbox = target.outbox
            if outbox is not None and not outbox.closed:
                head = publish.start + target.sid + b" "
                self._count_out(target, outbox, publish, len(tails))
                outbox.put_run(head + head.join(tails))
        return len(tails)

    def _count_in(self, inlet: Inlet, publish: _Publish, count: int) -> None:
        inlet.in_msgs += count
        inlet.in_bytes += count * publish.size
        inlet.last_publish = self.now
        self.in_msgs += count
        self.in_bytes += count * publish.size

    def _count_out(self, target: Target, outbox: Outbox, publish: _Publish, count: int) -> None:
        outbox.out_msgs += count
        outbox.out_bytes += count * publish.size
        outbox.last_delivery = self.now
        target.delivered += count
        self.out_msgs += count
        self.out_bytes += count * publish.size

    def _deliver(self, target: Target, publish: _Publish, tail: bytes) -> None:
        outbox = target.outbox
        if outbox is None or outbox.closed:
            return
        self._count_out(target, outbox, publish, 1)
        outbox.deliver(publish.start + target.sid + b" ", tail)
        # Asked again: the delivery may have been the end of a slow consumer.
        if target.delivered == target.limit and target.subscription is not None:
            target.subscription.expired()

    def flush(self) -> None:
        touched = self.touched
        if touched:
            self.touched = []
            for outbox in touched:
                outbox.flush()

    # --- plans -----------------------------------------------------------

    def _plan_for(self, audience: int, subject: bytes) -> Plan:
        plan = self._plans.find(audience, subject)
        if plan is None:
            plan = cast("Plan", self._planner.plan(cast("Plane", self), audience, subject))
            self._plans.enter(audience, subject, plan, self._planner.decisive)
        return plan

    @property
    def plan_hits(self) -> int:
        return self._plans.hits

    def changed(self, subject: bytes) -> None:
        self._plans.changed(subject)

    def forget_plans(self) -> None:
        self._plans.forget_all()


def _is_publish(line: bytes) -> bool:
    return line.startswith((b"PUB ", b"PUB\t")) or (line[:3].upper() == b"PUB" and line[3:4] in (b" ", b"\t"))


def _is_complete(data: bytes, stop: int) -> bool:
    """Whether the payload up to `stop` and its CR LF are there; raises `_Faulty` if they cannot be."""
    after = data[stop : stop + 2]
    if not b"\r\n".startswith(after):
        raise _Faulty(Fault.TERMINATOR, data[stop : stop + 32])
    return len(after) == 2


def _tails_of_run(publish: _Publish, line: bytes, where: tuple[bytes, int], most: int) -> list[bytes]:
    """What MSG has from behind the sid, for each message that has this line, one behind the other."""
    tails: list[bytes] = []
    data, position = where
    tail, size = len(line) - len(publish.tail), len(line) + publish.size + 2
    while len(tails) < most and data.startswith(line, position):
        after = position + size
        if data[after - 2 : after] != b"\r\n":
            break
        tails.append(data[position + tail : after])
        position = after
    return tails
