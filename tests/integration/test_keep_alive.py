"""PING from the server, and the end of clients that do not answer (client-protocol.md, section 11)."""

import pytest

from tests.integration.exchanges import PING, PONG, QUIET
from tests.support.broker_fixture import Broker, Settings, StartBroker
from tests.support.held_clock import LIMIT
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.asyncio

STALE = b"-ERR 'Stale Connection'\r\n"

PINGED: Settings = {"ping_interval": LIMIT, "ping_max": 2}


async def answer_with(running: Broker, client: RawClient, line: bytes, times: int) -> None:
    """Let a PING come, and answer it with ``line``, several times."""
    for _ in range(times):
        await running.clock.run_out()
        await client.expect(PING)
        await client.send(line)
        await client.fence()


@pytest.mark.parametrize("sent", [b"", QUIET], ids=["before CONNECT", "after CONNECT"])
@pytest.mark.every_listener
async def test_silent_client_is_stale(broker: StartBroker, sent: bytes) -> None:
    """A client that answers none of two PINGs gets an error and is closed, with or without a CONNECT."""
    async with broker(**PINGED) as running:
        client = await running.connect()
        await client.send(sent)

        for _ in range(3):
            await running.clock.run_out()
        await client.expect_end(PING + PING + STALE)


@pytest.mark.parametrize("ping_max", [1, 3])
async def test_number_of_unanswered_pings(broker: StartBroker, ping_max: int) -> None:
    """There are ``ping_max`` PINGs before the end, no more and no fewer."""
    async with broker(ping_interval=LIMIT, ping_max=ping_max) as running:
        client = await running.connect()

        for _ in range(ping_max):
            await running.clock.run_out()
            await client.expect(PING)
        await running.clock.run_out()
        await client.expect_end(STALE)


async def test_client_that_answers_stays(broker: StartBroker) -> None:
    """Each PONG starts the count again."""
    async with broker(**PINGED) as running:
        client = await running.connect()

        await answer_with(running, client, PONG, 5)
        for _ in range(3):
            await running.clock.run_out()
        await client.expect_end(PING + PING + STALE)


@pytest.mark.parametrize(
    "line", [b"PUB foo 1\r\nx\r\n", b"SUB foo 1\r\n", b"+OK\r\n"], ids=["PUB", "SUB", "+OK"]
)
async def test_only_pong_is_an_answer(broker: StartBroker, line: bytes) -> None:
    """Other traffic does not prove that a client reads."""
    async with broker(**PINGED) as running:
        client = await running.connect()
        await client.send(QUIET)

        await answer_with(running, client, line, 2)
        await running.clock.run_out()
        await client.expect_end(STALE)


async def test_own_pings_are_no_answer(broker: StartBroker) -> None:
    """A client that asks and never answers is stale all the same."""
    async with broker(**PINGED) as running:
        client = await running.connect()

        for _ in range(2):
            await running.clock.run_out()
            await client.expect(PING)
            await client.send(PING)
            await client.expect(PONG)
        await running.clock.run_out()
        await client.expect_end(STALE)


async def test_unasked_pongs_are_no_credit(broker: StartBroker) -> None:
    """A thousand PONGs in advance do not pay for one PING."""
    async with broker(**PINGED) as running:
        client = await running.connect()
        await client.send(1000 * PONG)
        await client.fence()

        for _ in range(3):
            await running.clock.run_out()
        await client.expect_end(PING + PING + STALE)


async def test_subscriber_is_pinged_between_messages(broker: StartBroker) -> None:
    """Messages a client is sent neither replace its PINGs nor answer them."""
    async with broker(**PINGED) as running:
        client, publisher = await running.connect(), await running.connect()
        await client.send(QUIET + b"SUB foo 1\r\n")
        await client.fence()

        for _ in range(2):
            await running.clock.run_out()
            await client.expect(PING)
            await publisher.send(QUIET + b"PUB foo 1\r\nx\r\n")
            await client.expect(b"MSG foo 1 1\r\nx\r\n")
        await running.clock.run_out()
        await client.expect_end(STALE)


async def test_stale_client_leaves_others_alone(broker: StartBroker) -> None:
    """Each connection has a count of its own."""
    async with broker(**PINGED) as running:
        silent, alive = await running.connect(), await running.connect()

        await answer_with(running, alive, PONG, 3)
        await silent.expect_end(PING + PING + STALE)
        await answer_with(running, alive, PONG, 2)
