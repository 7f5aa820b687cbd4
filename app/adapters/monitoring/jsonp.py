"""JSON as it is, or wrapped in a call of the reader's function (JSONP)."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from fastapi import Response
from starlette.types import Receive, Scope, Send

CALLBACK = r"^[A-Za-z0-9_.$\[\]]*$"
"""What may be called: names and members, nothing that begins another statement."""

JSON = "application/json"
JAVASCRIPT = "application/javascript"

_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


def reply(json: bytes, callback: str = "", status: int = 200) -> Response:
    """An answer: ``callback(json)`` as a script, or without a callback just the JSON.

    Plain JSON may be read by pages of any origin, as with today's servers; whoever
    uses JSONP needs no such permission.
    """
    if callback:
        return Response(b"%b(%b)" % (callback.encode(), json), status, media_type=JAVASCRIPT)
    return Response(json, status, _ANY_ORIGIN, media_type=JSON)


async def reply_in_pieces(pieces: AsyncIterator[bytes], callback: str = "") -> Response:
    """The same, of JSON that may be long: it is sent while it is made, unless it is one piece."""
    first = await anext(pieces, b"")
    second = await anext(pieces, None)
    if second is None:
        return reply(first, callback)
    every = _followed(first, second, pieces)
    if callback:
        return StreamedResponse(_called(callback, every), JAVASCRIPT, {})
    return StreamedResponse(every, JSON, _ANY_ORIGIN)


async def _followed(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for piece in rest:
        yield piece


async def _called(callback: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"%b(" % callback.encode()
    async for piece in pieces:
        yield piece
    yield b")"


class StreamedResponse(Response):
    """An answer of unknown length, made as fast as it is read, and no further when its reader leaves."""

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers=dict(headers), media_type=media_type)
        del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        leaving = asyncio.ensure_future(_left(receive))
        try:
            async for piece in self._pieces:
                if leaving.done():
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()


async def _left(receive: Receive) -> None:
    """Wait until the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
