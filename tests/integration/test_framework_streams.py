"""Frameworks with streams, buckets and object stores against this server: each runs a small example."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nats
import pytest
import pytest_asyncio

from app.embedding.server import Server
from tests.support.patience import PATIENCE
from tests.support.twins import twins

# The frameworks use what Python calls deprecated, and leave sockets to the garbage collector.
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DEADLINE = PATIENCE


@pytest_asyncio.fixture(name="server", params=twins())
async def _server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    """A server with streams in files."""
    async with Server(data_plane=str(request.param), jetstream={"store_dir": str(tmp_path)}) as server:
        yield server


async def heard(queue: "asyncio.Queue[Any]", count: int) -> list[Any]:
    """As many as come in time."""
    return [await asyncio.wait_for(queue.get(), DEADLINE) for _ in range(count)]


@pytest.mark.parametrize("pulls", [True, False])
async def test_faststream_streams(server: Server, pulls: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A handler of a stream gets typed messages; one that fails gets its message again."""
    faststream = pytest.importorskip("faststream.nats", reason="faststream[nats] is not installed")
    seen: asyncio.Queue[int] = asyncio.Queue()
    failures = [3]

    async def work(number: int) -> None:
        await seen.put(number)
        if number in failures:
            failures.remove(number)
            raise ValueError(number)

    broker = faststream.NatsBroker(server.url)
    stream = faststream.JStream("ORDERS", subjects=["orders.>"])
    pulling = {"pull_sub": faststream.PullSub(batch_size=1), "durable": "workers"}
    options = pulling if pulls else {"queue": "workers"}
    policy = pytest.importorskip("faststream.middlewares").AckPolicy.NACK_ON_ERROR
    broker.subscriber("orders.*", stream=stream, ack_policy=policy, **options)(work)
    async with broker:
        await broker.start()
        for number in range(6):
            ack = await broker.publish(number, f"orders.{number}", stream="ORDERS", timeout=DEADLINE)
            assert (ack.stream, ack.seq) == ("ORDERS", number + 1)
        numbers = await heard(seen, 7)
    assert sorted(numbers) == [0, 1, 2, 3, 3, 4, 5]


async def test_faststream_watches(server: Server) -> None:
    """Handlers hear of a key that changes, and of an object that is put."""
    faststream = pytest.importorskip("faststream.nats", reason="faststream[nats] is not installed")
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def changed(value: str) -> None:
        await seen.put(value)

    async def stored(name: str) -> None:
        await seen.put(name)

    broker = faststream.NatsBroker(server.url)
    broker.subscriber("color", kv_watch="SETTINGS")(changed)
    broker.subscriber("FILES", obj_watch=True)(stored)
    async with broker:
        await broker.start()
        bucket = await broker.key_value("SETTINGS")
        await bucket.put("color", b"red")
        assert await heard(seen, 1) == ["red"]
        store = await broker.object_storage("FILES")
        await store.put("report", b"content")
        assert await heard(seen, 1) == ["report"]


async def test_taskiq_results(server: Server) -> None:
    """Tasks wait in a stream until a worker comes, and their results are objects that the sender reads."""
    taskiq_nats = pytest.importorskip("taskiq_nats", reason="taskiq-nats is not installed")
    backend = pytest.importorskip("taskiq_nats.result_backend").NATSObjectStoreResultBackend
    run_receiver_task: Callable[..., Awaitable[None]] = pytest.importorskip("taskiq.api").run_receiver_task

    async def double(number: int) -> int:
        return 2 * number

    def made() -> tuple[Any, Any]:
        broker = taskiq_nats.PullBasedJetStreamBroker([server.url], pull_consume_timeout=1.0)
        broker = broker.with_result_backend(backend([server.url]))
        return broker, broker.register_task(double, task_name="double")

    (sender, task), (worker, _) = made(), made()
    async with AsyncExitStack() as stack:
        await sender.startup()
        stack.push_async_callback(sender.shutdown)
        sent = [await task.kiq(number) for number in range(10)]
        receiver = asyncio.ensure_future(run_receiver_task(worker, run_startup=True))
        stack.push_async_callback(worker.shutdown)
        stack.push_async_callback(asyncio.wait, [receiver])
        stack.callback(receiver.cancel)
        results = [await each.wait_result(timeout=DEADLINE) for each in sent]
        client = await nats.connect(server.url)
        stack.push_async_callback(client.close)
        info = await client.jetstream().stream_info("taskiq_jetstream")
    assert [result.return_value for result in results] == [2 * number for number in range(10)]
    assert info.state.last_seq == 10
