"""Message tracing over leaf links: every pair of programs reports the same, nats-server's among them."""

import asyncio
import json
from typing import Any

import pytest
from nats.aio.msg import Msg

from tests.integration.test_message_tracing import DEST, ONLY, without_chance
from tests.support.leaf_clients import DEADLINE, Ends, met
from tests.support.leaf_ends import ends_of, servers_of
from tests.support.leaf_servers import few_pairs

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

_servers = servers_of(few_pairs())
_ends = ends_of(name="c")


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
