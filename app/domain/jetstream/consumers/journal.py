"""Saving the state of a consumer, in few bytes, and reading it at a restart.

Changes are collected and written together: at the end of the turn if a client waits for them, else
some time later. From time to time a checkpoint replaces them, so that what is kept stays in
proportion to what is pending.
"""

from ..storage.seam import Done, StateLog
from .ledger import Ledger
from .records import read_changes, read_checkpoint, write_changes, write_checkpoint

SMALLEST = 16 * 1024
"""Bytes of changes that are kept at least, before a checkpoint replaces them."""


class ConsumerJournal:
    """The state log of one consumer; None for one that leaves no trace."""

    __slots__ = ("_limit", "_log")

    def __init__(self, log: StateLog | None) -> None:
        self._log = log
        self._limit = SMALLEST

    @property
    def keeps(self) -> bool:
        """Whether anything is written at all."""
        return self._log is not None

    def recover(self, offset: int) -> tuple[Ledger, int, int] | None:
        """The ledger, the next sequence and where the newest of each subject end; None for a new log.

        `offset` is the time since the epoch without the time of the ledger; nanoseconds.
        Raises `UnreadableState`.
        """
        log = self._log
        if log is None or not log.checkpoint:
            return None
        ledger, following, resume = read_checkpoint(log.checkpoint, offset)
        for change in log.changes:
            read_changes(ledger, change, offset)
        ledger.changes = None
        self._limit = max(SMALLEST, 4 * len(log.checkpoint))
        return ledger, following, resume

    def write(self, ledger: Ledger, following: int, resume: int, offset: int) -> bool:
        """Write what changed; answers whether there was anything. It is safe after `commit`."""
        changes, ledger.changes = ledger.changes, None
        rewrite, ledger.must_rewrite = ledger.must_rewrite, False
        log = self._log
        if log is None or not (changes or rewrite):
            return False
        if rewrite or changes is None or log.appended > self._limit:
            checkpoint = write_checkpoint(ledger, following, resume, offset)
            log.replace(checkpoint)
            self._limit = max(SMALLEST, 4 * len(checkpoint))
        else:
            log.append(write_changes(ledger, changes, offset))
        return True

    def commit(self, done: Done) -> None:
        """Have all that was written made safe."""
        if self._log is None:
            done(None)
        else:
            self._log.commit(done)
