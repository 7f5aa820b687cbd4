"""Deliveries of consumers through the hooks that decide who gets a message (ADR 0047).

Those for one subject wait in line for the first of them, so that their order stays. A message that a
hook refuses counts as delivered: it comes again when its ack is overdue.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from ..broker import Broker
from ..dataplane.reach import Reach
from ..dataplane.seam import Hook, HookedMessage, Target
from ..hooks.decisions import ALLOW, Refuse
from ..hooks.gate import HookGate, Verdict
from ..hooks.hook_event import HookPoint, message_event
from ..hooks.rewriting import rewritten
from ..interest.subscription import Subscription

MOST_WAITING = 64
"""Messages for one subject that wait, before their consumer has to."""

RECEIVERS_AT_ONCE = 64
"""Receivers that hooks are asked about at once, for one message."""


class _Asked:
    """A message, and what hooks have said of its next receivers."""

    __slots__ = ("message", "missing", "receivers", "targets", "verdicts")

    def __init__(self, message: HookedMessage, receivers: Iterator[Target]) -> None:
        self.message = message
        self.receivers = receivers
        self.targets: list[Target] = []
        self.verdicts: list[Verdict | None] = []
        """For those that are asked about; None for an answer that is missing."""
        self.missing = 0


class HookedDeliveries:
    """Asks hooks about the receivers of messages, and gives these what they are to get."""

    def __init__(self, broker: Broker, hooks: HookGate, flush_soon: Callable[[], None]) -> None:
        """`flush_soon` is called when something was delivered."""
        self._broker = broker
        self._hooks = hooks
        self._flush_soon = flush_soon
        self._lines: dict[bytes, deque[_Asked]] = {}

    def sees(self, subject: bytes) -> bool:
        """Whether hooks see messages with this subject."""
        return self._hooks.patterns.stage(subject, is_new=False)[0] is Hook.DELIVER

    def deliver(self, to: bytes, message: HookedMessage) -> Reach:
        """Give a message to those who subscribe to `to`, as far as hooks allow it, now or later."""
        line = self._lines.get(to)
        if line is not None and len(line) >= MOST_WAITING:
            return Reach.CONGESTED
        plane = self._broker.plane
        reach = plane.reach(to)
        if reach is Reach.SENT:
            asked = _Asked(message, iter(plane.receivers_of(to)))
            if line is not None:
                line.append(asked)
            else:
                self._lines[to] = deque((asked,))
                self._go_on(to)
        return reach

    def _go_on(self, to: bytes) -> None:
        """Go on until an answer is missing."""
        line = self._lines[to]
        while line:
            asked = line[0]
            self._give(asked)
            self._ask(to, asked)
            if asked.missing:
                return
            if not asked.targets:
                line.popleft()
        del self._lines[to]

    def _ask(self, to: bytes, asked: _Asked) -> None:
        """Ask about the next receivers. Other servers ask their own hooks."""
        asked.targets = list(islice(asked.receivers, RECEIVERS_AT_ONCE))
        asked.verdicts = [ALLOW] * len(asked.targets)
        for number, target in enumerate(asked.targets):
            subscription = target.subscription
            if isinstance(subscription, Subscription) and subscription.subscriber.seen_by_hooks:
                event = message_event(subscription.subscriber.hook_client, asked.message, subscription.queue)
                verdict = self._hooks.ask(
                    HookPoint.DELIVER,
                    event,
                    partial(self._answered, to, asked, number),
                    partial(rewritten, asked.message, self._broker.limits),
                )
                asked.verdicts[number] = verdict
                asked.missing += verdict is None

    def _answered(self, to: bytes, asked: _Asked, number: int, verdict: Verdict) -> None:
        asked.verdicts[number] = verdict
        asked.missing -= 1
        if not asked.missing:
            self._go_on(to)

    def _give(self, asked: _Asked) -> None:
        """Deliver to those that hooks were asked about."""
        for target, verdict in zip(asked.targets, asked.verdicts, strict=True):
            if not isinstance(verdict, Refuse):
                message = verdict if isinstance(verdict, HookedMessage) else asked.message
                self._broker.plane.deliver_to(target, message)
                self._flush_soon()
        asked.targets, asked.verdicts = [], []
