"""Someone who waits for a commit."""

from typing import NamedTuple

from ...domain.jetstream.storage.seam import Done, StorageFailure
from .steps import Outcome


class CommitWaiting(NamedTuple):
    """Who it is, and what is to be safe for him."""

    done: Done
    messages: bool
    journal: bool

    def failure_by(self, outcome: Outcome) -> StorageFailure | None:
        """What of that failed in a round."""
        failure = outcome.messages if self.messages else None
        if failure is None and self.journal:
            failure = outcome.journal
        return failure
