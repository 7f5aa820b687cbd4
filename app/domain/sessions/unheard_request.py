"""Requests without responders: their requester gets status 503 at once (ADR 0036)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..interest.interest import FEW, first_of_few
from ..interest.subscription import Subscription
from ..protocol import encode
from ..subjects.subject import ONE, tokens_of
from .in_turns import in_turns

if TYPE_CHECKING:
    from .peer import PeerSession

_INBOXES = b"." + ONE
"""How a subscription to the replies of all requests of a client ends: each has a token of its own."""


def _steps(requester: "PeerSession", subject: bytes, reply: bytes) -> Iterator[None]:
    """Seek the requester's own subscriptions to the reply subject, and answer at one of them.

    The requester waits for the search, so that it has one at a time.
    """
    search = requester.host.interest.of_subscriber(requester, requester.subscriptions, reply)
    try:
        while not requester.is_closed:
            next(search)
            yield
    except StopIteration as end:
        found: list[Subscription] = end.value
        for subscription in found:
            # They may have left during the search.
            if requester.subscriptions.get(subscription.sid) is subscription:
                _send(subscription, requester, subject, reply)
                return


def answer_unheard(requester: "PeerSession", subject: bytes, reply: bytes) -> None:
    """Answer a request that reached nobody, now or later; the caller flushes what is sent now."""
    own = requester.subscriptions
    if len(own) > FEW:
        in_turns(requester, _steps(requester, subject, reply))
        return
    subscription = first_of_few(own.values(), reply)
    if subscription is not None:
        _send(subscription, requester, subject, reply)


def _send(subscription: Subscription, requester: "PeerSession", subject: bytes, reply: bytes) -> None:
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
