"""A clock for servers on an event loop whose time passes only when a test says so."""

import asyncio
from collections.abc import Callable
from typing import Any

from ..adapters.clock_manual import ManualClock as VirtualTime
from ..ports.clock import Clock, Timer
from .loops import do_in, is_in_loop

TURNS = 25
"""Turns of the loop after each step of time, in which links carry what the step has caused."""


class ManualClock(Clock):
    """Time for one or more servers in one event loop; `advance` moves it.

    All that waits for time waits for `advance`: pings, limits of logins and of TLS, stale
    connections, attempts to reach a route, write deadlines. Input and output take no time.
    """

    def __init__(self) -> None:
        self._time = VirtualTime()
        self._loop: asyncio.AbstractEventLoop | None = None
        """That of the servers."""

    def time(self) -> float:
        """See `Clock`."""
        return self._time.time()

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._time.monotonic()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """See `Clock`."""
        return self._time.call_later(delay, call)

    def call_soon(self, call: Callable[[], None]) -> None:
        """In the next turn of the running loop, whatever the time is."""
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(call)

    def advance(self, seconds: float) -> Any:  # noqa: ANN401 - to be awaited, or nothing
        """Let time pass: what falls due is done, each at its own time, and links carry what comes of it.

        To be awaited; in a program without an event loop a plain call does it. Raises `ValueError` for
        a negative span.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s")
        loop = self._loop
        is_here = is_in_loop() and loop in (None, asyncio.get_running_loop())
        if is_here:
            return self._advance(seconds)
        if loop is None or loop.is_closed():
            return asyncio.run(self._advance(seconds))
        return do_in(loop, self._advance(seconds))

    async def _advance(self, seconds: float) -> None:
        end = self._time.monotonic() + seconds
        await _settle()
        while (due := self._time.next_due) is not None and due <= end:
            self._time.advance(max(0.0, due - self._time.monotonic()))
            await _settle()
        self._time.advance(max(0.0, end - self._time.monotonic()))
        await _settle()


async def _settle() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
