"""Asyncio streams over a `MemoryNetwork`, and nats-py on top of them.

The streams are asyncio's own, over a transport of ours, so they drain, close and
end as over TCP.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import ParseResult

import nats.aio.client
import pytest
from nats.aio.transport import TcpTransport

from app.adapters.net_memory import MemoryNetwork, MemoryWire
from app.domain.events import Link
from app.domain.sessions.wire import Wire
from app.ports.layers import LayerFactory
from app.ports.transport import HIGH_WATER, Address

_STREAM_LIMIT = 64 * 1024
_ROOM = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """An asyncio transport over one end of a link in memory."""

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

    # Called by the protocol.

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
        """Send an end of file, and continue to read."""
        self._wire.write_eof()

    def can_write_eof(self) -> bool:
        """Yes: links in memory can be half closed."""
        return True

    def get_write_buffer_size(self) -> int:
        """Pending bytes."""
        return self._wire.pending()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._reading = False
        self._wire.pause()

    def resume_reading(self) -> None:
        """Continue to read."""
        self._reading = True
        self._wire.resume()

    def is_reading(self) -> bool:
        """Whether bytes still reach the protocol."""
        return self._reading and not self._closing

    def is_closing(self) -> bool:
        """Whether the link is closing or closed."""
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
        """The protocol of this transport."""
        return self._protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as asyncio has it
        """The peer's name; other information belongs to sockets."""
        if name == "peername":
            return self._wire.peer.ip, self._wire.peer.port
        return default

    # Called by the wire.

    @property
    def link(self) -> Link:
        """The client's end, as in an event log."""
        return Link("client", 1, str(self._wire.peer))

    def opened(self) -> None:
        """Nothing to do: `attach` has called the protocol."""

    def reserve(self) -> memoryview:
        """The buffer of this end."""
        return self._room

    def received(self, count: int) -> None:
        """Pass the bytes on to the protocol."""
        self._protocol.data_received(bytes(self._room[:count]))

    def eof_received(self) -> None:
        """Pass the end of file on; a protocol may want the link kept half open."""
        if not self._protocol.eof_received():
            self.close()

    def drained(self) -> None:
        """Let the protocol continue to write."""
        self._writing_paused = False
        self._protocol.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass the end of the link on."""
        self._closing = True
        self._protocol.connection_lost(error)


async def open_connection(
    network: MemoryNetwork,
    host: str,
    port: int,
    *,
    limit: int = _STREAM_LIMIT,
    layers: Sequence[LayerFactory] = (),
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Do what `asyncio.open_connection` does, over `network`; `layers` have no handshake.

    Raises `ConnectionRefusedError` without a listener.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = MemoryTransport(protocol)
    network.connect(Address(host, port), transport.attach, layers)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@contextmanager
def nats_over(network: MemoryNetwork) -> Iterator[None]:
    """Within the block, nats-py clients connect over `network`.

    ``nats://host:port`` names an address of the network. A client that reconnects after
    the block does so over TCP.
    """

    class MemoryTcpTransport(TcpTransport):
        async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
            if uri.hostname is None or uri.port is None:
                raise ValueError(f"name a host and a port: nats://host:port, not {uri.geturl()}")
            async with asyncio.timeout(connect_timeout):
                streams = await open_connection(network, uri.hostname, uri.port, limit=buffer_size)
            self._bare_io_reader, self._bare_io_writer = streams
            self._io_reader, self._io_writer = streams

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nats.aio.client, "TcpTransport", MemoryTcpTransport)
        yield
