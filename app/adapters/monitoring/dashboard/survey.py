"""Looking at all clients and subscriptions without holding the event loop.

A look is taken when somebody asks, and is shared by all who ask meanwhile. It is taken
in steps, between which messages pass, and the next one waits `SHARE` times as long as
the steps took: however many clients there are and however many people look at them,
looking costs a small part of one processor.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from app.adapters.monitoring.dashboard.findings import STALE_SECONDS, Findings, Look, compare
from app.adapters.monitoring.watch import Watch
from app.ports.broker_view import ConnectionQuery, Steps

FRESH_SECONDS = 1.0
"""A look that is not older is good enough for everybody."""

SHARE = 20
"""Looking takes at most one part in so many of the time."""

MOST_CLIENTS = 100_000
MOST_SUBSCRIPTIONS = 50_000
"""More are not looked at, so that a look fits into a few dozen megabytes."""

T = TypeVar("T")


class Survey:
    """The latest findings. Used from one event loop."""

    def __init__(self, watch: Watch, busy_clock: Callable[[], float] = time.perf_counter) -> None:
        """`busy_clock` measures how long steps take, in seconds."""
        self._watch = watch
        self._busy_clock = busy_clock
        self._busy = 0.0
        self._latest: Findings | None = None
        self._good_until = 0.0
        self._looking: asyncio.Task[Findings] | None = None

    async def findings(self) -> Findings:
        """Findings that are fresh, or as fresh as is affordable."""
        if self._latest is not None and self._watch.view.monotonic() < self._good_until:
            return self._latest
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        # A reader who leaves must not take the look away from the others.
        return await asyncio.shield(self._looking)

    def tidy(self) -> None:
        """Let go of findings that nobody has asked for lately; to be called now and then."""
        if self._latest is not None and self._watch.view.monotonic() - self._latest.at > STALE_SECONDS:
            self._latest = None

    def _looked(self, _task: asyncio.Task[Findings]) -> None:
        self._looking = None

    async def _look(self) -> Findings:
        view, begun = self._watch.view, self._watch.view.monotonic()
        self._busy = 0.0
        clients = await self._walk(view.connections(ConnectionQuery(limit=MOST_CLIENTS)))
        subscriptions = await self._walk(view.subscriptions(0, MOST_SUBSCRIPTIONS))
        look = Look(
            begun,
            clients.rows,
            subscriptions.rows,
            unranked=max(0, subscriptions.total - MOST_SUBSCRIPTIONS),
            slow_above=view.server().limits.hold_above,
        )
        self._latest = await self._walk(compare(self._latest, look))
        self._good_until = begun + max(FRESH_SECONDS, SHARE * self._busy)
        return self._latest

    async def _walk(self, steps: Steps[T]) -> T:
        return await self._watch.turns.answer(self._timed(steps))

    def _timed(self, steps: Steps[T]) -> Steps[T]:
        """The same steps; the time that they take is added up."""
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
