"""What failed of that for which somebody waits."""

import pytest

from app.adapters.streams_log.steps import Outcome
from app.adapters.streams_log.waiting import CommitWaiting
from app.domain.jetstream.storage.seam import StorageFailure

FULL, BROKEN = StorageFailure.FULL, StorageFailure.BROKEN


@pytest.mark.parametrize(
    ("messages", "journal", "failure"),
    [(True, False, FULL), (False, True, BROKEN), (True, True, FULL), (False, False, None)],
)
def test_what_failed(messages: bool, journal: bool, failure: StorageFailure | None) -> None:  # noqa: FBT001 - a table
    """Messages count before the journal, and what is not waited for not at all."""
    waiting = CommitWaiting(lambda _failure: None, messages=messages, journal=journal)

    assert failure is waiting.failure_by(Outcome(messages=FULL, journal=BROKEN))


def test_only_the_journal_failed() -> None:
    """Who waits for both hears of it."""
    waiting = CommitWaiting(lambda _failure: None, messages=True, journal=True)

    assert BROKEN is waiting.failure_by(Outcome(journal=BROKEN))
