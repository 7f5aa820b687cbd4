"""What a look at the broker has found: its clients, and the subjects they listen to.

Both come with rates, which are the difference to what the look before has found.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.ports.broker_view import ClientStats, Steps, SubscriptionStats

STALE_SECONDS = 15.0
"""A look that is older than this says nothing about the rates of now."""

STEP = 1000
"""Facts that are compared in one step; it takes a millisecond or two."""


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the table; rates are messages per second, None when they are unknown yet."""

    stats: ClientStats
    to_rate: float | None = None
    """Delivered to it."""
    from_rate: float | None = None
    """Published by it."""

    @property
    def text(self) -> str:
        """What a filter looks through, in small letters."""
        profile, link = self.stats.profile, self.stats.connection
        words = (profile.name, f"{link.ip}:{link.port}", profile.lang, profile.version)
        return "\n".join(words).casefold()


@dataclass(slots=True)
class SubjectRow:
    """All subscriptions to one subject together."""

    subject: str
    subs: int = 0
    delivered: int = 0
    rate: float | None = None
    """Messages delivered per second; None when it is unknown yet."""


@dataclass(frozen=True, slots=True)
class Findings:
    """One look at all of it."""

    at: float
    """On the monotonic scale."""
    clients: list[ClientRow] = field(default_factory=list)
    subjects: dict[str, SubjectRow] = field(default_factory=dict)
    unranked: int = 0
    """Subscriptions that were too many to look at."""


def compare(
    before: Findings | None,
    at: float,
    clients: Iterable[ClientStats],
    subscriptions: Iterable[SubscriptionStats],
    unranked: int = 0,
) -> Steps[Findings]:
    """The findings of a look that was begun at a time, with rates since the look before."""
    if before is not None and at - before.at > STALE_SECONDS:
        before = None
    findings = Findings(at, unranked=unranked)
    yield from _compare_clients(before, findings, clients)
    yield from _sum_subjects(findings, subscriptions)
    if before is not None:
        yield from _compare_subjects(before, findings)
    return findings


def _compare_clients(
    before: Findings | None, findings: Findings, clients: Iterable[ClientStats]
) -> Steps[None]:
    known = (
        {row.stats.connection.cid: row.stats.connection.traffic for row in before.clients} if before else {}
    )
    yield
    for number, stats in enumerate(clients, 1):
        row = ClientRow(stats)
        if before is not None:
            seconds, link = _seconds(before, findings), stats.connection
            traffic, was = link.traffic, known.get(link.cid)
            sent, received = (was.out_msgs, was.in_msgs) if was else (0, 0)
            row = ClientRow(
                stats, (traffic.out_msgs - sent) / seconds, (traffic.in_msgs - received) / seconds
            )
        findings.clients.append(row)
        if number % STEP == 0:
            yield


def _sum_subjects(findings: Findings, subscriptions: Iterable[SubscriptionStats]) -> Steps[None]:
    subjects = findings.subjects
    for number, subscription in enumerate(subscriptions, 1):
        row = subjects.get(subscription.subject)
        if row is None:
            row = subjects[subscription.subject] = SubjectRow(subscription.subject)
        row.subs += 1
        row.delivered += subscription.delivered
        if number % STEP == 0:
            yield


def _compare_subjects(before: Findings, findings: Findings) -> Steps[None]:
    seconds = _seconds(before, findings)
    for number, row in enumerate(findings.subjects.values(), 1):
        was = before.subjects.get(row.subject)
        # The total falls when a subscriber leaves: what the others got meanwhile cannot be told.
        row.rate = max(0, row.delivered - (was.delivered if was else 0)) / seconds
        if number % STEP == 0:
            yield


def _seconds(before: Findings, findings: Findings) -> float:
    return max(findings.at - before.at, 0.001)
