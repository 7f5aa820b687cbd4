"""JSON as it is, or wrapped in a call of the reader's function (JSONP)."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

CALLBACK = r"^[A-Za-z0-9_.$\[\]]*$"
"""Valid callbacks: names and members, and nothing that begins another statement."""

JSON = "application/json"
JAVASCRIPT = "application/javascript"

_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


def reply(json: bytes, callback: str = "", status: int = 200) -> Response:
    """An answer: ``callback(json)`` as a script, or the plain JSON without a callback.

    Plain JSON may be read by pages of any origin, as with current servers; JSONP needs
    no such permission.
    """
    if callback:
        return Response(b"%b(%b)" % (callback.encode(), json), status, media_type=JAVASCRIPT)
    return Response(json, status, _ANY_ORIGIN, media_type=JSON)


async def reply_in_pieces(pieces: AsyncGenerator[bytes, None], callback: str = "") -> Response:
    """The same for long JSON: it is sent while it is made, unless it is one piece."""
    first = await anext(pieces, b"")
    second = await anext(pieces, None)
    if second is None:
        return reply(first, callback)
    if callback:
        begun = [b"%b(" % callback.encode(), first, second]
        return StreamedResponse(begun, pieces, b")", JAVASCRIPT, {})
    return StreamedResponse([first, second], pieces, b"", JSON, _ANY_ORIGIN)


class StreamedResponse(Response):
    """An answer of unknown length, made as fast as it is read; it stops when its reader leaves."""

    def __init__(
        self,
        begun: Sequence[bytes],
        pieces: AsyncGenerator[bytes, None],
        end: bytes,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        """The answer is `begun`, then `pieces`, then `end`."""
        super().__init__(headers=dict(headers), media_type=media_type)
        del self.headers["content-length"]
        self._begun = begun
        self._pieces = pieces
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            for piece in self._begun:
                await send(_part(piece))
            async for piece in self._pieces:
                if leaving.done():
                    return
                await send(_part(piece))
            await send(_part(self._end, more=False))
        finally:
            leaving.cancel()
            await self._pieces.aclose()


def _part(piece: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def _left(receive: Receive) -> None:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
