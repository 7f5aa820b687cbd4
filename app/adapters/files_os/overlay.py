"""Overlay: a directory whose changes stay in memory, for tools that only read a store."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from .file_lock import FileLock
from .files import OsFile


class OverlayFile:
    """A file whose changes are kept in memory."""

    descriptor: ClassVar[int] = -1

    def __init__(self, below: OsFile | None) -> None:
        """`below` is the file on the disk; None for a new one."""
        self._below = below
        self._data: bytearray | None = None if below is not None else bytearray()

    def size(self) -> int:
        return self._below.size() if self._data is None and self._below is not None else len(self._own())

    def read(self, offset: int, length: int) -> bytes:
        if self._data is None and self._below is not None:
            return self._below.read(offset, length)
        return bytes(self._own()[offset : offset + length])

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        data, new = self._own(), b"".join(pieces)
        data.extend(bytes(max(0, offset - len(data))))
        data[offset : offset + len(new)] = new

    def put(self, offset: int, data: bytes) -> None:
        self.write(offset, (data,))

    def allocate(self, length: int) -> None:
        data = self._own()
        data.extend(bytes(max(0, length - len(data))))

    def truncate(self, length: int) -> None:
        del self._own()[length:]
        self.allocate(length)

    def _own(self) -> bytearray:
        if self._data is None:
            assert self._below is not None  # noqa: S101 - a new file has data
            self._data = bytearray(self._below.read(0, self._below.size()))
        return self._data

    def sync(self) -> None:
        pass

    def close(self) -> None:
        if self._below is not None:
            self._own()
            self._below.close()
            self._below = None


class OverlayFiles:
    """A directory that is there. What is made, renamed or removed is so in memory alone."""

    def __init__(self, root: Path) -> None:
        """Raises `NotADirectoryError`, or `FileNotFoundError` where there is nothing."""
        if not root.is_dir():
            number = errno.ENOTDIR if root.exists() else errno.ENOENT
            raise OSError(number, os.strerror(number), str(root))
        self._root = root
        self._lock = FileLock()
        self._made: dict[str, OverlayFile] = {}
        self._directories: set[str] = set()
        self._places: dict[str, str | None] = {}
        """Where names are on the disk, for those that were renamed; None for those that are gone."""

    def _place(self, name: str) -> Path | None:
        """Where a name is on the disk."""
        parts = name.split("/")
        for end in range(len(parts), 0, -1):
            start = "/".join(parts[:end])
            if start in self._places:
                place = self._places[start]
                return None if place is None else self._root.joinpath(place, *parts[end:])
        return self._root / name

    def open(self, name: str) -> OverlayFile:
        if name in self._made:
            return self._made[name]
        place = self._place(name)
        if place is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return OverlayFile(OsFile(os.open(place, os.O_RDONLY | os.O_CLOEXEC)))

    def create(self, name: str) -> OverlayFile:
        made = self._made[name] = OverlayFile(None)
        return made

    def names(self, directory: str) -> list[str]:
        place = self._place(directory)
        found: set[str] = set()
        if place is not None and place.is_dir():
            found = {name for name in os.listdir(place) if self._is_there(f"{directory}/{name}")}  # noqa: PTH208
        elif directory not in self._directories:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        added = [
            *self._made,
            *self._directories,
            *(new for new, old in self._places.items() if old is not None),
        ]
        start = f"{directory}/" if directory != "." else ""
        found |= {name[len(start) :] for name in added if name.startswith(start)}
        return sorted(name for name in found if "/" not in name)

    def _is_there(self, name: str) -> bool:
        return self._places.get(name.removeprefix("./"), "") is not None

    def make_directory(self, name: str) -> None:
        self._directories.add(name)

    def rename(self, old: str, new: str) -> None:
        if old in self._made:
            self._made[new] = self._made.pop(old)
            return
        place = self._place(old)
        self._places[new] = None if place is None else str(place.relative_to(self._root))
        self._places[old] = None

    def remove(self, name: str) -> None:
        if self._made.pop(name, None) is None:
            self._places[name] = None

    def remove_directory(self, name: str) -> None:
        self._directories.discard(name)
        self._places[name] = None

    def sync_directory(self, name: str) -> None:
        pass

    def lock(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._lock.take(self._root / name, os.O_RDONLY)

    def close(self) -> None:
        self._lock.release()
