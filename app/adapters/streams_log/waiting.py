"""A caller that waits for a commit."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from ...domain.jetstream.storage.seam import Done, StorageFailure
from .steps import Outcome


class CommitWaiting(NamedTuple):
    """What is called, and what has to be safe before."""

    done: Done
    messages: bool
    journal: bool

    def failure_by(self, outcome: Outcome) -> StorageFailure | None:
        """Why that is not safe after a round; None if it is."""
        failure = outcome.messages if self.messages else None
        if failure is None and self.journal:
            failure = outcome.journal
        return failure


def divided(
    taken: Sequence[CommitWaiting], outcome: Outcome, *, is_repairing: bool
) -> tuple[list[Done], list[Callable[[], object]]]:
    """After a round: those to be refused when the files are repaired, and what answers all others."""
    after_repair: list[Done] = []
    answers: list[Callable[[], object]] = []
    for waiting in taken:
        failure = waiting.failure_by(outcome)
        if failure is StorageFailure.FULL and waiting.messages and is_repairing:
            after_repair.append(waiting.done)
        else:
            answers.append(partial(waiting.done, failure))
    return after_repair, answers
