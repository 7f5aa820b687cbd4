"""Programs of nats-py and of FastStream, tested with the plug-in while connections break.

The example programs of both are run as well where ``NATS_PY_EXAMPLES`` and ``FASTSTREAM_EXAMPLES`` name
their folders.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

NATS_PY = """
import asyncio
import json

import nats
import nats.errors
import pytest
from nats.micro import add_service
from nats.micro.service import EndpointConfig, ServiceConfig

pytestmark = pytest.mark.asyncio
QUICKLY = {"reconnect_time_wait": 0.02, "max_reconnect_attempts": -1}


class Worker:
    '''A program that handles work, shared with others, and answers requests.'''

    def __init__(self, url, name):
        self.url, self.name, self.seen = url, name, []

    async def __aenter__(self):
        self.client = await nats.connect(self.url, name=self.name, **QUICKLY)
        await self.client.subscribe("work.>", queue="workers", cb=self.handle)
        self.service = await add_service(self.client, ServiceConfig(name="math", version="1.0.0"))
        await self.service.add_endpoint(EndpointConfig(name="double", handler=self.double))
        await self.client.flush()
        return self

    async def __aexit__(self, *exc):
        await self.client.close()

    async def handle(self, message):
        self.seen.append(int(message.data))

    async def double(self, request):
        await request.respond(b"%d" % (2 * int(request.data)))


async def ask(client, number, patience=5):
    return int((await client.request("double", b"%d" % number, timeout=patience)).data)


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_worker_that_is_cut(nats_server):
    async with Worker(nats_server.url, "w") as worker, nats_server.client() as client:
        before = nats_server.subsz()["num_subscriptions"]
        rule = nats_server.faults.cut("work.>", client="w", direction="out", on=3)
        for number in range(3):
            await client.publish("work.a", b"%d" % number)
        await until(lambda: rule.hits == 1 and worker.client.stats["reconnects"] == 1)
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == before)
        await client.publish("work.a", b"3")
        await until(lambda: 3 in worker.seen)
        assert worker.seen == [0, 1, 3]
        other = await nats.connect(nats_server.url)
        assert await ask(other, 21) == 42
        await other.close()


async def test_a_publisher_that_is_cut(nats_server):
    async with Worker(nats_server.url, "w") as worker:
        publisher = await nats.connect(nats_server.url, name="p", **QUICKLY)
        rule = nats_server.faults.cut(client="p", on=2)
        await publisher.publish("work.a", b"0")
        await publisher.publish("work.a", b"1")
        await until(lambda: rule.hits == 1 and publisher.is_connected and publisher.stats["reconnects"] == 1)
        await publisher.publish("work.a", b"2")
        await until(lambda: 2 in worker.seen)
        assert worker.seen == [0, 2]
        await publisher.close()


async def test_a_stall(nats_server):
    async with Worker(nats_server.url, "slow") as slow:
        client = await nats.connect(nats_server.url)
        with nats_server.faults.stall(client="slow") as rule:
            for number in range(3):
                await client.publish("work.a", b"%d" % number)
            with pytest.raises(nats.errors.TimeoutError):
                await ask(client, 1, patience=0.1)
            assert slow.seen == []
        rule.must_hit()
        await until(lambda: slow.seen == [0, 1, 2])
        assert await ask(client, 4) == 8
        await client.close()


@pytest.mark.nats(size=3)
async def test_a_partition(nats_cluster):
    one, other, _ = nats_cluster.servers
    async with Worker(one.url, "a") as a, Worker(other.url, "b") as b:
        client = await nats.connect(nats_cluster.servers[2].url, **QUICKLY)
        await nats_cluster.servers[2].wait_for(lambda server: server.subsz()["num_subscriptions"] > 10)
        with nats_cluster.faults.partition([0], [1, 2]) as rule:
            await one.wait_for(lambda server: server.routez()["num_routes"] == 0)
            await nats_cluster.servers[2].wait_for(lambda server: server.routez()["num_routes"] == 1)
            for number in range(20):
                await client.publish("work.a", b"%d" % number)
            await until(lambda: len(b.seen) == 20)
            assert a.seen == []
            assert await ask(client, 3) == 6
        rule.must_hit()
        await nats_cluster.wait_until_meshed(timeout=60)
        await nats_cluster.servers[2].wait_for(lambda server: server.subsz()["num_subscriptions"] > 10)
        for number in range(20, 120):
            await client.publish("work.a", b"%d" % number)
        await until(lambda: len(a.seen) + len(b.seen) == 120)
        assert a.seen
        await client.close()
"""

FASTSTREAM = """
import asyncio

import pytest
from faststream import FastStream
from faststream.nats import NatsBroker

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Shop:
    '''An application: orders come in, bills go out, and requests for a price are answered.'''

    def __init__(self, url):
        self.orders = []
        self.broker = NatsBroker(url, name="shop", reconnect_time_wait=0.02, max_reconnect_attempts=-1)
        self.app = FastStream(self.broker)

        @self.broker.subscriber("orders.*", queue="shops")
        @self.broker.publisher("bills")
        async def bill(number: int) -> str:
            self.orders.append(number)
            return f"bill {number}"

        @self.broker.subscriber("price")
        async def price(item: str) -> int:
            return len(item)

    async def __aenter__(self):
        await self.app.start()
        return self

    async def __aexit__(self, *exc):
        await self.app.stop()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_cut(nats_server):
    async with Shop(nats_server.url) as shop, nats_server.client() as client:
        async with client.subscribe("bills") as bills:
            await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 3)
            rule = nats_server.faults.cut("orders.*", client="shop", direction="out", on=2)
            await client.publish("orders.a", b"1")
            assert (await bills.next(timeout=60)).data == b"bill 1"
            await client.publish("orders.a", b"2")
            await until(lambda: rule.hits == 1)
            await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1)
            await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] >= 3, timeout=60)
            await client.publish("orders.a", b"3")
            assert (await bills.next(timeout=60)).data == b"bill 3"
            assert shop.orders == [1, 3]


async def test_a_stall(nats_server):
    async with Shop(nats_server.url) as shop, nats_server.client() as client:
        async with client.subscribe("bills") as bills:
            await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 3)
            with nats_server.faults.stall(client="shop") as rule:
                await client.publish("orders.a", b"1")
                with pytest.raises(TimeoutError):
                    await bills.next(timeout=0.1)
                assert shop.orders == []
            rule.must_hit()
            assert (await bills.next(timeout=60)).data == b"bill 1"
            answer = await client.request("price", b"tea", timeout=60)
            assert answer.data == b"3"


@pytest.mark.nats(size=2)
async def test_a_partition(nats_cluster):
    here, there = nats_cluster.servers
    async with Shop(there.url) as shop, here.client() as client, client.subscribe("bills") as bills:
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 3)
        with nats_cluster.faults.partition([0], [1]):
            await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1)
            await client.publish("orders.a", b"1")
            await client.flush()
        await nats_cluster.wait_until_meshed(timeout=60)
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 3)
        await there.wait_for(lambda server: server.subsz()["num_subscriptions"] == 3)
        await client.publish("orders.a", b"2")
        assert (await bills.next(timeout=60)).data == b"bill 2"
        assert shop.orders == [2]
"""

PROGRAMS = """
import asyncio
import os
import sys
from contextlib import asynccontextmanager

import pytest

pytestmark = pytest.mark.asyncio
FOLDER = os.environ["NATS_PY_EXAMPLES"]


@asynccontextmanager
async def program(*words):
    '''One of the programs, and what it prints.'''
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", f"{FOLDER}/{words[0]}", *words[1:], stdout=-1, stderr=-2
    )
    printed = []

    async def read():
        async for line in process.stdout:
            printed.append(line.decode().strip())

    reading = asyncio.create_task(read())
    try:
        yield process, printed
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def publish(url, text):
    async with program("nats-pub", "-s", url, "work", "-d", text) as (process, printed):
        assert await process.wait() == 0, printed


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_cut(nats_server):
    async with program("nats-sub", "-s", nats_server.url, "work", "-q", "workers") as (_, printed):
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1, timeout=60)
        rule = nats_server.faults.cut("work", queue="workers", on=2)
        await publish(nats_server.url, "one")
        await until(lambda: any(line.endswith(": one") for line in printed))
        await publish(nats_server.url, "two")
        await until(lambda: any("reconnected" in line for line in printed))
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1, timeout=60)
        await publish(nats_server.url, "three")
        await until(lambda: any(line.endswith(": three") for line in printed))
    assert rule.hits == 1
    assert not any(line.endswith(": two") for line in printed)


async def test_a_stall(nats_server):
    async with program("nats-sub", "-s", nats_server.url, "work") as (_, printed):
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1, timeout=60)
        with nats_server.faults.stall(cid=1, direction="out"):
            await publish(nats_server.url, "one")
            assert not any(line.endswith(": one") for line in printed)
        await until(lambda: any(line.endswith(": one") for line in printed))


@pytest.mark.nats(size=2)
async def test_a_partition(nats_cluster):
    here, there = nats_cluster.servers
    async with program("nats-sub", "-s", there.url, "work") as (_, printed):
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1, timeout=60)
        with nats_cluster.faults.partition([0], [1]):
            await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 0)
            await publish(here.url, "one")
        await nats_cluster.wait_until_meshed(timeout=60)
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 1)
        await publish(here.url, "two")
        await until(lambda: any(line.endswith(": two") for line in printed))
    assert not any(line.endswith(": one") for line in printed)
"""


APPLICATIONS = """
import asyncio
import os
import runpy
from contextlib import asynccontextmanager
from functools import partial

import faststream.nats
import pytest

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.parametrize("name", ["e01_basic", "e03_publisher", "e08_wildcards"]),
]
FOLDER = os.environ["FASTSTREAM_EXAMPLES"]
OPTIONS = {"name": "program", "reconnect_time_wait": 0.02, "max_reconnect_attempts": -1}


@asynccontextmanager
async def running(name, url, monkeypatch):
    '''The program, connected to this server in place of the usual one.'''
    broker = partial(faststream.nats.NatsBroker, url, **OPTIONS)
    monkeypatch.setattr(faststream.nats, "NatsBroker", broker)
    app = runpy.run_path(f"{FOLDER}/{name}.py")["app"]
    await app.start()
    try:
        yield "subject.logs" if name == "e08_wildcards" else "subject"
    finally:
        await app.stop()


def delivered(server):
    '''How often the program was sent a message.'''
    frames = [frame for frames in server.faults.conversations.values() for frame in frames]
    sent = [frame for frame in frames if frame.startswith(("<-- MSG subject", "<-- HMSG subject"))]
    return sum("[" not in frame for frame in sent)


async def works(name, server, client, subject):
    '''What the program is for.'''
    if name == "e03_publisher":
        async with client.subscribe("response-subject") as answers:
            await client.publish(subject, b"Hi!")
            assert (await answers.next(timeout=60)).data == b"Response"
    else:
        before = delivered(server)
        await client.publish(subject, b"Hi!")
        await server.wait_for(lambda server: delivered(server) > before)


async def test_a_cut(nats_server, monkeypatch, name):
    async with running(name, nats_server.url, monkeypatch) as subject, nats_server.client() as client:
        await works(name, nats_server, client, subject)
        subscribed = nats_server.subsz()["num_subscriptions"]
        rule = nats_server.faults.cut(subject, client="program", direction="out", times=1)
        await client.publish(subject, b"Hi!")
        await nats_server.wait_for(lambda server: rule.hits == 1)
        await nats_server.wait_for(lambda server: server.subsz()["num_subscriptions"] < subscribed)
        await nats_server.wait_for(
            lambda server: server.subsz()["num_subscriptions"] >= subscribed, timeout=60
        )
        await works(name, nats_server, client, subject)


async def test_a_stall(nats_server, monkeypatch, name):
    async with running(name, nats_server.url, monkeypatch) as subject, nats_server.client() as client:
        with nats_server.faults.stall(client="program", direction="out") as rule:
            await client.publish(subject, b"Hi!")
            await nats_server.wait_for(lambda server: server.connz()["connections"][0]["pending_bytes"] > 0)
        rule.must_hit()
        await nats_server.wait_for(lambda server: server.connz()["connections"][0]["pending_bytes"] == 0)
        await works(name, nats_server, client, subject)


@pytest.mark.nats(size=2)
async def test_a_partition(nats_cluster, monkeypatch, name):
    here, there = nats_cluster.servers
    async with running(name, there.url, monkeypatch) as subject, here.client() as client:
        subscribed = there.subsz()["num_subscriptions"]
        with nats_cluster.faults.partition([0], [1]) as rule:
            await here.wait_for(lambda server: server.subsz()["num_subscriptions"] == 0)
            await client.publish(subject, b"lost")
            await client.flush()
        rule.must_hit()
        await nats_cluster.wait_until_meshed(timeout=60)
        await here.wait_for(lambda server: server.subsz()["num_subscriptions"] >= subscribed)
        await works(name, there, client, subject)
"""


def run_pytest(folder: Path, text: str) -> str:
    """What the tests of a project print; they pass."""
    (folder / "test_project.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugins = ("-p", "no:pynatsd", "-p", "app.testing.plugin", "-p", "no:cacheprovider", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(180)
def test_nats_py(tmp_path: Path) -> None:
    """Queue groups and a service go on after a cut, a stall and a partition."""
    assert "4 passed" in run_pytest(tmp_path, NATS_PY)


@pytest.mark.timeout(180)
@pytest.mark.skipif(find_spec("faststream") is None, reason="faststream[nats] is not installed")
def test_faststream(tmp_path: Path) -> None:
    """So does an application that handles, publishes and answers."""
    assert "3 passed" in run_pytest(tmp_path, FASTSTREAM)


@pytest.mark.timeout(180)
@pytest.mark.skipif("NATS_PY_EXAMPLES" not in os.environ, reason="NATS_PY_EXAMPLES names no folder")
def test_the_programs_of_nats_py(tmp_path: Path) -> None:
    """They go on as well."""
    assert "3 passed" in run_pytest(tmp_path, PROGRAMS)


@pytest.mark.timeout(180)
@pytest.mark.skipif(
    "FASTSTREAM_EXAMPLES" not in os.environ or find_spec("faststream") is None,
    reason="FASTSTREAM_EXAMPLES names no folder, or faststream[nats] is not installed",
)
def test_the_programs_of_faststream(tmp_path: Path) -> None:
    """They go on as well."""
    assert "9 passed" in run_pytest(tmp_path, APPLICATIONS)
