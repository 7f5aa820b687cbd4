"""Messages of the server itself, to those who subscribe to one subject, under another one: plain twin.

No connection publishes them: there is no inlet, no limit, no +OK, and nobody waits. What makes them
is asked to try again later where all receivers are congested.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from . import seam
from .constants import MOST_CANDIDATES
from .draw import Draw
from .incoming_run import IncomingRun, MessageAlone, TakeLone, read_one, read_run
from .leaf_line import ACKNOWLEDGEMENT
from .link_lines import is_lost
from .lone import serve_lone
from .message import HPUB, PUB, Message, composed
from .outbox import Outbox
from .own import own
from .plan import NOWHERE, Group, Plan, Target, pick
from .plan_lookup import PlanLookup
from .reach import RENAMED_AUDIENCE, SERVER_AUDIENCE, Reach, Stored
from .run_answers import answer, deliver_answers
from .stored_answer import answer_stored


def message_of(subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> Message:
    """As if a client had published it; `headers` is a whole block, or empty."""
    words = [subject, reply] if reply else [subject]
    if headers:
        words.append(b"%d" % len(headers))
    words.append(b"%d" % (len(headers) + len(payload)))
    return Message(HPUB if headers else PUB, b"", words)


def reach_of(plan: Plan, skip: seam.Outbox | None, *, renamed: bool) -> Reach:
    """Whether a message would be sent, as far as the receivers are known; nothing to `skip`.

    `renamed`: its subject is not the one that the plan is for.
    """
    reach = Reach.NOBODY
    for target in plan.plain:
        outbox = target.outbox
        if outbox is None or outbox.closed or outbox is skip:
            continue
        if renamed and is_lost(own(Outbox, outbox)):
            continue
        if not outbox.congested:
            return Reach.SENT
        reach = Reach.CONGESTED
    for parts in plan.groups:
        reach = Reach(max(reach, _reach_of_group(parts, skip)))
        if reach is Reach.SENT:
            break
    return reach


def _reach_of_group(parts: tuple[Group, ...], skip: seam.Outbox | None) -> Reach:
    reach = Reach.NOBODY
    left = MOST_CANDIDATES
    for part in parts:
        for member in part.members[:left]:
            outbox = member.outbox
            if outbox is None or outbox.closed or outbox is skip:
                continue
            if not outbox.congested:
                return Reach.SENT
            reach = Reach.CONGESTED
        left -= min(left, len(part.members))
    return reach


def receivers(plan: Plan, draw: Draw, skip: seam.Outbox | None, *, renamed: bool) -> Iterator[Target]:
    """All to give it to. A receiver that is congested, and has too much, is ended first."""
    if plan.mixed:
        for target in plan.receivers(draw, None if skip is None else own(Outbox, skip)):
            if not (renamed and _is_unreachable(target)):
                _make_room(target)
                yield target.direct if renamed else target
        return
    for target in plan.plain:
        if target.outbox is not skip and not (renamed and _is_unreachable(target)):
            _make_room(target)
            yield target.direct if renamed else target
    for parts in plan.groups:
        member = pick(parts, draw, skip)
        if member is not None:
            _make_room(member)
            yield member


def _is_unreachable(target: Target) -> bool:
    return target.outbox is not None and is_lost(target.outbox)


def _make_room(target: Target) -> None:
    """Ask the owner: it ends a receiver that does not keep up."""
    outbox = target.outbox
    if outbox is not None and outbox.congested and outbox.room() < 0:
        outbox.owner.pressed(own=True)


class DirectDelivery(ABC):
    """The part of a plane that sends the server's own messages. See `reach.Direct`."""

    lookup: PlanLookup
    draw: Draw
    server: seam.Outbox | None
    lone: dict[bytes, TakeLone] | None
    held: bool
    touched: list[Outbox]

    @abstractmethod
    def whole(self) -> seam.Plane:
        """The plane that this is a part of."""

    @abstractmethod
    def flush(self) -> bool:
        """See `seam.Plane`."""

    @abstractmethod
    def deliver_one(self, target: Target, message: Message, tail: bytes) -> None:
        """Give a message to one receiver, unless its connection is closed."""

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Reach:
        """See `reach.Direct`."""
        skip, renamed = self.server, to != subject
        plan = self._plan_of(to, renamed=renamed)
        reach = reach_of(plan, skip, renamed=renamed)
        if reach is Reach.SENT:
            self.send(plan, to, message_of(subject, reply, headers, payload), headers + payload)
        return reach

    def send(self, plan: Plan, to: bytes, message: Message, payload: bytes) -> None:
        """Give those of a plan, who subscribe to `to`, a message; `payload` has its headers."""
        renamed = message.subject != to
        tail = message.tail + payload + b"\r\n"
        for target in receivers(plan, self.draw, self.server, renamed=renamed):
            if renamed and target.outbox is not None and target.outbox.leaf:
                self._send_shown(target, to, message, tail)
            else:
                self.deliver_one(target, message, tail)

    def deliver_hooked(self, target: Target, message: seam.HookedMessage) -> None:
        """Give a message that hooks have seen to one receiver."""
        whole = composed(message)
        tail = whole.tail + message.payload + b"\r\n"
        if message.to not in (b"", message.subject) and target.outbox is not None and target.outbox.leaf:
            self._send_shown(target, message.to, whole, tail)
        else:
            self.deliver_one(target, whole, tail)

    def _send_shown(self, target: Target, to: bytes, message: Message, tail: bytes) -> None:
        """The other end of a leaf link finds it by `to`, if it is of a stream: see ``leaf_line``."""
        if message.reply.startswith(ACKNOWLEDGEMENT):
            shown = message.subject
            message.subject, message.shown = to, shown
            self.deliver_one(target, message, tail)
            message.subject, message.shown = shown, b""

    def reach(self, to: bytes) -> Reach:
        """See `reach.Direct`."""
        return reach_of(self._plan_of(to, renamed=False), self.server, renamed=False)

    def finish(self) -> bool:
        """See `reach.Direct`."""
        if self.lone is not None and self.server is not None and not self.held:
            serve_lone(self.lone, own(Outbox, self.server), self.touched)
        return self.flush()

    @staticmethod
    def read_run(data: bytes, start: int, most: int, *, named: bool = True) -> IncomingRun:
        """See `reach.Direct`."""
        return read_run(data, start, most, named=named)

    @staticmethod
    def read_one(data: bytes) -> MessageAlone | None:
        """See `reach.Direct`."""
        return read_one(data)

    def answer(self, reply: bytes, head: bytes, number: int) -> bool:
        """See `reach.Direct`."""
        return answer(self.whole(), reply, head, number)

    def answer_stored(self, reply: bytes, begin: bytes, message: Stored) -> bool:
        """See `reach.Direct`."""
        return answer_stored(self.whole(), reply, begin, message)

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """See `reach.Direct`."""
        return deliver_answers(self.whole(), run, start, first, head)

    def receivers_of(self, to: bytes) -> list[Target]:
        """See `reach.Direct`."""
        plan = self._plan_of(to, renamed=True)
        skip = None if self.server is None else own(Outbox, self.server)
        return [
            target.direct
            for target in plan.receivers(self.draw, skip)
            if target.place != NOWHERE or not _is_unreachable(target)
        ]

    def _plan_of(self, to: bytes, *, renamed: bool) -> Plan:
        audience = RENAMED_AUDIENCE if renamed else SERVER_AUDIENCE
        return self.lookup.plan_now(self.whole(), audience, to)
