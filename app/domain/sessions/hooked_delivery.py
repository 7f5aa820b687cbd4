"""The delivery of one message of which hooks see who gets it."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from ..dataplane.seam import HookedMessage, Plan, Progress, Target
from ..hooks.decisions import ALLOW, Refuse
from ..hooks.gate import HookGate, Verdict
from ..hooks.hook_event import HookPoint, message_event
from ..hooks.rewriting import rewritten
from ..interest.subscription import Subscription

if TYPE_CHECKING:
    from .peer import PeerSession

RECEIVERS_AT_ONCE = 64
"""Receivers that hooks are asked about at once, for one message."""


class HookedDelivery:
    """Asks about some receivers at once, gives them what they are to get, and goes on with others.

    The receivers are those of the moment when it began. While answers are missing the peer waits.
    """

    __slots__ = (
        "_asked",
        "_gave",
        "_hooks",
        "_message",
        "_missing",
        "_peer",
        "_receivers",
        "_verdicts",
    )

    def __init__(self, peer: "PeerSession", hooks: HookGate, plan: Plan, message: HookedMessage) -> None:
        connection = peer.connection
        skip = None if connection.inlet.echo else connection.outbox
        self._peer = peer
        self._hooks = hooks
        self._message = message
        self._receivers: Iterator[Target] = iter(peer.host.plane.receivers(plan, skip))
        self._asked: list[Target] = []
        self._verdicts: list[Verdict | None] = []
        """For those that are asked about; None for an answer that is missing."""
        self._missing = 0
        self._gave = False

    def go_on(self) -> bool:
        """Go on; whether it is over. Otherwise the connection waits, and goes on here."""
        connection, plane = self._peer.connection, self._peer.host.plane
        while True:
            self._give()
            missing = self._ask()
            if missing:
                connection.wait()
                return False
            if not self._asked:
                self._end()
                return True
            if plane.is_over():
                connection.obey(Progress.TURN)
                return False

    def _ask(self) -> int:
        """Ask about the next receivers; how many answers are missing."""
        self._asked = list(islice(self._receivers, RECEIVERS_AT_ONCE))
        self._verdicts = [ALLOW] * len(self._asked)
        for number, target in enumerate(self._asked):
            subscription = target.subscription
            if isinstance(subscription, Subscription) and subscription.subscriber.seen_by_hooks:
                self._verdicts[number] = verdict = self._ask_about(number, subscription)
                self._missing += verdict is None
        return self._missing

    def _ask_about(self, number: int, subscription: Subscription) -> Verdict | None:
        event = message_event(subscription.subscriber.hook_client, self._message, subscription.queue)
        return self._hooks.ask(
            HookPoint.DELIVER,
            event,
            partial(self._answered, number),
            partial(rewritten, self._message, self._peer.host.limits),
        )

    def _answered(self, number: int, verdict: Verdict) -> None:
        self._verdicts[number] = verdict
        self._missing -= 1
        if not self._missing:
            self._peer.connection.go_on()

    def _give(self) -> None:
        """Deliver to those that hooks were asked about."""
        plane = self._peer.host.plane
        for target, verdict in zip(self._asked, self._verdicts, strict=True):
            if isinstance(verdict, Refuse):
                continue
            plane.deliver_to(target, verdict if isinstance(verdict, HookedMessage) else self._message)
            self._gave = True
        self._asked, self._verdicts = [], []

    def _end(self) -> None:
        peer, message = self._peer, self._message
        if not self._gave and message.reply and peer.connection.inlet.no_responders:
            peer.no_responders(message.subject, message.reply)
