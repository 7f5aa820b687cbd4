"""Cooperative steps: monitoring's share of the event loop.

The number of requests is up to the readers, and must not delay messages. So the time that
monitoring takes of the loop is measured and limited to a share: after some milliseconds
of work monitoring pauses for several times as long. Occasional requests have credit, and
do not wait.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

from ...ports.broker_view import Steps

SLICE_SECONDS = 0.002
"""Duration of the steps in one iteration of the event loop."""

SHARE = 0.2
"""Share of the loop's time for pages, all readers together."""

PROBES_SHARE = 0.05
"""The same for probes, which do not queue with the pages."""

CREDIT_SECONDS = 0.02
"""Work without a pause after a time without work."""

LONGEST_PAUSE = 0.5
"""Seconds of pause for one piece of work. A longer piece was held up: by the garbage collector, or
because the process did not run. Charged in full it would keep probes waiting for many seconds."""

CHUNK_BYTES = 32 * 1024
"""Size of the pieces of a long answer; a piece may be a little larger."""

MAX_ANSWERS = 64
"""Long answers in progress at once; bounds the memory that slow readers hold."""

T = TypeVar("T")

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

Chunks = Generator[bytes, None, None]
"""A long answer, some bytes with each step; a step may give none."""


class TimeBudget:
    """A budget of time: work is charged to it, and it says when more work may be done."""

    def __init__(
        self, share: float, clock: Clock = time.perf_counter, credit: float = CREDIT_SECONDS
    ) -> None:
        self._share = share
        self._clock = clock
        self._credit = credit / share
        self._due = 0.0

    def charge(self, seconds: float) -> None:
        """Charge one piece of work that was just done."""
        self._due = max(self._due, self._clock()) + min(seconds / self._share, LONGEST_PAUSE)

    def delay(self) -> float:
        """Seconds to pause before more work; 0.0 while there is credit."""
        return max(0.0, self._due - self._clock() - self._credit)


class Stepper:
    """Runs the steps of all answers in slices, one slice for each in turn.

    So pages delay messages by one slice at most, for any number of requests at once.
    """

    def __init__(
        self, share: float = SHARE, clock: Clock = time.perf_counter, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`clock` measures how long steps take, in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._budget = TimeBudget(share, clock)
        self._lock = asyncio.Lock()
        self._writing = asyncio.Semaphore(MAX_ANSWERS)
        self.spent = 0.0
        """Seconds of the loop's time taken since the start."""

    def charge(self, seconds: float) -> None:
        """Charge time of the loop that was taken outside of steps."""
        self.spent += seconds
        self._budget.charge(seconds)

    async def wait_turn(self) -> None:
        """Wait for the turn of a short piece of work."""
        async with self._lock:
            if delay := self._budget.delay():
                await self._sleep(delay)

    async def run(self, steps: Steps[T]) -> T:
        """Take all steps; return their result."""
        while True:
            async with self._lock:
                await self._sleep(self._budget.delay())
                begun = self._clock()
                try:
                    while self._clock() - begun < SLICE_SECONDS:
                        next(steps)
                except StopIteration as end:
                    answer: T = end.value
                    return answer
                finally:
                    self.charge(self._clock() - begun)

    async def stream(self, chunks: Chunks) -> AsyncGenerator[bytes, None]:
        """Take all steps; their bytes come in pieces of bounded size, none empty.

        No piece is made before its reader wants it. `MAX_ANSWERS` are in progress at once; others wait.
        """
        is_over = False
        async with self._writing:
            while not is_over:
                held: list[bytes] = []
                while not is_over and sum(map(len, held)) < CHUNK_BYTES:
                    async with self._lock:
                        await self._sleep(self._budget.delay())
                        is_over = self._fill(held, chunks)
                if piece := b"".join(held):
                    yield piece

    def _fill(self, held: list[bytes], chunks: Chunks) -> bool:
        """Take a slice of the steps; returns whether it was the last."""
        begun = self._clock()
        size = sum(map(len, held))
        try:
            while size < CHUNK_BYTES and self._clock() - begun < SLICE_SECONDS:
                held.append(next(chunks))
                size += len(held[-1])
        except StopIteration:
            return True
        finally:
            self.charge(self._clock() - begun)
        return False

    async def measured(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` and charge its time on the loop; time that its own steps have charged counts once."""
        await _Measured(work, self, self._clock)


class _Measured:
    """A coroutine whose running time is measured, without its waiting time."""

    def __init__(self, work: Coroutine[Any, Any, None], stepper: Stepper, clock: Clock) -> None:
        self._work = work
        self._stepper = stepper
        self._clock = clock

    def __await__(self) -> Generator[Any, None, None]:
        go_on: Callable[[], Any] = partial(self._work.send, None)
        while True:
            begun, spent = self._clock(), self._stepper.spent
            try:
                awaited = go_on()
            except StopIteration:
                return
            finally:
                self._stepper.charge(self._clock() - begun - (self._stepper.spent - spent))
            try:
                yield awaited
                go_on = partial(self._work.send, None)
            except BaseException as error:  # noqa: BLE001 - it is raised inside the work
                go_on = partial(self._work.throw, error)
