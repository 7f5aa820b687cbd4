"""Limits on payloads, control lines and connections.

The rules are those of client-protocol.md, sections 4, 7 and 12. gnatsd 0.8.0 does not
enforce the limits of lines and connections; the texts are those of later releases.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.exchanges import (
    CONTROL_LINE_EXCEEDED,
    OK,
    PARSER_ERROR,
    PAYLOAD_VIOLATION,
    PONG,
    QUIET,
    Exchange,
    Feeding,
    Refusal,
)
from tests.support.broker_fixture import Settings, StartBroker
from tests.support.raw_client import RawClient
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

CREDENTIALS: Settings = {"user": "u", "password": "p", "auth_timeout": 30}

CONNECTIONS_EXCEEDED = b"-ERR 'Maximum Connections Exceeded'\r\n"

ENORMOUS = {
    "one more than allowed": b"101",
    "leading zeros": b"000101",
    "32 bits": b"4294967295",
    "32 bits and 5": b"4294967301",
    "18 digits": 18 * b"9",
    "19 digits": 19 * b"9",
    "63 bits": b"9223372036854775807",
    "63 bits and 1": b"9223372036854775808",
    "64 bits": b"18446744073709551615",
    "64 bits and 1": b"18446744073709551616",
    "64 bits and 5": b"18446744073709551621",
    "900 digits": 900 * b"9",
}

NEGATIVE = {"19 digits", "63 bits and 1", "64 bits", "900 digits"}
"""Those of the above that gnatsd reads as negative: integers of 64 bits."""

CONTROL_LINES = {
    # Each with 64 bytes of arguments, so that one more is one too many.
    "SUB": (b"SUB ", 62 * b"s" + b" 1"),
    "PUB": (b"PUB ", 62 * b"s" + b" 0"),
    "UNSUB": (b"UNSUB ", 64 * b"1"),
    "INFO": (b"INFO ", b'{"x":"' + 56 * b"x" + b'"}'),
    "CONNECT": (b"CONNECT ", b'{"name":"' + 53 * b"n" + b'"}'),
    "-ERR": (b"-ERR ", 64 * b"x"),
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("size", [0, 1, 99, 100])
@pytest.mark.every_listener
async def test_payload_within_the_limit(broker: StartBroker, size: int, feeding: Feeding) -> None:
    """A payload of ``max_payload`` bytes is delivered."""
    payload = size * b"x"
    async with broker(max_payload=100) as running:
        client = await running.connect()

        await Exchange(
            QUIET + b"SUB foo 9\r\nPUB foo %d\r\n%b\r\n" % (size, payload),
            b"MSG foo 9 %d\r\n%b\r\n" % (size, payload),
        ).verify(client, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("name", ENORMOUS)
async def test_payload_beyond_the_limit(broker: StartBroker, name: str, feeding: Feeding) -> None:
    """A larger size, however large, ends the connection with the PUB line."""
    heard = PARSER_ERROR if name in NEGATIVE else PAYLOAD_VIOLATION
    async with broker(max_payload=100) as running:
        client = await running.connect()

        refusal = Refusal(b"PUB foo " + ENORMOUS[name] + b"\r\n", 101 * b"x" + b"\r\n", heard)
        await refusal.verify(client, feeding)


@pytest.mark.every_listener
async def test_size_of_four_thousand_digits(broker: StartBroker) -> None:
    """A number nobody can mean is refused like any other that is too large."""
    async with broker(max_control_line=8192) as running:
        client = await running.connect()

        await client.send(b"PUB foo " + 4000 * b"9" + b"\r\n")
        await client.expect_end(PARSER_ERROR)


async def test_payload_limit_comes_before_the_subject(broker: StartBroker) -> None:
    """A pedantic client that breaks both rules hears of the size alone (section 7)."""
    async with broker(max_payload=100) as running:
        client = await running.connect()

        await client.send(b"PUB foo.* 101\r\n")
        await client.expect_end(PAYLOAD_VIOLATION)


async def test_default_payload_limit(broker: StartBroker) -> None:
    """Without a setting a mebibyte passes, and a byte more does not."""
    payload = bytes(range(256)) * 4096
    async with broker() as running:
        client = await running.connect()

        assert 1_048_576 == client.info["max_payload"]
        await client.send(QUIET + b"SUB foo 9\r\nPUB foo 1048576\r\n" + payload + b"\r\n")
        await client.expect(b"MSG foo 9 1048576\r\n" + payload + b"\r\n")
        await client.send(b"PUB foo 1048577\r\n")
        await client.expect_end(PAYLOAD_VIOLATION)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("verb", ["SUB", "PUB", "UNSUB", "INFO", "CONNECT"])
async def test_control_line_within_the_limit(broker: StartBroker, verb: str, feeding: Feeding) -> None:
    """Arguments of ``max_control_line`` bytes pass; the line end does not count."""
    word, arguments = CONTROL_LINES[verb]
    answer = b"" if verb == "INFO" else OK
    payload = b"\r\n" if verb == "PUB" else b""
    async with broker(max_control_line=64) as running:
        client = await running.connect()

        await Exchange(word + arguments + b"\r\n" + payload, answer).verify(client, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("verb", CONTROL_LINES)
@pytest.mark.every_listener
async def test_control_line_beyond_the_limit(broker: StartBroker, verb: str, feeding: Feeding) -> None:
    """One byte more ends the connection, when the line is complete and when it is not."""
    word, arguments = CONTROL_LINES[verb]
    async with broker(max_control_line=64) as running:
        client = await running.connect()

        await Refusal(word + arguments + b"x", b"xxx\r\n", CONTROL_LINE_EXCEEDED).verify(client, feeding)


async def test_default_control_line_limit(broker: StartBroker) -> None:
    """Without a setting 1024 bytes of arguments pass, and 5,000 do not."""
    async with broker() as running:
        client, other = await running.connect(), await running.connect()

        await client.send(b"SUB " + 1022 * b"s" + b" 1\r\n")
        await client.expect(OK)
        await client.fence()
        await other.send(b"SUB " + 4998 * b"s" + b" 1\r\n")
        await other.expect_end(CONTROL_LINE_EXCEEDED)


@pytest.mark.parametrize("start", [b"PUB ", b"SUB ", b'CONNECT {"name":"', QUIET + b"UNSUB ", b"-ERR '"])
@pytest.mark.every_listener
async def test_line_without_end(broker: StartBroker, start: bytes) -> None:
    """Who never ends a line is stopped at the limit, and harms nobody."""
    async with broker() as running:
        witness = await Witness.join(running)
        client = await running.connect()
        await client.send(start)
        flooding = asyncio.create_task(client.flood(65_536 * b"x", 3200))

        await client.expect(CONTROL_LINE_EXCEEDED)
        await client.expect_cut()
        flooding.cancel()
        await asyncio.wait([flooding])
        await witness.expect_unharmed()


@pytest.mark.every_listener
async def test_line_without_end_before_login(broker: StartBroker) -> None:
    """The limit holds for those who have not logged in as well."""
    async with broker(**CREDENTIALS) as running:
        client = await running.connect()

        await client.send(b"CONNECT " + 2000 * b" " + 2000 * b"x")
        await client.expect_end(CONTROL_LINE_EXCEEDED)


@pytest.mark.every_listener
async def test_one_connection_too_many(broker: StartBroker) -> None:
    """It gets INFO, the reason, and the end; those inside are served."""
    async with broker(max_connections=2) as running:
        inside = [await running.connect() for _ in range(2)]
        refused = await running.connect()

        await refused.expect_end(CONNECTIONS_EXCEEDED)
        for client in inside:
            await client.fence()


async def test_place_is_free_again(broker: StartBroker) -> None:
    """A client that leaves makes room for another, and a rejected connection does not count."""
    async with broker(max_connections=2) as running:
        await (await running.connect()).fence()
        leaving = await running.connect()
        for _ in range(5):
            await (await running.connect()).expect_end(CONNECTIONS_EXCEEDED)
        leaving.half_close()
        await leaving.expect_eof()

        await until_admitted(running.connect)


async def until_admitted(connect: Callable[[], Awaitable[RawClient]]) -> None:
    """Connect again until there is room: the end of a connection may be seen before its place is free."""
    for _ in range(100):
        client = await connect()
        await client.flood(b"PING\r\n", 1)
        if await client.line() == PONG:
            return
        await client.expect_cut()
    raise AssertionError("a place that was left is still taken")
