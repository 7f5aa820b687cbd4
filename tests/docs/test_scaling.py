"""The page on scaling: its configurations form what they say, and its program runs."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from app.testing import free_port
from tests.support.leaf_clients import DEADLINE, all_met, clients, is_unheard, passed, until
from tests.support.leaf_servers import GO, HOST, LeafServer, LeafSetup, require
from tests.support.patience import PATIENCE
from tests.support.server_process import ROOT
from tests.support.twins import twins

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

PAGE = (ROOT / "docs" / "scaling.md").read_text("utf-8")
ONE, MESH, LEAF, CENTRE, SITE = re.findall(r"^```conf\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(HUB,) = re.findall(r"^```text\n(server_name: hub-1\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
(PROGRAM,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
OURS = twins()[-1]


def at_ports(text: str, ports: Mapping[str, int], folder: Path) -> str:
    """The configuration with every host on the loopback, at these ports by ``host:port`` of the page."""
    for place, port in ports.items():
        text = text.replace(place, f"{HOST}:{port}")
    text = re.sub(r'"0\.0\.0\.0:\d+"|"127\.0\.0\.1:8222"', f'"{HOST}:-1"', text)
    return text.replace("/var/lib/nats", str(folder))


@contextmanager
def started(*servers: tuple[str, str], folder: Path) -> Iterator[list[LeafServer]]:
    """Servers with these programs and configurations."""
    require(*(program for program, _ in servers))
    with ExitStack() as stack:
        setups = [LeafSetup(program, "pasted", whole=text) for program, text in servers]
        yield [stack.enter_context(LeafServer(setup, folder)) for setup in setups]


async def test_one_server(tmp_path: Path) -> None:
    """The command for one server starts it, and it serves."""
    with started((OURS, at_ports(ONE, {}, tmp_path)), folder=tmp_path) as (server,):
        async with clients(server.url) as (client,):
            subscription = await client.subscribe("a")
            await client.publish("a", b"hello")

            assert b"hello" == (await subscription.next_msg(PATIENCE)).data


async def test_a_mesh(tmp_path: Path) -> None:
    """Two machines with the same file but for the name find each other."""
    places = {f"{name}.example.com:6222": free_port() for name in "ab"}
    texts = []
    for name, port in zip("ab", places.values(), strict=True):
        own = MESH.replace("server_name: a", f"server_name: {name}")
        own = own.replace('listen: "0.0.0.0:6222"', f'listen: "{HOST}:{port}"')
        texts.append((OURS, at_ports(own, places, tmp_path)))

    with started(*texts, folder=tmp_path) as servers:
        async with clients(*(server.url for server in servers)) as found:
            await all_met(*found)

            assert all(client.is_connected for client in found)


def hub_of_three(folder: Path) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Three servers of nats-server as the page has them, and their ports for leaves by ``host:port``."""
    routes = {f"hub-{number}.example.com:6222": free_port() for number in (1, 2, 3)}
    leaves = {f"hub-{number}.example.com:7422": free_port() for number in (1, 2, 3)}
    texts = []
    for number, (route, leaf) in enumerate(zip(routes.values(), leaves.values(), strict=True), 1):
        own = HUB.replace("server_name: hub-1", f"server_name: hub-{number}")
        own = own.replace('listen: "0.0.0.0:6222"', f'listen: "{HOST}:{route}"')
        own = own.replace('listen: "0.0.0.0:7422"', f'listen: "{HOST}:{leaf}"')
        store = folder / f"hub-{number}"
        store.mkdir()
        texts.append((GO, at_ports(own, routes, store)))
    return texts, leaves


async def test_a_leaf_of_a_cluster(tmp_path: Path) -> None:
    """The program of the page runs at a leaf of three nats-servers, and what is local stays there."""
    texts, leaves = hub_of_three(tmp_path)
    with started(*texts, (OURS, at_ports(LEAF, leaves, tmp_path)), folder=tmp_path) as servers:
        *hubs, leaf = servers
        async with clients(leaf.url, *(hub.url for hub in hubs)) as (at_leaf, *at_hubs):
            for client in at_hubs:
                await all_met(at_leaf, client)
            heard = await at_hubs[0].subscribe("local.>")
            await all_met(at_leaf, at_hubs[0])
            await at_leaf.publish("local.secret", b"")
            await passed(at_leaf, at_hubs[0])
            assert 0 == heard.pending_msgs
            await until(lambda: replicates(at_leaf))

        assert "stored in ORDERS as 1\nworked on first\n" == await run(leaf.port)


async def replicates(client: Client) -> bool:
    """Whether the hub can make a stream on three machines now."""
    js = client.jetstream(timeout=2.0)
    try:
        await js.add_stream(name="PROBE", subjects=["probe"], num_replicas=3)
        return await js.delete_stream("PROBE")
    except Exception:  # noqa: BLE001 - whatever it is, it is asked again until the time is over
        return False


async def run(port: int) -> str:
    """Run the program of the page against the server at this port; what it prints."""
    program = PROGRAM.replace("127.0.0.1:4222", f"{HOST}:{port}")
    words = (sys.executable, "-W", "error", "-c", program)
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(DEADLINE):
        printed, _ = await process.communicate()
    return printed.decode()


async def test_sites_without_another_program(tmp_path: Path) -> None:
    """Two sites reach each other through a hub of ours."""
    port = free_port()
    centre = CENTRE.replace('listen: "0.0.0.0:7422"', f'listen: "{HOST}:{port}"')
    south = SITE.replace("server_name: north", "server_name: south").replace("north:n0rth", "south:s0uth")
    place = {"centre.example.com:7422": port}
    texts = [(OURS, at_ports(text, place, tmp_path)) for text in (centre, SITE, south)]
    with started(*texts, folder=tmp_path) as servers:
        async with clients(*(server.url for server in servers)) as found:
            await all_met(*found)

            assert await is_unheard(found[1], "nobody.anywhere", PATIENCE)
