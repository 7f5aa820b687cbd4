"""A real server with its monitoring pages, on a thread of its own, for tests that block."""

import asyncio
import socket
import threading
from types import TracebackType
from typing import Self

from app.adapters.monitoring.monitor import HTTP, Endpoint, Monitor, Needs
from app.adapters.monitoring.watch import Settings
from app.config.options import make_options
from app.domain.dataplane import PYTHON
from app.domain.view import LiveView
from app.entrypoints.container import Container

HOST = "127.0.0.1"
_PATIENCE = 20.0


async def _open_socket(host: str, port: int, backlog: int) -> socket.socket:
    listening = socket.create_server((host, max(0, port)), backlog=backlog)
    listening.settimeout(0)
    return listening


class MonitoredServer:
    """A server on free ports of the loopback, within a ``with`` block."""

    def __init__(self, name: str = "", *, port: int = -1, http_port: int = -1, **options: int) -> None:
        """`name` is for people; ports of a server that has ended make it come back."""
        self._name = name
        self._options = {"host": HOST, "port": port, **options}
        self._http_port = http_port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="server")
        self.port = 0
        self.http_port = 0

    @property
    def origin(self) -> str:
        """The address of the pages."""
        return f"http://{HOST}:{self.http_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(_PATIENCE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; may be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        container = Container(make_options(self._options), PYTHON)
        service = container.service()
        self.port = await service.start()
        needs = Needs(LiveView(container.broker()), container.clock(), container.event_log(), _open_socket)
        settings = Settings(tls_timeout=0.5, server_name=self._name, data_plane=PYTHON)
        monitor = Monitor([Endpoint(HOST, self._http_port)], settings, needs)
        await monitor.listen()
        await monitor.start()
        self.http_port = monitor.ports[HTTP]
        self._ready.set()
        await self._stop.wait()
        await monitor.close()
        await service.stop()
        await service.departed()
        container.event_log().close()
