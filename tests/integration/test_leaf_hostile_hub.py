"""A hub that lies, breaks off or says nonsense does a leaf of ours no harm: it dials again, and serves on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from tests.integration.leaf_inputs import CLOSING, TOLERATED, UNCLEAR
from tests.support.leaf_clients import clients, is_unheard, until
from tests.support.leaf_peer import HOST, PlayedHub, carries_each_way, hub_info, played_hub
from tests.support.leaf_servers import LeafServer, LeafSetup, leaf_twins
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

LOG_BYTES = 200_000
"""More than any of these tests has a reason to log."""

GARBAGE = {
    "no INFO": b"HELLO\r\n",
    "no JSON": b"INFO nonsense\r\n",
    "an array": b"INFO []\r\n",
    "deep JSON": b"INFO " + 20_000 * b"[" + b"\r\n",
    "an error": b"-ERR 'go away'\r\n",
    "a megabyte": b'INFO {"server_id":"' + 1_000_000 * b"x" + b'"}\r\n',
    "a megabyte without an end": b'INFO {"server_id":"' + 1_000_000 * b"x",
    "zero bytes": bytes(100_000),
}
"""What no hub begins with."""

LIES: dict[str, dict[str, object]] = {
    "the port of clients": {"leafnode_urls": None},
    "no number of the link": {"client_id": None},
    "numbers for texts": {"server_id": 1, "server_name": 2, "nonce": 3},
    "texts for numbers": {"client_id": "7", "max_payload": "much"},
    "no list of addresses": {"leafnode_urls": "nowhere"},
    "addresses that are none": {"leafnode_urls": [1, None, {}, "", "::::", "a b:1", "x:99999", "\r\n:1"]},
}
"""Fields that no hub has."""


@asynccontextmanager
async def leaf_of(hub: PlayedHub, folder: Path, twin: str) -> AsyncIterator[LeafServer]:
    """A server of ours that dials this hub without delay, and is still well when the block is left."""
    remotes = f'reconnect: "20ms", remotes = [ {{ url: "nats-leaf://{HOST}:{hub.port}" }} ]'
    server = LeafServer(LeafSetup(twin, "leaf", remotes, listens=False, monitored=True), folder)
    await asyncio.to_thread(server.__enter__)  # it dials while it starts, and is to be answered
    try:
        yield server
        async with clients(server.url) as (client,):
            subscription = await client.subscribe("well")
            await client.publish("well", b"yes")
            assert b"yes" == (await subscription.next_msg(PATIENCE)).data
        assert "Traceback" not in server.log
        assert len(server.log) < LOG_BYTES
    finally:
        await asyncio.to_thread(server.stop)


async def expect_carried(hub: PlayedHub, server: LeafServer) -> None:
    """The server dials again, and the link expect_carried a message each way."""
    link = await hub.joined()
    async with clients(server.url) as (client,):
        await carries_each_way(client, link)


@pytest.mark.parametrize("twin", leaf_twins()[-1:])
@pytest.mark.parametrize("what", GARBAGE)
async def test_a_first_word_that_is_no_info(tmp_path: Path, twin: str, what: str) -> None:
    """The link is closed before anything was shown, and the next one works."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        link = await hub.next_link()
        await link.flood(GARBAGE[what], 1)

        assert b"CONNECT" not in await link.ends()
        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins()[-1:])
@pytest.mark.parametrize("what", LIES)
async def test_an_info_that_lies(tmp_path: Path, twin: str, what: str) -> None:
    """Whatever INFO says, the server is well, and the next link works."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        link = await hub.next_link()
        await link.send(hub_info(hub.port, **LIES[what]))
        link.finish()
        await link.ends()

        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins()[-1:])
async def test_ten_thousand_addresses(tmp_path: Path, twin: str) -> None:
    """A hub that names 10,000 addresses is listened to up to a bound, and dialled again soon."""
    urls = [f"127.1.{number // 250}.{number % 250 + 1}:1" for number in range(10_000)]
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        link = await hub.next_link()
        await link.flood(hub_info(hub.port, leafnode_urls=[f"{HOST}:{hub.port}", *urls]), 1)
        link.finish()
        await link.ends()

        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins()[-1:])
async def test_a_hub_that_breaks_off_at_each_step(tmp_path: Path, twin: str) -> None:
    """Whenever a hub ends the link, the server dials again."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        first = hub_info(hub.port, info_on_connect=True)
        second = hub_info(hub.port, nonce=None, connect_info=True)
        for said in (b"", first[:50], first[:-1]):
            link = await hub.next_link()
            await link.send(said)
            link.abort()
        for said in (b"", second[:50], second, second + b"LS+ a\r\nLMSG a 10\r\nhel", second + b"LS+ a"):
            link = await hub.shown(first)
            await link.send(said)
            link.abort()

        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins()[-1:])
async def test_a_hub_that_says_nothing(tmp_path: Path, twin: str) -> None:
    """After some time without INFO the link is closed, and the next one works."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        silent = await hub.next_link()

        assert b"" == await silent.ends()
        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins())
async def test_lines_that_end_the_link(tmp_path: Path, twin: str) -> None:
    """Each is answered with the end of the link, nothing of it reaches a client, and the next link works."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server, clients(server.url) as (client,):
        heard = await client.subscribe(">")
        await client.flush()
        for name, said in CLOSING.items():
            link = await hub.joined()
            await link.flood(said, 1)
            await link.ends()
            assert "a" not in {message.subject for message in await _taken(heard)}, name

        assert client.is_connected
        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins())
async def test_lines_that_are_tolerated(tmp_path: Path, twin: str) -> None:
    """They are refused or ignored, and the link goes on."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server, clients(server.url) as (client,):
        link = await hub.joined()
        for said in TOLERATED.values():
            await link.send(said)
            await link.turn()

        await link.send(b"LS+ goes.on\r\n")
        await link.turn()
        await client.publish("goes.on", b"hello")
        await client.flush()
        await link.until_line(b"LMSG goes.on 5\r\n")
        assert await is_unheard(client, "twice", PATIENCE)


@pytest.mark.parametrize("twin", leaf_twins())
async def test_lines_of_which_anything_may_come(tmp_path: Path, twin: str) -> None:
    """The server is well, and the next link works."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server:
        for said in UNCLEAR.values():
            link = await hub.joined()
            await link.flood(said, 1)
            link.finish()
            await link.ends()

        await expect_carried(hub, server)


@pytest.mark.parametrize("twin", leaf_twins())
async def test_twenty_thousand_subjects(tmp_path: Path, twin: str) -> None:
    """Interest of that size is kept as long as the link lives, and forgotten with it."""
    async with played_hub() as hub, leaf_of(hub, tmp_path, twin) as server, clients(server.url) as (client,):
        link = await hub.joined()
        for first in range(0, 20_000, 1000):
            await link.send(b"".join(b"LS+ wide.%d.x\r\n" % (first + number) for number in range(1000)))
        await link.turn()
        await client.publish("wide.19999.x", b"hello")
        await client.flush()
        await link.until_line(b"LMSG wide.19999.x 5\r\n")
        assert _subscriptions(server) >= 20_000

        link.abort()

        await until(lambda: is_unheard(client, "wide.19999.x"))
        await until(partial(_has_few, server))


def _subscriptions(server: LeafServer) -> int:
    return int(httpx.get(f"{server.pages}/varz", timeout=PATIENCE).json()["subscriptions"])


async def _has_few(server: LeafServer) -> bool:
    """Whether what a link had announced has been removed, which is done in steps."""
    return _subscriptions(server) < 100


async def _taken(subscription: Subscription) -> list[Msg]:
    """What has come so far."""
    return [await subscription.next_msg(PATIENCE) for _ in range(subscription.pending_msgs)]
