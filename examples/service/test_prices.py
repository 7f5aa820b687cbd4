"""Tests of the service against a broker in this process, also with faults."""

import json
from collections.abc import AsyncIterator

import nats
import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client
from prices import PriceService
from pynatsd import ThreadedCluster, ThreadedServer

PRICES = {"tea": 250, "jam": 399}

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def customer(nats_server: ThreadedServer) -> AsyncIterator[Client]:
    """A client of the broker."""
    client = await nats.connect(nats_server.url, name="customer")
    yield client
    await client.close()


async def ask(customer: Client, item: str, wait: float = 5) -> dict[str, object]:
    """The answer of the service."""
    answer = await customer.request("prices.get", item.encode(), timeout=wait)
    found: dict[str, object] = json.loads(answer.data)
    return found


async def test_a_price(nats_server: ThreadedServer, customer: Client) -> None:
    """It is answered, and goes to the books."""
    books = await customer.subscribe("prices.quoted")
    async with PriceService(nats_server.url, PRICES):
        answer = await ask(customer, "tea")

    assert answer == {"item": "tea", "cents": 250}
    assert json.loads((await books.next_msg()).data) == answer


async def test_an_item_that_there_is_not(nats_server: ThreadedServer, customer: Client) -> None:
    """The answer says so."""
    async with PriceService(nats_server.url, PRICES):
        assert await ask(customer, "gold") == {"error": "there is no gold"}


async def test_nobody_answers(customer: Client) -> None:
    """Without the service the customer is not kept waiting."""
    with pytest.raises(nats.errors.NoRespondersError):
        await ask(customer, "tea")


async def test_a_lost_connection(nats_server: ThreadedServer, customer: Client) -> None:
    """The service that is cut off in the middle of its work comes back, and answers again."""
    async with PriceService(nats_server.url, PRICES):
        cut = nats_server.faults.cut("prices.get", client="prices", direction="out", on=1)
        with pytest.raises(nats.errors.TimeoutError):
            await ask(customer, "tea", wait=0.1)
        cut.must_hit()
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 2)

        assert (await ask(customer, "tea"))["cents"] == 250


async def test_a_lost_answer(nats_server: ThreadedServer, customer: Client) -> None:
    """A customer that asks again gets its price."""
    async with PriceService(nats_server.url, PRICES):
        with nats_server.faults.drop(client="prices", times=1) as lost:
            with pytest.raises(nats.errors.TimeoutError):
                await ask(customer, "tea", wait=0.1)
            lost.must_hit()

        assert (await ask(customer, "tea"))["cents"] == 250


async def test_one_of_two_is_stuck(nats_server: ThreadedServer, customer: Client) -> None:
    """Requests go to both; those of the one that is stuck are answered when it goes on."""
    async with PriceService(nats_server.url, PRICES, "a"), PriceService(nats_server.url, PRICES, "b"):
        with nats_server.faults.stall(client="a", direction="in"):
            answered = 0
            while answered < 3:
                try:
                    answered += "cents" in await ask(customer, "jam", wait=0.1)
                except nats.errors.TimeoutError:
                    continue

        assert (await ask(customer, "jam"))["cents"] == 399


@pytest.mark.nats(size=2)
async def test_the_service_is_elsewhere(nats_cluster: ThreadedCluster) -> None:
    """It answers through another server of the cluster, and again after a partition."""
    here, there = nats_cluster.servers
    async with PriceService(there.url, PRICES):
        client = await nats.connect(here.url)
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1)
        with nats_cluster.faults.partition([0], [1]):
            await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 0)
            with pytest.raises(nats.errors.NoRespondersError):
                await ask(client, "tea")
        await nats_cluster.wait_until_meshed(timeout=20)
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] > 0)

        assert (await ask(client, "tea"))["cents"] == 250
        await client.close()
