"""A worker without a thread, for tools: a job is done when it is submitted."""

from collections import deque
from collections.abc import Callable, Sequence

from ...domain.timers import Timer
from ...ports.files import Write, Written


class InlineWorker:
    """Does jobs at once, and what follows them with `finish`."""

    def __init__(self) -> None:
        self._over: deque[Callable[[], None]] = deque()
        self.is_free = False

    def submit(self, job: Callable[[], None], done: Callable[[], None]) -> None:
        job()
        self._over.append(done)

    def submit_writes(self, writes: Sequence[Write], written: Written) -> bool:  # noqa: ARG002 - not done
        return False

    def was_slow(self) -> None:
        pass

    def try_now(self, job: Callable[[], object]) -> bool:
        if self._over:
            return False
        job()
        return True

    def finish(self) -> None:
        while self._over:
            self._over.popleft()()


class _Never:
    """A call that is not made."""

    def cancel(self) -> None:
        pass


class StoppedScheduler:
    """Time that does not pass: nothing is called later."""

    def monotonic(self) -> float:
        return 0.0

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:  # noqa: ARG002 - it is not made
        return _Never()

    def call_soon(self, call: Callable[[], None]) -> None:
        pass

    def input_waits(self) -> bool:
        return False
