"""The one thread that waits for the disk."""

import resource
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue

from ...ports.files import QUICK, Write, Written
from .job_queue import JobQueue, RawWrite, WriteJob, WritingQueue, compiled
from .write_signal import Watch, WriteSignal

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


class _Ticket:
    """A job that was submitted."""

    __slots__ = ("call", "is_over")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.is_over = False


class _WriteTicket:
    """Writes that were submitted."""

    __slots__ = ("_job", "_written")

    def __init__(self, job: WriteJob, written: Written) -> None:
        self._job = job
        self._written = written

    @property
    def is_over(self) -> bool:
        return self._job.is_over

    def call(self) -> None:
        self._written(self._job.errors())


class SyncThread:
    """Runs jobs in order. What follows them is called on the loop."""

    def __init__(self, call_soon: CallSoon, watch: Watch | None = None) -> None:
        """`watch` is for writes that need no interpreter; without it there are none."""
        self._call_soon = call_soon
        self._watch_descriptor = watch
        self._native = None if watch is None else compiled()
        self._writing: WritingQueue | None = None if self._native is None else self._native.JobQueue()
        self._jobs: JobQueue = SimpleQueue() if self._writing is None else self._writing
        self._signal: WriteSignal | None = None
        self._submitted: deque[_Ticket | _WriteTicket] = deque()
        """Jobs that are not over, or not followed yet by what is to be called."""
        self._slow_until = 0.0
        """Until then no job is done on the loop."""
        self._watched_until = 0.0
        """Until then it is found out whether a slow job waited."""
        self.is_free = True
        """See `Worker`. It is set on the loop only: no job is under way, and none was slow lately."""
        self._thread: threading.Thread | None = None

    def try_now(self, job: Callable[[], object]) -> bool:
        began = time.monotonic()
        if self._submitted or began < self._slow_until:
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
        ticket = _Ticket(done)

        def whole() -> None:
            try:
                job()
            finally:
                ticket.is_over = True

        self._add(ticket)
        if self._has_thread():
            self._jobs.put(whole)
        else:  # slow, but all answers are given
            whole()
            with suppress(RuntimeError):  # the loop is closed; `finish` calls it
                self._call_soon(self._call_over)

    def submit_writes(self, writes: Sequence[Write], written: Written) -> bool:
        raw: list[RawWrite] = []
        for write in writes:
            descriptor = write.file.descriptor
            if descriptor < 0:
                return False
            raw.append((descriptor, write.offset, write.pieces, write.sync))
        native, watch, queue = self._native, self._watch_descriptor, self._writing
        if native is None or watch is None or queue is None or not self._has_thread():
            return False
        if self._signal is None:
            try:
                self._signal = WriteSignal(watch, self._call_over)
            except OSError:  # too many open files: a job needs none
                return False
        job = native.WriteJob(raw)
        self._add(_WriteTicket(job, written))
        queue.put_writes(job, self._signal.descriptor)
        return True

    def _add(self, ticket: "_Ticket | _WriteTicket") -> None:
        self.is_free = False
        self._submitted.append(ticket)

    def _has_thread(self) -> bool:
        """Whether it is there, or can be started."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="streams", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has none to spare
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            try:
                self._call_soon(self._call_over)
            except RuntimeError:  # the loop is closed; `finish` calls it
                continue

    def _call_over(self) -> None:
        submitted = self._submitted
        try:
            while submitted and submitted[0].is_over:
                submitted.popleft().call()
        except BaseException:  # a defect; nobody else may call what follows the others that are over
            with suppress(RuntimeError):
                self._call_soon(self._call_over)
            raise
        self.is_free = not submitted and time.monotonic() >= self._watched_until

    def finish(self) -> None:
        while self._submitted:
            if self._thread is not None:
                reached = threading.Event()
                self._jobs.put(reached.set)
                reached.wait()
            self._call_over()
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None
        if self._signal is not None:
            self._signal.close()
            self._signal = None
