"""A running server whose clients need TLS, and clients for it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from dependency_injector import providers

from app.adapters.net_asyncio.tls_context import TlsFiles
from app.config.options import make_options
from app.entrypoints.container import Container
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.held_clock import HeldClock
from tests.support.raw_client import RawClient
from tests.support.tls_stream import TlsStream

HOST = "127.0.0.1"


class TlsServer:
    """The server, its log, and the clients that tests opened to it."""

    def __init__(
        self,
        tls: TlsFiles,
        patience: float,
        tls_section: Mapping[str, object] | None = None,
        **options: object,
    ) -> None:
        section = {
            "cert_file": tls.cert_file,
            "key_file": tls.key_file,
            "ca_file": tls.ca_file,
            "verify": tls.verify,
            "timeout": patience,
            **(tls_section or {}),
        }
        self.container = Container(
            make_options({"compatibility": "0.8.0", "host": HOST, "port": -1, "tls": section} | options)
        )
        self.clock = HeldClock()
        self.container.clock.override(providers.Object(self.clock))
        self.log = RecordingEventLog(trace=False)
        self.container.event_log.override(providers.Object(self.log))
        self.port = 0
        self.clients: list[RawClient] = []

    async def link(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A plain link that has read INFO; the server waits for a handshake."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        assert (await reader.readline()).startswith(b"INFO ")
        return reader, writer

    async def connect(self, context: ssl.SSLContext | None = None) -> RawClient:
        """A client after INFO and the handshake."""
        reader, writer = await self.link()
        stream = TlsStream(reader, writer, context or certificates().client_context())
        await stream.shake_hands()
        client = RawClient(stream, stream, writer.transport.abort)
        self.clients.append(client)
        return client

    def complaints(self) -> list[str]:
        """What the log says about failed handshakes."""
        return [text for text in self.log.texts() if text.startswith("TLS handshake error")]


@asynccontextmanager
async def tls_server(
    tls: TlsFiles | None = None,
    patience: float = 10.0,
    tls_section: Mapping[str, object] | None = None,
    **options: object,
) -> AsyncIterator[TlsServer]:
    """A server with a time limit for handshakes; it stops when the block is left."""
    server = TlsServer(tls or certificates().files(), patience, tls_section, **options)
    service = server.container.service()
    server.port = (await service.start()).clients[0].port
    try:
        yield server
    finally:
        await service.stop()
        for client in server.clients:
            client.abort()
        await service.departed()
