"""Unit tests of what a consumer knows of its deliveries."""

from array import array

from app.domain.dataplane.message_run import ascending
from app.domain.jetstream.consumers.ledger import Ledger


def delivered(count: int) -> Ledger:
    """A ledger after these deliveries, due at 100."""
    ledger = Ledger(0)
    for sequence in range(1, count + 1):
        ledger.deliver(sequence, 100)
    return ledger


def due(ledger: Ledger, now: int) -> None:
    """Queue what is due."""
    ledger.enqueue(ledger.pending.take_due(now, 9))


def floor(ledger: Ledger) -> tuple[int, int]:
    """The ack floor."""
    return ledger.floor_number, ledger.floor


def test_the_floor_moves_when_all_below_is_settled() -> None:
    """Acks of 5, 3 and 2 leave it, that of 1 moves it to 3."""
    ledger = delivered(6)
    for sequence in (5, 3, 2):
        assert ledger.settle(sequence)
        assert (0, 0) == floor(ledger)
    ledger.settle(1)
    assert (3, 3) == floor(ledger)
    ledger.settle(4)
    assert (5, 5) == floor(ledger)
    ledger.settle(6)
    assert (6, 6) == floor(ledger)
    assert not ledger.settle(6)


def test_all_up_to_a_sequence_can_be_settled() -> None:
    """Once."""
    ledger = delivered(5)
    ledger.settle(2)
    assert [1, 3] == ledger.settle_through(3)
    assert (3, 3) == floor(ledger)
    assert [] == ledger.settle_through(2)
    ledger.settle(4)
    ledger.settle(5)
    ledger.delivered = 9
    assert [] == ledger.settle_through(9)
    assert (5, 9) == floor(ledger)


def test_counts_go_with_all_that_is_settled() -> None:
    """Those above stay."""
    ledger = delivered(3)
    ledger.deliveries.update({1: 2, 3: 4})
    ledger.settle_through(2)
    assert {3: 4} == ledger.deliveries


def test_redeliveries_count_consumer_sequences() -> None:
    """And keep the order in which they were due."""
    ledger = delivered(3)
    due(ledger, 100)
    assert 1 == ledger.next_redelivery()
    ledger.redeliver(1, 200)
    assert (4, 2, 2) == (ledger.number, ledger.deliveries_of(1), ledger.next_redelivery())
    ledger.settle(2)
    assert 3 == ledger.next_redelivery()
    ledger.redeliver(3, 150)
    assert 0 == ledger.next_redelivery()


def test_a_redelivery_that_was_not_queued() -> None:
    """It counts as well."""
    ledger = delivered(1)
    ledger.redeliver(1, 200)
    assert (2, 2, 200) == (ledger.number, ledger.deliveries_of(1), ledger.pending.due_of(1))


def test_a_refused_message_is_queued_once() -> None:
    """And postponed out of the queue."""
    ledger = delivered(2)
    ledger.requeue(2)
    ledger.requeue(2)
    ledger.requeue(7)
    assert (2, 1) == (ledger.next_redelivery(), ledger.pending.queued)
    ledger.postpone(2, 300)
    ledger.postpone(7, 300)
    assert (0, 0) == (ledger.next_redelivery(), ledger.pending.queued)


def test_the_queue_keeps_no_dead_entries() -> None:
    """However often a message is refused with a delay."""
    ledger = delivered(1)
    for _ in range(1000):
        ledger.requeue(1)
        ledger.postpone(1, 300)
    ledger.requeue(1)
    assert 1 == ledger.next_redelivery()
    assert len(ledger._queue or ()) < 100  # noqa: SLF001 - the promise is about memory


def test_exhausted_messages_leave_what_is_pending() -> None:
    """A late ack settles them, if they are remembered."""
    ledger = delivered(3)
    ledger.exhaust(1, keep=True)
    ledger.exhaust(2, keep=False)
    ledger.exhaust(2, keep=False)
    assert ({1: 1}, 1, (2, 2)) == (ledger.deliveries, len(ledger.pending), floor(ledger))
    assert ledger.settle(1)
    assert not ledger.settle(2)


def test_a_purge_settles_what_is_gone() -> None:
    """The floor is below what is left."""
    ledger = delivered(4)
    ledger.deliveries[2] = 3
    ledger.purge(3)
    assert ((2, 2), {}) == (floor(ledger), ledger.deliveries)
    ledger.purge(9)
    assert ((4, 8), 8) == (floor(ledger), ledger.delivered)


def test_a_purge_without_anything_below_raises_the_floor() -> None:
    """The consumer sequence stays."""
    ledger = Ledger(0)
    ledger.deliver(7, 1)
    ledger.purge(5)
    assert (0, 4) == floor(ledger)
    ledger.purge(2)
    assert (0, 4) == floor(ledger)


def test_deliveries_without_acks_move_the_floor() -> None:
    """They are settled when they are sent."""
    ledger = Ledger(0)
    ledger.deliver_settled(4)
    assert ((1, 4), 4) == (floor(ledger), ledger.delivered)


def test_a_reset_forgets_all() -> None:
    """Numbers begin again."""
    ledger = delivered(3)
    ledger = ledger.reset(1)
    assert (0, 1, (0, 1), 0) == (ledger.number, ledger.delivered, floor(ledger), len(ledger.pending))
    assert ledger.must_rewrite


def test_a_queue_is_given_back_when_it_is_empty() -> None:
    """An idle consumer has none."""
    ledger = delivered(1)
    ledger.requeue(1)
    ledger.settle(1)
    assert 0 == ledger.next_redelivery()
    assert ledger._queue is None  # noqa: SLF001 - the promise is about memory


def test_nothing_is_noted_where_nothing_is_kept() -> None:
    """Whatever happens."""
    ledger = Ledger(0, records=False)
    for sequence in range(1, 8):
        ledger.deliver(sequence, 5)
    due(ledger, 5)
    ledger.redeliver(1, 9)
    ledger.settle(1)
    ledger.exhaust(2, keep=True)
    ledger.exhaust(3, keep=False)
    ledger.postpone(4, 8)
    ledger.requeue(4)
    ledger.settle_through(5)
    ledger.deliver_settled(9)
    ledger = ledger.reset(3)
    assert ledger.changes is None
    assert not ledger.records


def test_a_run_of_acks() -> None:
    """Acks of sequences that follow each other are as acks one by one, and noted as such."""
    ledgers = [Ledger(0), Ledger(0)]
    for ledger in ledgers:
        ledger.deliver_run(ascending(1, 40), 5)
        ledger.settle(7)
    at_once, singly = ledgers

    settled = list(at_once.settle_many([*range(3, 20)]))

    assert settled == [*range(3, 7), *range(8, 20)]
    assert settled[::-1] == list(singly.settle_many([*range(19, 2, -1)]))
    for first, last in ((1, 2), (20, 40), (20, 40)):
        at_once.settle_many([*range(first, last + 1)])
        singly.settle_many([*range(last, first - 1, -1)])
        assert (at_once.floor, at_once.floor_number) == (singly.floor, singly.floor_number)
    assert at_once.changes is not None
    assert singly.changes is not None
    assert sorted(at_once.changes.settled) == sorted(singly.changes.settled)


def test_acks_of_all_rows_of_a_stretch() -> None:
    """Acks of a consumer with filters are as acks one by one, too."""
    ledgers = [Ledger(0), Ledger(0)]
    for ledger in ledgers:
        ledger.deliver_run(array("q", range(3, 2000, 3)), 5)
    at_once, singly = ledgers

    for first, last, skipped in ((3, 90, 0), (600, 1500, 699), (93, 597, 0), (600, 1998, 0)):
        acks = [each for each in range(first, last + 1, 3) if each != skipped]
        settled = at_once.settle_many(acks)
        assert list(settled) == sorted(singly.settle_many(acks[::-1]))
        assert (at_once.floor, at_once.floor_number) == (singly.floor, singly.floor_number)
        assert list(at_once.pending) == list(singly.pending)
    assert 0 == len(at_once.pending)


def test_a_run_of_acks_without_records() -> None:
    """Nothing is noted where nothing is kept."""
    ledger = Ledger(0, records=False)
    ledger.deliver_run(ascending(1, 8), 5)
    assert ascending(1, 5) == ledger.settle_many([*range(1, 6)])
    assert ascending(6, 3) == ledger.settle_many([6, 7, 8])
    assert (8, None) == (ledger.floor, ledger.changes)
