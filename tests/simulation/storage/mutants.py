"""Defects that the simulation must find: each takes one precaution out of the store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from unittest.mock import patch

from app.adapters.streams_log import directories, journal, journal_image, scan, writer
from app.adapters.streams_log.record import with_removals
from app.adapters.streams_log.run_encoding import PlainEncoder
from app.adapters.streams_log.steps import Step


class Mutant(NamedTuple):
    """A function of the store, and what is there instead."""

    where: object
    name: str
    instead: object


def _nothing(*_given: object, **_named: object) -> None:
    """Do nothing."""


class _RemovesNobody(PlainEncoder):
    """Has a message that removes another one name a sequence that no message has."""

    @staticmethod
    def encode_message(  # noqa: PLR0913, PLR0917 - the fields of a record, in its order
        kind: int,
        epoch: int,
        sequence: int,
        time: int,
        subject: bytes,
        headers: bytes,
        payload: bytes,
        removed: int,
        before: int,
        seed: int,
        /,
    ) -> tuple[bytes, int]:
        """See `RunEncoder`."""
        nobody = 2**63 if removed else 0
        return PlainEncoder.encode_message(
            kind, epoch, sequence, time, subject, headers, payload, nobody, before, seed
        )


_take = journal.StreamJournal.take


def _take_for_ever(
    this: journal.StreamJournal, *, sync: bool, also: Sequence[journal.JournalEntry] = ()
) -> list[Step]:
    """Write proposals as all other entries, again and again."""
    for entry in also:
        this.add(*entry)
    return _take(this, sync=sync)


MUTANTS: dict[str, list[Mutant]] = {
    "no sync of segments": [Mutant(writer, "sync_file", _nothing)],
    "no sync of journals": [Mutant(journal.StreamJournal, "_sync", _nothing)],
    "no sync of directories": [
        Mutant(writer, "_sync_directory", _nothing),
        Mutant(directories, "sync_directory", _nothing),
        Mutant(journal, "sync_directory", _nothing),
    ],
    "a roll-up without what it removes": [
        Mutant(writer, "with_removals", lambda payload, _removes: with_removals(payload, [])),
        Mutant(writer, "run_encoder", _RemovesNobody),
    ],
    "the last sequence is not stored": [Mutant(journal_image.JournalImage, "used", _nothing)],
    "a failed attempt is left as it is": [
        Mutant(writer.MessageWriter, "_cut_off", staticmethod(_nothing)),
        Mutant(writer.MessageWriter, "_remove_stale", _nothing),
    ],
    "what was refused is written later": [Mutant(journal.StreamJournal, "take", _take_for_ever)],
    "a torn tail is damage": [Mutant(scan, "_proves_sync", lambda _later: True)],
    "damage is a torn tail": [Mutant(scan, "_proves_sync", lambda _later: False)],
}
"""What is caught by crashes, but for "damage is a torn tail", which bit flips show."""


@contextmanager
def injected(name: str | None) -> Iterator[None]:
    """Use a store with this defect; with none if there is no name."""
    patches = [patch.object(*mutant) for mutant in MUTANTS[name]] if name is not None else []
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()
