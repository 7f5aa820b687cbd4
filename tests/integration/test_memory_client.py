"""A real client over the memory transport: nats-py cannot tell the difference."""

import asyncio

import nats
import pytest

from tests.support.embedded import HOST, embedded_server
from tests.support.memory_client import nats_over
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("twin", twins())]


async def test_messages_and_requests_pass(twin: str) -> None:
    """Publish, subscribe and request work, and the client closes without a rest."""
    async with embedded_server("memory", twin) as server:
        with nats_over(server.network):
            client = await nats.connect(f"nats://{HOST}:{server.port}")

            async def answer(request: nats.aio.msg.Msg) -> None:
                await request.respond(request.data.upper())

            await client.subscribe("shout", cb=answer)
            reply = await client.request("shout", b"hello", timeout=PATIENCE)
            await client.drain()

    assert reply.data == b"HELLO"
    assert client.is_closed


async def test_large_payloads_pass(twin: str) -> None:
    """Payloads larger than every buffer on the way arrive whole, one after the other."""
    payloads = [bytes([number]) * 1_000_000 for number in range(5)]
    async with embedded_server("memory", twin) as server:
        with nats_over(server.network):
            client = await nats.connect(f"nats://{HOST}:{server.port}")
            subscription = await client.subscribe("big")
            for payload in payloads:
                await client.publish("big", payload)
            received = [(await subscription.next_msg(timeout=PATIENCE)).data for _ in payloads]
            await client.close()

    assert received == payloads


async def test_a_client_notices_that_its_server_is_gone(twin: str) -> None:
    """When the server stops, the client learns that it is disconnected."""
    disconnected = asyncio.Event()

    async def note() -> None:
        disconnected.set()

    async with embedded_server("memory", twin) as server:
        with nats_over(server.network):
            client = await nats.connect(
                f"nats://{HOST}:{server.port}", disconnected_cb=note, allow_reconnect=False
            )
            await server.stop()
            async with asyncio.timeout(PATIENCE):
                await disconnected.wait()
            await client.close()

    assert client.is_closed


async def test_nobody_answers_where_nobody_listens(twin: str) -> None:
    """Connecting to a wrong address is refused as it is over TCP."""
    refusals: list[Exception] = []

    async def note(error: Exception) -> None:
        refusals.append(error)

    async with embedded_server("memory", twin) as server:
        with nats_over(server.network), pytest.raises(nats.errors.NoServersError):
            await nats.connect(
                "nats://elsewhere:4222", error_cb=note, max_reconnect_attempts=1, reconnect_time_wait=0
            )

    assert {type(refusal) for refusal in refusals} == {ConnectionRefusedError}
