"""A service that answers requests for prices."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

RECONNECT_SECONDS = 0.05


class PriceService:
    """Answers ``prices.get`` with a price, or with an error; several of them share the requests."""

    def __init__(self, url: str, prices: Mapping[str, int], name: str = "prices") -> None:
        """`prices` are cents by item."""
        self._url = url
        self._prices = prices
        self._name = name
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        self._client = await nats.connect(
            self._url, name=self._name, reconnect_time_wait=RECONNECT_SECONDS, max_reconnect_attempts=-1
        )
        await self._client.subscribe("prices.get", queue="prices", cb=self._answer)
        await self._client.flush()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def _answer(self, request: Msg) -> None:
        item = request.data.decode()
        cents = self._prices.get(item)
        if cents is None:
            await request.respond(json.dumps({"error": f"there is no {item}"}).encode())
            return
        quote = json.dumps({"item": item, "cents": cents}).encode()
        await request.respond(quote)
        if self._client is not None:
            await self._client.publish("prices.quoted", quote)
