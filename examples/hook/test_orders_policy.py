"""The policy, tested in the process of a real server."""

import asyncio

import nats
import pynatsd
from orders_policy import OrdersPolicy


def test_an_order() -> None:
    """It arrives with the name of its shop; the public sees no price."""

    async def play() -> list[tuple[bytes, dict[str, str] | None]]:
        async with pynatsd.Server(hooks=OrdersPolicy()) as server:
            shop = await nats.connect(server.url, name="shop")
            receivers = [await nats.connect(server.url, name=name) for name in ("office", "public-board")]
            subscriptions = [await one.subscribe("orders.*") for one in receivers]
            for one in receivers:
                await one.flush()
            await shop.publish("orders.new", b'{"item": "tea", "price": 3}')
            messages = [await one.next_msg() for one in subscriptions]
            for one in (shop, *receivers):
                await one.close()
        return [(message.data, message.headers) for message in messages]

    assert asyncio.run(play()) == [
        (b'{"item": "tea", "price": 3}', {"Shop": "shop"}),
        (b'{"item": "tea"}', {"Shop": "shop"}),
    ]


def test_what_is_no_order() -> None:
    """Its publisher reads why."""

    async def play() -> list[str]:
        errors: list[str] = []
        read = asyncio.Event()

        async def note(error: Exception) -> None:
            errors.append(str(error))
            read.set()

        async with pynatsd.Server(hooks=OrdersPolicy()) as server:
            shop = await nats.connect(server.url, name="shop", error_cb=note)
            await shop.publish("orders.new", b"tea, please")
            await asyncio.wait_for(read.wait(), 5)
            await shop.close()
        return errors

    (error,) = asyncio.run(play())
    assert error.lower().endswith('publish to "orders.new": an order is a json object')
