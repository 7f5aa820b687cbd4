"""A change that is refused is nowhere: not in memory, and not on the disk."""

import errno
import os
from collections.abc import Callable
from functools import partial

import pytest

from app.adapters.streams_log.journal import JournalEntry
from app.adapters.streams_log.proposals import Proposal, Proposals
from app.adapters.streams_log.record import DOCUMENT
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.seam import Done, StorageFailure
from tests.support.store import Store, contents, fill

ENTRY = JournalEntry(DOCUMENT, b"", b"{}")
OTHER = {"name": "S", "version": 2}

Change = Callable[[FileStream, Done], None]


def test_those_whose_messages_are_written_are_taken() -> None:
    """The others wait, or are refused if their messages are."""
    proposals, heard, applied = Proposals(), list[tuple[int, StorageFailure | None]](), list[int]()

    def done(needs: int, failure: StorageFailure | None) -> None:
        heard.append((needs, failure))

    for needs in (0, 5, 9):
        note = partial(applied.append, needs)
        proposals.add(Proposal(partial(done, needs), lambda: [ENTRY], note, needs))
    proposals.take(5)
    assert proposals.entries() == [ENTRY, ENTRY]
    assert proposals
    answers = [*proposals.finish(None), *proposals.refuse(StorageFailure.FULL, 8)]
    assert (applied, heard, bool(proposals)) == ([0, 5], [], False)
    for answer in answers:
        answer()

    assert heard == [(0, None), (5, None), (9, StorageFailure.FULL)]


def test_what_is_not_written_is_not_noted() -> None:
    """It is asked for once."""
    proposals, applied = Proposals(), list[int]()
    proposals.add(Proposal(lambda _: None, lambda: [ENTRY], lambda: applied.append(1)))
    proposals.take(0)
    answers = proposals.finish(StorageFailure.BROKEN)

    assert (len(answers), applied, proposals.entries()) == (1, [], [])


def filled() -> Store:
    """A store with a stream, messages and a consumer, which are safe."""
    store = Store()
    stream = store.create()
    fill(stream, 6)
    stream.write_consumer("C", {"c": 1}).append(b"change")
    assert store.commit(stream) is None
    return store


def seen(stream: FileStream) -> list[object]:
    """What a client could ask for."""
    states = [(name, tuple(stream.open_consumer(name).changes)) for name in stream.consumers]
    return [stream.document, dict(stream.consumers), states, contents(stream), stream.log.first]


def remove(stream: FileStream, done: Done) -> None:
    """Two messages."""

    def written(failure: StorageFailure | None) -> None:
        if failure is None:
            stream.log.remove((2, 5), erase=True)
        done(failure)

    stream.log.propose_removal((5, 2), written, erase=True)


def remove_before(stream: FileStream, done: Done) -> None:
    """Three messages."""

    def written(failure: StorageFailure | None) -> None:
        if failure is None:
            stream.log.remove_before(4)
        done(failure)

    stream.log.propose_removal_before(4, written)


CHANGES: dict[str, Change] = {
    "document": lambda stream, done: stream.propose(OTHER, done),
    "consumer": lambda stream, done: stream.propose_consumer("C", {"c": 2}, done),
    "end of a consumer": lambda stream, done: stream.propose_deletion("C", done),
    "removal": remove,
    "removal before": remove_before,
}


@pytest.mark.parametrize("name", CHANGES)
def test_it_holds_when_it_is_answered(name: str) -> None:
    """Not before, and also after a restart, in the same journal or in a new one."""
    for rotates in (False, True):
        store = filled()
        stream = store.storage.streams["S"]
        before = seen(stream)
        if rotates:
            stream.journal.rotate()
        CHANGES[name](stream, store.outcomes.append)
        assert seen(stream) == before
        store.turn()
        assert [None] == store.outcomes
        after = seen(stream)
        assert after != before
        assert seen(store.reopened().storage.streams["S"]) == after
        stream.journal.rotate()
        store.commit(stream)
        assert seen(store.reopened().storage.streams["S"]) == after


@pytest.mark.parametrize("name", ["removal", "removal before"])
def test_a_new_journal_has_what_is_about_to_go(name: str) -> None:
    """Also between the answer of the disk and the removal."""
    store = filled()
    stream = store.storage.streams["S"]
    if name == "removal":
        stream.log.propose_removal((2, 5), store.outcomes.append, erase=True)
    else:
        stream.log.propose_removal_before(4, store.outcomes.append)
    store.turn()
    stream.journal.rotate()
    store.commit(stream)
    found = store.reopened().storage.streams["S"]

    assert [None] == store.outcomes
    assert sorted(contents(found)) == ([1, 3, 4, 6] if name == "removal" else [4, 5, 6])
    assert len(contents(stream)) == 6


def no_room(operation: str, _name: str) -> int | None:
    """Nothing can be added; the journal can be written up to where it has room."""
    if operation in ("allocate", "create", "write"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("rotates", [False, True])
def test_what_is_refused_is_not_done(name: str, *, rotates: bool) -> None:
    """Not in memory, not on the disk, and not when there is room again."""
    store = filled()
    stream = store.storage.streams["S"]
    before = seen(stream)
    store.disk.fault = no_room
    if rotates:
        stream.journal.rotate()
    CHANGES[name](stream, store.outcomes.append)
    store.turn()
    assert [StorageFailure.FULL] == store.outcomes
    assert seen(stream) == before
    store.disk.fault = lambda _operation, _name: None
    assert seen(store.reopened().storage.streams["S"]) == before
    store.turn(2.0)
    assert store.commit(stream) is None

    assert seen(stream) == before
    assert seen(store.reopened(close=True).storage.streams["S"]) == before


@pytest.mark.parametrize("written", range(0, 300, 20))
def test_a_write_that_ends_early_leaves_no_whole_entry(written: int) -> None:
    """Of several that are refused none is there after a crash, though the disk took some."""
    store = filled()
    stream = store.storage.streams["S"]
    before = seen(stream)
    store.disk.fault = lambda operation, _name: written if operation == "write" else None
    for name in ("document", "consumer", "removal"):
        CHANGES[name](stream, store.outcomes.append)
    store.turn()
    store.disk.fault = lambda _operation, _name: None

    is_refused = store.outcomes == [StorageFailure.FULL] * 3
    assert is_refused or store.outcomes == [None] * 3
    assert (seen(stream) == before) is is_refused
    assert (seen(store.reopened().storage.streams["S"]) == before) is is_refused


def test_a_cut_that_fails_is_no_refusal_for_lack_of_room() -> None:
    """Nothing is known then of what the disk took: the stream takes nothing any more."""
    store = filled()
    stream = store.storage.streams["S"]

    def fault(operation: str, name: str) -> int | None:
        if operation == "truncate":
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        return 20 if operation == "write" else None

    store.disk.fault = fault
    for _ in range(2):
        stream.propose(OTHER, store.outcomes.append)
        store.turn()

    assert [StorageFailure.BROKEN] * 2 == store.outcomes
    assert stream.document == {"name": "S"}


def test_a_removal_waits_for_its_messages() -> None:
    """If these are refused it is refused, too: their numbers are used again."""
    store = filled()
    stream = store.storage.streams["S"]
    fill(stream, 2)
    stream.log.propose_removal((8,), store.outcomes.append)
    stream.log.propose_removal((1,), store.outcomes.append)
    store.disk.fault = lambda operation, name: no_room(operation, name) if name.endswith("segment") else None
    store.turn()
    assert sorted(store.outcomes, key=str) == [None, StorageFailure.FULL]
    store.disk.fault = lambda _operation, _name: None
    store.turn(2.0)
    stream.log.remove((1,))
    fill(stream, 2)
    assert store.commit(stream) is None

    assert sorted(contents(store.reopened().storage.streams["S"])) == [2, 3, 4, 5, 6, 7, 8]


def test_all_below_is_more_than_what_was_to_go() -> None:
    """Nothing is remembered of a removal that another one has overtaken."""
    store = filled()
    stream = store.storage.streams["S"]
    stream.log.propose_removal((2, 5), store.outcomes.append, erase=True)
    store.turn()
    stream.log.remove_before(4)
    removals = stream.parts.removals
    assert (removals.agreed, removals.agreed_to_erase) == ({5}, {5})
    stream.log.remove((2, 5), erase=True)

    assert (removals.agreed, removals.agreed_to_erase) == (set(), set())


def test_proposals_to_a_stream_that_goes() -> None:
    """One whose creation fails refuses them, and so does one that is deleted meanwhile."""
    store = Store()
    store.disk.fault = no_room
    stream = store.storage.create("S", {"name": "S"})
    stream.log.commit(lambda _: None)
    stream.propose(OTHER, store.outcomes.append)
    store.turn()
    store.disk.fault = lambda _operation, _name: None
    other = store.storage.create("T", {"name": "T"})
    assert store.commit(other) is None
    other.delete(store.outcomes.append)
    other.propose(OTHER, store.outcomes.append)
    store.turn()
    other.propose(OTHER, store.outcomes.append)

    assert store.outcomes == [StorageFailure.FULL, StorageFailure.GONE, None, StorageFailure.GONE]


def test_a_consumer_without_traces() -> None:
    """Nothing is written of it, and it is changed all the same."""
    store = filled()
    stream = store.storage.streams["S"]
    stream.write_consumer("M", {"m": 1}, in_memory=True)
    stream.propose_consumer("M", {"m": 2}, store.outcomes.append)
    stream.propose_consumer("none", {"m": 2}, store.outcomes.append)
    store.turn()
    assert stream.consumers["M"] == {"m": 2}
    stream.propose_deletion("M", store.outcomes.append)
    store.turn()

    assert [None] * 3 == store.outcomes
    assert list(stream.consumers) == ["C"]


def fails(call: str, error: int) -> Callable[[str, str], int | None]:
    """This call fails."""

    def fault(operation: str, name: str) -> int | None:
        if f"{operation} {name}" == call:
            raise OSError(error, os.strerror(error))
        return None

    return fault


@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("call", ["rename streams/1", "sync_directory streams"])
def test_a_stream_whose_deletion_is_refused_goes_on(call: str, error: int) -> None:
    """It has its messages, here and after a restart, and takes more."""
    store = filled()
    stream = store.storage.streams["S"]
    before = seen(stream)
    store.disk.fault = fails(call, error)
    stream.delete(store.outcomes.append)
    stream.log.append(b"s", b"", b"", 2000)
    stream.log.commit(store.outcomes.append)
    stream.propose(OTHER, store.outcomes.append)
    store.turn()
    store.disk.fault = lambda _operation, _name: None

    assert len(store.outcomes) == 3
    assert store.outcomes[0] is not None
    assert store.outcomes[1:] == [None, None]
    found = store.reopened().storage.streams["S"]
    assert seen(found) == seen(stream) == [OTHER, *before[1:3], contents(stream), 1]
    assert len(contents(found)) == 7


def test_a_stream_is_gone_though_its_files_are_not() -> None:
    """What is left of them is removed at the next start."""
    store = filled()
    store.disk.fault = fails("remove streams/1.gone/00000001.segment", errno.EIO)
    store.storage.streams["S"].delete(store.outcomes.append)
    store.turn()
    assert [None] == store.outcomes
    assert store.disk.names("streams") == ["1.gone"]

    again = store.reopened()
    assert (dict(again.storage.streams), again.disk.names("streams")) == ({}, [])


def test_bytes_are_overwritten_after_the_journal_says_that_all_was_synced() -> None:
    """Also by the next server: a torn record among the newest ones is not taken for their end."""
    store = filled()
    store.storage.streams["S"].log.propose_removal((2, 5), store.outcomes.append, erase=True)
    store.turn()
    again = store.reopened()
    again.disk.log = []
    again.turn(0.2)
    writes = [line.rpartition(".")[2] for line in again.disk.log if line.startswith("write ")]

    assert writes == ["journal", "segment", "segment"]
