"""Faults of the disk: full, failing, or slow."""

import errno
import os
import time
from collections.abc import Sequence

from ...ports.files import File, Files


class DiskFaults:
    """What is wrong with the disk now. Any thread may set it."""

    def __init__(self) -> None:
        self.full = False
        """Nothing can be added: no room."""
        self.failing = False
        """Writing and syncing are errors."""
        self.sync_seconds = 0.0
        """How long each sync takes at least."""

    def clear(self) -> None:
        """The disk is fine again."""
        self.full = self.failing = False
        self.sync_seconds = 0.0

    def files(self, files: Files) -> Files:
        """The same files, with these faults."""
        return _FaultyFiles(files, self)

    def adding(self) -> None:
        """Room is needed. Raises `OSError`."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writing()

    def writing(self) -> None:
        """Something is written. Raises `OSError`."""
        if self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def syncing(self) -> None:
        """Something is synced. Raises `OSError`."""
        if self.sync_seconds > 0.0:
            time.sleep(self.sync_seconds)
        self.writing()


class _FaultyFile:
    def __init__(self, file: File, faults: DiskFaults) -> None:
        self._file = file
        self._faults = faults

    def size(self) -> int:
        return self._file.size()

    def read(self, offset: int, length: int) -> bytes:
        return self._file.read(offset, length)

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        self._faults.writing()
        self._file.write(offset, pieces)

    def allocate(self, length: int) -> None:
        if length > self._file.size():
            self._faults.adding()
        self._file.allocate(length)

    def truncate(self, length: int) -> None:
        self._faults.writing()
        self._file.truncate(length)

    def sync(self) -> None:
        self._faults.syncing()
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class _FaultyFiles:
    def __init__(self, files: Files, faults: DiskFaults) -> None:
        self._files = files
        self._faults = faults

    def open(self, name: str) -> File:
        return _FaultyFile(self._files.open(name), self._faults)

    def create(self, name: str) -> File:
        self._faults.adding()
        return _FaultyFile(self._files.create(name), self._faults)

    def names(self, directory: str) -> list[str]:
        return self._files.names(directory)

    def make_directory(self, name: str) -> None:
        self._faults.adding()
        self._files.make_directory(name)

    def rename(self, old: str, new: str) -> None:
        self._faults.writing()
        self._files.rename(old, new)

    def remove(self, name: str) -> None:
        self._faults.writing()
        self._files.remove(name)

    def remove_directory(self, name: str) -> None:
        self._faults.writing()
        self._files.remove_directory(name)

    def sync_directory(self, name: str) -> None:
        self._faults.syncing()
        self._files.sync_directory(name)

    def lock(self, name: str) -> None:
        self._files.lock(name)

    def close(self) -> None:
        self._files.close()
