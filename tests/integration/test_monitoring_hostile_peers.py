"""What hostile peers send to the port of monitoring, and how little it matters to clients."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from app.adapters.monitoring import http_protocol
from app.domain.dataplane import AUTO
from app.domain.events import MonitorFailed
from app.ports.broker_view import ServerFacts
from tests.support.embedded import HOST, EmbeddedServer, embedded_server
from tests.support.patience import PATIENCE
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

IMPATIENCE = 0.3
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b'{"status":"ok"}'


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers have a tenth of the usual time, so that the tests need not wait for it."""
    monkeypatch.setattr(http_protocol, "PATIENCE", IMPATIENCE)


@pytest_asyncio.fixture(name="server")
async def _server() -> AsyncIterator[EmbeddedServer]:
    """A server over TCP, with monitoring."""
    async with embedded_server("tcp", AUTO, http_port=-1) as server:
        yield server
        for one in server.clients:
            one.abort()
        await server.container.service().departed()


@pytest_asyncio.fixture(name="witness", autouse=True)
async def _witness(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Witness]:
    """A client, who must be served whatever hostile peers do; and so must readers."""
    witness = await Witness.join(server)
    yield witness
    await witness.expect_unharmed()
    monkeypatch.setattr(http_protocol, "PATIENCE", PATIENCE)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert 200 == (await client.get(f"{server.pages}/healthz")).status_code


class HostilePeer:
    """A connection to the port of monitoring."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def come(cls, server: EmbeddedServer) -> "HostilePeer":
        """Connect."""
        return cls(*await asyncio.open_connection(HOST, httpx.URL(server.pages).port))

    async def send(self, data: bytes) -> None:
        """Send, as long as the server listens."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def drip(self, byte: bytes) -> None:
        """Send a byte every now and then until the server ends the connection."""
        while not self._reader.at_eof() and not self._writer.is_closing():
            await self.send(byte)
            await asyncio.sleep(IMPATIENCE / 10)

    async def answer(self) -> bytes:
        """All that comes until the server ends the connection."""
        async with asyncio.timeout(PATIENCE):
            got = b""
            with contextlib.suppress(ConnectionError):
                while data := await self._reader.read(65536):
                    got += data
        self.leave()
        return got

    async def until(self, ending: bytes) -> bytes:
        """What comes, up to and with `ending`."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readuntil(ending)

    def leave(self) -> None:
        """Go without a word."""
        self._writer.transport.abort()


async def test_a_huge_header(server: EmbeddedServer) -> None:
    """Megabytes of header are answered with 431, and read no further."""
    peer = await HostilePeer.come(server)
    sending = asyncio.create_task(peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2_000_000))

    answer = await peer.answer()
    await sending

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00\x01\xfc", b"hello\r\n\r\n", b"GET /\r\n\r\n"])
async def test_what_is_no_http(server: EmbeddedServer, nonsense: bytes) -> None:
    """What is no HTTP is refused, and the connection ends."""
    peer = await HostilePeer.come(server)
    await peer.send(nonsense + b"\r\n\r\n")

    answer = await peer.answer()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"Invalid HTTP request received.")


@pytest.mark.parametrize(
    "line", [b'CONNECT {"verbose":false}\r\n', b"PUB a 1\r\nx\r\n", b"ping\r\n", b"+OK\r\n"]
)
async def test_clients_at_the_wrong_port(server: EmbeddedServer, line: bytes) -> None:
    """A client of the messaging protocol learns at its first line where it is."""
    peer = await HostilePeer.come(server)
    await peer.send(line)

    answer = await peer.answer()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"This port is for monitoring, over HTTP. Messages go over another one.")


async def test_many_parts_of_a_file(server: EmbeddedServer) -> None:
    """Who asks for many parts of a file gets the file, once."""
    peer = await HostilePeer.come(server)
    parts = b",".join(b"0-%d" % (10_000 + number) for number in range(500))
    await peer.send(
        b"GET /docs/swagger-ui.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes="
        + parts
        + b"\r\n\r\n"
    )

    head, _, body = (await peer.answer()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET /va", b"GET / HTTP/1.1\r\nHost: x\r\n", GET[:-1]],
    ids=["silence", "half a line", "half a head", "all but a byte"],
)
async def test_half_a_request(server: EmbeddedServer, beginning: bytes) -> None:
    """Who does not finish a request in time is sent away without a word."""
    peer = await HostilePeer.come(server)
    await peer.send(beginning)

    assert b"" == await peer.answer()


async def test_a_dripping_head(server: EmbeddedServer) -> None:
    """Bytes that drip do not extend the time for a request."""
    peer = await HostilePeer.come(server)
    await peer.send(b"GET / HTTP/1.1\r\nHost: ")
    dripping = asyncio.create_task(peer.drip(b"x"))

    assert b"" == await peer.answer()
    await dripping


async def test_a_dripping_body(server: EmbeddedServer) -> None:
    """The server does not wait for a body: the answer comes, and the time for the next request starts."""
    peer = await HostilePeer.come(server)
    await peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    dripping = asyncio.create_task(peer.drip(b"x"))

    answer = await peer.answer()
    await dripping

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(OK)


async def test_one_connection_serves_many_requests(server: EmbeddedServer) -> None:
    """Requests may follow each other on a connection, and be sent ahead."""
    peer = await HostilePeer.come(server)
    await peer.send(GET)
    await peer.until(OK)
    await peer.send(GET + GET)

    answer = await peer.answer()

    assert 2 == answer.count(OK)


async def test_head_and_date(server: EmbeddedServer) -> None:
    """HEAD has the head of GET, with the length of what it leaves out, and the date."""
    peer = await HostilePeer.come(server)
    await peer.send(GET.replace(b"GET", b"HEAD"))

    answer = await peer.answer()

    assert b"\r\ncontent-length: 15\r\n" in answer
    assert b"\r\ndate: " in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_idle_crowd(server: EmbeddedServer, witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of idle connections disturb neither clients nor readers, and are sent away."""
    crowd = [await HostilePeer.come(server) for _ in range(500)]

    await witness.expect_unharmed()
    monkeypatch.setattr(http_protocol, "PATIENCE", PATIENCE)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        assert 200 == (await client.get(f"{server.pages}/varz")).status_code

    assert {b""} == {await one.answer() for one in crowd}


async def test_too_large_a_crowd(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections beyond the limit are closed at once, and places become free again."""
    monkeypatch.setattr(http_protocol, "PATIENCE", PATIENCE)
    monkeypatch.setattr(http_protocol, "MAX_CONNECTIONS", 3)
    first = [await HostilePeer.come(server) for _ in range(3)]
    await first[-1].send(GET)
    await first[-1].until(OK)
    late = await HostilePeer.come(server)

    assert b"" == await late.answer()
    for one in first:
        one.leave()


@pytest.fixture(name="many_descriptors")
def _many_descriptors() -> Iterator[None]:
    """As many descriptors as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
async def test_a_reader_that_stops(server: EmbeddedServer) -> None:
    """Who asks for a large page and does not read it is cut off; who reads gets all of it."""
    client = await server.connect()
    names = b"".join(b"SUB %b.%d %d\r\n" % (b"x" * 200, number, number) for number in range(50_000))
    await client.send(b'CONNECT {"verbose":false}\r\n' + names)
    await client.fence()
    peer = await HostilePeer.come(server)
    await peer.send(GET.replace(b"/healthz", b"/connz?subs=1"))
    await peer.until(b"\r\n\r\n")
    service = server.container.monitor()._server  # type: ignore[attr-defined] # noqa: SLF001 - to see connections end
    async with asyncio.timeout(PATIENCE):
        while service._state.connections:  # noqa: SLF001, ASYNC110 - it has no event for that
            await asyncio.sleep(IMPATIENCE / 10)

    cut = await peer.answer()
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        whole = (await http.get(f"{server.pages}/connz?subs=1")).json()

    assert len(cut) < 10_000_000
    assert 50_001 == sum(len(row["subscriptions_list"]) for row in whole["connections"])


async def test_a_defect_is_one_line(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours is answered with 500 and reported in one line; the next request is served."""

    def broken() -> ServerFacts:
        raise ZeroDivisionError("no\nreason")

    monkeypatch.setattr(server.container.view(), "server", broken)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        status = (await client.get(f"{server.pages}/varz")).status_code

    assert 500 == status
    (fact,) = server.log.of(MonitorFailed)
    assert "Internal error in monitoring: ZeroDivisionError" in fact.text()


async def test_readers_do_not_hold_up_the_end() -> None:
    """A server stops although readers are connected, some of them in the middle of a request."""
    async with embedded_server("tcp", AUTO, http_port=-1) as server:
        idle, busy = await HostilePeer.come(server), await HostilePeer.come(server)
        await busy.send(GET)
        await busy.until(OK)
        await busy.send(GET[:10])

    assert (b"", b"") == (await idle.answer(), await busy.answer())
