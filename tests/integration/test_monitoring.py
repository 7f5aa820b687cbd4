"""Monitoring of real servers: what happened shows on the pages."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from app.domain.dataplane import AUTO
from tests.support.embedded import HOST, EmbeddedServer, embedded_server
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

PAGES = [
    *(
        "/",
        "/varz",
        "/connz",
        "/connz?subs=1",
        "/connz?subs=detail",
        "/connz?auth=1",
        "/routez",
        "/routez?subs=1",
    ),
    *("/subsz", "/subsz?subs=1", "/subscriptionsz", "/stacksz", "/healthz", "/livez", "/readyz", "/metrics"),
    *("/docs", "/openapi.json", "/nothing", "/connz?limit=x", "/varz?callback=%3C"),
]

Figure = Callable[[dict[str, Any]], float]


async def part(server: EmbeddedServer) -> None:
    """Let all clients go, and wait until they are gone."""
    for client in server.clients:
        client.abort()
    await server.container.service().departed()


@pytest_asyncio.fixture(name="server")
async def _server() -> AsyncIterator[EmbeddedServer]:
    """A server over TCP, with monitoring."""
    async with embedded_server("tcp", AUTO, http_port=-1) as server:
        yield server
        await part(server)


async def get(server: EmbeddedServer, path: str) -> httpx.Response:
    """A page."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.get(f"{server.pages}{path}")


async def read(server: EmbeddedServer, path: str) -> dict[str, Any]:
    """A page of JSON."""
    page: dict[str, Any] = json.loads((await get(server, path)).content)
    return page


async def test_what_happened_shows(server: EmbeddedServer) -> None:
    """Messages, subscriptions and clients are counted on all pages alike."""
    alice, bob = await server.connect(), await server.connect()
    await alice.send(
        b'CONNECT {"verbose":false,"name":"alice","lang":"py","version":"3"}\r\nSUB a.> q 7\r\nSUB b 8\r\n'
    )
    await alice.fence()
    await bob.send(b'CONNECT {"verbose":false}\r\nPUB a.b 5\r\nhello\r\nPUB nobody 3\r\nabc\r\n')
    await bob.fence()

    varz, connz, subsz = [await read(server, path) for path in ("/varz", "/connz?subs=1", "/subsz?subs=1")]
    metrics = {
        family.name: family.samples[0].value
        for family in text_string_to_metric_families((await get(server, "/metrics")).text)
    }

    traffic = ("in_msgs", "in_bytes", "out_msgs", "out_bytes")
    assert (2, 2, 2) == (varz["connections"], varz["total_connections"], varz["subscriptions"])
    assert (2, 8, 1, 5) == tuple(varz[name] for name in traffic)
    assert (server.port, server.broker.greeting.info.server_id) == (varz["port"], varz["server_id"])
    first, second = connz["connections"]
    assert (("alice", "py", "3"), 2) == (
        tuple(first[name] for name in ("name", "lang", "version")),
        first["subscriptions"],
    )
    assert {"a.>", "b"} == set(first["subscriptions_list"])
    assert (0, 0, 1, 5) == tuple(first[name] for name in traffic)
    assert (2, 8, 0, 0) == tuple(second[name] for name in traffic)
    assert "name" not in second
    assert (2, 2, 2) == (subsz["num_subscriptions"], subsz["total"], len(subsz["subscriptions_list"]))
    assert (2, 2) == (metrics["gnatsd_varz_in_msgs"], metrics["gnatsd_connz_in_msgs"])


async def test_readers_behind_a_proxy(server: EmbeddedServer) -> None:
    """A request line may name the whole URL, as readers write it that take us for their proxy."""
    async with httpx.AsyncClient(proxy=server.pages) as client:
        pages = [await client.get(f"http://monitor.example:8222{path}") for path in ("/varz", "", "/nothing")]

    assert [200, 200, 404] == [page.status_code for page in pages]


async def test_who_left_is_gone(server: EmbeddedServer) -> None:
    """A client that left is on no page any more, but counts among those ever."""
    client = await server.connect()
    await client.fence()
    await client.close()
    await client.expect_eof()

    varz, connz = await read(server, "/varz"), await read(server, "/connz")

    assert (0, 1, []) == (varz["connections"], varz["total_connections"], connz["connections"])


async def test_health_follows_the_server() -> None:
    """Probes succeed while the server serves; when it has stopped, nobody answers."""
    async with embedded_server("tcp", AUTO, http_port=-1) as server:
        found = [(await get(server, path)).status_code for path in ("/healthz", "/livez", "/readyz")]

    assert [200, 200, 200] == found
    with pytest.raises(httpx.ConnectError):
        await get(server, "/healthz")


async def test_servers_share_nothing() -> None:
    """Two servers in one process show their own figures, each at its own port."""
    async with (
        embedded_server("tcp", AUTO, http_port=-1) as one,
        embedded_server("tcp", AUTO, http_port=-1) as other,
    ):
        await one.connect()
        mine, theirs = await read(one, "/varz"), await read(other, "/varz")
        await part(one)

    assert (1, 0) == (mine["connections"], theirs["connections"])
    assert mine["server_id"] != theirs["server_id"]
    assert (1, 1) == (mine["http_req_stats"]["/varz"], theirs["http_req_stats"]["/varz"])


async def test_no_secret_is_shown() -> None:
    """Passwords are on no page and in no line of the log; names of users only where they are asked for."""
    settings = {"user": "derek-the-user", "password": "T0pS3cr3t-password"}
    async with embedded_server("tcp", AUTO, http_port=-1, **settings) as server:  # type: ignore[arg-type] # as it takes
        good, bad = await server.connect(), await server.connect()
        await good.send(b'CONNECT {"verbose":false,"user":"derek-the-user","pass":"T0pS3cr3t-password"}\r\n')
        await good.fence()
        await bad.send(b'CONNECT {"user":"derek-the-user","pass":"Wr0ng-password"}\r\n')
        pages = {path: (await get(server, path)).text for path in PAGES}
        await part(server)

    everything = "\n".join([*pages.values(), *server.log.texts()])
    assert "T0pS3cr3t" not in everything
    assert "Wr0ng" not in everything
    assert ["/connz?auth=1"] == [path for path, text in pages.items() if "derek" in text]


# --- thousands of clients ------------------------------------------------------------------

CROWD = 3000


@pytest_asyncio.fixture(name="crowd")
async def _crowd() -> AsyncIterator[EmbeddedServer]:
    """A server in memory with thousands of clients, each of which did something else."""
    async with embedded_server("memory", AUTO, http_port=-1) as server:
        clients = [await server.connect() for _ in range(CROWD)]
        for number, client in enumerate(clients):
            size = number * 7919 % CROWD
            subscriptions = b"".join(b"SUB own.%d %d\r\n" % (number, sid) for sid in range(number % 5))
            await client.send(
                b'CONNECT {"verbose":false}\r\n%bPUB own.%d %d\r\n%b\r\n'
                % (subscriptions, number, size, size * b"x")
            )
        for client in clients:
            await client.send(b"PING\r\n")
            while b"PONG\r\n" not in await client.line():
                pass
        yield server
        await part(server)


def moment(text: str) -> float:
    """A time of a page, to be compared: as text, times without a fraction are out of order."""
    return datetime.fromisoformat(text).timestamp()


ORDERS: dict[str, tuple[Figure, int]] = {
    "cid": (lambda row: row["cid"], 1),
    "start": (lambda row: row["cid"], 1),
    "uptime": (lambda row: row["cid"], 1),
    "subs": (lambda row: row["subscriptions"], -1),
    "pending": (lambda row: row["pending_bytes"], -1),
    "msgs_to": (lambda row: row["out_msgs"], -1),
    "msgs_from": (lambda row: row["in_msgs"], -1),
    "bytes_to": (lambda row: row["out_bytes"], -1),
    "bytes_from": (lambda row: row["in_bytes"], -1),
    "last": (lambda row: moment(row["last_activity"]), -1),
    "idle": (lambda row: moment(row["last_activity"]), 1),
}


async def test_paging_and_sorting(crowd: EmbeddedServer) -> None:
    """Pages put together are all clients, each once; and every key sorts as it promises."""
    pages = [await read(crowd, f"/connz?limit=1000&offset={offset}") for offset in (0, 1000, 2000, 3000)]
    assert [1000, 1000, 1000, 0] == [page["num_connections"] for page in pages]
    assert {CROWD} == {page["total"] for page in pages}
    assert list(range(1, CROWD + 1)) == [row["cid"] for page in pages for row in page["connections"]]
    assert 1024 == len((await read(crowd, "/connz"))["connections"])

    for key, (figure, sign) in ORDERS.items():
        rows = (await read(crowd, f"/connz?sort={key}&limit={2**63 - 1}"))["connections"]
        assert CROWD == len({row["cid"] for row in rows}), key
        values = [figure(row) for row in rows]
        ordered = (
            all(a <= b for a, b in pairwise(values)) if sign > 0 else all(a >= b for a, b in pairwise(values))
        )
        assert ordered, key


async def test_clients_come_and_go_meanwhile(crowd: EmbeddedServer) -> None:
    """Pages stay whole while their clients leave and new ones come."""
    stop = asyncio.Event()

    async def come_and_go() -> None:
        while not stop.is_set():
            crowd.clients.pop(0).abort()
            await crowd.connect()

    restless = asyncio.create_task(come_and_go())
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answers = await asyncio.gather(
            *(http.get(f"{crowd.pages}/connz?limit=5000&subs=1&sort={key}") for key in ORDERS),
            http.get(f"{crowd.pages}/subsz?subs=1&limit=100000"),
            http.get(f"{crowd.pages}/metrics"),
        )
    stop.set()
    with contextlib.suppress(IndexError):
        await restless

    assert {200} == {answer.status_code for answer in answers}
    for answer in answers[: len(ORDERS)]:
        numbers = [row["cid"] for row in answer.json()["connections"]]
        assert len(numbers) == len(set(numbers)) == answer.json()["num_connections"]


# --- a cluster -----------------------------------------------------------------------------


async def test_a_cluster_shows() -> None:
    """A seed and its peer show each other: who dialled, who was configured, what is subscribed to."""
    async with (
        embedded_server("tcp", AUTO, http_port=-1, routes=()) as seed,
        embedded_server("tcp", AUTO, http_port=-1, routes=(f"nats://{HOST}:{seed.route_port}",)) as peer,
    ):
        client = await peer.connect()
        await client.send(b'CONNECT {"verbose":false}\r\nSUB a.> 1\r\n')
        await client.fence()
        async with asyncio.timeout(PATIENCE):
            while not (await read(seed, "/varz"))["subscriptions"]:
                pass
        (of_seed,) = (await read(seed, "/routez?subs=1"))["routes"]
        (of_peer,) = (await read(peer, "/routez"))["routes"]
        varz = await read(seed, "/varz")
        clients = await read(seed, "/connz")
        await part(peer)

    assert (peer.broker.greeting.info.server_id, seed.broker.greeting.info.server_id) == (
        of_seed["remote_id"],
        of_peer["remote_id"],
    )
    flags = ("did_solicit", "is_configured")
    assert (False, False) == tuple(of_seed[name] for name in flags)
    assert (True, True) == tuple(of_peer[name] for name in flags)
    assert (1, ["a.>"]) == (of_seed["subscriptions"], of_seed["subscriptions_list"])
    assert (HOST, seed.route_port) == (of_peer["ip"], of_peer["port"])
    assert (1, 1, seed.route_port) == (varz["routes"], varz["remotes"], varz["cluster_port"])
    assert (HOST, seed.route_port) == (varz["cluster"]["addr"], varz["cluster"]["cluster_port"])
    assert (0, []) == (varz["connections"], clients["connections"])
