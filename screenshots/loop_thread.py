"""A task with an event loop of its own, on a thread, within a ``with`` block."""

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Self


class LoopThread(ABC):
    """Runs `run` on a thread; the block is entered when the task is ready, and left when it has ended."""

    def __init__(self, name: str) -> None:
        """`name` is that of the thread."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._begin()), name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @abstractmethod
    async def run(self) -> None:
        """The task, which awaits `until_the_end` when it is ready."""

    async def until_the_end(self) -> None:
        """Let the block be entered; return when it is left."""
        self._ready.set()
        await self._end.wait()

    async def _begin(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        await self.run()
