"""Requests without responders: their requester gets status 503 at once (ADR 0036)."""

from collections.abc import Generator
from functools import partial
from typing import Protocol

from ..interest.interest import FEW, first_of_few
from ..interest.subscription import Subscriber, Subscription
from ..protocol import encode
from ..subjects.subject import ONE, tokens_of
from .connection import Connection
from .host import Host

_INBOXES = b"." + ONE
"""How a subscription to the replies of all requests of a client ends: each has a token of its own."""


class Requester(Subscriber, Protocol):
    """A session, as the one that asked."""

    host: Host[Connection]
    connection: Connection
    subscriptions: dict[bytes, Subscription]


class UnheardRequest:
    """The answer with status 503, at one of the requester's own subscriptions to the reply subject.

    They are sought in steps. When the time of a turn is used up the search goes on in the
    next one, and the requester waits for it, so that it has one such search at a time.
    """

    __slots__ = ("_reply", "_requester", "_steps", "_subject")

    def __init__(self, requester: Requester, subject: bytes, reply: bytes) -> None:
        self._requester = requester
        self._subject = subject
        self._reply = reply
        self._steps: Generator[None, None, list[Subscription]]

    def answer(self) -> None:
        """Begin with it; the caller flushes what is sent."""
        requester = self._requester
        own = requester.subscriptions
        self._steps = requester.host.interest.of_subscriber(requester, own, self._reply)
        if not self._go_on():
            requester.connection.wait()
            self._enqueue()

    def _go_on(self) -> bool:
        """Search until the time is over, and answer if that was enough; whether it is finished."""
        plane = self._requester.host.plane
        try:
            while not self._requester.gone:
                next(self._steps)
                if plane.is_over():
                    return False
        except StopIteration as end:
            self._send(end.value)
        return True

    def _enqueue(self) -> None:
        requester = self._requester
        requester.host.turns.enqueue(partial(requester.connection.guard, self._take_turn), again=True)

    def _take_turn(self) -> None:
        requester = self._requester
        host = requester.host
        began = host.turns.begin()
        host.plane.until = host.turns.until
        try:
            finished = self._go_on()
        finally:
            host.turns.count(host.scheduler.monotonic() - began)
        if finished:
            host.deferred.flush()
            requester.connection.go_on()
        else:
            self._enqueue()

    def _send(self, found: list[Subscription]) -> None:
        """Answer at the first that is still there: they may have left during the search."""
        requester = self._requester
        for subscription in found:
            if requester.subscriptions.get(subscription.sid) is subscription:
                _send(subscription, requester, self._subject, self._reply)
                return


def answer_unheard(requester: Requester, subject: bytes, reply: bytes) -> None:
    """Answer a request that reached nobody, now or later; the caller flushes what is sent now."""
    own = requester.subscriptions
    if len(own) > FEW:
        UnheardRequest(requester, subject, reply).answer()
        return
    subscription = first_of_few(own.values(), reply)
    if subscription is not None:
        _send(subscription, requester, subject, reply)


def _send(subscription: Subscription, requester: Requester, subject: bytes, reply: bytes) -> None:
    """Answer at this subscription; where it is for many replies, the data plane does it from now on."""
    requester.connection.outbox.send(encode.no_responders(subject, subscription.sid, reply))
    target = subscription.target
    target.delivered += 1
    if target.delivered == target.limit:
        subscription.expired()
    elif subscription.queue is None and subscription.subject.endswith(_INBOXES):
        prefix = subscription.subject[: -len(ONE)]
        if ONE not in tokens_of(prefix):
            requester.connection.inlet.answer_at(prefix, target)
