"""A clock for servers on event loops whose time passes only when a test says so."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from ..adapters.clock_manual import ManualClock as VirtualTime
from ..ports.clock import Clock, Timer
from .loops import Completed, do_in, is_in_loop

TURNS = 25
"""Turns of each loop after each step of time, in which links carry what the step has caused."""

Loop = asyncio.AbstractEventLoop


class ManualClock(Clock):
    """Time for one or more servers, in one event loop or in several; `advance` moves it.

    All that waits for time waits for `advance`: pings, limits of logins and of TLS, stale
    connections, attempts to reach a route, write deadlines. Input and output take no time.
    """

    def __init__(self) -> None:
        self._time = VirtualTime()
        self._lock = threading.RLock()
        """Held while timers are made and called: servers may be in several threads."""
        self._loops: list[Loop] = []
        """Those of the servers."""

    def join(self) -> None:
        """The running loop has a server on this clock: `advance` lets it take its turns."""
        self._here()

    def time(self) -> float:
        """See `Clock`."""
        return self._time.time()

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._time.monotonic()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """See `Clock`. The call is made by the loop that is running now."""
        timer = _LoopTimer(self._here(), call)
        with self._lock:
            timer.beneath = self._time.call_later(delay, timer.fire)
        return timer

    def call_soon(self, call: Callable[[], None]) -> None:
        """In the next turn of the running loop, whatever the time is."""
        loop = self._here()
        if loop is None:
            raise RuntimeError("no event loop is running")
        loop.call_soon(call)

    def input_waits(self) -> bool:
        """Not known: each loop has sockets of its own."""
        return True

    def advance(self, seconds: float) -> Any:  # noqa: ANN401 - to be awaited, or nothing
        """Let time pass: what falls due is done, each at its own time, and links carry what comes of it.

        To be awaited; in a program without an event loop a plain call does it. Raises `ValueError` for
        a negative span.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s")
        running = self._running()
        if is_in_loop() and (not running or asyncio.get_running_loop() in running):
            return self._advance(seconds)
        if running:
            return do_in(running[0], self._advance(seconds))
        asyncio.run(self._advance(seconds))
        return Completed()

    async def _advance(self, seconds: float) -> None:
        with self._lock:
            end = self._time.monotonic() + seconds
        await self._settle()
        while (due := self._next_due()) is not None and due <= end:
            self._pass_until(due)
            await self._settle()
        self._pass_until(end)
        await self._settle()

    def _next_due(self) -> float | None:
        with self._lock:
            return self._time.next_due

    def _pass_until(self, moment: float) -> None:
        with self._lock:
            self._time.advance(max(0.0, moment - self._time.monotonic()))

    async def _settle(self) -> None:
        await _take_turns()
        for loop in self._running():
            if loop is not asyncio.get_running_loop():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_take_turns(), loop))
                await _take_turns()

    def _here(self) -> Loop | None:
        """The running loop; it is one of the servers' from now on."""
        if not is_in_loop():
            return None
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            self._loops = [*(one for one in self._loops if not one.is_closed()), loop]
        return loop

    def _running(self) -> list[Loop]:
        return [loop for loop in self._loops if loop.is_running()]


class _LoopTimer(Timer):
    """A call that its own loop makes, unless it is cancelled before."""

    def __init__(self, loop: Loop | None, call: Callable[[], None]) -> None:
        self.beneath: Timer
        self._loop = loop
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """See `Timer`."""
        self._call = None
        self.beneath.cancel()

    def fire(self) -> None:
        """It is due."""
        loop = self._loop
        if loop is None or (is_in_loop() and asyncio.get_running_loop() is loop):
            self._make()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._make)

    def _make(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


async def _take_turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
