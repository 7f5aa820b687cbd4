"""Removed messages that are not in the journal yet."""

from array import array
from collections.abc import Iterable, Iterator, Sequence

_MOST = 50_000
"""Removed sequences that wait, as the messages that removed them are safe; more are written soon."""


class PendingRemovals:
    """Removed sequences that the journal does not have yet, and segments that became empty."""

    __slots__ = (
        "_empty",
        "_erase",
        "_floor_written",
        "_runs",
        "_sequences",
        "agreed",
        "agreed_floor",
        "agreed_to_erase",
        "floor",
    )

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        """Everything below was removed at once."""
        self._floor_written = floor
        self._sequences: list[int] = []
        self._runs: list[tuple[int, int]] = []
        self._erase: dict[int, int] = {}
        self._empty: set[int] = set()
        self.agreed: set[int] = set()
        """Those that the journal has as removed, and that are about to be."""
        self.agreed_to_erase: set[int] = set()
        self.agreed_floor = 0
        """The same for everything below."""

    def agree(self, sequences: Sequence[int], *, erase: bool) -> None:
        """The journal has that these are removed; `add` follows soon."""
        self.agreed.update(sequences)
        if erase:
            self.agreed_to_erase.update(sequences)

    def agree_before(self, sequence: int) -> None:
        """The same for everything below."""
        self.agreed_floor = max(self.agreed_floor, sequence)

    def add(self, sequences: Sequence[int]) -> bool:
        """These were removed; returns `is_due`, which one asks then."""
        if self.agreed:
            known = self.agreed.intersection(sequences)
            self.agreed -= known
            sequences = [each for each in sequences if each not in known]
        self._sequences += sequences
        return bool(self._empty) or len(self._sequences) > _MOST

    def skipped(self, first: int, last: int) -> None:
        """These never had a message."""
        self._runs.append((first, last))

    def all_before(self, sequence: int) -> None:
        """Everything below was removed."""
        self.floor = max(self.floor, sequence)
        for agreed in (self.agreed, self.agreed_to_erase):
            agreed.difference_update([each for each in agreed if each < sequence])

    def erase(self, sequence: int, place: int) -> None:
        """This one's bytes are to be overwritten."""
        self._erase[sequence] = place
        self.agreed_to_erase.discard(sequence)

    def note_empty(self, segment: int) -> None:
        """A segment has no messages any more, or few."""
        self._empty.add(segment)

    @property
    def is_pending(self) -> bool:
        """Whether the journal lacks something."""
        return bool(self._sequences or self._runs or self._erase or self.floor > self._floor_written)

    @property
    def is_due(self) -> bool:
        """Whether the journal should have them soon: that makes room on the disk, or in memory."""
        return bool(self._empty) or len(self._sequences) > _MOST

    def take(self, first: int, last: int) -> tuple[int | None, list[tuple[int, int]], dict[int, int]]:
        """The floor if it is new, what was removed above it, and what is to be erased.

        `first` is the first message that is there, or whose removal is not certain. What is above
        `last` is not written yet; its removal waits until it is.
        """
        floor = max(self.floor, first) if self._sequences else self.floor
        floor = min(floor, last + 1)
        new = floor if floor > self._floor_written else None
        self._floor_written = max(floor, self._floor_written)
        removed = in_runs(sorted(each for each in self._sequences if floor <= each <= last))
        removed += [run for run in self._runs if floor <= run[1] <= last]
        self._sequences = [each for each in self._sequences if each > last]
        self._runs = [run for run in self._runs if run[1] > last]
        erase = {each: place for each, place in self._erase.items() if each <= last}
        for each in erase:
            del self._erase[each]
        return new, removed, erase

    def retract(self, last: int) -> None:
        """What is above was not written, and these sequences are free."""
        self.floor = min(self.floor, last + 1)
        self._sequences = [each for each in self._sequences if each <= last]
        self._runs = [run for run in self._runs if run[1] <= last]
        self._erase = {each: place for each, place in self._erase.items() if each <= last}

    @property
    def has_empty(self) -> bool:
        """Whether segments became empty, or nearly, since the last time."""
        return bool(self._empty)

    def take_empty(self) -> set[int]:
        """The segments that became empty, or nearly, since the last time."""
        empty, self._empty = self._empty, set()
        return empty


def in_runs(sequences: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending sequences as first and last of each run."""
    runs: list[tuple[int, int]] = []
    for sequence in sequences:
        if runs and runs[-1][1] + 1 == sequence:
            runs[-1] = (runs[-1][0], sequence)
        else:
            runs.append((sequence, sequence))
    return runs


def without(run: tuple[int, int], sequences: set[int]) -> Iterator[tuple[int, int]]:
    """A run in several, without these sequences; one whose end is before its begin is empty."""
    start, end = run
    for sequence in sorted(each for each in sequences if start <= each <= end):
        yield start, sequence - 1
        start = sequence + 1
    yield start, end


def pack_runs(runs: Iterable[tuple[int, int]]) -> bytes:
    """Runs as bytes."""
    flat = array("Q")
    for run in runs:
        flat.extend(run)
    return pack(flat)


def pack(sequences: Iterable[int]) -> bytes:
    """Sequences as bytes, little end first."""
    return b"".join(sequence.to_bytes(8, "little") for sequence in sequences)


def unpack(data: bytes) -> list[int]:
    """The sequences in these bytes."""
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data) - 7, 8)]
