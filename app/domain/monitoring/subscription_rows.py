"""Rows of the subscriptions of one peer: all at once in steps, or in batches."""

from collections.abc import Iterator
from itertools import islice

from ..cluster.route_session import RouteSession
from ..interest.subscription import Subscription
from ..leaf.session import LeafSession
from ..sessions.client import ClientSession
from ..stats import SubscriptionStats
from ..steps import ROW_WORK, Step, Steps

Subscribing = ClientSession | RouteSession | LeafSession
"""A session whose peer subscribes."""

BATCH = 64
"""Subscriptions that are listed at a time, which is one step."""


def listed_rows(
    session: Subscribing, step: Step, wanted: slice = slice(None)
) -> Steps[tuple[SubscriptionStats, ...]]:
    """Those of a part of its subscriptions, in steps."""
    rows = []
    for subscription in list(session.subscriptions.values())[wanted]:
        rows.append(_row(subscription))
        if step.is_over_after(ROW_WORK // 4):
            yield
    return tuple(rows)


def row_batches(
    session: Subscribing, first: int = 0, end: int | None = None
) -> Iterator[tuple[SubscriptionStats, ...]]:
    """Its subscriptions from one place to another, for as long as it is here.

    Only the sids are held meanwhile: a reader takes time, and must not keep what is gone.
    """
    listed = session.subscriptions
    sids = list(islice(listed, first, end))
    for begin in range(0, len(sids), BATCH):
        if session.connection.closed:
            return
        some = (listed.get(sid) for sid in sids[begin : begin + BATCH])
        yield tuple(_row(one) for one in some if one is not None)


def _row(subscription: Subscription) -> SubscriptionStats:
    target = subscription.target
    return SubscriptionStats(
        subject=_text(subscription.subject),
        queue=_text(subscription.queue or b""),
        sid=_text(subscription.sid),
        delivered=target.delivered,
        limit=target.limit,
        number=subscription.subscriber.number,
    )


def _text(data: bytes) -> str:
    """What is no UTF-8 shows as replacement characters, as in gnatsd's JSON."""
    return data.decode("utf-8", "replace")
