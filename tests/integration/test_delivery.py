"""Who gets a message: subscribers, queue groups, repliers; and in which order.

The rules are those of subjects-and-routing.md, sections 3, 5 and 7.
"""

from collections import Counter

import pytest

from tests.integration.exchanges import OK, PONG, QUIET, Exchange, Feeding, verify
from tests.support.broker_fixture import Broker, StartBroker
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.asyncio

PUB = b"PUB foo 1\r\nx\r\n"

FANOUT = {
    "every sid gets its copy": Exchange(
        QUIET + b"SUB foo 1\r\nSUB foo 2\r\nSUB foo 3\r\n" + PUB,
        b"MSG foo 1 1\r\nx\r\nMSG foo 2 1\r\nx\r\nMSG foo 3 1\r\nx\r\n",
    ),
    "each group gets one": Exchange(
        QUIET + b"SUB foo q 1\r\nSUB foo r 2\r\n" + PUB, b"MSG foo 1 1\r\nx\r\nMSG foo 2 1\r\nx\r\n"
    ),
    "plain subscriptions come before groups": Exchange(
        QUIET + b"SUB foo q 1\r\nSUB foo 2\r\n" + PUB, b"MSG foo 2 1\r\nx\r\nMSG foo 1 1\r\nx\r\n"
    ),
    "group names differ in case": Exchange(
        QUIET + b"SUB foo q 1\r\nSUB foo Q 2\r\n" + PUB, b"MSG foo 1 1\r\nx\r\nMSG foo 2 1\r\nx\r\n"
    ),
    "a group is no subject": Exchange(
        QUIET + b"SUB foo foo 1\r\nSUB bar foo 2\r\n" + PUB, b"MSG foo 1 1\r\nx\r\n"
    ),
}


async def subscriber(broker: Broker, lines: bytes) -> RawClient:
    """A client that is not verbose, with ``lines`` obeyed."""
    client = await broker.connect()
    await client.send(QUIET + lines)
    await client.fence()
    return client


async def publish(client: RawClient, subject: bytes, count: int) -> None:
    """Publish ``count`` times one byte, and wait until all is delivered."""
    await client.send(count * (b"PUB " + subject + b" 1\r\nx\r\n"))
    await client.fence()


async def deliveries(client: RawClient) -> Counter[bytes]:
    """How many messages each sid has got; other lines fail the test."""
    await client.send(b"PING\r\n")
    seen: Counter[bytes] = Counter()
    while (line := await client.line()) != PONG:
        word, _, sid, size = line.split()
        assert b"MSG" == word
        await client.read_exactly(int(size) + 2)
        seen[sid] += 1
    return seen


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", FANOUT.values(), ids=FANOUT.keys())
@pytest.mark.every_listener
async def test_fan_out(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """Each subscription gets one copy, each queue group one for all its members."""
    await verify(broker, exchange, feeding)


@pytest.mark.every_listener
async def test_message_reaches_other_connections(broker: StartBroker) -> None:
    """Subscribers get what others publish, under their own sids."""
    async with broker() as running:
        first = await subscriber(running, b"SUB foo 1\r\n")
        second = await subscriber(running, b"SUB f.* 1\r\nSUB foo two\r\n")
        publisher = await subscriber(running, b"")
        await publish(publisher, b"foo", 2)

        await first.expect(2 * b"MSG foo 1 1\r\nx\r\n")
        await second.expect(2 * b"MSG foo two 1\r\nx\r\n")
        await first.fence()
        await second.fence()


@pytest.mark.every_listener
async def test_publisher_gets_its_own_message(broker: StartBroker) -> None:
    """There is no exception for the publisher (section 7)."""
    async with broker() as running:
        client = await subscriber(running, b"SUB foo 1\r\n")

        await client.send(PUB + b"PING\r\n")
        await client.expect(b"MSG foo 1 1\r\nx\r\n" + PONG)


@pytest.mark.every_listener
async def test_messages_keep_their_order(broker: StartBroker) -> None:
    """One publisher's messages arrive in the order they were sent, on all subjects together."""
    bodies = [b"%d" % n for n in range(5000)]
    async with broker() as running:
        client = await subscriber(running, b"SUB a.* 1\r\nSUB b.> 2\r\n")
        publisher = await subscriber(running, b"")
        for start in range(0, len(bodies), 100):
            await publisher.send(
                b"".join(
                    b"PUB %b.x %d\r\n%b\r\n" % (b"ab"[n % 2 : n % 2 + 1], len(bodies[n]), bodies[n])
                    for n in range(start, start + 100)
                )
            )

        for n, body in enumerate(bodies):
            await client.expect(
                b"MSG %b.x %d %d\r\n%b\r\n" % (b"ab"[n % 2 : n % 2 + 1], n % 2 + 1, len(body), body)
            )


@pytest.mark.every_listener
async def test_pong_follows_what_the_pings_sender_caused(broker: StartBroker) -> None:
    """A publisher that has its PONG knows that its messages went before (client-protocol.md, section 10)."""
    async with broker() as running:
        client = await subscriber(running, b"SUB foo 1\r\n")

        await client.send(500 * (PUB + b"PING\r\n"))
        await client.expect(500 * (b"MSG foo 1 1\r\nx\r\n" + PONG))


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1023, 1024, 1025, 65_535, 65_536, 65_537, 1_048_576])
@pytest.mark.every_listener
async def test_payload_arrives_unchanged(broker: StartBroker, size: int) -> None:
    """Every byte comes through, whatever buffers the payload fits or not."""
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with broker() as running:
        client = await subscriber(running, b"SUB foo 1\r\nSUB foo 2\r\n")
        publisher = await subscriber(running, b"")

        await publisher.send(b"PUB foo re %d\r\n%b\r\n" % (size, payload))
        for sid in (b"1", b"2"):
            await client.expect(b"MSG foo %b re %d\r\n%b\r\n" % (sid, size, payload))


@pytest.mark.every_listener
async def test_group_shares_evenly(broker: StartBroker) -> None:
    """Each message goes to one member, and each member gets about as many as the next."""
    async with broker() as running:
        first = await subscriber(running, b"SUB foo q 1\r\n")
        second = await subscriber(running, b"SUB foo q 2\r\n")
        publisher = await subscriber(running, b"")
        await publish(publisher, b"foo", 1000)
        shares = await deliveries(first) + await deliveries(second)

        assert 1000 == shares.total()
        assert 350 < shares[b"1"] < 650


async def test_group_within_one_connection(broker: StartBroker) -> None:
    """Members of one connection share like members of several, and the publisher may be a member."""
    async with broker() as running:
        client = await subscriber(running, b"SUB foo q 1\r\nSUB foo q 2\r\nSUB foo r 3\r\nSUB foo 5\r\n")
        await client.send(1000 * PUB)
        shares = await deliveries(client)

        assert {b"1", b"2", b"3", b"5"} == shares.keys()
        assert (1000, 1000, 1000) == (shares[b"1"] + shares[b"2"], shares[b"3"], shares[b"5"])
        assert 350 < shares[b"1"] < 650


@pytest.mark.every_listener
async def test_groups_of_one_name_are_one_across_patterns(broker: StartBroker) -> None:
    """Whatever pattern made a member match, its group gets one copy (section 3)."""
    async with broker() as running:
        client = await subscriber(running, b"SUB foo q 1\r\nSUB * q 2\r\nSUB > q 3\r\n")
        await client.send(1500 * PUB)
        shares = await deliveries(client)

        assert {b"1", b"2", b"3"} == shares.keys()
        assert 1500 == shares.total()
        assert all(350 < share < 650 for share in shares.values())


@pytest.mark.every_listener
async def test_group_does_not_lose_messages_to_its_dead(broker: StartBroker) -> None:
    """When a member's connection has ended, the others get everything."""
    async with broker() as running:
        stays = await subscriber(running, b"SUB foo q 1\r\n")
        leaves = await subscriber(running, b"SUB foo q 2\r\n")
        leaves.half_close()
        await leaves.expect_eof()
        await until_alone(stays)

        await stays.send(100 * PUB)
        assert Counter({b"1": 100}) == await deliveries(stays)


async def until_alone(client: RawClient) -> None:
    """Publish until 40 messages in a row came back: the end of a member may be seen before it has left."""
    in_a_row = 0
    for _ in range(2000):
        await client.send(PUB)
        in_a_row = in_a_row + 1 if await deliveries(client) else 0
        if in_a_row == 40:
            return
    raise AssertionError("a dead member still gets messages")


@pytest.mark.every_listener
async def test_ended_connection_leaves_no_subscriptions(broker: StartBroker) -> None:
    """A client that comes back under the same name starts from nothing."""
    async with broker() as running:
        first = await subscriber(running, b"SUB foo 1\r\nSUB > 2\r\n")
        await first.close()
        second = await subscriber(running, b"")

        await second.send(PUB + b"PING\r\n")
        await second.expect(b"PONG\r\n")


@pytest.mark.every_listener
async def test_request_and_reply(broker: StartBroker) -> None:
    """The replier finds where to answer, and the requester gets the one answer it wants (section 7)."""
    async with broker() as running:
        replier = await subscriber(running, b"SUB help 1\r\n")
        requester = await subscriber(running, b"SUB _INBOX.7 2\r\nUNSUB 2 1\r\n")
        await requester.send(b"PUB help _INBOX.7 4\r\nhow?\r\n")
        await replier.expect(b"MSG help 1 _INBOX.7 4\r\nhow?\r\n")
        await replier.send(2 * b"PUB _INBOX.7 2\r\nso\r\n")
        await replier.fence()

        await requester.expect(b"MSG _INBOX.7 2 2\r\nso\r\n")
        await requester.fence()


async def test_wide_fan_out(broker: StartBroker) -> None:
    """Hundreds of subscribers each get every message once."""
    async with broker() as running:
        clients = [await subscriber(running, b"SUB foo 1\r\n") for _ in range(200)]
        publisher = await subscriber(running, b"")
        await publish(publisher, b"foo", 10)

        for client in clients:
            await client.expect(10 * b"MSG foo 1 1\r\nx\r\n")
            await client.fence()


@pytest.mark.every_listener
async def test_verbose_subscriber_gets_messages_between_its_answers(broker: StartBroker) -> None:
    """+OK and MSG share one stream, and neither tears the other apart (client-protocol.md, section 10)."""
    async with broker() as running:
        client = await running.connect()
        publisher = await subscriber(running, b"")
        await client.send(b"SUB foo 1\r\n")
        await client.expect(OK)
        await publish(publisher, b"foo", 3)
        await client.send(b"UNSUB 1\r\n")

        await client.expect(3 * b"MSG foo 1 1\r\nx\r\n" + OK)
        await client.fence()
