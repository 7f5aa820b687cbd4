"""What holds for every request, before any page is asked (monitoring.md, section 1).

Pages are for reading: other methods than GET and HEAD are refused. A path with doubled
slashes leads to the page it means, and so does a whole URL. No answer may be taken for
another type than it has.
"""

import re
from collections.abc import Collection

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = ("GET", "HEAD")
_SLASHES = re.compile("//+")
_ORIGIN = re.compile("https?://[^/]*", re.IGNORECASE)


class Door:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp, pages: Collection[str]) -> None:
        """`pages` are the paths that doubled slashes may mean."""
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        scope = {**scope, "method": "GET", "path": _path(scope["path"])}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        answer = self._refusal(method, scope) or self._app
        await answer(scope, receive, guarded)

    def _refusal(self, method: str, scope: Scope) -> Response | None:
        """What is answered in place of a page, if anything."""
        if method not in _READING:
            return PlainTextResponse("405 method not allowed\n", 405, {"Allow": ", ".join(_READING)})
        path: str = scope["path"]
        meant = _SLASHES.sub("/", path)
        if meant != path and meant in self._pages:
            query = scope["query_string"].decode("latin-1")
            return _moved(f"{meant}?{query}" if query else meant)
        return None


def _path(target: str) -> str:
    """The path of a request line that may name host and port before it."""
    origin = _ORIGIN.match(target)
    return target[origin.end() :] or "/" if origin else target


def _moved(location: str) -> Response:
    return Response(status_code=301, headers={"Location": location}, media_type="text/html; charset=utf-8")
