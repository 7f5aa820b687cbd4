"""Calls of hooks without waiting for the answer: a few at once, the others in a queue."""

from collections import deque
from collections.abc import Callable

AT_ONCE = 64
"""Calls under way."""

MOST_WAITING = 65_536
"""Calls in the queue: as many clients may disconnect at once."""

MOST_WAITING_BYTES = 16 * 1024 * 1024
"""Bytes of messages in the queue; one more message may be added."""

Job = Callable[[Callable[[], None]], bool]
"""Starts a call; True if it is over, otherwise what it is given is called once at its end."""


class Observations:
    """Bounded in number, so that a slow hook costs a bounded amount of memory."""

    __slots__ = ("_bytes", "_running", "_waiting")

    def __init__(self) -> None:
        self._running = 0
        self._waiting: deque[tuple[Job, int]] = deque()
        self._bytes = 0
        """Of those that wait."""

    def add(self, job: Job, size: int) -> bool:
        """Start the call, now or later; False if the queue is full. `size` is its message in bytes."""
        if self._running < AT_ONCE:
            self._start(job)
        elif len(self._waiting) < MOST_WAITING and self._bytes < MOST_WAITING_BYTES:
            self._waiting.append((job, size))
            self._bytes += size
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
            job, size = self._waiting.popleft()
            self._bytes -= size
            self._start(job)
