"""uvicorn, embedded: its protocol on our sockets and our loop, and nothing else of it.

There are no signal handlers, no logging set-up and no waking ten times a second.
"""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.adapters.monitoring.app import create_app
from app.adapters.monitoring.dashboard.pages import PATH as DASHBOARD
from app.adapters.monitoring.dashboard.pages import dashboard_router
from app.adapters.monitoring.http_protocol import LARGEST_HEAD, BoundedHttp
from app.adapters.monitoring.watch import Watch

FAREWELL_SECONDS = 0.5
"""How long answers under way may take when the server stops."""

_TICK = 1.0


@dataclass(frozen=True, slots=True)
class Opening:
    """A listening socket; with `tls` what comes in is to be unwrapped first."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    handshake_seconds: float = 0.0
    """Time for a handshake; without effect where there is no TLS."""


class HttpServer:
    """Serves an application at several openings, until it is closed."""

    def __init__(
        self,
        app: ASGIApp,
        openings: Sequence[Opening],
        on_tick: Callable[[], None],
        on_error: Callable[[str], None],
    ) -> None:
        """Made off the loop; `on_tick` is called each second; `on_error` is told of defects."""
        self._config = Config(
            app,
            http=BoundedHttp,
            ws="none",
            lifespan="on",
            log_config=None,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=LARGEST_HEAD,
        )
        self._config.load()
        self._openings = openings
        self._state = ServerState()
        self._logger = logging.Logger("monitoring", logging.ERROR)  # noqa: LOG001 - each server has its own
        self._logger.addHandler(_Reporter(on_error))
        self._on_tick = on_tick
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Serve."""
        self._lifespan = self._config.lifespan_class(self._config)
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise RuntimeError("the pages could not be started")
        self._tick()
        loop = asyncio.get_running_loop()
        for opening in self._openings:
            server = await loop.create_server(
                self._protocol,
                sock=opening.socket,
                ssl=opening.tls,
                ssl_handshake_timeout=opening.handshake_seconds if opening.tls else None,
                ssl_shutdown_timeout=FAREWELL_SECONDS if opening.tls else None,
            )
            self._servers.append(server)

    async def close(self) -> None:
        """Accept no more; let answers under way end, for a moment."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=FAREWELL_SECONDS)
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            abort(connection.transport)
        if self._timer is not None:
            self._timer.cancel()
        await self._lifespan.shutdown()

    def _protocol(self) -> BoundedHttp:
        return BoundedHttp(self._config, self._state, self._lifespan.state, self._logger)

    def _tick(self) -> None:
        now = time.time()
        self._state.default_headers = [(b"date", formatdate(now, usegmt=True).encode())]
        self._on_tick()
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)


def abort(transport: asyncio.WriteTransport) -> None:
    """End a link now. One over TLS that was closed twice is let go: it ends by itself, after its farewell."""
    with suppress(AttributeError):  # as Python 3.11.2 says then: it has forgotten its socket
        transport.abort()


def make_server(watch: Watch, openings: Sequence[Opening], on_error: Callable[[str], None]) -> HttpServer:
    """The pages of `watch`, ready to be served."""
    app = create_app(watch, [dashboard_router(watch)], {DASHBOARD: "all of it, live"})
    return HttpServer(app, openings, watch.figures.sample, on_error)


class _Reporter(logging.Handler):
    """Turns what uvicorn logs about a defect into one line."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._report(record.getMessage().strip() if error is None else f"{type(error).__name__}: {error}")
