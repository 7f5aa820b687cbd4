"""Faults of the disk: full, failing, or slow."""

import errno
import os
import time
from collections.abc import Sequence
from typing import ClassVar, Self

from ...ports.files import File, Files


class DiskFault:
    """A fault that is there until it is cleared; as a context manager, until its block ends."""

    def __init__(
        self, faults: "DiskFaults", *, full: bool = False, failing: bool = False, sync_seconds: float = 0.0
    ) -> None:
        self.full = full
        """Nothing can be added: no room."""
        self.failing = failing
        """Writing and syncing are errors."""
        self.sync_seconds = sync_seconds
        """How long each sync takes at least."""
        self._faults = faults

    def clear(self) -> None:
        """End it. Without effect when it is over."""
        self._faults.end(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


class DiskFaults:
    """What is wrong with the disk of one server now. Any thread may change it."""

    def __init__(self) -> None:
        self._active: tuple[DiskFault, ...] = ()

    def begin(self, *, full: bool = False, failing: bool = False, sync_seconds: float = 0.0) -> DiskFault:
        """Have a fault."""
        fault = DiskFault(self, full=full, failing=failing, sync_seconds=sync_seconds)
        self._active = (*self._active, fault)
        return fault

    def end(self, fault: DiskFault) -> None:
        """Have this one no more."""
        self._active = tuple(each for each in self._active if each is not fault)

    def clear(self) -> None:
        """The disk is fine again."""
        self._active = ()

    def files(self, files: Files) -> Files:
        """The same files, with these faults."""
        return _FaultyFiles(files, self)

    def adding(self) -> None:
        """Room is needed. Raises `OSError`."""
        if any(fault.full for fault in self._active):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writing()

    def writing(self) -> None:
        """Something is written. Raises `OSError`."""
        if any(fault.failing for fault in self._active):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def syncing(self) -> None:
        """Something is synced. Raises `OSError`."""
        seconds = max((fault.sync_seconds for fault in self._active), default=0.0)
        if seconds > 0.0:
            time.sleep(seconds)
        self.writing()


class _FaultyFile:
    descriptor: ClassVar[int] = -1
    """Nobody writes past the faults."""

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

    def put(self, offset: int, data: bytes) -> None:
        self._faults.writing()
        self._file.put(offset, data)

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
