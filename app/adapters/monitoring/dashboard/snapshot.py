"""A snapshot of the broker: its clients and the subjects they subscribe to, with rates.

A rate is the difference to the snapshot before, per second.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import islice
from typing import TypeVar

from ....ports.broker_view import ClientStats, Steps, SubscriptionStats, Traffic

STALE_SECONDS = 15.0
"""Age of a snapshot after which it gives no current rates."""

ROWS_PER_STEP = 1000
"""Rows that one step handles, in a millisecond or two."""

BUSIEST = 12
"""Subjects that are shown."""

UNLIMITED = 2**63 - 1

R = TypeVar("R")

_NO_TRAFFIC = Traffic(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in the table; rates are messages per second, None while unknown."""

    stats: ClientStats
    to_rate: float | None = None
    """Delivered to it."""
    from_rate: float | None = None
    """Published by it."""

    @property
    def text(self) -> str:
        """The text that a filter searches, in lower case."""
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
    """Messages delivered per second; None while unknown."""


@dataclass(frozen=True, slots=True)
class RawSnapshot:
    """What the broker's view returned at one time, without rates."""

    at: float
    """When it was begun, on the monotonic scale."""
    clients: Sequence[ClientStats] = ()
    subscriptions: Sequence[SubscriptionStats] = ()
    unranked: int = 0
    """Subscriptions beyond the limit, which are not included."""
    slow_above: int = UNLIMITED
    """Pending bytes from which on a client is slow."""


@dataclass(slots=True)
class Snapshot:
    """Clients and subjects at one time. It is not changed once it is complete."""

    at: float
    clients: list[ClientRow] = field(default_factory=list)
    """In the order of arrival."""
    subjects: dict[str, SubjectRow] = field(default_factory=dict)
    busiest: list[SubjectRow] = field(default_factory=list)
    """The subjects with the most deliveries."""
    unranked: int = 0
    slow_above: int = UNLIMITED
    slow: int = 0
    """Number of slow clients."""
    affected: int = 0
    """Number of slow clients and of clients that wait for them."""
    pending: int = 0
    """Pending bytes of all clients."""
    subscriptions: Sequence[SubscriptionStats] = ()
    """The subscriptions that are ranked."""


def is_slow(stats: ClientStats, slow_above: int) -> bool:
    """Whether it has many pending bytes, or a publisher waits for it."""
    return stats.connection.pending_bytes >= slow_above or stats.connection.holds > 0


def is_affected(stats: ClientStats, slow_above: int) -> bool:
    """Whether it is slow, or waits for a slow client."""
    return is_slow(stats, slow_above) or bool(stats.connection.waits_for)


def with_rates(before: Snapshot | None, raw: RawSnapshot) -> Steps[Snapshot]:
    """The snapshot made of `raw`, with rates since `before`, unless that is stale."""
    if before is not None and raw.at - before.at > STALE_SECONDS:
        before = None
    snapshot = Snapshot(
        raw.at,
        unranked=raw.unranked,
        slow_above=raw.slow_above,
        subscriptions=raw.subscriptions,
    )
    seconds = max(raw.at - before.at, 0.001) if before else 0.0
    yield from _add_clients(before, snapshot, raw.clients, seconds)
    yield from _add_subjects(snapshot, raw.subscriptions)
    if before is not None:
        yield from _add_subject_rates(before, snapshot, seconds)
    snapshot.busiest = yield from rank(snapshot.subjects.values())
    return snapshot


def rank(subjects: Iterable[SubjectRow]) -> Steps[list[SubjectRow]]:
    """The subjects with the most deliveries per second; ties go by all deliveries so far."""
    best: list[SubjectRow] = []
    for some in batches(subjects):
        best = nlargest(BUSIEST, [*best, *some], key=lambda row: (row.rate or 0.0, row.delivered))
        yield
    return best


def batches(rows: Iterable[R]) -> Iterator[list[R]]:
    """The rows, `ROWS_PER_STEP` at a time."""
    left = iter(rows)
    while some := list(islice(left, ROWS_PER_STEP)):
        yield some


def _add_clients(
    before: Snapshot | None, snapshot: Snapshot, clients: Sequence[ClientStats], seconds: float
) -> Steps[None]:
    known: dict[int, Traffic] = {}
    for rows in batches(before.clients if before else ()):
        known.update((row.stats.connection.cid, row.stats.connection.traffic) for row in rows)
        yield
    for some in batches(clients):
        if before is None:
            snapshot.clients += map(ClientRow, some)
        else:
            snapshot.clients += [_row_with_rates(stats, known, seconds) for stats in some]
        snapshot.pending += sum(stats.connection.pending_bytes for stats in some)
        snapshot.slow += sum(is_slow(stats, snapshot.slow_above) for stats in some)
        snapshot.affected += sum(is_affected(stats, snapshot.slow_above) for stats in some)
        yield


def _row_with_rates(stats: ClientStats, known: Mapping[int, Traffic], seconds: float) -> ClientRow:
    traffic = stats.connection.traffic
    was = known.get(stats.connection.cid, _NO_TRAFFIC)
    return ClientRow(
        stats, (traffic.out_msgs - was.out_msgs) / seconds, (traffic.in_msgs - was.in_msgs) / seconds
    )


def _add_subjects(snapshot: Snapshot, subscriptions: Sequence[SubscriptionStats]) -> Steps[None]:
    subjects = snapshot.subjects
    for some in batches(subscriptions):
        for subscription in some:
            row = subjects.get(subscription.subject)
            if row is None:
                row = subjects[subscription.subject] = SubjectRow(subscription.subject)
            row.subs += 1
            row.delivered += subscription.delivered
        yield


def _add_subject_rates(before: Snapshot, snapshot: Snapshot, seconds: float) -> Steps[None]:
    for some in batches(snapshot.subjects.values()):
        for row in some:
            was = before.subjects.get(row.subject)
            # The total falls when a subscriber leaves; the deliveries of the others are then unknown.
            row.rate = max(0, row.delivered - (was.delivered if was else 0)) / seconds
        yield
