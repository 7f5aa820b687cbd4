"""Asyncio streams over a `MemoryNetwork`, and nats-py on top of them.

The streams are asyncio's own; only the transport below them is ours, so they drain,
close and report their end as over TCP.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import ParseResult

import nats.aio.client
from nats.aio.transport import TcpTransport

from app.adapters.net_memory import MemoryNetwork, MemoryWire
from app.domain.events import Link
from app.domain.sessions.wire import Wire
from app.ports.transport import HIGH_WATER, Address

_STREAM_LIMIT = 64 * 1024
_ROOM = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """What asyncio calls a transport, over one end of a link in memory."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._room = memoryview(bytearray(_ROOM))
        self._wire: MemoryWire
        self._closing = False
        self._reading = True
        self._writing_paused = False

    def attach(self, wire: Wire) -> "MemoryTransport":
        """Drive `wire`; the acceptor for `MemoryNetwork.connect`."""
        self._wire = cast("MemoryWire", wire)
        self._protocol.connection_made(self)
        return self

    # What the protocol asks of a transport.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, and ask the protocol to wait when much is pending."""
        self._wire.write(bytes(data))
        if self._wire.pending() > HIGH_WATER and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Send our end of file, and read on."""
        self._wire.write_eof()

    def can_write_eof(self) -> bool:
        """Yes: links in memory close by halves."""
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes that the other end has no room for yet."""
        return self._wire.pending()

    def pause_reading(self) -> None:
        """Leave what comes in where it is."""
        self._reading = False
        self._wire.pause()

    def resume_reading(self) -> None:
        """Read on."""
        self._reading = True
        self._wire.resume()

    def is_reading(self) -> bool:
        """Whether bytes still reach the protocol."""
        return self._reading and not self._closing

    def is_closing(self) -> bool:
        """Whether the link is closing or gone."""
        return self._closing

    def close(self) -> None:
        """Send what is pending, then end."""
        self._closing = True
        self._wire.close()

    def abort(self) -> None:
        """End now."""
        self._closing = True
        self._wire.abort()

    def get_protocol(self) -> asyncio.Protocol:
        """Whom this transport serves."""
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as asyncio has it
        """Tell the peer's name; there is no socket to tell of."""
        if name == "peername":
            return self._wire.peer.ip, self._wire.peer.port
        return default

    # What the wire tells its handler.

    @property
    def link(self) -> Link:
        """The client's end, in the words of an event log."""
        return Link("client", 1, str(self._wire.peer))

    def opened(self) -> None:
        """Nothing to do: the protocol was told when the wire was attached."""

    def reserve(self) -> memoryview:
        """Lend this end's own room."""
        return self._room

    def received(self, count: int) -> None:
        """Pass the bytes on to the protocol."""
        self._protocol.data_received(bytes(self._room[:count]))

    def eof_received(self) -> None:
        """Pass the end of file on; a protocol may want the link kept half open."""
        if not self._protocol.eof_received():
            self.close()

    def drained(self) -> None:
        """Let the protocol write on."""
        self._writing_paused = False
        self._protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the protocol that the link is gone."""
        self._closing = True
        self._protocol.connection_lost(error)


async def open_connection(
    network: MemoryNetwork, host: str, port: int, *, limit: int = _STREAM_LIMIT
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Do what `asyncio.open_connection` does, over `network`.

    Raises `ConnectionRefusedError` when nobody listens.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = MemoryTransport(protocol)
    network.connect(Address(host, port), transport.attach)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@contextmanager
def nats_over(network: MemoryNetwork) -> Iterator[None]:
    """Let every nats-py client that connects meanwhile do so over `network`.

    ``nats://host:port`` then names an address of the network. A client keeps its
    network when it reconnects later only while this lasts.
    """

    class MemoryTcpTransport(TcpTransport):
        async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
            if uri.hostname is None or uri.port is None:
                raise ValueError(f"name a host and a port: nats://host:port, not {uri.geturl()}")
            async with asyncio.timeout(connect_timeout):
                streams = await open_connection(network, uri.hostname, uri.port, limit=buffer_size)
            self._bare_io_reader, self._bare_io_writer = streams
            self._io_reader, self._io_writer = streams

    with patch.object(nats.aio.client, "TcpTransport", MemoryTcpTransport):
        yield
