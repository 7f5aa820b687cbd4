"""A server inside the test's own event loop, at any kind of listener for clients, on either twin."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal, Unpack

from dependency_injector import providers

from app.adapters.net_memory import MemoryNetwork
from app.config.options import make_options
from app.domain.broker import Broker
from app.entrypoints.container import Container
from app.entrypoints.service import Addresses
from tests.fakes.event_log import RecordingEventLog
from tests.support.broker_fixture import Settings
from tests.support.certificates import certificates
from tests.support.held_clock import HeldClock
from tests.support.memory_client import open_connection
from tests.support.raw_client import RawClient
from tests.support.tls_stream import TlsStream
from tests.support.websocket_stream import WebsocketStream

HOST = "127.0.0.1"

Transport = Literal["tcp", "memory", "tls", "websocket", "websocket-tls", "unix"]
"""What clients come in over. Servers have TCP among each other, or memory."""

_SECOND = ("websocket", "websocket-tls", "unix")
"""Those that have a listener beside the port."""

_AUTHORIZATION = {
    **{name: name for name in ("user", "password", "token", "users")},
    "auth_timeout": "timeout",
}
"""Names of settings, and of the same in the section ``authorization``."""

_ROUTE_AUTHORIZATION = {"route_user": "user", "route_password": "password", "route_auth_timeout": "timeout"}
"""The same of other servers."""


def _nested(settings: Settings) -> dict[str, object]:
    """Settings as the options have them."""
    given = dict(settings)
    asked = {inner: given.pop(name) for name, inner in _AUTHORIZATION.items() if name in given}
    routes = {inner: given.pop(name) for name, inner in _ROUTE_AUTHORIZATION.items() if name in given}
    options: dict[str, object] = {"compatibility": "0.8.0", "host": HOST, **given, "authorization": asked}
    if "routes" in given:
        urls = options.pop("routes")
        options["cluster"] = {"host": HOST, "port": -1, "routes": urls, "authorization": routes}
    return options


def _listener_options(transport: Transport, directory: str) -> dict[str, object]:
    """The options that open the listener; a unix socket is in the directory."""
    files = certificates().files()
    tls = {"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 10}
    sections: dict[Transport, dict[str, object]] = {
        "tls": {"tls": tls},
        "websocket": {"websocket": {"host": HOST, "port": -1, "no_tls": True}},
        "websocket-tls": {"websocket": {"host": HOST, "port": -1, "tls": tls}},
        "unix": {"unix_socket": {"path": str(Path(directory) / "s.sock")}},
    }
    return sections.get(transport, {})


class EmbeddedServer:
    """A running server, its parts in reach, and the clients that tests opened to it."""

    def __init__(
        self,
        transport: Transport,
        twin: str,
        settings: Settings,
        port: int = -1,
        network: MemoryNetwork | None = None,
    ) -> None:
        self.transport = transport
        self._files = ExitStack()
        directory = self._files.enter_context(tempfile.TemporaryDirectory()) if transport == "unix" else ""
        options = {"port": port, **_listener_options(transport, directory), **_nested(settings)}
        self.container = Container(make_options(options), twin)
        self.clock = HeldClock()
        self.container.clock.override(providers.Object(self.clock))
        self.log = RecordingEventLog(trace=False)
        self.container.event_log.override(providers.Object(self.log))
        self.network = network or MemoryNetwork(self.container.clock())
        if transport == "memory":
            self.container.listener.override(providers.Object(self.network.listener(HOST, port)))
            self.container.route_listener.override(providers.Object(self.network.listener(HOST, -1)))
            self.container.dialer.override(providers.Object(self.network.dialer()))
        self.clients: list[RawClient] = []
        self.port = 0
        """The port of the first client listener."""
        self._addresses: Addresses | None = None
        self._stopped = False

    @property
    def broker(self) -> Broker:
        """The broker inside."""
        return self.container.broker()

    async def start(self) -> None:
        """Listen; `port` and `addresses` are known afterwards."""
        self._addresses = await self.container.service().start()
        self.port = self.addresses.clients[0].port

    async def stop(self) -> None:
        """Stop it; may be called twice."""
        if not self._stopped:
            self._stopped = True
            await self.container.service().stop()
            self._files.close()

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        if self._addresses is None:
            raise LookupError("start() first")
        return self._addresses

    @property
    def route_port(self) -> int:
        """Where other servers connect."""
        if self.addresses.routes is None:
            raise LookupError("this server has no cluster")
        return self.addresses.routes.port

    @property
    def pages(self) -> str:
        """Where the pages of monitoring are, without a path."""
        return self._pages("http")

    @property
    def encrypted_pages(self) -> str:
        """The same, over TLS."""
        return self._pages("https")

    def _pages(self, scheme: str) -> str:
        return f"{scheme}://{HOST}:{self.addresses.monitoring[scheme]}"

    async def connect(self) -> RawClient:
        """A new client that has read INFO."""
        if self.transport in ("tcp", "memory"):
            return await self._connect(self.port)
        client = await self._through_listener()
        self.clients.append(client)
        return client

    async def _through_listener(self) -> RawClient:
        """A client that has read INFO, over the layers of this listener."""
        where = self.addresses.clients[1 if self.transport in _SECOND else 0]
        if self.transport == "unix":
            reader, writer = await asyncio.open_unix_connection(where.host)
            return await RawClient.greet(reader, writer, writer.transport.abort)
        reader, writer = await asyncio.open_connection(HOST, where.port)
        abort = writer.transport.abort
        if self.transport == "websocket":
            plain = await WebsocketStream.opened(reader, writer)
            return await RawClient.greet(plain, plain, abort)
        info = await reader.readline() if self.transport == "tls" else b""
        tls = TlsStream(reader, writer, certificates().client_context())
        await tls.shake_hands()
        if self.transport == "tls":
            return RawClient.greeted(info, tls, tls, abort)
        over_tls = await WebsocketStream.opened(tls, tls)
        return await RawClient.greet(over_tls, over_tls, abort)

    async def connect_route(self) -> RawClient:
        """The same at the port for other servers."""
        return await self._connect(self.route_port)

    async def _connect(self, port: int) -> RawClient:
        if self.transport == "memory":
            reader, writer = await open_connection(self.network, HOST, port)
        else:
            reader, writer = await asyncio.open_connection(HOST, port)
        client = await RawClient.greet(reader, writer, writer.transport.abort)
        self.clients.append(client)
        return client


@asynccontextmanager
async def embedded_server(
    transport: Transport,
    twin: str,
    port: int = -1,
    network: MemoryNetwork | None = None,
    **settings: Unpack[Settings],
) -> AsyncIterator[EmbeddedServer]:
    """A server that is stopped when the block is left; give `port` and `network` to restart one."""
    server = EmbeddedServer(transport, twin, settings, port, network)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
