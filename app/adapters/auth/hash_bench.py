"""Slow comparisons, made by threads so that the event loop need not wait.

One bcrypt check of the usual cost takes a seventh of a second. bcrypt lets go of the
interpreter meanwhile, so threads suffice.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from functools import partial

from app.adapters.auth.secret import Secret, encoded
from app.adapters.auth.waiting import Question, Verdict, WaitingRoom
from app.domain.credentials import PendingVerdict

CAPACITY = 65_536
"""Questions that may wait; with as many as there may be clients, nobody who still waits is sent away."""

HandOver = Callable[[Callable[[], None]], object]
"""Takes a call from any thread, and makes it on the event loop's own thread."""


def to_running_loop() -> HandOver:
    """The way back to the event loop that runs now."""
    return asyncio.get_running_loop().call_soon_threadsafe


def usual_workers() -> int:
    """Two threads, or one where the event loop would have no processor left for itself."""
    return 2 if (os.cpu_count() or 1) > 2 else 1


class _Comparison(PendingVerdict):
    """One who waits for a slow comparison."""

    __slots__ = ("_bench", "_question", "_verdict")

    def __init__(self, bench: "HashBench", question: Question, verdict: Verdict) -> None:
        self._bench = bench
        self._question = question
        self._verdict = verdict

    @property
    def under_way(self) -> bool:
        return self._question.taken

    def cancel(self) -> None:
        self._bench.withdraw(self._question, self._verdict)


class HashBench:
    """Compares secrets: quick ones at once, slow ones in at most `workers` threads.

    Threads are started by the first slow secret that is checked. `way_back` is asked
    on the loop's thread, at each such check, how to return to it.
    """

    def __init__(
        self,
        capacity: int = CAPACITY,
        workers: int | None = None,
        way_back: Callable[[], HandOver] = to_running_loop,
    ) -> None:
        self._wanted = usual_workers() if workers is None else workers
        self._way_back = way_back
        self._threads: list[threading.Thread] = []
        # Shared with the threads, guarded by the condition.
        self._changed = threading.Condition()
        self._waiting = WaitingRoom(capacity)
        self._closed = False

    def compare(self, secret: Secret, given: str, verdict: Verdict) -> PendingVerdict | None:
        """Call `verdict` with whether `given` matches: within this call, or later on the loop's thread.

        Returns how to withdraw a comparison that is not made yet. One that has to leave for want
        of room has the verdict no; after `close` there are none.
        """
        if not secret.slow:
            verdict(secret.matches(encoded(given)))
            return None
        later = partial(_tell_later, self._way_back(), verdict)
        with self._changed:
            if self._closed:
                return None
            question, leaving = self._waiting.add(secret, encoded(given), later)
            self._changed.notify()
        if leaving is not None:
            leaving.settle(right=False)
        self._start_threads()
        return _Comparison(self, question, later)

    def withdraw(self, question: Question, verdict: Verdict) -> None:
        """See `PendingVerdict.cancel`."""
        with self._changed:
            self._waiting.withdraw(question, verdict)

    def close(self) -> None:
        """Let go of the threads. One that is at work ends after it; its answer is dropped."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _start_threads(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(self._wanted - len(self._threads)):
            # A daemon: the end of the server does not wait for a hash of great cost.
            thread = threading.Thread(target=self._work, name="hash-bench", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        while (question := self._next()) is not None:
            right = False
            try:
                right = question.secret.matches(question.given)
            finally:
                # Even if this thread dies of a defect, nobody waits in vain, and nobody gets in.
                self._settle(question, right=right)

    def _next(self) -> Question | None:
        """Wait for work; None means the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.take()

    def _settle(self, question: Question, *, right: bool) -> None:
        with self._changed:  # those who leave do so on another thread
            verdicts = [] if self._closed else question.verdicts()
        for verdict in verdicts:
            verdict(right)


def _tell_later(hand_over: HandOver, verdict: Verdict, right: bool) -> None:  # noqa: FBT001 - a verdict's signature
    # A loop that is closed refuses the call: those who waited went with it.
    with contextlib.suppress(RuntimeError):
        hand_over(partial(verdict, right))
