"""Monitoring as a thing to start and stop.

FastAPI and what comes with it take a quarter of a second to import, and open hundreds of
files. So they are imported in a thread, and before clients can take the last descriptors.
Monitoring fails alone: what is wrong with it is in the log, and it is tried again.
"""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from socket import socket
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.adapters.monitoring.context import MonitoringContext, MonitorSettings, WallTime
from app.adapters.monitoring.journal import Journal
from app.domain.address import joined
from app.domain.events import Event, Level, MonitorFailed, MonitorStarting
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

SHORTEST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds until it is tried again to serve pages; twice as many after each failure."""

_SWITCH_SECONDS = 0.0005
"""How long the importing thread may keep the loop's thread waiting."""

T = TypeVar("T")


class InThread(Protocol):
    """Does work in a thread; what it returns or raises comes to him who waits."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


OpenSocket = Callable[[str, int, int], Awaitable[socket]]
"""Listens at a host and port with a backlog; raises `ListenError`."""


@dataclass(frozen=True, slots=True)
class MonitorUnavailable(Event):
    """Pages cannot be served now. Clients are not affected."""

    level = Level.ERROR
    sentence = "Monitoring is not available: {self.reason}; trying again in {self.seconds:g} s"

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MonitorAvailable(Event):
    """Pages are served, after a failure."""

    level = Level.INFO
    sentence = "Monitoring is available again"


@dataclass(frozen=True, slots=True)
class MonitorEndpoint:
    """Where pages are served: plain, or with `tls` encrypted."""

    host: str
    port: int
    """-1 is any free port."""
    tls: ssl.SSLContext | None = None

    @property
    def scheme(self) -> str:
        return HTTPS if self.tls else HTTP


@dataclass(frozen=True, slots=True)
class MonitorNeeds:
    """What monitoring needs of the world."""

    view: BrokerView
    clock: Clock
    events: EventLog
    open_socket: OpenSocket
    in_thread: InThread = asyncio.to_thread
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    journal: Journal = field(default_factory=Journal)
    """What the event log keeps for the pages; an empty one for a log without."""


class HttpMonitor:
    """The pages of one server, served at its endpoints. Implements ``app.ports.monitor``."""

    def __init__(
        self, endpoints: Sequence[MonitorEndpoint], settings: MonitorSettings, needs: MonitorNeeds
    ) -> None:
        """Without endpoints nothing is served, and nothing imported.

        Host and ports in `settings` are filled in from the endpoints.
        """
        self._endpoints = endpoints
        self._settings = settings
        self._needs = needs
        needs.journal.name_of = needs.view.name_of
        self._sockets: list[socket] = []
        self._server: HttpServer | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._ports: dict[str, int] = {}

    @property
    def ports(self) -> Mapping[str, int]:
        """Real ports by scheme, once it listens."""
        return self._ports

    async def listen(self) -> None:
        """Take the ports, and prepare the pages; who connects waits until `start`. Raises `ListenError`."""
        for endpoint in self._endpoints:
            try:
                listening = await self._needs.open_socket(endpoint.host, endpoint.port, BACKLOG)
            except ListenError as error:
                self._release()
                raise ListenError(f"{joined(endpoint.host, endpoint.port)}: {error}") from error
            self._sockets.append(listening)
            port = self._ports[endpoint.scheme] = listening.getsockname()[1]
            self._needs.events.record(MonitorStarting(None, endpoint.host, port, endpoint.scheme))
        if self._sockets:
            await self._attempt(self._prepare(), SHORTEST_DELAY)

    async def start(self) -> None:
        """Serve the pages at the ports that were taken, now or as soon as that is possible."""
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
        with _short_turns():
            self._server = await self._needs.in_thread(self._make_server)
            await self._server.prepare()

    async def _serve(self) -> None:
        if self._server is not None:
            self._server.start()

    async def _attempt(self, step: Coroutine[Any, Any, None], delay: float) -> bool:
        """Whether it succeeds; if not, the log says why, and that it is tried again after `delay` seconds."""
        try:
            await step
        except Exception as error:  # noqa: BLE001 - whatever it is, clients must not suffer from it
            self._needs.events.record(MonitorUnavailable(None, f"{type(error).__name__}: {error}", delay))
            await self._close_server()
            return False
        return True

    async def _try_again(self) -> None:
        """Until pages are served."""
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
        """What it is made of goes, whatever state it is in."""
        server, self._server = self._server, None
        if server is not None:
            try:
                await server.close()
            except Exception as error:  # noqa: BLE001 - it is given up in any case
                self._report(f"{type(error).__name__}: {error}")

    def _make_server(self) -> "HttpServer":
        """Import what serves, and make it; called in a thread."""
        server = import_module("app.adapters.monitoring.server")
        settings = replace(
            self._settings,
            http_host=next((endpoint.host for endpoint in self._endpoints), ""),
            http_port=self._ports.get(HTTP, 0),
            https_port=self._ports.get(HTTPS, 0),
        )
        openings = [
            server.ListenSocket(listening, endpoint.tls, settings.tls_timeout)
            for listening, endpoint in zip(self._sockets, self._endpoints, strict=True)
        ]
        context = MonitoringContext(
            self._needs.view, settings, WallTime(self._needs.clock), journal=self._needs.journal
        )
        made: HttpServer = server.make_server(context, openings, self._report)
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
