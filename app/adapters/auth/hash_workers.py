"""Threads that compare slow secrets, so that the event loop does not wait.

One bcrypt check of the usual cost takes a seventh of a second. bcrypt releases the
interpreter lock meanwhile, so threads suffice.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from functools import partial

from ...domain.security.credentials import PendingVerdict
from .check_queue import CheckQueue, OnResult, SecretCheck
from .secret import Secret, encoded

CAPACITY = 65_536
"""Checks that may wait. With as many as there may be clients, none that still waits is evicted."""

RunInLoop = Callable[[Callable[[], None]], object]
"""Schedules a call on the event loop's own thread; called from any thread."""


def running_loop() -> RunInLoop:
    """Schedules calls on the event loop that runs now."""
    return asyncio.get_running_loop().call_soon_threadsafe


def default_workers() -> int:
    """Two threads, or one where two would leave no processor to the event loop."""
    return 2 if (os.cpu_count() or 1) > 2 else 1


class _PendingComparison(PendingVerdict):
    """One caller of a slow comparison."""

    __slots__ = ("_check", "_on_result", "_workers")

    def __init__(self, workers: "HashWorkers", check: SecretCheck, on_result: OnResult) -> None:
        self._workers = workers
        self._check = check
        self._on_result = on_result

    @property
    def under_way(self) -> bool:
        return self._check.started

    def cancel(self) -> None:
        self._workers.cancel(self._check, self._on_result)


class HashWorkers:
    """Compares secrets: quick ones at once, slow ones in at most `workers` threads.

    The first slow check starts the threads. `find_loop` is called on the loop's thread,
    at each slow check; it returns how to schedule calls on that loop.
    """

    def __init__(
        self,
        capacity: int = CAPACITY,
        workers: int | None = None,
        find_loop: Callable[[], RunInLoop] = running_loop,
    ) -> None:
        self._wanted = default_workers() if workers is None else workers
        self._find_loop = find_loop
        self._threads: list[threading.Thread] = []
        # Shared with the threads, guarded by the condition.
        self._changed = threading.Condition()
        self._queue = CheckQueue(capacity)
        self._closed = False

    def compare(self, secret: Secret, given: str, on_result: OnResult) -> PendingVerdict | None:
        """Call `on_result` with whether `given` matches: within this call, or later on the loop's thread.

        Returns a handle that cancels a check which has not started. An evicted check counts as
        no match; after `close` there are no results.
        """
        if not secret.slow:
            on_result(secret.matches(encoded(given)))
            return None
        later = partial(_call_later, self._find_loop(), on_result)
        with self._changed:
            if self._closed:
                return None
            check, evicted = self._queue.add(secret, encoded(given), later)
            self._changed.notify()
        if evicted is not None:
            evicted.resolve(matches=False)
        self._start_threads()
        return _PendingComparison(self, check, later)

    def cancel(self, check: SecretCheck, on_result: OnResult) -> None:
        """See `PendingVerdict.cancel`."""
        with self._changed:
            self._queue.cancel(check, on_result)

    def close(self) -> None:
        """Stop the threads. A busy one ends after its comparison, whose result is dropped."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()

    def _start_threads(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(self._wanted - len(self._threads)):
            # A daemon: the end of the server does not wait for a hash of great cost.
            thread = threading.Thread(target=self._work, name="hash-worker", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        while (check := self._next()) is not None:
            matches = False
            try:
                matches = check.secret.matches(check.given)
            finally:
                # Even if a defect ends this thread, every caller gets an answer, and no one gets in.
                self._resolve(check, matches=matches)

    def _next(self) -> SecretCheck | None:
        """Wait for work; None means the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            return self._queue.take()

    def _resolve(self, check: SecretCheck, *, matches: bool) -> None:
        with self._changed:  # callers leave on another thread
            callbacks = [] if self._closed else check.callbacks()
        for on_result in callbacks:
            on_result(matches)


def _call_later(run_in_loop: RunInLoop, on_result: OnResult, matches: bool) -> None:  # noqa: FBT001 - `OnResult`'s signature
    # A closed loop refuses the call: its clients have gone with it.
    with contextlib.suppress(RuntimeError):
        run_in_loop(partial(on_result, matches))
