"""The rules for every request, applied before its page (monitoring-pages.md, section 1).

Methods other than GET and HEAD are refused. A path with doubled slashes is redirected,
and a whole URL is accepted as a path. Browsers must not guess the type of an answer. A
page that shows more than figures is refused to browsers that use a foreign host name.
Each request waits for its turn, and its time is charged to monitoring's budget.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .formats import one_line
from .hosts import host_of, is_own

if TYPE_CHECKING:
    from .stepper import Stepper

_READING = ("GET", "HEAD")
_SLASHES = re.compile("//+")
_ORIGIN = re.compile("https?://([^/]*)", re.IGNORECASE)
_MISDIRECTED = 421

_PROBES = frozenset({"/healthz", "/livez", "/readyz"})

_DETAILED = frozenset(
    {"/connz", "/routez", "/leafz", "/subsz", "/subscriptionsz", "/stacksz", "/explain", "/dashboard"}
)
"""Pages that show clients or subjects; also the paths below them."""


class MonitoringMiddleware:
    """An ASGI middleware: checks a request, then calls the application."""

    def __init__(
        self,
        app: ASGIApp,
        pages: Collection[str],
        stepper: "Stepper",
        probe_stepper: "Stepper",
        known_as: frozenset[str] = frozenset(),
    ) -> None:
        """`pages` are the paths to which doubled slashes are redirected.

        `stepper` runs pages, `probe_stepper` probes. `known_as` are the server's host names.
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
        """The answer in place of a page, if the request is refused or redirected."""
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
    """The host name in the request; None if it has none, which no browser sends."""
    if origin := _ORIGIN.match(scope["path"]):
        return host_of(origin[1])
    for name, value in scope["headers"]:
        if name == b"host":
            return host_of(value.decode("latin-1"))
    return None


def _asks_for_ranges(name: bytes, value: bytes) -> bool:
    """Whether a header requests several ranges, whose sum may be larger than the file."""
    return name == b"range" and b"," in value


def _path(target: str) -> str:
    """The path of a request target, which may be a whole URL."""
    origin = _ORIGIN.match(target)
    return target[origin.end() :] or "/" if origin else target


def _moved(location: str) -> Response:
    return Response(status_code=301, headers={"Location": location}, media_type="text/html; charset=utf-8")
