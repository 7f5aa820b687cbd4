"""Fair queue: each peer is served for a bounded time, then others are.

The loop calls us for every socket that is ready, one after the other; that is a round.
What one of them asks for stops by the clock, and the rest of it waits in a queue.

There are two queues. A peer whose read took too long is in the first one, of which each
round serves some, shortly. If that is not enough it joins the second one, of which each
round serves one, for longer. So those that ask for little do not wait for those that ask
for much, however many these are, and these have equal shares.

Apart from that, a peer can let all go first whose input has come already; see `others_go_first`.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from .timers import Scheduler

SLICE = 0.005
"""Seconds that one peer is served in one go, unless others were served for long in the same round."""

SHORTEST = 0.0003
"""Seconds that one peer is served at least: enough for a message or two and a PING."""

FIRST = 0.001
"""Seconds that one peer of the first queue is served."""

ROUND = 0.02
"""Seconds of service in one round beyond which each peer gets the shortest turn."""

SHORT = 0.0002
"""Seconds of service that are not counted: the peers that ask for little are served at once."""

CROWDED_READ = 4096
"""Bytes that are read at once in a crowded round; a peer that sends more waits for its turn."""


class FairQueue:
    """The time of one event loop, shared among connections."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._first: deque[Callable[[], None]] = deque()
        self._second: deque[Callable[[], None]] = deque()
        self._longest = SLICE
        self._due = False
        self._postponed = 0
        self._spent = 0.0
        self._counting = False
        self.is_crowded = False
        """Whether what is not urgent should wait for the next round."""
        self.until = 0.0
        """When the service that began last has to end."""
        self.ask_others = self.others_go_first
        """The method, made once and not for each read."""

    def begin(self) -> float:
        """A peer is served from now on, up to `until`; return the time. A call of `count` must follow."""
        now = self._scheduler.monotonic()
        if self._spent:
            self.until = now + max(SHORTEST, min(self._longest, SLICE * (1.0 - self._spent / ROUND)))
        else:
            self.until = now + self._longest
        return now

    def count(self, spent: float) -> None:
        """`spent` seconds of this round are gone; there is no need to say so where they are only `SHORT`."""
        if spent > SHORT:
            self._spent += spent
            self.is_crowded = self._spent >= ROUND
            if not self._counting:
                self._counting = True
                self._scheduler.call_soon(self._begin_round)

    def _begin_round(self) -> None:
        self._spent = 0.0
        self.is_crowded = False
        self._counting = False

    def enqueue(self, call: Callable[[], None], *, again: bool = False) -> None:
        """Make the call in a later round: `again` if it was in one of the queues already."""
        (self._second if again else self._first).append(call)
        self._schedule()

    def others_go_first(self) -> bool:
        """Whether there is, or may be, input of a peer that is not processed yet."""
        return bool(self._postponed or self._first or self._second) or self._scheduler.input_waits()

    def postpone(self, call: Callable[[], None]) -> None:
        """Make the call when all has been read that could be read now; calls keep their order."""
        self._postponed += 1
        call_soon = self._scheduler.call_soon
        call_soon(partial(call_soon, partial(self._make, call)))

    def _make(self, call: Callable[[], None]) -> None:
        self._postponed -= 1
        call()

    def _schedule(self) -> None:
        if not self._due and (self._first or self._second):
            self._due = True
            self._scheduler.call_soon(self._serve)

    def _serve(self) -> None:
        self._due = False
        try:
            self._longest = FIRST
            end = self._scheduler.monotonic() + SLICE
            for _ in range(len(self._first)):
                self._first.popleft()()
                if self._scheduler.monotonic() >= end:
                    break
            self._longest = SLICE
            if self._second:
                self._second.popleft()()
        finally:
            self._longest = SLICE
            self._schedule()
