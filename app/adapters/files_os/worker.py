"""The one thread that waits for the disk."""

import resource
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from ...ports.files import QUICK

CallSoon = Callable[[Callable[[], None]], object]
"""Has something called on the loop, from any thread."""


SLOW = 1.0
"""Seconds for which no job is done on the loop after one that took longer, and waited for something."""

WATCHED = 10.0
"""Seconds for which jobs are watched after one that took longer."""

_WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


def waits_of_thread() -> int:
    """How often this thread has waited for something. Losing the processor to others does not count."""
    return resource.getrusage(_WHO).ru_nvcsw


class SyncThread:
    """Runs jobs in order. What follows them is called on the loop."""

    def __init__(self, call_soon: CallSoon) -> None:
        self._call_soon = call_soon
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._over: deque[Callable[[], None]] = deque()
        """What is to be called on the loop, in order."""
        self._outstanding = 0
        self._slow_until = 0.0
        """Until then no job is done on the loop."""
        self._watched_until = 0.0
        """Until then it is found out whether a slow job waited."""
        self.is_free = True
        """See `Worker`. It is set on the loop only: no job is under way, and none was slow lately."""
        self._idle = threading.Condition()
        self._thread: threading.Thread | None = None

    def try_now(self, job: Callable[[], object]) -> bool:
        began = time.monotonic()
        if self._outstanding or self._over or began < self._slow_until:
            return False
        waits = waits_of_thread() if began < self._watched_until else -1
        self.is_free = waits < 0
        job()
        ended = time.monotonic()
        if ended - began > QUICK:
            self._note_slow(ended, waits)
        return True

    def _note_slow(self, ended: float, waits: int) -> None:
        """A job took long: if it waited, no job is done here for a while.

        To ask before each job costs more than some jobs. So the first one only has the next ones watched.
        """
        if waits < 0:
            self._watch(ended)
        elif waits_of_thread() > waits:
            self._slow_until = ended + SLOW

    def was_slow(self) -> None:
        self._watch(time.monotonic())

    def _watch(self, now: float) -> None:
        self._watched_until = now + WATCHED
        self.is_free = False

    def submit(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
            self._thread.start()
        self.is_free = False
        with self._idle:
            self._outstanding += 1

        def whole() -> None:
            try:
                job()
            finally:
                with self._idle:
                    self._over.append(done)
                    self._outstanding -= 1
                    self._idle.notify_all()

        self._jobs.put(whole)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            try:
                self._call_soon(self._call_over)
            except RuntimeError:  # the loop is closed; `finish` calls it
                continue

    def _call_over(self) -> None:
        while self._over:
            self._over.popleft()()
        is_idle = not (self._outstanding or self._over)  # in this order: a job that ends moves to the other
        self.is_free = is_idle and time.monotonic() >= self._watched_until

    def finish(self) -> None:
        while self._outstanding or self._over:
            with self._idle:
                self._idle.wait_for(lambda: not self._outstanding)
            self._call_over()
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
