"""Starting and stopping monitoring.

FastAPI and its dependencies take a quarter of a second to import, and open hundreds of
files. So they are imported in a thread, and before clients could take the last descriptors.
A failure of monitoring affects nothing else: it is logged, and monitoring is retried.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from importlib import import_module
from socket import socket
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ...domain.address import joined
from ...domain.events import MonitorFailed, MonitorStarting
from ...domain.value_object import value_object
from ...ports.broker_view import BrokerView
from ...ports.clock import Clock
from ...ports.event_log import EventLog
from ...ports.streams_view import StreamsView
from ...ports.transport import ListenError
from .context import MonitoringContext, MonitorSettings, WallTime
from .events import MonitorAvailable, MonitorUnavailable
from .journal import Journal

if TYPE_CHECKING:
    from .server import HttpServer

BACKLOG = 128
"""Connections in the backlog of a listening socket."""

HTTP = "http"
HTTPS = "https"

SHORTEST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds until the next attempt to serve pages; doubled after each failure."""

T = TypeVar("T")


class InThread(Protocol):
    """Runs work in a thread; the caller awaits its result or its exception."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


OpenSocket = Callable[[str, int, int], Awaitable[socket]]
"""Opens a listening socket for a host, a port and a backlog. Raises `ListenError`."""


@value_object
class MonitorEndpoint:
    """An address at which pages are served, with TLS if `tls` is given."""

    host: str
    port: int
    """-1 is any free port."""
    tls: ssl.SSLContext | None = None

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return HTTPS if self.tls else HTTP


@value_object
class MonitorNeeds:
    """What monitoring needs of the other parts."""

    view: BrokerView
    clock: Clock
    events: EventLog
    open_socket: OpenSocket
    in_thread: InThread = asyncio.to_thread
    while_importing: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while the pages are imported and prepared; the thread's share may be set here."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    journal: Journal = field(default_factory=Journal)
    """The recent events that pages show."""
    streams: Callable[[], StreamsView | None] = lambda: None
    """JetStream, if it is on, and has begun."""


class HttpMonitor:
    """The pages of one server, served at its endpoints. Implements ``app.ports.monitor``."""

    def __init__(
        self, endpoints: Sequence[MonitorEndpoint], settings: MonitorSettings, needs: MonitorNeeds
    ) -> None:
        """Without endpoints nothing is served, and nothing is imported.

        The endpoints replace the host and ports in `settings`.
        """
        self._endpoints = endpoints
        self._settings = settings
        self._needs = needs
        needs.journal.name_of = needs.view.name_of
        self._sockets: list[socket] = []
        self._server: HttpServer | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._ports: dict[str, int] = {}
        self._context: MonitoringContext | None = None

    def update(self, settings: MonitorSettings) -> None:
        """Show these from now on; what is about sockets stays."""
        self._settings = settings
        if self._context is not None:
            self._context.settings = self._with_ports(settings)

    def _with_ports(self, settings: MonitorSettings) -> MonitorSettings:
        return replace(
            settings,
            http_host=next((endpoint.host for endpoint in self._endpoints), ""),
            http_port=self._ports.get(HTTP, 0),
            https_port=self._ports.get(HTTPS, 0),
        )

    @property
    def ports(self) -> Mapping[str, int]:
        """Actual ports by scheme, once it listens."""
        return self._ports

    async def listen(self) -> None:
        """Bind the ports; who connects waits until `start`. Raises `ListenError`."""
        for endpoint in self._endpoints:
            try:
                listening = await self._needs.open_socket(endpoint.host, endpoint.port, BACKLOG)
            except ListenError as error:
                self._release()
                raise ListenError(f"{joined(endpoint.host, endpoint.port)}: {error}") from error
            self._sockets.append(listening)
            port = self._ports[endpoint.scheme] = listening.getsockname()[1]
            self._needs.events.record(MonitorStarting(None, endpoint.host, port, endpoint.scheme))

    async def prepare(self) -> None:
        """Import the pages and make the first ones. A failure is logged."""
        if self._sockets:
            await self._attempt(self._prepare(), SHORTEST_DELAY)

    async def start(self) -> None:
        """Serve the pages, now or as soon as it is possible."""
        if not self._sockets:
            return
        if self._server is None or not await self._attempt(self._serve(), SHORTEST_DELAY):
            self._retrying = asyncio.create_task(self._try_again())

    async def close(self) -> None:
        """Serve no more. May be called twice, and before `start`."""
        retrying, self._retrying = self._retrying, None
        if retrying is not None:
            retrying.cancel()
            await asyncio.wait([retrying])
        try:
            await self._close_server()
        finally:
            self._release()

    async def _prepare(self) -> None:
        with self._needs.while_importing():
            self._server = await self._needs.in_thread(self._make_server)
            await self._server.prepare()

    async def _serve(self) -> None:
        if self._server is not None:
            self._server.start()

    async def _attempt(self, step: Coroutine[Any, Any, None], delay: float) -> bool:
        """Whether `step` succeeds; a failure is logged, with the `delay` until the next attempt."""
        try:
            await step
        except Exception as error:  # noqa: BLE001 - no failure of monitoring may affect clients
            self._needs.events.record(MonitorUnavailable(None, f"{type(error).__name__}: {error}", delay))
            await self._close_server()
            return False
        return True

    async def _try_again(self) -> None:
        """Retry until pages are served."""
        delay = SHORTEST_DELAY
        is_served = False
        while not is_served:
            await self._needs.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
            is_served = await self._attempt(self._prepare_and_start(), delay)
        self._needs.events.record(MonitorAvailable(None))

    async def _prepare_and_start(self) -> None:
        await self._prepare()
        await self._serve()

    async def _close_server(self) -> None:
        """Close the server, in any state."""
        server, self._server = self._server, None
        if server is not None:
            try:
                await server.close()
            except Exception as error:  # noqa: BLE001 - the server is dropped in any case
                self._report(f"{type(error).__name__}: {error}")

    def _make_server(self) -> "HttpServer":
        """Import the server and make it; called in a thread."""
        server = import_module(".server", __package__)
        settings = self._with_ports(self._settings)
        sockets = [
            server.ListenSocket(listening, endpoint.tls, settings.tls_timeout)
            for listening, endpoint in zip(self._sockets, self._endpoints, strict=True)
        ]
        context = self._context = MonitoringContext(
            self._needs.view,
            settings,
            WallTime(self._needs.clock),
            journal=self._needs.journal,
            streams=self._needs.streams,
        )
        made: HttpServer = server.make_server(context, sockets, self._report)
        return made

    def _report(self, reason: str) -> None:
        self._needs.events.record(MonitorFailed(None, reason))

    def _release(self) -> None:
        for listening in self._sockets:
            listening.close()
        self._sockets.clear()
