"""Message tracing case by case: clients and readers of events hear the same of us as of nats-server."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.integration.test_message_tracing import without_chance
from tests.support.leaf_servers import GO, HOST, LeafServer, LeafSetup, leaf_twins, require
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

USERS = """
authorization { users = [
  {user: any, password: p}
  {user: few, password: p, permissions: {
    publish: {allow: ["a", "t", "x.>"], deny: ["x.no"]}, subscribe: {allow: ">", deny: "x.sub"}}}
] }
"""
TO_T = "Nats-Trace-Dest:t\r\n"
ONLY = TO_T + "Nats-Trace-Only:true\r\n"
ORIGIN = "Nats-Trace-Origin-Account:A\r\n"


class Case(NamedTuple):
    """Who publishes what, and who subscribes; `words` are the subject and a reply."""

    fields: str
    words: str = "a"
    user: str = "any"
    options: dict[str, object] = {}  # noqa: RUF012 - never changed
    opening: str = ""
    receiver: str = "any"
    subscriptions: str = "SUB a 1\r\nSUB x.* 2\r\nSUB no.> 3\r\n"


CASES = {
    "delivered": Case(TO_T),
    "only traced": Case(ONLY),
    "a request without responders": Case(ONLY, "none re", opening="SUB re 1\r\n"),
    "a request with responders": Case(ONLY, "a re", opening="SUB re 1\r\n"),
    "no echo": Case(TO_T, options={"echo": False}, opening="SUB a 1\r\n"),
    "+OK": Case(TO_T, options={"verbose": True}),
    "denied": Case(TO_T, "no.a", "few"),
    "denied, with +OK": Case(TO_T, "no.a", "few", {"verbose": True}),
    "denied by a rule": Case(TO_T, "x.no", "few"),
    "denied, only traced": Case(ONLY, "no.a", "few"),
    "a destination that is denied": Case("Nats-Trace-Dest:no.t\r\n", user="few"),
    "a destination that is denied, with +OK": Case(
        "Nats-Trace-Dest:x.no\r\n", user="few", options={"verbose": True}
    ),
    "a destination of servers": Case("Nats-Trace-Dest:$GR.t\r\n"),
    "no destination": Case("Nats-Trace-Dest:\r\nNats-Trace-Only:1\r\n"),
    "a destination with wildcards": Case("Nats-Trace-Dest:t.*\r\n"),
    "a destination with wildcards, only traced": Case(
        "Nats-Trace-Dest:t.>\r\nNats-Trace-Only:1\r\n", options={"verbose": True}
    ),
    "two destinations": Case(TO_T + "Nats-Trace-Dest:no.t\r\n"),
    "tracing disabled": Case("Nats-Trace-Dest:trace disabled\r\nNats-Trace-Only:1\r\n"),
    "another account": Case(TO_T + ORIGIN),
    "another account, only traced": Case(ONLY + ORIGIN),
    "another account, denied": Case(TO_T + ORIGIN, "no.a", "few"),
    "a way that a client says": Case(TO_T + "Nats-Trace-Hop:3\r\n"),
    "rules of a receiver": Case(TO_T, "x.sub re", opening="SUB re 1\r\n", receiver="few"),
    "rules of a receiver, only traced": Case(ONLY, "x.sub", receiver="few"),
    "a reply of servers": Case(TO_T, "a $JS.ACK.x"),
    "a subject of servers": Case(TO_T, "$GR.a"),
    "a subject with an empty token": Case(TO_T, "a..b"),
    "odd headers": Case("Foo\r\n" + TO_T + "b:<\u2028>\r\nEmpty:\r\nX: 1 \r\nX:2\r\n"),
    "odd headers before": Case("b:<\u2028>\r\nEmpty:\r\nX: 1 \r\nX:2\r\n" + TO_T),
    "traceparent": Case("traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"),
}


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def until(self, end: bytes) -> bytes:
        """All that comes up to this."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readuntil(end)

    async def ask(self, text: str) -> bytes:
        """What the server says to this."""
        self._writer.write(f"{text}PING\r\n".encode())
        return (await self.until(b"PONG\r\n"))[: -len(b"PONG\r\n")]

    def close(self) -> None:
        """End it."""
        self._writer.close()


async def join(port: int, user: str, opening: str, **options: object) -> Peer:
    """Someone who has logged in."""
    peer = Peer(*await asyncio.open_connection(HOST, port))
    await peer.until(b"\r\n")
    asked = {"verbose": False, "headers": True, "no_responders": True, "user": user, "pass": "p", "name": "n"}
    await peer.ask(f"CONNECT {json.dumps(asked | options)}\r\n{opening}")
    return peer


def hpub(fields: str, words: str) -> str:
    """A message with these fields."""
    block = f"NATS/1.0\r\n{fields}\r\n"
    size = len(block.encode())
    return f"HPUB {words} {size} {size + 2}\r\n{block}hi\r\n"


def in_order(request: object, steps: list[Any]) -> list[Any]:
    """The same with receivers in an order: nats-server has them in that of a map."""
    return [request, steps[:1], sorted(steps[1:], key=json.dumps)]


async def play(server: LeafServer, case: Case) -> list[Any]:
    """What the publisher and the receiver hear, and the events."""
    reader = await join(server.port, "any", "SUB t 1\r\nSUB end 2\r\n")
    receiver = await join(server.port, case.receiver, case.subscriptions)
    publisher = await join(server.port, case.user, case.opening, **case.options)
    answer = await publisher.ask(hpub(case.fields, case.words))
    last = await join(server.port, "any", "")
    await last.ask(hpub("Nats-Trace-Dest:end\r\n", "nobody"))
    events = (await reader.until(b'"nobody"}]}\r\n')).split(b"\r\n")
    found = [in_order(*without_chance(json.loads(line))) for line in events if line.startswith(b"{")]
    got = await receiver.ask("")
    for peer in (reader, receiver, publisher, last):
        peer.close()
    return [answer, got, *found]


@pytest.fixture(name="servers", scope="module", params=leaf_twins())
def _servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LeafServer, LeafServer]]:
    """Both servers, with the same users."""
    require(GO)
    folder = tmp_path_factory.mktemp("traces")
    with ExitStack() as stack:
        programs = (GO, request.param)
        theirs, ours = (
            stack.enter_context(LeafServer(LeafSetup(program, "s", rest=USERS, listens=False), folder))
            for program in programs
        )
        yield theirs, ours


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_the_same_of_both(servers: tuple[LeafServer, LeafServer], case: Case) -> None:
    """Answers, deliveries and events are those of nats-server."""
    theirs, ours = servers

    assert await play(theirs, case) == await play(ours, case)
