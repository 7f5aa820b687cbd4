"""Receivers that do not read are closed, and do not delay others (client-protocol.md, section 15).

A client here reads only when its test says so, see ``tests.support.raw_client``.
"""

import asyncio
import contextlib

import pytest

from tests.integration.exchanges import PING, PONG, QUIET
from tests.support.broker_fixture import Broker, StartBroker
from tests.support.raw_client import RawClient
from tests.support.witness import Witness

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


@pytest.mark.every_listener
async def test_reader_over_the_pending_limit_is_cut(broker: StartBroker) -> None:
    """More than ``max_pending_size`` waiting ends the reader, and the publisher finishes its work."""
    async with broker(max_pending_size=1_048_576) as running:
        witness = await Witness.join(running)
        slow = await subscriber(running)
        await flood(running)

        assert len(await slow.expect_cut()) < FLOOD
        await witness.expect_unharmed()


@pytest.mark.every_listener
async def test_reader_without_progress_is_cut(broker: StartBroker) -> None:
    """Nothing taken for the write deadline ends the reader, whatever may be pending."""
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


@pytest.mark.every_listener
async def test_flood_to_a_healthy_reader_closes_nobody(broker: StartBroker) -> None:
    """With default limits a publisher at full speed and a reader who keeps up lose nothing."""
    async with broker() as running:
        healthy = await subscriber(running)
        reading = asyncio.create_task(read_all(healthy))
        await flood(running)

        assert COUNT == await reading
        await healthy.fence()


@pytest.mark.every_listener
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
    """A client that sends PING for ever and never reads is cut as well, not buffered without end."""
    asked = 500 * 10_000
    async with broker(max_pending_size=65_536, write_deadline=0.5) as running:
        witness = await Witness.join(running)
        client = await running.connect()
        await client.flood(10_000 * PING, asked // 10_000)

        assert len(await client.expect_cut()) < asked * len(PONG)
        await witness.expect_unharmed()


async def crawl(client: RawClient, hurry: asyncio.Event, pause: float = 0.01) -> int:
    """Read a little at a time until the broker ends the link, or all from `hurry` on; count the bytes."""
    total = 0
    with contextlib.suppress(ConnectionError, AssertionError):
        while True:
            total += len(await client.read_exactly(4096))
            if not hurry.is_set():
                await asyncio.sleep(pause)
    return total


async def test_a_crawling_reader_does_not_delay_a_healthy_one_for_long(broker: StartBroker) -> None:
    """A reader that makes progress is cut when others have waited for the write deadline in total."""
    async with broker(write_deadline=0.5) as running:
        slow, healthy = await subscriber(running), await subscriber(running)
        hurry = asyncio.Event()
        crawling = asyncio.create_task(crawl(slow, hurry))
        reading = asyncio.create_task(read_all(healthy))
        await flood(running)

        assert COUNT == await reading
        await healthy.fence()
        hurry.set()
        assert await crawling < FLOOD


async def test_a_pair_goes_at_the_readers_pace(broker: StartBroker) -> None:
    """A slow reader that has its publisher for itself loses nothing, though the deadline passes often."""
    body = 1000 * b"x"
    async with broker(write_deadline=1.0, max_payload=2000, max_pending_size=20_000) as running:
        reader = await subscriber(running)
        publisher = await running.connect()
        await publisher.send(QUIET)
        flooding = asyncio.create_task(publisher.send(9000 * (b"PUB foo 1000\r\n" + body + b"\r\n")))

        for _ in range(50):
            await reader.expect(100 * (b"MSG foo 1 1000\r\n" + body + b"\r\n"))
            await asyncio.sleep(0.05)
        await reader.expect(4000 * (b"MSG foo 1 1000\r\n" + body + b"\r\n"))
        await flooding
        await reader.fence()


async def test_everybody_may_wait_for_a_slow_reader(broker: StartBroker) -> None:
    """With ``slow_consumer: hold`` both readers get everything, at the pace of the slower one."""
    async with broker(write_deadline=0.3, slow_consumer="hold") as running:
        slow, healthy = await subscriber(running), await subscriber(running)
        reading = asyncio.create_task(read_all(healthy))
        flooding = asyncio.create_task(flood(running))

        for _ in range(20):
            await slow.expect(MESSAGE)
            await asyncio.sleep(0.05)
        slow_rest = [await slow.read_exactly(len(MESSAGE)) for _ in range(COUNT - 20)]

        assert COUNT == await reading
        assert all(MESSAGE == message for message in slow_rest)
        await flooding


async def test_a_held_publisher_is_answered(broker: StartBroker) -> None:
    """Its PING is answered although its messages wait for a reader that crawls."""
    async with broker(max_pending_size=65_536, max_payload=10_000) as running:
        slow = await subscriber(running)
        crawling = asyncio.create_task(crawl(slow, asyncio.Event(), 0.2))
        publisher = await running.connect()
        await publisher.send(QUIET)
        message = b"PUB foo 8000\r\n" + 8000 * b"x" + b"\r\n"
        sending = asyncio.create_task(publisher.send(900 * message + PING))

        await publisher.expect(PONG)
        crawling.cancel()
        await sending
