"""A leaf that has no login, or says nonsense, gets nothing of a hub of ours, and does it no harm."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.integration.leaf_inputs import CLOSING, TOLERATED, UNCLEAR
from tests.support.leaf_clients import clients, is_unheard, until
from tests.support.leaf_peer import LeafLink, carries_each_way, dial_leaf, leaf_connect, played_leaf
from tests.support.leaf_servers import LeafServer, LeafSetup, leaf_twins
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

LOGIN = {"user": "leaf", "pass": "s3cr3t"}
GUARD = "authorization { user: leaf, password: s3cr3t, timeout: 1 }"
LIMITS = "max_pending: 1MB"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"

BEFORE_LOGIN = {
    "interest": b"LS+ >\r\n",
    "a message": b"LMSG secret 2\r\nhi\r\n",
    "no login": leaf_connect(),
    "a wrong password": leaf_connect(user="leaf", **{"pass": "guess"}),
    "another user": leaf_connect(user="root", **{"pass": "s3cr3t"}),
    "a login of numbers": leaf_connect(user=1, **{"pass": 2}),
    "a signature of nobody": leaf_connect(nkey="U" + 55 * "A", sig=86 * "A"),
    "a JWT": leaf_connect(jwt="e30.e30.e30", sig=86 * "A"),
    "no JSON": b"CONNECT nonsense\r\n",
    "deep JSON": b"CONNECT " + 2_000 * b"[" + b"\r\n",
    "a client": b'CONNECT {"lang":"go","version":"1","user":"leaf","pass":"s3cr3t"}\r\n',
    "a long line": b"CONNECT " + 1_000_000 * b"x",
}
"""What is refused of those who have not logged in."""


@pytest.fixture(name="hub", scope="module", params=leaf_twins())
def _hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeafServer]:
    """A server whose leaves need a password."""
    setup = LeafSetup(request.param, "hub", GUARD, LIMITS, monitored=True)
    with LeafServer(setup, tmp_path_factory.mktemp("hub")) as server:
        yield server
        assert "Traceback" not in server.log


@asynccontextmanager
async def dialled(hub: LeafServer) -> AsyncIterator[LeafLink]:
    """A link that has read INFO, and shown nothing."""
    link = await dial_leaf(hub.leaf_port)
    try:
        yield link
    finally:
        link.abort()


@pytest.mark.parametrize("what", BEFORE_LOGIN)
async def test_without_a_login(hub: LeafServer, what: str) -> None:
    """The link ends, nothing was announced on it, and nothing that came over it reaches a client."""
    async with clients(hub.url) as (client,), dialled(hub) as link:
        heard = await client.subscribe("secret")
        await client.flush()
        await link.flood(BEFORE_LOGIN[what], 1)
        said = await link.ends()

        await client.flush()
        assert b"LS+" not in said
        assert b"secret" not in said
        assert 0 == heard.pending_msgs
        assert await is_unheard(client, "other", PATIENCE)


async def test_a_leaf_that_says_nothing(hub: LeafServer) -> None:
    """It is closed when its time to log in is over."""
    async with dialled(hub) as link:
        assert b"-ERR 'Authentication Timeout'\r\n" in await link.ends()


async def test_two_hundred_without_a_login(hub: LeafServer) -> None:
    """Many links that say nothing are all closed, and neither clients nor a leaf with a login suffer."""
    links = [await dial_leaf(hub.leaf_port) for _ in range(200)]
    try:
        await expect_carried(hub)
        said = await asyncio.gather(*(link.ends() for link in links))
    finally:
        for link in links:
            link.abort()

    assert {b"-ERR 'Authentication Timeout'\r\n"} == set(said)


async def expect_carried(hub: LeafServer) -> None:
    """A leaf with a login has messages each way."""
    async with clients(hub.url) as (client,), played_leaf(hub.leaf_port, **LOGIN) as link:
        await carries_each_way(client, link)


@pytest.mark.parametrize("what", CLOSING)
async def test_lines_that_end_the_link(hub: LeafServer, what: str) -> None:
    """Each ends the link, and nothing of it reaches a client."""
    async with clients(hub.url) as (client,), played_leaf(hub.leaf_port, **LOGIN) as link:
        heard = await client.subscribe("a")
        await client.flush()

        await link.flood(CLOSING[what], 1)
        await link.ends()

        await client.flush()
        assert what == "LMSG size too small" or heard.pending_msgs == 0


@pytest.mark.parametrize("what", TOLERATED)
async def test_lines_that_are_tolerated(hub: LeafServer, what: str) -> None:
    """They are refused or ignored, and the link goes on."""
    async with clients(hub.url) as (client,), played_leaf(hub.leaf_port, **LOGIN) as link:
        await link.send(TOLERATED[what])
        await link.turn()

        await link.send(b"LS+ goes.on\r\n")
        await link.turn()
        await client.publish("goes.on", b"hello")
        await client.flush()
        assert b"LMSG goes.on 5\r\n" == (await link.until_line(b"LMSG goes.on"))[-1]


@pytest.mark.parametrize("what", UNCLEAR)
async def test_lines_of_which_anything_may_come(hub: LeafServer, what: str) -> None:
    """The server is well, and its next leaf, too."""
    async with played_leaf(hub.leaf_port, **LOGIN) as link:
        await link.flood(UNCLEAR[what], 1)
        link.finish()
        await link.ends()

    await expect_carried(hub)


async def test_a_leaf_that_breaks_off_at_each_step(hub: LeafServer) -> None:
    """Whenever a leaf ends the link, what it announced is forgotten."""
    connect = leaf_connect(**LOGIN)
    async with clients(hub.url) as (client,):
        for said in (b"", connect[:40], connect, connect + b"LS+ gone\r\nLMSG gone 10\r\nhel"):
            async with dialled(hub) as link:
                await link.send(said)

        await until(lambda: is_unheard(client, "gone"))
    await expect_carried(hub)


async def test_twenty_thousand_subjects(hub: LeafServer) -> None:
    """Interest of that size is kept as long as the link lives, and forgotten with it."""
    before = _subscriptions(hub)
    async with clients(hub.url) as (client,):
        async with played_leaf(hub.leaf_port, **LOGIN) as link:
            for first in range(0, 20_000, 1000):
                await link.send(b"".join(b"LS+ wide.%d.x\r\n" % (first + number) for number in range(1000)))
            await link.turn()
            await client.publish("wide.19999.x", b"hello")
            await client.flush()
            await link.until_line(b"LMSG wide.19999.x 5\r\n")
            assert _subscriptions(hub) >= before + 20_000

        await until(lambda: is_unheard(client, "wide.19999.x"))

        async def has_few() -> bool:
            """Whether they have been removed, which is done in steps."""
            return _subscriptions(hub) < before + 100

        await until(has_few)


async def test_a_leaf_that_reads_nothing(hub: LeafServer) -> None:
    """It is closed as a slow consumer, and publishers go on."""
    async with clients(hub.url) as (client,), played_leaf(hub.leaf_port, **LOGIN) as link:
        await link.send(b"LS+ flood\r\n")
        await link.turn()

        for _ in range(300):
            await client.publish("flood", 100_000 * b"x")
            await client.flush()

        await until(lambda: is_unheard(client, "flood"))
        assert client.is_connected


async def test_a_name_with_line_ends(hub: LeafServer) -> None:
    """The name of a leaf cannot write lines into the log."""
    name = "x\r\n[1] 2026/01/01 00:00:00.000000 [INF] a line of its own\x1b[31m"
    async with dialled(hub) as link:
        await link.send(leaf_connect(name=name, **LOGIN))
        link.finish()
        await link.ends()
    await expect_carried(hub)

    assert not any("a line of its own" in line and line.startswith("[1] ") for line in hub.log.splitlines())
    assert "\x1b" not in hub.log


def _subscriptions(server: LeafServer) -> int:
    return int(httpx.get(f"{server.pages}/varz", timeout=PATIENCE).json()["subscriptions"])
