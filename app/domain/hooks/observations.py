"""Calls of hooks that nobody waits for: a few at once, the others in line."""

from collections import deque
from collections.abc import Callable

AT_ONCE = 64
"""Calls under way."""

MOST_WAITING = 65_536
"""Calls in line: as many clients may leave at once."""

Job = Callable[[Callable[[], None]], bool]
"""Starts a call; True if it is over, otherwise what it is given is called once at its end."""


class Observations:
    """Bounded in number, so that a slow hook costs a bounded amount of memory."""

    __slots__ = ("_running", "_waiting")

    def __init__(self) -> None:
        self._running = 0
        self._waiting: deque[Job] = deque()

    def add(self, job: Job) -> bool:
        """Start it, now or later; False if too many are in line."""
        if self._running < AT_ONCE:
            self._start(job)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append(job)
        else:
            return False
        return True

    def _start(self, job: Job) -> None:
        self._running += 1
        if job(self._end):
            self._running -= 1

    def _end(self) -> None:
        self._running -= 1
        while self._waiting and self._running < AT_ONCE:
            self._start(self._waiting.popleft())
