"""Memory that clients have left behind, given back to the system."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from app.adapters.process.own_thread import in_own_thread
from app.domain.timers import Scheduler, Timer

LOOK_SECONDS = 1.0
"""How often it is looked whether memory could be given back."""

MANY_CLIENTS = 500
"""Departures that make it worth while at once; otherwise it waits until nobody has left for a while."""

SMALL_SERVER = 2_000
"""Clients and subscriptions with which a sweep takes a millisecond or two; with more it must wait."""


class ClientCounts(Protocol):
    """Those who come and go: a broker."""

    @property
    def departures(self) -> int:
        """Clients that have left, ever."""
        ...

    @property
    def wires(self) -> int:
        """Links that are here, those of servers included."""
        ...

    @property
    def subscriptions(self) -> int: ...


class MemoryTrimmer:
    """Looks every second whether clients have left, and returns their memory.

    Few of them may have held much: slow ones leave with all that waited for them.
    After many, a sweep comes first: the interpreter keeps some hundred freed objects for
    the next ones of their kind, and where one of them lies, a megabyte stays.
    """

    def __init__(
        self,
        crowd: ClientCounts,
        scheduler: Scheduler,
        trim: Callable[[], object],
        sweep: Callable[[], object] = gc.collect,
    ) -> None:
        """`trim` returns free memory to the system; `sweep` frees what the interpreter keeps."""
        self._crowd = crowd
        self._scheduler = scheduler
        self._trim = trim
        self._sweep = sweep
        self._departures = self._trimmed = self._swept = 0
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Look from now on, until `end`."""
        self._timer = self._scheduler.call_later(LOOK_SECONDS, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        before, self._departures = self._departures, self._crowd.departures
        is_quiet = before == self._departures
        gone = self._departures - self._trimmed
        is_due = gone >= MANY_CLIENTS or (gone > 0 and is_quiet)
        if is_quiet and self._departures - self._swept >= MANY_CLIENTS and self._is_small():
            self._swept = self._departures
            self._sweep()
            is_due = True
        if is_due:
            self._trimmed = self._departures
            self._trim()
        self.begin()

    def _is_small(self) -> bool:
        return self._crowd.wires + self._crowd.subscriptions <= SMALL_SERVER


class BackgroundCall:
    """Work that a thread does, while others go on; what is asked for meanwhile is done once, afterwards."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._is_wanted = False
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        """To be called within a running loop."""
        self._is_wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            with suppress(RuntimeError):  # no thread can be had: another time
                await in_own_thread(self._work)
