"""TLS handshakes: their order when many begin at once, and their time limit.

A handshake costs a thousand times what a message costs. When thousands of clients come
back at once, they are let in as the ones before them are done, each waits for its turn,
the traffic of the others goes on in between, and the time that a link waits for us is
not held against its peer.
"""

from collections import deque
from collections.abc import Callable

from ...domain.timers import Scheduler, Timer

STEPS_PER_TURN = 4
"""Steps of handshakes made per turn of the loop; a step takes a few tenths of a millisecond."""


class StepQueue:
    """Makes the steps of all handshakes, in order, a few per turn of the loop."""

    __slots__ = ("_scheduler", "_turning", "_waiting")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: deque[Callable[[], None]] = deque()
        self._turning = False

    def enter(self, step: Callable[[], None]) -> None:
        """Make the step when its turn comes, never within this call."""
        self._waiting.append(step)
        if not self._turning:
            self._turning = True
            self._scheduler.call_soon(self._turn)

    def _turn(self) -> None:
        try:
            for _ in range(min(STEPS_PER_TURN, len(self._waiting))):
                self._waiting.popleft()()
        finally:  # a defect in one step does not delay the others
            self._turning = bool(self._waiting)
            if self._turning:
                self._scheduler.call_soon(self._turn)


class HandshakeTimer:
    """Seconds that a peer may let us wait, in all; whatever it sends does not renew them."""

    __slots__ = ("_left", "_over", "_scheduler", "_since", "_timer")

    def __init__(self, scheduler: Scheduler, seconds: float, over: Callable[[], None]) -> None:
        """`over` is called when they are used up."""
        self._scheduler = scheduler
        self._left = seconds
        self._over = over
        self._since = 0.0
        self._timer: Timer | None = None

    def wait(self) -> None:
        """It is the peer's turn: its time runs."""
        self.stop()
        self._since = self._scheduler.monotonic()
        self._timer = self._scheduler.call_later(self._left, self._over)

    def stop(self) -> None:
        """It is our turn, or all is over: no time runs. May be called again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left = max(0.0, self._left - (self._scheduler.monotonic() - self._since))
