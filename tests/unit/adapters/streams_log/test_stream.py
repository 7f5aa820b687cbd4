"""Errors at every call of the disk: what is acknowledged is there, and nothing else is promised."""

import errno
import os

import pytest

from app.adapters.streams_log.directories import SIZES
from app.adapters.streams_log.storage import CannotOpenStore
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.seam import StorageFailure
from tests.fakes.disk import FakeDisk, full
from tests.support.store import Store, contents, fill

CALLS = 90


class Fault:
    """An error at one call, or at all from it on, or a write that is cut short."""

    def __init__(self, number: int, error: int, *, lasting: bool) -> None:
        self._number = number
        self._error = error
        self._lasting = lasting
        self.calls = 0
        self.happened = ""

    def __call__(self, operation: str, name: str) -> int | None:
        """Fail if it is time."""
        if operation in ("read", "open"):
            return None
        if self._error == errno.ENOSPC and operation in ("sync", "sync_directory"):
            return None
        if self._error == errno.EMFILE and operation not in ("create", "sync_directory"):
            return None
        self.calls += 1
        if self.calls == self._number or (self._lasting and self.calls > self._number):
            self.happened = operation
            if self._error == 0:
                return 7 if operation == "write" else None
            raise OSError(self._error, os.strerror(self._error), name)
        return None


def use(store: Store) -> tuple[int, set[int], bool]:
    """Store, remove and commit; returns up to where messages and which removals were acknowledged."""
    stream = store.storage.create("S", {"name": "S"})
    safe, removed, made = 0, set[int](), False
    outcomes: list[StorageFailure | None] = []
    stream.log.commit(outcomes.append)
    store.turn()
    made = outcomes[-1] is None if outcomes else False
    for turn in range(12):
        last = 0
        for number in range(4):
            if stream.log.failure is None:
                payload = b"%d" % stream.log.last * (40 if number == 0 else 1)
                last = stream.log.append(b"s", b"", payload, turn)
        wanted = {2 * turn + 1} if stream.log.remove([2 * turn + 1]) else set()
        outcomes.clear()
        stream.log.commit(outcomes.append)
        store.turn()
        store.turn(0.2)
        if outcomes == [None]:
            safe = max(safe, last)
            removed |= wanted
        if turn % 4 == 3:
            store.turn(1.1)
    return safe, removed, made


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EMFILE, errno.EIO, 0])
@pytest.mark.parametrize("lasting", [False, True])
def test_nothing_acknowledged_is_missing(error: int, lasting: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whichever call fails, and whether it fails once or from then on."""
    for number in range(1, CALLS):
        store = Store()
        fault = store.disk.fault = Fault(number, error, lasting=lasting)
        safe, removed, made = use(store)
        store.disk.fault = lambda _operation, _name: None
        again = store.reopened().storage
        if not made and "S" not in again.streams:
            continue
        found = contents(again.streams["S"])

        assert "damaged" not in found.values(), f"call {number}: {fault.happened}"
        missing = set(range(1, safe + 1)) - set(found) - set(range(1, 25, 2))
        assert not missing, f"call {number}: {fault.happened}"
        assert not removed & set(found), f"call {number}: {fault.happened}"


def test_a_sync_that_fails_is_never_retried_into_success() -> None:
    """The cache of the disk has forgotten what was not synced; no later success covers it."""
    for number in range(1, 40):
        store = Store()
        syncs: list[str] = []

        def fault(
            operation: str, name: str, seen: list[str] = syncs, at: int = number, disk: FakeDisk = store.disk
        ) -> None:
            if operation == "sync":
                seen.append(name)
                if len(seen) == at:
                    node = disk.files().get(name.replace("1.new", "1"))
                    if node is not None:
                        node.data[:] = node.safe
                        node.dirty.clear()
                    raise OSError(errno.EIO, "Input/output error")

        store.disk.fault = fault
        safe, removed, made = use(store)
        store.disk.fault = lambda _operation, _name: None
        again = store.reopened().storage
        if not made:
            continue
        found = contents(again.streams["S"])
        assert not set(range(1, safe + 1)) - set(found) - set(range(1, 25, 2))
        assert not removed & set(found)


def test_creation_on_a_full_disk_is_refused() -> None:
    """The stream is not there afterwards, and can be made when there is room."""
    store = Store()
    store.disk.fault = Fault(1, errno.ENOSPC, lasting=True)
    stream = store.storage.create("S", {"name": "S"})
    stream.log.commit(store.outcomes.append)
    store.turn()
    assert [StorageFailure.FULL] == store.outcomes
    stream.delete(store.outcomes.append)
    store.disk.fault = lambda _operation, _name: None
    store.turn(1.1)
    store.outcomes.clear()
    store.create()

    assert ["S"] == list(store.reopened().storage.streams)


def test_a_disk_that_is_read_only_is_refused() -> None:
    """The text has the system's reason."""
    disk = FakeDisk()
    disk.fault = Fault(1, errno.EROFS, lasting=True)

    with pytest.raises(CannotOpenStore, match="Read-only file system"):
        Store(disk)


def test_a_deleted_stream_takes_no_commits() -> None:
    """Those who still wait hear that it is gone, and not that the disk failed."""
    store = Store()
    stream = store.create()
    stream.log.append(b"s", b"", b"", 1)
    stream.log.commit(store.outcomes.append)
    stream.delete(lambda _: None)
    stream.log.commit(store.outcomes.append)
    store.turn()

    assert [StorageFailure.GONE] * 2 == store.outcomes


def test_documents_and_consumers_can_be_read() -> None:
    """They are those that were written last."""
    store = Store()
    stream = store.create()
    stream.write({"name": "S", "v": 2})
    state = stream.write_consumer("C", {"c": 1}, in_memory=True)

    assert ({"name": "S", "v": 2}, {"C": {"c": 1}}) == (stream.document, dict(stream.consumers))
    assert stream.open_consumer("C") is state


def test_a_relaxed_stream_removes_nothing_before_a_sync() -> None:
    """A journal that is not synced may be lost, and with it the message that made another one go."""
    store = Store(interval=1.0)
    stream = store.create()
    fill(stream, 40)
    store.commit(stream)
    store.turn(1.1)
    store.disk.log = []
    stream.log.remove(range(1, 31))
    store.turn(0.2)
    early = list(store.disk.log)
    store.turn(1.1)

    journal, segment = "streams/1.new/00000001.journal", "streams/1/00000001.segment"
    assert f"write {journal}" in early
    assert f"sync {journal}" not in early
    assert f"remove {segment}" not in early
    assert store.disk.log.index(f"sync {journal}") < store.disk.log.index(f"remove {segment}")


def test_a_relaxed_stream_syncs_messages_before_it_says_what_they_removed() -> None:
    """Else the removal might be on the disk without the message."""
    store = Store(interval=5.0)
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    store.disk.log = []
    stream.log.append(b"s", b"", b"", 2000, [1])
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.turn()
    stream.log.remove([2])
    store.turn(0.2)

    steps = [step for step in store.disk.log if not step.startswith("allocate")]
    segment = "streams/1/00000001.segment"
    assert steps[0] == f"write {segment}"
    assert steps[1] == f"sync {segment}"
    assert [step for step in steps[2:] if step.startswith("write")] == [
        "write streams/1.new/00000001.journal"
    ]


class FullJournal:
    """A disk on which writes of journals find no room, a number of times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, operation: str, name: str) -> int | None:
        """Fail if it is time."""
        if self.left and operation == "write" and name.endswith(".journal"):
            self.left -= 1
            raise full()
        return None


@pytest.mark.parametrize("times", [1, 3])
def test_a_journal_that_found_no_room_is_written_later(times: int) -> None:
    """By itself, when there is room: nobody has to store or to settle something before."""
    store = Store()
    stream = store.create()
    for _ in range(3):
        stream.log.append(b"s", b"", b"", 1)
    assert store.commit(stream) is None
    store.disk.fault = FullJournal(times)
    stream.log.remove([2])
    for _ in range(2 + times):
        store.turn(1.1)

    assert [1, 3] == list(contents(store.reopened().storage.streams["S"]))
    assert store.commit(stream) is None


def written_now(store: Store, stream: FileStream, size: int = 0) -> bool:
    """Whether a message is acknowledged before the worker has done anything."""
    before = len(store.outcomes)
    stream.log.append(b"s", b"", bytes(size), 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    is_done = len(store.outcomes) > before
    store.turn()
    return is_done


def test_short_writes_without_a_sync_are_made_at_once() -> None:
    """Not the first of a stream, nor in a new segment, nor one of much."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()

    assert [False, True, False, True] == [written_now(store, stream, size) for size in (1, 1, 100_000, 1)]
    assert stream.writer.written.last == 4
    assert stream.writer.synced.last == 0
    store.turn(2.1)
    assert stream.writer.synced.last == 4
    stream.writer.close_active()
    assert not written_now(store, stream)


def test_nothing_is_written_before_what_goes_first() -> None:
    """A round that runs, a job of the worker, or an entry of the journal that somebody waits for."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()
    assert not written_now(store, stream)
    stream.log.append(b"s", b"", b"", 1)
    stream.log.remove([1])
    stream.log.commit(store.outcomes.append)
    assert not written_now(store, stream)
    assert written_now(store, stream)
    stream.log.commit(store.outcomes.append)
    store.clock.advance(0.0)
    assert not written_now(store, stream)
    store.turn(2.1)
    store.worker.submit(lambda: None, lambda: None)
    assert not written_now(store, stream)
    assert written_now(store, stream)


def test_with_a_sync_nothing_is_written_at_once() -> None:
    """The loop waits for no disk."""
    store = Store()
    stream = store.create()
    store.turn()

    assert not written_now(store, stream)
    assert not written_now(store, stream)


def test_a_relaxed_stream_is_written_at_once() -> None:
    """Its acknowledgement comes after the write where that is quick, and before it where it is not."""
    store = Store(sizes=SIZES)
    stream = store.create(relaxed=True)
    stream.log.append(b"s", b"", b"", 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    assert [None] == store.outcomes
    assert stream.writer.written.last == 0
    store.turn()
    assert stream.writer.written.last == 1
    assert written_now(store, stream)
    stream.log.append(b"s", b"", bytes(100_000), 1)
    stream.log.commit(store.outcomes.append, only_messages=True)

    assert [None] * 3 == store.outcomes
    assert stream.writer.written.last == 2


class FailingWrites:
    """Writes of segments that fail, a number of times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, operation: str, name: str) -> int | None:
        """See `Fault`."""
        if operation == "write" and name.endswith(".segment") and self.left:
            self.left -= 1
            raise full()
        return None


def test_a_write_that_fails_at_once_is_made_by_a_round() -> None:
    """What it left of itself is written again, and refused if that fails as well."""
    store = Store(interval=2.0, sizes=SIZES)
    stream = store.create()
    assert not written_now(store, stream)
    store.disk.fault = FailingWrites(1)
    assert not written_now(store, stream)
    assert [None, None] == store.outcomes
    assert contents(stream) == contents(store.reopened().storage.streams["S"])
    store.disk.fault = FailingWrites(2)
    assert not written_now(store, stream)

    assert store.outcomes[-1] is StorageFailure.FULL
    assert not written_now(store, stream)


@pytest.mark.parametrize(("times", "outcome"), [(1, None), (2, StorageFailure.FULL)])
def test_a_relaxed_stream_waits_for_the_round_after_a_failure(
    times: int, outcome: StorageFailure | None
) -> None:
    """What is known not to be written is not acknowledged before it is."""
    store = Store(sizes=SIZES)
    stream = store.create(relaxed=True)
    written_now(store, stream)
    store.disk.fault = FailingWrites(times)

    assert not written_now(store, stream)
    assert store.outcomes[1:] == [outcome]


def _found_no_room(store: Store) -> FileStream:
    """A stream whose write found no room: what it has of that is to be cut off in the next round."""
    stream = store.create()
    stream.log.append(b"s", b"", b"1", 1)
    stream.log.commit(store.outcomes.append, only_messages=True)
    stream.log.append(b"s", b"", b"2", 1)  # no commit was asked for yet
    store.disk.fault = FailingWrites(1)
    assert store.worker.step()
    assert 0 == stream.log.last
    assert [] == store.outcomes
    return stream


def test_messages_taken_back_before_their_commit_are_refused() -> None:
    """A commit that is asked for after they were taken back says so, and not that all is safe."""
    store = Store()
    stream = _found_no_room(store)
    stream.log.commit(store.outcomes.append, only_messages=True)
    store.turn()

    assert [StorageFailure.FULL] * 2 == store.outcomes
    assert {} == contents(stream)
    assert store.commit(stream) is None


def test_a_refusal_is_said_though_the_stream_is_deleted() -> None:
    """Who waits for it hears that the stream is gone, and nobody waits for ever."""
    store = Store()
    stream = _found_no_room(store)
    stream.delete(store.outcomes.append)
    store.turn()

    assert [StorageFailure.GONE, None] == store.outcomes


class NoDescriptors:
    """A process that cannot open one more file."""

    def __init__(self, *operations: str) -> None:
        self.operations = operations

    def __call__(self, operation: str, _name: str) -> int | None:
        """See `Fault`."""
        if operation in self.operations:
            raise OSError(errno.EMFILE, "Too many open files")
        return None


@pytest.mark.parametrize("operation", ["create", "sync_directory"])
def test_too_many_open_files_are_no_broken_disk(operation: str) -> None:
    """Nothing was done yet when a file cannot be opened: publishing goes on when others are closed."""
    store = Store()
    stream = store.create()
    stream.log.append(b"s", b"", b"1", 1)
    assert store.commit(stream) is None
    stream.writer.size = 1
    store.disk.fault = NoDescriptors(operation)
    stream.log.append(b"s", b"", b"2", 1)
    stream.log.commit(store.outcomes.append)
    store.turn(5.0)
    store.disk.fault = NoDescriptors()
    store.turn(5.0)
    assert [StorageFailure.FULL] == store.outcomes
    stream.log.append(b"s", b"", b"3", 1)
    assert store.commit(stream) is None

    assert contents(stream) == contents(store.reopened().storage.streams["S"])
    assert [b"1", b"3"] == [message[-1] for message in contents(stream).values()]
    assert [problem.text for problem in store.storage.problems] == [
        "no file can be opened: [Errno 24] Too many open files; publishing goes on when there is room"
    ]
