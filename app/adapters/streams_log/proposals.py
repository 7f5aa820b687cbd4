"""Changes that take effect when they are written: one that the disk refuses leaves no trace."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from ...domain.jetstream.storage.seam import Done, StorageFailure
from .journal import JournalEntry


def _nothing() -> None:
    """Nothing is noted."""


class Proposal(NamedTuple):
    """A change that is written first, and made in memory when that is safe."""

    done: Done
    entries: Callable[[], Sequence[JournalEntry]]
    """What says so in the journal; asked for when that is written."""
    apply: Callable[[], object] = _nothing
    """Notes it in memory, as soon as it is written, so that the next journal has it as well."""
    needs: int = 0
    """The highest sequence that it names: it is written after this message."""


Answer = Callable[[], object]


class Proposals:
    """The proposals of one stream."""

    __slots__ = ("_taken", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[Proposal] = []
        self._taken: list[Proposal] = []

    def __bool__(self) -> bool:
        """Whether some wait for a round."""
        return bool(self._waiting)

    def add(self, proposal: Proposal) -> None:
        """Have it written with the next round."""
        self._waiting.append(proposal)

    def take(self, last: int) -> None:
        """A round writes those that need no message after `last`."""
        self._taken = [each for each in self._waiting if each.needs <= last]
        self._waiting = [each for each in self._waiting if each.needs > last]

    def entries(self) -> list[JournalEntry]:
        """Those of what a round writes."""
        return [entry for each in self._taken for entry in each.entries()]

    def finish(self, failure: StorageFailure | None) -> list[Answer]:
        """The round is over: note what is written; returns what answers for it."""
        taken, self._taken = self._taken, []
        if failure is None:
            for each in taken:
                each.apply()
        return [partial(each.done, failure) for each in taken]

    def refuse(self, failure: StorageFailure, above: int = -1) -> list[Answer]:
        """Forget those that wait, and need a message after `above`; returns what answers for them."""
        refused = [each for each in self._waiting if each.needs > above]
        self._waiting = [each for each in self._waiting if each.needs <= above]
        return [partial(each.done, failure) for each in refused]
