"""Headers, requests to nobody and no echo, as nats-py uses them, over each twin."""

import asyncio
from contextlib import AsyncExitStack

import nats
import pytest
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from tests.integration.conftest import ServerKind
from tests.support.patience import PATIENCE
from tests.support.reachable import reachable

pytestmark = pytest.mark.asyncio

HEADERS = {"Trace": "abc", "Kind": "test"}


async def test_headers_travel(broker: ServerKind) -> None:
    """What one client puts in the headers another reads, and answers in kind."""
    async with broker(compatibility="current") as server, AsyncExitStack() as stack:
        url = stack.enter_context(reachable(server))
        service, client = await nats.connect(url), await nats.connect(url)

        async def answer(request: Msg) -> None:
            await service.publish(request.reply, request.data, headers=request.headers)

        await service.subscribe("ask", cb=answer)
        await service.flush()

        got = await client.request("ask", b"hi", timeout=PATIENCE, headers=HEADERS)

        assert (b"hi", HEADERS) == (got.data, got.headers)
        await service.close()
        await client.close()


async def test_a_request_to_nobody_fails_at_once(broker: ServerKind) -> None:
    """The client learns that nobody answers, and does not wait for its time limit."""
    async with broker(compatibility="current") as server, AsyncExitStack() as stack:
        client = await nats.connect(stack.enter_context(reachable(server)))

        with pytest.raises(NoRespondersError):
            await client.request("nobody", b"hi", timeout=60)

        await client.close()


async def test_no_echo(broker: ServerKind) -> None:
    """A client that wants no echo hears others, and not itself."""
    async with broker(compatibility="current") as server, AsyncExitStack() as stack:
        url = stack.enter_context(reachable(server))
        client, other = await nats.connect(url, no_echo=True), await nats.connect(url)
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def hear(message: Msg) -> None:
            heard.put_nowait(message.data)

        await client.subscribe("a", cb=hear)
        await client.publish("a", b"own")
        await client.flush()
        await other.publish("a", b"other")

        assert b"other" == await asyncio.wait_for(heard.get(), PATIENCE)
        assert heard.empty()
        await client.close()
        await other.close()
