"""Faults of the disk are as a real disk's."""

from collections.abc import Callable

import pytest

from app.adapters.faults.disk import DiskFaults
from app.ports.files import File, Files
from tests.fakes.contracts import breaches
from tests.fakes.disk import FakeDisk


def used() -> tuple[DiskFaults, FakeDisk, Files, File]:
    """Faults, and a file with ten bytes."""
    faults, disk = DiskFaults(), FakeDisk()
    files = faults.files(disk)
    files.make_directory("d")
    file = files.create("d/f")
    file.write(0, [b"0123456789"])
    return faults, disk, files, file


def test_the_faulty_disk_is_a_disk() -> None:
    """Everything passes when nothing is wrong."""
    faults, disk, files, file = used()
    assert [] == breaches(Files, type(files))
    assert [] == breaches(File, type(file))
    file.allocate(20)
    file.truncate(4)
    file.sync()
    file.close()
    files.rename("d/f", "d/g")
    files.sync_directory("d")
    files.lock("lock")

    assert (b"0123", 4, ["g"]) == (files.open("d/g").read(0, 9), files.open("d/g").size(), files.names("d"))
    files.remove("d/g")
    files.remove_directory("d")
    files.close()
    assert ([], set()) == (disk.names("."), disk.locked)
    faults.clear()


def test_a_full_disk_has_no_room() -> None:
    """What is there can be written again, and removed."""
    faults, _, files, file = used()
    fault = faults.begin(full=True)
    for call in (lambda: files.create("x"), lambda: files.make_directory("e"), lambda: file.allocate(100)):
        with pytest.raises(OSError, match="No space left"):
            call()
    file.allocate(5)
    file.put(0, b"x")
    file.sync()
    files.remove("d/f")
    fault.clear()

    files.create("x")
    assert ["d", "x"] == files.names(".")


def test_a_failing_disk_can_be_read_only() -> None:
    """Everything else is an error."""
    faults, _, files, file = used()
    faults.begin(failing=True)
    calls: list[Callable[[], object]] = [
        lambda: file.write(0, [b"x"]),
        lambda: file.put(0, b"x"),
        lambda: file.truncate(0),
        file.sync,
        lambda: files.rename("d/f", "d/g"),
        lambda: files.remove("d/f"),
        lambda: files.remove_directory("d"),
        lambda: files.sync_directory("d"),
        lambda: files.create("x"),
    ]
    for call in calls:
        with pytest.raises(OSError, match="Input/output error"):
            call()

    assert file.read(0, 4) == b"0123"


def test_a_slow_disk_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncs wait; nothing else does."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    faults, _, files, file = used()
    with faults.begin(sync_seconds=0.5), faults.begin(sync_seconds=0.1):
        file.sync()
        files.sync_directory("d")
    file.write(0, [b"x"])
    file.sync()

    assert [0.5, 0.5] == waited
