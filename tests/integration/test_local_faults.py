"""Faults of clients without a socket, on both twins."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app import ClientClosed, Server
from app.embedding.client import Subscription
from app.testing import ManualClock
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=twins())
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server that records."""
    async with Server(data_plane=request.param, record=True) as started:
        yield started


async def read(messages: Subscription, count: int) -> list[bytes]:
    """The next payloads."""
    return [(await messages.next(timeout=PATIENCE)).data for _ in range(count)]


async def test_what_it_publishes(server: Server) -> None:
    """Messages are lost, come again, and come late."""
    async with (
        server.client("p") as publisher,
        server.client("r") as reader,
        reader.subscribe(">") as messages,
    ):
        server.faults.drop("lost", client="p")
        server.faults.duplicate("twice")
        server.faults.delay("late", seconds=0.01)
        for subject in ("lost", "twice", "late", "last"):
            await publisher.publish(subject, subject.encode())
        await publisher.flush()

        assert [b"twice", b"twice", b"late", b"last"] == await read(messages, 4)
        assert [1, 1, 1] == [rule.hits for rule in server.faults.rules]


async def test_what_it_is_sent(server: Server) -> None:
    """Deliveries to one client, or to one queue group, are lost."""
    async with (
        server.client("a") as a,
        server.client("b") as b,
        a.subscribe("x") as to_a,
        b.subscribe("x") as to_b,
        b.subscribe("x", queue="q") as to_q,
    ):
        server.faults.drop(client="a", direction="out", times=1)
        server.faults.drop(queue="q", times=1)
        await a.publish("x", b"1")
        await a.publish("x", b"2")

        assert [[b"2"], [b"1", b"2"], [b"2"]] == [
            await read(to_a, 1),
            await read(to_b, 2),
            await read(to_q, 1),
        ]


async def test_a_cut(server: Server) -> None:
    """The client is closed at its second message, and can be entered again."""
    client = server.client("billing")
    async with server.client() as reader, reader.subscribe("x") as messages:
        server.faults.cut(client="billing", on=2)
        async with client:
            await client.publish("x", b"1")
            await client.publish("x", b"2")
            await server.wait_for(lambda one: one.faults.rules[0].hits == 1)
            with pytest.raises(ClientClosed):
                await client.publish("x", b"3")
        async with client:
            await client.publish("x", b"4")

        assert [b"1", b"4"] == await read(messages, 2)


async def test_a_cut_at_a_delivery(server: Server) -> None:
    """What was delivered before can still be read."""
    async with (
        server.client("p") as publisher,
        server.client("r") as reader,
        reader.subscribe("x") as messages,
    ):
        server.faults.cut(client="r", direction="out", on=3)
        for text in (b"1", b"2", b"3"):
            await publisher.publish("x", text)

        assert [b"1", b"2"] == await read(messages, 2)
        with pytest.raises(ClientClosed):
            await messages.next(timeout=PATIENCE)


async def test_stalls(server: Server) -> None:
    """Nothing comes in or goes out until they end; one that comes later is stalled too."""
    async with server.client("r") as reader, reader.subscribe("x") as messages:
        with server.faults.stall(client="p", direction="in") as first:
            async with asyncio.timeout(PATIENCE):
                entered = server.client("p")
                await entered.__aenter__()
                await entered.publish("x", b"1")
            with pytest.raises(TimeoutError):
                await messages.next(timeout=0.05)
        await entered.__aexit__()
        with server.faults.stall(client="r", direction="out") as second:
            async with server.client() as other:
                await other.publish("x", b"2")
            assert [b"1"] == await read(messages, 1)
            with pytest.raises(TimeoutError):
                await messages.next(timeout=0.05)

        assert [b"2"] == await read(messages, 1)
    assert (1, 1) == (first.hits, second.hits)


async def test_a_delay_on_a_manual_clock() -> None:
    """A message that is delayed is not lost when its client is left: that waits for it."""
    clock = ManualClock()
    async with Server(clock=clock) as server, server.client() as reader, reader.subscribe("x") as messages:
        server.faults.delay("x", seconds=10)
        client = server.client()
        await client.__aenter__()
        await client.publish("x", b"1")
        leaving = asyncio.create_task(client.__aexit__())
        await server.wait_for(lambda one: one.faults.rules[0].hits == 1)
        await clock.advance(9)
        before = leaving.done()
        await clock.advance(1)
        await leaving

        assert (False, [b"1"]) == (before, await read(messages, 1))


async def test_it_is_recorded(server: Server) -> None:
    """Its conversation is kept as those of others."""
    async with server.client("x") as client, client.subscribe("a") as messages:
        await client.publish("a", b"1", headers={"k": "v"})
        await messages.next(timeout=PATIENCE)
    [frames] = server.faults.conversations.values()

    assert ["--> HPUB a 18 19", "<-- HMSG a 1 18 19"] == [frame.partition(" '")[0] for frame in frames]


async def test_a_lame_duck_keeps_the_program(server: Server) -> None:
    """Clients of the program itself are let in."""
    server.faults.lame_duck()
    async with server.client() as client, client.subscribe("a") as messages:
        await client.publish("a", b"1")

        assert [b"1"] == await read(messages, 1)


async def test_a_large_message_in_the_middle_of_which_a_rule_begins(server: Server) -> None:
    """It arrives whole, and the next one is hit."""
    text = b"x" * 1_000_000
    async with server.client() as reader, reader.subscribe("x") as messages, server.client() as client:
        await client.publish("x", text)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rule = server.faults.drop("x", on=2)
        await client.publish("x", b"1")
        await client.publish("x", b"2")
        await client.publish("x", b"3")

        got = await read(messages, 3)
    assert (text, 1) == (got[0], rule.hits)
    assert b"3" == got[-1]
