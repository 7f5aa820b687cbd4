"""The data plane in plain Python: the definition of its behaviour.

``seam`` says what each part promises; the compiled twin does the same work in place. ``message`` parses a
line, ``inlet`` keeps what is incomplete, ``plan`` has the receivers, and ``outbox`` what is pending.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence

from . import seam
from .brief import Briefs, NoBriefs
from .constants import (
    CHECK_WORK,
    DELIVERY_WORK,
    FLUSH_SECONDS,
    RECEIVE_BYTES,
    RECEIVERS_PER_CHECK,
    REFERENCED_BYTES,
    TURN_WORK,
)
from .delivery_run import RunDelivery
from .draw import Draw
from .flushing import Flushing
from .inlet import Inlet
from .leaf_line import understand, verb_of
from .link_lines import head_for, is_lost, line_for, receivers_in_lines
from .message import LEAF, Faulty, Message, bounds_of, handed, is_complete, tails_of_run
from .narrowing import narrowed
from .outbox import Outbox
from .own import own
from .partial_delivery import PartialDelivery
from .plan import Group, Plan, Target, pick
from .plan_lookup import PlanLookup
from .reserved import is_reserved, is_reserved_subject
from .seam import Control, Expiring, Hook, HookedMessage, Kind, Owner, PlanFigures, Planner, Progress, Sender
from .trace_mark import asks


class DataPlane(RunDelivery):
    """See `seam.Plane`."""

    compiled = False

    def __init__(self, planner: Planner, seed: int, max_payload: int, max_control_line: int) -> None:
        self.draw = Draw(seed)
        self._bounds = bounds_of(max_payload, max_control_line)
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self.lookup = PlanLookup(planner)
        self._plans = self.lookup.plans
        self.briefs: Briefs = NoBriefs()
        self._no_reply = Plan((), (), b"", denied=True)
        self.touched: list[Outbox] = []
        self._flushing = Flushing()
        self._partial: deque[PartialDelivery] = deque()
        self._interrupted = False  # whether a message was, since the flush before
        self.held = False
        self.congested = 0
        self.clock: Callable[[], float] = float
        self.until = math.inf
        self.server = None
        self.lone = None
        self.patient: Callable[[], bool] | None = None
        self.in_msgs = 0
        self.in_bytes = 0
        self.out_msgs = 0
        self.out_bytes = 0
        self.now = 0.0

    def whole(self) -> seam.Plane:
        """See `DirectDelivery`."""
        return self

    def outbox(self, wire: Sender, owner: Owner) -> Outbox:
        """See `seam.Plane`."""
        return Outbox(self, wire, owner)

    def inlet(self, control: Control, outbox: seam.Outbox, kind: Kind = Kind.CLIENT) -> Inlet:
        """See `seam.Plane`."""
        return Inlet(control, own(Outbox, outbox), kind, self._bounds[kind])

    def set_limits(self, max_payload: int, max_control_line: int) -> None:
        """See `seam.Plane`."""
        self._bounds = bounds_of(max_payload, max_control_line)

    def limit(self, inlet: seam.Inlet) -> None:
        """See `seam.Plane`."""
        inlet = own(Inlet, inlet)
        inlet.limit(self._bounds[inlet.kind])

    def target(self, outbox: seam.Outbox, sid: bytes, subscription: Expiring) -> Target:
        """See `seam.Plane`."""
        return Target(own(Outbox, outbox), sid, subscription)

    def group(self, name: bytes = b"") -> Group:
        """See `seam.Plane`."""
        return Group(name)

    def plan(
        self,
        plain: Sequence[seam.Target],
        groups: Sequence[Sequence[seam.Group]],
        refusal: bytes = b"",
        *,
        denied: bool = False,
        hook: Hook = Hook.NONE,
    ) -> Plan:
        """See `seam.Plane`."""
        return Plan(
            tuple(own(Target, target) for target in plain),
            tuple(tuple(own(Group, part) for part in parts) for parts in groups),
            refusal,
            denied=denied,
            hook=hook,
        )

    def receivers(self, plan: seam.Plan, skip: seam.Outbox | None) -> list[Target]:
        """See `seam.Plane`."""
        return own(Plan, plan).receivers(self.draw, None if skip is None else own(Outbox, skip))

    def deliver_to(self, target: seam.Target, message: HookedMessage) -> None:
        """See `seam.Plane`."""
        self.deliver_hooked(own(Target, target), message)

    def is_over(self) -> bool:
        """See `seam.Plane`."""
        return self.clock() >= self.until

    # --- receiving -------------------------------------------------------

    def reserve(self, inlet: seam.Inlet) -> memoryview:
        """See `seam.Plane`."""
        inlet = own(Inlet, inlet)
        if inlet.own is not None:
            return inlet.room(inlet.own)
        kept = len(inlet.rest)
        if not kept:
            return self._buffer
        self._buffer[:kept] = inlet.rest
        return self._buffer[kept:]

    def ingest(self, inlet: seam.Inlet, count: int) -> Progress:
        """See `seam.Plane`."""
        inlet = own(Inlet, inlet)
        self.held = False
        if inlet.closed:
            inlet.search = None
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

    def _scan(self, inlet: Inlet, data: bytes) -> Progress:
        """Consume messages and lines; what is left over is kept in the inlet."""
        position = 0
        work, check = TURN_WORK, TURN_WORK - CHECK_WORK
        self.lookup.slow = False
        while position < len(data):
            is_over = inlet.closed or inlet.stopped or self.held or work <= 0
            if is_over:
                inlet.keep(b"" if inlet.closed else data[position:], 0)
                return self._pause(inlet)
            end = data.find(b"\n", position)
            if end < 0:
                return self._await_line(inlet, data[position:])
            line = data[position:end]
            verb = verb_of(line, inlet.kind, headers=inlet.headers) if inlet.publishing else b""
            if not verb:
                position = end + 1
                if not inlet.control.line(line):
                    inlet.keep(b"" if inlet.closed else data[position:], 0)
                    return Progress.STOPPED
                if self.is_over():
                    work = 0
                continue
            prepared = self._prepare(inlet, verb, line, (data, position))
            if isinstance(prepared, Progress):
                return prepared
            position, done = self._publish(inlet, *prepared, (data, position), work)
            work -= done
            if self.lookup.slow or work <= check:
                self.lookup.slow = False
                check = work - CHECK_WORK
                if not inlet.stopped and self.is_over():
                    work = 0
        return self._pause(inlet, done=True)

    def _prepare(
        self, inlet: Inlet, verb: bytes, line: bytes, where: tuple[bytes, int]
    ) -> tuple[Message, Plan] | Progress:
        """The message that begins there, and its plan, or why it cannot be published now."""
        data, position = where
        try:
            message = self._understand(inlet, verb, line)
            plan = self.lookup.plan_of(self, inlet, message)
            if plan is None:
                inlet.keep(data[position:], 0)
                return Progress.TURN
            if plan.groups and inlet.kind is LEAF:
                plan = narrowed(plan, message)
            if message.reserved and inlet.guarded and not plan.denied:
                plan = self._guard(message, plan)
            self._refuse(inlet, plan, message)
            complete = is_complete(data, position + len(line) + 1 + message.size)
        except Faulty as error:
            inlet.control.fault(error.fault, error.text)
            return Progress.STOPPED
        if not complete:
            inlet.keep(data[position:], len(line) + 1 + message.size + 2)
            return Progress.DONE
        if self.congested and plan.must_wait():
            inlet.keep(b"" if inlet.closed else data[position:], 0)
            return Progress.HELD
        if self.patient is not None and not plan.fanout and not plan.refused and not plan.hook:
            others_wait, self.patient = self.patient, None
            if others_wait():
                inlet.keep(data[position:], 0)
                return Progress.LATER
        return self._hand_over(inlet, message, plan, where) if plan.hook else (message, plan)

    def _hand_over(
        self, inlet: Inlet, message: Message, plan: Plan, where: tuple[bytes, int]
    ) -> tuple[Message, Plan] | Progress:
        """Give a message to the control plane, which may do anything."""
        data, position = where
        start = position + len(message.line) + 1
        stop = start + message.size
        self._count_in(inlet, message, 1)
        if inlet.trace:
            inlet.control.traced(message.verb, message.argument, data[start:stop])
        if not inlet.control.hooked(plan, handed(message, data[start:stop])):
            inlet.keep(b"" if inlet.closed else data[stop + 2 :], 0)
            return Progress.STOPPED
        self.lookup.slow = True
        return message, plan

    def _guard(self, message: Message, plan: Plan) -> Plan:
        """The plan that denies a message with a reserved subject or reply subject; `plan` has its refusal."""
        closed = is_reserved_subject(message.subject)
        return Plan((), (), plan.refusal, denied=True) if closed else self._no_reply

    def _pause(self, inlet: Inlet, *, done: bool = False) -> Progress:
        """Why the ingest must not go on, or that it is done."""
        stopped, inlet.stopped = inlet.stopped, False
        if stopped or (inlet.closed and not done):
            return Progress.STOPPED
        otherwise = Progress.DONE if done else Progress.TURN
        return Progress.HELD if self.held else otherwise

    def _await_line(self, inlet: Inlet, rest: bytes) -> Progress:
        """Keep the beginning of a line, unless it is refused."""
        if not inlet.control.partial(rest):
            return Progress.STOPPED
        inlet.keep(rest, 0)
        return Progress.DONE

    def _refuse(self, inlet: Inlet, plan: Plan, message: Message) -> None:
        """What the line alone refuses is refused before the payload has come, and once."""
        if plan.refused and not inlet.refused:
            inlet.refused = True
            self.lookup.slow = True
            if plan.refusal:
                inlet.outbox.send(plan.refusal)
            if plan.denied:
                inlet.control.denied(message.subject, message.reply if plan is self._no_reply else b"")

    def _understand(self, inlet: Inlet, verb: bytes, line: bytes) -> Message:
        """Take a message's line apart, or remember that it was the last one too."""
        last = inlet.last
        if last is not None and last.line == line:
            return last
        message = understand(inlet.kind, verb, line, inlet.bounds)
        if last is None or last.subject != message.subject or last.member != message.member:
            inlet.plan = None
        message.reserved = is_reserved(message.subject, message.reply)
        inlet.last = message
        return message

    # --- delivering ------------------------------------------------------

    def _publish(
        self, inlet: Inlet, message: Message, plan: Plan, where: tuple[bytes, int], work: int
    ) -> tuple[int, int]:
        """Execute the plan for the message that begins there, and for more like it that follow.

        Returns where the next line starts, and the work it was.
        """
        data, position = where
        start = position + len(message.line) + 1
        stop = start + message.size
        if plan.hook:  # the control plane has it
            return stop + 2, 0
        effort = DELIVERY_WORK + plan.fanout * (DELIVERY_WORK + len(message.tail) + message.size + 2)
        is_run = plan.runs and data.startswith(message.line, stop + 2)
        if is_run and plan is inlet.plan and not inlet.verbose and not inlet.trace and inlet.echo:
            count = self._publish_run(inlet, message, plan, where, -(-work // effort))
            if count:
                return position + count * (stop + 2 - position), count * effort
        self._count_in(inlet, message, 1)
        payload = data[start:stop]
        if inlet.trace:
            inlet.control.traced(message.verb, message.argument, payload)
        if inlet.traces and message.header and asks(payload[: message.header]):
            inlet.stopped = not inlet.control.hooked(plan, handed(message, payload))
            self.lookup.slow = True
            return stop + 2, effort
        if inlet.verbose and not plan.denied:
            inlet.outbox.send(b"+OK\r\n")
        tail = message.tail + payload + b"\r\n"
        skip = None if inlet.echo else inlet.outbox
        before = self.out_msgs
        position = self._deliver_from(plan, message, tail, 0, skip)
        unheard = self.out_msgs == before and self._wants_answer(inlet, message, plan)
        if position < plan.fanout:
            partial = PartialDelivery(plan, message, tail, position, skip)
            partial.asker = inlet if unheard else None
            self._partial.append(partial)
            self._interrupted, effort = True, work
        elif unheard:
            self.lookup.slow = True
            inlet.report_unheard(message)
        return stop + 2, effort

    def _wants_answer(self, inlet: Inlet, message: Message, plan: Plan) -> bool:
        """Whether the publisher is to learn if nobody gets the message."""
        return inlet.no_responders and bool(message.reply) and not plan.refused

    def _deliver_from(
        self, plan: Plan, message: Message, tail: bytes, position: int, skip: Outbox | None
    ) -> int:
        """Deliver to the receivers from that one on, until the turn is over; return the first one left.

        `skip` is the publisher, if it gets none of its own messages.
        """
        plain = len(plan.plain)
        if plan.fanout == 1 and not plan.mixed:
            only = plan.plain[0] if plain else pick(plan.groups[0], self.draw, skip)
            if only is not None and only.outbox is not skip:
                self.deliver_one(only, message, tail)
            return 1
        for target in receivers_in_lines(plan, self.draw, skip) if plan.mixed and not position else ():
            self.deliver_one(target, message, tail)
        while True:
            stop = position + RECEIVERS_PER_CHECK
            for target in plan.plain[position : min(stop, plain - plan.links)]:
                if target.outbox is not skip:
                    self.deliver_one(target, message, tail)
            for parts in plan.groups[max(plan.mixed, position - plain) : max(0, stop - plain)]:
                member = pick(parts, self.draw, skip)
                if member is not None:
                    self.deliver_one(member, message, tail)
            position = stop
            if position >= plan.fanout or self.is_over():
                return position

    def _publish_run(
        self, inlet: Inlet, message: Message, plan: Plan, where: tuple[bytes, int], most: int
    ) -> int:
        """Publish the messages from there on whose line is the same, at most `most`, all at once.

        Only the speed changes: no delivery may need a decision in between, and copies are cheap.
        Returns how many they were; 0 to go one by one.
        """
        line = message.line + b"\n"
        if not line.endswith(message.tail):
            return 0
        size = len(message.start) + len(message.tail) + message.size + 2
        if size >= REFERENCED_BYTES:
            return 0
        if self._wants_answer(inlet, message, plan) and not any(target.is_open for target in plan.plain):
            return 0
        for target in plan.plain:
            most = target.bears(size, most)
            if message.header and target.outbox is not None and not target.outbox.headers:
                return 0
        tails = tails_of_run(message, line, where, most, traces=inlet.traces)
        if not tails:
            return 0
        self._count_in(inlet, message, len(tails))
        for target in plan.plain:
            outbox = target.outbox
            if outbox is not None and not outbox.closed:
                head = head_for(target, message, outbox)
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

    def deliver_one(self, target: Target, message: Message, tail: bytes) -> None:
        """See `DirectDelivery`."""
        outbox = target.outbox
        if outbox is None or outbox.closed or (message.shown and is_lost(outbox)):
            return
        self._count_out(target, outbox, message, 1)
        if message.header or message.shown or outbox.leaf:
            if message.header and not outbox.headers:
                outbox.out_bytes -= message.header
                self.out_bytes -= message.header
            outbox.deliver(*line_for(target, message, tail, outbox))
        else:
            outbox.deliver(message.start + target.sid + b" ", tail)
        # Asked again: the delivery may have been the end of a slow consumer.
        if target.delivered == target.limit and target.subscription is not None:
            target.subscription.expired()

    def flush(self) -> bool:
        """See `seam.Plane`."""
        interrupted, self._interrupted = self._interrupted, False
        touched = self.touched
        if not touched:
            return interrupted
        self.touched = []
        try:
            return self._flushing.hand_over(touched, self.clock) or interrupted
        except Exception:
            self.touched = touched + self.touched  # those that are empty by now do no harm
            raise

    def flush_rest(self) -> bool:
        """See `seam.Plane`."""
        self.until = self.clock() + FLUSH_SECONDS
        while self._partial:
            partial = self._partial[0]
            try:
                self._deliver_rest(partial)
            except Exception:
                self._partial.popleft()
                raise
            if partial.position < partial.plan.fanout:
                break
            self._partial.popleft()
        outboxes = self._flushing.rest + self.touched
        self._flushing.rest, self.touched = [], []
        try:
            return self._flushing.hand_over(outboxes, self.clock) or bool(self._partial)
        except Exception:
            self._flushing.rest = outboxes
            raise

    def _deliver_rest(self, partial: PartialDelivery) -> None:
        """Go on with a message that was interrupted."""
        message, before = partial.message, self.out_msgs
        partial.position = self._deliver_from(
            partial.plan, message, partial.tail, partial.position, partial.skip
        )
        if self.out_msgs != before:
            partial.asker = None
        if partial.asker is not None and partial.position >= partial.plan.fanout:
            partial.asker.report_unheard(message)

    # --- plans -----------------------------------------------------------

    def plan_figures(self) -> PlanFigures:
        """See `seam.Plane`."""
        return self._plans.figures()

    @property
    def plan_hits(self) -> int:
        """See `seam.Plane`."""
        return self._plans.hits

    def changed(self, subject: bytes) -> None:
        """See `seam.Plane`."""
        self._plans.changed(subject)

    def forget_member(self, sid: bytes) -> None:
        """See `seam.Plane`."""
        self._plans.forget_member(sid)

    def forget_plans(self) -> None:
        """See `seam.Plane`."""
        self._plans.forget_all()
