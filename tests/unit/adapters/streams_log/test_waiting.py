"""What failed of that for which somebody waits."""

import pytest

from app.adapters.streams_log.steps import Outcome
from app.adapters.streams_log.waiting import CommitWaiting, divided
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


def test_who_is_refused_after_the_repair() -> None:
    """Those whose messages a full disk did not take, while the files may have some of them."""
    heard: list[tuple[str, StorageFailure | None]] = []
    message = CommitWaiting(lambda failure: heard.append(("message", failure)), messages=True, journal=False)
    change = CommitWaiting(lambda failure: heard.append(("change", failure)), messages=False, journal=True)
    outcome = Outcome(messages=FULL)

    after_repair, answers = divided([message, change], outcome, is_repairing=True)
    assert [message.done] == after_repair
    for answer in answers:
        answer()
    assert [("change", None)] == heard
    assert [] == divided([message], outcome, is_repairing=False)[0]
