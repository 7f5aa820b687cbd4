"""Message tracing over leaf links: every pair of programs reports the same, nats-server's among them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from nats.aio.msg import Msg

from tests.integration.test_message_tracing import DEST, ONLY, without_chance
from tests.support.leaf_clients import DEADLINE, Ends, clients, met
from tests.support.leaf_servers import LeafServer, Programs, few_pairs, leaf_rig

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

TO_HUB, TO_LEAF = "to the hub", "to the leaf"


@pytest.fixture(name="servers", scope="module", params=few_pairs(), ids=str)
def _servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LeafServer, LeafServer]]:
    """A hub and a leaf of it."""
    programs: Programs = request.param
    with leaf_rig(programs, tmp_path_factory.mktemp("leaf")) as rig:
        hub = rig.hub()
        yield hub, rig.leaf(hub.remote())


@pytest_asyncio.fixture(name="ends", params=[TO_HUB, TO_LEAF])
async def _ends(
    request: pytest.FixtureRequest, servers: tuple[LeafServer, LeafServer]
) -> AsyncIterator[Ends]:
    """A client at each server: what the near one publishes crosses the link in one direction."""
    hub, leaf = servers
    urls = (leaf.url, hub.url) if request.param == TO_HUB else (hub.url, leaf.url)
    async with clients(*urls, name="c") as (near, far):
        yield Ends(near, far, urls[1])


def of_far(ends: Ends) -> tuple[str, str]:
    """The names of the server where a message begins, and of the other one."""
    names = [str(each._server_info["server_name"]) for each in (ends.near, ends.far)]  # noqa: SLF001
    return names[0], names[1]


@pytest.mark.parametrize("headers", [DEST, ONLY], ids=["delivered", "only traced"])
async def test_both_servers_report(ends: Ends, headers: dict[str, str]) -> None:
    """The near one names the link and the way, the far one its receivers; only one of them delivers."""
    events: asyncio.Queue[Msg] = asyncio.Queue()
    received = await ends.far.subscribe("traced.>")
    await ends.far.subscribe("traced.a", queue="q")
    await ends.near.subscribe("trace", cb=events.put)
    await met(ends.near, ends.far)
    await met(ends.far, ends.near)

    await ends.near.publish("traced.a", b"hi", headers=headers)

    found: dict[str, Any] = {}
    async with asyncio.timeout(DEADLINE):
        while len(found) < 2:
            event = json.loads((await events.get()).data)
            request, steps = without_chance(event)
            way = request["header"].get("Nats-Trace-Hop", [""])[0]
            found[way] = (event["server"]["name"], event.get("hops"), steps)
    near, far = of_far(ends)
    came = {"type": "in", "acc": "$G", "subj": "traced.a"}
    own = {"type": "eg", "kind": 0, "name": "c"}
    assert {
        "": (
            near,
            1,
            [{**came, "kind": 0, "name": "c"}, {"type": "eg", "kind": 4, "name": far, "hop": "1"}],
        ),
        "1": (
            far,
            None,
            [
                {**came, "kind": 4, "name": near},
                {**own, "sub": "traced.>"},
                {**own, "sub": "traced.a", "queue": "q"},
            ],
        ),
    } == found
    await ends.near.publish("traced.b", b"end")
    await received.next_msg(DEADLINE) if headers is DEST else None
    assert b"end" == (await received.next_msg(DEADLINE)).data
