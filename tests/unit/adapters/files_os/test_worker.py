"""Jobs are done in order beside the loop, and what follows them on it."""

import errno
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.adapters.files_os import worker as worker_module
from app.adapters.files_os.files import OsFiles
from app.adapters.files_os.job_queue import compiled
from app.adapters.files_os.overlay import OverlayFile
from app.adapters.files_os.worker import SLOW, WATCHED, SyncThread
from app.adapters.files_os.write_signal import Watch
from app.ports.files import QUICK, Worker, Write

BOUND = 10.0
"""Seconds after which a test gives up."""


class Loop:
    """Keeps what is to be called."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], None]] = deque()
        self.called = threading.Event()

    def call_soon(self, call: Callable[[], None]) -> None:
        """From any thread."""
        self.calls.append(call)
        self.called.set()

    def run(self) -> None:
        """Call them."""
        self.called.clear()
        while self.calls:
            self.calls.popleft()()


def test_jobs_are_done_in_order() -> None:
    """In another thread; what follows them waits for the loop."""
    loop = Loop()
    worker: Worker = SyncThread(loop.call_soon)
    events: list[str] = []
    threads: list[threading.Thread] = []

    def job() -> None:
        threads.append(threading.current_thread())

    worker.submit(job, lambda: events.append("first"))
    worker.submit(job, lambda: events.append("second"))
    while len(events) < 2:
        assert loop.called.wait(BOUND)
        loop.run()
    worker.finish()

    assert ["first", "second"] == events
    assert threading.current_thread() not in threads


needs_native = pytest.mark.skipif(
    compiled() is None, reason="native_jobs is not built: `make install` with a C compiler does"
)


def watch_nothing(_descriptor: int, _call: Callable[[], None]) -> Callable[[], None]:
    """A loop that calls nothing: `finish` does."""
    return lambda: None


@needs_native
def test_writes_and_jobs_are_over_in_order(tmp_path: Path) -> None:
    """Whatever does them; also those that follow from others, and after the thread has ended once."""
    worker: Worker = SyncThread(lambda _call: None, watch_nothing)
    file = OsFiles(tmp_path).create("file")
    events: list[object] = []

    def again(errors: Sequence[OSError | None]) -> None:
        events.append(errors)
        assert worker.submit_writes([Write(file, 4, [b"more"], sync=True)], events.append)

    for _ in range(2):
        worker.submit(lambda: None, lambda: events.append("job"))
        assert worker.submit_writes([Write(file, 0, [b"so", b"me"], sync=False)], again)
        assert not worker.is_free
        assert not worker.try_now(lambda: None)
        worker.submit(lambda: None, lambda: events.append("last"))
        worker.finish()
        assert worker.is_free

    assert ["job", [None], "last", [None]] * 2 == events
    assert file.read(0, 10) == b"somemore"
    file.close()


@needs_native
def test_the_loop_hears_of_writes(tmp_path: Path) -> None:
    """By a descriptor, which it watches."""
    watched: dict[int, Callable[[], None]] = {}

    def watch(descriptor: int, call: Callable[[], None]) -> Callable[[], None]:
        watched[descriptor] = call
        return watched.clear

    worker: Worker = SyncThread(lambda _call: None, watch)
    file = OsFiles(tmp_path).create("file")
    errors: list[OSError | None] = []
    worker.submit_writes([Write(file, 0, [b"x"], sync=True)], errors.extend)
    ((descriptor, call),) = watched.items()
    assert select.select([descriptor], [], [], BOUND)[0]
    assert errors == []
    call()
    assert errors == [None]
    worker.finish()
    file.close()

    assert watched == {}


@pytest.mark.parametrize("watch", [None, watch_nothing])
def test_other_files_are_written_by_jobs(tmp_path: Path, watch: Watch | None) -> None:
    """Those that something stands before; and all of them where nothing is compiled, or nobody watches."""
    worker: Worker = SyncThread(lambda _call: None, watch)
    overlay = OverlayFile(None)
    file = OsFiles(tmp_path).create("file")
    assert not worker.submit_writes([Write(overlay, 0, [b"x"], sync=True)], lambda _errors: None)
    if watch is None:
        assert not worker.submit_writes([Write(file, 0, [b"x"], sync=True)], lambda _errors: None)
    file.close()

    assert worker.is_free


@needs_native
def test_without_a_descriptor_for_the_signal_there_are_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that has too many open files still writes; later it has another try."""

    def none_left(_flags: int) -> tuple[int, int]:
        raise OSError(errno.EMFILE, "Too many open files")

    worker: Worker = SyncThread(lambda _call: None, watch_nothing)
    file = OsFiles(tmp_path).create("file")
    writes, errors = [Write(file, 0, [b"x"], sync=True)], list[OSError | None]()
    with monkeypatch.context() as patched:
        patched.setattr(os, "pipe2", none_left)
        assert not worker.submit_writes(writes, errors.extend)
    assert worker.is_free
    assert worker.submit_writes(writes, errors.extend)
    worker.finish()
    file.close()

    assert errors == [None]


def test_without_a_thread_jobs_are_done_on_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order all the same, and what follows them later; the next one has another try."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    loop, events, threads = Loop(), list[str](), list[threading.Thread]()
    worker: Worker = SyncThread(loop.call_soon, watch_nothing)
    file = OsFiles(tmp_path).create("file")

    def submit(name: str) -> None:
        worker.submit(lambda: threads.append(threading.current_thread()), lambda: events.append(name))

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        assert not worker.submit_writes([Write(file, 0, [b"x"], sync=True)], lambda _errors: None)
        submit("first")
        assert (events, worker.is_free, worker.try_now(lambda: None)) == ([], False, False)
        loop.run()
        assert (events, worker.is_free) == (["first"], True)
        submit("second")
        worker.finish()
    submit("third")
    worker.finish()
    file.close()

    assert events == ["first", "second", "third"]
    here = threading.current_thread()
    assert [each is here for each in threads] == [True, True, False]


@needs_native
def test_what_fails_afterwards_holds_up_nobody(tmp_path: Path) -> None:
    """A defect in what follows one write is for the loop to report; others hear of theirs none the less."""
    loop, watched = Loop(), dict[int, Callable[[], None]]()

    def watch(descriptor: int, call: Callable[[], None]) -> Callable[[], None]:
        watched[descriptor] = call
        return watched.clear

    def fail(_errors: Sequence[OSError | None]) -> None:
        raise LookupError("a defect")

    worker = SyncThread(loop.call_soon, watch)
    file = OsFiles(tmp_path).create("file")
    write, events = Write(file, 0, [b"x"], sync=False), list[object]()
    worker.submit_writes([write], fail)
    worker.submit_writes([write], events.append)
    worker.submit(lambda: None, lambda: None)
    assert loop.called.wait(BOUND)
    loop.calls.clear()  # what the last job has called is not what this is about
    (signalled,) = watched.values()
    with pytest.raises(LookupError, match="a defect"):
        signalled()
    loop.run()
    assert events == [[None]]
    worker.finish()
    file.close()


def test_finishing_waits_for_all() -> None:
    """Also for jobs that follow from others, and when the loop is closed."""
    events: list[str] = []

    def closed(_call: Callable[[], None]) -> None:
        raise RuntimeError("Event loop is closed")

    worker = SyncThread(closed)

    def again() -> None:
        events.append("first")
        worker.submit(lambda: None, lambda: events.append("second"))

    worker.submit(lambda: None, again)
    worker.finish()
    worker.submit(lambda: None, lambda: events.append("third"))
    worker.finish()

    assert ["first", "second", "third"] == events


def test_nothing_to_finish() -> None:
    """A worker without jobs has no thread."""
    before = threading.active_count()
    SyncThread(lambda call: call()).finish()

    assert before == threading.active_count()


def test_short_jobs_are_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless others are before them, or two of them have waited for long lately."""
    now, waits = [100.0], [0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(worker_module, "waits_of_thread", lambda: waits[0])
    loop = Loop()
    worker: Worker = SyncThread(loop.call_soon)
    done: list[str] = []

    def preempted() -> None:
        now[0] += 2 * QUICK
        done.append("preempted")

    def slow() -> None:
        now[0] += 2 * QUICK
        waits[0] += 1
        done.append("slow")

    assert worker.try_now(lambda: done.append("short"))
    assert worker.try_now(slow)  # from now on it is known whether they wait
    assert worker.try_now(preempted)
    assert worker.try_now(slow)
    assert not worker.try_now(slow)
    now[0] += SLOW + 1
    assert worker.try_now(lambda: waits.__setitem__(0, 5))
    assert worker.try_now(slow)
    now[0] += SLOW + 1
    worker.submit(lambda: None, lambda: done.append("submitted"))
    assert not worker.try_now(slow)
    worker.finish()
    assert worker.try_now(slow)
    assert ["short", "slow", "preempted", "slow", "slow", "submitted", "slow"] == done
    now[0] += WATCHED + SLOW
    assert worker.try_now(slow)
    assert worker.try_now(slow)
    assert not worker.try_now(slow)


def test_who_is_free_does_short_jobs_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while a job is under way, nor while it is to be found out whether slow ones wait."""
    now = [100.0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    loop = Loop()
    worker: Worker = SyncThread(loop.call_soon)
    free = [worker.is_free]
    worker.submit(lambda: None, lambda: free.append(worker.is_free))
    assert loop.called.wait(BOUND)
    free.append(worker.is_free)
    loop.run()
    free.append(worker.is_free)
    worker.was_slow()
    free.append(worker.is_free)
    assert worker.try_now(lambda: None)
    free.append(worker.is_free)
    now[0] += WATCHED
    assert worker.try_now(lambda: None)
    free.append(worker.is_free)
    worker.was_slow()
    worker.submit(lambda: None, lambda: None)
    worker.finish()
    free.append(worker.is_free)

    assert [True, False, False, True, False, False, True, False] == free


def test_what_a_job_raises_comes_out() -> None:
    """Who asked for it has another way then."""

    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        SyncThread(lambda call: call()).try_now(fail)


def test_waits_of_this_thread_are_counted() -> None:
    """A sleep of the thread counts as a wait."""
    before = worker_module.waits_of_thread()
    time.sleep(0.001)

    assert worker_module.waits_of_thread() > before
