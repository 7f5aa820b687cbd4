"""Explanations of real servers, as a page and as a command, on both planes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import nats
import pytest

from app.config.options import make_options
from app.entrypoints.container import Container
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT

pytestmark = pytest.mark.asyncio

HOST = "127.0.0.1"
PLANES = ["python", "native"]
VERSIONS = ["current", "0.8.0"]
SECRET = "s3cr3t"  # noqa: S105 - of users that a test makes
USERS: list[dict[str, object]] = [
    {
        "user": "alice",
        "password": SECRET,
        "permissions": {"publish": {"allow": "a.>", "deny": "a.x"}, "subscribe": {"deny": "a.b"}},
    },
    {"user": "bob", "password": SECRET},
    {"user": "svc", "password": SECRET, "permissions": {"subscribe": "svc", "allow_responses": True}},
]


@asynccontextmanager
async def running(twin: str, **options: object) -> AsyncIterator[tuple[str, str]]:
    """A server with monitoring: where its clients connect, and where its pages are."""
    container = Container(make_options({"host": HOST, "port": -1, "http_port": -1, **options}), twin)
    addresses = await container.service().start()
    try:
        pages = f"http://{HOST}:{addresses.monitoring['http']}"
        yield f"{HOST}:{addresses.clients[0].port}", pages
    finally:
        await container.service().stop()


async def command(*words: str) -> tuple[int | None, str, str]:
    """What the command answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.entrypoints.server", "explain", *words),
        cwd=ROOT,
        env={**os.environ, "http_proxy": "http://127.0.0.1:1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, output.decode(), errors.decode()


async def read(pages: str, query: str) -> dict[str, Any]:
    """The page of JSON."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        response = await client.get(f"{pages}/explain?{query}")
    assert SECRET not in response.text
    page: dict[str, Any] = json.loads(response.content)
    return page


@pytest.mark.parametrize("twin", PLANES)
@pytest.mark.parametrize("version", VERSIONS)
async def test_users_and_receivers(twin: str, version: str) -> None:
    """The page names the rules and the receivers, and these are those that get the message."""
    async with running(twin, authorization={"users": USERS}, compatibility=version) as (address, pages):
        alice = await nats.connect(f"nats://alice:{SECRET}@{address}", name="alice's")
        bob = await nats.connect(f"nats://bob:{SECRET}@{address}", name="bob's")
        for client in (alice, bob):
            await client.subscribe("a.*")
            await client.subscribe("a.>", queue="q")
            await client.flush()

        allowed = await read(pages, "user=alice&subject=a.b")
        denied = await read(pages, "user=alice&subject=a.x")

        await alice.close()
        await bob.close()

    assert {"allowed": True, "rule": 'publish.allow "a.>"'} == allowed["publish"]
    assert {"allowed": False, "rule": 'subscribe.deny "a.b"'} == allowed["subscribe"]
    assert [("a.*", "", "bob's"), ("a.>", "q", "bob's")] == [
        (row["subject"], row["queue"], row["name"]) for row in allowed["subscriptions"]
    ]
    assert [{"queue": "q", "members": 1, "routes": []}] == allowed["queue_groups"]
    assert {"allowed": False, "rule": 'publish.deny "a.x"'} == denied["publish"]
    assert 4 == denied["num_subscriptions"]


@pytest.mark.parametrize("twin", PLANES)
async def test_a_client(twin: str) -> None:
    """A client is explained by its number, with its open reply subjects and what it was denied."""
    async with running(twin, authorization={"users": USERS}) as (address, pages):
        reader, writer = await asyncio.open_connection(*address.split(":"))
        info = json.loads((await reader.readline()).removeprefix(b"INFO "))
        cid = info["client_id"]
        before = await read(pages, f"cid={cid}&subject=re")
        login = json.dumps({"user": "svc", "pass": SECRET, "verbose": False})
        writer.write(f"CONNECT {login}\r\nSUB svc 1\r\nSUB x 2\r\nPING\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b"PONG\r\n"), PATIENCE)
        bob = await nats.connect(f"nats://bob:{SECRET}@{address}")
        closed = await read(pages, f"cid={cid}&subject=re")
        await bob.publish("svc", b"", reply="re")
        await asyncio.wait_for(reader.readuntil(b"MSG svc 1 re 0\r\n\r\n"), PATIENCE)
        opened = await read(pages, f"cid={cid}&subject=re")
        status, output, _ = await command("--cid", str(cid), "re", "--server", pages)
        await bob.close()
        writer.close()

    assert "not logged in: nothing is allowed" == before["publish"]["rule"]
    assert (False, True) == (closed["publish"]["allowed"], opened["publish"]["allowed"])
    assert "svc" == opened["user"]
    assert ['Subscription to "x"'] == [one["denied"] for one in opened["denials"]]
    assert 0 == status
    assert 'Subscription to "x"' in output


@pytest.mark.parametrize("twin", PLANES)
async def test_the_command(twin: str) -> None:
    """The command asks a server, without a proxy, and its status says whether publishing is allowed."""
    async with running(twin, authorization={"users": USERS}) as (_, pages):
        answers = [
            await command("--user", *words, "--server", pages)
            for words in (("alice", "a.b"), ("alice", "a.x"), ("eve", "a"))
        ]

    assert [0, 1, 2] == [status for status, _, _ in answers]
    assert answers[0][1].startswith('publish: allowed, publish.allow "a.>"\n')
    assert 'user "eve" is not in the configuration\n' == answers[2][2]
    status, _, errors = await command("--user", "alice", "a", "--server", pages)
    assert (2, 1) == (status, len(errors.splitlines()))


async def test_routes() -> None:
    """Servers with receivers are listed, and the groups that have members there."""
    cluster = {"host": HOST, "port": -1}
    container = Container(
        make_options({"host": HOST, "port": -1, "http_port": -1, "cluster": cluster}), "auto"
    )
    addresses = await container.service().start()
    assert addresses.routes is not None
    other = {**cluster, "routes": [f"nats://{HOST}:{addresses.routes.port}"]}
    async with running("auto", cluster=other, server_name="there") as (address, _):
        client = await nats.connect(f"nats://{address}")
        await client.subscribe("a.*")
        await client.subscribe("a.b", queue="q")
        await client.flush()
        async with asyncio.timeout(PATIENCE):
            page: dict[str, Any] = {}
            while not (page.get("routes") and page["queue_groups"]):
                page = await read(f"http://{HOST}:{addresses.monitoring['http']}", "user=x&subject=a.b")
        await client.close()
    await container.service().stop()

    ((rid, name),) = ((route["rid"], route["name"]) for route in page["routes"])
    assert ("there", 0) == (name, page["num_subscriptions"])
    assert [{"queue": "q", "members": 0, "routes": [rid]}] == page["queue_groups"]
