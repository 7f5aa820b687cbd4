"""Unit tests of the pid file and of the question whether a file could be written."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.process.files import (
    PidFileError,
    reason_not_a_directory,
    reason_not_writable,
    write_pid_file,
)


@pytest.fixture(name="umask")
def _umask() -> Iterator[int]:
    """A umask of 027, whatever the machine has."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_the_number_and_nothing_else(tmp_path: Path) -> None:
    """The file holds the decimal number, without a line end."""
    file = tmp_path / "nats.pid"

    write_pid_file(str(file), 4711)

    assert file.read_bytes() == b"4711"


def test_the_process_is_this_one(tmp_path: Path) -> None:
    """By default it is the number of the process that writes it."""
    file = tmp_path / "nats.pid"

    write_pid_file(str(file))

    assert str(os.getpid()) == file.read_text()


def test_a_new_file_is_for_owner_and_group(tmp_path: Path, umask: int) -> None:
    """A new pid file has mode 0660 minus the umask."""
    file = tmp_path / "nats.pid"

    write_pid_file(str(file))

    assert 0o660 & ~umask == stat.S_IMODE(file.stat().st_mode)


def test_a_file_left_behind_is_overwritten(tmp_path: Path) -> None:
    """What a killed server left is replaced as a whole, however long it was."""
    file = tmp_path / "nats.pid"
    file.write_text("1234567890")

    write_pid_file(str(file), 1)

    assert "1" == file.read_text()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/nats.pid", "no such file or directory"),
        ("", "is a directory"),
        ("a\0b", "embedded null byte"),
    ],
    ids=["no directory", "directory", "nul"],
)
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str, reason: str) -> None:
    """The error names the file and the reason, as gnatsd does, in one line."""
    path = f"{tmp_path}/{name}"

    with pytest.raises(PidFileError) as raised:
        write_pid_file(path)

    assert f"Could not write pidfile: open {path}: {reason}" == str(raised.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk() -> None:
    """A disk that takes no number is an error too."""
    with pytest.raises(
        PidFileError, match=r"^Could not write pidfile: open /dev/full: no space left on device$"
    ):
        write_pid_file("/dev/full")


def test_files_that_can_be_written(tmp_path: Path) -> None:
    """A file that is there stays as it is, one that is not is not made, and a pipe is not waited for."""
    there, new, pipe, link = (tmp_path / name for name in ("there", "new", "pipe", "link"))
    there.write_text("text")
    os.mkfifo(pipe)
    link.symlink_to(new)

    assert ["", "", "", ""] == [reason_not_writable(str(file)) for file in (there, new, pipe, link)]
    assert "text" == there.read_text()
    assert {there, pipe, link} == set(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nope/file", "no such file or directory"),
        ("file/file", "not a directory"),
        ("", "is a directory"),
        ("new/", "is a directory"),
    ],
)
def test_files_that_cannot(tmp_path: Path, name: str, reason: str) -> None:
    """The reason is the system's, as a start would give it."""
    (tmp_path / "file").touch()

    assert reason == reason_not_writable(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", ""),
        ("new/newer", ""),
        ("file", "not a directory"),
        ("file/x", "not a directory"),
        ("circle/x", "too many levels of symbolic links"),
        (300 * "x" + "/new", "file name too long"),
    ],
    ids=["there", "to be made", "file", "below a file", "links in a circle", "long name"],
)
def test_a_directory_for_files(tmp_path: Path, name: str, reason: str) -> None:
    """A directory may have to be made, which a file in its place prevents; none is made to find out."""
    file, circle = tmp_path / "file", tmp_path / "circle"
    file.touch()
    circle.symlink_to(circle)

    assert reason == reason_not_a_directory(f"{tmp_path}/{name}")
    assert {file, circle} == set(tmp_path.iterdir())


def test_names_that_no_file_can_have() -> None:
    """A file without a name is not there, and a null byte is in no name."""
    assert "no such file or directory" == reason_not_writable("")
    assert "null" in reason_not_writable("a\0b")
    assert "null" in reason_not_a_directory("a\0b")
