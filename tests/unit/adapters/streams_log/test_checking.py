"""A store is read as a whole, and what can be read is saved."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_log.checking import CannotSave, check_store, save_store
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from tests.fakes.disk import FakeDisk, StepWorker, full
from tests.support.store import Store, contents, fill

Calls = list[tuple[str, int, int]]


def stored() -> FakeDisk:
    """A store with two streams."""
    store = Store()
    stream = store.create("S", first=5)
    fill(stream, 50)
    stream.log.remove([7, 20])
    stream.log.skip(70, 2000)
    state = stream.write_consumer("C", {"name": "C"})
    state.replace(b"checkpoint")
    state.append(b"change")
    store.commit(stream)
    store.create("T")
    store.storage.close()
    return store.disk.copy()


def opened(disk: FakeDisk, *, without_journal: bool = False) -> FileStorage:
    """A store as tools open it."""
    settings = StoreSettings(without_journal=without_journal)
    return FileStorage(disk, StepWorker(), ManualClock(), lambda: 77, settings)


def silent(_stream: str, _read: int, _messages: int) -> None:
    """Shows nothing."""


def damaged() -> FakeDisk:
    """The same with a wrong bit in message 10."""
    disk = stored()
    name = next(name for name, node in disk.files().items() if b"payload 5" in node.data)
    data = disk.files()[name].data
    data[data.index(b"payload 5")] ^= 1
    return disk


def test_a_good_store_is_good() -> None:
    """All streams of a good store are counted, and none is damaged."""
    report = check_store(opened(stored()), silent)

    assert report.is_good
    assert [("S", 48, 1), ("T", 0, 0)] == [
        (each.name, each.messages, each.consumers) for each in report.streams
    ]


def test_damage_is_named() -> None:
    """Damage is reported by stream and sequence."""
    report = check_store(opened(damaged()), silent)

    assert not report.is_good
    assert ([10], 47) == (report.streams[0].damaged, report.streams[0].messages)


def test_progress_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it goes on, and at the end."""
    monkeypatch.setattr("app.adapters.streams_log.checking._STEP", 20)
    calls: Calls = []
    check_store(opened(stored()), lambda *call: calls.append(call))

    assert [("S", 20, 48), ("S", 40, 48), ("S", 48, 48)] == calls


@pytest.mark.parametrize("batch", [100, 1 << 20])
def test_everything_is_saved(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same sequences, times, configurations and consumers."""
    monkeypatch.setattr("app.adapters.streams_log.checking._BATCH", batch)
    old, new = opened(damaged()), opened(FakeDisk())
    report = save_store(old, new, silent)
    new.close()
    store = Store(new._files.copy())  # type: ignore[attr-defined] # noqa: SLF001 - it is a fake disk

    expected = {sequence: each for sequence, each in contents(old.streams["S"]).items() if each != "damaged"}
    copy = store.storage.streams["S"]
    assert expected == contents(copy)
    assert (5, 70, {"name": "S"}) == (copy.log.first, copy.log.last, copy.document)
    assert (b"checkpoint", [b"change"]) == (
        copy.open_consumer("C").checkpoint,
        list(copy.open_consumer("C").changes),
    )
    assert ([10], False) == (report.streams[0].damaged, report.is_good)
    assert [] == list(store.storage.problems)


def test_a_stream_without_journal_is_saved() -> None:
    """Its messages are there, and what is missing is said."""
    disk = stored()
    disk.remove(next(name for name in disk.files() if name.startswith("streams/1") and "journal" in name))
    report = check_store(opened(disk, without_journal=True), silent)

    assert 48 <= report.streams[0].messages <= 50
    assert (
        "S",
        "the configuration is lost, and which messages were removed: all are there again",
    ) in report.problems


def test_a_directory_without_anything_is_reported() -> None:
    """It has neither journal nor segment."""
    disk = stored()
    for name in list(disk.files()):
        if name.startswith("streams/1"):
            disk.remove(name)

    assert [("", "streams/1 has no file whose head can be read")] == check_store(
        opened(disk, without_journal=True), silent
    ).problems


def test_a_new_store_that_cannot_be_written_is_an_error() -> None:
    """The text has the reason."""
    new = FakeDisk()
    target = opened(new)

    def fault(operation: str, _name: str) -> None:
        if operation == "write":
            raise full()

    new.fault = fault
    with pytest.raises(CannotSave, match="the disk is full"):
        save_store(opened(stored()), target, silent)
