"""Files: what the storage of streams needs of a disk.

Names are relative to one directory, with "/" between their parts. Errors are `OSError`s, with
the numbers of the system. What is written may be lost in a crash, in any part and order, until
the file is synced; a file that was made, renamed or removed, until its directory is.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from ..domain.value_object import value_object


class SyncFailed(OSError):
    """A sync failed: nothing is known of what was written since the last one."""

    @classmethod
    def of(cls, error: OSError, what: str = "sync") -> "SyncFailed":
        """The same error, with what failed."""
        return cls(error.errno, f"{what} failed: {error.strerror}")


class File(Protocol):
    """An open file. It may be read while another thread writes what is not read."""

    @property
    def descriptor(self) -> int:
        """Its file descriptor, for compiled code, which may write there as `put` does; -1 for none."""
        ...

    def size(self) -> int:
        """Its length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """These bytes; fewer at the end of the file."""
        ...

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        """Write all pieces, one after the other; an error leaves part of them written."""
        ...

    def put(self, offset: int, data: bytes) -> None:
        """The same for one piece."""
        ...

    def allocate(self, length: int) -> None:
        """Make the file at least as long, with zeros, and have room on the disk for all of it."""
        ...

    def truncate(self, length: int) -> None:
        """Cut off what is beyond."""
        ...

    def sync(self) -> None:
        """Have everything on the disk. After an error nothing is known of what was not synced before.

        `ESTALE` is the error of a file that somebody has removed.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Files(Protocol):
    """A directory and all that is in it."""

    def open(self, name: str) -> File:
        """Open a file. Raises `FileNotFoundError`."""
        ...

    def create(self, name: str) -> File:
        """Make an empty file, in place of one that is there."""
        ...

    def names(self, directory: str) -> list[str]:
        """What is in a directory, in order. Raises `FileNotFoundError`."""
        ...

    def make_directory(self, name: str) -> None:
        """Make a directory; nothing if it is there."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file or a directory another name; a file of the new name goes."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file. Raises `FileNotFoundError`."""
        ...

    def remove_directory(self, name: str) -> None:
        """Remove an empty directory."""
        ...

    def sync_directory(self, name: str) -> None:
        """Have on the disk which names are in a directory."""
        ...

    def lock(self, name: str) -> None:
        """Be the only one with this file until `close`. Raises `BlockingIOError`."""
        ...

    def close(self) -> None:
        """Release the lock."""
        ...


@value_object
class Write:
    """Bytes for an open file that has room for them."""

    file: File
    offset: int
    pieces: Sequence[bytes]
    sync: bool
    """Whether the file is synced then."""


Written = Callable[[Sequence[OSError | None]], None]
"""Called with what came of each write; `SyncFailed` where a sync failed."""


QUICK = 0.005
"""Seconds that a job on the loop may take. The system makes writers wait that are faster than the disk."""


class Worker(Protocol):
    """Does what waits for the disk, beside the loop."""

    def submit(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        """Do a job when those before it are done, then call `done` on the loop. Jobs raise nothing."""
        ...

    def submit_writes(self, writes: Sequence[Write], written: Written) -> bool:
        """The same for writes alone, each with its sync; False if this worker does them only as jobs."""
        ...

    is_free: bool
    """Whether a short job may be done at once in place of `try_now`, and `was_slow` called if it was none."""

    def was_slow(self) -> None:
        """A job that was done so took longer than `QUICK` seconds: let `try_now` watch the next ones."""
        ...

    def try_now(self, job: Callable[[], object]) -> bool:
        """Do a job on the loop that waits for no disk as a rule; False if it was not done.

        It is not done while another job is not over, or shortly after one of these was slow. What the
        job raises is raised here.
        """
        ...

    def finish(self) -> None:
        """Wait until all jobs are done, and call what is to be called after them."""
        ...
