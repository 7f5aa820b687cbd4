"""Long work on a stream in slices, so that the event loop is never blocked for long."""

from collections.abc import Callable

from ...steps import Steps
from ...timers import Scheduler

SLICE = 0.005
"""Seconds of one slice."""


class Jobs:
    """Runs work: a first slice at once, the others in later turns."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._closed = False

    def run(self, work: Steps[None], done: Callable[[], None] | None = None) -> None:
        """Do the work; `done` is called when it ends, at once if one slice is enough."""
        end = self._scheduler.monotonic() + SLICE
        while True:
            if self._closed:
                work.close()
                return
            try:
                next(work)
            except StopIteration:
                if done is not None:
                    done()
                return
            if self._scheduler.monotonic() >= end:
                self._scheduler.call_soon(lambda: self.run(work, done))
                return

    def close(self) -> None:
        """Stop all work."""
        self._closed = True
