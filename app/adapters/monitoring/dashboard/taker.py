"""Taking snapshots without blocking the event loop for long.

A snapshot is taken on request, and shared by all requests that arrive meanwhile. It is
taken in steps, between which messages pass, and the next one waits `SHARE` times as long
as the steps took. So snapshots cost a small part of one processor, for any number of
rows and readers.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ....ports.broker_view import Steps
from ..context import MonitoringContext
from .snapshot import STALE_SECONDS

FRESH_SECONDS = 1.0
"""A snapshot that is not older is used again."""

SHARE = 20
"""Snapshots take at most one part in `SHARE` of the time."""


class Dated(Protocol):
    """What has a time."""

    @property
    def at(self) -> float:
        """When it was begun, on the monotonic scale."""
        ...


S = TypeVar("S", bound=Dated)
T = TypeVar("T")


class Taker(ABC, Generic[S]):
    """Takes snapshots of one kind, and keeps the latest. Used from one event loop."""

    def __init__(
        self, context: MonitoringContext, busy_clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """`busy_clock` measures the duration of steps, in seconds."""
        self._context = context
        self._busy_clock = busy_clock
        self._busy = 0.0
        self._latest: S | None = None
        self._good_until = 0.0
        self._running: asyncio.Task[S] | None = None

    @abstractmethod
    async def _make(self, before: S | None) -> S:
        """Make one, with the rates since the one before; the work is done by `_run`."""

    async def snapshot(self) -> S:
        """The latest snapshot if it is recent enough, else a new one."""
        if self._latest is not None and self._context.view.monotonic() < self._good_until:
            return self._latest
        if self._running is None:
            self._running = asyncio.create_task(self._take())
            self._running.add_done_callback(self._done)
        # A reader that leaves must not cancel the snapshot for the others.
        return await asyncio.shield(self._running)

    def drop_stale(self) -> None:
        """Drop a snapshot that no request has used for a while; call it now and then."""
        if self._latest is not None and self._context.view.monotonic() - self._latest.at > STALE_SECONDS:
            self._latest = None

    def _done(self, _task: "asyncio.Task[S]") -> None:
        self._running = None

    async def _take(self) -> S:
        self._busy = 0.0
        latest = self._latest = await self._make(self._latest)
        self._good_until = latest.at + max(FRESH_SECONDS, SHARE * self._busy)
        return latest

    async def _run(self, steps: Steps[T]) -> T:
        return await self._context.stepper.run(self._timed(steps))

    def _timed(self, steps: Steps[T]) -> Steps[T]:
        """The same steps; adds up their duration."""
        while True:
            begun = self._busy_clock()
            try:
                next(steps)
            except StopIteration as end:
                answer: T = end.value
                return answer
            finally:
                self._busy += self._busy_clock() - begun
            yield
