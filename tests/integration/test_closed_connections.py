"""Closed connections, round-trip times and logins in ``/connz``, here and, where it is installed, there.

The reasons are those of nats-server 2.15, which is asked the same where its program is found.
"""

import asyncio
import json
import shutil
import struct
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from dependency_injector import providers

from app.config.options import make_options
from app.domain.sessions import keep_alive
from app.domain.sessions.keep_alive import FIRST_PING_SECONDS
from app.entrypoints.container import Container
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import certificates
from tests.support.embedded import HOST, EmbeddedServer, embedded_server
from tests.support.patience import PATIENCE
from tests.support.raw_client import RawClient
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

PASSWORD = "pw"  # noqa: S105 - of a user of this test
PROGRAM = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
LOGIN = '"verbose":false,"pedantic":false,"user":"ann","pass":"pw","name":"n","lang":"py","version":"3"'
PLAIN = f"CONNECT {{{LOGIN}}}\r\n"
HEADERS = f'CONNECT {{{LOGIN},"headers":true}}\r\n'
CONFIGURATION = """
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
max_payload: 1000
authorization { users: [ {user: ann, password: pw} ], timeout: 1 }
"""

REASONS = {
    PLAIN + "GARBAGE\r\n": "Protocol Violation",
    PLAIN + "SUB a\r\n": "Protocol Violation",
    PLAIN + "HPUB a 12 20\r\n": "Protocol Violation",
    HEADERS + "HPUB a 30 20\r\n": "Protocol Violation",
    HEADERS + "HPUB a 20\r\n": "Protocol Violation",
    PLAIN + "PUB a 2\r\nhi, there\r\n": "Protocol Violation",
    PLAIN + "CONNECT {x\r\n": "Protocol Violation",
    PLAIN + "PUB a 1001\r\n": "Maximum Message Payload Exceeded",
    PLAIN + f"PUB {5000 * 'a'} 0\r\n": "Maximum Control Line Exceeded",
    PLAIN + "-ERR 'x'\r\n": "Parse Error",
    'CONNECT {"user":"ann","pass":"no"}\r\n': "Authentication Failure",
    "": "Authentication Timeout",
    f'CONNECT {{{LOGIN},"protocol":9}}\r\n': "Bad Client Protocol Version",
    f'CONNECT {{{LOGIN},"no_responders":true}}\r\n': "No Responders Requires Headers",
}
"""What a client sends, and why it is closed."""


class Target:
    """A server of either kind: where clients come in, and where its pages are."""

    def __init__(self, port: int, pages: str) -> None:
        self.port = port
        self._pages = pages
        self._clients: list[RawClient] = []

    async def client(self) -> RawClient:
        """A new client that has read INFO."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        client = await RawClient.greet(reader, writer, writer.transport.abort)
        self._clients.append(client)
        return client

    async def part(self) -> None:
        """End all clients, and let the loop close their sockets."""
        for client in self._clients:
            client.abort()
        await asyncio.sleep(0)

    async def read(self, path: str) -> dict[str, Any]:
        """A page."""
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            page: dict[str, Any] = json.loads((await http.get(f"{self._pages}{path}")).content)
        return page

    async def closed(self, cid: object) -> dict[str, Any]:
        """The row of a client that is closed, as soon as it is."""
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = (await self.read(f"/connz?state=closed&auth=1&cid={cid}"))["connections"]
                if rows:
                    row: dict[str, Any] = rows[0]
                    return row
                await asyncio.sleep(0.01)


@asynccontextmanager
async def ours(twin: str, login_seconds: float = 1.0) -> AsyncIterator[Target]:
    """Our server in this process."""
    async with embedded_server(
        "tcp",
        twin,
        compatibility="current",
        http_port=-1,
        max_payload=1000,
        user="ann",
        password=PASSWORD,
        auth_timeout=login_seconds,
    ) as server:
        target = Target(server.port, server.pages)
        yield target
        await target.part()
        await server.container.service().departed()


def _ports(folder: Path) -> dict[str, list[str]]:
    """Where nats-server listens; empty until it has written that down."""
    texts = [path.read_text() for path in folder.glob("*.ports")]
    found: dict[str, list[str]] = json.loads(texts[0]) if texts and texts[0].endswith("}") else {}
    return found


@asynccontextmanager
async def theirs(folder: Path) -> AsyncIterator[Target]:
    """nats-server in a process of its own."""
    assert PROGRAM is not None
    configuration = folder / "server.conf"
    configuration.write_text(CONFIGURATION)
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("-c", str(configuration), "--ports_file_dir", str(folder)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := _ports(folder)):  # noqa: ASYNC110 - another program writes it
                await asyncio.sleep(0.01)
        target = Target(int(found["nats"][0].rpartition(":")[2]), found["monitoring"][0])
        yield target
        await target.part()
    finally:
        process.terminate()
        await process.wait()


@pytest_asyncio.fixture(name="of", params=[*twins(), "nats-server"])
async def _of(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    """Each twin, and nats-server."""
    if request.param == "nats-server":
        if PROGRAM is None:
            pytest.skip("nats-server is not installed")
        async with theirs(tmp_path) as target:
            yield target
    else:
        async with ours(request.param) as target:
            yield target


async def test_reasons(of: Target) -> None:
    """A closed client has the reason that nats-server gives, its number of INFO, and its last words."""
    found = {}
    for sent in REASONS:
        client = await of.client()
        await client.send(sent.encode())
        row = await of.closed(client.info["client_id"])
        found[sent] = row["reason"]
        assert ("Client", "nats", 0) == (row["kind"], row["type"], row["subscriptions"])
        assert row["start"] <= row["stop"] or "." not in row["start"] + row["stop"]
        client.abort()

    assert REASONS == found


async def test_a_client_that_leaves(of: Target) -> None:
    """It has closed its connection itself; what it was and did is kept."""
    client = await of.client()
    await client.send(f"{PLAIN}SUB a 1\r\nPUB a 5\r\nhello\r\n".encode())
    await client.expect(b"MSG a 1 5\r\nhello\r\n")
    await client.close()

    row = await of.closed(client.info["client_id"])

    assert ("Client Closed", "ann") == (row["reason"], row["authorized_user"])
    assert ("n", "py", "3") == (row["name"], row["lang"], row["version"])
    assert (1, 1, 5, 5) == tuple(row[name] for name in ("in_msgs", "out_msgs", "in_bytes", "out_bytes"))


async def test_states_and_filters(of: Target) -> None:
    """Pages of open, closed and all clients count all of their state, and show those that are asked for."""
    first, second = await of.client(), await of.client()
    for client in (first, second):
        await client.send(PLAIN.encode())
        await client.fence()
    await first.close()
    gone, here = (client.info["client_id"] for client in (first, second))
    await of.closed(gone)

    pages = {
        query: await of.read(f"/connz?{query}")
        for query in (
            *("state=open", "state=closed", "state=all", "state=ANY", f"state=all&cid={here}"),
            *("user=ann", "user=bob", "state=closed&sort=stop", "state=closed&sort=reason", "sort=rtt"),
        )
    }

    shown = {query: [row["cid"] for row in page["connections"]] for query, page in pages.items()}
    assert {
        "state=open": [here],
        "state=closed": [gone],
        "state=all": [gone, here],
        "state=ANY": [gone, here],
        f"state=all&cid={here}": [here],
        "user=ann": [here],
        "user=bob": [],
        "state=closed&sort=stop": [gone],
        "state=closed&sort=reason": [gone],
        "sort=rtt": [here],
    } == shown
    assert (1, 1, 2, 1) == tuple(
        pages[query]["total"] for query in ("state=open", "state=closed", "state=all", "user=bob")
    )


async def test_logins(of: Target) -> None:
    """Who logged in is shown where it is asked for, and nowhere else."""
    client = await of.client()
    await client.send(PLAIN.encode())
    await client.fence()

    asked = [await of.read(path) for path in ("/connz?auth=true", "/connz?auth=1", "/connz")]

    names = [[row.get("authorized_user") for row in page["connections"]] for page in asked]
    assert [["ann"], ["ann"], [None]] == names
    assert "$G" == asked[0]["connections"][0]["name_tag"]


@pytest.fixture(name="first_ping")
def _first_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts after this sends its first PING as usual; in other tests it comes late."""
    monkeypatch.setattr(keep_alive, "FIRST_PING_SECONDS", FIRST_PING_SECONDS)


@pytest.mark.usefixtures("first_ping")
async def test_the_first_ping(of: Target) -> None:
    """It comes seconds after CONNECT, and gives the round-trip time."""
    client = await of.client()
    await client.send(PLAIN.encode())
    await client.fence()
    assert b"PING\r\n" == await client.line()
    await client.send(b"PONG\r\n")
    await client.fence()

    (row,) = (await of.read("/connz"))["connections"]

    assert row["rtt"].endswith(("µs", "ms", "s"))


# --- here alone ----------------------------------------------------------------------------


async def test_errors_of_sockets() -> None:
    """A connection that is reset has not been closed in an orderly way."""
    async with ours(twins()[-1], PATIENCE) as target:
        reader, writer = await asyncio.open_connection(HOST, target.port)
        client = await RawClient.greet(reader, writer, writer.transport.abort)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: the end is a reset
        client.abort()

        row = await target.closed(client.info["client_id"])

    assert "Read Error" == row["reason"]


async def test_a_tls_handshake_that_fails() -> None:
    """A client that speaks no TLS where it must has this reason."""
    files = certificates().files()
    tls = {"cert_file": files.cert_file, "key_file": files.key_file, "timeout": 5}
    async with embedded_server("tcp", twins()[-1], compatibility="current", http_port=-1, tls=tls) as server:
        client = await server.connect()
        await client.send(b"CONNECT {}\r\n")
        row = await Target(server.port, server.pages).closed(client.info["client_id"])
        client.abort()

    assert "TLS Handshake Failure" == row["reason"]


async def test_violations(server: EmbeddedServer) -> None:
    """Refused headers are counted in ``/varz`` and in the metrics."""
    client = await server.connect()
    await client.send(b'CONNECT {"verbose":false,"headers":true}\r\nHPUB a 30 20\r\n')
    target = Target(server.port, server.pages)
    await target.closed(client.info["client_id"])

    varz = await target.read("/varz")
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        metrics = (await http.get(f"{server.pages}/metrics")).text

    assert (1, 0, 1, 0) == tuple(
        varz[name]
        for name in ("header_violations", "permission_violations", "closed_connections", "connections")
    )
    (line,) = [line for line in metrics.splitlines() if line.startswith("gnatsd_varz_header_violations{")]
    assert line.endswith(" 1")


@pytest_asyncio.fixture(name="server", params=twins())
async def _server(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedServer]:
    """A server of today without logins."""
    async with embedded_server("tcp", request.param, compatibility="current", http_port=-1) as server:
        yield server
        for client in server.clients:
            client.abort()


async def test_websockets() -> None:
    """A client over a websocket is shown as one; a request that becomes none is no client."""
    section = {"host": HOST, "port": -1, "no_tls": True}
    settings: dict[str, object] = {"host": HOST, "port": -1, "websocket": section}
    container = Container(make_options({**settings, "http_port": -1}))
    container.event_log.override(providers.Object(RecordingEventLog(trace=False)))
    service = container.service()
    addresses = await service.start()
    target = Target(addresses.clients[0].port, f"http://{HOST}:{addresses.monitoring['http']}")
    try:
        web = addresses.clients[1].port
        for path in (b"GET / HTTP/1.1\r\n\r\n", _UPGRADE):
            reader, writer = await asyncio.open_connection(HOST, web)
            writer.write(path)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
        async with asyncio.timeout(PATIENCE):
            while True:
                rows = (await target.read("/connz?state=closed"))["connections"]
                if rows:
                    break
    finally:
        await service.stop()
        await service.departed()

    assert ["websocket"] == [row["type"] for row in rows]


_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_gnatsd_keeps_its_pages() -> None:
    """With the wire of gnatsd 0.8.0 the pages have its fields, and what was always beside them."""
    async with embedded_server("tcp", twins()[-1], http_port=-1) as server:
        await (await server.connect()).fence()
        target = Target(server.port, server.pages)
        varz, connz = await target.read("/varz"), await target.read("/connz?auth=1")
        for client in server.clients:
            client.abort()

    (row,) = connz["connections"]
    assert [] == [name for name in ("kind", "type", "rtt", "name_tag") if name in row]
    assert "server_id" not in connz
    assert [] == [name for name in ("jetstream", "header_violations", "http_base_path") if name in varz]
    assert (0, {"/", "/connz", "/routez", "/subsz", "/varz"}) == (varz["proto"], set(varz["http_req_stats"]))
