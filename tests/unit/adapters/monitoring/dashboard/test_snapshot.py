"""Snapshots: clients and subjects, with the rates since the snapshot before."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.adapters.monitoring.dashboard.snapshot import (
    BUSIEST,
    ROWS_PER_STEP,
    STALE_SECONDS,
    RawSnapshot,
    Snapshot,
    with_rates,
)
from app.ports.broker_view import ClientStats, ConnectionStats, Profile, SubscriptionStats, Traffic
from tests.support.steps import counted, finished


def client(cid: int, *, to: int = 0, by: int = 0, name: str = "", pending: int = 0) -> ClientStats:
    """A client that was sent and has published these numbers of messages."""
    traffic = Traffic(in_msgs=by, in_bytes=0, out_msgs=to, out_bytes=0)
    link = ConnectionStats(cid, "192.0.2.1", 4000 + cid, 0.0, 0.0, pending, traffic)
    return ClientStats(link, Profile(name, "go", "1.2", ""), 0)


def subscription(subject: str, delivered: int) -> SubscriptionStats:
    """A subscription that was sent this many messages."""
    return SubscriptionStats(subject, "", "1", delivered, 0, 1)


def raw(
    at: float,
    clients: Sequence[ClientStats] = (),
    subscriptions: Sequence[SubscriptionStats] = (),
    before: Snapshot | None = None,
) -> Snapshot:
    """A whole raw."""
    return finished(with_rates(before, RawSnapshot(at, clients, subscriptions)))


def test_the_first_snapshot_has_no_rates() -> None:
    """With nothing to with_rates with, totals are known and rates are not."""
    snapshot = raw(10.0, [client(1, to=5)], [subscription("a", 5)])

    [row], subject = snapshot.clients, snapshot.subjects["a"]
    assert (None, None) == (row.to_rate, row.from_rate)
    assert (1, 5, None) == (subject.subs, subject.delivered, subject.rate)


def test_rates_since_the_snapshot_before() -> None:
    """A rate is what has been added, by the seconds between the snapshots."""
    before = raw(10.0, [client(1, to=5, by=1)], [subscription("a", 5)])

    snapshot = raw(12.0, [client(1, to=15, by=7)], [subscription("a", 15)], before)

    assert (5.0, 3.0) == (snapshot.clients[0].to_rate, snapshot.clients[0].from_rate)
    assert 5.0 == snapshot.subjects["a"].rate


def test_a_newcomer_counts_from_zero() -> None:
    """All that a new client, or a new subject, has moved was moved since the snapshot before."""
    before = raw(10.0)

    snapshot = raw(12.0, [client(1, to=8)], [subscription("a", 8)], before)

    assert (4.0, 4.0) == (snapshot.clients[0].to_rate, snapshot.subjects["a"].rate)


def test_subscriptions_to_one_subject_are_one_row() -> None:
    """A subject shows how many listen to it, and what all of them were sent."""
    snapshot = raw(1.0, (), [subscription("a", 3), subscription("b", 1), subscription("a", 4)])

    assert ["a", "b"] == list(snapshot.subjects)
    assert (2, 7) == (snapshot.subjects["a"].subs, snapshot.subjects["a"].delivered)


def test_a_subscriber_who_leaves_makes_no_negative_rate() -> None:
    """Where a total has fallen the rate is shown as zero."""
    before = raw(10.0, (), [subscription("a", 100), subscription("a", 5)])

    snapshot = raw(12.0, (), [subscription("a", 7)], before)

    assert 0.0 == snapshot.subjects["a"].rate


def test_an_old_snapshot_is_no_measure() -> None:
    """A rate over a long absence would be no rate of now, so it is unknown."""
    before = raw(10.0, [client(1)], [subscription("a", 5)])

    snapshot = raw(10.1 + STALE_SECONDS, [client(1, to=5)], [subscription("a", 9)], before)

    assert None is snapshot.clients[0].to_rate
    assert None is snapshot.subjects["a"].rate


@pytest.mark.parametrize("word", ["billing", "192.0.2.1:4007", "go", "1.2"])
def test_what_a_filter_looks_through(word: str) -> None:
    """A client is found by its name in any case, its address, its language and its version."""
    [row] = raw(1.0, [client(7, name="Billing-EU")]).clients

    assert word in row.text


def test_a_large_snapshot_has_pauses() -> None:
    """Comparing thousands of facts is cut into steps, so that messages can pass."""
    facts = [subscription(f"s{number}", 0) for number in range(3 * ROWS_PER_STEP)]

    clients = [client(cid) for cid in range(2 * ROWS_PER_STEP)]
    before = raw(1.0, clients, facts)

    pauses, _ = counted(with_rates(before, RawSnapshot(2.0, clients, facts)))

    # Remembering and comparing the clients, adding up, comparing and ranking the subjects.
    assert 2 + 2 + 3 + 3 + 3 == pauses


def test_who_is_slow() -> None:
    """Slow is who has as much pending as makes its publishers wait; all pending bytes are added up."""
    clients = [client(1, pending=1000), client(2, pending=999)]

    snapshot = finished(with_rates(None, RawSnapshot(1.0, clients, slow_above=1000)))

    assert (1, 1999) == (snapshot.slow, snapshot.pending)


def test_who_is_held_and_by_whom() -> None:
    """A receiver that holds a publisher is slow, whatever is pending; with the publisher it is in trouble."""
    receiver, publisher, other = client(1), client(2), client(3)
    receiver = replace(receiver, connection=replace(receiver.connection, holds=1))
    publisher = replace(publisher, connection=replace(publisher.connection, waits_for=((1, "a"),)))

    snapshot = finished(with_rates(None, RawSnapshot(1.0, [receiver, publisher, other])))

    assert (1, 2) == (snapshot.slow, snapshot.affected)


def test_the_busiest_subjects_first() -> None:
    """What is delivered most now comes first; among equals, what was delivered most so far."""
    before = raw(1.0, (), [subscription("a", 5), subscription("b", 0), subscription("d", 9)])
    now = [subscription("a", 6), subscription("b", 2), subscription("c", 0), subscription("d", 9)]

    snapshot = raw(2.0, (), now, before)

    assert ["b", "a", "d", "c"] == [row.subject for row in snapshot.busiest]


def test_the_busiest_of_many() -> None:
    """Out of thousands of subjects the few busiest are found, wherever they stand."""
    subscriptions = [subscription(f"s.{number}", number) for number in range(2 * ROWS_PER_STEP + 5)]

    snapshot = raw(1.0, (), [*subscriptions[1500:], *subscriptions[:1500]])

    assert [2 * ROWS_PER_STEP + 4 - number for number in range(BUSIEST)] == [
        row.delivered for row in snapshot.busiest
    ]
