"""Readers that do not read: they are cut, and nobody else pays.

Client protocol, section 15; cases L5 and L6 of the black-box suite. A client
here reads only when its test says so, see ``tests.fakes.raw_client``.
"""

import asyncio

import pytest

from tests.fakes.broker import Broker, StartBroker
from tests.fakes.raw_client import RawClient
from tests.fakes.witness import Witness
from tests.integration.exchanges import PING, PONG, QUIET

pytestmark = pytest.mark.asyncio

SIZE = 65_536
COUNT = 480
MESSAGE = b"MSG foo 1 65536\r\n" + SIZE * b"x" + b"\r\n"
FLOOD = SIZE * COUNT
"""30 MiB: more than the kernel will hold for a reader, on any usual machine."""


async def subscriber(broker: Broker) -> RawClient:
    """A client that is subscribed to ``foo``."""
    client = await broker.connect()
    await client.send(QUIET + b"SUB foo 1\r\n")
    await client.fence()
    return client


async def flood(broker: Broker) -> None:
    """Publish the whole flood, and return when all of it has been dealt with."""
    publisher = await broker.connect()
    await publisher.send(QUIET)
    for _ in range(COUNT):
        await publisher.send(b"PUB foo 65536\r\n" + SIZE * b"x" + b"\r\n")
    await publisher.fence()


async def read_all(client: RawClient) -> int:
    """Read the whole flood, and return how many messages came unharmed."""
    intact = 0
    for _ in range(COUNT):
        intact += await client.read_exactly(len(MESSAGE)) == MESSAGE
    return intact


async def test_reader_over_the_pending_limit_is_cut(broker: StartBroker) -> None:
    """More than ``max_pending_size`` waiting ends the reader, and the publisher finishes its work (L5)."""
    async with broker(max_pending_size=1_048_576) as running:
        witness = await Witness.join(running)
        slow = await subscriber(running)
        await flood(running)

        assert len(await slow.expect_cut()) < FLOOD
        await witness.expect_unharmed()


async def test_reader_without_progress_is_cut(broker: StartBroker) -> None:
    """Nothing taken for the write deadline ends the reader, whatever may be pending (L6)."""
    async with broker(max_pending_size=1_073_741_824, write_deadline=0.5) as running:
        witness = await Witness.join(running)
        slow = await subscriber(running)
        await flood(running)

        assert len(await slow.expect_cut()) < FLOOD
        await witness.expect_unharmed()


async def test_healthy_reader_loses_nothing_beside_a_slow_one(broker: StartBroker) -> None:
    """Those who read get every message of the flood that ends the one who does not."""
    async with broker(max_pending_size=1_048_576) as running:
        slow, healthy = await subscriber(running), await subscriber(running)
        reading = asyncio.create_task(read_all(healthy))
        await flood(running)

        assert COUNT == await reading
        await healthy.fence()
        assert len(await slow.expect_cut()) < FLOOD


async def test_flood_to_a_healthy_reader_closes_nobody(broker: StartBroker) -> None:
    """With default limits a publisher at full speed and a reader who keeps up lose nothing."""
    async with broker() as running:
        healthy = await subscriber(running)
        reading = asyncio.create_task(read_all(healthy))
        await flood(running)

        assert COUNT == await reading
        await healthy.fence()


async def test_pause_within_the_limit_is_forgiven(broker: StartBroker) -> None:
    """A reader who is late with less than the limit gets all of it when it comes back."""
    body = 1000 * b"x"
    async with broker(max_pending_size=1_048_576) as running:
        late = await subscriber(running)
        publisher = await running.connect()
        await publisher.send(QUIET + 500 * (b"PUB foo 1000\r\n" + body + b"\r\n"))
        await publisher.fence()

        await late.expect(500 * (b"MSG foo 1 1000\r\n" + body + b"\r\n"))
        await late.fence()


async def test_asking_without_reading_is_bounded(broker: StartBroker) -> None:
    """A client that sends PING for ever and never reads is cut as well, not buffered without end (P17)."""
    asked = 500 * 10_000
    async with broker(max_pending_size=65_536, write_deadline=0.5) as running:
        witness = await Witness.join(running)
        client = await running.connect()
        await client.flood(10_000 * PING, asked // 10_000)

        assert len(await client.expect_cut()) < asked * len(PONG)
        await witness.expect_unharmed()
