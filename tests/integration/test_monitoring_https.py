"""Monitoring over TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio

from app.domain.dataplane import AUTO
from tests.support.certificates import Certificates, certificates
from tests.support.embedded import HOST, EmbeddedServer, embedded_server
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

DEADLINE = PATIENCE


@pytest.fixture(name="made", scope="module")
def _made() -> Certificates:
    """An authority, and what it signed."""
    return certificates()


@pytest_asyncio.fixture(name="server")
async def _server(made: Certificates) -> AsyncIterator[EmbeddedServer]:
    """A server with both ports of monitoring, that asks its clients for certificates."""
    async with serving(made, PATIENCE) as server:
        yield server


@pytest_asyncio.fixture(name="hasty")
async def _hasty(made: Certificates) -> AsyncIterator[EmbeddedServer]:
    """The same with little time for a handshake, though enough for one on a busy machine."""
    async with serving(made, 2.0) as server:
        yield server


@asynccontextmanager
async def serving(made: Certificates, handshake_seconds: float) -> AsyncIterator[EmbeddedServer]:
    """A server with this limit."""
    pair = made.server
    tls: dict[str, object] = {
        "cert_file": pair.cert_file,
        "key_file": pair.key_file,
        "ca_file": made.authority.ca_file,
        "verify": True,
        "timeout": handshake_seconds,
    }
    async with embedded_server("tcp", AUTO, http_port=-1, https_port=-1, tls=tls) as server:
        yield server


async def get(url: str, context: ssl.SSLContext) -> httpx.Response:
    """A page."""
    async with httpx.AsyncClient(verify=context, timeout=DEADLINE) as client:
        return await client.get(url)


async def test_both_ports_serve(server: EmbeddedServer, made: Certificates) -> None:
    """The same pages are served plain and encrypted, to readers without a certificate."""
    trusting = made.client_context()

    plain = (await get(f"{server.pages}/varz", trusting)).json()
    encrypted = (await get(f"{server.encrypted_pages}/varz", trusting)).json()

    assert plain["server_id"] == encrypted["server_id"]
    assert (True, True) == (0 < encrypted["http_port"], 0 < encrypted["https_port"])
    assert PATIENCE == encrypted["tls_timeout"]


async def test_large_pages_arrive_whole(server: EmbeddedServer, made: Certificates) -> None:
    """A page of a megabyte passes the encryption unharmed."""
    page = await get(f"{server.encrypted_pages}/docs/swagger-ui-bundle.js", made.client_context())

    assert int(page.headers["content-length"]) == len(page.content)
    assert len(page.content) > 1_000_000


async def test_another_authority_is_not_trusted(server: EmbeddedServer) -> None:
    """Who does not trust the authority does not trust the pages."""
    with pytest.raises(httpx.ConnectError):
        await get(f"{server.encrypted_pages}/varz", ssl.create_default_context())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_old_protocols_are_refused(server: EmbeddedServer, made: Certificates) -> None:
    """TLS before 1.2 is not spoken."""
    context = made.client_context(trusting=True)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(httpx.ConnectError):
        await get(f"{server.encrypted_pages}/varz", context)


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_half_a_handshake(hasty: EmbeddedServer, made: Certificates, beginning: bytes) -> None:
    """Who does not finish the handshake in time is sent away, and others are served meanwhile."""
    reader, writer = await asyncio.open_connection(HOST, httpx.URL(hasty.encrypted_pages).port)
    writer.write(beginning)

    assert 200 == (await get(f"{hasty.encrypted_pages}/healthz", made.client_context())).status_code
    async with asyncio.timeout(DEADLINE):
        with contextlib.suppress(ConnectionError):
            assert b"" == await reader.read()
    writer.transport.abort()


async def test_how_a_client_is_protected(server: EmbeddedServer, made: Certificates) -> None:
    """A client's version of TLS and its cipher suite are shown, by their names in the field."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    await reader.readline()
    await writer.start_tls(made.client_context(made.client), server_hostname=HOST)
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    async with asyncio.timeout(DEADLINE):
        await reader.readuntil(b"PONG\r\n")

    (row,) = (await get(f"{server.pages}/connz", made.client_context())).json()["connections"]
    writer.transport.abort()

    assert "1.3" == row["tls_version"]
    assert row["tls_cipher_suite"].startswith("TLS_")


async def test_plain_http_at_the_encrypted_port(hasty: EmbeddedServer) -> None:
    """One who asks without TLS learns how to ask; one who says nothing is let go."""
    port = httpx.URL(hasty.encrypted_pages).port
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"GET /varz HTTP/1.1\r\nHost: x\r\n\r\n")
    silent, other = await asyncio.open_connection(HOST, port)

    async with asyncio.timeout(DEADLINE):
        answer = await reader.read()
        assert b"" == await silent.read()
    for one in (writer, other):
        one.close()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"This port speaks HTTPS: ask for https:// here.")
