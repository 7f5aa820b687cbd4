"""Unit tests of the state of a consumer as bytes."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.jetstream.consumers.ledger import Changes, Ledger
from app.domain.jetstream.consumers.records import (
    UnreadableState,
    read_changes,
    read_checkpoint,
    write_changes,
    write_checkpoint,
)

OFFSET = 10**18


def state(ledger: Ledger) -> tuple[object, ...]:
    """All that survives a restart."""
    sequences, numbers, _ = ledger.pending.columns()
    rows = tuple(zip(sequences, numbers, strict=True))
    return (ledger.number, ledger.delivered, ledger.floor_number, ledger.floor, rows, dict(ledger.deliveries))


def written(ledger: Ledger) -> bytes:
    """The changes of a ledger."""
    return write_changes(ledger, ledger.changes or Changes(), 0)


def step(ledger: Ledger, kind: str, number: int, now: int) -> None:
    """Something happens."""
    pending = list(ledger.pending)
    sequence = pending[number % len(pending)] if pending else 0
    if kind == "deliver":
        ledger.deliver(ledger.delivered + 1 + number % 3, now + 10)
    elif kind == "run":
        for _ in range(number):
            ledger.deliver(ledger.delivered + 1, now + 10)
    elif kind == "due":
        ledger.enqueue(ledger.pending.take_due(now, 9))
        found = ledger.next_redelivery()
        if found:
            ledger.redeliver(found, now + 20)
    elif kind == "settle":
        ledger.settle(sequence)
    elif kind == "through":
        ledger.settle_through(sequence)
    elif kind == "exhaust":
        ledger.exhaust(sequence, keep=number % 2 > 0)
    elif kind == "postpone":
        ledger.postpone(sequence, now + 50)
    else:
        ledger.requeue(sequence)


KINDS = ["deliver", "run", "due", "settle", "settle", "through", "exhaust", "postpone", "requeue"]


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.booleans()), max_size=80),
    st.integers(0, 20),
)
def test_what_is_read_is_what_was_written(steps: list[tuple[str, int, bool]], at: int) -> None:
    """A checkpoint anywhere, and changes after it, give the same state; twice as well as once."""
    ledger, checkpoint, changes = Ledger(0), write_checkpoint(Ledger(0), 1, 0, OFFSET), list[bytes]()
    for i, (kind, number, is_saved) in enumerate(steps):
        step(ledger, kind, number, i * 7)
        if i == at:
            checkpoint, changes = write_checkpoint(ledger, 1, 0, OFFSET), []
            ledger.changes = None
        elif is_saved and ledger.changes is not None:
            changes.append(write_changes(ledger, ledger.changes, OFFSET))
            ledger.changes = None
    if ledger.changes is not None:
        changes.append(write_changes(ledger, ledger.changes, OFFSET))
    for repeat in (1, 2):
        again, _, _ = read_checkpoint(checkpoint, OFFSET)
        for change in changes:
            for _ in range(repeat):
                read_changes(again, change, OFFSET)
        assert state(ledger) == state(again)


def test_due_times_survive_a_change_of_scale() -> None:
    """They are times of the day in the record; what is queued is due at once."""
    ledger = Ledger(0)
    ledger.deliver(1, 500)
    ledger.deliver(2, 600)
    ledger.requeue(2)
    found, following, resume = read_checkpoint(write_checkpoint(ledger, 3, 7, 100), 250)
    assert (350, 3, 7) == (found.pending.due_of(1), following, resume)
    assert (found.pending.due_of(2) or 0) < 0


def test_changes_of_settled_messages_mean_nothing() -> None:
    """They may be read after the checkpoint that knows better."""
    ledger = Ledger(0)
    for sequence in (1, 2):
        ledger.deliver(sequence, 5)
    ledger.changes = None
    ledger.enqueue(ledger.pending.take_due(5, 9))
    ledger.redeliver(1, 9)
    ledger.exhaust(2, keep=True)
    record = written(ledger)
    read_changes(again := Ledger(7), record, 0)
    assert (3, 0, {}) == (again.number, len(again.pending), again.deliveries)


def test_runs_take_few_bytes() -> None:
    """A thousand deliveries and acks in order are a hundred bytes."""
    ledger = Ledger(0)
    for sequence in range(1, 1001):
        ledger.deliver(sequence, 5)
        ledger.settle(sequence)
    assert len(written(ledger)) < 100


def test_positions_only_go_forward() -> None:
    """A record that is read again moves nothing back."""
    ledger = Ledger(0)
    ledger.deliver_settled(3)
    changes = ledger.changes or Changes()
    record = write_changes(ledger, changes, 0)
    again = Ledger(0)
    read_changes(again, record, 0)
    again.deliver_settled(9)
    read_changes(again, record, 0)
    assert (2, 9) == (again.number, again.delivered)


GOOD = write_checkpoint(Ledger(3), 4, 0, 0)


@pytest.mark.parametrize("data", [b"", b"\x02" + GOOD[1:], GOOD[:-1], GOOD[:-8], GOOD + bytes(8), GOOD[:1]])
def test_other_checkpoints_are_refused(data: bytes) -> None:
    """Of a newer version, or cut off."""
    with pytest.raises(UnreadableState):
        read_checkpoint(data, 0)


def test_negative_counts_are_refused() -> None:
    """Not read as rows from the end."""
    bad = bytes([1]) + array("q", [0, 0, 0, 0, 0, 0, 0, -1, 3]).tobytes()
    with pytest.raises(UnreadableState):
        read_checkpoint(bad, 0)


@pytest.mark.parametrize(
    "change",
    [
        b"\x01",
        b"\x01\x01\x00\x00\x00",
        b"\x63\x00\x00\x00\x00",
        b"\x01\x00\x00\x00\x00",
        b"\x07\x00\x00\x00\x00",
    ],
)
def test_other_changes_are_refused(change: bytes) -> None:
    """Cut off, unknown, or with too few numbers."""
    with pytest.raises(UnreadableState):
        read_changes(Ledger(0), change, 0)
