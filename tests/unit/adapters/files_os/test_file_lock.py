"""One process has a directory for itself."""

import os
from pathlib import Path

import pytest

from app.adapters.files_os.file_lock import FileLock


def test_one_has_it(tmp_path: Path) -> None:
    """Until it lets go, which it may do twice."""
    first, second = FileLock(), FileLock()
    first.take(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    with pytest.raises(BlockingIOError):
        second.take(tmp_path / "lock", os.O_RDONLY)
    first.release()
    second.take(tmp_path / "lock", os.O_RDONLY)
    second.release()
    second.release()

    assert 0o600 == (tmp_path / "lock").stat().st_mode & 0o777


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """Unless the flags say that it is to be made."""
    with pytest.raises(FileNotFoundError):
        FileLock().take(tmp_path / "lock", os.O_RDONLY)
