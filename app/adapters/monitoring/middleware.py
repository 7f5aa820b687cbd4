"""What holds for every request, before any page is asked (monitoring.md, section 1).

Pages are for reading: other methods than GET and HEAD are refused. A path with doubled
slashes leads to the page it means, and so does a whole URL. No answer may be taken for
another type than it has. A page that shows more than figures is not for browsers that
were led here by a stranger's name. Each request waits for its turn, and is measured.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.adapters.monitoring.formats import one_line
from app.adapters.monitoring.hosts import host_of, is_own

if TYPE_CHECKING:
    from app.adapters.monitoring.stepper import Stepper

_READING = ("GET", "HEAD")
_SLASHES = re.compile("//+")
_ORIGIN = re.compile("https?://([^/]*)", re.IGNORECASE)
_MISDIRECTED = 421

_PROBES = frozenset({"/healthz", "/livez", "/readyz"})

_DETAILED = frozenset({"/connz", "/routez", "/subsz", "/subscriptionsz", "/stacksz", "/dashboard"})
"""Pages that show who is connected, and what for; with the paths below them."""


class MonitoringMiddleware:
    """An ASGI application in front of another."""

    def __init__(
        self,
        app: ASGIApp,
        pages: Collection[str],
        stepper: "Stepper",
        probe_stepper: "Stepper",
        known_as: frozenset[str] = frozenset(),
    ) -> None:
        """`pages` are the paths that doubled slashes may mean.

        `stepper` are those of pages, `probes` those of probes. `known_as` are the server's names.
        """
        self._app = app
        self._pages = pages
        self._stepper = stepper
        self._probe_stepper = probe_stepper
        self._known_as = known_as

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stepper = self._probe_stepper if scope["path"] in _PROBES else self._stepper
        await stepper.wait_turn()
        await stepper.measured(self._serve(scope, receive, send))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, host = scope["method"], _host(scope)
        headers = [header for header in scope["headers"] if not _asks_for_ranges(*header)]
        scope = {**scope, "method": "GET", "path": _path(scope["path"]), "headers": headers}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        answer = self._refusal(method, host, scope) or self._app
        await answer(scope, receive, guarded)

    def _refusal(self, method: str, host: str | None, scope: Scope) -> Response | None:
        """What is answered in place of a page, if anything."""
        if method not in _READING:
            return PlainTextResponse("405 method not allowed\n", 405, {"Allow": ", ".join(_READING)})
        path: str = scope["path"]
        meant = _SLASHES.sub("/", path)
        if meant != path and meant in self._pages:
            query = scope["query_string"].decode("latin-1")
            return _moved(f"{meant}?{query}" if query else meant)
        if _is_detailed(path) and host is not None and not is_own(host, self._known_as):
            return PlainTextResponse(
                f"421 this server is not known as '{one_line(host)}': ask by its address, "
                "or make that name its server_name or the host of client_advertise\n",
                _MISDIRECTED,
            )
        return None


def _is_detailed(path: str) -> bool:
    first = path.partition("/")[2].partition("/")[0]
    return f"/{first}" in _DETAILED


def _host(scope: Scope) -> str | None:
    """By which name the server was asked; None where the request names none, as no browser does."""
    if origin := _ORIGIN.match(scope["path"]):
        return host_of(origin[1])
    for name, value in scope["headers"]:
        if name == b"host":
            return host_of(value.decode("latin-1"))
    return None


def _asks_for_ranges(name: bytes, value: bytes) -> bool:
    """Whether a header asks for several parts of a file: together they may be larger than all of it."""
    return name == b"range" and b"," in value


def _path(target: str) -> str:
    """The path of a request line that may name host and port before it."""
    origin = _ORIGIN.match(target)
    return target[origin.end() :] or "/" if origin else target


def _moved(location: str) -> Response:
    return Response(status_code=301, headers={"Location": location}, media_type="text/html; charset=utf-8")
