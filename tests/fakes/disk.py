"""A disk with a write cache: what is not synced may be lost in a crash, in any part and order."""

import errno
import os
from collections.abc import Callable, Sequence
from random import Random
from typing import ClassVar

from app.ports.files import SyncFailed, Write, Written

SECTOR = 512


class Crash(BaseException):
    """The power is gone. No handler of errors catches it."""


class Node:
    """A file's bytes, and those that are safe."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.safe = bytearray()
        self.dirty: set[int] = set()
        """Sectors that were written since the last sync."""

    def write(self, offset: int, data: bytes) -> None:
        """Write into the cache."""
        end = offset + len(data)
        self.extend(offset)
        self.data[offset:end] = data
        self.dirty.update(range(offset // SECTOR, (end + SECTOR - 1) // SECTOR))

    def extend(self, length: int) -> None:
        """Be at least as long, with zeros."""
        if length > len(self.data):
            self.data.extend(bytes(length - len(self.data)))

    def cut(self, length: int) -> None:
        """Be exactly as long; what was beyond is zeros if it comes back."""
        end = len(self.data)
        del self.data[length:]
        self.extend(length)
        self.dirty.update(range(length // SECTOR, (end + SECTOR - 1) // SECTOR))

    def sync(self) -> None:
        """Make all of it safe."""
        length = len(self.data)
        del self.safe[length:]
        self.safe.extend(bytes(length - len(self.safe)))
        for sector in self.dirty:
            at = slice(sector * SECTOR, min(sector * SECTOR + SECTOR, length))
            self.safe[at] = self.data[at]
        self.dirty.clear()

    def survivor(self, random: Random) -> "Node":
        """What is left of it after a crash."""
        length = random.choice([len(self.safe), len(self.data)])
        data = bytearray(self.safe[:length])
        data.extend(bytes(length - len(data)))
        for sector in self.dirty:
            start = sector * SECTOR
            end = min(start + SECTOR, length, len(self.data))
            chance = random.random()
            if start >= end or chance < 0.4:
                continue
            torn = random.randint(start, end) if chance > 0.8 else end
            data[start:torn] = self.data[start:torn]
        node = Node()
        node.data, node.safe = data, bytearray(data)
        return node


class Directory:
    """Names, those that are safe, and what happened to them since."""

    def __init__(self) -> None:
        self.names: dict[str, Node | Directory] = {}
        self.safe: dict[str, Node | Directory] = {}
        self.changes: list[tuple[str | None, str | None, Node | Directory]] = []
        """The name that went, the one that came, and what has it."""

    def change(self, gone: str | None, come: str | None, node: "Node | Directory") -> None:
        """Change a name."""
        _apply(self.names, gone, come, node)
        self.changes.append((gone, come, node))

    def sync(self) -> None:
        """Make the names safe."""
        self.safe = dict(self.names)
        self.changes.clear()

    def survivor(self, random: Random) -> "Directory":
        """What is left of it after a crash."""
        names = dict(self.safe)
        for gone, come, node in self.changes:
            if random.random() < 0.5:
                _apply(names, gone, come, node)
        directory = Directory()
        directory.names = {name: node.survivor(random) for name, node in names.items()}
        directory.safe = dict(directory.names)
        return directory


def _apply(
    names: dict[str, Node | Directory], gone: str | None, come: str | None, node: Node | Directory
) -> None:
    if gone is not None and names.get(gone) is node:
        del names[gone]
    if come is not None:
        names[come] = node


class FakeFile:
    """An open file of the disk."""

    descriptor: ClassVar[int] = -1

    def __init__(self, disk: "FakeDisk", node: Node, name: str) -> None:
        self._disk = disk
        self._node = node
        self._name = name

    def size(self) -> int:
        """See `app.ports.files`."""
        return len(self._node.data)

    def read(self, offset: int, length: int) -> bytes:
        """See `app.ports.files`."""
        self._disk.happens("read", self._name)
        return bytes(self._node.data[offset : offset + length])

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        """See `app.ports.files`."""
        data = b"".join(pieces)
        written = self._disk.happens("write", self._name, len(data))
        self._node.write(offset, data[:written])
        if written < len(data):
            raise full()

    def put(self, offset: int, data: bytes) -> None:
        """See `app.ports.files`."""
        self.write(offset, (data,))

    def allocate(self, length: int) -> None:
        """See `app.ports.files`."""
        self._disk.happens("allocate", self._name)
        self._node.extend(length)

    def truncate(self, length: int) -> None:
        """See `app.ports.files`."""
        self._disk.happens("truncate", self._name)
        self._node.cut(length)

    def sync(self) -> None:
        """See `app.ports.files`."""
        self._disk.happens("sync", self._name)
        self._node.sync()

    def close(self) -> None:
        """See `app.ports.files`."""


def full() -> OSError:
    """There is no room."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


Fault = Callable[[str, str], int | None]
"""Called with each operation and its file. May raise an error, or return how many bytes are written."""


class FakeDisk:
    """All files, in memory."""

    def __init__(self, root: Directory | None = None) -> None:
        self.root = root or Directory()
        self.operations = 0
        self.crash_at = -1
        """The number of the operation before which the power goes."""
        self.crash_before = ""
        """With this the power goes before the first such operation from that number on."""
        self.fault: Fault = lambda _operation, _name: None
        self.log: list[str] | None = None
        """What happened, if it is wanted."""
        self.locked: set[str] = set()

    def happens(self, operation: str, name: str, size: int = 0) -> int:
        """Count an operation; returns how many bytes of it are written."""
        if 0 <= self.crash_at <= self.operations and operation.startswith(self.crash_before):
            raise Crash
        self.operations += 1
        if self.log is not None:
            self.log.append(f"{operation} {name}")
        written = self.fault(operation, name)
        return size if written is None else min(written, size)

    def crashed(self, random: Random) -> "FakeDisk":
        """The disk after the power has come back."""
        return FakeDisk(self.root.survivor(random))

    def copy(self) -> "FakeDisk":
        """The same disk, everything written."""
        return FakeDisk(_copied(self.root))

    def files(self, directory: Directory | None = None, prefix: str = "") -> dict[str, Node]:
        """All files by their whole names."""
        found: dict[str, Node] = {}
        for name, node in (directory or self.root).names.items():
            if isinstance(node, Directory):
                found |= self.files(node, f"{prefix}{name}/")
            else:
                found[prefix + name] = node
        return found

    def _directory(self, name: str) -> Directory:
        directory = self.root
        for part in name.split("/"):
            if part in ("", "."):
                continue
            found = directory.names.get(part)
            if not isinstance(found, Directory):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            directory = found
        return directory

    def _parent(self, name: str) -> tuple[Directory, str]:
        parent, _, last = name.rpartition("/")
        return self._directory(parent), last

    def open(self, name: str) -> FakeFile:
        """See `app.ports.files`."""
        self.happens("open", name)
        parent, last = self._parent(name)
        node = parent.names.get(last)
        if not isinstance(node, Node):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return FakeFile(self, node, name)

    def create(self, name: str) -> FakeFile:
        """See `app.ports.files`."""
        self.happens("create", name)
        parent, last = self._parent(name)
        node = parent.names.get(last)
        if isinstance(node, Node):
            node.data.clear()
        else:
            node = Node()
            parent.change(None, last, node)
        return FakeFile(self, node, name)

    def names(self, directory: str) -> list[str]:
        """See `app.ports.files`."""
        return sorted(self._directory(directory).names)

    def make_directory(self, name: str) -> None:
        """See `app.ports.files`."""
        self.happens("make_directory", name)
        parent, last = self._parent(name)
        if last not in parent.names:
            parent.change(None, last, Directory())

    def rename(self, old: str, new: str) -> None:
        """See `app.ports.files`."""
        self.happens("rename", old)
        source, gone = self._parent(old)
        target, come = self._parent(new)
        node = source.names.get(gone)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        if source is target:
            source.change(gone, come, node)
        else:
            target.change(None, come, node)
            source.change(gone, None, node)

    def remove(self, name: str) -> None:
        """See `app.ports.files`."""
        self.happens("remove", name)
        parent, last = self._parent(name)
        node = parent.names.get(last)
        if not isinstance(node, Node):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        parent.change(last, None, node)

    def remove_directory(self, name: str) -> None:
        """See `app.ports.files`."""
        self.happens("remove_directory", name)
        parent, last = self._parent(name)
        parent.change(last, None, parent.names[last])

    def sync_directory(self, name: str) -> None:
        """See `app.ports.files`."""
        self.happens("sync_directory", name)
        self._directory(name).sync()

    def lock(self, name: str) -> None:
        """See `app.ports.files`."""
        if name in self.locked:
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
        self.locked.add(name)

    def close(self) -> None:
        """See `app.ports.files`."""
        self.locked.clear()


def _copied(directory: Directory) -> Directory:
    copy = Directory()
    for name, node in directory.names.items():
        if isinstance(node, Directory):
            copy.names[name] = _copied(node)
        else:
            other = copy.names[name] = Node()
            other.write(0, bytes(node.data))
            other.sync()
    copy.safe = dict(copy.names)
    return copy


def _carry_out(write: Write) -> OSError | None:
    try:
        write.file.write(write.offset, write.pieces)
    except OSError as error:
        return error
    try:
        if write.sync:
            write.file.sync()
    except OSError as error:
        return SyncFailed.of(error)
    return None


class StepWorker:
    """A worker whose jobs are done when the test says so."""

    def __init__(self) -> None:
        self.is_free = False
        self.slow = 0
        self._jobs: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def submit(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        """See `app.ports.files`."""
        self._jobs.append((job, done))

    def submit_writes(self, writes: Sequence[Write], written: Written) -> bool:
        """See `app.ports.files`."""
        errors: list[OSError | None] = []
        self._jobs.append((lambda: errors.extend(map(_carry_out, writes)), lambda: written(errors)))
        return True

    def was_slow(self) -> None:
        """Count it."""
        self.slow += 1

    def try_now(self, job: Callable[[], object]) -> bool:
        """See `app.ports.files`."""
        if self._jobs:
            return False
        job()
        return True

    def step(self) -> bool:
        """Do one job and what follows it; returns whether there was one."""
        if not self._jobs:
            return False
        job, done = self._jobs.pop(0)
        job()
        done()
        return True

    def finish(self) -> None:
        """See `app.ports.files`."""
        while self.step():
            pass
