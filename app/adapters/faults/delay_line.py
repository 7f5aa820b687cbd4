"""Delay line: delayed traffic of one link, in order."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from ...domain.timers import Scheduler, Timer

T = TypeVar("T")


class _Entry(Generic[T]):
    __slots__ = ("is_due", "size", "timer", "what")

    def __init__(self, what: T, size: int) -> None:
        self.what = what
        self.size = size
        self.is_due = True
        self.timer: Timer | None = None


class DelayLine(Generic[T]):
    """Keeps order: nothing is due before what was put in earlier. Delays run side by side."""

    def __init__(self, scheduler: Scheduler, on_due: Callable[[], None]) -> None:
        """`on_due` is called when a delay is over."""
        self._scheduler = scheduler
        self._on_due = on_due
        self._entries: deque[_Entry[T]] = deque()
        self.size = 0
        """Bytes that wait."""

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, what: T, size: int, seconds: float = 0.0) -> None:
        """Append something of this many bytes, which is due after this time."""
        entry = _Entry(what, size)
        self._entries.append(entry)
        self.size += size
        if seconds > 0:
            entry.is_due = False
            entry.timer = self._scheduler.call_later(seconds, lambda: self._end(entry))

    def take(self) -> T | None:
        """Remove the first, if it is due."""
        if not self._entries or not self._entries[0].is_due:
            return None
        entry = self._entries.popleft()
        self.size -= entry.size
        return entry.what

    def clear(self) -> None:
        """Forget all."""
        for entry in self._entries:
            if entry.timer is not None:
                entry.timer.cancel()
        self._entries.clear()
        self.size = 0

    def _end(self, entry: _Entry[T]) -> None:
        entry.is_due, entry.timer = True, None
        self._on_due()
