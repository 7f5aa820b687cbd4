"""The other end of a leaf link, in the hands of a test: a hub that is dialled, or a leaf that dials."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client

from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient

HOST = "127.0.0.1"


def hub_info(port: int, **fields: object) -> bytes:
    """What a hub says first, with other or further fields; None leaves a field out."""
    document = {
        "server_id": "NHUB",
        "server_name": "played-hub",
        "version": "2.15.1",
        "proto": 1,
        "host": HOST,
        "port": port,
        "headers": True,
        "auth_required": True,
        "max_payload": 1_048_576,
        "client_id": 7,
        "nonce": "bm9uY2Ugb2YgYSB0ZXN0",
        "leafnode_urls": [f"{HOST}:{port}"],
        **fields,
    }
    kept = {name: value for name, value in document.items() if value is not None}
    return b"INFO %b\r\n" % json.dumps(kept, separators=(",", ":")).encode()


def leaf_connect(**fields: object) -> bytes:
    """What a leaf shows, with other or further fields."""
    document: dict[str, object] = {
        "version": "2.15.1",
        "server_id": "NLEAF",
        "name": "played-leaf",
        "cluster": "played-leaf",
        "headers": True,
        "compress_mode": "off",
        "remote_account": "$G",
        "protocol": 1,
        **fields,
    }
    return b"CONNECT %b\r\n" % json.dumps(document, separators=(",", ":")).encode()


class LeafLink(RawClient):
    """One end of a link, in the hands of a test."""

    async def until_line(self, wanted: bytes) -> list[bytes]:
        """Read up to a line that begins so; all lines, that one last. Pings are answered on the way."""
        lines = [await self.line()]
        while not lines[-1].startswith(wanted):
            if lines[-1].startswith(b"PING"):
                await self.send(b"PONG\r\n")
            lines.append(await self.line())
        return lines

    async def turn(self) -> list[bytes]:
        """Exchange PING and PONG: all that was sent before has been obeyed. What came until then."""
        await self.send(b"PING\r\n")
        return (await self.until_line(b"PONG"))[:-1]

    def finish(self) -> None:
        """Send no more, if the link is still there."""
        with contextlib.suppress(OSError):
            self.half_close()

    async def ends(self) -> bytes:
        """Wait until the other end has closed the link; what came until then."""
        return await self.expect_cut()


class PlayedHub:
    """A port that a server dials; each link is played by the test."""

    def __init__(self) -> None:
        self._links: asyncio.Queue[LeafLink] = asyncio.Queue()
        self._all: list[LeafLink] = []
        self.port = 0

    async def dialled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A link has come in."""
        link = LeafLink(reader, writer, writer.transport.abort)
        self._all.append(link)
        await self._links.put(link)

    async def next_link(self) -> LeafLink:
        """The next link that the server opens; nothing has been said on it."""
        return await asyncio.wait_for(self._links.get(), PATIENCE)

    async def shown(self, info: bytes) -> LeafLink:
        """The next link that the server shows its login on, once it was sent this INFO.

        Links that the server has given up while others were played are passed over.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                link = await self.next_link()
                with contextlib.suppress(ConnectionError, AssertionError):
                    await link.send(info)
                    await link.until_line(b"CONNECT ")
                    return link

    async def joined(self) -> LeafLink:
        """The next link, as far as a well-behaved hub takes it; what the server announced is read."""
        async with asyncio.timeout(PATIENCE):
            while True:
                link = await self.shown(hub_info(self.port, info_on_connect=True))
                with contextlib.suppress(ConnectionError, AssertionError):
                    await link.send(hub_info(self.port, nonce=None, connect_info=True, remote_account="$G"))
                    await link.turn()
                    return link

    def leave(self) -> None:
        """End all links."""
        for link in self._all:
            link.abort()


@asynccontextmanager
async def played_hub() -> AsyncIterator[PlayedHub]:
    """A port of the loopback, closed when the block is left."""
    hub = PlayedHub()
    listener = await asyncio.start_server(hub.dialled, HOST, 0)
    hub.port = listener.sockets[0].getsockname()[1]
    try:
        yield hub
    finally:
        listener.close()
        hub.leave()
        await listener.wait_closed()


async def dial_leaf(port: int) -> LeafLink:
    """A link to a server's port for leaves, after its INFO."""
    reader, writer = await asyncio.open_connection(HOST, port)
    return await LeafLink.greet(reader, writer, writer.transport.abort)


@asynccontextmanager
async def played_leaf(port: int, **fields: object) -> AsyncIterator[LeafLink]:
    """A leaf that has joined, and read what the server announced."""
    link = await dial_leaf(port)
    try:
        await link.send(leaf_connect(**fields))
        await link.turn()
        yield link
    finally:
        link.abort()


async def carries_each_way(client: Client, link: LeafLink) -> None:
    """A message from the link reaches the client, and one of the client the link."""
    subscription = await client.subscribe("from.link")
    await client.flush()
    await link.until_line(b"LS+ from.link\r\n")
    await link.send(b"LMSG from.link 5\r\nhello\r\nLS+ to.link\r\n")
    await link.turn()
    await client.publish("to.link", b"hello")

    assert b"hello" == (await subscription.next_msg(PATIENCE)).data
    await link.until_line(b"LMSG to.link 5\r\n")
