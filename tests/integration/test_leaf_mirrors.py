"""Mirrors and sources of streams in the domain at the other end of a leaf link (ADR 0074)."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client

from tests.support.leaf_clients import DEADLINE, clients, until
from tests.support.leaf_servers import LeafRig, LeafServer, Programs, few_pairs, leaf_rig

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

FROM_HUB = {"api": "$JS.HUB.API", "deliver": ""}
FROM_LEAF = {"api": "$JS.LEAF.API", "deliver": ""}

USER = """
authorization {
  users = [
    { user: client, password: p }
    { user: leaf, password: p, permissions: {
      publish: ["$JS.HUB.API.CONSUMER.CREATE.O", "$JS.HUB.API.CONSUMER.CREATE.O.>", "$JS.HUB.API.INFO",
                "$JS.FC.>", "_INBOX.>"]
      subscribe: ["$JSC.R.*", "to.leaf.>", "_INBOX.>"]
    } }
  ]
}
"""
"""A leaf that may copy one stream to one prefix, and nothing else."""


@dataclass
class Site:
    """A server with streams."""

    rig: LeafRig
    server: LeafServer

    async def ask(self, call: str, document: object = None) -> dict[str, object]:
        """Make a request of its API; its answer."""
        async with clients(self.server.url) as (client,):
            return await ask(client, call, document)

    async def publish(self, subject: str, payload: bytes) -> None:
        """Store a message."""
        async with clients(self.server.url) as (client,):
            await client.jetstream(timeout=DEADLINE).publish(subject, payload)

    async def begin_again(self) -> None:
        """Crash, and start on what is stored."""
        self.server.kill()
        self.server = self.rig.restart(self.server)

    def has(self, name: str, count: int) -> Callable[[], Coroutine[object, object, bool]]:
        """Answers whether a stream has these many messages."""

        async def count_them() -> bool:
            info = await self.ask(f"STREAM.INFO.{name}")
            state = info.get("state")
            return isinstance(state, dict) and count == state["messages"]

        return count_them


async def ask(client: Client, call: str, document: object = None, domain: str = "") -> dict[str, object]:
    """Make a request of the API; its answer."""
    payload = b"" if document is None else json.dumps(document).encode()
    prefix = f"$JS.{domain}.API" if domain else "$JS.API"
    message = await client.request(f"{prefix}.{call}", payload, timeout=DEADLINE)
    answer: dict[str, object] = json.loads(message.data)
    return answer


async def joined(leaf: Site) -> None:
    """Wait until the leaf hears of the hub's API."""

    async def hears() -> bool:
        async with clients(leaf.server.url) as (client,):
            try:
                await ask(client, "INFO", domain="HUB")
            except Exception:  # noqa: BLE001 - whatever it is, it is asked again until the time is over
                return False
            return True

    await until(hears)


def store(folder: Path, domain: str) -> str:
    """The section of a server with streams."""
    return f'jetstream {{ store_dir: "{folder}/{domain}", domain: {domain} }}'


@pytest_asyncio.fixture(name="sites", params=few_pairs(), ids=str)
async def _sites(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Site, Site]]:
    """A hub and a leaf; in the stream O of the hub are three messages."""
    programs: Programs = request.param
    with leaf_rig(programs, tmp_path) as rig:
        hub = Site(rig, rig.hub(rest=store(tmp_path, "HUB")))
        leaf = Site(rig, rig.leaf(hub.server.remote(), rest=store(tmp_path, "LEAF")))
        await hub.ask("STREAM.CREATE.O", {"name": "O", "subjects": ["o.>"]})
        for number in range(3):
            await hub.publish(f"o.{number}", b"%d" % number)
        await joined(leaf)
        yield hub, leaf


async def test_mirrors_and_sources_go_on(sites: tuple[Site, Site]) -> None:
    """In both directions, with filters and transforms, and after a crash of each side."""
    hub, leaf = sites
    await leaf.ask("STREAM.CREATE.M", {"name": "M", "mirror": {"name": "O", "external": FROM_HUB}})
    sources = [
        {"name": "O", "filter_subject": "o.1", "external": FROM_HUB | {"deliver": "to.leaf"}},
        {"name": "O", "subject_transforms": [{"src": "o.2", "dest": "p.2"}], "external": FROM_HUB},
    ]
    await leaf.ask("STREAM.CREATE.S", {"name": "S", "sources": sources})
    await hub.ask("STREAM.CREATE.B", {"name": "B", "mirror": {"name": "M", "external": FROM_LEAF}})
    await until(leaf.has("M", 3))
    await until(leaf.has("S", 2))
    await until(hub.has("B", 3))

    await leaf.begin_again()
    await hub.publish("o.1", b"while the leaf was away")
    await until(leaf.has("M", 4))
    await until(leaf.has("S", 3))
    await hub.begin_again()
    await hub.publish("o.2", b"after the crash of the hub")
    await until(leaf.has("M", 5))
    await until(leaf.has("S", 4))

    assert [] == (await hub.ask("CONSUMER.NAMES.O"))["consumers"]
    info = await leaf.ask("STREAM.INFO.M")
    mirror = info["mirror"]
    assert isinstance(mirror, dict)
    assert (0, FROM_HUB, None) == (mirror["lag"], mirror["external"], mirror.get("error"))


async def test_a_bucket_with_a_mirror(sites: tuple[Site, Site]) -> None:
    """Reads are served where the mirror is; writes go to the origin, with the prefix of its domain."""
    hub, leaf = sites
    values = {"name": "KV_B", "subjects": ["$KV.B.>"], "max_msgs_per_subject": 5, "allow_direct": True}
    await hub.ask("STREAM.CREATE.KV_B", values)
    mirror = {"name": "KV_M", "mirror": {"name": "KV_B", "external": FROM_HUB}, "mirror_direct": True}
    await leaf.ask("STREAM.CREATE.KV_M", mirror)
    async with clients(leaf.server.url) as (client,):
        await client.request("$JS.HUB.API.$KV.B.k", b"v", timeout=DEADLINE)
        await until(leaf.has("KV_M", 1))

        async def is_read() -> bool:
            return (await client.request("$JS.API.DIRECT.GET.KV_B.$KV.B.k", timeout=DEADLINE)).data == b"v"

        await until(is_read)
        state = (await hub.ask("STREAM.INFO.KV_B"))["state"]
    assert isinstance(state, dict)
    assert 1 == state["messages"]


@pytest.mark.parametrize("programs", few_pairs(), ids=str)
async def test_a_leaf_with_few_rights(programs: Programs, tmp_path: Path) -> None:
    """It has a mirror of the stream that it may copy, and of no other."""
    with leaf_rig(programs, tmp_path) as rig:
        hub = rig.hub(rest=store(tmp_path, "HUB") + USER)
        leaf = Site(rig, rig.leaf(hub.remote("leaf:p@"), rest=store(tmp_path, "LEAF")))
        async with clients(hub.url, user="client", password="p") as (client,):  # noqa: S106 - of this test
            for name in ("O", "P"):
                await ask(client, f"STREAM.CREATE.{name}", {"name": name, "subjects": [name]})
                await client.jetstream(timeout=DEADLINE).publish(name, b"x")
            await joined(leaf)
            external = FROM_HUB | {"deliver": "to.leaf"}
            for name in ("O", "P"):
                mirror = {"name": f"M{name}", "mirror": {"name": name, "external": external}}
                await leaf.ask(f"STREAM.CREATE.M{name}", mirror)
            await until(leaf.has("MO", 1))

        assert await leaf.has("MP", 0)()
