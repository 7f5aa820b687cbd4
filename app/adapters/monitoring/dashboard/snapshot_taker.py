"""Taking snapshots of all clients and subscriptions without holding the event loop.

A snapshot is taken on request, and shared by all requests that arrive meanwhile. It is
taken in steps, between which messages pass, and the next one waits `SHARE` times as long
as the steps took. So snapshots cost a small part of one processor, for any number of
clients and readers.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from ....ports.broker_view import ConnectionQuery, Steps
from ..context import MonitoringContext
from .snapshot import STALE_SECONDS, RawSnapshot, Snapshot, with_rates

FRESH_SECONDS = 1.0
"""A snapshot that is not older is used again."""

SHARE = 20
"""Snapshots take at most one part in `SHARE` of the time."""

MAX_CLIENTS = 100_000
MAX_SUBSCRIPTIONS = 50_000
"""A snapshot holds no more, so that it fits into a few dozen megabytes."""

T = TypeVar("T")


class SnapshotTaker:
    """Takes snapshots, and keeps the latest. Used from one event loop."""

    def __init__(
        self, context: MonitoringContext, busy_clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """`busy_clock` measures the duration of steps, in seconds."""
        self._context = context
        self._busy_clock = busy_clock
        self._busy = 0.0
        self._latest: Snapshot | None = None
        self._good_until = 0.0
        self._running: asyncio.Task[Snapshot] | None = None

    async def snapshot(self) -> Snapshot:
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

    def _done(self, _task: asyncio.Task[Snapshot]) -> None:
        self._running = None

    async def _take(self) -> Snapshot:
        view, begun = self._context.view, self._context.view.monotonic()
        self._busy = 0.0
        clients = await self._run(view.connections(ConnectionQuery(limit=MAX_CLIENTS)))
        subscriptions = await self._run(view.subscriptions(0, MAX_SUBSCRIPTIONS))
        raw = RawSnapshot(
            begun,
            clients.rows,
            subscriptions.rows,
            unranked=max(0, subscriptions.total - MAX_SUBSCRIPTIONS),
            slow_above=view.server().limits.hold_above,
        )
        self._latest = await self._run(with_rates(self._latest, raw))
        self._good_until = begun + max(FRESH_SECONDS, SHARE * self._busy)
        return self._latest

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
