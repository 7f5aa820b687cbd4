"""SUB, UNSUB and the lifetime of sids (client-protocol.md, sections 8 and 9)."""

import pytest

from tests.integration.exchanges import (
    INVALID_SUBJECT,
    OK,
    PARSER_ERROR,
    QUIET,
    Exchange,
    Feeding,
    Refusal,
    verify,
)
from tests.support.broker_fixture import StartBroker

pytestmark = pytest.mark.asyncio

PUB = b"PUB foo 1\r\nx\r\n"
MSG = b"MSG foo 1 1\r\nx\r\n"
SUB = QUIET + b"SUB foo 1\r\n"

UNSUBSCRIBE = {
    # Four messages follow each; the answer has the number that is delivered.
    "at once": Exchange(SUB + b"UNSUB 1\r\n" + 4 * PUB),
    "after one": Exchange(SUB + b"UNSUB 1 1\r\n" + 4 * PUB, MSG),
    "after three": Exchange(SUB + b"UNSUB 1 3\r\n" + 4 * PUB, 3 * MSG),
    "after more than come": Exchange(SUB + b"UNSUB 1 5\r\n" + 4 * PUB, 4 * MSG),
    "leading zeros": Exchange(SUB + b"UNSUB 1 002\r\n" + 4 * PUB, 2 * MSG),
    "blanks and LF": Exchange(SUB + b"UNSUB \t1   2 \n" + 4 * PUB, 2 * MSG),
    "lower case": Exchange(SUB + b"unsub 1 2\r\n" + 4 * PUB, 2 * MSG),
    "zero is at once": Exchange(SUB + b"UNSUB 1 0\r\n" + 4 * PUB),
    "a word is at once": Exchange(SUB + b"UNSUB 1 abc\r\n" + 4 * PUB),
    "a negative number is at once": Exchange(SUB + b"UNSUB 1 -1\r\n" + 4 * PUB),
    "a plus is at once": Exchange(SUB + b"UNSUB 1 +2\r\n" + 4 * PUB),
    "a fraction is at once": Exchange(SUB + b"UNSUB 1 1.5\r\n" + 4 * PUB),
    "digits and a letter are at once": Exchange(SUB + b"UNSUB 1 2x\r\n" + 4 * PUB),
    # Messages that came before count.
    "one more than had come": Exchange(SUB + 3 * PUB + b"UNSUB 1 4\r\n" + 4 * PUB, 4 * MSG),
    "as many as had come": Exchange(SUB + 3 * PUB + b"UNSUB 1 3\r\n" + 4 * PUB, 3 * MSG),
    "fewer than had come": Exchange(SUB + 3 * PUB + b"UNSUB 1 2\r\n" + 4 * PUB, 3 * MSG),
    # The last word holds.
    "raised": Exchange(SUB + b"UNSUB 1 2\r\nUNSUB 1 3\r\n" + 4 * PUB, 3 * MSG),
    "lowered": Exchange(SUB + b"UNSUB 1 3\r\nUNSUB 1 1\r\n" + 4 * PUB, MSG),
    "lowered to what had come": Exchange(SUB + 3 * PUB + b"UNSUB 1 5\r\nUNSUB 1 3\r\n" + 4 * PUB, 3 * MSG),
    "then at once": Exchange(SUB + b"UNSUB 1 2\r\nUNSUB 1\r\n" + 4 * PUB),
    "then zero": Exchange(SUB + b"UNSUB 1 2\r\nUNSUB 1 0\r\n" + 4 * PUB),
    # Others are left alone.
    "unknown sid": Exchange(SUB + b"UNSUB 77\r\n" + PUB, MSG),
    "unknown sid with a number": Exchange(SUB + b"UNSUB 77 1\r\n" + 2 * PUB, 2 * MSG),
    "another sid of the same subject": Exchange(SUB + b"SUB foo 2\r\nUNSUB 2\r\n" + PUB, MSG),
    "sids are compared as text": Exchange(SUB + b"UNSUB 01\r\n" + PUB, MSG),
    # Answers in verbose mode.
    "+OK for each, gone or not": Exchange(
        b"SUB foo 1\r\nUNSUB 1\r\nUNSUB 1\r\nUNSUB 1 5\r\nUNSUB 7 x\r\n", 5 * OK
    ),
    "+OK after the limit was reached": Exchange(
        b"SUB foo 1\r\nUNSUB 1 1\r\n" + 2 * PUB + b"UNSUB 1\r\n", OK + OK + OK + MSG + OK + OK
    ),
}

SIDS = {
    "a live sid keeps its first subject": Exchange(SUB + b"SUB bar 1\r\nPUB bar 1\r\ny\r\n" + PUB, MSG),
    "a live sid keeps its lack of a queue": Exchange(
        SUB + b"SUB foo q 1\r\n" + PUB + b"UNSUB 1\r\n" + PUB, MSG
    ),
    "a live sid keeps its limit": Exchange(SUB + b"UNSUB 1 2\r\nSUB foo 1\r\n" + 3 * PUB, 2 * MSG),
    "a live sid keeps its count": Exchange(SUB + 2 * PUB + b"SUB foo 1\r\nUNSUB 1 3\r\n" + 3 * PUB, 3 * MSG),
    "a live sid is not looked at any further": Exchange(b"SUB foo 1\r\nSUB foo. 1\r\n", OK + OK),
    "a refused sid stays free": Exchange(SUB.replace(b"foo", b"foo.") + SUB + PUB, INVALID_SUBJECT + MSG),
    "free again after UNSUB": Exchange(
        SUB + b"UNSUB 1\r\nSUB bar 1\r\nPUB bar 1\r\ny\r\n" + PUB, b"MSG bar 1 1\r\ny\r\n"
    ),
    "free again after its last message": Exchange(
        SUB + b"UNSUB 1 1\r\n" + PUB + b"SUB bar 1\r\nPUB bar 1\r\ny\r\n" + PUB, MSG + b"MSG bar 1 1\r\ny\r\n"
    ),
    "a new life has no limit": Exchange(
        SUB + b"UNSUB 1 2\r\n" + PUB + b"UNSUB 1\r\nSUB foo 1\r\n" + 3 * PUB, 4 * MSG
    ),
    "a new life counts from zero": Exchange(
        SUB + 2 * PUB + b"UNSUB 1\r\nSUB foo 1\r\nUNSUB 1 2\r\n" + 3 * PUB, 4 * MSG
    ),
    "any bytes": Exchange(
        QUIET + b"SUB foo \xd0\x96\xff\x00'\"{}\r\n" + PUB, b"MSG foo \xd0\x96\xff\x00'\"{} 1\r\nx\r\n"
    ),
    "long": Exchange(
        QUIET + b"SUB foo " + 900 * b"s" + b"\r\n" + PUB, b"MSG foo " + 900 * b"s" + b" 1\r\nx\r\n"
    ),
    "negative": Exchange(QUIET + b"SUB foo -1\r\n" + PUB, b"MSG foo -1 1\r\nx\r\n"),
}

QUEUE_MEMBERS = {
    "leaves after its last message": Exchange(QUIET + b"SUB foo q 1\r\nUNSUB 1 2\r\n" + 3 * PUB, 2 * MSG),
    "leaves at once": Exchange(QUIET + b"SUB foo q 1\r\nUNSUB 1\r\n" + PUB),
    "any bytes as its name": Exchange(QUIET + b"SUB foo q.*.>\xff\x00 1\r\n" + PUB, MSG),
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", UNSUBSCRIBE.values(), ids=UNSUBSCRIBE.keys())
async def test_unsubscribe(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """A subscription gets as many messages as its client last said, counted since SUB."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", SIDS.values(), ids=SIDS.keys())
async def test_sid(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """A sid names one subscription from SUB until that is gone, and may then name another."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", QUEUE_MEMBERS.values(), ids=QUEUE_MEMBERS.keys())
async def test_queue_member(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """A queue member is a subscription like any other, and unsubscribes like one."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("maximum", [b"18446744073709551617", b"99999999999999999999", 900 * b"9"])
async def test_enormous_maximum_does_not_wrap(broker: StartBroker, maximum: bytes) -> None:
    """A number beyond 64 bits never turns into a small one: all four come, or none."""
    async with broker() as running:
        client = await running.connect()

        await client.send(SUB + b"UNSUB 1 " + maximum + b"\r\n" + 4 * PUB + b"-ERR 'done'\r\n")
        assert await client.rest() in {b"", 4 * MSG}


async def test_sids_belong_to_their_connection(broker: StartBroker) -> None:
    """Two clients may use one sid, and one cannot unsubscribe for the other."""
    async with broker() as running:
        first, second = await running.connect(), await running.connect()
        for client in (first, second):
            await client.send(SUB)
            await client.fence()

        await first.send(b"UNSUB 1\r\n" + PUB)
        await first.fence()
        await second.expect(MSG)


async def test_limit_counts_messages_of_all_publishers(broker: StartBroker) -> None:
    """The last message may come from anyone, and those after it are dropped for everyone."""
    async with broker() as running:
        subscriber, *publishers = [await running.connect() for _ in range(4)]
        await subscriber.send(SUB + b"UNSUB 1 2\r\n")
        await subscriber.fence()
        for publisher in publishers:
            await publisher.send(QUIET + PUB)
            await publisher.fence()

        await subscriber.expect(2 * MSG)
        await subscriber.fence()


@pytest.mark.parametrize("line", [b"UNSUB ", b"UNSUB 1 2 3"])
async def test_unsubscribe_with_bad_arguments(broker: StartBroker, line: bytes) -> None:
    """No sid, or words after the number, end the connection."""
    async with broker() as running:
        client = await running.connect()

        await Refusal(SUB + line + b"\r\n", heard=PARSER_ERROR).verify(client, Feeding.TRAILED)
