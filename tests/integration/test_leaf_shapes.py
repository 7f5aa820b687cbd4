"""More than one link: stars, chains, meshes, loops and doubled links deliver each message once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client

from app.testing import free_port
from tests.support.leaf_clients import Heard, all_met, clients, met, passed, until
from tests.support.leaf_servers import HOST, LeafRig, LeafServer, LeafSetup

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

LOOP = "Loop detected"
DUPLICATE = "Duplicate Remote LeafNode Connection"


@asynccontextmanager
async def at(servers: Sequence[LeafServer]) -> AsyncIterator[list[Client]]:
    """A client at each, once all have met."""
    async with clients(*(server.url for server in servers)) as found:
        await all_met(*found)
        yield found


async def expect_once_everywhere(found: Sequence[Client], subject: str = "everywhere") -> None:
    """Each client hears once what each publishes, and one member of a group over all of them does."""
    heard, served = Heard(), Heard()
    for number, client in enumerate(found):
        await heard.listen(client, subject, str(number))
        await served.listen(client, f"{subject}.work", str(number), queue="workers")
    await all_met(*found)
    for number, client in enumerate(found):
        for count in range(10):
            await client.publish(subject, b"%d.%d" % (number, count))
            await client.publish(f"{subject}.work", b"%d.%d" % (number, count))
    await heard.wait(10 * len(found) ** 2)
    await served.wait(10 * len(found))
    for near in found:
        for far in found:
            if near is not far:
                await passed(near, far)

    assert {str(number): 10 * len(found) for number in range(len(found))} == heard.places
    assert {len(found)} == heard.copies
    assert (10 * len(found), {1}) == (len(served.payloads), served.copies)


async def test_a_star(rig: LeafRig) -> None:
    """Three leaves of one hub reach each other through it."""
    hub = rig.hub()
    leaves = [rig.leaf(hub.remote(), name=f"leaf{number}") for number in range(3)]

    async with at([hub, *leaves]) as found:
        await expect_once_everywhere(found)


async def test_a_chain(rig: LeafRig) -> None:
    """A leaf may be a hub of others, and interest goes through all of them."""
    hub = rig.hub()
    middle = rig.leaf(hub.remote(), name="middle", listens=True)
    end = rig.leaf(middle.remote(), name="end")

    async with at([hub, middle, end]) as found:
        await expect_once_everywhere(found)


def _mesh(
    rig: LeafRig, program: str, names: Sequence[str], inside: str, *, listens: bool
) -> list[LeafServer]:
    """Servers of a cluster, which know each other when they have met."""
    seed = free_port()
    found = []
    for number, name in enumerate(names):
        port = seed if number == 0 else -1
        routes = f'routes = [ "nats://{HOST}:{seed}" ]'
        rest = f'cluster {{ name: {names[0]}-mesh, listen: "{HOST}:{port}", {routes} }}'
        found.append(rig.start(LeafSetup(program, name, inside, rest, listens=listens)))
    return found


async def test_a_mesh_of_leaves(rig: LeafRig) -> None:
    """Members of a cluster that all join one hub hear each message once, wherever it comes from."""
    hub = rig.hub()
    members = _mesh(rig, rig.programs.leaf, ("m1", "m2", "m3"), hub.remote(), listens=False)

    async with at([hub, *members]) as found:
        await expect_once_everywhere(found)


async def test_a_mesh_of_hubs(rig: LeafRig) -> None:
    """Leaves of different members of a cluster hear each message once."""
    hubs = _mesh(rig, rig.programs.hub, ("h1", "h2", "h3"), "", listens=True)
    leaves = [rig.leaf(hub.remote(), name=f"leaf{number}") for number, hub in enumerate(hubs)]

    async with at([*hubs, *leaves]) as found:
        await expect_once_everywhere(found)


async def test_two_servers_that_dial_each_other(rig: LeafRig) -> None:
    """One of the two links is found to make a loop, and the other one carries all once."""
    ports = [free_port(), free_port()]
    servers = [
        rig.start(LeafSetup(program, name, _remotes(far), leaf_port=own))
        for program, name, own, far in zip(
            (rig.programs.hub, rig.programs.leaf), "ab", ports, reversed(ports), strict=True
        )
    ]

    async with at(servers) as found:
        await until(lambda: _found(servers, LOOP))
        await all_met(*found)
        await expect_once_everywhere(found)


async def test_three_servers_in_a_circle(rig: LeafRig) -> None:
    """The loop is found, links are closed for a while, and no message comes twice to anybody."""
    ports = [free_port() for _ in range(3)]
    programs = (rig.programs.hub, rig.programs.leaf, rig.programs.leaf)
    servers = [
        rig.start(
            LeafSetup(programs[number], "abc"[number], _remotes(ports[number - 1]), leaf_port=ports[number])
        )
        for number in range(3)
    ]
    async with clients(*(server.url for server in servers)) as found:
        heard = [Heard() for _ in found]
        for client, ear in zip(found, heard, strict=True):
            await ear.listen(client, "circle")
        await until(lambda: _found(servers, LOOP))

        for count in range(20):
            for number, client in enumerate(found):
                await client.publish("circle", b"%d.%d" % (number, count))
                await client.flush()
        for ear in heard:
            await ear.wait(20)

    assert [{1}, {1}, {1}] == [ear.copies for ear in heard]


def _remotes(*ports: int) -> str:
    urls = ", ".join(f'{{ url: "nats-leaf://{HOST}:{port}" }}' for port in ports)
    return f"remotes = [ {urls} ]"


async def _found(servers: Sequence[LeafServer], text: str) -> bool:
    return any(text in server.log for server in servers)


async def test_two_servers_of_one_name(rig: LeafRig) -> None:
    """A second leaf with the name of the first takes its place."""
    hub = rig.hub()
    first = rig.leaf(hub.remote(), name="twin")
    async with clients(hub.url, first.url) as (at_hub, at_first):
        await all_met(at_hub, at_first)
        second = rig.leaf(hub.remote(), name="twin")

        await until(lambda: _found([first, second], DUPLICATE))

        async with clients(second.url) as (at_second,):
            await met(at_hub, at_second)
        assert await _found([first, second], DUPLICATE)
