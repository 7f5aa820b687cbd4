"""Clients for tests of faults: plain sockets, with all that a test does not close closed at its end."""

import asyncio
import json

from app import Server
from tests.support.raw_client import RawClient

_OPENED: list[RawClient] = []


def keep(client: RawClient) -> RawClient:
    """The same client, which `close_all` closes."""
    _OPENED.append(client)
    return client


async def close_all() -> None:
    """All clients of a test are gone."""
    while _OPENED:
        _OPENED.pop().abort()
    await asyncio.sleep(0)


async def greeted(server: Server) -> RawClient:
    """A client that has read INFO."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    return keep(await RawClient.greet(reader, writer, writer.transport.abort))


async def connect(server: Server, name: str = "", subscribe: str = "", user: str = "") -> RawClient:
    """A client that has been greeted, has its PONG, and has read that it is let in."""
    client = await greeted(server)
    options = {"verbose": False, "name": name, "user": user, "headers": True, "protocol": 1}
    await client.send(b"CONNECT %b\r\n" % json.dumps(options).encode())
    if subscribe:
        await client.send(b"SUB %b 1\r\n" % subscribe.encode())
    await client.send(b"PING\r\n")
    assert await client.line() == b"PONG\r\n"
    assert b'"connect_info":true' in await client.line()
    return client


async def payloads(client: RawClient) -> list[bytes]:
    """What was delivered until the answer to a PING."""
    await client.send(b"PING\r\n")
    found = []
    while (line := await client.line()) != b"PONG\r\n":
        if line.startswith(b"MSG"):
            found.append((await client.line()).strip())
    return found


async def publish(client: RawClient, subject: str, *texts: str) -> None:
    """Publish one after the other, and wait until the server has them."""
    for text in texts:
        await client.send(b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(text), text.encode()))
    await client.send(b"PING\r\n")
    while (line := await client.line()).startswith((b"PING", b"INFO")):
        pass  # the server's own two seconds after CONNECT, and what it says of other servers
    assert line == b"PONG\r\n"


async def payloads_of(client: RawClient, count: int) -> list[bytes]:
    """The next messages."""
    found: list[bytes] = []
    while len(found) < count:
        if (await client.line()).startswith(b"MSG"):
            found.append((await client.line()).strip())
    return found
