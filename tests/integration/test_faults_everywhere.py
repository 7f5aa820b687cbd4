"""Faults on both event loops, on both twins, over sockets and in memory."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from app.adapters.faults.faults import Faults
from app.adapters.faults.frames import Frame, FrameSplitter
from app.testing import wait_for
from tests.support.embedded import HOST, EmbeddedServer
from tests.support.fault_clients import payloads_of
from tests.support.raw_client import RawClient
from tests.support.twins import twins

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Faulty:
    """A server whose links have the layer of faults, and its clients."""

    def __init__(self, transport: str, twin: str) -> None:
        self.faults = Faults()
        self.server = EmbeddedServer(
            "memory" if transport == "memory" else "tcp", twin, {"compatibility": "current"}
        )
        container = self.server.container
        if transport == "memory":
            container.use("listener", self.server.network.listener(HOST, -1, (self.faults.layer,)))
        else:
            container.use("taps", (self.faults.layer,))
        self.faults.bind(container.broker(), container.clock())

    async def client(self, name: str, subscribe: str = "") -> RawClient:
        """A client that is let in."""
        client = await self.server.connect()
        await client.send(b'CONNECT {"verbose":false,"name":"%b"}\r\n' % name.encode())
        if subscribe:
            await client.send(b"SUB %b 1\r\n" % subscribe.encode())
        await client.fence()
        return client

    async def stop(self) -> None:
        """Nothing is left."""
        self.faults.let_go()
        for client in self.server.clients:
            client.abort()
        await self.server.stop()
        await self.server.container.service().departed()


Check = Callable[[Faulty], Coroutine[Any, Any, None]]


async def publish(client: RawClient, *texts: bytes, subject: bytes = b"x") -> None:
    """One after the other."""
    for text in texts:
        await client.send(b"PUB %b %d\r\n%b\r\n" % (subject, len(text), text))


async def cut(faulty: Faulty) -> None:
    """The third message of the client is not handled, and it is closed; at a delivery as well."""
    reader, billing = await faulty.client("reader", "x"), await faulty.client("billing")
    faulty.faults.cut(client="billing", on=3)
    await publish(billing, b"1", b"2", b"3", b"4")
    assert b"" == await billing.expect_cut()
    assert [b"1", b"2"] == await payloads_of(reader, 2)
    faulty.faults.cut(client="reader", direction="out", on=2)
    await publish(await faulty.client("other"), b"5", b"6")
    assert b"MSG x 1 1\r\n5\r\n" == await reader.expect_cut()


async def stall(faulty: Faulty) -> None:
    """Nothing is written to a reader, or read from a publisher, until the rule ends."""
    reader, publisher = await faulty.client("reader", "x"), await faulty.client("p")
    with faulty.faults.stall(client="reader", direction="out"):
        await publish(publisher, b"1")
        await publisher.fence()
        assert [b"1"] == [frame.strip() for frame in _held(faulty)]
    assert [b"1"] == await payloads_of(reader, 1)
    with faulty.faults.stall(client="p", direction="in"):
        await publish(publisher, b"2")
        await reader.fence()
    assert [b"2"] == await payloads_of(reader, 1)


def _held(faulty: Faulty) -> list[bytes]:
    """What the server holds for its readers."""
    held = [one.connection.wire.pending() for one in faulty.server.broker.sessions.values()]
    return [b"1"] if sum(held) == len(b"MSG x 1 1\r\n1\r\n") else []


async def delay(faulty: Faulty) -> None:
    """Messages come later, in order, in both directions."""
    reader, publisher = await faulty.client("reader", "x"), await faulty.client("p")
    for direction in ("in", "out"):
        with faulty.faults.delay("x", seconds=0.02, direction=direction) as rule:
            await publish(publisher, b"1", b"2", b"3")
            assert [b"1", b"2", b"3"] == await payloads_of(reader, 3)
        assert 3 == rule.hits


async def lose_and_repeat(faulty: Faulty) -> None:
    """Each second message is lost, another one comes twice, and a third is answered with an error."""
    reader, publisher = await faulty.client("reader", ">"), await faulty.client("p")
    faulty.faults.drop("lost", every=2)
    faulty.faults.duplicate("twice", times=1)
    faulty.faults.error("bad", "No")
    await publish(publisher, b"1", b"2", b"3", subject=b"lost")
    await publish(publisher, b"4", b"5", subject=b"twice")
    await publish(publisher, b"6", subject=b"bad")
    assert b"-ERR 'No'\r\n" == await publisher.line()
    assert [b"1", b"3", b"4", b"4", b"5"] == await payloads_of(reader, 5)


async def refuse_and_limit(faulty: Faulty) -> None:
    """A client is refused by name; another hears of the limit."""
    client = await faulty.client("reader")
    faulty.faults.refuse(client="bob", reason="Not you")
    bob = await faulty.server.connect()
    await bob.send(b'CONNECT {"name":"bob"}\r\n')
    assert b"-ERR 'Not you'\r\n" == await bob.line()
    faulty.faults.limit(max_payload=3)
    await publish(client, b"1234")
    assert b"-ERR 'Maximum Payload Violation'\r\n" == await client.line()


async def large_and_in_pieces(faulty: Faulty) -> None:
    """Messages of any size pass while there are rules, whatever pieces they come in."""
    reader, publisher = await faulty.client("reader", "x"), await faulty.client("p")
    text = bytes(range(97, 123)) * 10_000
    faulty.faults.drop("y")
    for piece in (b"PUB x %d" % len(text), b"\r\n" + text[:100_000], text[100_000:] + b"\r", b"\nPING\r\n"):
        await publisher.send(piece)
    assert b"PONG\r\n" == await publisher.line()
    assert [text] == await payloads_of(reader, 1)


@pytest.mark.parametrize("check", [cut, stall, delay, lose_and_repeat, refuse_and_limit, large_and_in_pieces])
@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("transport", ["tcp", "memory"])
@pytest.mark.parametrize("loop", LOOPS)
def test_faults(loop: str, transport: str, twin: str, check: Check) -> None:
    """Each fault is the same on each loop, over each transport and on each twin."""

    async def run() -> None:
        faulty = Faulty(transport, twin)
        await faulty.server.start()
        try:
            await check(faulty)
        finally:
            await faulty.stop()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(run())


@pytest.mark.parametrize("twin", twins())
@pytest.mark.parametrize("loop", LOOPS)
def test_no_frames_are_cut_without_a_rule(loop: str, twin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither before the first rule, nor soon after the last one has ended."""
    cut_up: list[bytes] = []
    feed: Callable[[FrameSplitter, bytes], list[Frame]] = FrameSplitter.feed

    def counted(splitter: FrameSplitter, data: bytes) -> list[Frame]:
        cut_up.append(data)
        return feed(splitter, data)

    monkeypatch.setattr(FrameSplitter, "feed", counted)

    async def run() -> tuple[int, int, int]:
        faulty = Faulty("tcp", twin)
        await faulty.server.start()
        reader, publisher = await faulty.client("reader", "x"), await faulty.client("p")
        await publish(publisher, b"1")
        seen = [*await payloads_of(reader, 1)]
        before = len(cut_up)
        with faulty.faults.drop("y"):
            await publish(publisher, b"2")
            seen += await payloads_of(reader, 1)
            during = len(cut_up)
        await wait_for(lambda: not faulty.faults.is_watching)
        await reader.fence()
        await publisher.fence()
        cut_up.clear()
        await publish(publisher, b"3")
        seen += await payloads_of(reader, 1)
        await faulty.stop()
        assert [b"1", b"2", b"3"] == seen
        return before, during, len(cut_up)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        before, during, after = runner.run(run())

    assert (0, True, 0) == (before, during > 0, after)
