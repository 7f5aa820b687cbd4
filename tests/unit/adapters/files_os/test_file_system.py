"""A whole file system is synced by anything in it."""

import ctypes
import errno
import os
from pathlib import Path

import pytest

from app.adapters.files_os import file_system
from app.adapters.files_os.file_system import can_sync, sync_file_system


def test_it_is_synced_by_a_directory(tmp_path: Path) -> None:
    """What cannot be synced is an error of the system."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    sync_file_system(descriptor)
    os.close(descriptor)

    assert can_sync()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(descriptor)


def test_a_signal_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done again then."""
    results = [-1, -1, 0]

    class Library:
        """Interrupted twice."""

        def syncfs(self, _descriptor: object) -> int:
            """Say so."""
            return results.pop(0)

    monkeypatch.setattr(file_system, "_library", Library)
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EINTR)
    sync_file_system(0)

    assert results == []


def test_without_a_library_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems have it in no library that can be opened."""

    def library() -> None:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(file_system, "_library", library)

    assert not can_sync()
