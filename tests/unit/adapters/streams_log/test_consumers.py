"""Consumers are made again from what a journal says of them."""

from collections.abc import Collection

import pytest

from app.adapters.streams_log.consumers import Consumers, FileState, VolatileState, from_json, to_json
from app.adapters.streams_log.journal import JournalEntry
from app.adapters.streams_log.record import CHANGE, CHECKPOINT, CONSUMER, CONSUMER_GONE
from app.domain.jetstream.storage.seam import Done, StorageFailure


class Journals:
    """Keeps the entries."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    def enter(self, kind: int, name: bytes, body: bytes) -> None:
        """Keep an entry."""
        self.entries.append(JournalEntry(kind, name, body))

    def supersede(self, kinds: Collection[int], begin: bytes) -> None:
        """Forget them."""
        self.entries = [
            each for each in self.entries if each.kind not in kinds or not each.body.startswith(begin)
        ]

    def commit_state(self, done: Done) -> None:
        """It is safe here."""
        done(None)


def again(entries: list[JournalEntry]) -> Consumers:
    """The consumers that these entries make."""
    consumers = Consumers(Journals())
    for entry in entries:
        consumers.recover(*entry)
    return consumers


def state_of(consumers: Consumers, name: str) -> tuple[bytes, list[bytes], int]:
    """What a consumer has to remember."""
    state = consumers.state(name)
    return state.checkpoint, list(state.changes), state.appended


def used() -> tuple[Journals, Consumers]:
    """Some consumers, after a while."""
    journals = Journals()
    consumers = Consumers(journals)
    for name in ("a", "b", "gone"):
        consumers.write(name, {"name": name}, in_memory=False)
    state = consumers.state("a")
    state.append(b"1")
    state.replace(b"checkpoint")
    state.append(b"2")
    state.append(b"3")
    consumers.delete("gone")
    consumers.delete("gone")
    consumers.write("b", {"name": "b", "version": 2}, in_memory=False)
    return journals, consumers


def test_consumers_come_back() -> None:
    """From all entries, and from those that a new journal begins with."""
    journals, consumers = used()
    for entries in (journals.entries, list(consumers.entries())):
        found = again(entries)

        assert {"a": {"name": "a"}, "b": {"name": "b", "version": 2}} == found.documents
        assert (b"checkpoint", [b"2", b"3"], 2) == state_of(found, "a")
        assert (b"", [], 0) == state_of(found, "b")


def test_ids_are_not_used_again() -> None:
    """A consumer that is made again does not get the state of the one before."""
    journals, consumers = used()
    consumers.write("gone", {"name": "gone"}, in_memory=False)
    ids = [entry.body[:4] for entry in journals.entries if entry.kind == CONSUMER and entry.name == b"gone"]

    assert len(set(ids)) == 2
    recovered = again(journals.entries)
    recovered.write("new", {}, in_memory=False)
    assert (b"", [], 0) == state_of(recovered, "new")


def test_a_consumer_in_memory_leaves_no_trace() -> None:
    """Neither its document nor its state is written."""
    journals = Journals()
    consumers = Consumers(journals)
    state = consumers.write("m", {"name": "m"}, in_memory=True)
    outcomes: list[StorageFailure | None] = []
    state.append(b"1")
    state.replace(b"2")
    state.commit(outcomes.append)

    assert isinstance(state, VolatileState)
    assert ([], [], [None]) == (journals.entries, list(consumers.entries()), outcomes)
    assert {"m": {"name": "m"}} == consumers.documents


def test_a_consumer_moves_to_memory() -> None:
    """What was written of it is taken back."""
    journals, consumers = used()
    consumers.write("a", {"name": "a"}, in_memory=True)

    assert journals.entries[-1].kind == CONSUMER_GONE
    assert "a" not in again(journals.entries).documents
    assert isinstance(consumers.state("a"), VolatileState)


def test_a_state_is_committed_by_its_journal() -> None:
    """The caller hears of it."""
    outcomes: list[StorageFailure | None] = []
    FileState(Journals(), 1).commit(outcomes.append)

    assert [None] == outcomes


def test_entries_of_unknown_consumers_are_left_out() -> None:
    """A damaged journal may lack what made them."""
    found = again(
        [JournalEntry(kind, b"x", b"\x09\0\0\0rest") for kind in (CHANGE, CHECKPOINT, CONSUMER_GONE)]
    )

    assert {} == found.documents


@pytest.mark.parametrize(
    "entry",
    [
        JournalEntry(CHANGE, b"", b"abc"),
        JournalEntry(CONSUMER, b"c", b"\x01\0\0\0["),
        JournalEntry(CONSUMER, b"\xff", b"\x01\0\0\0{}"),
    ],
)
def test_entries_without_sense_are_refused(entry: JournalEntry) -> None:
    """The caller reports them."""
    with pytest.raises(ValueError, match=r"."):
        again([entry])


def test_any_text_survives() -> None:
    """Documents may have every character."""
    document = {"description": "π \udcff 😀"}

    assert document == from_json(to_json(document))


def test_a_consumer_that_is_made_again_has_no_old_state() -> None:
    """Also when the entry of its end is damaged."""
    found = again(
        [
            JournalEntry(CONSUMER, b"c", b"\x01\0\0\0{}"),
            JournalEntry(CHANGE, b"", b"\x01\0\0\0old"),
            JournalEntry(CONSUMER, b"c", b"\x02\0\0\0{}"),
            JournalEntry(CHANGE, b"", b"\x01\0\0\0older"),
        ]
    )

    assert (b"", [], 0) == state_of(found, "c")
