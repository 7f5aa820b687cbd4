"""PING from the server, and the end of clients that do not answer (client-protocol.md, section 11)."""

import pytest

from tests.integration.exchanges import PING, PONG, QUIET
from tests.support.broker_fixture import Settings, StartBroker
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.asyncio

STALE = b"-ERR 'Stale Connection'\r\n"

QUICK: Settings = {"ping_interval": 0.2, "ping_max": 2}


async def answer_with(client: RawClient, line: bytes, times: int) -> None:
    """Wait for PING and send ``line``, several times."""
    for _ in range(times):
        await client.expect(PING)
        await client.send(line)


@pytest.mark.parametrize("sent", [b"", QUIET], ids=["before CONNECT", "after CONNECT"])
@pytest.mark.every_listener
async def test_silent_client_is_stale(broker: StartBroker, sent: bytes) -> None:
    """A client that answers none of two PINGs gets an error and is closed, with or without a CONNECT."""
    async with broker(**QUICK) as running:
        client = await running.connect()
        await client.send(sent)

        await client.expect_end(PING + PING + STALE)


@pytest.mark.parametrize("ping_max", [1, 3])
async def test_number_of_unanswered_pings(broker: StartBroker, ping_max: int) -> None:
    """There are ``ping_max`` PINGs before the end, no more and no fewer."""
    async with broker(ping_interval=0.2, ping_max=ping_max) as running:
        client = await running.connect()

        await client.expect_end(ping_max * PING + STALE)


async def test_client_that_answers_stays(broker: StartBroker) -> None:
    """Each PONG starts the count anew."""
    async with broker(**QUICK) as running:
        client = await running.connect()

        await answer_with(client, PONG, 5)
        await client.expect_end(PING + PING + STALE)


@pytest.mark.parametrize(
    "line", [b"PUB foo 1\r\nx\r\n", b"SUB foo 1\r\n", b"+OK\r\n"], ids=["PUB", "SUB", "+OK"]
)
async def test_only_pong_is_an_answer(broker: StartBroker, line: bytes) -> None:
    """Other traffic does not prove that a client reads."""
    async with broker(**QUICK) as running:
        client = await running.connect()
        await client.send(QUIET)

        await answer_with(client, line, 2)
        await client.expect_end(STALE)


async def test_own_pings_are_no_answer(broker: StartBroker) -> None:
    """A client that asks and never answers is stale all the same."""
    async with broker(**QUICK) as running:
        client = await running.connect()

        await client.expect(PING)
        await client.send(PING)
        await client.expect(PONG + PING)
        await client.send(PING)
        await client.expect_end(PONG + STALE)


async def test_unasked_pongs_are_no_credit(broker: StartBroker) -> None:
    """A thousand PONGs in advance do not pay for one PING."""
    async with broker(**QUICK) as running:
        client = await running.connect()
        await client.send(1000 * PONG)

        await client.expect_end(PING + PING + STALE)


async def test_subscriber_is_pinged_between_messages(broker: StartBroker) -> None:
    """Messages a client is sent neither replace its PINGs nor answer them."""
    async with broker(**QUICK) as running:
        client, publisher = await running.connect(), await running.connect()
        await client.send(QUIET + b"SUB foo 1\r\n")
        await client.fence()

        for _ in range(2):
            await client.expect(PING)
            await publisher.send(QUIET + b"PUB foo 1\r\nx\r\n")
            await client.expect(b"MSG foo 1 1\r\nx\r\n")
        await client.expect_end(STALE)


async def test_stale_client_leaves_others_alone(broker: StartBroker) -> None:
    """Each connection has a count of its own."""
    async with broker(**QUICK) as running:
        silent, alive = await running.connect(), await running.connect()

        await answer_with(alive, PONG, 3)
        await silent.expect_end(PING + PING + STALE)
        await alive.send(PONG)
        await answer_with(alive, PONG, 2)
