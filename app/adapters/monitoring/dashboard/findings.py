"""What a look at the broker has found: its clients, and the subjects they listen to.

Both come with rates, which are the difference to what the look before has found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice
from typing import TypeVar

from app.ports.broker_view import ClientStats, Steps, SubscriptionStats, Traffic

STALE_SECONDS = 15.0
"""A look that is older than this says nothing about the rates of now."""

STEP = 1000
"""Rows that are taken in one step, which takes a millisecond or two."""

BUSIEST = 12
"""Subjects that are shown."""

LARGEST = 2**63 - 1

R = TypeVar("R")

_NOTHING = Traffic(0, 0, 0, 0)


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
class Look:
    """All that was seen at one time."""

    at: float
    """When it was begun, on the monotonic scale."""
    clients: Sequence[ClientStats] = ()
    subscriptions: Sequence[SubscriptionStats] = ()
    unranked: int = 0
    """Subscriptions that were too many to look at."""
    slow_above: int = LARGEST
    """Pending bytes from which on a client is slow."""


@dataclass(slots=True)
class Findings:
    """What came of a look. Nobody changes it once it is complete."""

    at: float
    clients: list[ClientRow] = field(default_factory=list)
    """In the order of arrival."""
    subjects: dict[str, SubjectRow] = field(default_factory=dict)
    busiest: list[SubjectRow] = field(default_factory=list)
    """The subjects with the most deliveries."""
    unranked: int = 0
    slow_above: int = LARGEST
    slow: int = 0
    """Clients that are slow."""
    troubled: int = 0
    """Those, and the ones that wait for them."""
    pending: int = 0
    """Bytes that wait for all clients."""
    subscriptions: Sequence[SubscriptionStats] = ()
    """Those that were ranked."""


def is_slow(stats: ClientStats, slow_above: int) -> bool:
    """Whether much waits for it, or somebody does."""
    return stats.connection.pending_bytes >= slow_above or stats.connection.holds > 0


def is_troubled(stats: ClientStats, slow_above: int) -> bool:
    """Whether it is slow, or waits for one that is."""
    return is_slow(stats, slow_above) or bool(stats.connection.waits_for)


def compare(before: Findings | None, look: Look) -> Steps[Findings]:
    """The findings of a look, with rates since those before, if these are not too old."""
    if before is not None and look.at - before.at > STALE_SECONDS:
        before = None
    findings = Findings(
        look.at,
        unranked=look.unranked,
        slow_above=look.slow_above,
        subscriptions=look.subscriptions,
    )
    seconds = max(look.at - before.at, 0.001) if before else 0.0
    yield from _compare_clients(before, findings, look.clients, seconds)
    yield from _sum_subjects(findings, look.subscriptions)
    if before is not None:
        yield from _compare_subjects(before, findings, seconds)
    findings.busiest = yield from rank(findings.subjects.values())
    return findings


def rank(subjects: Iterable[SubjectRow]) -> Steps[list[SubjectRow]]:
    """Those with the most deliveries now; ties go by all deliveries so far."""
    best: list[SubjectRow] = []
    for some in slices(subjects):
        best = nlargest(BUSIEST, [*best, *some], key=lambda row: (row.rate or 0.0, row.delivered))
        yield
    return best


def slices(rows: Iterable[R]) -> Iterator[list[R]]:
    """The rows, as many at a time as one step can take."""
    left = iter(rows)
    while some := list(islice(left, STEP)):
        yield some


def _compare_clients(
    before: Findings | None, findings: Findings, clients: Sequence[ClientStats], seconds: float
) -> Steps[None]:
    known: dict[int, Traffic] = {}
    for rows in slices(before.clients if before else ()):
        known.update((row.stats.connection.cid, row.stats.connection.traffic) for row in rows)
        yield
    for some in slices(clients):
        if before is None:
            findings.clients += map(ClientRow, some)
        else:
            findings.clients += [_with_rates(stats, known, seconds) for stats in some]
        findings.pending += sum(stats.connection.pending_bytes for stats in some)
        findings.slow += sum(is_slow(stats, findings.slow_above) for stats in some)
        findings.troubled += sum(is_troubled(stats, findings.slow_above) for stats in some)
        yield


def _with_rates(stats: ClientStats, known: Mapping[int, Traffic], seconds: float) -> ClientRow:
    traffic = stats.connection.traffic
    was = known.get(stats.connection.cid, _NOTHING)
    return ClientRow(
        stats, (traffic.out_msgs - was.out_msgs) / seconds, (traffic.in_msgs - was.in_msgs) / seconds
    )


def _sum_subjects(findings: Findings, subscriptions: Sequence[SubscriptionStats]) -> Steps[None]:
    subjects = findings.subjects
    for some in slices(subscriptions):
        for subscription in some:
            row = subjects.get(subscription.subject)
            if row is None:
                row = subjects[subscription.subject] = SubjectRow(subscription.subject)
            row.subs += 1
            row.delivered += subscription.delivered
        yield


def _compare_subjects(before: Findings, findings: Findings, seconds: float) -> Steps[None]:
    for some in slices(findings.subjects.values()):
        for row in some:
            was = before.subjects.get(row.subject)
            # The total falls when a subscriber leaves: what the others got meanwhile cannot be told.
            row.rate = max(0, row.delivered - (was.delivered if was else 0)) / seconds
        yield
