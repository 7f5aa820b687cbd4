"""Monitoring's share of the event loop.

Readers decide how much is asked, and messages must not notice. So all that monitoring
does on the loop is measured, and paid for: after some milliseconds of it the loop belongs
to others for several times as long. A reader who asks now and then has credit, and does
not wait.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

from app.ports.broker_view import Steps

SLICE_SECONDS = 0.002
"""Steps are taken for so long in one turn of the loop."""

SHARE = 0.2
"""The part of the loop's time that pages may take, all readers together."""

PROBES_SHARE = 0.05
"""The same for probes, which do not queue with the pages."""

CREDIT_SECONDS = 0.02
"""Work that may be done without a pause by one who has done none for a while."""

CHUNK_BYTES = 32 * 1024
"""A long answer is sent in pieces that are not much larger."""

MOST_ANSWERS = 64
"""Long answers that are under way at once, so that slow readers do not hold much."""

T = TypeVar("T")

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

Chunks = Generator[bytes, None, None]
"""A long answer, some bytes with each step; there may be none in a step."""


class TimeBudget:
    """How much time was taken, and when more of it may be."""

    def __init__(
        self, share: float, clock: Clock = time.perf_counter, credit: float = CREDIT_SECONDS
    ) -> None:
        self._share = share
        self._clock = clock
        self._credit = credit / share
        self._due = 0.0

    def charge(self, seconds: float) -> None:
        """So much was taken just now."""
        self._due = max(self._due, self._clock()) + seconds / self._share

    def delay(self) -> float:
        """Seconds for which nothing more is to be taken; 0.0 where there is credit."""
        return max(0.0, self._due - self._clock() - self._credit)


class Stepper:
    """Takes the steps of all answers, a slice for each, in the order in which they ask.

    So a page never holds messages up for longer than a slice takes, however many
    pages are asked for at once.
    """

    def __init__(
        self, share: float = SHARE, clock: Clock = time.perf_counter, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`clock` measures how long steps take, in seconds."""
        self._clock = clock
        self._sleep = sleep
        self._budget = TimeBudget(share, clock)
        self._lock = asyncio.Lock()
        self._writing = asyncio.Semaphore(MOST_ANSWERS)
        self.spent = 0.0
        """Seconds of the loop that were taken, ever."""

    def charge(self, seconds: float) -> None:
        """So much of the loop's time was taken outside of the steps."""
        self.spent += seconds
        self._budget.charge(seconds)

    async def wait_turn(self) -> None:
        """Wait for one's turn to do something short."""
        async with self._lock:
            if delay := self._budget.delay():
                await self._sleep(delay)

    async def run(self, steps: Steps[T]) -> T:
        """Take all steps; return what they come to."""
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
        """Take all steps; what they give comes in pieces of a bounded size, none of them empty.

        Nothing is made ahead of its reader. `MOST_ANSWERS` are made at once; others wait.
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
        """Take a slice of the steps; whether there are no more."""
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
        """Do it, and count what it takes of the loop's time; what is counted already counts once."""
        await _Measured(work, self, self._clock)


class _Measured:
    """A coroutine, measured while it runs, and not while it waits."""

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
            except BaseException as error:  # noqa: BLE001 - it is raised where the work waits
                go_on = partial(self._work.throw, error)
