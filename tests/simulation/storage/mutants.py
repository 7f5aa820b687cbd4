"""Defects that the simulation must find: each takes one precaution out of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from unittest.mock import patch

from app.adapters.streams_log import journal, journal_image, scan, stream, writer
from app.adapters.streams_log.record import with_removals


class Mutant(NamedTuple):
    """A function of the store, and what is there instead."""

    where: object
    name: str
    instead: object


def _nothing(*_given: object, **_named: object) -> None:
    """Do nothing."""


MUTANTS: dict[str, list[Mutant]] = {
    "no sync of segments": [Mutant(writer, "sync_file", _nothing)],
    "no sync of journals": [Mutant(journal.StreamJournal, "_sync", _nothing)],
    "no sync of directories": [
        Mutant(writer, "_sync_directory", _nothing),
        Mutant(stream, "sync_directory", _nothing),
        Mutant(journal, "sync_directory", _nothing),
    ],
    "a roll-up without what it removes": [
        Mutant(writer, "with_removals", lambda payload, _removes: with_removals(payload, []))
    ],
    "the last sequence is not stored": [Mutant(journal_image.JournalImage, "used", _nothing)],
    "a failed attempt is left as it is": [
        Mutant(writer.MessageWriter, "_cut_off", staticmethod(_nothing)),
        Mutant(writer.MessageWriter, "_remove_stale", _nothing),
    ],
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
