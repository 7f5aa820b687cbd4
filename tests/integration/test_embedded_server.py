"""A server in the loop of a program, and a client without a socket."""

import asyncio
import contextlib
import gc
import logging
import threading
import weakref
from pathlib import Path
from typing import Any, cast

import nats
import psutil
import pytest
from nats.aio.msg import Msg

from app import CannotStart, ClientClosed, Cluster, NoResponders, Server
from app.embedding.client import UNREAD_BYTES
from app.testing.certificates import make_files
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("twin", twins())
async def test_a_client_of_nats_talks_to_it(twin: str) -> None:
    """It listens on loopback, and its pages are dictionaries."""
    async with Server(data_plane=twin, http=-1) as server:
        client = await nats.connect(server.url, name="one")
        subscription = await client.subscribe("a.*")
        await client.publish("a.b", b"1")
        message = await subscription.next_msg(timeout=PATIENCE)
        shown = server.connz(subs=True)["connections"][0]
        await client.close()

    assert (b"1", "one", ["a.*"]) == (message.data, shown["name"], shown["subscriptions_list"])


async def test_it_starts_again_at_the_same_port() -> None:
    """A client reconnects to a server that was stopped and started."""
    server = await Server().start()
    again = asyncio.Event()

    async def reconnected() -> None:
        again.set()

    client = await nats.connect(server.url, reconnected_cb=reconnected, reconnect_time_wait=0.01)
    first = server.port
    await server.stop()
    await server.stop()
    await server.start()
    await server.start()
    await asyncio.wait_for(again.wait(), PATIENCE)
    await client.flush()
    second = server.port
    await client.close()
    await server.stop()

    assert first == second


async def test_keys_of_the_configuration(tmp_path: Path) -> None:
    """Keywords win over the mapping, the mapping over the file; sizes and times may be texts."""
    file = tmp_path / "broker.conf"
    file.write_text("max_payload: 100\nmax_connections: 7\nping_interval: 5s\nserver_name: file\n")
    config = {"max_payload": "64KB", "server_name": "mapping", "port": 0}
    async with Server(config, config_file=str(file), server_name="keyword") as server:
        page, name = server.varz(), server.name

    assert (64 * 1024, 7, "keyword") == (page["max_payload"], page["max_connections"], name)
    assert page["ping_interval"] == 5_000_000_000


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"max_payload": "much"}, "max_payload must be a whole number"),
        ({"max_paylaod": 1}, 'unknown key "max_paylaod"'),
        ({"config_file": "/nowhere/broker.conf"}, "open /nowhere/broker.conf: no such file or directory"),
        ({"data_plane": "rust"}, "unknown data plane 'rust'"),
        ({"tls": {"cert_file": "/nowhere.pem", "key_file": "/nowhere.pem"}}, "/nowhere.pem"),
        ({"authorization": {"authenticator": "nowhere:make"}}, "nowhere"),
    ],
)
async def test_a_start_that_is_impossible(keys: dict[str, object], text: str) -> None:
    """The exception says what is wrong, and the server can be asked nothing."""
    server = Server(**keys)  # type: ignore[arg-type] # as a program may write them

    with pytest.raises(CannotStart) as error:
        await server.start()

    assert text in str(error.value)
    assert not server.is_running


async def test_a_port_that_is_taken() -> None:
    """The exception names the address; the other server is not disturbed."""
    async with Server() as server:
        other = Server(port=server.port)
        with pytest.raises(CannotStart, match=f"127.0.0.1:{server.port}"):
            await other.start()

        assert server.connz()["num_connections"] == 0


async def test_addresses_that_it_does_not_have() -> None:
    """The error says which key would give them."""
    async with Server() as server:
        for address, key in (
            ("http_url", "http=-1"),
            ("route_url", "cluster="),
            ("websocket_url", "websocket="),
        ):
            with pytest.raises(RuntimeError, match=key):
                getattr(server, address)
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = Server().port
    with pytest.raises(RuntimeError, match="is not running"):
        server.varz()


async def test_all_addresses(tmp_path: Path) -> None:
    """Each one has its scheme and its real port."""
    keys: dict[str, object] = {
        "cluster": {"port": 0},
        "websocket": {"port": 0, "no_tls": True},
        "https": -1,
        "tls": make_files(tmp_path).config,
    }
    async with Server(keys) as server:
        urls = (server.url, server.http_url, server.route_url, server.websocket_url)

    assert [url.rpartition(":")[0] for url in urls] == [
        "tls://127.0.0.1",
        "https://127.0.0.1",
        "nats-route://127.0.0.1",
        "ws://127.0.0.1",
    ]
    assert all(int(url.rpartition(":")[2]) for url in urls)


async def test_waiting_for_a_condition() -> None:
    """It returns when the condition is true; at the end of its time it shows the server."""
    async with Server(server_name="waiting") as server:
        client = await nats.connect(server.url, name="one")
        await server.wait_for(lambda one: one.connz()["num_connections"] == 1)
        with pytest.raises(TimeoutError, match=r"the server waiting has 1 connections(.|\n)*'one'"):
            await server.wait_for(lambda one: one.connz()["num_connections"] == 2, timeout=0.01)
        await client.close()


async def test_its_log(caplog: pytest.LogCaptureFixture) -> None:
    """Lines are kept, and go to Python's logging, not to standard error."""
    caplog.set_level(logging.INFO, "pynatsd")
    async with Server(debug_log=True) as server:
        client = await nats.connect(server.url)
        await client.close()
        await server.wait_for(lambda one: any("Client connection closed" in line for line in one.log))

    assert "[INF] Server is ready" in server.log
    assert "Server is ready" in caplog.messages


async def test_nothing_is_left() -> None:
    """After the end there is no task, no thread, no descriptor and no object of it."""
    gc.collect()  # what earlier tests of this process left; some of it may end meanwhile
    before = _held()
    kept = [await _use_one() for _ in range(3)]
    gc.collect()

    assert set() == _held() - before
    assert [None, None, None] == [one() for one in kept]


def _held() -> set[object]:
    """Threads, tasks and descriptors of this process; a descriptor with what it is open for."""
    held: set[object] = {*threading.enumerate(), *asyncio.all_tasks()}
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of this reading, for one
            held.add((each.name, each.readlink()))
    return held


async def _use_one() -> "weakref.ref[object]":
    async with Server(record=True) as server, server.client() as client:
        await client.publish("x")
        return weakref.ref(server._live)  # noqa: SLF001 - whether it is collected


async def test_starts_and_stops_at_the_same_time() -> None:
    """They take turns: one server runs, and then none does."""
    server = Server()
    await asyncio.gather(server.start(), server.start())
    port = server.port
    await asyncio.gather(server.stop(), server.stop())
    await server.start()
    again = server.port
    await server.stop()

    assert (port, False) == (again, server.is_running)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("turns", range(1, 8))
async def test_a_stop_whose_caller_is_cancelled(turns: int) -> None:
    """The server ends nevertheless, and leaves no port taken."""
    server = await Server(jetstream=True, http=-1, cluster={"port": -1}).start()
    stopping = asyncio.create_task(server.stop())
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):  # it may have ended before
        await stopping

    assert not server.is_running
    async with server:
        assert server.is_running


@pytest.mark.parametrize("turns", range(1, 40, 6))
async def test_a_start_that_is_cancelled_again_and_again(turns: int) -> None:
    """It is given up, and leaves nothing open, as when it is cancelled once."""
    before = _listening()
    server = Server(http=-1, cluster={"port": -1})
    starting = asyncio.create_task(server.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    for _ in range(5):
        starting.cancel()
        await asyncio.sleep(0)
    with contextlib.suppress(asyncio.CancelledError):  # it may have ended before
        await starting
    await server.stop()

    assert before == _listening()


def _listening() -> int:
    """How many sockets of this process listen."""
    return sum(one.status == psutil.CONN_LISTEN for one in psutil.Process().net_connections())


async def test_a_cluster_whose_end_is_cancelled() -> None:
    """All servers end before the caller is cancelled."""
    cluster = await Cluster(2).start()
    servers = list(cluster.servers)
    stopping = asyncio.create_task(cluster.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping

    assert [False, False] == [server.is_running for server in servers]


async def test_another_loop() -> None:
    """A server belongs to the loop that it was started in; stopped, it may be started in another one."""
    server = Server()
    await server.start()
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, server.stop())
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, server.reload(max_payload=10))
    with pytest.raises(RuntimeError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, server.lame_duck())
    await server.stop()

    async def use() -> bool:
        async with server:
            return server.is_running

    assert await asyncio.to_thread(asyncio.run, use())


async def test_a_loop_that_has_ended() -> None:
    """A server that was not stopped in it does not seem to run: the error says what to do."""
    server = Server()

    async def leave_running() -> None:
        await server.start()
        await server._live.stop(None)  # noqa: SLF001 - so that no socket is left

    await asyncio.to_thread(asyncio.run, leave_running())
    for call in (server.start, server.stop):
        with pytest.raises(RuntimeError, match="create another server"):
            await call()


async def test_arguments_that_are_no_configuration(tmp_path: Path) -> None:
    """A path belongs to `config_file`, and may be one of pathlib."""
    with pytest.raises(TypeError, match="config_file="):
        Server("broker.conf")  # type: ignore[arg-type] # as a program may write it
    (tmp_path / "broker.conf").write_text("max_payload: 10\n")
    async with Server(config_file=tmp_path / "broker.conf", port=-1) as server:
        assert server.varz()["max_payload"] == 10


async def test_errors_are_not_written_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A program that has set up no logging sees nothing."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        async with Server() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"NONSENSE\r\n")
            await reader.read()
            writer.close()
    finally:
        root.handlers = handlers

    assert ("", "") == capfd.readouterr()
    assert any("Parser" in line for line in server.log)


# --- a client without a socket --------------------------------------------------------


@pytest.mark.parametrize("twin", twins())
async def test_messages_both_ways(twin: str) -> None:
    """Subject, data, reply and headers arrive as they were sent."""
    async with Server(data_plane=twin) as server, server.client(name="x") as client:
        other = await nats.connect(server.url)
        subscription = await other.subscribe("to.other")
        await other.flush()
        async with client.subscribe("a.*", queue="q") as messages:
            await other.publish("a.b", b"1", reply="r", headers={"k": "v"})
            got = await messages.next(timeout=PATIENCE)
            await client.publish("to.other", b"2", reply="s", headers={"l": ["1", "2"]})
            heard = await subscription.next_msg(timeout=PATIENCE)
        await other.close()

    assert ("a.b", b"1", "r", {"k": "v"}) == (got.subject, got.data, got.reply, got.headers)
    assert ("to.other", b"2", "s") == (heard.subject, heard.data, heard.reply)


async def test_requests() -> None:
    """The first answer is the result; nobody who listens is an exception, and so is nobody who answers."""
    async with Server() as server, server.client() as client:
        service = await nats.connect(server.url)

        async def answer(message: Msg) -> None:
            await message.respond(b"yes " + message.data)

        await service.subscribe("ask", cb=answer)
        await service.subscribe("silent")
        await service.flush()
        reply = await client.request("ask", b"me", timeout=PATIENCE)
        with pytest.raises(NoResponders, match="nobody subscribes to 'nowhere'"):
            await client.request("nowhere", timeout=PATIENCE)
        with pytest.raises(TimeoutError):
            await client.request("silent", timeout=0.01)
        await service.close()

    assert reply.data == b"yes me"


async def test_a_subscription_ends_with_its_block() -> None:
    """It is in effect when it is entered, and not after its block; a plain loop works too."""
    async with Server() as server, server.client() as client:
        async with client.subscribe("a"):
            inside = server.subsz()["num_subscriptions"]
        outside = server.subsz()["num_subscriptions"]
        got = []
        loop = client.subscribe("b")
        loop.begin()
        await client.publish("b", b"1")
        await client.publish("b", b"2")
        async for message in loop:
            got.append(message.data)
            if len(got) == 2:
                break

    assert (1, 0, [b"1", b"2"]) == (inside, outside, got)


async def test_what_cannot_be_sent() -> None:
    """Errors name what is wrong, and the client goes on."""
    async with Server(max_payload=10) as server, server.client() as client:
        for subject, data, headers in (
            ("", b"", None),
            ("a b", b"", None),
            ("a", 11 * b"x", None),
            ("a", b"", {"k": "a\r\nb"}),
            ("a", b"", {"k:": "v"}),
        ):
            with pytest.raises(ValueError, match=r"word|max_payload|line break|header"):
                await client.publish(subject, data, headers=headers)
        with pytest.raises(ValueError, match=r"no subject"):
            client.subscribe("a..b").begin()
        await client.publish("a")


async def test_arguments_of_the_wrong_type() -> None:
    """The error names the argument and its type, before anything is sent."""
    async with Server() as server, server.client() as client:
        given: list[tuple[object, object, object, object]] = [
            (b"a", b"", "", None),
            (None, b"", "", None),
            ("a", "text", "", None),
            ("a", 5, "", None),
            ("a", None, "", None),
            ("a", b"", b"r", None),
            ("a", b"", "", [("k", "v")]),
            ("a", b"", "", {b"k": "v"}),
            ("a", b"", "", {"k": b"v"}),
        ]
        for subject, data, reply, headers in given:
            with pytest.raises(TypeError, match=r"(is|are) (a str|bytes|a mapping)"):
                await client.publish(
                    cast("Any", subject),
                    cast("Any", data),
                    reply=cast("Any", reply),
                    headers=cast("Any", headers),
                )
        with pytest.raises(TypeError, match="subject is a str, not b'a'"):
            client.subscribe(cast("Any", b"a"))
        with pytest.raises(TypeError, match="queue is a str, not 5"):
            client.subscribe("a", cast("Any", 5))
        with pytest.raises(TypeError, match="encode it"):
            await client.request("a", cast("Any", "text"))


async def test_data_of_each_kind_of_bytes() -> None:
    """A view and an array of bytes are copied when they are published."""
    async with Server() as server, server.client() as client, client.subscribe("a") as messages:
        array = bytearray(b"2")
        await client.publish("a", cast("Any", memoryview(b"1")))
        await client.publish("a", cast("Any", array))
        array[0] = 0

        assert [b"1", b"2"] == [(await messages.next(timeout=PATIENCE)).data for _ in range(2)]


async def test_the_end_of_the_server_ends_the_client() -> None:
    """A loop over messages ends, and what is asked later is an error."""
    server = await Server().start()
    client = server.client()
    async with client:
        messages = client.subscribe("a")
        messages.begin()
        stopping = asyncio.create_task(server.stop())
        got = [message async for message in messages]
        await stopping
        with pytest.raises(ClientClosed):
            await client.publish("a")

    assert got == []


async def test_a_client_that_is_not_entered() -> None:
    """The error says what to do."""
    async with Server() as server:
        with pytest.raises(ClientClosed, match="enter the client first"):
            await server.client().publish("a")


async def test_a_program_that_reads_nothing_is_a_slow_consumer() -> None:
    """Its unread messages are bounded: it is held, then closed, as any other client."""
    size = 1024 * 1024
    async with (
        Server(max_pending=2 * size, max_payload=size, write_deadline="100ms") as server,
        server.client("slow") as slow,
    ):
        messages = slow.subscribe("big")
        messages.begin()
        publisher = await nats.connect(server.url)
        for _ in range(UNREAD_BYTES // size + 8):
            await publisher.publish("big", size * b"x")
            await publisher.flush(10)
        await server.wait_for(lambda one: one.varz()["slow_consumers"] > 0, timeout=PATIENCE)
        await publisher.close()
        assert 1 == server.varz()["slow_consumers"]


async def test_a_client_can_be_entered_again() -> None:
    """Requests work, and a client that is in use is not entered twice."""
    async with Server() as server:
        client = server.client()
        for _ in range(2):
            async with client:
                with pytest.raises(NoResponders):
                    await client.request("nowhere", timeout=PATIENCE)
                with pytest.raises(RuntimeError, match="already"):
                    await client.__aenter__()


async def test_a_subscription_can_be_entered_again() -> None:
    """It is in effect again; before that it cannot be read."""
    async with Server() as server, server.client() as client:
        messages = client.subscribe("a")
        with pytest.raises(RuntimeError, match="enter the subscription"):
            await messages.next(timeout=PATIENCE)
        for text in (b"1", b"2"):
            async with messages:
                await client.publish("a", text)
                assert (await messages.next(timeout=PATIENCE)).data == text


async def test_what_a_subscription_leaves_unread_holds_nobody() -> None:
    """It does not count for those that come later."""
    async with Server() as server, server.client() as client, server.client() as publisher:
        later = client.subscribe("a.late")
        later.begin()
        for _ in range(UNREAD_BYTES // 1_000_000 + 2):
            async with client.subscribe("a.big"), client.subscribe("a.end") as end:
                await publisher.publish("a.big", 1_000_000 * b"x")
                await publisher.publish("a.end")
                await end.next(timeout=PATIENCE)
        await publisher.publish("a.late", b"1")

        assert (await later.next(timeout=PATIENCE)).data == b"1"


async def test_values_of_headers_are_texts() -> None:
    """The error names the header."""
    async with Server() as server, server.client() as client:
        for value in (5, b"x", [b"x"]):
            with pytest.raises(TypeError, match="header 'k'"):
                await client.publish("a", headers={"k": value})  # type: ignore[dict-item] # as a program may write it
