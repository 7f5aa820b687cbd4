"""Servers for programs without an event loop, each in a thread."""

import asyncio
import threading

import nats
import pytest

from app import CannotStart, NoResponders, ThreadedCluster, ThreadedServer
from app.testing import ManualClock
from tests.support.patience import PATIENCE


def test_a_plain_program() -> None:
    """All methods are plain calls; nothing is left at the end."""
    before = threading.active_count()
    with ThreadedServer(http=-1, server_name="plain") as server:
        with server.client("x") as client, client.subscribe("a") as messages:
            client.publish("a", b"1")
            first = messages.next(timeout=PATIENCE)
            client.publish("a", b"2")
            second = next(iter(messages))
            with pytest.raises(NoResponders):
                client.request("nowhere", timeout=PATIENCE)
        server.wait_for(lambda one: one.subsz()["num_subscriptions"] == 0)
        with pytest.raises(TimeoutError, match="the server plain"):
            server.wait_for(lambda _: False, timeout=0.01)
        page, urls = server.varz(), (server.url, server.http_url, server.name)

    assert (b"1", b"2") == (first.data, second.data)
    assert (page["server_name"], server.is_running) == ("plain", False)
    assert [f"nats://127.0.0.1:{server.port}", "plain"] == [urls[0], urls[2]]
    assert before == threading.active_count()


def test_it_starts_again() -> None:
    """After a stop it has the same port; more calls are without effect."""
    server = ThreadedServer()
    server.start()
    server.start()
    port = server.port
    server.stop()
    server.stop()
    server.start()
    again = server.port
    server.stop()

    assert port == again


def test_a_start_that_is_impossible() -> None:
    """The exception is that of a server in a loop, and no thread is left."""
    before = threading.active_count()

    with pytest.raises(CannotStart, match="whole number"):
        ThreadedServer(max_payload="much").start()

    assert before == threading.active_count()
    with pytest.raises(RuntimeError, match="is not running"):
        ThreadedServer().varz()


@pytest.mark.asyncio
async def test_within_a_loop() -> None:
    """Where a loop runs, methods that wait can be awaited and do not block it."""
    async with ThreadedServer() as server:
        client = await nats.connect(server.url, name="one")
        await server.wait_for(lambda one: one.connz()["num_connections"] == 1)
        async with server.client() as local, local.subscribe("a") as messages:
            await client.publish("a", b"1")
            first = await messages.next(timeout=PATIENCE)
            await client.publish("a", b"2")
            second = await anext(aiter(messages))
            await local.flush()
        await client.close()

    assert (b"1", b"2") == (first.data, second.data)


@pytest.mark.asyncio
async def test_a_start_within_a_loop_that_blocks() -> None:
    """The plain context manager works there, too."""
    with ThreadedServer() as server:
        client = await nats.connect(server.url)
        count = server.connz()["num_connections"]
        await client.close()

    assert (1, False) == (count, server.is_running)


def test_a_cluster() -> None:
    """Its servers are those of a cluster in a loop, and each may be stopped by itself."""
    before = threading.active_count()
    with ThreadedCluster(3) as cluster:
        routes = [server.routez()["num_routes"] for server in cluster.servers]
        cluster.servers[2].stop()
        cluster.servers[0].wait_for(lambda one: one.routez()["num_routes"] == 1)
        cluster.servers[2].start()
        cluster.wait_until_meshed(20)
        urls = cluster.urls

    assert [2, 2, 2] == routes
    assert len(set(urls)) == 3
    assert before == threading.active_count()


def test_faults_from_another_thread() -> None:
    """Rules are made and cleared in the server's thread, and are in effect when the call returns."""
    with ThreadedServer() as server, server.client() as client, client.subscribe("a") as messages:

        async def publish() -> None:
            other = await nats.connect(server.url)
            for text in (b"1", b"2"):
                await other.publish("a", text)
            await other.flush()
            await other.close()

        with server.faults.drop("a", times=1) as rule:
            asyncio.run(publish())
            server.wait_for(lambda one: one.varz()["in_msgs"] == 1)
        rule.must_hit()
        assert messages.next(timeout=PATIENCE).data == b"2"


def test_a_clock_from_another_thread() -> None:
    """A test without a loop moves the time of a server in a thread."""
    clock = ManualClock()
    with ThreadedServer(clock=clock, ping_interval=10, debug_log=True) as server:
        with pytest.raises(ValueError, match="go back"):
            clock.advance(-1)

        async def connect_and_wait() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            await reader.readline()
            writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
            await reader.readuntil(b"PONG\r\n")
            await clock.advance(10.2)
            line = await reader.readline()
            writer.close()
            return line

        assert asyncio.run(connect_and_wait()) == b"PING\r\n"
        clock.advance(1)


@pytest.mark.asyncio
async def test_no_thread_is_left_within_a_loop() -> None:
    """It has ended when the stop has been awaited, and when a start has failed."""
    before = threading.active_count()
    server = ThreadedServer()
    await server.start()
    await server.stop()
    counts = [threading.active_count()]
    with pytest.raises(CannotStart):
        await ThreadedServer(port="x").start()
    counts.append(threading.active_count())

    assert [before, before] == counts


def test_a_member_of_a_cluster_that_is_over() -> None:
    """To stop it is without effect, to ask it is an error."""
    with ThreadedCluster(1) as cluster:
        member = cluster.servers[0]
    member.stop()
    with pytest.raises(RuntimeError, match="is not running"):
        member.start()
    with pytest.raises(RuntimeError, match="is not running"):
        member.varz()


def test_one_clock_for_servers_in_several_threads() -> None:
    """Each does in its own thread what is due."""
    clock = ManualClock()
    keys = {"clock": clock, "ping_interval": 10, "debug_log": True}
    with ThreadedServer(**keys) as one, ThreadedServer(**keys) as other:

        async def pinged() -> list[bytes]:
            lines = []
            for server in (one, other):
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                await reader.readline()
                writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
                await reader.readuntil(b"PONG\r\n")
                lines.append((reader, writer))
            await clock.advance(10.2)
            found = [await asyncio.wait_for(reader.readline(), PATIENCE) for reader, _ in lines]
            for _, writer in lines:
                writer.close()
            return found

        assert asyncio.run(pinged()) == [b"PING\r\n", b"PING\r\n"]


@pytest.mark.asyncio
async def test_a_login_that_is_too_late() -> None:
    """The first advance counts, although no timer has been made before the client came."""
    clock = ManualClock()
    with ThreadedServer(clock=clock, authorization={"user": "a", "password": "b", "timeout": 2}) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await reader.readline()
        await clock.advance(3)
        line = await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()

    assert line == b"-ERR 'Authentication Timeout'\r\n"


def test_a_client_outlives_its_server() -> None:
    """Its block ends without an error, as that of a client in a loop does."""
    with ThreadedServer() as server, server.client() as client, client.subscribe("a"):
        client.publish("a")
        server.stop()

    assert not server.is_running


def test_a_reload_and_lame_duck_mode() -> None:
    """Both work from a program without an event loop; a server that has ended is in neither."""
    with ThreadedServer() as server:
        assert ["max_payload = 2000"] == server.reload(max_payload=2000)
        assert 2000 == server.varz()["max_payload"]
        server.lame_duck(duration=1.0, grace=0.1)
        assert not server.is_running
    server.lame_duck()
