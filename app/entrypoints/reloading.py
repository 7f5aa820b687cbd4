"""Reloads that signals request."""

import asyncio
import time

from .container import Container
from .events import SignalTrapped
from .reload import Reloader, ReloadRefused
from .service import Addresses


class Reloading:
    """Reloads when a signal asks for it; signals that come during a reload are answered by one more."""

    def __init__(
        self, container: Container, reloader: Reloader, starting: "asyncio.Future[Addresses]"
    ) -> None:
        """Nothing is reloaded before `starting` is done."""
        self._container = container
        self._reloader = reloader
        self._starting = starting
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether no reload is under way, nor wanted."""
        return self._task is None or self._task.done()

    def close(self) -> None:
        """Begin no more reloads: the server is stopping."""
        self._is_closed = True

    def begin(self) -> None:
        """Reload, soon."""
        self._container.event_log().record(SignalTrapped(None, "hangup"))
        if self._is_closed:
            return
        self._is_wanted = True
        if self.is_idle:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await asyncio.wait([self._starting])
        manager = self._container.service_manager()
        while self._is_wanted and not self._is_closed:
            self._is_wanted = False
            manager.reloading(time.monotonic())
            try:
                await self._reloader.reload()
            except ReloadRefused:  # it is logged
                pass
            finally:
                manager.ready()
