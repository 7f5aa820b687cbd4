"""What ends a connection, with which text, and at which byte.

The rules are those of client-protocol.md, sections 4 to 9. A broken verb ends the
connection at its first wrong byte, without a line end; a bad argument ends it with
the line.
"""

import ssl

import pytest

from tests.integration.exchanges import (
    INVALID_SUBJECT,
    OK,
    PARSER_ERROR,
    PONG,
    QUIET,
    UNKNOWN_OPERATION,
    Exchange,
    Feeding,
    Refusal,
    verify,
)
from tests.support.broker_fixture import StartBroker

pytestmark = pytest.mark.asyncio

UNKNOWN = {
    # First bytes no operation begins with.
    "garbage": Refusal(b"Z", b"ZZ\r\n"),
    "CR LF": Refusal(b"\r", b"\n"),
    "LF": Refusal(b"\n"),
    "blank in front": Refusal(b" ", b"PING\r\n"),
    "tab in front": Refusal(b"\t", b"PING\r\n"),
    "NUL": Refusal(b"\x00", b"PING\r\n"),
    "high byte": Refusal(b"\xff", b"\r\n"),
    "HTTP request": Refusal(b"G", b"ET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    # Operations that only servers, or later clients, send.
    "MSG": Refusal(b"M", b"SG foo 1 2\r\nok\r\n"),
    "msg": Refusal(b"m", b"sg foo 1 2\r\nok\r\n"),
    "RMSG": Refusal(b"R", b"MSG G foo 2\r\nok\r\n"),
    "RS+": Refusal(b"R", b"S+ foo\r\n"),
    "HPUB": Refusal(b"H", b"PUB foo 12 14\r\n"),
    "quit": Refusal(b"q", b"uit\r\n"),
    # Verbs cut short.
    "P": Refusal(b"P\r", b"\n"),
    "PI": Refusal(b"PI\r", b"\n"),
    "PIN": Refusal(b"PIN\r", b"\n"),
    "PIN, LF alone": Refusal(b"PIN\n"),
    "PO": Refusal(b"PO\r", b"\n"),
    "PON": Refusal(b"PON\r", b"\n"),
    "PU": Refusal(b"PU\r", b"\n"),
    "PUB": Refusal(b"PUB\r", b"\n"),
    "PUB, LF alone": Refusal(b"PUB\n"),
    "SU": Refusal(b"SU\r", b"\n"),
    "SUB": Refusal(b"SUB\r", b"\n"),
    "SUB, LF alone": Refusal(b"SUB\n"),
    "UN": Refusal(b"UN\r", b"\n"),
    "UNSUB": Refusal(b"UNSUB\r", b"\n"),
    "UNSUB, LF alone": Refusal(b"UNSUB\n"),
    "INF": Refusal(b"INF\r", b"\n"),
    "+": Refusal(b"+\r", b"\n"),
    "+O": Refusal(b"+O\r", b"\n"),
    "+O, LF alone": Refusal(b"+O\n"),
    "-ER": Refusal(b"-ER\r", b"\n"),
    "-ERR without a text": Refusal(b"-ERR\r", b"\n"),
    "-ERR without a text, LF alone": Refusal(b"-ERR\n"),
    # Verbs gone wrong.
    "PQ": Refusal(b"PQ", b"\r\n"),
    "PUX": Refusal(b"PUX", b" foo 1\r\n"),
    "PUBX": Refusal(b"PUBX", b" foo 1\r\n"),
    "PUBS": Refusal(b"PUBS", b" foo 1\r\n"),
    "PUBfoo": Refusal(b"PUBf", b"oo 1\r\n"),
    "PIX": Refusal(b"PIX", b"G\r\n"),
    "PINX": Refusal(b"PINX", b"\r\n"),
    "POX": Refusal(b"POX", b"G\r\n"),
    "SX": Refusal(b"SX", b"B foo 1\r\n"),
    "SUBX": Refusal(b"SUBX", b" foo 1\r\n"),
    "SUBfoo": Refusal(b"SUBf", b"oo 1\r\n"),
    "CR for the blank": Refusal(b"SUB\r", b"foo 1\r\n"),
    "UNX": Refusal(b"UNX", b"UB 1\r\n"),
    "UNSUBX": Refusal(b"UNSUBX", b" 1\r\n"),
    "INFX": Refusal(b"INFX", b" {}\r\n"),
    "+X": Refusal(b"+X", b"K\r\n"),
    "+OX": Refusal(b"+OX", b"\r\n"),
    "-X": Refusal(b"-X", b"RR 'x'\r\n"),
    "-ERX": Refusal(b"-ERX", b" 'x'\r\n"),
    "-ERRX": Refusal(b"-ERRX", b" 'x'\r\n"),
}

BAD_ARGUMENTS = {
    name: Refusal(line + b"\r\n", heard=PARSER_ERROR)
    for name, line in {
        "PUB, nothing": b"PUB ",
        "PUB, blanks": b"PUB \t  ",
        "PUB, subject alone": b"PUB foo",
        "PUB, size alone": b"PUB 5",
        "PUB, four arguments": b"PUB a b c 5",
        "PUB, five arguments": b"PUB a b c d 5",
        "PUB, five arguments, the last no size": b"PUB a b c d e",
        "PUB, size is negative": b"PUB foo -1",
        "PUB, size has a plus": b"PUB foo +5",
        "PUB, size is a word": b"PUB foo abc",
        "PUB, size is a fraction": b"PUB foo 1.5",
        "PUB, size is hexadecimal": b"PUB foo 0x5",
        "PUB, size has an underscore": b"PUB foo 1_0",
        "PUB, size ends in a letter": b"PUB foo 5x",
        "PUB, size in Arabic digits": "PUB foo \u0665".encode(),
        "PUB, size in superscript": "PUB foo \u00b2".encode(),
        "PUB, size has a NUL": b"PUB foo 5\x00",
        "PUB, size in third place is a word": b"PUB foo re x",
        "SUB, nothing": b"SUB ",
        "SUB, subject alone": b"SUB foo",
        "SUB, four arguments": b"SUB a b c d",
        "SUB, five arguments": b"SUB a b c d e",
        "UNSUB, nothing": b"UNSUB ",
        "UNSUB, three arguments": b"UNSUB 1 2 3",
        "INFO, nothing": b"INFO",
        "INFO, blank": b"INFO ",
        "INFO, broken JSON": b"INFO {x",
        "INFO, array": b"INFO []",
        "INFO, wrong type": b'INFO {"port":"x"}',
    }.items()
}

LINE_END_FIRST = {
    # Unlike gnatsd: LF ends the line at any place. 0.8.0 took one right after the blank for an argument.
    "PUB": Refusal(b"PUB \n", heard=PARSER_ERROR),
    "SUB": Refusal(b"SUB \n", heard=PARSER_ERROR),
    "UNSUB": Refusal(b"UNSUB \n", heard=PARSER_ERROR),
    "CONNECT": Refusal(b"CONNECT\n", heard=PARSER_ERROR),
    "INFO": Refusal(b"INFO\n", heard=PARSER_ERROR),
    "-ERR": Refusal(b"-ERR \n", heard=b""),
}

PAYLOAD_ENDS = {
    "two bytes too many": Refusal(b"PUB foo 5\r\nhelloxx", b"\r\n"),
    "many bytes too many": Refusal(b"PUB foo 5\r\nhello w", b"orld, how are you?\r\n"),
    "CR twice": Refusal(b"PUB foo 5\r\nhello\r\r", b"\n"),
    "too few, then a line": Refusal(b"PUB foo 5\r\nhell\r\nP", b"ING\r\n"),
    "line inside": Refusal(b"PUB foo 5\r\nhel\nlo\r", b"\n"),
    "none, then a line": Refusal(b"PUB foo 0\r\nPI", b"NG\r\n"),
    # Unlike gnatsd (section 6): refused when both bytes are there; 0.8.0 waits for an LF, or takes them.
    "LF, then a line": Refusal(b"PUB foo 5\r\nhello\nP", b"ING\r\n"),
    "LF LF": Refusal(b"PUB foo 5\r\nhello\n\n"),
    "byte and LF": Refusal(b"PUB foo 5\r\nhellox\n"),
    "CR and byte": Refusal(b"PUB foo 5\r\nhello\rx"),
    "empty, then LF and a line": Refusal(b"PUB foo 0\r\n\nP", b"ING\r\n"),
}

REPORTED = {
    "text": Refusal(b"-ERR 'x'\r\n", heard=b""),
    "LF alone": Refusal(b"-ERR 'x'\n", heard=b""),
    "lower case": Refusal(b"-err x\r\n", heard=b""),
    "tab": Refusal(b"-ERR\tx y z\r\n", heard=b""),
    "only a blank": Refusal(b"-ERR \r\n", heard=b""),
}

ANSWERED_FIRST = {
    "PING": Refusal(b"PING\r\nZ", b"ZZ\r\n", PONG + UNKNOWN_OPERATION),
    "+OK": Refusal(b"SUB foo 1\r\nZ", b"ZZ\r\nSUB bar 2\r\n", OK + UNKNOWN_OPERATION),
    "MSG, then an unknown operation": Refusal(
        QUIET + b"SUB foo 1\r\nPUB foo 2\r\nok\r\nZ", b"ZZ\r\n", b"MSG foo 1 2\r\nok\r\n" + UNKNOWN_OPERATION
    ),
    "MSG, then a bad argument": Refusal(
        b"SUB foo 1\r\nPUB foo 2\r\nok\r\nPUB foo -1\r\n",
        heard=OK + OK + b"MSG foo 1 2\r\nok\r\n" + PARSER_ERROR,
    ),
    "MSG, then an error of the client's": Refusal(
        QUIET + b"SUB foo 1\r\nPUB foo 2\r\nok\r\n-ERR 'x'\r\n", heard=b"MSG foo 1 2\r\nok\r\n"
    ),
    "invalid subject, then a bad argument": Refusal(
        b"SUB foo. 1\r\nSUB foo\r\n", heard=INVALID_SUBJECT + PARSER_ERROR
    ),
    "only the first error counts": Refusal(b"PUB foo -1\r\n", b"SUB foo\r\nZZZ\r\n", PARSER_ERROR),
}


def client_hello() -> bytes:
    """The first bytes of a TLS client."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_unknown_operation(broker: StartBroker, refusal: Refusal, feeding: Feeding) -> None:
    """What is no operation gets two lines of error at its first wrong byte, and the end."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
async def test_bad_arguments(broker: StartBroker, refusal: Refusal, feeding: Feeding) -> None:
    """An operation with arguments that make no sense gets one line of error, and the end."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", LINE_END_FIRST.values(), ids=LINE_END_FIRST.keys())
async def test_lf_ends_a_line_without_arguments(
    broker: StartBroker, refusal: Refusal, feeding: Feeding
) -> None:
    """A lone LF in place of the first argument ends the line, which is then one without arguments."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", PAYLOAD_ENDS.values(), ids=PAYLOAD_ENDS.keys())
async def test_payload_without_its_line_end(broker: StartBroker, refusal: Refusal, feeding: Feeding) -> None:
    """A payload ends in CR LF at its announced size, or the connection ends and nobody gets it."""
    async with broker() as running:
        client, other = await running.connect(), await running.connect()
        await other.send(QUIET + b"SUB > 1\r\n")
        await other.fence()

        await refusal.verify(client, feeding)
        await other.fence()


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", REPORTED.values(), ids=REPORTED.keys())
async def test_error_from_a_client_ends_silently(
    broker: StartBroker, refusal: Refusal, feeding: Feeding
) -> None:
    """A client that reports an error is let go without a word (section 4)."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", ANSWERED_FIRST.values(), ids=ANSWERED_FIRST.keys())
async def test_what_came_before_the_error_is_answered(
    broker: StartBroker, refusal: Refusal, feeding: Feeding
) -> None:
    """Input before an error is obeyed and answered, input after it is ignored."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("length", [1, 11, None], ids=["one byte", "part", "whole"])
async def test_tls_on_a_plain_port(broker: StartBroker, length: int | None) -> None:
    """A TLS client that has come to the wrong listener is turned away at once."""
    async with broker() as running:
        client = await running.connect()

        await client.send(client_hello()[:length])
        await client.expect_end(UNKNOWN_OPERATION)


async def test_operations_behind_an_error_have_no_effect(broker: StartBroker) -> None:
    """What comes after a fatal error in the same piece is never obeyed."""
    async with broker() as running:
        client, other = await running.connect(), await running.connect()
        await other.send(QUIET + b"SUB foo 1\r\n")
        await other.fence()

        await client.send(b"ZZZ\r\nPUB foo 2\r\nok\r\n")
        await client.expect_end(UNKNOWN_OPERATION)
        await other.fence()


async def test_large_input_behind_an_error_does_not_hide_it(broker: StartBroker) -> None:
    """The error reaches a client that goes on sending: input is discarded for a while before the close."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b"ZZZ\r\n" + 200_000 * b"x")
        await client.expect_end(UNKNOWN_OPERATION)


@pytest.mark.parametrize("feeding", Feeding)
async def test_invalid_subject_ends_nothing(broker: StartBroker, feeding: Feeding) -> None:
    """A refused subscription leaves the connection and its other subscriptions alone (section 8)."""
    async with broker() as running:
        client = await running.connect()

        await Exchange(
            b"SUB foo 9\r\nSUB foo. 1\r\nPUB foo 1\r\nx\r\n",
            OK + INVALID_SUBJECT + OK + b"MSG foo 9 1\r\nx\r\n",
        ).verify(client, feeding)
