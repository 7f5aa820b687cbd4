"""The jobs of the thread that waits for the disk: compiled where that is built, else a queue of Python."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, cast

Job = Callable[[], object]

RawWrite = tuple[int, int, Sequence[bytes], bool]
"""A descriptor, an offset, pieces, and whether a sync follows."""


class WriteJob(Protocol):
    """Writes that a `WritingQueue` does. One that is there has to be kept until it is over."""

    @property
    def is_over(self) -> bool:
        """Whether everything is written, or has failed."""
        ...

    def errors(self) -> list[OSError | None]:
        """What came of each write, when it is over; `SyncFailed` for a sync."""
        ...


class JobQueue(Protocol):
    """What one thread gets, in order."""

    def put(self, call: Job | None, /) -> None:
        """A job, which `get` returns; None has the thread end."""
        ...

    def get(self) -> Job | None:
        """Wait for the next job."""
        ...


class WritingQueue(JobQueue, Protocol):
    """One that does writes itself, without the interpreter, when the thread waits for its next job."""

    def put_writes(self, writes: WriteJob, notify: int, /) -> None:
        """Writes. When they are over, one byte is written to the descriptor `notify`."""
        ...


class NativeJobs(Protocol):
    """What is compiled."""

    def JobQueue(self) -> WritingQueue:  # noqa: N802 - a class
        """Make a queue."""
        ...

    def WriteJob(self, writes: Sequence[RawWrite], /) -> WriteJob:  # noqa: N802 - a class
        """Make such a job."""
        ...


@cache
def compiled() -> NativeJobs | None:
    """The compiled part, where it is built."""
    try:
        return cast("NativeJobs", import_module(".native_jobs", __package__))
    except (ImportError, AttributeError):  # a build of another version does not stop the server
        return None
