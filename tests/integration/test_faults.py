"""Faults on command, over sockets, on both twins."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app import Cluster, Server
from app.testing import ManualClock, wait_for
from tests.support.fault_clients import close_all, connect, greeted, keep, payloads, payloads_of, publish
from tests.support.raw_client import RawClient
from tests.support.twins import twins

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def _close_clients() -> AsyncIterator[None]:
    """All clients of a test are gone when it is over."""
    yield
    await close_all()


@pytest_asyncio.fixture(params=twins())
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server that records."""
    async with Server(data_plane=request.param, record=True) as started:
        yield started


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
    return len(broker.sessions[cid].connection.unprocessed())


async def test_a_conversation(server: Server) -> None:
    """The last frames of a link, both ways, without secrets."""
    client = await greeted(server)
    await client.send(b'CONNECT {"verbose":false,"pass":"secret"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n')
    assert await payloads(client) == [b"hi"]

    spoken = server.conversation(1)

    assert "secret" not in "".join(spoken)
    assert ["--> SUB a 1", "--> PUB a 2 'hi'", "<-- MSG a 1 2 'hi'", "--> PING", "<-- PONG"] == spoken[1:6]


async def test_a_conversation_shows_what_was_lost(server: Server) -> None:
    """With the kind of the rule, both ways."""
    client = await connect(server, "p", ">")
    server.faults.drop("lost")
    server.faults.error("bad", "No")
    server.faults.drop("sent", direction="out")
    server.faults.cut("end")
    for subject in (b"lost", b"bad", b"sent", b"end"):
        await client.send(b"PUB %b 1\r\n1\r\n" % subject)
    await client.expect_cut()

    assert [
        "--> PUB lost 1 '1' [drop]",
        "--> PUB bad 1 '1' [error]",
        "--> PUB sent 1 '1'",
        "<-- MSG sent 1 1 '1' [drop]",
        "--> PUB end 1 '1' [cut]",
    ] == [line for line in server.conversation(1) if " 1 '1'" in line]


@pytest.mark.parametrize(
    "call",
    [
        "drop('a', direction='up')",
        "drop('a', every=-1)",
        "drop('a', probability=2.0)",
        "drop('a', on=-1, times=3)",
        "drop('a', times=0)",
        "drop('a..b')",
        "drop('a', queue='q', direction='in')",
        "drop('a', client='c', route='r')",
        "delay('a', seconds=-1)",
        "duplicate('a', copies=0)",
        "error('a', 'two\\r\\nlines')",
        "error('a', 'text', direction='out')",
        "stall(on=3)",
        "stall(seconds=0)",
        "refuse(direction='out')",
        "limit(max_payload=0)",
    ],
)
async def test_what_cannot_be_chosen(call: str) -> None:
    """A rule that makes no sense is an error at once, and no rule."""
    async with Server() as server:
        with pytest.raises(
            ValueError, match=r"direction|count|selected|not a subject|least|above|line|one of them"
        ):
            eval(f"server.faults.{call}")  # noqa: S307 - the calls above
        assert server.faults.rules == []


@pytest.mark.parametrize(
    "call",
    [
        "drop('a', colour='red')",
        "drop('a', on='3')",
        "drop('a', cid='1')",
        "drop('a', client=5)",
        "drop('a', probability='1')",
        "drop(5)",
        "delay('a', seconds='1s')",
        "duplicate('a', copies='2')",
        "error('a', None)",
        "stall(seconds='1')",
        "refuse(reason=None)",
        "limit(max_payload='1KB')",
    ],
)
async def test_arguments_of_the_wrong_type(call: str) -> None:
    """The same for types: the error does not come later, in the traffic."""
    async with Server() as server:
        with pytest.raises(TypeError):
            eval(f"server.faults.{call}")  # noqa: S307 - the calls above
        assert server.faults.rules == []


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
    with pytest.raises(RuntimeError, match="is not running"):
        server.faults.lame_duck()
    async with server:
        publisher = await connect(server)
        await publish(publisher, "x", "1")

    assert rule.hits == 1


async def test_delays_run_side_by_side(server: Server) -> None:
    """Each message comes its own time after it was sent, however many there are."""
    reader, publisher = await connect(server, "r", "x"), await connect(server)
    texts = [str(number) for number in range(200)]
    for direction in ("in", "out"):
        with server.faults.delay("x", seconds=0.05, direction=direction) as rule:
            await publish(publisher, "x", *texts)
            assert [text.encode() for text in texts] == await payloads_of(reader, len(texts))
        assert rule.hits == len(texts)


async def test_a_delay_of_a_steady_stream_delivers() -> None:
    """A message leaves when its delay is over, although later ones are delayed too."""
    clock = ManualClock()
    async with Server(clock=clock) as server:
        reader, publisher = await connect(server, "r", "x"), await connect(server)
        server.faults.delay("x", seconds=0.2, direction="out")
        for text in ("1", "2", "3"):
            await publish(publisher, "x", text)
            await clock.advance(0.1)

        assert [b"1", b"2"] == await payloads_of(reader, 2)
        await clock.advance(0.2)
        assert [b"3"] == await payloads_of(reader, 1)


async def test_what_comes_after_a_delay_waits_for_it_whatever_it_is() -> None:
    """A cut and an error after a delayed message come after that."""
    clock = ManualClock()
    async with Server(clock=clock) as server:
        reader, publisher = await connect(server, "r", ">"), await connect(server, "p")
        server.faults.delay("slow", seconds=1)
        server.faults.error("bad", "No")
        server.faults.cut("end")
        await publisher.send(b"PUB slow 1\r\n1\r\nPUB bad 1\r\n2\r\nPUB end 1\r\n3\r\n")
        await server.wait_for(lambda one: all(rule.hits for rule in one.faults.rules))
        before = await payloads(reader)
        await clock.advance(1)

        assert ([], [b"1"]) == (before, await payloads_of(reader, 1))
        assert b"-ERR 'No'\r\n" == await publisher.line()
        assert b"" == await publisher.expect_cut()


async def test_a_publisher_that_is_delayed_is_not_read_without_bound(server: Server) -> None:
    """More than a megabyte waits in the publisher's own buffers."""
    reader, publisher = await connect(server, "r", "x"), await connect(server)
    text = 300_000 * "x"
    with server.faults.delay("x", seconds=0.3) as rule:
        sending = asyncio.create_task(publish(publisher, "x", *(12 * [text])))
        await server.wait_for(lambda _: rule.hits >= 4)
        hits = rule.hits
        heard = await payloads_of(reader, 12)
        await sending

    assert [len(text)] * 12 == [len(payload) for payload in heard]
    assert (12, True) == (rule.hits, hits < 12)


@pytest.mark.parametrize("twin", twins())
async def test_a_rule_in_the_middle_of_a_payload_with_line_breaks(twin: str) -> None:
    """What looks like a line in the rest of a message is not one; the message is not hit, the next is."""
    async with Server(data_plane=twin) as server:
        reader, publisher = await connect(server, subscribe="x"), await connect(server)
        text = b"12\r\nPUB x 30\r\nabc\r\nzz"
        await publisher.send(b"PUB x %d\r\n12" % len(text))
        await server.wait_for(lambda one: _received(one, 2) > 0)
        rule = server.faults.drop("x", times=1)
        await publisher.send(text[2:] + b"\r\nPUB x 1\r\n6\r\nPUB x 1\r\n7\r\nPING\r\n")
        assert await publisher.line() == b"PONG\r\n"
        await reader.send(b"PING\r\n")
        got = b""
        while not got.endswith(b"PONG\r\n"):
            got += await reader.line()

    assert got == b"MSG x 1 %d\r\n%b\r\nMSG x 1 1\r\n7\r\nPONG\r\n" % (len(text), text)
    assert rule.hits == 1


async def test_a_message_that_is_too_long_is_refused_at_its_first_line() -> None:
    """The server that records does not wait for the payload."""
    async with Server(record=True, max_payload=10) as server:
        client = await connect(server)
        await client.send(b"PUB x 11\r\n")

        assert await client.line() == b"-ERR 'Maximum Payload Violation'\r\n"


async def test_a_stall_that_ends_by_itself() -> None:
    """Its time begins with the start of the server, and nothing of it is left after the stop."""
    clock = ManualClock()
    server = Server(clock=clock)
    rule = server.faults.stall(seconds=1)
    async with server:
        await clock.advance(1)
        assert not rule.is_active
        await connect(server)
        left = server.faults.stall(seconds=1000)
        await asyncio.sleep(0)
    await clock.advance(1000)
    assert left.is_active


async def test_a_stall_counts_each_link_once(server: Server) -> None:
    """Other stalls do not change what it has hit."""
    await connect(server, "a")
    rule = server.faults.stall(client="a")
    server.faults.stall(client="b").clear()
    server.faults.stall(client="c")

    assert rule.hits == 1


async def test_errors_of_a_client_that_is_stalled(server: Server) -> None:
    """They wait as all else that is written to it."""
    client = await connect(server, "a")
    server.faults.error("x", "No")
    stall = server.faults.stall(client="a", direction="out")
    await client.send(b"PUB x 1\r\n1\r\n")
    await server.wait_for(lambda one: one.connz()["connections"][0]["pending_bytes"] > 0)
    stall.clear()

    assert await client.line() == b"-ERR 'No'\r\n"


async def test_limits_one_over_the_other(server: Server) -> None:
    """The lowest counts, in whatever order they end; after a new start the active ones hold."""
    first, second = server.faults.limit(max_payload=10), server.faults.limit(max_payload=100)
    seen = [server.varz()["max_payload"]]
    first.clear()
    seen.append(server.varz()["max_payload"])
    await server.stop()
    await server.start()
    seen.append(server.varz()["max_payload"])
    second.clear()

    assert [10, 100, 100, 1048576] == [*seen, server.varz()["max_payload"]]


async def test_a_queue_alone_means_deliveries(server: Server) -> None:
    """The direction need not be given."""
    member = await connect(server)
    await member.send(b"SUB x workers 1\r\n")
    publisher = await connect(server)
    rule = server.faults.drop(queue="workers")
    await publish(publisher, "x", "1")

    assert ([], 1) == (await payloads(member), rule.hits)


async def test_a_lame_duck_keeps_its_routes() -> None:
    """Clients are turned away, other servers are not."""
    async with Cluster(2) as cluster:
        cluster.servers[0].faults.lame_duck()
        await cluster.servers[1].stop()
        await cluster.servers[1].start()
        await cluster.wait_until_meshed(20)
        reader, writer = await asyncio.open_connection("127.0.0.1", cluster.servers[0].port)
        said = await reader.read()
        writer.close()
        routes = [server.routez()["num_routes"] for server in cluster.servers]

    assert b"PONG" not in said
    assert [1, 1] == routes


async def test_conversations_of_one_start() -> None:
    """After a new start numbers begin again, and so do conversations."""
    server = Server(record=True)
    for name in ("first", "second"):
        async with server:
            await connect(server, name)
    spoken = "".join(server.conversation(1))

    assert ("first" in spoken, "second" in spoken) == (False, True)


async def test_no_blank_hides_a_secret() -> None:
    """Neither blanks nor small letters let a secret into a conversation."""
    async with Server(record=True) as server:
        client = await greeted(server)
        await client.send(b'connect\t{"user":"a","pass":"secret"}\r\nPING\r\n')
        await server.wait_for(lambda one: len(one.conversation(1)) > 1)

        assert "secret" not in "".join(server.conversation(1)).lower()


async def test_a_stop_waits_for_nothing_that_is_held() -> None:
    """Delays hold links, in both directions; a server that stops lets them go."""
    server = Server(record=True)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        client = keep(await RawClient.greet(reader, writer, writer.transport.abort))
        await client.send(b'CONNECT {"verbose":false}\r\nSUB x 1\r\n')
        server.faults.delay("y", seconds=1000)
        server.faults.delay("x", seconds=1000, direction="out")
        await client.send(b"PUB x 1\r\n1\r\nPUB y 1\r\n1\r\n")
        await server.wait_for(lambda one: all(rule.hits for rule in one.faults.rules))
        writer.write_eof()
        await server.stop()

    assert not any("not ended" in line or "[ERR]" in line for line in server.log)
