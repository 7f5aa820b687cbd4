"""Frameworks over nats-py against a server of today: each runs a small example."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.micro import add_service
from nats.micro.request import Request, ServiceError
from nats.micro.service import EndpointConfig, ServiceConfig

from tests.integration.conftest import ServerKind
from tests.support.embedded import EmbeddedServer
from tests.support.patience import PATIENCE
from tests.support.reachable import reachable

# The frameworks use what Python calls deprecated, and leave sockets to the garbage collector.
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.tcp_only,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DEADLINE = PATIENCE


@pytest_asyncio.fixture
async def server(broker: ServerKind) -> AsyncIterator[EmbeddedServer]:
    """A server with everything of today."""
    async with broker(compatibility="current") as started:
        yield started


async def _has_subscriptions(server: EmbeddedServer, count: int) -> None:
    """Return when clients have made this many."""
    async with asyncio.timeout(DEADLINE):
        while server.broker.interest.stats().num_subscriptions < count:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)


async def test_faststream(server: EmbeddedServer) -> None:
    """A handler gets typed messages with their headers, and answers requests."""
    faststream = pytest.importorskip("faststream.nats", reason="faststream[nats] is not installed")
    seen: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    async def double(number: int, message: Any) -> int:  # noqa: ANN401 - its type is that of a library that may be missing
        await seen.put((number, message.headers["kind"]))
        return 2 * number

    double.__annotations__["message"] = faststream.annotations.NatsMessage
    with reachable(server) as url:
        broker = faststream.NatsBroker(url)
        broker.subscriber("double", queue="workers")(double)
        async with broker:
            await broker.start()
            answer = await broker.request(21, "double", headers={"kind": "request"}, timeout=DEADLINE)
            doubled = await answer.decode()
            await broker.publish(4, "double", headers={"kind": "event"})
            heard = [await asyncio.wait_for(seen.get(), DEADLINE) for _ in range(2)]

    assert 42 == doubled
    assert [(21, "request"), (4, "event")] == heard


async def test_taskiq(server: EmbeddedServer) -> None:
    """Each of twenty tasks is run once, by one of two workers that share a queue."""
    taskiq_nats = pytest.importorskip("taskiq_nats", reason="taskiq-nats is not installed")
    run_receiver_task: Callable[..., Awaitable[None]] = pytest.importorskip("taskiq.api").run_receiver_task
    done: asyncio.Queue[int] = asyncio.Queue()

    async def work(number: int) -> None:
        await done.put(number)

    with reachable(server) as url:
        sender, *workers = (taskiq_nats.NatsBroker([url], queue="workers") for _ in range(3))
        task, *_ = (broker.register_task(work, task_name="work") for broker in (sender, *workers))
        async with AsyncExitStack() as stack:
            await sender.startup()
            stack.push_async_callback(sender.shutdown)
            for worker in workers:
                receiver = asyncio.ensure_future(run_receiver_task(worker, run_startup=True))
                stack.push_async_callback(worker.shutdown)
                stack.push_async_callback(asyncio.wait, [receiver])
                stack.callback(receiver.cancel)
            await _has_subscriptions(server, 2)
            for number in range(20):
                await task.kiq(number)
            numbers = [await asyncio.wait_for(done.get(), DEADLINE) for _ in range(20)]

    assert list(range(20)) == sorted(numbers)
    assert done.empty()


async def test_micro_service(server: EmbeddedServer) -> None:
    """A service answers with headers and errors, and is found by discovery."""

    async def half(request: Request) -> None:
        if int(request.data) % 2:
            raise ServiceError("400", "odd")
        await request.respond(b"%d" % (int(request.data) // 2), headers={"Kind": "half"})

    with reachable(server) as url:
        async with await nats.connect(url) as host, await nats.connect(url) as client:
            service = await add_service(host, ServiceConfig(name="math", version="1.0.0"))
            await service.add_endpoint(EndpointConfig(name="half", handler=half))
            await host.flush()
            good = await client.request("half", b"42", timeout=DEADLINE)
            bad = await client.request("half", b"3", timeout=DEADLINE)
            pong = json.loads((await client.request("$SRV.PING.math", b"", timeout=DEADLINE)).data)
            stats = json.loads((await client.request("$SRV.STATS.math", b"", timeout=DEADLINE)).data)
            await service.stop()

    assert (b"21", {"Kind": "half"}) == (good.data, good.headers)
    assert {"Nats-Service-Error": "odd", "Nats-Service-Error-Code": "400"} == bad.headers
    assert ("math", "1.0.0") == (pong["name"], pong["version"])
    assert [(2, 1)] == [(one["num_requests"], one["num_errors"]) for one in stats["endpoints"]]
