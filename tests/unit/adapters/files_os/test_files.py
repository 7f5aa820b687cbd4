"""Files of the system do what the store asks of them."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.adapters.files_os.file_system import sync_file_system
from app.adapters.files_os.files import OsFiles
from app.ports.files import Files


def test_bytes_are_written_and_read(tmp_path: Path) -> None:
    """At any offset, in any number of pieces."""
    files: Files = OsFiles(tmp_path / "store" / "deep")
    files.make_directory("d")
    files.make_directory("d")
    file = files.create("d/f")
    file.write(3, [b"%04d" % number for number in range(2500)])
    file.sync()

    assert file.size() == 10_003
    assert file.read(0, 7) == b"\0\0\x000000"
    assert file.read(9_999, 100) == b"2499"
    file.truncate(5)
    file.allocate(4096)
    assert (4096, b"\0\0\x0000" + bytes(4091)) == (file.size(), file.read(0, 5000))
    file.close()
    assert files.create("d/f").size() == 0


def test_names_change(tmp_path: Path) -> None:
    """Files and directories are renamed and removed."""
    files = OsFiles(tmp_path)
    files.make_directory("a")
    files.create("a/2").close()
    files.create("a/1").close()
    files.rename("a/2", "a/3")
    files.rename("a", "b")
    files.sync_directory("b")
    assert ["1", "3"] == files.names("b")
    for name in files.names("b"):
        files.remove(f"b/{name}")
    files.remove_directory("b")

    assert [] == files.names(".")
    for call in (files.open, files.names, files.remove):
        with pytest.raises(FileNotFoundError):
            call("missing")


def test_one_process_has_the_lock(tmp_path: Path) -> None:
    """Until it gives it up."""
    first, second = OsFiles(tmp_path), OsFiles(tmp_path)
    first.lock("lock")
    with pytest.raises(BlockingIOError):
        second.lock("lock")
    first.close()
    second.lock("lock")
    second.close()
    second.close()

    assert ["lock"] == first.names(".")


def test_a_short_write_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system did not take at once is written after it."""
    file = OsFiles(tmp_path).create("f")
    whole = os.pwritev

    def short(descriptor: int, pieces: Sequence[bytes], offset: int) -> int:
        return whole(descriptor, [b"".join(pieces)[:5]], offset)

    monkeypatch.setattr(os, "pwritev", short)
    file.write(0, [b"0123", b"4567", b"89"])

    assert file.read(0, 100) == b"0123456789"


def test_one_piece_is_written_as_several_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what the system takes in two parts."""
    file = OsFiles(tmp_path).create("f")
    whole = os.pwrite

    def short(descriptor: int, data: bytes, offset: int) -> int:
        return whole(descriptor, data[:5], offset)

    file.put(0, b"01")
    monkeypatch.setattr(os, "pwrite", short)
    file.put(2, b"23456789")

    assert file.read(0, 100) == b"0123456789"


def test_a_disk_that_takes_nothing_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt ends with an error."""
    file = OsFiles(tmp_path).create("f")
    nothing: Callable[..., int] = lambda *_given: 0  # noqa: E731 - for two functions
    monkeypatch.setattr(os, "pwritev", nothing)
    monkeypatch.setattr(os, "pwrite", nothing)

    with pytest.raises(OSError, match="No space") as error:
        file.write(0, [b"data"])
    assert error.value.errno == errno.ENOSPC


def test_a_short_read_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system did not give at once is read after it."""
    file = OsFiles(tmp_path).create("f")
    file.write(0, [b"0123456789"])
    whole = os.pread
    monkeypatch.setattr(
        os, "pread", lambda descriptor, length, offset: whole(descriptor, min(length, 4), offset)
    )

    assert file.read(1, 100) == b"123456789"
    assert file.read(1, 6) == b"123456"


def descriptors() -> int:
    """How many are open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths


def test_a_directory_is_synced_without_a_free_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rename, a sync that cannot be made is like one that fails. No other thread can prevent it."""
    before, really_open, synced = descriptors(), os.open, list[int]()
    files = OsFiles(tmp_path)
    files.sync_directory(".")
    assert descriptors() == before
    files.lock("lock")
    most = descriptors()

    def limited(path: Path, flags: int, mode: int = 0) -> int:
        if descriptors() >= most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return really_open(path, flags, mode)

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync_file_system(descriptor)

    monkeypatch.setattr(os, "open", limited)
    monkeypatch.setattr("app.adapters.files_os.files.sync_file_system", sync)
    closed = list[int]()
    really_close = os.close
    monkeypatch.setattr(os, "close", closed.append)  # what is closed may be taken by another thread
    for _ in range(3):
        files.sync_directory(".")
    monkeypatch.setattr(os, "close", really_close)
    assert (closed, synced) == ([], [tmp_path.stat().st_ino] * 3)
    with pytest.raises(OSError, match="Too many open files"):
        OsFiles(tmp_path).lock("lock of its own")
    with pytest.raises(FileNotFoundError):
        files.sync_directory("missing")
    monkeypatch.undo()
    assert descriptors() == most
    with pytest.raises(FileNotFoundError):
        files.sync_directory("missing")
    files.close()

    assert descriptors() == before
    files.sync_directory(".")
    assert descriptors() == before


def test_a_directory_on_another_disk_needs_a_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync of the root's file system says nothing of it; nor is there one before the lock."""
    (tmp_path / "other").symlink_to("/proc")
    files, unlocked = OsFiles(tmp_path), OsFiles(tmp_path)
    files.lock("lock")

    def no_more(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", no_more)
    for some, name in ((files, "other"), (unlocked, ".")):
        with pytest.raises(OSError, match="Too many open files"):
            some.sync_directory(name)
    monkeypatch.undo()
    files.close()
    assert descriptors() > 0


def test_a_file_that_was_removed_cannot_be_synced(tmp_path: Path) -> None:
    """Nobody will find again what is written there; one that was renamed will be found."""
    files = OsFiles(tmp_path)
    kept, gone = files.create("a"), files.create("b")
    files.rename("a", "c")
    (tmp_path / "b").unlink()
    kept.sync()
    with pytest.raises(OSError, match="Stale file handle") as error:
        gone.sync()

    assert error.value.errno == errno.ESTALE
