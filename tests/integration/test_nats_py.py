"""The promises a user of nats-py relies on, over each transport and twin."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.integration.conftest import ServerKind
from tests.support.embedded import HOST
from tests.support.patience import PATIENCE
from tests.support.reachable import reachable

pytestmark = pytest.mark.asyncio

DEADLINE = PATIENCE


@pytest_asyncio.fixture
async def client(broker: ServerKind) -> AsyncIterator[Client]:
    """A connected nats-py client."""
    async with broker() as server:
        with reachable(server) as url:
            connected = await nats.connect(url)
            yield connected
            await connected.close()


async def test_publish_and_subscribe(client: Client) -> None:
    """A message arrives with its subject, reply and payload."""
    subscription = await client.subscribe("greet.*")

    await client.publish("greet.joe", b"hello", reply="back")
    message = await subscription.next_msg(DEADLINE)

    assert ("greet.joe", "back", b"hello") == (message.subject, message.reply, message.data)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("a.*", ["a.b"]), ("a.>", ["a.b", "a.b.c"]), (">", ["a", "a.b", "a.b.c"]), ("a", ["a"])],
)
async def test_wildcards(client: Client, pattern: str, expected: list[str]) -> None:
    """A pattern gets the subjects it covers, and no others."""
    got: list[str] = []

    async def note(message: Msg) -> None:
        got.append(message.subject)

    await client.subscribe(pattern, cb=note)
    for subject in ("a", "a.b", "a.b.c"):
        await client.publish(subject, b"")
    await client.drain()

    assert expected == got


async def test_queue_group_of_three(client: Client) -> None:
    """Of 3,000 messages each reaches exactly one member, and every member is served."""
    served: Counter[str] = Counter()
    seen: Counter[bytes] = Counter()
    for name in ("x", "y", "z"):

        async def work(message: Msg, name: str = name) -> None:
            served[name] += 1
            seen[message.data] += 1

        await client.subscribe("work", queue="workers", cb=work)
    for number in range(3000):
        await client.publish("work", b"%d" % number)
    await client.drain()

    assert {b"%d" % number: 1 for number in range(3000)} == dict(seen)
    assert {"x", "y", "z"} == set(served)


async def test_request_and_reply(client: Client) -> None:
    """A hundred requests at once each get their own answer."""

    async def answer(message: Msg) -> None:
        await message.respond(b"re " + message.data)

    await client.subscribe("service", cb=answer)
    questions = [b"%d" % number for number in range(100)]
    replies = await asyncio.gather(*(client.request("service", q, timeout=DEADLINE) for q in questions))

    assert [b"re " + question for question in questions] == [reply.data for reply in replies]


async def test_old_style_request(client: Client) -> None:
    """A request with an inbox of its own, unsubscribed after one answer, works."""

    async def answer(message: Msg) -> None:
        await message.respond(b"yes")

    await client.subscribe("service", cb=answer)
    reply = await client.request("service", b"", timeout=DEADLINE, old_style=True)

    assert b"yes" == reply.data


async def test_unsubscribe_after_some_messages(client: Client) -> None:
    """A subscription with a limit gets this many messages and no more."""
    got: list[bytes] = []

    async def note(message: Msg) -> None:
        got.append(message.data)

    subscription = await client.subscribe("some", cb=note)
    await subscription.unsubscribe(limit=3)
    for number in range(10):
        await client.publish("some", b"%d" % number)
    await client.drain()

    assert [b"0", b"1", b"2"] == got


async def test_drain_loses_nothing(client: Client) -> None:
    """What was published before a drain is handled before the client is closed."""
    got: list[bytes] = []

    async def note(message: Msg) -> None:
        await asyncio.sleep(0)
        got.append(message.data)

    await client.subscribe("drained", cb=note)
    for _ in range(1000):
        await client.publish("drained", b"x")
    await client.drain()

    assert 1000 == len(got)


async def test_payload_up_to_the_limit(client: Client) -> None:
    """A message of exactly max_payload bytes arrives whole."""
    payload = bytes(range(256)) * (client.max_payload // 256)
    subscription = await client.subscribe("large")

    await client.publish("large", payload)
    message = await subscription.next_msg(DEADLINE)

    assert client.max_payload == len(payload)
    assert payload == message.data


async def test_reconnect_after_a_restart(broker: ServerKind) -> None:
    """A client comes back to a restarted server, its subscriptions with it."""
    reconnected = asyncio.Event()

    async def note() -> None:
        reconnected.set()

    async with broker() as first:
        with reachable(first) as url:
            connected = await nats.connect(url, reconnected_cb=note, reconnect_time_wait=0.01)
            subscription = await connected.subscribe("still.here")
            port = first.port
            await first.stop()
            async with broker(port=port, network=first.network):
                async with asyncio.timeout(DEADLINE):
                    await reconnected.wait()
                await connected.publish("still.here", b"again")
                message = await subscription.next_msg(DEADLINE)
                await connected.close()

    assert b"again" == message.data


async def test_a_client_at_the_port_for_servers(broker: ServerKind) -> None:
    """It gets an error, and continues with the client address that it received there."""
    complaints: list[str] = []

    async def note(error: Exception) -> None:
        complaints.append(str(error))

    async with broker(routes=()) as server:
        with reachable(server):
            url = f"nats://{HOST}:{server.route_port}"
            connected = await nats.connect(url, error_cb=note, reconnect_time_wait=0.01)
            found = connected.connected_url
            await connected.close()

    assert {"nats: 'Attempted To Connect To Route Port'"} == set(complaints)
    assert found is not None
    assert server.port == found.port


async def test_what_a_client_of_today_learns(broker: ServerKind) -> None:
    """It knows its number, its address, and the server's version; headers may be used."""
    async with broker(compatibility="current") as server:
        with reachable(server) as url:
            connected = await nats.connect(url)
            version = connected.connected_server_version
            known = connected.client_id, connected.client_ip
            info = server.broker.greeting.info
            await connected.close()

    assert (1, HOST) == known
    assert info.version == f"{version.major}.{version.minor}.{version.patch}"
    assert info.server_name == info.server_id
