"""A thread gets its jobs in order, and does writes itself."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.files_os import job_queue
from app.adapters.files_os.job_queue import NativeJobs, compiled
from app.ports.files import SyncFailed


@pytest.fixture
def native() -> NativeJobs:
    """The compiled part."""
    found = compiled()
    if found is None:
        pytest.skip("app.adapters.files_os.native_jobs is not built: `make install` with a C compiler does")
    return found


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """An open file that is empty."""
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def carry_out(native: NativeJobs, *jobs: job_queue.WriteJob) -> bytes:
    """Have a queue do them; returns what it has written to the descriptor for notes."""
    queue, (reading, notify) = native.JobQueue(), os.pipe()
    try:
        for job in jobs:
            queue.put_writes(job, notify)
        queue.put(None)
        assert queue.get() is None
        return os.read(reading, 100)
    finally:
        os.close(reading)
        os.close(notify)


@pytest.mark.parametrize("pieces", [[], [b""], [b"ab", b"", b"c"], [b"%d" % each for each in range(2500)]])
@pytest.mark.parametrize("sync", [False, True])
def test_pieces_are_written_one_after_the_other(
    native: NativeJobs, descriptor: int, pieces: list[bytes], *, sync: bool
) -> None:
    """Also none, empty ones, and more than the system takes at once."""
    job = native.WriteJob([(descriptor, 3, pieces, sync)])
    assert not job.is_over
    notes = carry_out(native, job)

    whole = b"".join(pieces)
    assert os.pread(descriptor, 100000, 0) == (bytes(3) + whole if whole else b"")
    assert (job.is_over, job.errors(), notes) == (True, [None], b".")


def test_each_write_has_its_own_error(native: NativeJobs, descriptor: int, tmp_path: Path) -> None:
    """Of the write, or of the sync; others are done none the less."""
    closed = os.open(tmp_path / "closed", os.O_RDONLY | os.O_CREAT)
    job = native.WriteJob([(closed, 0, [b"x"], True), (descriptor, 0, [b"good"], True)])
    unsynced = native.WriteJob([(_pipe_to_nobody := os.pipe()[0], 0, [], True)])
    carry_out(native, job, unsynced)
    os.close(closed)
    os.close(_pipe_to_nobody)

    first, second = job.errors()
    assert isinstance(first, OSError)
    assert not isinstance(first, SyncFailed)
    assert (first.errno, second) == (errno.EBADF, None)
    assert os.pread(descriptor, 10, 0) == b"good"
    (third,) = unsynced.errors()
    assert isinstance(third, SyncFailed)
    assert (third.errno, str(third)) == (errno.EINVAL, "[Errno 22] sync failed: Invalid argument")


def test_what_a_file_does_not_take_is_an_error(native: NativeJobs) -> None:
    """As with a disk that is full."""
    full = os.open("/dev/full", os.O_WRONLY)
    job = native.WriteJob([(full, 0, [b"x"], False)])
    carry_out(native, job)
    os.close(full)

    assert [error.errno for error in job.errors() if error is not None] == [errno.ENOSPC]


def test_jobs_in_python_wait_for_the_writes_before_them(native: NativeJobs, descriptor: int) -> None:
    """And come out in order, in a thread that waits for them."""
    queue, (reading, notify) = native.JobQueue(), os.pipe()
    seen: list[bytes] = []

    def run() -> None:
        while (job := queue.get()) is not None:
            job()

    thread = threading.Thread(target=run)
    thread.start()
    jobs = []
    for number in range(100):
        jobs.append(native.WriteJob([(descriptor, 0, [b"%03d" % number], False)]))
        queue.put_writes(jobs[-1], notify)
        queue.put(lambda: seen.append(os.pread(descriptor, 3, 0)))
    queue.put(None)
    thread.join()
    os.close(reading)
    os.close(notify)

    assert seen == [b"%03d" % number for number in range(100)]
    assert all(job.is_over for job in jobs)


def test_only_bytes_are_written(native: NativeJobs, descriptor: int) -> None:
    """Other kinds may move while they are written."""
    with pytest.raises(TypeError):
        native.WriteJob([(descriptor, 0, [bytearray(b"x")], False)])  # type: ignore[list-item] # it is wrong


def test_a_queue_that_is_dropped_lets_go_of_its_jobs(native: NativeJobs) -> None:
    """Jobs that no thread has taken are freed with their queue."""
    kept = object()
    queue = native.JobQueue()

    def job(_kept: object = kept) -> None:
        pass

    queue.put(job)
    counted = _references(job)
    del queue

    assert _references(job) == counted - 1


def _references(something: object) -> int:
    import sys  # noqa: PLC0415 - for this test alone

    return sys.getrefcount(something)


def test_a_build_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server runs without it."""

    def fail(_name: str, _package: str) -> None:
        raise ImportError("built for something else")

    monkeypatch.setattr(job_queue, "import_module", fail)
    compiled.cache_clear()
    try:
        assert compiled() is None
    finally:
        compiled.cache_clear()


def test_a_file_that_was_removed_cannot_be_synced(native: NativeJobs, tmp_path: Path) -> None:
    """As `OsFile.sync` has it: nobody will find again what was written."""
    descriptor = os.open(tmp_path / "gone", os.O_RDWR | os.O_CREAT)
    (tmp_path / "gone").unlink()
    synced, written = (native.WriteJob([(descriptor, 0, [b"x"], sync)]) for sync in (True, False))
    carry_out(native, synced, written)
    os.close(descriptor)

    (error,) = synced.errors()
    assert isinstance(error, SyncFailed)
    assert (error.errno, written.errors()) == (errno.ESTALE, [None])
