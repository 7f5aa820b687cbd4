"""uvicorn, embedded: only its protocol, on our sockets and our loop.

It installs no signal handlers, sets up no logging and does not wake ten times a second.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

from fastapi.dependencies import models
from starlette.types import ASGIApp, Message, Scope
from uvicorn.config import Config
from uvicorn.server import ServerState

from .accept_loop import SHUTDOWN_SECONDS, AcceptLoop, ListenSocket
from .app import create_app
from .context import MonitoringContext
from .dashboard.router import PATH as DASHBOARD
from .dashboard.router import dashboard_router
from .formats import bounded
from .http_protocol import (
    MAX_CONNECTIONS,
    MAX_HEAD,
    NO_PLAIN_HTTP,
    BoundedHttp,
    refusal,
)
from .stepper import Stepper

__all__ = ["HttpServer", "ListenSocket", "abort", "make_server"]

LIFESPAN_SECONDS = 2.0
"""Time limit for the pages' background work to end."""

_TICK = 1.0

_FIRST_PAGES = ("/livez", "/metrics")
"""Pages that are requested once at the start, so that all they need is loaded."""


class HttpServer:
    """Serves an application at several sockets, until it is closed."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[ListenSocket],
        stepper: Stepper,
        on_tick: Callable[[float], None],
        on_error: Callable[[str], None],
    ) -> None:
        """Can be made in any thread.

        `stepper` is charged for reading requests. `on_tick` is called each second, with the lateness
        of the loop in seconds; `on_error` with the text of each defect.
        """
        self._config = Config(
            app,
            http=BoundedHttp,
            ws="none",
            lifespan="on",
            log_config=None,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        self._config.load()
        self._sockets = sockets
        self._stepper = stepper
        self._report = on_error
        self._state = ServerState()
        self._logger = logging.Logger("monitoring", logging.ERROR)  # noqa: LOG001 - each server has its own
        self._logger.addHandler(_Reporter(on_error))
        self._on_tick = on_tick
        self._accept_loops: list[AcceptLoop] = []
        self._timer: asyncio.TimerHandle | None = None
        self._app = app
        self._lifespan = self._config.lifespan_class(self._config)
        self._complaints: list[str] = []
        self._lifespan.logger = logging.Logger("monitoring", logging.ERROR)  # noqa: LOG001 - the same
        self._lifespan.logger.addHandler(_Reporter(self._complaints.append))
        self._is_begun = False

    async def prepare(self) -> None:
        """Do everything that opens files: start background work, and request some pages once.

        Raises any error; call `close` then.
        """
        await self._lifespan.startup()
        self._is_begun = True
        if self._lifespan.should_exit:
            raise RuntimeError(self._complaints[0] if self._complaints else "the pages did not start")
        for path in _FIRST_PAGES:
            await self._app(_request(path), _no_body, _ignore)

    def start(self) -> None:
        """Serve."""
        self._tick(asyncio.get_running_loop().time())
        hint = refusal(HTTPStatus.BAD_REQUEST, NO_PLAIN_HTTP)
        for listening in self._sockets:
            accept_loop = AcceptLoop(listening, self._protocol, hint, MAX_CONNECTIONS, self._report)
            self._accept_loops.append(accept_loop)
            accept_loop.start()

    async def close(self) -> None:
        """Accept no more, and wait a moment for answers in progress. The sockets stay open."""
        for accept_loop in self._accept_loops:
            accept_loop.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(list(self._state.tasks), timeout=SHUTDOWN_SECONDS)
        for task in list(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            abort(connection.transport)
        if self._timer is not None:
            self._timer.cancel()
        if self._is_begun:
            self._is_begun = False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lifespan.shutdown(), LIFESPAN_SECONDS)
        forget_endpoints()

    def _protocol(self) -> BoundedHttp:
        return BoundedHttp(self._config, self._state, self._lifespan.state, self._logger, self._stepper)

    def _tick(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = loop.call_later(_TICK, self._tick, now + _TICK)
        try:
            date = formatdate(bounded(time.time()), usegmt=True)
            self._state.default_headers = [(b"date", date.encode())]
            self._on_tick(max(0.0, now - due))
        except Exception as error:  # noqa: BLE001 - the next second may be better
            self._report(f"{type(error).__name__}: {error}")


def forget_endpoints() -> None:
    """Empty FastAPI's caches of page functions.

    They are global, and would keep the objects of a stopped server until the process ends.
    They fill again.
    """
    for cached in vars(models).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def abort(transport: asyncio.WriteTransport) -> None:
    """Close a connection now. A TLS connection that was closed twice ends by itself after its shutdown."""
    with suppress(AttributeError):  # Python 3.11.2 raises it after a second close
        transport.abort()


def make_server(
    context: MonitoringContext, sockets: Sequence[ListenSocket], on_error: Callable[[str], None]
) -> HttpServer:
    """A server for the pages of `context`."""
    app = create_app(context, [dashboard_router(context)], {DASHBOARD: "all of it, live"})
    return HttpServer(app, sockets, context.stepper, context.figures.sample, on_error)


def _request(path: str) -> Scope:
    """A request made by the server itself."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "server": None,
        "client": None,
        "state": {},
    }


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(_message: Message) -> None:
    pass


class _Reporter(logging.Handler):
    """Turns what uvicorn logs about a defect into one line."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._report(record.getMessage().strip() if error is None else f"{type(error).__name__}: {error}")
