"""A leaf link comes back: after a crash of either side, at another address, or at another hub."""

from pathlib import Path

import pytest
from nats.aio.client import Client

from app.testing import free_port
from tests.support.leaf_clients import DEADLINE, Heard, all_met, clients, is_unheard, met, passed, until
from tests.support.leaf_servers import (
    GO,
    HOST,
    LeafRig,
    LeafServer,
    Programs,
    leaf_programs,
    leaf_rig,
)

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


async def expect_once_each_way(one: Client, other: Client, subject: str = "again") -> None:
    """Subscribers on both sides hear what either side publishes, each message once."""
    heard = Heard()
    for client, place in ((one, "one"), (other, "other")):
        await heard.listen(client, subject, place)
    await all_met(one, other)
    for number in range(20):
        await one.publish(subject, b"1.%d" % number)
        await other.publish(subject, b"2.%d" % number)
    await heard.wait(80)
    await passed(one, other)
    await passed(other, one)

    assert {"one": 40, "other": 40} == heard.places
    assert {2} == heard.copies


async def test_the_hub_crashes(rig: LeafRig) -> None:
    """A leaf dials a hub that was killed until it is there again, and announces its interest again."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote())
    async with clients(leaf.url) as (at_leaf,):
        heard = Heard()
        await heard.listen(at_leaf, "lasting")
        async with clients(hub.url) as (at_hub,):
            await all_met(at_hub, at_leaf)

        hub.kill()
        await until(lambda: is_unheard(at_leaf, "met.nobody"))
        hub = rig.restart(hub)

        async with clients(hub.url) as (at_hub,):
            await met(at_hub, at_leaf)
            assert not await is_unheard(at_hub, "lasting")
            await at_hub.publish("lasting", b"after the crash")
            await passed(at_hub, at_leaf)
            assert 1 == heard.payloads.count(b"after the crash")
            await expect_once_each_way(at_hub, at_leaf)


async def test_the_leaf_crashes(rig: LeafRig) -> None:
    """The interest of a leaf that was killed is forgotten, and is back with it."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote())
    async with clients(hub.url) as (at_hub,):
        async with clients(leaf.url) as (at_leaf,):
            await at_leaf.subscribe("of.the.leaf")
            await all_met(at_hub, at_leaf)
            assert not await is_unheard(at_hub, "of.the.leaf")
            leaf.kill()

        await until(lambda: is_unheard(at_hub, "of.the.leaf"))
        leaf = rig.restart(leaf)

        async with clients(leaf.url) as (at_leaf,):
            await expect_once_each_way(at_hub, at_leaf)


async def test_crashes_in_turn(rig: LeafRig) -> None:
    """Several crashes of both sides leave one link, and nothing of the earlier ones."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote())
    for _ in range(2):
        hub.kill()
        hub = rig.restart(hub)
        leaf.kill()
        leaf = rig.restart(leaf)

    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        await expect_once_each_way(at_hub, at_leaf)


async def test_the_hub_starts_last(rig: LeafRig) -> None:
    """A leaf serves its clients without a hub, and joins the hub as soon as it is there."""
    hub = rig.hub()
    hub.kill()
    leaf = rig.leaf(hub.remote())
    async with clients(leaf.url) as (at_leaf,):
        subscription = await at_leaf.subscribe("alone")
        await at_leaf.publish("alone", b"hello")
        assert b"hello" == (await subscription.next_msg(DEADLINE)).data
        leaf.wait_for("Error trying to connect as leafnode to remote server")

        hub = rig.restart(hub)

        async with clients(hub.url) as (at_hub,):
            await expect_once_each_way(at_hub, at_leaf)


async def test_the_first_address_is_dead(rig: LeafRig) -> None:
    """Of several addresses a leaf takes one that answers."""
    hub = rig.hub()
    dead = [f"nats-leaf://{HOST}:{free_port()}" for _ in range(2)]
    urls = ", ".join(f'"{url}"' for url in (*dead, f"nats-leaf://{HOST}:{hub.leaf_port}"))
    leaf = rig.leaf(f"remotes = [ {{ urls: [ {urls} ] }} ]")

    async with clients(hub.url, leaf.url) as (at_hub, at_leaf):
        await expect_once_each_way(at_hub, at_leaf)


async def test_another_hub(rig: LeafRig) -> None:
    """A leaf that knows two hubs moves to the other one when its own crashes."""
    hubs = [rig.hub(name=name) for name in ("first", "second")]
    urls = ", ".join(f'"nats-leaf://{HOST}:{hub.leaf_port}"' for hub in hubs)
    leaf = rig.leaf(f"remotes = [ {{ urls: [ {urls} ] }} ]")
    async with clients(leaf.url, *(hub.url for hub in hubs)) as (at_leaf, *at_hubs):
        await at_leaf.subscribe("marker")
        await at_leaf.flush()

        async def linked() -> list[bool]:
            return [not await is_unheard(client, "marker") for client in at_hubs]

        async def is_linked() -> bool:
            return any(await linked())

        await until(is_linked)
        own = (await linked()).index(True)
        hubs[own].kill()

        await expect_once_each_way(at_hubs[1 - own], at_leaf)


@pytest.mark.parametrize("program", leaf_programs())
async def test_an_address_that_was_gossiped(tmp_path: Path, program: str) -> None:
    """A leaf of a cluster that knows one member learns of the other, and moves there after a crash."""
    with leaf_rig(Programs(GO, program), tmp_path) as rig:
        route = free_port()

        def cluster(port: int) -> str:
            return f'cluster {{ name: C, listen: "{HOST}:{port}", routes = [ "nats://{HOST}:{route}" ] }}'

        first = rig.hub(rest=cluster(route), name="first")
        second = rig.hub(rest=cluster(-1), name="second")
        leaf = rig.leaf(first.remote())
        async with clients(leaf.url, first.url, second.url) as (at_leaf, at_first, at_second):
            await all_met(at_leaf, at_first, at_second)
            first.kill()

            await expect_once_each_way(at_second, at_leaf)


async def test_an_orderly_stop(rig: LeafRig) -> None:
    """When either side stops in order, the other one forgets its interest, and both end with status 0."""
    hub = rig.hub()
    leaf = rig.leaf(hub.remote())
    async with clients(hub.url) as (at_hub,):
        async with clients(leaf.url) as (at_leaf,):
            await at_leaf.subscribe("of.the.leaf")
            await all_met(at_hub, at_leaf)

        status = _stopped(leaf)

        await until(lambda: is_unheard(at_hub, "of.the.leaf"))
    assert status == _stopped(hub)


def _stopped(server: LeafServer) -> int:
    """Stop it; the status, which is 1 for nats-server."""
    status = server.stop()
    return 0 if server.setup.program == GO else status
