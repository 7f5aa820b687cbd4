"""Unit tests of looking whether a file could be written."""

import os
from pathlib import Path

import pytest

from app.adapters.process.writable import reason_not_writable


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


def test_names_that_no_file_can_have() -> None:
    """A file without a name is not there, and a null byte is in no name."""
    assert "no such file or directory" == reason_not_writable("")
    assert "null" in reason_not_writable("a\0b")
