"""Monitoring as a thing to start and stop.

FastAPI and what comes with it take half a second to import, so they are imported when
monitoring starts, in a thread: clients are served meanwhile, and readers of the pages
wait in the sockets' queues.
"""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from socket import socket
from typing import TYPE_CHECKING

from app.adapters.monitoring.calendar import Calendar
from app.adapters.monitoring.watch import Settings, Watch
from app.domain.address import joined
from app.domain.events import MonitorFailed, MonitorStarting
from app.ports.broker_view import BrokerView
from app.ports.clock import Clock
from app.ports.event_log import EventLog
from app.ports.transport import ListenError

if TYPE_CHECKING:
    from app.adapters.monitoring.server import HttpServer

BACKLOG = 128
"""Connections that may wait to be accepted."""

HTTP = "http"
HTTPS = "https"

_SWITCH_SECONDS = 0.0005
"""How long the importing thread may keep the loop's thread waiting."""

OpenSocket = Callable[[str, int, int], Awaitable[socket]]
"""Listens at a host and port with a backlog; raises `ListenError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where pages are served: plain, or with `tls` encrypted."""

    host: str
    port: int
    """-1 is any free port."""
    tls: ssl.SSLContext | None = None

    @property
    def scheme(self) -> str:
        return HTTPS if self.tls else HTTP


@dataclass(frozen=True, slots=True)
class Needs:
    """What monitoring needs of the world."""

    view: BrokerView
    clock: Clock
    events: EventLog
    open_socket: OpenSocket


class HttpMonitor:
    """The pages of one server, served at its endpoints. Implements ``app.ports.monitor``."""

    def __init__(self, endpoints: Sequence[Endpoint], settings: Settings, needs: Needs) -> None:
        """Without endpoints nothing is served, and nothing imported.

        Host and ports in `settings` are filled in from the endpoints.
        """
        self._endpoints = endpoints
        self._settings = settings
        self._needs = needs
        self._sockets: list[socket] = []
        self._server: HttpServer | None = None
        self.ports: dict[str, int] = {}
        """Real ports by scheme, once it listens."""

    async def listen(self) -> None:
        """Take the ports; who connects waits until `start`. Raises `ListenError`."""
        for endpoint in self._endpoints:
            try:
                listening = await self._needs.open_socket(endpoint.host, endpoint.port, BACKLOG)
            except ListenError as error:
                self._release()
                raise ListenError(f"{joined(endpoint.host, endpoint.port)}: {error}") from error
            self._sockets.append(listening)
            port = self.ports[endpoint.scheme] = listening.getsockname()[1]
            self._needs.events.record(MonitorStarting(None, endpoint.host, port, endpoint.scheme))

    async def start(self) -> None:
        """Serve the pages at the ports that were taken."""
        if self._sockets:
            with _short_turns():
                self._server = await asyncio.to_thread(self._make_server)
            await self._server.start()

    async def close(self) -> None:
        """Serve no more. May be called twice, and before `start`."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        self._release()

    def _make_server(self) -> "HttpServer":
        """Import what serves, and make it; called in a thread."""
        server = import_module("app.adapters.monitoring.server")
        settings = replace(
            self._settings,
            http_host=next((endpoint.host for endpoint in self._endpoints), ""),
            http_port=self.ports.get(HTTP, 0),
            https_port=self.ports.get(HTTPS, 0),
        )
        openings = [
            server.Opening(listening, endpoint.tls, settings.tls_timeout)
            for listening, endpoint in zip(self._sockets, self._endpoints, strict=True)
        ]
        watch = Watch(self._needs.view, settings, Calendar(self._needs.clock))
        made: HttpServer = server.make_server(watch, openings, self._report)
        return made

    def _report(self, reason: str) -> None:
        self._needs.events.record(MonitorFailed(None, reason))

    def _release(self) -> None:
        for listening in self._sockets:
            listening.close()
        self._sockets.clear()


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads take turns more often: the loop's must not wait for the importing one."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(_SWITCH_SECONDS, usual))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
