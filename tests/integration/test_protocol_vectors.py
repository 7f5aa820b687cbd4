"""The conformance vectors: what a client of gnatsd 0.8.0 may send, and the exact answer.

The rules are those of client-protocol.md, sections 1 to 11. Vectors that end a connection
are in ``test_protocol_errors``, those of CONNECT in ``test_connect``.
"""

import re

import pytest

from tests.integration.exchanges import INVALID_SUBJECT, OK, PONG, QUIET, Exchange, Feeding, verify
from tests.support.broker_fixture import Settings, StartBroker

pytestmark = pytest.mark.asyncio

INFO_FIELDS = [
    "server_id",
    "version",
    "go",
    "host",
    "port",
    "auth_required",
    "ssl_required",
    "tls_required",
    "tls_verify",
    "max_payload",
]

CREDENTIALS: Settings = {"user": "u", "password": "p"}

HELLO = b"MSG foo 9 5\r\nhello\r\n"
X = b"MSG foo 9 1\r\nx\r\n"

VECTORS = {
    # Short conversations.
    "subscribe and publish": Exchange(
        b"SUB foo 1\r\nPUB foo 2\r\nok\r\n", OK + OK + b"MSG foo 1 2\r\nok\r\n"
    ),
    "a live sid is not taken again": Exchange(
        b"SUB foo 1\r\nSUB bar 1\r\nPUB bar 1\r\nx\r\nPUB foo 1\r\ny\r\n",
        OK + OK + OK + OK + b"MSG foo 1 1\r\ny\r\n",
    ),
    "tabs and many blanks": Exchange(
        QUIET + b"SUB\tfoo\t9\r\nPUB\t \tfoo \t re\t2 \t\r\nok\r\n", b"MSG foo 9 re 2\r\nok\r\n"
    ),
    "two CR before the LF": Exchange(QUIET + b"SUB foo 9\r\r\nPUB foo 1\r\r\nx\r\n", X),
    "unsubscribe after two of five": Exchange(
        QUIET + b"SUB foo 1\r\nUNSUB 1 2\r\n" + 5 * b"PUB foo 1\r\nx\r\n", 2 * b"MSG foo 1 1\r\nx\r\n"
    ),
    "unsubscribe when two of three had come": Exchange(
        QUIET + b"SUB foo 2\r\n" + 3 * b"PUB foo 1\r\nx\r\n" + b"UNSUB 2 2\r\n" + 2 * b"PUB foo 1\r\nx\r\n",
        3 * b"MSG foo 2 1\r\nx\r\n",
    ),
    "unsubscribe an unknown sid": Exchange(b"UNSUB 77\r\n", OK),
    "subscribe to a malformed subject": Exchange(b"SUB foo. 1\r\n", INVALID_SUBJECT),
    "ping in lower case with LF alone": Exchange(b"ping\n", PONG),
    "ping with junk": Exchange(b"PING   x junk\n", PONG),
    "INFO from a client": Exchange(b"INFO {}\r\n"),
    # Operation names, section 4.
    "PONG": Exchange(b"PONG\r\n"),
    "PONG with junk": Exchange(b"PONGX y\r\n"),
    "PONG in mixed case": Exchange(b"pOnG\r\n"),
    "PING run into a word": Exchange(b"PINGX\n", PONG),
    "PING with NUL and a high byte": Exchange(b"PING\x00\xff\r\n", PONG),
    "PING in mixed case": Exchange(b"PiNg\r\n", PONG),
    "+OK": Exchange(b"+OK\r\n"),
    "+OK in lower case": Exchange(b"+ok\n"),
    "+OK run into a word": Exchange(b"+OKxyz\r\n"),
    "INFO in lower case": Exchange(b"info {}\r\n"),
    "INFO without a blank": Exchange(b"INFO{}\r\n"),
    "INFO after tabs": Exchange(b"INFO\t\t{}\r\n"),
    "INFO with known keys": Exchange(b'INFO {"server_id":"x","port":1}\r\n'),
    "INFO null": Exchange(b"INFO null\r\n"),
    # Unlike gnatsd: 0.8.0 corrupts the operation after an INFO that comes in two reads.
    "INFO leaves the next operation alone": Exchange(
        QUIET + b"INFO {}\r\nSUB foo 9\r\nPUB foo 1\r\nx\r\n", X
    ),
    "all verbs in lower case": Exchange(b"sub foo 9\r\npub foo 1\r\nx\r\nunsub 9\r\n", OK + OK + X + OK),
    "all verbs in mixed case": Exchange(b"Sub foo 9\r\npUb foo 1\r\nx\r\nUnSub 9\r\n", OK + OK + X + OK),
    # Blanks and line ends, section 4.
    "LF alone": Exchange(QUIET + b"SUB foo 9\nPUB foo 1\nx\r\n", X),
    "blanks at the end": Exchange(QUIET + b"SUB foo 9   \r\nPUB foo 1 \t \r\nx\r\n", X),
    "blanks in front": Exchange(QUIET + b"SUB   foo   9\r\nPUB \t\t foo 1\r\nx\r\n", X),
    "three CR before the LF": Exchange(QUIET + b"SUB foo 9\r\r\r\nPUB foo 1\r\r\r\nx\r\n", X),
    "CR between the arguments": Exchange(QUIET + b"SUB foo\r9\r\nPUB foo\r1\r\nx\r\n", X),
    "CR before the first argument": Exchange(QUIET + b"SUB \rfoo 9\r\nPUB foo 1\r\nx\r\n", X),
    "CR, blank, CR before the LF": Exchange(QUIET + b"SUB foo 9\r \r\nPUB foo 1\r\nx\r\n", X),
    "CR inside, then LF alone": Exchange(QUIET + b"SUB fo\ro 99\nPUB fo 1\r\nx\r\n", b"MSG fo 99 1\r\nx\r\n"),
    "a vertical tab is no blank": Exchange(
        QUIET + b"SUB foo\x0b9 10\r\nPUB foo\x0b9 1\r\nx\r\n", b"MSG foo\x0b9 10 1\r\nx\r\n"
    ),
    # PUB and its payload, sections 6 and 7.
    "PUB, LF alone after its line": Exchange(QUIET + b"SUB foo 9\r\nPUB foo 5\nhello\r\n", HELLO),
    "empty payload": Exchange(QUIET + b"SUB foo 9\r\nPUB foo 0\r\n\r\n", b"MSG foo 9 0\r\n\r\n"),
    "empty payload, LF alone": Exchange(QUIET + b"SUB foo 9\r\nPUB foo 0\n\r\n", b"MSG foo 9 0\r\n\r\n"),
    "payload of line ends": Exchange(
        QUIET + b"SUB foo 9\r\nPUB foo 6\r\n\r\n\n\r\r\n\r\n", b"MSG foo 9 6\r\n\r\n\n\r\r\n\r\n"
    ),
    "payload that looks like PUB": Exchange(
        QUIET + b"SUB foo 9\r\nPUB foo 14\r\nPUB foo 1\r\nx\r\n\r\n",
        b"MSG foo 9 14\r\nPUB foo 1\r\nx\r\n\r\n",
    ),
    "payload of NUL and high bytes": Exchange(
        QUIET + b"SUB foo 9\r\nPUB foo 4\r\n\x00\xff\x00\xfe\r\n", b"MSG foo 9 4\r\n\x00\xff\x00\xfe\r\n"
    ),
    "reply subject": Exchange(QUIET + b"SUB foo 9\r\nPUB foo re 1\r\nx\r\n", b"MSG foo 9 re 1\r\nx\r\n"),
    "reply subject is not checked": Exchange(
        b"SUB foo 9\r\nPUB foo .re..> 1\r\nx\r\n", OK + OK + b"MSG foo 9 .re..> 1\r\nx\r\n"
    ),
    "leading zeros come back": Exchange(
        QUIET + b"SUB foo 9\r\nPUB foo 002\r\nok\r\n", b"MSG foo 9 002\r\nok\r\n"
    ),
    "size of zeros": Exchange(QUIET + b"SUB foo 9\r\nPUB foo 0000\r\n\r\n", b"MSG foo 9 0000\r\n\r\n"),
    "nobody listens": Exchange(b"PUB foo 5\r\nhello\r\n", OK),
    "+OK stands before the message it allows": Exchange(
        b"SUB foo 9\r\nPUB foo 1\r\nx\r\nPUB foo 5\r\nhello\r\nUNSUB 9\r\n", OK + OK + X + OK + HELLO + OK
    ),
}

PEDANTIC = {
    # Section 7; unlike gnatsd: the message is dropped, where 0.8.0 delivers it.
    "wildcard": Exchange(b"SUB > 1\r\nPUB foo.* 2\r\nok\r\n", OK + INVALID_SUBJECT + OK),
    "empty token": Exchange(b"SUB > 1\r\nPUB foo..bar 2\r\nok\r\n", OK + INVALID_SUBJECT + OK),
    "not verbose": Exchange(
        b'CONNECT {"verbose":false,"pedantic":true}\r\nSUB foo.* 1\r\nPUB foo.* 2\r\nok\r\n', INVALID_SUBJECT
    ),
    "payload that looks like PUB": Exchange(
        b"SUB foo 1\r\nPUB > 14\r\nPUB foo 1\r\nx\r\n\r\n", OK + INVALID_SUBJECT + OK
    ),
    "the next message goes through": Exchange(
        b"SUB foo 9\r\nPUB > 1\r\nx\r\nPUB foo 1\r\nx\r\n", OK + INVALID_SUBJECT + OK + OK + X
    ),
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", VECTORS.values(), ids=VECTORS.keys())
@pytest.mark.every_listener
async def test_vector(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """Each vector is answered to the byte, however its bytes are cut."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", PEDANTIC.values(), ids=PEDANTIC.keys())
async def test_pedantic_publish_is_refused_and_dropped(
    broker: StartBroker, exchange: Exchange, feeding: Feeding
) -> None:
    """A pedantic client that publishes to a wildcard gets an error, and the message is dropped."""
    await verify(broker, exchange, feeding)


async def test_pedantic_refusal_does_not_wait_for_the_payload(broker: StartBroker) -> None:
    """The error comes with the PUB line, the +OK with the payload (sections 5 and 7)."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b"PUB foo.* 2\r\n")
        await client.expect(INVALID_SUBJECT)
        await client.send(b"ok\r\n")
        await client.expect(OK)
        await client.fence()


@pytest.mark.every_listener
async def test_ok_and_message_wait_for_the_payload(broker: StartBroker) -> None:
    """A PUB is answered when its last byte is there, not before."""
    async with broker() as running:
        client = await running.connect()
        await client.send(b"SUB foo 9\r\n")
        await client.expect(OK)

        for piece in (b"PUB foo 5\r\n", b"hel", b"lo", b"\r"):
            await client.send(piece)
        await client.send(b"\nPING\r\n")
        await client.expect(OK + HELLO + PONG)


async def test_info_comes_first_and_ends_with_a_blank(broker: StartBroker) -> None:
    """The server speaks first: INFO, JSON, one blank, CR LF (section 2)."""
    async with broker() as running:
        client = await running.connect()

        assert client.info_line.startswith(b"INFO {")
        assert client.info_line.endswith(b"} \r\n")
        assert client.info_line.count(b"\n") == 1


async def test_info_holds_the_fields_of_080_in_their_order(broker: StartBroker) -> None:
    """Old clients find every field they know, where they know it (section 2)."""
    async with broker(max_payload=4321) as running:
        info = (await running.connect()).info

        assert INFO_FIELDS == [key for key in info if key in INFO_FIELDS]
        assert re.fullmatch(r"[0-9A-Za-z]{22}", str(info["server_id"]))
        assert re.fullmatch(r"\d+\.\d+\.\d+", str(info["version"]))
        assert isinstance(info["go"], str)
        assert isinstance(info["host"], str)
        assert isinstance(info["port"], int)
        assert [False] * 4 == [
            info[key] for key in ("auth_required", "ssl_required", "tls_required", "tls_verify")
        ]
        assert 4321 == info["max_payload"]


@pytest.mark.every_listener
async def test_info_asks_for_credentials_when_they_are_needed(broker: StartBroker) -> None:
    """``auth_required`` is true with a user, and clients send none otherwise."""
    async with broker(**CREDENTIALS) as running:
        client = await running.connect()

        assert client.info["auth_required"] is True


async def test_server_id_is_new_on_every_start(broker: StartBroker) -> None:
    """All clients of a server see one id, those of the next server another (section 2)."""
    async with broker() as running:
        first, second = await running.connect(), await running.connect()
    async with broker() as running:
        third = await running.connect()

    assert first.info["server_id"] == second.info["server_id"]
    assert first.info["server_id"] != third.info["server_id"]


@pytest.mark.every_listener
async def test_server_that_stops_says_no_farewell(broker: StartBroker) -> None:
    """Clients see the end of the stream and nothing else (section 1)."""
    async with broker() as running:
        client = await running.connect()
        await client.fence()

    assert b"" == await client.expect_cut()
