"""Returning the memory of disconnected clients to the system."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..adapters.process.own_thread import in_own_thread
from ..domain.timers import Scheduler, Timer
from ..domain.wire_count import WireCount

CHECK_SECONDS = 1.0
"""Seconds between two checks."""

MANY_CLIENTS = 500
"""Disconnects after which memory is returned at once; after fewer, once no client has left for a second."""

SMALL_SERVER = 2_000
"""Connections and subscriptions up to which a collection is made; it takes a millisecond or two then."""


class ClientCounts(Protocol):
    """The counters that are watched; a broker has them."""

    @property
    def wires(self) -> WireCount:
        """Connections, routes included."""
        ...

    @property
    def subscriptions(self) -> int:
        """Number of subscriptions."""
        ...


class MemoryTrimmer:
    """Checks every second whether clients have left, and returns their memory.

    Even a few clients may have held much memory, such as slow consumers with their pending
    bytes. After many disconnects a garbage collection comes first: the interpreter keeps
    some hundred freed objects of each type, and each may keep a megabyte from being returned.
    """

    def __init__(
        self,
        counts: ClientCounts,
        scheduler: Scheduler,
        trim: Callable[[], object],
        collect: Callable[[], object] = gc.collect,
    ) -> None:
        """`trim` returns free memory to the system; `collect` frees what the interpreter keeps."""
        self._counts = counts
        self._scheduler = scheduler
        self._trim = trim
        self._collect = collect
        self._departures = self._trimmed = self._collected = 0
        self._timer: Timer | None = None

    def start(self) -> None:
        """Check regularly until `stop`."""
        self._timer = self._scheduler.call_later(CHECK_SECONDS, self._check)

    def stop(self) -> None:
        """Stop checking."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        before, self._departures = self._departures, self._counts.wires.lost
        is_quiet = before == self._departures
        gone = self._departures - self._trimmed
        is_due = gone >= MANY_CLIENTS or (gone > 0 and is_quiet)
        if is_quiet and self._departures - self._collected >= MANY_CLIENTS and self._is_small():
            self._collected = self._departures
            self._collect()
            is_due = True
        if is_due:
            self._trimmed = self._departures
            self._trim()
        self.start()

    def _is_small(self) -> bool:
        return self._counts.wires.left + self._counts.subscriptions <= SMALL_SERVER


class BackgroundCall:
    """Work done by a thread; calls that come while it runs are one further run."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._is_wanted = False
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """Start the work. Needs a running event loop."""
        self._is_wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            with suppress(RuntimeError):  # no thread can be started now; the next call tries again
                await in_own_thread(self._work)
