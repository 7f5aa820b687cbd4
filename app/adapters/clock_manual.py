"""A clock that moves only by its own calls, for tests and simulations in virtual time."""

import heapq
from collections import deque
from collections.abc import Callable

from ..ports.clock import Clock, Timer

_NANOSECONDS = 1_000_000_000


class ManualClock(Clock):
    """Virtual time, moved by `advance` alone.

    Time is kept in whole nanoseconds: ten steps of a tenth make exactly one second,
    so that no timer is missed by a rounding error.
    """

    def __init__(self, wall: float = 1_480_000_000.0) -> None:
        """`wall` is what `time` says at first, in seconds since the epoch."""
        self._now = 0
        self._wall = _whole(wall)
        self._timers: list[tuple[int, int, _ManualTimer]] = []
        """By due time and number, so that tuples alone are compared; a heap."""
        self._outstanding = 0
        self._soon: deque[Callable[[], None]] = deque()
        self._scheduled = 0

    @property
    def timers_outstanding(self) -> int:
        """How many timers are neither run nor cancelled; zero when nothing leaked."""
        return self._outstanding

    @property
    def next_due(self) -> float | None:
        """When the next timer is due, on the scale of `monotonic`; None without timers."""
        while self._timers and not self._timers[0][2].waits:
            heapq.heappop(self._timers)
        return self._timers[0][0] / _NANOSECONDS if self._timers else None

    @property
    def calls_pending(self) -> int:
        """How many calls of `call_soon` are not made yet."""
        return len(self._soon)

    def time(self) -> float:
        return (self._wall + self._now) / _NANOSECONDS

    def monotonic(self) -> float:
        return self._now / _NANOSECONDS

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make the call when `advance` reaches its time; a negative delay counts as none."""
        self._scheduled += 1
        timer = _ManualTimer(self._forget, call)
        heapq.heappush(self._timers, (self._now + max(0, _whole(delay)), self._scheduled, timer))
        self._outstanding += 1
        return timer

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call at the next `run_pending` or `advance`."""
        self._soon.append(call)

    def input_waits(self) -> bool:
        """Whether any call is pending: what links carry in virtual time, they carry by such calls."""
        return bool(self._soon)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back; intervals and timers do not notice."""
        self._wall += _whole(seconds)

    def run_pending(self) -> None:
        """Make the calls of `call_soon`, those that they add included.

        What a call raises comes out here; the calls after it stay pending.
        """
        while self._soon:
            self._soon.popleft()()

    def advance(self, seconds: float) -> None:
        """Let time pass: make the calls that fall due, each at its own time.

        Pending calls come first, and again after each timer. Timers run in order of
        due time, then of scheduling; those that a call adds within the span run too.
        What a call raises comes out here: time stands at that call's due time. Raises
        `ValueError` for a negative span.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s; step_wall() moves the wall clock")
        target = self._now + _whole(seconds)
        self.run_pending()
        while self._timers and self._timers[0][0] <= target:
            due, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            timer.run()
            self.run_pending()
        self._now = max(self._now, target)

    def _forget(self) -> None:
        self._outstanding -= 1


class _ManualTimer(Timer):
    """One entry of the clock's heap; it stays there when cancelled, without its call."""

    __slots__ = ("_call", "_ended")

    def __init__(self, ended: Callable[[], None], call: Callable[[], None]) -> None:
        self._ended = ended
        self._call: Callable[[], None] | None = call

    @property
    def waits(self) -> bool:
        """Whether the call is neither made nor cancelled."""
        return self._call is not None

    def cancel(self) -> None:
        self._take()

    def run(self) -> None:
        """Make the call, unless the timer was cancelled."""
        call = self._take()
        if call is not None:
            call()

    def _take(self) -> Callable[[], None] | None:
        call, self._call = self._call, None
        if call is not None:
            self._ended()
        return call


def _whole(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)
