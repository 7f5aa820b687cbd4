"""The work of one stream for the disk in one round, and its result."""

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...domain.failure import described
from ...domain.jetstream.storage.seam import StorageFailure
from ...ports.files import SyncFailed, Write

Step = Callable[[], object]
"""Runs in the worker. Raises `OSError`."""

NO_DESCRIPTOR = frozenset([errno.EMFILE, errno.ENFILE])
"""Errors of opening: nothing was done, and it may be done when clients have left."""

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT, *NO_DESCRIPTOR])


@dataclass(slots=True)
class Batch:
    """The steps of one stream. What comes later relies on what comes first."""

    prepare: list[Step] = field(default_factory=list)
    """Makes what is not there yet."""
    messages: list[Step] = field(default_factory=list)
    journal: list[Step] = field(default_factory=list)
    """Is done even if messages could not be written, unless the disk is broken."""
    cleaning: list[Step] = field(default_factory=list)
    """Is done only if all else was; its errors only cost room."""
    write: Write | None = None
    """What all steps are, if they are just this."""

    def __bool__(self) -> bool:
        return bool(self.prepare or self.messages or self.journal or self.cleaning)


@dataclass(slots=True)
class Outcome:
    """What failed."""

    prepared: bool = False
    messages: StorageFailure | None = None
    journal: StorageFailure | None = None
    error: Exception | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return self.messages is self.journal is None

    def in_words(self) -> str:
        """What failed, for an operator."""
        error = self.error
        if StorageFailure.BROKEN not in (self.messages, self.journal):
            return f"{shortage(error)}: {error}; publishing goes on when there is room"
        if isinstance(error, OSError) and error.errno == errno.ESTALE:
            return "files of the stream were removed by another program; nothing is stored before a restart"
        if error is None or isinstance(error, OSError):
            return f"the disk failed: {error}; nothing is stored before a restart, check the disk before that"
        return f"internal error: {described(error)}; nothing is stored before a restart"

    def note_write(self, error: OSError | None) -> None:
        """What came of a `Batch.write`."""
        self.prepared, self.error = True, error
        if error is not None:
            self.messages = failure_of(error)
            self.journal = StorageFailure.BROKEN if self.messages is StorageFailure.BROKEN else None


def failure_of(error: OSError) -> StorageFailure:
    """Whether a later attempt may succeed."""
    if isinstance(error, SyncFailed):
        return StorageFailure.BROKEN
    return StorageFailure.FULL if error.errno in _FULL else StorageFailure.BROKEN


def shortage(error: Exception | None) -> str:
    """What a `FULL` is for, in words."""
    return "no file can be opened" if getattr(error, "errno", 0) in NO_DESCRIPTOR else "the disk is full"


def carry_out(batch: Batch, outcome: Outcome) -> None:
    """Do the steps; runs in the worker."""
    outcome.messages = outcome.journal = _run(batch.prepare, outcome)
    if outcome.messages is None:
        outcome.prepared = True
        outcome.messages = _run(batch.messages, outcome)
        if outcome.messages is not StorageFailure.BROKEN:
            outcome.journal = _run(batch.journal, outcome)
        else:
            outcome.journal = StorageFailure.BROKEN
    if outcome.is_good:
        for step in batch.cleaning:
            _run([step], Outcome())


def _run(steps: Iterable[Step], outcome: Outcome) -> StorageFailure | None:
    try:
        for step in steps:
            step()
    except OSError as error:
        outcome.error = error
        return failure_of(error)
    except Exception as error:  # noqa: BLE001 - the thread goes on: other streams need it
        outcome.error = error
        return StorageFailure.BROKEN
    return None
