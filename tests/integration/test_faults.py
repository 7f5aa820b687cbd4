"""Faults on command, over sockets, on both twins."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app import Server
from app.testing import ManualClock, wait_for
from tests.support.raw_client import RawClient
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio

OPENED: list[RawClient] = []


@pytest_asyncio.fixture(autouse=True)
async def _close_clients() -> AsyncIterator[None]:
    """All clients of a test are gone when it is over."""
    yield
    while OPENED:
        OPENED.pop().abort()
    await asyncio.sleep(0)


async def greeted(server: Server) -> RawClient:
    """A client that has read INFO."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    client = await RawClient.greet(reader, writer, writer.transport.abort)
    OPENED.append(client)
    return client


@pytest_asyncio.fixture(params=twins())
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server that records."""
    async with Server(data_plane=request.param, record=True) as started:
        yield started


async def connect(server: Server, name: str = "", subscribe: str = "", user: str = "") -> RawClient:
    """A client that has been greeted, and has its PONG."""
    client = await greeted(server)
    options = {"verbose": False, "name": name, "user": user, "headers": True, "protocol": 1}
    await client.send(b"CONNECT %b\r\n" % json.dumps(options).encode())
    if subscribe:
        await client.send(b"SUB %b 1\r\n" % subscribe.encode())
    await client.send(b"PING\r\n")
    assert await client.line() == b"PONG\r\n"
    return client


async def payloads(client: RawClient) -> list[bytes]:
    """What was delivered until the answer to a PING."""
    await client.send(b"PING\r\n")
    found = []
    while (line := await client.line()) != b"PONG\r\n":
        if line.startswith(b"MSG"):
            found.append((await client.line()).strip())
    return found


async def publish(client: RawClient, subject: str, *texts: str) -> None:
    """Publish one after the other, and wait until the server has them."""
    for text in texts:
        await client.send(b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(text), text.encode()))
    await client.send(b"PING\r\n")
    while (line := await client.line()) == b"PING\r\n":  # the server's own, two seconds after CONNECT
        pass
    assert line == b"PONG\r\n"


async def test_cut_at_the_third_message(server: Server) -> None:
    """Two messages of the client are handled, the third is not, and its link ends."""
    reader = await connect(server, subscribe="x")
    billing, other = await connect(server, "billing"), await connect(server, "other")
    rule = server.faults.cut(client="billing", on=3)

    await publish(other, "x", "0")
    await billing.send(b"PUB x 1\r\n1\r\nPUB x 1\r\n2\r\nPUB x 1\r\n3\r\nPUB x 1\r\n4\r\n")
    await server.wait_for(lambda one: one.connz()["num_connections"] == 2)

    assert [b"0", b"1", b"2"] == await payloads(reader)
    assert rule.hits == 1
    rule.must_hit()


async def test_cut_at_a_delivery(server: Server) -> None:
    """With the other direction what is delivered counts: the message is not sent."""
    slow, publisher = await connect(server, "reader", "x"), await connect(server)
    server.faults.cut(client="reader", direction="out", on=2)

    await publish(publisher, "x", "1", "2")

    assert [b"MSG x 1 1\r\n", b"1\r\n"] == [await slow.line() for _ in range(2)]
    assert await slow.expect_cut() == b""


async def test_drop_each_third(server: Server) -> None:
    """Each third message of the subjects is lost, of all publishers together."""
    reader, publisher = await connect(server, subscribe=">"), await connect(server)
    with server.faults.drop("orders.*", every=3) as rule:
        await publish(publisher, "orders.a", "1", "2", "3", "4", "5", "6")
        await publish(publisher, "other", "7")
    await publish(publisher, "orders.a", "8", "9", "10")

    assert [b"1", b"2", b"4", b"5", b"7", b"8", b"9", b"10"] == await payloads(reader)
    assert (2, False) == (rule.hits, rule.is_active)


async def test_duplicate_once(server: Server) -> None:
    """The first message that fits comes twice."""
    reader, publisher = await connect(server, subscribe="x"), await connect(server)
    server.faults.duplicate("x", copies=1, times=1)

    await publish(publisher, "x", "1", "2")

    assert [b"1", b"1", b"2"] == await payloads(reader)


async def test_a_part_by_chance(server: Server) -> None:
    """The same seed hits the same messages."""
    reader, publisher = await connect(server, subscribe="x"), await connect(server)
    texts = [str(number) for number in range(40)]
    heard = []
    for _ in range(2):
        with server.faults.drop("x", probability=0.5, seed=7):
            await publish(publisher, "x", *texts)
        heard.append(await payloads(reader))

    assert heard[0] == heard[1]
    assert 5 < len(heard[0]) < 35


async def test_an_error_in_answer(server: Server) -> None:
    """The publisher gets the text, nobody gets the message, and the link goes on."""
    reader, publisher = await connect(server, subscribe="x"), await connect(server)
    server.faults.error("x", 'Permissions Violation for Publish to "x"')

    await publisher.send(b"PUB x 1\r\n1\r\nPING\r\n")

    assert [b"-ERR 'Permissions Violation for Publish to \"x\"'\r\n", b"PONG\r\n"] == [
        await publisher.line() for _ in range(2)
    ]
    assert [] == await payloads(reader)


async def test_refuse_a_user(server: Server) -> None:
    """The client of that user gets the reason and is closed, others come in."""
    server.faults.refuse(user="bob", reason="Authorization Violation")
    bob = await greeted(server)
    await bob.send(b'CONNECT {"user":"bob"}\r\nPING\r\n')

    assert await bob.line() == b"-ERR 'Authorization Violation'\r\n"
    await bob.expect_eof()
    await connect(server, user="alice")


async def test_a_limit(server: Server) -> None:
    """Clients hear of the lower limit, and of the old one when the rule is cleared."""
    client = await connect(server)
    with server.faults.limit(max_payload=10):
        lower = await client.line()
    higher = await client.line()

    assert (b'"max_payload":10,' in lower, b'"max_payload":1048576,' in higher) == (True, True)


async def test_lame_duck(server: Server) -> None:
    """Clients hear that the server is about to stop; new ones are not let in until the rule is cleared."""
    client = await connect(server)
    rule = server.faults.lame_duck()
    said = await client.line()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    rest = await reader.read()
    writer.close()
    rule.clear()
    await connect(server)

    assert b'"ldm":true' in said
    assert b"PONG" not in rest


async def test_a_reader_that_is_stalled(server: Server) -> None:
    """Nothing is written to it until the rule is cleared; then it gets all."""
    reader, publisher = await connect(server, "slow", "x"), await connect(server)
    rule = server.faults.stall(client="slow", direction="out")
    await publish(publisher, "x", "1", "2")
    pending = server.connz()["connections"][0]["pending_bytes"]
    rule.clear()

    assert [b"1", b"2"] == await payloads(reader)
    assert (1, True) == (rule.hits, pending > 0)


async def test_a_publisher_that_is_stalled(server: Server) -> None:
    """Nothing is read from it until the rule is cleared, also from one that comes later."""
    reader = await connect(server, subscribe="x")
    with server.faults.stall(client="late", direction="in"):
        late = await greeted(server)
        await late.send(b'CONNECT {"verbose":false,"name":"late"}\r\nPUB x 1\r\n1\r\nPING\r\n')
        during = await payloads(reader)
    assert await late.line() == b"PONG\r\n"

    assert ([], [b"1"]) == (during, await payloads(reader))


async def test_a_stalled_reader_becomes_a_slow_consumer() -> None:
    """The ordinary rules end it, in the time that they give; others go on."""
    clock = ManualClock()
    async with Server(clock=clock, max_pending="2MB") as server:
        await connect(server, "slow", "x")
        other = await connect(server, "good", "x")
        publisher = await connect(server)
        rule = server.faults.stall(client="slow", direction="out")
        text = 500_000 * "x"
        sending = asyncio.create_task(publish(publisher, "x", *(6 * [text])))
        heard = asyncio.create_task(payloads_of(other, 6))
        while not sending.done():
            await clock.advance(0.5)
        await sending

        assert [len(text)] * 6 == [len(payload) for payload in await heard]
        assert server.varz()["slow_consumers"] == 1
        assert rule.hits == 1


async def payloads_of(client: RawClient, count: int) -> list[bytes]:
    """The next messages."""
    found: list[bytes] = []
    while len(found) < count:
        if (await client.line()).startswith(b"MSG"):
            found.append((await client.line()).strip())
    return found


async def test_delays_keep_the_order() -> None:
    """What comes after a delayed message on its link waits too; other links do not."""
    clock = ManualClock()
    async with Server(clock=clock, record=True) as server:
        reader, publisher, other = (
            await connect(server, "r", ">"),
            await connect(server),
            await connect(server),
        )
        rule = server.faults.delay("orders.>", seconds=0.2)
        await publisher.send(b"PUB orders.a 1\r\n1\r\nPUB b 1\r\n2\r\nPING\r\n")
        await wait_for(lambda: rule.hits == 1)
        await publish(other, "c", "3")
        before = await payloads(reader)
        await clock.advance(0.1)
        between = await payloads(reader)
        await clock.advance(0.1)

        assert await publisher.line() == b"PONG\r\n"
        assert ([b"3"], [], [b"1", b"2"]) == (before, between, await payloads(reader))


async def test_delays_of_deliveries() -> None:
    """The message and all that follows on the link come later."""
    clock = ManualClock()
    async with Server(clock=clock) as server:
        reader, publisher = await connect(server, "r", "x"), await connect(server)
        server.faults.delay("x", seconds=0.2, direction="out", times=1)
        await publish(publisher, "x", "1", "2")
        await reader.send(b"PING\r\n")
        await clock.advance(0.2)

        assert [b"1", b"2"] == await payloads_of(reader, 2)


async def test_deliveries_to_a_queue_group(server: Server) -> None:
    """The members of one group lose their messages, other subscriptions do not."""
    member, plain = await connect(server), await connect(server, subscribe="x")
    await member.send(b"SUB x workers 1\r\nSUB x 2\r\nPING\r\n")
    assert await member.line() == b"PONG\r\n"
    publisher = await connect(server)
    rule = server.faults.drop(queue="workers", direction="out")

    await publish(publisher, "x", "1")

    assert ([b"1"], [b"1"], 1) == (await payloads(member), await payloads(plain), rule.hits)


async def test_a_rule_in_the_middle_of_a_message() -> None:
    """Half of a message has come before the first rule: it is whole all the same."""
    async with Server() as quiet:
        reader, publisher = await connect(quiet, subscribe="x"), await connect(quiet)
        await publisher.send(b"PUB x 5\r\n12")
        await quiet.wait_for(lambda one: _received(one, 2) > 0)
        rule = quiet.faults.drop("x", every=2)
        await publisher.send(b"345\r\nPUB x 1\r\n6\r\nPUB x 1\r\n7\r\nPING\r\n")
        assert await publisher.line() == b"PONG\r\n"

        assert ([b"12345", b"6"], 1) == (await payloads(reader), rule.hits)


def _received(server: Server, cid: int) -> int:
    """Bytes of a client that are not obeyed yet."""
    broker = server._service.broker  # noqa: SLF001 - no page shows it
    return len(broker.connections[cid].unprocessed())


async def test_a_conversation(server: Server) -> None:
    """The last frames of a link, both ways, without secrets."""
    client = await greeted(server)
    await client.send(b'CONNECT {"verbose":false,"pass":"secret"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n')
    assert await payloads(client) == [b"hi"]

    spoken = server.conversation(1)

    assert "secret" not in "".join(spoken)
    assert ["--> SUB a 1", "--> PUB a 2 'hi'", "<-- MSG a 1 2 'hi'", "--> PING", "<-- PONG"] == spoken[1:6]


@pytest.mark.parametrize(
    "chosen", [{"direction": "up"}, {"every": -1}, {"probability": 2.0}, {"on": -1, "times": 3}]
)
async def test_what_cannot_be_chosen(chosen: dict[str, object]) -> None:
    """A rule that makes no sense is an error at once."""
    async with Server() as server:
        with pytest.raises(ValueError, match=r"direction|counts"):
            server.faults.drop("a", **chosen)  # type: ignore[arg-type] # as a program may write it
        with pytest.raises(ValueError, match="no subject"):
            server.faults.drop("a..b")
        with pytest.raises(TypeError):
            server.faults.drop("a", colour="red")  # type: ignore[call-arg] # the same


async def test_a_rule_that_hits_nothing(server: Server) -> None:
    """It can be asserted that something was hit; the error names the rule."""
    rule = server.faults.drop("a.*")

    with pytest.raises(AssertionError, match=r"no traffic was hit by drop\(subject='a.\*'\)"):
        rule.must_hit()
    server.faults.clear()
    assert not rule.is_active


async def test_rules_on_a_server_that_does_not_run() -> None:
    """Those about traffic wait for it; those about the server are an error."""
    server = Server()
    rule = server.faults.drop("x")
    with pytest.raises(RuntimeError, match="does not run"):
        server.faults.lame_duck()
    async with server:
        publisher = await connect(server)
        await publish(publisher, "x", "1")

    assert rule.hits == 1
