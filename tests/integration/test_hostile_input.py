"""Hostile input, beside a witness that must not be affected (client-protocol.md, sections 1 and 6).

Limits are tested in ``test_limits``, errors in ``test_protocol_errors``.
"""

import pytest

from tests.integration.exchanges import (
    CONTROL_LINE_EXCEEDED,
    OK,
    PONG,
    QUIET,
    UNKNOWN_OPERATION,
    Exchange,
    Feeding,
)
from tests.support.broker_fixture import StartBroker
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

SESSION = (
    b'CONNECT {"verbose":true,"pedantic":true}\r\n'
    b"SUB foo.* 1\r\nsub foo.> q 22\nPUB foo.a re 4\r\nP\r\nU\r\n"
    b"PUB foo 0\r\n\r\nPING\r\nUNSUB 1 2\r\nPUB foo.b 1\r\nx\r\nPUB foo.c 1\r\ny\r\n"
    b"+OK\r\nPONG\r\nINFO {}\r\nSUB a. 3\r\nUNSUB 22\r\nPUB foo.d 1\r\nz\r\nPING\r\n"
)
"""Every operation once."""

ANSWERS = (
    OK
    + (OK + OK)
    + (OK + b"MSG foo.a 1 re 4\r\nP\r\nU\r\nMSG foo.a 22 re 4\r\nP\r\nU\r\n")
    + (OK + PONG + OK)
    + (OK + b"MSG foo.b 1 1\r\nx\r\nMSG foo.b 22 1\r\nx\r\n")
    + (OK + b"MSG foo.c 22 1\r\ny\r\n")
    + b"-ERR 'Invalid Subject'\r\n"
    + (OK + OK + PONG)
)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.every_listener
async def test_session(broker: StartBroker, feeding: Feeding) -> None:
    """A session that uses every operation goes well, in one piece and in bytes."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(SESSION, ANSWERS).verify(client, feeding)


async def test_session_cut_at_every_byte(broker: StartBroker) -> None:
    """Wherever the session is cut in two, its answers are the same."""
    async with broker() as running:
        for cut in range(1, len(SESSION)):
            client = await running.connect()

            await client.send(SESSION[:cut])
            await client.send_bytewise(SESSION[cut : cut + 1])
            await client.send(SESSION[cut + 1 :])
            await client.expect(ANSWERS)
            await client.close()


@pytest.mark.every_listener
async def test_ten_thousand_lines_in_one_piece(broker: StartBroker) -> None:
    """Every line is obeyed, and the answers come in order."""
    sids = range(2500)
    async with broker() as running:
        client = await running.connect()

        await client.send(
            QUIET
            + b"".join(b"SUB foo.%d %d\r\nPUB foo.%d 1\r\nx\r\nUNSUB %d\r\n" % (n, n, n, n) for n in sids)
            + b"PING\r\n"
        )
        await client.expect(b"".join(b"MSG foo.%d %d 1\r\nx\r\n" % (n, n) for n in sids) + PONG)


@pytest.mark.every_listener
async def test_ten_thousand_pings_in_one_piece(broker: StartBroker) -> None:
    """Each is answered, though the client reads nothing until it has sent them all."""
    async with broker() as running:
        witness = await Witness.join(running)
        client = await running.connect()

        await client.send(10_000 * b"PING\r\n")
        await client.expect(10_000 * PONG)
        await client.fence()
        await witness.expect_unharmed()


@pytest.mark.every_listener
async def test_thousand_unasked_answers(broker: StartBroker) -> None:
    """PONG, +OK and INFO that nobody asked for are ignored, however many."""
    async with broker() as running:
        client = await running.connect()

        await client.send(1000 * b"PONG\r\n+OK\r\nINFO {}\r\n" + b"PING\r\n")
        await client.expect(b"PONG\r\n")


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("word", [b"PING", b"PONG", b"+OK"])
async def test_junk_behind_a_word(broker: StartBroker, word: bytes, feeding: Feeding) -> None:
    """Operations without arguments ignore the rest of their line, up to the limit of a line."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(word + 900 * b"x" + b"\r\n", PONG if word == b"PING" else b"").verify(client, feeding)


@pytest.mark.parametrize("word", [b"PING", b"PONG", b"+OK"])
@pytest.mark.every_listener
async def test_megabyte_of_junk_behind_a_word(broker: StartBroker, word: bytes) -> None:
    """Beyond that, the client is stopped or the junk is thrown away; nobody else notices."""
    async with broker() as running:
        witness = await Witness.join(running)
        client = await running.connect()

        await client.flood(word + 1_000_000 * b"x" + b"\r\nPING\r\n", 1)
        assert await client.line() in {PONG, CONTROL_LINE_EXCEEDED}
        await witness.expect_unharmed()


@pytest.mark.parametrize(
    "sent",
    [
        b"P",
        *(b"PUB foo 5" + more for more in (b"", b"\r", b"\r\n", b"\r\nhel", b"\r\nhello", b"\r\nhello\r")),
    ],
)
@pytest.mark.every_listener
async def test_message_cut_short(broker: StartBroker, sent: bytes) -> None:
    """A client that ends in the middle of a message is let go, and nobody gets what it had begun."""
    async with broker() as running:
        other = await running.connect()
        await other.send(QUIET + b"SUB > 1\r\n")
        await other.fence()
        client = await running.connect()

        await client.send(sent)
        client.half_close()
        await client.expect_eof()
        await other.fence()


@pytest.mark.tcp_only
@pytest.mark.parametrize("sent", [b"PUB foo 5\r\nhel", b"SUB foo 1\r\nPUB foo 5\r\nhello\r\n", b"CONNECT {"])
@pytest.mark.every_listener
async def test_reset(broker: StartBroker, sent: bytes) -> None:
    """A client that breaks off with answers unread harms nobody."""
    async with broker() as running:
        witness = await Witness.join(running)
        for _ in range(20):
            client = await running.connect()

            await client.send(sent)
            client.abort()
            await witness.expect_unharmed()


async def test_half_closed_client_gets_its_answers(broker: StartBroker) -> None:
    """What was sent before the end is obeyed, and the answers are flushed (section 1)."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b"SUB foo 1\r\nPUB foo 2\r\nok\r\nPING\r\n")
        client.half_close()
        await client.expect_end(OK + OK + b"MSG foo 1 2\r\nok\r\n" + PONG)


@pytest.mark.every_listener
async def test_silent_client_is_let_go(broker: StartBroker) -> None:
    """A client that ends without a word gets the end in return."""
    async with broker() as running:
        client = await running.connect()

        client.half_close()
        await client.expect_eof()


async def test_hundreds_of_offenders(broker: StartBroker) -> None:
    """One after the other is turned away, and the witness is served all the while."""
    async with broker() as running:
        witness = await Witness.join(running)
        for _ in range(200):
            client = await running.connect()

            await client.send(b"\x00\x01\x02\r\n")
            await client.expect_end(UNKNOWN_OPERATION)
            await client.close()
        await witness.expect_unharmed()


@pytest.mark.parametrize(
    "payload", [b"MSG foo 1 2\r\nok", b"-ERR 'x'\r\nPING\r\n", b"\r\n\r\nPUB foo 2\r\nok\r\n"]
)
@pytest.mark.every_listener
async def test_payload_never_becomes_protocol(broker: StartBroker, payload: bytes) -> None:
    """A payload of protocol lines reaches the subscriber as a payload, counted and closed."""
    async with broker() as running:
        publisher, subscriber = await running.connect(), await running.connect()
        await subscriber.send(QUIET + b"SUB foo 1\r\n")
        await subscriber.fence()

        await publisher.send(QUIET + b"PUB foo %d\r\n%b\r\n" % (len(payload), payload))
        await publisher.fence()
        await subscriber.expect(b"MSG foo 1 %d\r\n%b\r\n" % (len(payload), payload))
        await subscriber.fence()
