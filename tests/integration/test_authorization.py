"""Who is let in, and what a refused client receives (client-protocol.md, section 14)."""

import json

import pytest

from tests.integration.exchanges import (
    AUTHORIZATION_TIMEOUT,
    AUTHORIZATION_VIOLATION,
    OK,
    PARSER_ERROR,
    PONG,
    UNKNOWN_OPERATION,
    Exchange,
    Feeding,
    Refusal,
)
from tests.support.broker_fixture import Settings, StartBroker
from tests.support.held_clock import LIMIT
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

LOGIN = b'CONNECT {"user":"u","pass":"p"}\r\n'

HASH = "$2a$04$iyDf3UekqwBuuBszqIrkUeafC2YRN3VBypjEPXjSk1LCbiFVPlxba"
"""What a configuration holds when the password is ``secret``; cost 4, to be quick."""

CREDENTIALS: Settings = {"user": "u", "password": "p", "auth_timeout": 30}
HURRIED: Settings = {**CREDENTIALS, "auth_timeout": LIMIT}
HASHED_CREDENTIALS: Settings = {"user": "u", "password": HASH, "auth_timeout": 30}
TOKEN: Settings = {"token": "t"}

ADMITTED = {
    "user and password": Exchange(LOGIN, OK),
    "verb in lower case, keys in any": Exchange(b'connect {"USER":"u","Pass":"p","verbose":false}\r\n'),
    "a token beside them is ignored": Exchange(b'CONNECT {"user":"u","pass":"p","auth_token":"x"}\r\n', OK),
    "operations in the same piece": Exchange(
        LOGIN + b"SUB foo 1\r\nPUB foo 2\r\nok\r\n", OK + OK + OK + b"MSG foo 1 2\r\nok\r\n"
    ),
    "a second CONNECT keeps what it does not name": Exchange(
        LOGIN + b"CONNECT {}\r\nCONNECT null\r\n", OK + OK + OK
    ),
    "the same login again": Exchange(LOGIN + LOGIN, OK + OK),
    "escapes in the password": Exchange(b'CONNECT {"user":"\\u0075","pass":"\\u0070"}\r\n', OK),
}

TURNED_AWAY = {
    # The first byte decides, unless it could become CONNECT.
    **{
        name: Refusal(line[:1], line[1:], AUTHORIZATION_VIOLATION)
        for name, line in {
            "PING": b"PING\r\n",
            "PONG": b"PONG\r\n",
            "PUB": b"PUB foo 2\r\nok\r\n",
            "SUB": b"SUB foo 1\r\n",
            "UNSUB": b"UNSUB 1\r\n",
            "INFO": b"INFO {}\r\n",
            "+OK": b"+OK\r\n",
            "-ERR": b"-ERR 'x'\r\n",
            "MSG": b"MSG foo 1 2\r\nok\r\n",
            "garbage": b"ZZZ\r\n",
            "CR LF": b"\r\n",
            "LF": b"\n",
            "blank": b" CONNECT {}\r\n",
            "TLS": b"\x16\x03\x01\r\n",
        }.items()
    },
    "no verb after all": Refusal(b"CX", b"\r\n", UNKNOWN_OPERATION),
    "no verb after all, in lower case": Refusal(b"connex", b"t {}\r\n", UNKNOWN_OPERATION),
    "broken JSON": Refusal(b"CONNECT {x\r\n", heard=PARSER_ERROR),
    "no JSON": Refusal(b"CONNECT \r\n", heard=PARSER_ERROR),
    # Credentials that will not do.
    **{
        name: Refusal(b"CONNECT " + document + b"\r\n", heard=AUTHORIZATION_VIOLATION)
        for name, document in {
            "none": b"{}",
            "null document": b"null",
            "null credentials": b'{"user":null,"pass":null}',
            "user alone": b'{"user":"u"}',
            "password alone": b'{"pass":"p"}',
            "empty password": b'{"user":"u","pass":""}',
            "wrong password": b'{"user":"u","pass":"x"}',
            "password in another case": b'{"user":"u","pass":"P"}',
            "password with more after it": b'{"user":"u","pass":"pp"}',
            "password with NUL after it": b'{"user":"u","pass":"p\\u0000"}',
            "password with bytes that are no UTF-8": b'{"user":"u","pass":"p\xff"}',
            "password that is not ASCII": '{"user":"u","pass":"pä"}'.encode(),
            "password of 900 bytes": b'{"user":"u","pass":"' + 900 * b"p" + b'"}',
            "half a surrogate pair": b'{"user":"u","pass":"\\udc00"}',
            "wrong user": b'{"user":"x","pass":"p"}',
            "user in another case": b'{"user":"U","pass":"p"}',
            "password as a token": b'{"auth_token":"p"}',
            "an account": b'{"account":"$SYS","new_account":true}',
        }.items()
    },
    # A second CONNECT is a login as well.
    "second CONNECT, wrong password": Refusal(
        LOGIN + b'CONNECT {"pass":"x"}\r\n', heard=OK + AUTHORIZATION_VIOLATION
    ),
    "second CONNECT, other user": Refusal(
        LOGIN + b'CONNECT {"user":"root"}\r\n', heard=OK + AUTHORIZATION_VIOLATION
    ),
    # Once inside, errors are those of everyone.
    "unknown operation after the login": Refusal(LOGIN + b"Z", b"ZZ\r\n", OK + UNKNOWN_OPERATION),
}

TOKENS = {
    "right": (b'{"auth_token":"t"}', OK),
    "key in another case": (b'{"AUTH_TOKEN":"t"}', OK),
    "right, beside a user nobody asked for": (b'{"auth_token":"t","user":"u","pass":"p"}', OK),
    "wrong": (b'{"auth_token":"x"}', AUTHORIZATION_VIOLATION),
    "empty": (b'{"auth_token":""}', AUTHORIZATION_VIOLATION),
    "none": (b"{}", AUTHORIZATION_VIOLATION),
    "as a password": (b'{"user":"t","pass":"t"}', AUTHORIZATION_VIOLATION),
}

BCRYPT = {
    "right": ("secret", OK),
    "wrong": ("Secret", AUTHORIZATION_VIOLATION),
    "empty": ("", AUTHORIZATION_VIOLATION),
    "the hash itself": (HASH, AUTHORIZATION_VIOLATION),
    "73 bytes": (73 * "s", AUTHORIZATION_VIOLATION),
    "900 bytes": (900 * "s", AUTHORIZATION_VIOLATION),
    "NUL after it": ("secret\0", AUTHORIZATION_VIOLATION),
    "NUL inside": ("sec\0ret", AUTHORIZATION_VIOLATION),
    "not ASCII": ("sécret", AUTHORIZATION_VIOLATION),
    "half a surrogate pair": ("\udc00", AUTHORIZATION_VIOLATION),
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", ADMITTED.values(), ids=ADMITTED.keys())
async def test_right_credentials(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """Who names user and password is served like anyone."""
    async with broker(**CREDENTIALS) as running:
        client = await running.connect()

        await exchange.verify(client, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", TURNED_AWAY.values(), ids=TURNED_AWAY.keys())
async def test_others_are_turned_away(broker: StartBroker, refusal: Refusal, feeding: Feeding) -> None:
    """Any other operation is refused at its first byte, any other CONNECT with its line."""
    async with broker(**CREDENTIALS) as running:
        client = await running.connect()

        await refusal.verify(client, feeding)


@pytest.mark.parametrize(("document", "answer"), TOKENS.values(), ids=TOKENS.keys())
async def test_token(broker: StartBroker, document: bytes, answer: bytes) -> None:
    """A token admits the clients that send it as ``auth_token``, and no others."""
    async with broker(**TOKEN) as running:
        client = await running.connect()

        await client.send(b"CONNECT " + document + b"\r\n")
        await client.expect(answer)


@pytest.mark.parametrize(("password", "answer"), BCRYPT.values(), ids=BCRYPT.keys())
async def test_bcrypt(broker: StartBroker, password: str, answer: bytes) -> None:
    """A password that is configured as a hash is compared by bcrypt, and any input is answered."""
    async with broker(**HASHED_CREDENTIALS) as running:
        client = await running.connect()

        await client.send(b"CONNECT " + json.dumps({"user": "u", "pass": password}).encode() + b"\r\n")
        await client.expect(answer)


@pytest.mark.every_listener
async def test_operations_wait_for_the_verdict(broker: StartBroker) -> None:
    """Input after CONNECT is obeyed after the verdict, in order, even if the verdict takes long."""
    async with broker(**HASHED_CREDENTIALS) as running:
        good, bad = await running.connect(), await running.connect()
        rest = b"SUB foo 1\r\nPUB foo 2\r\nok\r\nPING\r\n"

        await good.send(b'CONNECT {"user":"u","pass":"secret"}\r\n' + rest)
        await good.expect(OK + OK + OK + b"MSG foo 1 2\r\nok\r\n" + PONG)
        await bad.send(b'CONNECT {"user":"u","pass":"wrong"}\r\n' + rest)
        await bad.expect_end(AUTHORIZATION_VIOLATION)
        await good.fence()


async def test_many_wrong_logins_at_once(broker: StartBroker) -> None:
    """Each of them is rejected, and clients that are logged in are served meanwhile."""
    async with broker(**HASHED_CREDENTIALS) as running:
        inside = await running.connect()
        await inside.send(b'CONNECT {"user":"u","pass":"secret","verbose":false}\r\n')
        intruders = [await running.connect() for _ in range(40)]
        for intruder in intruders:
            await intruder.send(b'CONNECT {"user":"u","pass":"wrong"}\r\n')

        for intruder in intruders:
            await inside.fence()
            await intruder.expect_end(AUTHORIZATION_VIOLATION)


@pytest.mark.parametrize(
    "sent",
    [b"", b"C", b"CONN", b'CONNECT {"user":"u","pass":"p"}'],
    ids=["silence", "letter", "verb", "no LF"],
)
async def test_no_login_in_time(broker: StartBroker, sent: bytes) -> None:
    """Who has not logged in when the time is over hears so and must go."""
    async with broker(**HURRIED) as running:
        client = await running.connect()

        await client.send(sent)
        await running.clock.run_out()
        await client.expect_end(AUTHORIZATION_TIMEOUT)


async def test_dripping_bytes_do_not_extend_the_time(broker: StartBroker) -> None:
    """A login that comes byte by byte is too late when it is complete too late."""
    async with broker(**HURRIED) as running:
        client = await running.connect()
        await client.send_bytewise(LOGIN[:9])
        await running.clock.advance(LIMIT / 2)
        await client.send_bytewise(LOGIN[9:-1])

        await running.clock.advance(LIMIT / 2)
        await client.expect_end(AUTHORIZATION_TIMEOUT)


async def test_time_stands_still_after_the_login(broker: StartBroker) -> None:
    """Who has logged in is not asked again when the time is over."""
    async with broker(**HURRIED) as running:
        early, late = await running.connect(), await running.connect()
        await early.send(LOGIN)
        await early.expect(OK)

        await running.clock.run_out()
        await late.expect_end(AUTHORIZATION_TIMEOUT)
        await early.fence()


async def test_payload_before_login_is_refused_at_its_first_byte(broker: StartBroker) -> None:
    """Intruders who send much are turned away, whatever they send."""
    async with broker(**CREDENTIALS) as running:
        for _ in range(20):
            client = await running.connect()

            await client.send(b"PUB foo 900000\r\n" + 100_000 * b"x")
            await client.expect_end(AUTHORIZATION_VIOLATION)


async def test_without_credentials_anyone_is_welcome(broker: StartBroker) -> None:
    """A server that asks for nothing has no time limit for CONNECT either."""
    async with broker(auth_timeout=0.1) as running:
        witness = await Witness.join(running)
        silent = await running.connect()

        await witness.expect_unharmed()
        await silent.fence()
