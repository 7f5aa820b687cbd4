"""Files in a directory of the operating system."""

import errno
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from .file_lock import FileLock
from .file_system import can_sync, sync_file_system

_PIECES = 1000
"""Most pieces that one call of the system writes; Linux allows 1024."""
_JOINED, _SMALL = 16, 4096
"""More pieces than this that are smaller on average are joined before."""
_DIRECTORY = 0o700
_FILE = 0o600
_NONE = -1
_TO_SYNC = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class OsFile:
    """An open file, by its descriptor."""

    descriptor: int

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        read = os.pread(self.descriptor, length, offset)
        while 0 < len(read) < length:
            more = os.pread(self.descriptor, length - len(read), offset + len(read))
            if not more:
                break
            read += more
        return read

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        if len(pieces) <= _JOINED:
            written = os.pwritev(self.descriptor, pieces, offset)
            if written < (len(pieces[0]) if len(pieces) == 1 else sum(map(len, pieces))):
                self._finish(offset, pieces, written)
            return
        rest = iter(pieces)
        while batch := list(islice(rest, _PIECES)):
            if len(batch) > _JOINED and sum(map(len, batch)) < _SMALL * len(batch):
                batch = [b"".join(batch)]
            offset = self._write(offset, batch)

    def put(self, offset: int, data: bytes) -> None:
        written = os.pwrite(self.descriptor, data, offset)
        if written < len(data):
            self._finish(offset, (data,), written)

    def _write(self, offset: int, pieces: Sequence[bytes]) -> int:
        end = offset + sum(map(len, pieces))
        written = os.pwritev(self.descriptor, pieces, offset)
        if offset + written < end:
            self._finish(offset, pieces, written)
        return end

    def _finish(self, offset: int, pieces: Sequence[bytes], written: int) -> None:
        """Write the rest of what was written in part."""
        left, offset = memoryview(b"".join(pieces))[written:], offset + written
        while left:
            written = os.pwrite(self.descriptor, left, offset)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left, offset = left[written:], offset + written

    def allocate(self, length: int) -> None:
        os.posix_fallocate(self.descriptor, 0, length)

    def truncate(self, length: int) -> None:
        os.ftruncate(self.descriptor, length)

    def sync(self) -> None:
        os.fdatasync(self.descriptor)
        if not os.fstat(self.descriptor).st_nlink:  # removed by others: what is written there is lost
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    def close(self) -> None:
        os.close(self.descriptor)


class OsFiles:
    """A directory; it is made if it is not there."""

    def __init__(self, root: Path) -> None:
        """Raises `OSError`."""
        root.mkdir(mode=_DIRECTORY, parents=True, exist_ok=True)
        self._root = root
        self._lock = FileLock()
        self._descriptor = _NONE
        """Of the root, kept open: without a free descriptor all of its file system is synced by it.

        One that is closed to be used again may be lost to another thread in between.
        """

    def open(self, name: str) -> OsFile:
        return OsFile(os.open(self._root / name, os.O_RDWR | os.O_CLOEXEC))

    def create(self, name: str) -> OsFile:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        return OsFile(os.open(self._root / name, flags, _FILE))

    def names(self, directory: str) -> list[str]:
        return sorted(os.listdir(self._root / directory))  # noqa: PTH208 - names, not paths

    def make_directory(self, name: str) -> None:
        (self._root / name).mkdir(mode=_DIRECTORY, exist_ok=True)

    def rename(self, old: str, new: str) -> None:
        (self._root / old).rename(self._root / new)

    def remove(self, name: str) -> None:
        (self._root / name).unlink()

    def remove_directory(self, name: str) -> None:
        (self._root / name).rmdir()

    def sync_directory(self, name: str) -> None:
        path = self._root / name
        try:
            descriptor = os.open(path, _TO_SYNC)
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE} or not self._has_in_reach(path):
                raise
            sync_file_system(self._descriptor)
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _has_in_reach(self, path: Path) -> bool:
        """Whether a sync of the root's file system covers this directory."""
        if self._descriptor == _NONE:
            return False
        return path.stat().st_dev == os.fstat(self._descriptor).st_dev

    def lock(self, name: str) -> None:
        self._lock.take(self._root / name, os.O_RDWR | os.O_CREAT)
        try:
            self._descriptor = os.open(self._root, _TO_SYNC) if can_sync() else _NONE
        except OSError:
            self._lock.release()
            raise

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, _NONE
        if descriptor != _NONE:
            os.close(descriptor)
        self._lock.release()
