"""The clients of the load: asyncio streams that have logged in."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from soak.environment import HOST, PASSWORD, USER

_PATIENCE = 30.0
_LIMIT = 1024 * 1024


class ServerFailed(Exception):
    """The server closed, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send, and wait while the server takes no more."""
        self.writer.write(data)
        await self.writer.drain()

    async def fence(self) -> int:
        """Wait until all that was sent is obeyed; the number of messages that came meanwhile."""
        await self.send(b"PING\r\n")
        count = 0
        async with asyncio.timeout(_PATIENCE):
            while (line := await self.reader.readline()) != b"PONG\r\n":
                if not line or line.startswith(b"-ERR"):
                    raise ServerFailed(f"wanted PONG, got {line!r}")
                if line.startswith(b"MSG "):
                    await self.reader.readexactly(int(line.split()[-1]) + 2)
                    count += 1
        return count

    async def read_for_ever(self) -> None:
        """Read and forget, until the end."""
        while await self.reader.read(_LIMIT):
            pass

    def abort(self) -> None:
        """Leave at once."""
        self.writer.transport.abort()


@contextlib.asynccontextmanager
async def logged_in(
    port: int, user: str = USER, password: str = PASSWORD, *, receive_bytes: int = 0, name: str = "load"
) -> AsyncIterator[Client]:
    """A client that has sent its login; it leaves with the block. Raises `OSError`."""
    async with connected(port, receive_bytes) as client:
        login = {"user": user, "pass": password, "verbose": False, "pedantic": False, "name": name}
        await client.send(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
        yield client


@contextlib.asynccontextmanager
async def connected(port: int, receive_bytes: int = 0) -> AsyncIterator[Client]:
    """A connection that has said nothing yet. Raises `OSError`."""
    link = socket.socket()
    try:
        link.settimeout(0)
        if receive_bytes:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(link, (HOST, port))
        limit = receive_bytes or _LIMIT
        reader, writer = await asyncio.open_connection(sock=link, limit=limit)
    except BaseException:
        link.close()
        raise
    try:
        yield Client(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await asyncio.wait_for(writer.wait_closed(), _PATIENCE)
    finally:
        writer.transport.abort()
