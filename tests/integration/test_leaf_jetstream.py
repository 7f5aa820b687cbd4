"""JetStream of a hub, used with nats-py by clients of its leaf."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.js.api import DiscardPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import KeyNotFoundError

from tests.support.leaf_clients import DEADLINE, all_met, clients, until
from tests.support.leaf_servers import GO, Programs, leaf_programs, leaf_rig

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

DOMAIN = "HUB"


@pytest_asyncio.fixture(name="through", params=leaf_programs())
async def _through(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a leaf, whose hub is nats-server with JetStream and a domain."""
    async for client in _leaf_client(tmp_path, request.param, f"domain: {DOMAIN}"):
        yield client


@pytest_asyncio.fixture(name="nameless", params=leaf_programs()[1:])
async def _nameless(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a leaf of ours, whose hub has JetStream without a domain."""
    async for client in _leaf_client(tmp_path, request.param, ""):
        yield client


@pytest_asyncio.fixture(name="opened", params=leaf_programs()[1:])
async def _opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """The same, and the hub lets the subjects of its buckets pass."""
    async for client in _leaf_client(tmp_path, request.param, "", 'default_js_domain: { "$G": "" }'):
        yield client


async def _leaf_client(folder: Path, program: str, domain: str, more: str = "") -> AsyncIterator[Client]:
    with leaf_rig(Programs(GO, program), folder) as rig:
        hub = rig.hub(rest=f'jetstream {{ store_dir: "{folder}", {domain} }}\n{more}')
        leaf = rig.leaf(hub.remote())
        async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
            await all_met(at_hub, at_leaf)
            yield at_leaf


async def ready(js: JetStreamContext) -> JetStreamContext:
    """The context once the hub's interest in calls has arrived."""

    async def answers() -> bool:
        try:
            await js.account_info()
        except Exception:  # noqa: BLE001 - whatever it is, it is asked again until the time is over
            return False
        return True

    await until(answers)
    return js


async def check_streams(js: JetStreamContext) -> None:
    """Create a stream, publish with acknowledgements, pull, push, and delete it."""
    await js.add_stream(name="ORDERS", subjects=["orders.>"], max_msgs=1000, discard=DiscardPolicy.OLD)

    async def is_stored() -> bool:
        """A stream's interest may arrive after the answer to its creation."""
        try:
            return (await js.publish("orders.first", b"0", timeout=1.0)).stream == "ORDERS"
        except Exception:  # noqa: BLE001 - as above
            return False

    await until(is_stored)
    acks = [await js.publish("orders.new", b"%d" % n, headers={"N": str(n)}) for n in range(1, 50)]
    first = acks[0].seq
    assert [first + number for number in range(49)] == [ack.seq for ack in acks]
    again = [await js.publish("orders.new", b"x", headers={"Nats-Msg-Id": "one"}) for _ in range(2)]
    assert [None, True] == [ack.duplicate for ack in again]

    pull = await js.pull_subscribe("orders.new", "worker", stream="ORDERS")
    found: list[bytes] = []
    while len(found) < 50:
        for message in await pull.fetch(10, timeout=DEADLINE):
            await message.ack_sync(timeout=DEADLINE)
            found.append(message.data)
    assert [b"%d" % number for number in range(1, 50)] == found[:49]
    assert 0 == (await pull.consumer_info()).num_ack_pending

    push = await js.subscribe("orders.new", ordered_consumer=True)
    assert b"1" == (await push.next_msg(DEADLINE)).data
    await push.unsubscribe()
    assert (await js.stream_info("ORDERS")).state.messages >= 51
    assert await js.delete_stream("ORDERS")


async def check_a_bucket(js: JetStreamContext) -> None:
    """Create a bucket, put, get, update, list, delete."""
    bucket = await js.create_key_value(bucket="settings", history=3)

    async def is_put() -> bool:
        """The bucket's interest may arrive after the answer to its creation."""
        try:
            await bucket.put("first", b"")
        except Exception:  # noqa: BLE001 - as above
            return False
        return True

    await until(is_put)
    revision = await bucket.put("colour", b"blue")
    assert b"blue" == (await bucket.get("colour")).value
    await bucket.update("colour", b"green", last=revision)
    assert b"green" == (await bucket.get("colour")).value
    assert ["colour", "first"] == sorted(await bucket.keys())
    await bucket.delete("colour")
    with pytest.raises(KeyNotFoundError):
        await bucket.get("colour")
    assert await js.delete_key_value("settings")


async def test_streams_by_the_domain(through: Client) -> None:
    """A client that names the hub's domain has its streams and consumers."""
    await check_streams(await ready(through.jetstream(domain=DOMAIN, timeout=DEADLINE)))


async def test_streams_without_a_domain(nameless: Client) -> None:
    """While a leaf of ours has no JetStream of its own, clients use the hub's as if it were here."""
    await check_streams(await ready(nameless.jetstream(timeout=DEADLINE)))


async def test_streams_and_buckets(opened: Client) -> None:
    """Streams and key-value buckets of the hub, as if they were here."""
    js = await ready(opened.jetstream(timeout=DEADLINE))

    await check_streams(js)
    await check_a_bucket(js)
