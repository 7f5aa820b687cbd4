"""Streams on disk are there again for the next server, as they were."""

import pytest

from app.adapters.streams_log import file_head
from app.adapters.streams_log.record import encode
from app.adapters.streams_log.storage import CannotOpenStore, FileStorage
from app.domain.jetstream.storage.seam import Storage, StoreProblem
from tests.fakes.disk import FakeDisk
from tests.support.store import Store, changed, contents, fill


@pytest.mark.parametrize("close", [False, True])
def test_everything_is_there_again(close: bool) -> None:  # noqa: FBT001 - a parameter
    """Messages, removals, documents and consumers are found as they were, after a crash too."""
    store = Store()
    stream = store.create(first=7)
    fill(stream, 60)
    stream.log.append(b"s.1", b"", b"rolls up", 2000, removes=[9, 12])
    stream.log.remove([20, 21, 22, 40])
    stream.log.remove_before(9)
    stream.write({"name": "S", "version": 2})
    state = stream.write_consumer("C", {"name": "C"})
    state.append(b"one")
    state.replace(b"checkpoint")
    state.append(b"two")
    stream.write_consumer("gone", {"name": "gone"})
    stream.delete_consumer("gone")
    store.commit(stream)
    expected, holes, size = contents(stream), stream.log.holes(), stream.log.size

    again = store.reopened(close=close).storage.streams["S"]
    assert expected == contents(again)
    assert (holes, size, 67, 2000) == (again.log.holes(), again.log.size, again.log.last, again.log.last_time)
    assert {"name": "S", "version": 2} == again.document
    assert {"C": {"name": "C"}} == dict(again.consumers)
    found = again.open_consumer("C")
    assert (b"checkpoint", [b"two"], 3) == (found.checkpoint, list(found.changes), found.appended)
    assert again.log.lost is None
    assert [again.log.next_with_headers(start) for start in (1, 12)] == [11, 15]


def test_a_store_goes_on_after_each_restart() -> None:
    """Sequences go on, whatever was in the newest segment."""
    store = Store()
    store.create()
    for restart in range(6):
        stream = store.storage.streams["S"]
        fill(stream, 5 * restart, time=1000 * restart)
        assert store.commit(stream) is None
        store = store.reopened(close=restart % 2 == 0)

    assert list(range(1, 76)) == list(contents(store.storage.streams["S"]))
    assert [] == list(store.storage.problems)


def test_an_empty_stream_keeps_its_last_sequence() -> None:
    """After a purge nothing is there, and no sequence is used again."""
    store = Store()
    stream = store.create()
    fill(stream, 100)
    store.commit(stream)
    stream.log.remove_before(101)
    store.commit(stream)
    store.turn(0.2)
    assert len(store.disk.files()) < 6

    again = store.reopened().storage.streams["S"]
    assert (0, 100, 101) == (again.log.count, again.log.last, again.log.first)
    assert again.log.append(b"s", b"", b"", 3000) == 101


def test_a_deleted_stream_leaves_nothing() -> None:
    """Its files are gone when the deletion is done, and so it is after a restart."""
    store = Store()
    stream = store.create()
    fill(stream, 10)
    stream.delete(store.outcomes.append)
    store.turn()

    assert [None] == store.outcomes
    assert {} == store.disk.files()
    assert {} == dict(store.reopened().storage.streams)
    assert {} == dict(store.storage.streams)


def test_directories_are_numbered() -> None:
    """The name of a stream is no part of any path."""
    store = Store()
    store.create("../../etc/passwd")

    assert all(name.startswith("streams/1/0") for name in store.disk.files())
    assert ["../../etc/passwd"] == list(store.reopened().storage.streams)


def test_one_server_uses_a_directory() -> None:
    """A second one is refused, with what to do about it."""
    store = Store()
    with pytest.raises(
        CannotOpenStore, match="another server uses this directory; each server needs its own"
    ):
        Store(store.disk)
    store.storage.close()

    assert Store(store.disk).storage.used == 0


def test_a_newer_format_is_refused() -> None:
    """A store of a later version is left alone."""
    store = Store()
    store.create()
    name = "streams/1/00000001.journal"

    def of_the_future(data: bytearray) -> None:
        head = file_head.read_head(bytes(data))
        assert head is not None
        body = file_head._IDENTITY.pack(head.identity.incarnation, 1, 2)  # noqa: SLF001 - no version writes it yet
        record, _ = encode(1, 0, 1, 0, (b"S", b"", body), 0, 8)
        data[8 : 8 + len(record)] = record

    with pytest.raises(CannotOpenStore, match=r"streams/1/00000001.journal was written by a newer version"):
        Store(changed(store.disk, name, of_the_future))


def test_a_directory_that_cannot_be_read_is_refused() -> None:
    """The text has the system's reason."""
    disk = FakeDisk()

    def fault(operation: str, _name: str) -> None:
        if operation == "make_directory":
            raise PermissionError(13, "Permission denied")

    disk.fault = fault
    with pytest.raises(CannotOpenStore, match="Permission denied"):
        Store(disk)


def test_what_is_not_ours_is_left_alone() -> None:
    """Foreign names are reported, unfinished creations removed, second streams of a name not used."""
    store = Store()
    store.create()
    store.disk.make_directory("streams/notes")
    store.disk.make_directory("streams/9.new")
    store.disk.make_directory("streams/8.gone")
    store.disk.make_directory("streams/7")
    for name, node in list(store.disk.files().items()):
        store.disk.create(name.replace("streams/1", "streams/7")).write(0, [bytes(node.data)])
    again = store.reopened()

    assert [
        StoreProblem("S", "streams/7 is a second stream of this name; it is left as it is"),
        StoreProblem("", "streams/notes is none of ours; it is left as it is"),
    ] == list(again.storage.problems)
    assert ["1", "7", "notes"] == again.disk.names("streams")


def test_a_directory_without_journal_is_left_alone() -> None:
    """Messages are not deleted because something else is missing."""
    store = Store()
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    disk = store.disk.copy()
    disk.remove("streams/1/00000001.journal")

    again: Storage = Store(disk).storage
    assert [
        StoreProblem("", "streams/1 has no journal that can be read; its files are left as they are")
    ] == list(again.problems)
    assert ["streams/1/00000001.segment"] == list(disk.files())


def test_later_problems_are_reported() -> None:
    """What goes wrong while the server runs is reported as well."""
    store = Store()
    found: list[StoreProblem] = []
    store.storage.on_problem = found.append
    stream = store.create()

    def fault(operation: str, _name: str) -> None:
        if operation == "sync":
            raise OSError(5, "Input/output error")

    store.disk.fault = fault
    stream.log.append(b"s", b"", b"", 1)
    store.commit(stream)

    assert ["S"] == [problem.stream for problem in found]
    assert "check the disk" in found[0].text


def test_used_bytes_grow_with_the_files() -> None:
    """Room that files have is counted, also that which is reserved."""
    store = Store()
    stream = store.create()
    empty = store.storage.used
    fill(stream, 100)
    store.commit(stream)

    assert store.storage.used > empty + stream.log.size


def test_a_storage_is_one() -> None:
    """The class fulfils the seam."""
    storage: Storage = Store().storage

    assert isinstance(storage, FileStorage)
