"""Clusters of real servers, and the clients of today."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.support.cluster_processes import CLOSED, HEARD, REGISTERED, SILENT, ClusterProcess, ProcessCluster
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio

DEADLINE = PATIENCE

STAMP = re.compile(r"^\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} ")
OF_A_LINK = re.compile(r"127\.0\.0\.1:\d+ - ")


@pytest.fixture(name="three")
def _three() -> Iterator[ProcessCluster]:
    with ProcessCluster(3) as cluster:
        yield cluster


class Ear:
    """A subscription of nats-py that keeps the numbers it got."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self._changed = asyncio.Condition()

    async def hear(self, message: Msg) -> None:
        """Keep a number."""
        async with self._changed:
            self.got.append(int(message.data))
            self._changed.notify_all()

    async def until(self, number: int) -> None:
        """Wait for this number."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: number in self.got)

    async def count(self, count: int) -> None:
        """Wait until there are this many."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: len(self.got) >= count)


async def connect(server: ClusterProcess, **options: Any) -> Client:  # noqa: ANN401 - passed through
    """A client of this server; `options` are those of nats-py."""
    return await nats.connect(server.url, **options)


async def reach(speaker: Client, subject: str, ear: Ear, number: int) -> None:
    """Publish a number until it is heard: interest takes a moment to travel."""
    async with asyncio.timeout(DEADLINE):
        while number not in ear.got:
            await speaker.publish(subject, b"%d" % number)
            await speaker.flush()
            await asyncio.sleep(0.01)


def sentences(log: str) -> list[str]:
    """The lines of a log about routes, without time and addresses."""
    lines = [OF_A_LINK.sub("", STAMP.sub("", line)) for line in log.splitlines()]
    return [re.sub(r":\d+$", ":PORT", line) for line in lines if "rid:" in line or "route" in line]


def route_number(server: ClusterProcess, other: ClusterProcess) -> str:
    """How one server's log calls its route to another."""
    identity = re.search(r"Server id is (\w+)", other.log)
    assert identity is not None
    route = re.search(rf'(rid:\d+) - Registering remote route "{identity[1]}"', server.log)
    assert route is not None
    return route[1]


async def test_the_log_of_three_servers_that_meet(three: ProcessCluster) -> None:
    """The second and the third server tell, in gnatsd's words, how they met the seed."""
    ids = []
    for server in three.servers:
        match = re.search(r"Server id is (\w+)", server.log)
        assert match is not None
        ids.append(match[1])
    seed, second, third = (sentences(server.log) for server in three.servers)

    assert (
        [
            "[INF] Listening for route connections on 127.0.0.1:PORT",
            "[DBG] Trying to connect to route on 127.0.0.1:PORT",
            "[DBG] rid:1 - Route connection created",
            "[DBG] rid:1 - Route connect msg sent",
            f'[DBG] rid:1 - Registering remote route "{ids[0]}"',
            "[DBG] rid:1 - Route sent local subscriptions",
        ]
        == second[:6]
        == third[:1] + third[1:6]
    )
    for other in ids[1:]:
        assert sum(f'Registering remote route "{other}"' in line for line in seed) == 1
    assert f'[DBG] rid:2 - Registering remote route "{ids[2]}"' in second
    assert f'[DBG] rid:2 - Registering remote route "{ids[1]}"' in third


async def test_a_message_reaches_every_server_once(three: ProcessCluster) -> None:
    """Subscribers at three servers get each message of a fourth client once, in order."""
    clients = [await connect(server) for server in three.servers]
    ears = [Ear() for _ in clients]
    for client, ear in zip(clients, ears, strict=True):
        await client.subscribe("news.*", cb=ear.hear)
        await client.flush()
    speaker = await connect(three.servers[0])
    for ear in ears:
        await reach(speaker, "news.ready", ear, -1)

    for number in range(1000):
        await speaker.publish("news.today", b"%d" % number)
    for ear in ears:
        await ear.until(999)

    for ear in ears:
        assert list(range(1000)) == [number for number in ear.got if number >= 0]
    for client in (*clients, speaker):
        await client.close()


async def test_a_queue_group_is_served_once_in_the_cluster(three: ProcessCluster) -> None:
    """Of members at three servers exactly one gets each message, and each gets its share."""
    clients = [await connect(server) for server in three.servers]
    ears = [Ear() for _ in clients]
    alone = [Ear() for _ in clients]
    every = Ear()

    async def hear(ear: Ear, message: Msg) -> None:
        await ear.hear(message)
        await every.hear(message)

    for client, ear, own in zip(clients, ears, alone, strict=True):
        await client.subscribe("work", queue="workers", cb=partial(hear, ear))
        await client.subscribe("ready", cb=own.hear)
        await client.flush()
    for own in alone:
        await reach(clients[0], "ready", own, -1)

    for number in range(600):
        await clients[0].publish("work", b"%d" % number)
    await every.count(600)
    await clients[0].flush()

    assert dict.fromkeys(range(600), 1) == Counter(n for ear in ears for n in ear.got)
    assert all(len(ear.got) > 100 for ear in ears)
    for client in clients:
        await client.close()


async def test_a_request_is_answered_across_servers(three: ProcessCluster) -> None:
    """A service at one server answers a client at another."""
    service, caller = await connect(three.servers[1]), await connect(three.servers[2])

    async def answer(message: Msg) -> None:
        await message.respond(b"hello " + message.data)

    await service.subscribe("greet", cb=answer)
    await service.flush()
    ready = Ear()
    await service.subscribe("ready", cb=ready.hear)
    await reach(caller, "ready", ready, 1)

    assert b"hello joe" == (await caller.request("greet", b"joe", timeout=DEADLINE)).data
    await service.close()
    await caller.close()


async def test_a_client_fails_over_to_an_advertised_server(three: ProcessCluster) -> None:
    """A client that knew one address goes on at another server, and misses nothing from there on."""
    again = asyncio.Event()

    async def reconnected() -> None:
        again.set()

    first, second, _ = three.servers
    client = await connect(first, reconnected_cb=reconnected, reconnect_time_wait=0.05)
    ear = Ear()
    await client.subscribe("news", cb=ear.hear)
    await client.flush()

    first.kill()
    await asyncio.wait_for(again.wait(), DEADLINE)
    speaker = await connect(second)
    await reach(speaker, "news", ear, -1)
    for number in range(100):
        await speaker.publish("news", b"%d" % number)
    await ear.until(99)

    assert list(range(100)) == [number for number in ear.got if number >= 0]
    await client.close()
    await speaker.close()


async def test_one_of_five_is_killed_and_comes_back_under_load() -> None:
    """The others go on serving, the group loses no turn to the dead, nothing comes twice, and it rejoins."""
    with ProcessCluster(5) as cluster:
        speaker, *members = [await connect(cluster.servers[i]) for i in (0, 1, 3, 4)]
        plain, ears = Ear(), [Ear() for _ in members]
        await members[0].subscribe("load", cb=plain.hear)
        for member, ear in zip(members, ears, strict=True):
            await member.subscribe("load", queue="group", cb=ear.hear)
            await member.flush()
        doomed = await connect(cluster.servers[2], allow_reconnect=False)
        await doomed.subscribe("load", queue="group", cb=Ear().hear)
        await doomed.flush()
        await reach(speaker, "load", plain, 0)

        cluster.servers[2].kill()
        for index in (0, 1, 3, 4):
            cluster.servers[index].wait_for(CLOSED)
        for number in range(1, 1001):
            await speaker.publish("load", b"%d" % number)
        await speaker.flush()
        fresh = cluster.restart(2)
        newcomer = Ear()
        late = await connect(fresh)
        await late.subscribe("load", cb=newcomer.hear)
        await late.flush()
        await reach(speaker, "load", newcomer, 1001)
        await plain.until(1001)

        served = Counter(n for ear in ears for n in ear.got if 0 < n <= 1000)
        assert dict.fromkeys(range(1, 1001), 1) == served
        assert dict.fromkeys(range(1, 1001), 1) == Counter(n for n in plain.got if 0 < n <= 1000)
        assert set(newcomer.got) == {1001}
        assert 4 == fresh.log.count(REGISTERED)
        for client in (speaker, *members, late):
            await client.close()


async def test_a_frozen_server_gets_no_turn_of_a_group(three: ProcessCluster) -> None:
    """Its member is passed over soon, though its links stand, and is drawn again when it thaws."""
    first, second, third = three.servers
    speaker, frozen, lively = [await connect(server) for server in (first, second, third)]
    ears = [Ear(), Ear()]
    for client, ear in zip((frozen, lively), ears, strict=True):
        await client.subscribe("work", queue="workers", cb=ear.hear)
        await client.flush()
    for ear in ears:
        await reach(speaker, "work", ear, 0)

    silent, heard = (f"{route_number(first, second)} - {sentence}" for sentence in (SILENT, HEARD))
    before = first.log.count(silent)
    os.kill(second.pid, signal.SIGSTOP)
    try:
        await asyncio.to_thread(first.wait_for, silent, count=before + 1)
        for number in range(1, 301):
            await speaker.publish("work", b"%d" % number)
        await ears[1].until(300)
    finally:
        os.kill(second.pid, signal.SIGCONT)
    await asyncio.to_thread(first.wait_for, heard, count=before + 1)
    await reach(speaker, "work", ears[0], 301)

    assert list(range(1, 301)) == [number for number in ears[1].got if 0 < number <= 300]
    for client in (speaker, frozen, lively):
        await client.close()


async def test_a_rolling_restart_under_load(three: ProcessCluster) -> None:
    """Each server is restarted in turn; its clients move, and no message comes twice or out of order."""
    clients = [
        await connect(server, reconnect_time_wait=0.05, max_reconnect_attempts=-1) for server in three.servers
    ]
    ears = [Ear() for _ in clients]
    for client, ear in zip(clients, ears, strict=True):
        await client.subscribe("roll", cb=ear.hear)
        await client.flush()
    published = 0

    async def publish_on() -> None:
        nonlocal published
        while True:
            published += 1
            await clients[0].publish("roll", b"%d" % published)
            await asyncio.sleep(0.001)

    load = asyncio.create_task(publish_on())
    try:
        for index in range(3):
            await asyncio.to_thread(three.servers[index].stop)
            await asyncio.to_thread(three.restart, index)
    finally:
        load.cancel()
    for ear in ears:
        await reach(clients[0], "roll", ear, 1_000_000)

    for ear in ears:
        got = [number for number in ear.got if number < 1_000_000]
        assert sorted(set(got)) == got
    for client in clients:
        await client.close()


async def test_a_guess_waits_for_the_greeting() -> None:
    """Who was turned away is not answered before it is greeted, however early it speaks."""
    with ClusterProcess(login="route:s3cr3t@") as server:
        await guess(server)
        lines = await guess(server)

    assert [b"INFO", b"-ERR 'Authorization Violation'"] == [lines[0][:4], *lines[1:]]


async def guess(server: ClusterProcess) -> list[bytes]:
    """What a server hears that tries a password before it is greeted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.route_port)
    writer.write(b'CONNECT {"user":"route","pass":"guess","name":"X"}\r\n')
    async with asyncio.timeout(DEADLINE):
        heard = await reader.read()
    writer.close()
    return heard.splitlines()


async def test_what_an_operator_sees_of_a_cluster() -> None:
    """Without debugging: routes that come and go, with the peer's name, and servers that are away."""
    with ClusterProcess("--server_name", "east") as east:
        with ClusterProcess("--server_name", "west", seed=east.route_port) as west:
            up = east.wait_for('Route to "west" is up, dialled by the other server')
            west.wait_for('Route to "east" is up, dialled by this server')
        down = east.wait_for('Route to "west" is down: ')
        with west.successor() as west:
            west.wait_for("is up")
            address = f"127.0.0.1:{east.route_port}"
            east.kill()
            away = west.wait_for(f"Route to {address} cannot be reached: ")
            west.wait_for("(attempt 2)")
            with east.successor():
                west.wait_for(f"Route to {address} is reached, failed attempts before: ")

    assert "[INF] 127.0.0.1:" in up
    assert "[INF] 127.0.0.1:" in down
    assert "[INF] Route to" in away


async def test_a_route_port_that_is_taken_is_named() -> None:
    """The server does not start, and says which port it is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*ClusterProcess.command, "--cluster", f"nats://127.0.0.1:{port}"]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=DEADLINE, check=False
        )

    assert 1 == done.returncode
    assert f"[FTL] Error listening on router port: 127.0.0.1:{port} - " in done.stderr
