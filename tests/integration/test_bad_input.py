"""Bad input to a server of today, beside a witness: the rows H and C of docs/bad-input.md.

The same for the protocol of gnatsd is in ``test_protocol_errors``, ``test_authorization`` and
``test_limits``.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from app.adapters.logs.gnatsd_format import GnatsdLine
from tests.integration.conftest import ServerKind
from tests.integration.exchanges import (
    AUTHORIZATION_VIOLATION,
    OK,
    PAYLOAD_VIOLATION,
    PONG,
    Exchange,
    Feeding,
    Refusal,
)
from tests.support.broker_fixture import Settings
from tests.support.embedded import EmbeddedServer
from tests.support.held_clock import LIMIT as TIME_LIMIT
from tests.support.nkeys import NkeyUser
from tests.support.raw_client import RawClient
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio


UNKNOWN_OPERATION = b"-ERR 'Unknown Protocol Operation'\r\n"
AUTHENTICATION_TIMEOUT = b"-ERR 'Authentication Timeout'\r\n"
LINE_EXCEEDED = b"-ERR 'maximum control line exceeded'\r\n"
INVALID_PROTOCOL = b"-ERR 'invalid client protocol'\r\n"
SILENTLY = b""

ABLE = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
PLAIN = b'CONNECT {"verbose":false}\r\n'
LIMIT = 1000
LOGIN = b'CONNECT {"verbose":false,"user":"a","pass":"p"}\r\n'
USERS: Settings = {
    "users": [{"user": "a", "password": "p"}, {"user": "b", "password": "q"}],
    "auth_timeout": 30,
}


@asynccontextmanager
async def serving(broker: ServerKind, settings: Settings | None = None) -> AsyncIterator[EmbeddedServer]:
    """A server of today; a client that was inside all the while is served when the test is over."""
    given: Settings = {"compatibility": "current", "max_payload": LIMIT, **(settings or Settings())}
    async with broker(**given) as server:
        witness = None if settings else await Witness.join(server)
        yield server
        if witness is not None:
            await witness.expect_unharmed()


def headed(line: bytes, message: bytes = b"xx\r\n") -> Refusal:
    """A line of a client with headers that is refused silently, whatever comes after it."""
    return Refusal(ABLE + line + b"\r\n", message, SILENTLY)


# --- headers -------------------------------------------------------------------------

LIES = {
    "H1, HPUB without headers": Refusal(PLAIN + b"HPUB foo 1 2\r\n", b"xx\r\n", b""),
    "H1, HPUB without CONNECT": Refusal(b"HPUB foo 1 2\r\n", b"xx\r\n", b""),
    "H1, HPUB after headers were given up": Refusal(
        ABLE + b'CONNECT {"headers":false,"no_responders":false}\r\nHPUB foo 1 2\r\n', b"xx\r\n", b""
    ),
    "H1, HMSG of a client": Refusal(ABLE + b"HM", b"SG foo 1 1 2\r\nxx\r\n", UNKNOWN_OPERATION),
    "H1, a verb that breaks off": Refusal(ABLE + b"HPUX", b" foo 1 2\r\nxx\r\n", UNKNOWN_OPERATION),
    "H2, more headers than bytes": headed(b"HPUB foo 3 2"),
    "H2, far more headers than bytes": headed(b"HPUB foo 18446744073709551618 2"),
    "H2, negative headers": headed(b"HPUB foo -1 2"),
    "H2, negative bytes": headed(b"HPUB foo 0 -2"),
    "H2, headers are a word": headed(b"HPUB foo re 2"),
    "H2, headers are a fraction": headed(b"HPUB foo 1.5 2"),
    "H2, one size": headed(b"HPUB foo 2"),
    "H2, no size": headed(b"HPUB foo"),
    "H2, four thousand digits": headed(b"HPUB foo " + 4000 * b"0" + b" 2"),
    "H2, three sizes": headed(b"HPUB foo re 1 1 2"),
    "H3, one byte too many": Refusal(
        ABLE + b"HPUB foo 2 %d\r\n" % (LIMIT + 1), LIMIT * b"x", PAYLOAD_VIOLATION
    ),
    "H3, 2^64 and 2 bytes": Refusal(ABLE + b"HPUB foo 2 18446744073709551618\r\n", b"xx\r\n", b""),
    "H3, headers alone are too many": Refusal(
        ABLE + b"HPUB foo %d %d\r\n" % (LIMIT + 1, LIMIT + 1), LIMIT * b"x", PAYLOAD_VIOLATION
    ),
    "H7, answers that could not be read": Refusal(
        b'CONNECT {"verbose":false,"no_responders":true}\r\n',
        heard=b"-ERR 'no responders requires headers support'\r\n",
    ),
}

BLOCKS = {
    "a wrong version line": b"NATS/9.9\r\nA: b\r\n\r\n",
    "no version line": b"A: b\r\n\r\n",
    "no blank line": b"NATS/1.0\r\nA: b",
    "CR LF in a value": b"NATS/1.0\r\nA: b\r\n c\r\n\r\n\r\n",
    "protocol": b"NATS/1.0\r\n\r\nPING\r\nPUB foo 2\r\nxx\r\n",
    "bytes of all values": bytes(range(256)),
    "a status": b"NATS/1.0 503\r\nNats-Subject: foo\r\n\r\n",
    "many headers": b"NATS/1.0\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(100)) + b"\r\n",
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("case", LIES)
async def test_headers_that_lie(broker: ServerKind, case: str, feeding: Feeding) -> None:
    """H1, H2, H3 and H7: the offender hears the error of the row, if it has one, and is closed."""
    async with serving(broker) as server:
        await LIES[case].verify(await server.connect(), feeding)


async def test_nobody_hears_of_a_message_that_lied(broker: ServerKind) -> None:
    """H2: what was announced wrongly is delivered to no one, not even in part."""
    async with serving(broker) as server:
        listener, offender = await server.connect(), await server.connect()
        await listener.send(ABLE + b"SUB > 1\r\n")
        await listener.fence()

        await offender.send(ABLE + b"HPUB foo 1 2\r\nok\r\nHPUB foo 3 2\r\nxxx\r\nPUB foo 2\r\nno\r\n")
        await offender.expect_eof()

        await listener.expect(b"HMSG foo 1 1 2\r\nok\r\n")
        await listener.fence()


@pytest.mark.parametrize("size", [b"0", b"00", b"000000000000000000"])
async def test_no_headers_at_all(broker: ServerKind, size: bytes) -> None:
    """H4: a header size of 0 makes a plain message."""
    async with serving(broker) as server:
        await Exchange(
            ABLE + b"SUB foo 1\r\nHPUB foo re " + size + b" 2\r\nok\r\n", b"MSG foo 1 re 2\r\nok\r\n"
        ).verify(await server.connect(), Feeding.BYTEWISE)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("case", BLOCKS)
async def test_headers_are_not_read(broker: ServerKind, case: str, feeding: Feeding) -> None:
    """H5 and H6: any bytes pass through as headers, and a client without headers gets the payload alone."""
    block = BLOCKS[case]
    sizes = b"%d %d\r\n" % (len(block), len(block) + 2)
    async with serving(broker) as server:
        plain = await server.connect()
        await plain.send(PLAIN + b"SUB foo 1\r\n")
        await plain.fence()

        await Exchange(
            ABLE + b"SUB foo 1\r\nHPUB foo " + sizes + block + b"ok\r\n",
            b"HMSG foo 1 " + sizes + block + b"ok\r\n",
        ).verify(await server.connect(), feeding)

        await plain.expect(b"MSG foo 1 2\r\nok\r\n")
        await plain.fence()


async def test_a_thousand_headers(broker: ServerKind) -> None:
    """H5: the number of headers has no limit but that of the payload."""
    block = b"NATS/1.0\r\n" + b"".join(b"Name-%d: value\r\n" % n for n in range(1000)) + b"\r\n"
    message = b"%d %d\r\n" % (len(block), len(block)) + block + b"\r\n"
    async with broker(compatibility="current") as server:
        client = await server.connect()

        await client.send(ABLE + b"SUB foo 1\r\nHPUB foo " + message)

        await client.expect(b"HMSG foo 1 " + message)
        await client.fence()


@pytest.mark.parametrize("feeding", Feeding)
async def test_a_request_to_nobody(broker: ServerKind, feeding: Feeding) -> None:
    """H7: 503 comes with the subject, in the order of the requests, and for nothing else."""
    answers = b"".join(
        b"HMSG r.1 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: %b\r\n\r\n\r\n" % name
        for name in (b"foo", b"bar")
    )
    async with serving(broker) as server:
        await Exchange(
            ABLE + b"SUB r.* 1\r\nPUB foo r.1 0\r\n\r\nPUB foo 0\r\n\r\nHPUB bar r.1 2 2\r\nxx\r\n", answers
        ).verify(await server.connect(), feeding)


@pytest.mark.parametrize("line", [b"HPUB foo 1 2\r\nxx\r\n", b"hpub foo 3 2\r\n"])
async def test_gnatsd_has_no_headers(broker: ServerKind, line: bytes) -> None:
    """H1: with the protocol of gnatsd the error has its second line."""
    async with broker(compatibility="0.8.0") as server:
        client = await server.connect()
        await client.send(ABLE + line)

        await client.expect_end(UNKNOWN_OPERATION + b"-ERR 'Parser Error'\r\n")


# --- CONNECT and login -------------------------------------------------------------------


def connecting(document: bytes, heard: bytes = SILENTLY) -> Refusal:
    """A CONNECT that ends the connection."""
    return Refusal(b"CONNECT " + document + b"\r\n", b"PING\r\n", heard)


CONNECTS = {
    "C1, broken": connecting(b'{"verbose":'),
    "C1, an array": connecting(b"[]"),
    "C1, empty": connecting(b""),
    "C1, a word": connecting(b"CONNECT"),
    "C1, verbose is a text": connecting(b'{"verbose":"yes"}'),
    "C1, user is a number": connecting(b'{"user":5}'),
    "C1, headers are a number": connecting(b'{"headers":1}'),
    "C1, echo is a text": connecting(b'{"echo":"false"}'),
    "C1, no_responders is a list": connecting(b'{"no_responders":[]}'),
    "C1, nkey is a number": connecting(b'{"nkey":1}'),
    "C3, an account": connecting(b'{"account":"$SYS"}', AUTHORIZATION_VIOLATION),
    "C3, a new account": connecting(b'{"new_account":true}', AUTHORIZATION_VIOLATION),
    "C7, over the line": connecting(b'{"x":' + 5000 * b"[", LINE_EXCEEDED),
    "C8, 99": connecting(b'{"protocol":99}', INVALID_PROTOCOL),
    "C8, -1": connecting(b'{"protocol":-1}', INVALID_PROTOCOL),
}

ACCEPTED = {
    "nested deeply": b'{"verbose":false,"x":' + 1900 * b"[" + 1900 * b"]" + b"}",
    "duplicate keys": b'{"verbose":true,"verbose":false,"name":"a","name":"b"}',
    "a name that is no UTF-8": b'{"verbose":false,"name":"\xff\xfe"}',
    "null": b'{"verbose":false,"name":null,"headers":null,"echo":null,"nkey":null}',
}


@pytest.mark.parametrize("feeding", [Feeding.WHOLE, Feeding.TRAILED])
@pytest.mark.parametrize("case", CONNECTS)
async def test_bad_connects(broker: ServerKind, case: str, feeding: Feeding) -> None:
    """C1, C3, C7 and C8: what makes no sense ends the connection, with the text of the row if it has one."""
    async with serving(broker) as server:
        await CONNECTS[case].verify(await server.connect(), feeding)


@pytest.mark.parametrize("case", ACCEPTED)
async def test_odd_connects(broker: ServerKind, case: str) -> None:
    """C7: odd documents within the limit are read."""
    async with serving(broker) as server:
        await Exchange(b"CONNECT " + ACCEPTED[case] + b"\r\n").verify(await server.connect(), Feeding.TRAILED)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize(
    "line",
    [b"SUB foo 1\r\n", b"PUB foo 900000\r\n", b"HPUB foo 1 900000\r\n", b"PING\r\n", b"HMSG a 1 1 1\r\n"],
)
async def test_operations_before_the_login(broker: ServerKind, line: bytes, feeding: Feeding) -> None:
    """C2 and C9: where a login is required, the first byte of anything else is refused."""
    async with serving(broker, USERS) as server:
        await Refusal(line[:1], line[1:], AUTHORIZATION_VIOLATION).verify(await server.connect(), feeding)


@pytest.mark.parametrize("account", [b'"account":"$SYS"', b'"new_account":true'])
async def test_a_login_with_an_account(broker: ServerKind, account: bytes) -> None:
    """C3: a right password does not lead to an account."""
    async with serving(broker, USERS) as server:
        await Refusal(
            b'CONNECT {"user":"a","pass":"p",' + account + b"}\r\n", heard=AUTHORIZATION_VIOLATION
        ).verify(await server.connect(), Feeding.WHOLE)


@pytest.mark.parametrize("said", [b"", b'CONNECT {"us'])
async def test_a_login_that_does_not_come(broker: ServerKind, said: bytes) -> None:
    """C4: a client that has not logged in when the time is over gets the error of today."""
    async with serving(broker, {**USERS, "auth_timeout": TIME_LIMIT}) as server:
        client = await server.connect()
        await client.send(said)

        await server.clock.run_out()
        await client.expect_end(AUTHENTICATION_TIMEOUT)


async def test_bytes_do_not_extend_the_time_of_a_login(broker: ServerKind) -> None:
    """C4: a login that drips is too late, though a byte came just now."""
    async with serving(broker, {**USERS, "auth_timeout": TIME_LIMIT}) as server:
        client = await server.connect()

        await client.send_bytewise(b'CONNECT {"name":"')
        await server.clock.advance(TIME_LIMIT / 2)
        await client.send_bytewise(100 * b"x")
        await server.clock.advance(TIME_LIMIT / 2)
        heard = await client.expect_cut()

        assert heard == AUTHENTICATION_TIMEOUT


WRONG = {
    "C5, wrong": {"user": "a", "pass": "q"},
    "C5, another's": {"user": "b", "pass": "p"},
    "C5, nobody": {"user": "c", "pass": "p"},
    "C5, 900 bytes": {"user": "a", "pass": 900 * "p"},
    "C5, NUL": {"user": "a", "pass": "p\0"},
    "C5, not ASCII": {"user": "ä", "pass": "ö"},
    "C5, an nkey instead": {"nkey": NkeyUser().nkey, "sig": NkeyUser().sig("")},
}


@pytest.mark.parametrize("case", WRONG)
async def test_wrong_logins(broker: ServerKind, case: str) -> None:
    """C5: each is refused with the same text, and the password is in no line of the log."""
    async with serving(broker, USERS) as server:
        client = await server.connect()
        await client.send(b"CONNECT %b\r\n" % json.dumps(WRONG[case]).encode())
        await client.expect_end(AUTHORIZATION_VIOLATION)

        assert 900 * "p" not in "".join(server.log.texts())


@pytest.mark.parametrize(
    ("document", "heard"),
    [
        (b'{"user":"b","pass":"q"}', AUTHORIZATION_VIOLATION),
        (b'{"user":"b"}', AUTHORIZATION_VIOLATION),
        (b'{"user":"a","pass":"x"}', AUTHORIZATION_VIOLATION),
        (b'{"account":"b"}', AUTHORIZATION_VIOLATION),
        (b'{"nkey":"U"}', AUTHORIZATION_VIOLATION),
    ],
)
async def test_no_second_identity(broker: ServerKind, document: bytes, heard: bytes) -> None:
    """C10: a second CONNECT never makes another user of a client, with whatever password."""
    async with serving(broker, USERS) as server:
        await Refusal(LOGIN + b"CONNECT " + document + b"\r\n", b"PING\r\n", heard).verify(
            await server.connect(), Feeding.WHOLE
        )


async def test_the_same_identity_twice(broker: ServerKind) -> None:
    """C10: a second CONNECT of the same user goes on, and takes over what it names."""
    again = (
        LOGIN + b'CONNECT {"user":"a","pass":"p","verbose":true}\r\nSUB a 1\r\nCONNECT {"verbose":false}\r\n'
    )
    async with serving(broker, USERS) as server:
        await Exchange(again, OK + OK).verify(await server.connect(), Feeding.TRAILED)


USER, OTHER = NkeyUser(1), NkeyUser(2)

SIGNATURES: dict[str, Callable[[str], dict[str, str]]] = {
    "none": lambda _nonce: {"nkey": USER.nkey},
    "empty": lambda _nonce: {"nkey": USER.nkey, "sig": ""},
    "too short": lambda nonce: {"nkey": USER.nkey, "sig": USER.sig(nonce)[:-1]},
    "too long": lambda nonce: {"nkey": USER.nkey, "sig": USER.sig(nonce) + "A"},
    "another alphabet": lambda nonce: {"nkey": USER.nkey, "sig": "!" + USER.sig(nonce)[1:]},
    "not ASCII": lambda nonce: {"nkey": USER.nkey, "sig": "ä" + USER.sig(nonce)[1:]},
    "of another user": lambda nonce: {"nkey": USER.nkey, "sig": OTHER.sig(nonce)},
    "of another nonce": lambda nonce: {"nkey": USER.nkey, "sig": USER.sig(nonce[::-1] + "x")},
    "of nothing": lambda _nonce: {"nkey": USER.nkey, "sig": USER.sig("")},
    "unknown key": lambda nonce: {"nkey": OTHER.nkey, "sig": OTHER.sig(nonce)},
    "key too short": lambda nonce: {"nkey": USER.nkey[:-1], "sig": USER.sig(nonce)},
    "key in another alphabet": lambda nonce: {"nkey": USER.nkey.lower(), "sig": USER.sig(nonce)},
    "key empty": lambda nonce: {"nkey": "", "sig": USER.sig(nonce)},
    "a JWT": lambda nonce: {"jwt": "a.b.c", "nkey": OTHER.nkey, "sig": OTHER.sig(nonce)},
}
NKEYS: Settings = {"users": [{"nkey": USER.nkey}], "auth_timeout": 30}


async def _sign_in(client: RawClient, fields: dict[str, str]) -> None:
    await client.send(b"CONNECT %b\r\nPING\r\n" % json.dumps({"verbose": False, **fields}).encode())


@pytest.mark.parametrize("case", SIGNATURES)
async def test_bad_signatures(broker: ServerKind, case: str) -> None:
    """C11: an nkey or a signature that is not right in every byte is refused."""
    async with serving(broker, NKEYS) as server:
        client = await server.connect()
        await _sign_in(client, SIGNATURES[case](str(client.info["nonce"])))

        await client.expect_end(AUTHORIZATION_VIOLATION)


async def test_a_replayed_signature(broker: ServerKind) -> None:
    """C11: a signature is of use on its own connection alone."""
    async with serving(broker, NKEYS) as server:
        first, second = await server.connect(), await server.connect()
        signed = {"nkey": USER.nkey, "sig": USER.sig(str(first.info["nonce"]))}
        await _sign_in(first, signed)
        await first.expect(PONG)

        await _sign_in(second, signed)

        await second.expect_end(AUTHORIZATION_VIOLATION)


@pytest.mark.parametrize("name", ["\x1b[2J\x1b]0;x\x07", "a\r\n[FTL] forged", "\u202egnp", 1000 * "n", "\0"])
async def test_names_that_forge(broker: ServerKind, name: str) -> None:
    """C12: what a client calls itself adds no line to the log, and no control character."""
    async with serving(broker) as server:
        client = await server.connect()
        named = json.dumps({"verbose": False, "name": name, "lang": name, "version": name[:100]})
        await Exchange(b"CONNECT %b\r\n" % named.encode()).verify(client, Feeding.WHOLE)
        await client.send(b"-ERR '%b'\r\n" % name.replace("\r\n", " ").encode())
        await client.expect_eof()

        write = GnatsdLine(1, colours=False)
        lines = [write(None, "record", {"fact": event}) for event in server.log.events]
        assert [] == [line for line in lines if not line.isprintable()]
