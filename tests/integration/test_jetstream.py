"""JetStream with the client that most programs use, over both twins."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, RetentionPolicy, StorageType
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError

from app.embedding.server import Server
from tests.support.patience import PATIENCE
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

WAIT = PATIENCE


@pytest.fixture(name="twin", params=twins())
def _twin(request: pytest.FixtureRequest) -> str:
    """Each data plane."""
    return str(request.param)


@pytest_asyncio.fixture(name="server", params=["memory", "files"])
async def _server(request: pytest.FixtureRequest, twin: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server with streams."""
    jetstream = True if request.param == "memory" else {"store_dir": str(tmp_path)}
    async with Server(data_plane=twin, jetstream=jetstream) as server:
        yield server


@pytest_asyncio.fixture(name="client")
async def _client(server: Server) -> AsyncIterator[Client]:
    """A client of it."""
    client = await nats.connect(server.url)
    yield client
    await client.close()


async def test_streams(client: Client) -> None:
    """A stream stores, answers, limits, purges, updates and goes."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="S", subjects=["s.>"], max_msgs=5)
    acks = [await js.publish(f"s.{number}", b"%d" % number) for number in range(7)]
    state = (await js.stream_info("S")).state
    assert [ack.seq for ack in acks] == list(range(1, 8))
    assert (state.messages, state.first_seq, state.last_seq) == (5, 3, 7)
    message = await js.get_last_msg("S", "s.6")
    assert (message.data, message.seq) == (b"6", 7)
    await js.purge_stream("S", subject="s.6")
    await js.update_stream(name="S", subjects=["s.>", "t"])
    assert (await js.publish("t", b"x")).seq == 8
    await js.delete_stream("S")
    with pytest.raises(APIError, match="stream not found"):
        await js.stream_info("S")


async def test_duplicates_and_expectations(client: Client) -> None:
    """A message id is stored once, and an expectation that does not hold stores nothing."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="S", subjects=["s"])
    first = await js.publish("s", b"1", headers={"Nats-Msg-Id": "a"})
    again = await js.publish("s", b"1", headers={"Nats-Msg-Id": "a"})
    assert (again.seq, again.duplicate) == (first.seq, True)
    with pytest.raises(APIError, match="wrong last sequence: 1"):
        await js.publish("s", b"2", headers={"Nats-Expected-Last-Sequence": "7"})


async def test_pull(client: Client) -> None:
    """Pulled messages are acknowledged, given back, and delivered again."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="S", subjects=["s"])
    for number in range(20):
        await js.publish("s", b"%d" % number)
    subscription = await js.pull_subscribe("s", "durable")
    messages = await subscription.fetch(15, timeout=WAIT)
    for message in messages[:10]:
        await message.ack_sync(timeout=WAIT)
    await messages[10].nak()
    again = (await subscription.fetch(1, timeout=WAIT))[0]
    assert (again.data, again.metadata.num_delivered) == (b"10", 2)
    info = await subscription.consumer_info()
    assert info.ack_floor is not None
    assert (info.ack_floor.stream_seq, info.num_ack_pending, info.num_pending) == (10, 5, 5)


async def test_push(client: Client) -> None:
    """Pushed messages reach each member of a group once, with flow control and heartbeats."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="S", subjects=["s"])
    got: list[bytes] = []
    all_there = asyncio.Event()

    async def take(message: Msg) -> None:
        got.append(message.data)
        await message.ack()
        if len(got) == 50:
            all_there.set()

    config = ConsumerConfig(idle_heartbeat=1.0, flow_control=True)
    await js.subscribe("s", durable="plain", cb=take, config=config, manual_ack=True)
    for number in range(50):
        await js.publish("s", b"%d" % number)
    await asyncio.wait_for(all_there.wait(), WAIT)
    assert got == [b"%d" % number for number in range(50)]


async def test_ordered(client: Client) -> None:
    """An ordered consumer has all messages in order."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="S", subjects=["s"])
    for number in range(300):
        await client.publish("s", b"%d" % number)
    subscription = await js.subscribe("s", ordered_consumer=True)
    got = [(await subscription.next_msg(timeout=WAIT)).data for _ in range(300)]
    assert got == [b"%d" % number for number in range(300)]


async def test_work_queue(client: Client) -> None:
    """What is settled is gone."""
    js = client.jetstream(timeout=WAIT)
    await js.add_stream(name="W", subjects=["w"], retention=RetentionPolicy.WORK_QUEUE)
    await js.publish("w", b"job")
    subscription = await js.pull_subscribe("w", "worker")
    await (await subscription.fetch(1, timeout=WAIT))[0].ack_sync(timeout=WAIT)
    assert (await js.stream_info("W")).state.messages == 0


async def test_key_value(client: Client) -> None:
    """Keys are put, created once, watched and deleted."""
    js = client.jetstream(timeout=WAIT)
    bucket = await js.create_key_value(bucket="B", history=3)
    revision = await bucket.put("k", b"1")
    assert (await bucket.get("k")).value == b"1"
    with pytest.raises(KeyWrongLastSequenceError):
        await bucket.create("k", b"2")
    await bucket.update("k", b"2", last=revision)
    watcher = await bucket.watchall()
    entry = await watcher.updates(timeout=WAIT)  # type: ignore[no-untyped-call]  # nats-py has no types here
    assert (entry.key, entry.value) == ("k", b"2")
    assert await watcher.updates(timeout=WAIT) is None  # type: ignore[no-untyped-call]  # the same
    await bucket.delete("k")
    with pytest.raises(KeyNotFoundError):
        await bucket.get("k")


async def test_objects(client: Client) -> None:
    """A large object comes back as it was."""
    js = client.jetstream(timeout=WAIT)
    store = await js.create_object_store("O")
    content = bytes(range(256)) * 4096
    await store.put("large", content)
    assert (await store.get("large")).data == content
    assert [each.name for each in await store.list()] == ["large"]


async def test_restart(twin: str, tmp_path: Path) -> None:
    """Streams in files, and what their consumers know, are there after a restart."""
    server = Server(data_plane=twin, jetstream={"store_dir": str(tmp_path)})
    async with server:
        client = await nats.connect(server.url)
        js = client.jetstream(timeout=WAIT)
        await js.add_stream(name="S", subjects=["s"])
        await js.add_stream(name="M", subjects=["m"], storage=StorageType.MEMORY)
        for number in range(10):
            await js.publish("s", b"%d" % number)
        subscription = await js.pull_subscribe("s", "d")
        for message in await subscription.fetch(4, timeout=WAIT):
            await message.ack_sync(timeout=WAIT)
        await client.close()
    async with server:
        client = await nats.connect(server.url)
        js = client.jetstream(timeout=WAIT)
        subscription = await js.pull_subscribe("s", "d")
        (message,) = await subscription.fetch(1, timeout=WAIT)
        streams = [info.config.name for info in await js.streams_info()]
        await client.close()
    assert message.data == b"4"
    assert streams == ["S"]


async def test_the_end_of_the_server(twin: str) -> None:
    """A pull that waits ends with a status before the connection is closed."""
    async with Server(data_plane=twin, jetstream=True) as server:
        client = await nats.connect(server.url, allow_reconnect=False)
        js = client.jetstream(timeout=WAIT)
        await js.add_stream(name="S", subjects=["s"])
        await js.pull_subscribe("s", "d")
        got: asyncio.Queue[Msg] = asyncio.Queue()
        await client.subscribe("inbox", cb=got.put)
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.d", b"1", reply="inbox")
        await client.flush()
        await server.stop()
        status = (await asyncio.wait_for(got.get(), WAIT)).headers or {}
        await client.close()
    assert (status["Status"], status["Description"]) == ("409", "Server Shutdown")


async def test_a_full_disk(twin: str, tmp_path: Path) -> None:
    """Publishes are refused while there is no room; reading goes on, and so does publishing when there is."""
    async with Server(data_plane=twin, jetstream={"store_dir": str(tmp_path)}) as server:
        client = await nats.connect(server.url)
        js = client.jetstream(timeout=WAIT)
        await js.add_stream(name="S", subjects=["s"])
        await js.publish("s", b"first")
        with server.faults.disk(full=True):
            with pytest.raises(APIError) as refused:
                await js.publish("s", bytes(900_000))
            assert refused.value.err_code == 10077
            assert (await js.get_last_msg("S", "s")).data == b"first"
        deadline = asyncio.get_running_loop().time() + WAIT
        while True:
            try:
                assert (await js.publish("s", b"second")).seq == 2
                break
            except APIError:
                assert asyncio.get_running_loop().time() < deadline
        await client.close()


async def test_over_a_route(twin: str) -> None:
    """A client of another server publishes to a stream and gets its messages, under the subjects they had."""
    async with Server(data_plane=twin, jetstream=True, cluster={"port": -1}) as first:
        routes = [first.route_url.replace("nats-route", "nats")]
        async with Server(data_plane=twin, cluster={"port": -1, "routes": routes}) as second:
            await second.wait_for(lambda server: len(server.routez()["routes"]) == 1)
            client = await nats.connect(second.url)
            js = client.jetstream(timeout=WAIT)
            await js.add_stream(name="S", subjects=["s.>"])
            for number in range(10):
                await js.publish(f"s.{number}", b"%d" % number)
            subscription = await js.pull_subscribe("s.>", "d")
            messages = await subscription.fetch(10, timeout=WAIT)
            await messages[0].ack_sync(timeout=WAIT)
            ordered = await js.subscribe("s.>", ordered_consumer=True)
            got = [(await ordered.next_msg(timeout=WAIT)).data for _ in range(10)]
            await client.close()
    assert [message.subject for message in messages] == [f"s.{number}" for number in range(10)]
    assert got == [b"%d" % number for number in range(10)]
