"""Lame duck mode over real sockets: by signal, and in an embedded server."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from app import Cluster, Server
from app.testing import wait_for
from tests.support.patience import PATIENCE
from tests.support.server_process import CURRENT, ServerProcess

pytestmark = pytest.mark.asyncio


async def informed(url: str, **options: Any) -> tuple[asyncio.Event, Client]:  # noqa: ANN401 - those of nats.connect
    """A client, and the event that it has learnt of lame duck mode."""
    event = asyncio.Event()

    async def note() -> None:
        event.set()

    return event, await nats.connect(url, lame_duck_mode_cb=note, **options)


async def test_it_stops_without_clients() -> None:
    """A server that nobody is connected to stops at once, with status 0."""
    with ServerProcess(*CURRENT) as server:
        assert 0 == server.stop(signal.SIGUSR2)

    assert "Entering lame duck mode, stop accepting new clients" in server.log
    assert "Server Exiting.." in server.log


async def test_a_stop_signal_ends_it_early() -> None:
    """Clients are connected, and the server ends nevertheless; new ones are refused meanwhile."""
    with ServerProcess(*CURRENT, "-m", "-1") as server:
        learnt, client = await informed(server.url, allow_reconnect=False)
        os.kill(server.pid, signal.SIGUSR2)
        os.kill(server.pid, signal.SIGUSR2)
        server.wait_for("Entering lame duck mode")
        await asyncio.wait_for(learnt.wait(), PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        assert client.is_connected
        began = time.monotonic()
        assert 0 == await asyncio.to_thread(server.stop)
        await client.close()

    assert time.monotonic() - began < 10.0
    assert 1 == server.log.count("Entering lame duck mode")


async def test_a_rolling_restart() -> None:
    """Clients of a cluster learn where else to go, and all messages after a reconnect arrive."""
    async with Cluster(3, http=-1) as cluster:
        first, second, _ = cluster.servers
        urls = sorted(server.url.removeprefix("nats://") for server in cluster.servers[1:])
        learnt, client = await informed(first.url, reconnect_time_wait=0.01, max_reconnect_attempts=-1)
        other = await nats.connect(second.url)
        subscription = await client.subscribe("news")
        await client.flush()
        ending = asyncio.create_task(first.lame_duck(duration=1.0, grace=0.3))
        await asyncio.wait_for(learnt.wait(), PATIENCE)
        assert urls == sorted(url.netloc for url in client.discovered_servers)
        assert "began" in first.varz()["lame_duck"]
        await ending
        assert not first.is_running

        await wait_for(lambda: client.is_connected and getattr(client.connected_url, "netloc", "") in urls)
        await client.flush()
        await wait_for(lambda: all(one.subsz()["num_subscriptions"] == 1 for one in cluster.servers[1:]))
        for number in range(100):
            await other.publish("news", b"%d" % number)
        heard = [(await subscription.next_msg(timeout=PATIENCE)).data for _ in range(100)]
        await client.close()
        await other.close()

    assert [b"%d" % number for number in range(100)] == heard


def _read(url: str) -> tuple[int, bytes]:
    """The status and the contents of a page."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - a page of the server under test
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


async def test_probes_and_pages() -> None:
    """Readiness is false at once, the process is alive, and the pages say what goes on."""
    async with Server(http=-1) as server:
        learnt, client = await informed(server.url, allow_reconnect=False)
        ending = asyncio.create_task(server.lame_duck(duration=60.0, grace=30.0))
        await asyncio.wait_for(learnt.wait(), PATIENCE)
        answers = [
            (await asyncio.to_thread(_read, f"{server.http_url}/{page}"))[0]
            for page in ("healthz", "readyz", "livez")
        ]
        feed = json.loads((await asyncio.to_thread(_read, f"{server.http_url}/dashboard/feed"))[1])
        await server.stop()
        await ending
        await client.close()

    assert [500, 503, 200] == answers
    assert 0 < feed["server"]["lame_duck"] <= 60.0


async def test_streams_are_closed_last() -> None:
    """While clients are sent away what they publish is stored and acknowledged, up to the last one."""
    async with Server(jetstream=True) as server:
        learnt, client = await informed(server.url, allow_reconnect=False)
        streams = client.jetstream()
        await streams.add_stream(name="S", subjects=["s"])
        ending = asyncio.create_task(server.lame_duck(duration=2.0, grace=1.0))
        await asyncio.wait_for(learnt.wait(), PATIENCE)
        acknowledged = 0
        with contextlib.suppress(NatsError, TimeoutError):
            while True:
                await streams.publish("s", b"x", timeout=1)
                acknowledged += 1
        await ending
        log = list(server.log)
        await client.close()
    order = [
        next(number for number, line in enumerate(log) if text in line)
        for text in (
            "Closing existing clients",
            "Server Exiting..",
            "JetStream stopped, 1 streams are closed",
        )
    ]

    assert acknowledged > 0
    assert sorted(order) == order
