"""Jobs are done in order beside the loop, and what follows them on it."""

import threading
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.adapters.files_os import worker as worker_module
from app.adapters.files_os.worker import QUICK, SLOW, SyncThread
from app.ports.files import Worker

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


def test_quick_jobs_are_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless others are before them, or one of them has not been quick lately."""
    now = [100.0]
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    loop = Loop()
    worker: Worker = SyncThread(loop.call_soon)
    events: list[str] = []

    def slow() -> None:
        now[0] += 2 * QUICK

    worker.submit(lambda: events.append("job"), lambda: events.append("done"), quick=True)
    assert ["job", "done"] == events
    worker.submit(slow, lambda: events.append("slow"), quick=True)
    assert "slow" == events[-1]
    worker.submit(slow, lambda: events.append("beside"), quick=True)
    assert "slow" == events[-1]
    now[0] += SLOW + 1
    worker.submit(slow, lambda: events.append("after that"), quick=True)
    assert "slow" == events[-1]
    worker.finish()
    assert ["beside", "after that"] == events[-2:]
    worker.submit(slow, lambda: events.append("again"), quick=True)
    assert "again" == events[-1]
