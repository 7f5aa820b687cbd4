"""Someone who waits for a commit."""

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
