"""The details of one client or one subject."""

from dataclasses import dataclass

from ....ports.broker_view import BrokerView, Steps, SubscriptionStats
from .rows import Json, client_detail, subscription_row
from .snapshot import Snapshot, batches

MAX_LISTED = 200
"""Subscriptions listed at most."""


@dataclass(frozen=True, slots=True)
class DetailQuery:
    """Which details a reader wants."""

    client: int = 0
    """A cid; 0 for none."""
    subject: str = ""
    """The exact subject; empty for none."""


NO_DETAILS = DetailQuery()


def client_details(view: BrokerView, cid: int) -> Steps[Json | None]:
    """A client with its subscriptions; None if it is not connected."""
    stats = view.client(cid) if cid else None
    if stats is None:
        return None
    listed: list[SubscriptionStats] = []
    for some in view.subscriptions_of(cid):
        listed += some
        if len(listed) >= MAX_LISTED:
            break
        yield
    return client_detail(stats, listed[:MAX_LISTED], view.monotonic())


def subject_details(snapshot: Snapshot, subject: str) -> Steps[Json | None]:
    """The subscriptions to exactly this subject, most deliveries first."""
    if not subject:
        return None
    found: list[SubscriptionStats] = []
    for some in batches(snapshot.subscriptions):
        found += [stats for stats in some if stats.subject == subject]
        yield
    found.sort(key=lambda stats: stats.delivered, reverse=True)
    listed = found[:MAX_LISTED]
    names = yield from _names(snapshot, {stats.number for stats in listed})
    row = snapshot.subjects.get(subject)
    return {
        "subject": subject,
        "subs": len(found),
        "delivered": sum(stats.delivered for stats in found),
        "rate": row.rate if row is not None else None,
        "subscriptions": [{**subscription_row(one), "name": names.get(one.number, "")} for one in listed],
    }


def _names(snapshot: Snapshot, cids: set[int]) -> Steps[dict[int, str]]:
    names: dict[int, str] = {}
    for rows in batches(snapshot.clients):
        links = [row.stats for row in rows if row.stats.connection.cid in cids]
        names.update((stats.connection.cid, stats.profile.name) for stats in links)
        yield
    return names
