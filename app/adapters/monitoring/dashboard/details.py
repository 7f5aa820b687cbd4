"""The one client, or the one subject, that a reader has opened."""

from dataclasses import dataclass

from app.adapters.monitoring.dashboard.findings import Findings, slices
from app.adapters.monitoring.dashboard.rows import Json, client_detail, subscription_row
from app.ports.broker_view import BrokerView, Steps, SubscriptionStats

MOST_LISTED = 200
"""Subscriptions that are listed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reader has opened."""

    client: int = 0
    """Its cid; 0 for none."""
    subject: str = ""
    """Letter by letter; empty for none."""


NOTHING_OPENED = Opened()


def open_client(view: BrokerView, cid: int) -> Steps[Json | None]:
    """A client, with what it listens to; None when it is not here."""
    stats = view.client(cid) if cid else None
    if stats is None:
        return None
    listed: list[SubscriptionStats] = []
    for some in view.subscriptions_of(cid):
        listed += some
        if len(listed) >= MOST_LISTED:
            break
        yield
    return client_detail(stats, listed[:MOST_LISTED], view.monotonic())


def open_subject(findings: Findings, subject: str) -> Steps[Json | None]:
    """Who listens to exactly this subject, those with the most deliveries first."""
    if not subject:
        return None
    found: list[SubscriptionStats] = []
    for some in slices(findings.subscriptions):
        found += [stats for stats in some if stats.subject == subject]
        yield
    found.sort(key=lambda stats: stats.delivered, reverse=True)
    listed = found[:MOST_LISTED]
    names = yield from _names(findings, {stats.number for stats in listed})
    row = findings.subjects.get(subject)
    return {
        "subject": subject,
        "subs": len(found),
        "delivered": sum(stats.delivered for stats in found),
        "rate": row.rate if row is not None else None,
        "subscriptions": [{**subscription_row(one), "name": names.get(one.number, "")} for one in listed],
    }


def _names(findings: Findings, cids: set[int]) -> Steps[dict[int, str]]:
    names: dict[int, str] = {}
    for rows in slices(findings.clients):
        links = [row.stats for row in rows if row.stats.connection.cid in cids]
        names.update((stats.connection.cid, stats.profile.name) for stats in links)
        yield
    return names
