"""Dialling hubs over sockets: time limits, TLS before and after INFO, and names in certificates."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from app.adapters.net_asyncio.leaf_dialer import LeafDialSettings, LeafTcpDialer
from app.adapters.net_asyncio.tls_context import TlsFiles, dialing_context, server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.domain.leaf.leaf_url import LeafUrl
from app.testing import free_port
from tests.fakes.handler import RecordingAcceptor
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

LOOPBACK = "127.0.0.1"
INFO = b'INFO {"server_id":"NHUB"}\r\n'
SECURE = b'INFO {"server_id":"NHUB","tls_required":true}\r\n'
WAIT = PATIENCE


@asynccontextmanager
async def hub(
    info: bytes, *, tls: ssl.SSLContext | None = None, first: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port of a server that says INFO, and begins TLS before or after it."""
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (own := asyncio.current_task()) is not None:
            served.add(own)
        writer.write(info)
        with suppress(ConnectionError, ssl.SSLError):
            if tls is not None:
                await writer.drain()
                await writer.start_tls(tls)
                writer.write(b"PING\r\n")
            await reader.read()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, LOOPBACK, 0, ssl=first) as server:
        yield server.sockets[0].getsockname()[1]
        if served:
            await asyncio.wait(served, timeout=WAIT)


class Dial:
    """One dial and what comes of it."""

    def __init__(self, settings: LeafDialSettings, files: TlsFiles | None = None) -> None:
        self.changed = asyncio.Event()
        self.acceptor = RecordingAcceptor(self.changed.set)
        self.refusals: list[str] = []
        self.failures: list[Exception] = []
        context = dialing_context(files or TlsFiles("", "", certificates().authority.ca_file))
        tls = TlsLayers(TlsSettings(context, WAIT, lambda _: None, for_routes=True, peers="leafnode"))
        self.dialer = LeafTcpDialer(settings, tls, on_failure=self.failures.append)

    def refused(self, reason: str) -> None:
        """Note it."""
        self.refusals.append(reason)
        self.changed.set()

    async def to(self, url: LeafUrl, enough: bytes = b"") -> None:
        """Dial, and wait until that much has come, or the dial was refused."""
        self.dialer.dial(url, self.acceptor, self.refused)
        await self.until(
            lambda: bool(self.refusals) or (bool(self.acceptor.handlers) and enough in self.data())
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait, with a bound."""
        async with asyncio.timeout(WAIT):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def data(self) -> bytes:
        """What has come in."""
        return bytes(self.acceptor.handlers[0].data)

    def end(self) -> None:
        """End the link, if there is one."""
        for handler in self.acceptor.handlers:
            handler.wire.abort()
        self.dialer.close()


async def test_tls_begins_after_info() -> None:
    """The hub asks for it, and the session notices nothing but that it is protected."""
    async with hub(SECURE, tls=server_context(certificates().files())) as port:
        dial = Dial(LeafDialSettings())
        await dial.to(LeafUrl("localhost", port), b"PING\r\n")
        security, data = dial.acceptor.handlers[0].wire.security, dial.data()
        dial.end()

    assert ([], SECURE + b"PING\r\n") == (dial.refusals, data)
    assert security is not None


async def test_tls_begins_before_info() -> None:
    """Where both sides are configured so nothing travels in clear text."""
    async with hub(INFO, first=server_context(certificates().files())) as port:
        dial = Dial(LeafDialSettings(tls_first=True))
        await dial.to(LeafUrl("localhost", port), INFO)
        data = dial.data()
        dial.end()

    assert ([], INFO) == (dial.refusals, data)


async def test_a_hub_that_verifies_gets_our_certificate() -> None:
    """Without one the handshake fails."""
    server = server_context(certificates().files(verify=True))
    own = replace(
        TlsFiles("", "", certificates().authority.ca_file),
        cert_file=certificates().client.cert_file,
        key_file=certificates().client.key_file,
    )
    async with hub(SECURE, tls=server) as port:
        dial = Dial(LeafDialSettings(), own)
        await dial.to(LeafUrl("localhost", port), b"PING\r\n")
        dial.end()

    assert [] == dial.refusals


async def test_a_url_may_demand_tls() -> None:
    """A hub that offers none is refused before anything is said to it."""
    async with hub(INFO) as port:
        dial = Dial(LeafDialSettings())
        await dial.to(LeafUrl(LOOPBACK, port, tls=True))

    assert ["TLS is asked for, and the hub offers none"] == dial.refusals
    assert [] == dial.acceptor.handlers


async def test_a_discovered_address_is_held_to_what_is_configured() -> None:
    """Where a URL demands TLS no other address of the hub gets anything in clear text."""
    async with hub(INFO) as port:
        held = Dial(LeafDialSettings((LeafUrl("hub.example", tls=True),)))
        await held.to(LeafUrl(LOOPBACK, port))
        free = Dial(LeafDialSettings((LeafUrl("hub.example", tls=True), LeafUrl(LOOPBACK, port))))
        await free.to(LeafUrl(LOOPBACK, port), INFO)
        free.end()

    assert ["TLS is asked for, and the hub offers none"] == held.refusals
    assert [] == free.refusals


async def test_a_discovered_address_has_the_name_of_the_hub() -> None:
    """A numeric address is verified by the name that was configured; another name is refused."""
    context = server_context(certificates().files(pair=certificates().authority.pair("hub", "hub.example")))
    for name, refusals in (("hub.example", 0), ("other.example", 1)):
        async with hub(SECURE, tls=context) as port:
            dial = Dial(LeafDialSettings((LeafUrl(name),)))
            await dial.to(LeafUrl(LOOPBACK, port), b"PING\r\n")
            dial.end()
        assert refusals == len(dial.refusals)


async def test_time_limits() -> None:
    """A hub that says nothing is given up after the time for INFO, whatever other times there are."""
    async with hub(b"") as port:
        dial = Dial(LeafDialSettings(dial_seconds=5.0, first_info_seconds=0.05))
        await dial.to(LeafUrl(LOOPBACK, port))

    assert ["no INFO within 0.05 s"] == dial.refusals


async def test_a_dial_to_nobody() -> None:
    """The reason is in plain words; a dialer that was closed answers nothing."""
    port = free_port()
    dial = Dial(LeafDialSettings())
    await dial.to(LeafUrl(LOOPBACK, port))
    closed = Dial(LeafDialSettings())
    closed.dialer.dial(LeafUrl(LOOPBACK, port), closed.acceptor, closed.refused)
    closed.dialer.close()

    assert ["connection refused"] == dial.refusals
    assert [] == closed.refusals
    assert [] == dial.failures
