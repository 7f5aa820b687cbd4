"""Deferred flush: outboxes that a flush had no time for are flushed in later turns."""

from collections import deque
from collections.abc import Callable

from ..dataplane.seam import Plane
from ..timers import Scheduler


class DeferredFlush:
    """Hands over one slice per turn of the loop, and then calls those that wait for it, one per turn."""

    def __init__(self, plane: Plane, scheduler: Scheduler, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is called with a defect that concerns no single connection."""
        self._plane = plane
        self._scheduler = scheduler
        self._on_failure = on_failure
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def flush(self) -> None:
        """Hand over what is to be sent: what time allows now, and the rest later."""
        if self._plane.flush():
            self.go_on()

    def go_on(self, then: Callable[[], None] | None = None) -> None:
        """Hand over what a flush had no time for, in later turns, and call `then` after it."""
        if then is not None:
            self._waiting.append(then)
        if not self._is_due:
            self._is_due = True
            self._scheduler.call_soon(self._flush_slice)

    def _flush_slice(self) -> None:
        try:
            is_left = self._plane.flush_rest()
        except Exception as error:  # noqa: BLE001 - a defect ends one message, and delays no other
            self._on_failure(error)
            is_left = True
        if not is_left and not self._waiting:
            self._is_due = False
            return
        self._scheduler.call_soon(self._flush_slice)
        if not is_left:
            self._waiting.popleft()()
