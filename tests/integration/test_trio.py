"""What a program of trio can use: servers in a thread, and their clients, with and without await."""

import pytest
import trio

from app import Server, ThreadedCluster, ThreadedServer
from app.testing import ManualClock, wait_for
from tests.support.patience import PATIENCE


def test_a_server_in_a_thread() -> None:
    """All that returns nothing can be awaited; what returns something is returned by the call."""

    async def main() -> tuple[bytes, bytes, bool]:
        async with ThreadedServer() as server, server.client() as client:
            async with client.subscribe("a") as messages:
                await client.publish("a", b"1")
                await client.flush()
                first = messages.next(timeout=PATIENCE)
                client.publish("a", b"2")
                second = messages.next(timeout=PATIENCE)
            await server.wait_for(lambda one: one.subsz()["num_subscriptions"] == 0)
            await server.stop()
            await server.start()
            return first.data, second.data, server.is_running

    assert (b"1", b"2", True) == trio.run(main)


def test_a_cluster_and_a_clock() -> None:
    """Time passes when the test says so."""

    async def main() -> list[int]:
        clock = ManualClock()
        async with ThreadedCluster(2, clock=clock) as cluster:
            await clock.advance(1)
            await cluster.wait_until_meshed()
            return [server.routez()["num_routes"] for server in cluster.servers]

    assert [1, 1] == trio.run(main)


def test_a_server_in_the_loop_of_trio() -> None:
    """There is none, and the error says what to use."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"use pynatsd\.ThreadedServer"):
            await Server().start()
        with pytest.raises(RuntimeError, match="use the server's wait_for"):
            await wait_for(lambda: True)

    trio.run(main)
