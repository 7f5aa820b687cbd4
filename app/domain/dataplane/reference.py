"""The data plane in plain Python: the definition of its behaviour.

Read it together with ``seam``, which says what each part promises. It favours
being plain over being quick; the compiled twin does the same work in place.

Its parts have modules of their own: a line is taken apart by ``message``, what is
incomplete is kept by ``inlet``, who gets it is said by ``plan``, what is known of
that is kept by ``plan_cache``, and what is to be sent waits in ``outbox``.
"""

from collections.abc import Sequence
from typing import cast

from app.domain.dataplane.draw import Draw
from app.domain.dataplane.inlet import Inlet
from app.domain.dataplane.message import (
    Bounds,
    Faulty,
    Message,
    is_complete,
    tails_of_run,
    understand,
    verb_of,
)
from app.domain.dataplane.outbox import Outbox
from app.domain.dataplane.plan import Plan, Target, pick
from app.domain.dataplane.plan_cache import PlanCache
from app.domain.dataplane.seam import (
    DELIVERY_WORK,
    FLUSH_BYTES,
    LINE_WORK,
    RECEIVE_BYTES,
    REFERENCED_BYTES,
    TURN_WORK,
    Control,
    Expiring,
    Kind,
    Owner,
    Plane,
    Planner,
    Progress,
    Sender,
)
from app.domain.limits import route_line, route_payload


class DataPlane:
    """See `seam.Plane`."""

    def __init__(self, planner: Planner, seed: int, max_payload: int, max_control_line: int) -> None:
        self._planner = planner
        self._draw = Draw(seed)
        self._bounds = (
            Bounds(max_payload, max_control_line),
            Bounds(route_payload(max_payload), route_line(max_control_line)),
        )
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._plans: PlanCache[Plan] = PlanCache()
        self.touched: list[Outbox] = []
        self._rest: list[Outbox] = []
        self.held = False
        self.congested = 0
        self.in_msgs = 0
        self.in_bytes = 0
        self.out_msgs = 0
        self.out_bytes = 0
        self.now = 0.0

    def outbox(self, wire: Sender, owner: Owner) -> Outbox:
        return Outbox(self, wire, owner)

    def inlet(self, control: Control, outbox: Outbox, kind: Kind = Kind.CLIENT) -> Inlet:
        return Inlet(control, outbox, kind, self._bounds[kind])

    def target(self, outbox: Outbox, sid: bytes, subscription: Expiring) -> Target:
        return Target(outbox, sid, subscription)

    def plan(self, plain: Sequence[Target], groups: Sequence[Sequence[Target]], refusal: bytes = b"") -> Plan:
        return Plan(tuple(plain), tuple(tuple(group) for group in groups), refusal)

    # --- receiving -------------------------------------------------------

    def reserve(self, inlet: Inlet) -> memoryview:
        if inlet.own is not None:
            return inlet.room(inlet.own)
        kept = len(inlet.rest)
        if not kept:
            return self._buffer
        self._buffer[:kept] = inlet.rest
        return self._buffer[kept:]

    def ingest(self, inlet: Inlet, count: int) -> Progress:
        self.held = False
        if inlet.closed:
            inlet.keep(b"", 0)
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
        inlet.keep(b"", 0)
        return self._scan(inlet, data)

    def _scan(self, inlet: Inlet, data: bytes) -> Progress:  # noqa: PLR0911 - a scan has many ends
        """Consume messages and lines; what is left over is kept in the inlet."""
        position = 0
        work = TURN_WORK
        while position < len(data):
            pause = self._pause(inlet, work)
            if pause is not None:
                inlet.keep(b"" if inlet.closed else data[position:], 0)
                return pause
            end = data.find(b"\n", position)
            if end < 0:
                return self._await_line(inlet, data[position:])
            line = data[position:end]
            verb = verb_of(line, inlet.kind) if inlet.publishing else b""
            if verb:
                try:
                    message = self._understand(inlet, verb, line)
                    plan = self._plan_of(inlet, message)
                    self._refuse(inlet, plan)
                    complete = is_complete(data, end + 1 + message.size)
                except Faulty as error:
                    inlet.control.fault(error.fault, error.text)
                    return Progress.STOPPED
                if not complete:
                    inlet.keep(data[position:], len(line) + 1 + message.size + 2)
                    return Progress.DONE
                if self.congested and plan.must_wait():
                    inlet.keep(b"" if inlet.closed else data[position:], 0)
                    return Progress.HELD
                position, done = self._publish(inlet, message, plan, (data, position), work)
                work -= done
            else:
                position = end + 1
                work -= LINE_WORK
                if not inlet.control.line(line):
                    inlet.keep(b"" if inlet.closed else data[position:], 0)
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
        inlet.keep(rest, 0)
        return Progress.DONE

    def _refuse(self, inlet: Inlet, plan: Plan) -> None:
        """What the line alone refuses is refused before the payload has come, and once."""
        if plan.refusal and not inlet.refused:
            inlet.refused = True
            inlet.outbox.send(plan.refusal)

    def _understand(self, inlet: Inlet, verb: bytes, line: bytes) -> Message:
        """Take a message's line apart, or remember that it was the last one too."""
        last = inlet.last
        if last is not None and last.line == line:
            return last
        message = understand(verb, line, inlet.bounds)
        if last is None or last.subject != message.subject or last.member != message.member:
            inlet.plan = None
        inlet.last = message
        return message

    # --- delivering ------------------------------------------------------

    def _plan_of(self, inlet: Inlet, message: Message) -> Plan:
        plan = inlet.plan
        if plan is None or inlet.planned_for != (self._plans.generation, inlet.audience):
            plan = inlet.plan = self._plan_for(inlet.audience, message)
            inlet.planned_for = (self._plans.generation, inlet.audience)
            if plan is not None:
                inlet.note(plan)
        if plan is None:
            return cast("Plan", self._planner.stand_in(cast("Plane", self), message.member, message.subject))
        return plan

    def _publish(
        self, inlet: Inlet, message: Message, plan: Plan, where: tuple[bytes, int], work: int
    ) -> tuple[int, int]:
        """Execute the plan for the message that stands there, and for more of its kind behind it.

        Returns where the next line starts, and the work it was.
        """
        data, position = where
        start = position + len(message.line) + 1
        stop = start + message.size
        effort = DELIVERY_WORK + plan.fanout * (DELIVERY_WORK + len(message.tail) + message.size + 2)
        is_run = plan.runs and data.startswith(message.line, stop + 2)
        if is_run and not inlet.verbose and not inlet.trace:
            count = self._publish_run(inlet, message, plan, where, -(-work // effort))
            if count:
                return position + count * (stop + 2 - position), count * effort
        self._count_in(inlet, message, 1)
        payload = data[start:stop]
        if inlet.trace:
            inlet.control.traced(message.verb, message.argument, payload)
        if inlet.verbose:
            inlet.outbox.send(b"+OK\r\n")
        tail = message.tail + payload + b"\r\n"
        for target in plan.plain:
            self._deliver(target, message, tail)
        for group in plan.groups:
            self._deliver(pick(group, self._draw), message, tail)
        return stop + 2, effort

    def _publish_run(
        self, inlet: Inlet, message: Message, plan: Plan, where: tuple[bytes, int], most: int
    ) -> int:
        """Publish the messages from there on whose line is the same, at most so many, all at once.

        That changes nothing but the speed, so it is done only where no delivery can
        provoke a decision in between, and where copies are cheap. Returns how many they
        were; 0 to go one by one.
        """
        line = message.line + b"\n"
        if not line.endswith(message.tail):
            return 0
        size = len(message.start) + len(message.tail) + message.size + 2
        if size >= REFERENCED_BYTES:
            return 0
        for target in plan.plain:
            most = target.bears(size, most)
        tails = tails_of_run(message, line, where, most)
        if not tails:
            return 0
        self._count_in(inlet, message, len(tails))
        for target in plan.plain:
            outbox = target.outbox
            if outbox is not None and not outbox.closed:
                head = message.start + target.sid + b" "
                self._count_out(target, outbox, message, len(tails))
                outbox.put_run(head + head.join(tails))
        return len(tails)

    def _count_in(self, inlet: Inlet, message: Message, count: int) -> None:
        inlet.refused = False
        inlet.in_msgs += count
        inlet.in_bytes += count * message.size
        inlet.last_publish = self.now
        self.in_msgs += count
        self.in_bytes += count * message.size

    def _count_out(self, target: Target, outbox: Outbox, message: Message, count: int) -> None:
        outbox.out_msgs += count
        outbox.out_bytes += count * message.size
        outbox.last_delivery = self.now
        target.delivered += count
        self.out_msgs += count
        self.out_bytes += count * message.size

    def _deliver(self, target: Target, message: Message, tail: bytes) -> None:
        outbox = target.outbox
        if outbox is None or outbox.closed:
            return
        self._count_out(target, outbox, message, 1)
        outbox.deliver(message.start + target.sid + b" ", tail)
        # Asked again: the delivery may have been the end of a slow consumer.
        if target.delivered == target.limit and target.subscription is not None:
            target.subscription.expired()

    def flush(self) -> bool:
        touched = self.touched
        if not touched:
            return False
        self.touched = []
        return self._hand_over(touched)

    def flush_rest(self) -> bool:
        rest, self._rest = self._rest, []
        return self._hand_over(rest)

    def _hand_over(self, outboxes: list[Outbox]) -> bool:
        """Whether some were left."""
        room = FLUSH_BYTES
        for position, outbox in enumerate(outboxes, 1):
            room -= outbox.flush()
            if room <= 0 and position < len(outboxes):
                self._rest += outboxes[position:]
                return True
        return False

    # --- plans -----------------------------------------------------------

    def _plan_for(self, audience: int, message: Message) -> Plan | None:
        """None where the planner is to be asked for each message."""
        if message.member:
            return self._member_plan(message.member)
        subject = message.subject
        plan = self._plans.find(audience, subject)
        if plan is None:
            plan = cast("Plan", self._planner.plan(cast("Plane", self), audience, subject))
            self._plans.enter(audience, subject, plan, self._planner.decisive)
        return plan

    def _member_plan(self, sid: bytes) -> Plan | None:
        plan = self._plans.member(sid)
        if plan is None:
            plan = cast("Plan | None", self._planner.member(cast("Plane", self), sid))
            if plan is not None:
                self._plans.enter_member(sid, plan)
        return plan

    @property
    def plan_hits(self) -> int:
        return self._plans.hits

    def changed(self, subject: bytes) -> None:
        self._plans.changed(subject)

    def forget_member(self, sid: bytes) -> None:
        self._plans.forget_member(sid)

    def forget_plans(self) -> None:
        self._plans.forget_all()
