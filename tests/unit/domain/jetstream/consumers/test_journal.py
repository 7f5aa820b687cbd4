"""Unit tests of saving what a consumer knows."""

import pytest

from app.domain.jetstream.consumers.journal import SMALLEST, ConsumerJournal
from app.domain.jetstream.consumers.ledger import Ledger
from app.domain.jetstream.consumers.records import UnreadableState
from tests.fakes.jetstream import FakeState


def test_nothing_is_kept_without_a_log() -> None:
    """And a commit is done at once."""
    journal, done = ConsumerJournal(None), list[object]()
    ledger = Ledger(0)
    ledger.deliver(1, 5)
    assert not journal.write(ledger, 2, 0, 0)
    journal.commit(done.append)
    assert ([None], None, False) == (done, journal.recover(0), journal.keeps)


def test_changes_come_after_a_checkpoint() -> None:
    """What is recovered is what was known."""
    state = FakeState()
    journal, ledger = ConsumerJournal(state), Ledger(0)
    assert not journal.write(ledger, 1, 0, 0)
    ledger.must_rewrite = True
    assert journal.write(ledger, 1, 9, 0)
    ledger.deliver(1, 5)
    assert journal.write(ledger, 2, 9, 0)
    assert not journal.write(ledger, 2, 9, 0)
    found = ConsumerJournal(state.reopen()).recover(0)
    assert found is not None
    recovered, following, resume = found
    assert (1, [1], 1, 9, None) == (
        recovered.number,
        list(recovered.pending),
        following,
        resume,
        recovered.changes,
    )


def test_checkpoints_keep_the_log_short() -> None:
    """However much happens."""
    state = FakeState()
    journal, ledger = ConsumerJournal(state), Ledger(0)
    ledger.must_rewrite = True
    longest = 0
    for sequence in range(1, 5000):
        ledger.deliver(sequence, 5)
        ledger.settle(sequence)
        journal.write(ledger, sequence + 1, 0, 0)
        longest = max(longest, state.appended)
    assert SMALLEST < longest < SMALLEST + 200


def test_a_damaged_state_is_no_state() -> None:
    """The caller decides."""
    with pytest.raises(UnreadableState):
        ConsumerJournal(FakeState(b"\x07")).recover(0)
    state = FakeState()
    ledger = Ledger(0)
    ledger.must_rewrite = True
    ConsumerJournal(state).write(ledger, 1, 0, 0)
    damaged = ConsumerJournal(FakeState(state.reopen().checkpoint, (b"\x63",)))
    with pytest.raises(UnreadableState):
        damaged.recover(0)
