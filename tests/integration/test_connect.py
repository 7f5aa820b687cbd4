"""CONNECT without authentication: its forms, its defaults, and what a second one changes.

The rules are those of client-protocol.md, section 3.
"""

import pytest

from tests.integration.exchanges import (
    AUTHORIZATION_VIOLATION,
    INVALID_SUBJECT,
    OK,
    PARSER_ERROR,
    QUIET,
    UNKNOWN_OPERATION,
    Exchange,
    Feeding,
    Refusal,
    verify,
)
from tests.support.broker_fixture import StartBroker
from tests.support.witness import Witness

pytestmark = pytest.mark.asyncio

ACCEPTED = {
    "empty object": Exchange(b"CONNECT {}\r\n", OK),
    "null document": Exchange(b"CONNECT null\r\n", OK),
    "null value": Exchange(b'CONNECT {"verbose":null,"name":null}\r\n', OK),
    "not verbose": Exchange(b'CONNECT {"verbose":false}\r\n'),
    "keys in upper case": Exchange(b'CONNECT {"VERBOSE":false}\r\n'),
    "keys in mixed case": Exchange(b'CONNECT {"Verbose":false}\r\n'),
    "no blank": Exchange(b'CONNECT{"verbose":false}\r\n'),
    "tab": Exchange(b'CONNECT\t{"verbose":false}\r\n'),
    "many blanks, also after it": Exchange(b'CONNECT  \t {"verbose":false} \t \r\n'),
    "LF alone": Exchange(b'CONNECT {"verbose":false}\n'),
    "two CR": Exchange(b'CONNECT {"verbose":false}\r\r\n'),
    "verb in lower case": Exchange(b'connect {"verbose":false}\r\n'),
    "blanks in the JSON": Exchange(b'CONNECT { "verbose" : false }\r\n'),
    "unknown keys": Exchange(b'CONNECT {"x":[1,{"verbose":true}],"verbose":false}\r\n'),
    "no account": Exchange(b'CONNECT {"account":"","new_account":false}\r\n', OK),
    "the last of equal keys counts": Exchange(b'CONNECT {"verbose":true,"verbose":false}\r\n'),
    "the last of keys that differ in case counts": Exchange(
        b'CONNECT {"verbose":false,"Verbose":true}\r\n', OK
    ),
    "an unknown number too large for a float": Exchange(b'CONNECT {"x":1e999}\r\n', OK),
    "all fields": Exchange(
        b'CONNECT {"verbose":false,"pedantic":false,"ssl_required":false,"auth_token":"t","user":"u",'
        b'"pass":"p","name":"n","lang":"l","version":"v"}\r\n'
    ),
    "credentials nobody asked for": Exchange(b'CONNECT {"user":"u","pass":"p"}\r\n', OK),
    "a protocol of later versions": Exchange(b'CONNECT {"protocol":1,"headers":true,"echo":true}\r\n', OK),
    "members of later servers, of any type": Exchange(
        b'CONNECT {"protocol":"1","tls_required":1,"account":1,"new_account":1,"echo":1,"headers":1,'
        b'"no_responders":1,"nkey":1,"sig":1,"jwt":1}\r\n',
        OK,
    ),
    "name with bytes that are no UTF-8": Exchange(b'CONNECT {"name":"\xff\xfe"}\r\n', OK),
    "name with half a surrogate pair": Exchange(b'CONNECT {"name":"\\ud800"}\r\n', OK),
    "name with control characters": Exchange(b'CONNECT {"name":"\\r\\n\\u0000\\u001b[2J"}\r\n', OK),
    "name of 900 characters": Exchange(b'CONNECT {"name":"' + 900 * b"n" + b'"}\r\n', OK),
    "nested as deep as the line allows": Exchange(b'CONNECT {"x":' + 500 * b"[" + 500 * b"]" + b"}\r\n", OK),
}

REPEATED = {
    "+OK for each": Exchange(b"CONNECT {}\r\nCONNECT {}\r\n", OK + OK),
    "an absent key keeps its value": Exchange(QUIET + b"CONNECT {}\r\nPUB foo.* 0\r\n\r\n"),
    "null keeps the value": Exchange(QUIET + b'CONNECT null\r\nCONNECT {"verbose":null}\r\n'),
    "the new value decides about the answer": Exchange(QUIET + b'CONNECT {"verbose":true}\r\n', OK),
    "pedantic stays off while verbose is put on": Exchange(
        QUIET + b'CONNECT {"verbose":true}\r\nPUB foo.* 0\r\n\r\n', OK + OK
    ),
    "subscriptions stay": Exchange(
        b'SUB foo 9\r\nCONNECT {"verbose":false}\r\nPUB foo 1\r\nx\r\n', OK + b"MSG foo 9 1\r\nx\r\n"
    ),
    "pedantic is put on": Exchange(
        QUIET + b'CONNECT {"pedantic":true}\r\nPUB foo.* 0\r\n\r\n', INVALID_SUBJECT
    ),
}

REFUSED = {
    name: Refusal(b"CONNECT" + argument + b"\r\n", heard=PARSER_ERROR)
    for name, argument in {
        "nothing": b"",
        "blanks": b"  \t",
        "word": b" verbose",
        "array": b" []",
        "number": b" 5",
        "string": b' "verbose"',
        "boolean": b" true",
        "half an object": b' {"verbose":false',
        "text after it": b" {}x",
        "second document": b" {} {}",
        "comma at the end": b' {"verbose":false,}',
        "single quotes": b" {'verbose':false}",
        "key without quotes": b" {verbose:false}",
        "byte order mark": b' \xef\xbb\xbf{"verbose":false}',
        "NaN": b' {"verbose":NaN}',
        "NaN for an unknown key": b' {"x":NaN}',
        "Infinity for an unknown key": b' {"x":-Infinity}',
        "number with a leading zero": b' {"x":01}',
        "tab in a string": b' {"name":"a\tb"}',
        "NUL in a string": b' {"name":"a\x00b"}',
        "unknown escape": b' {"name":"\\x41"}',
        "verbose is a string": b' {"verbose":"yes"}',
        "verbose is a number": b' {"verbose":1}',
        "pedantic is an array": b' {"pedantic":[]}',
        "ssl_required is a string": b' {"ssl_required":"no"}',
        "user is a number": b' {"user":5}',
        "pass is a boolean": b' {"pass":true}',
        "auth_token is an object": b' {"auth_token":{}}',
        "name is a number": b' {"name":7}',
        "lang is a boolean": b' {"lang":false}',
        "version is a number": b' {"version":1.0}',
    }.items()
}

BROKEN_VERB = {
    "shortened": Refusal(b"CONN\r", b"\n"),
    "misspelt": Refusal(b"CONNEX", b"T {}\r\n"),
    "cut by a blank": Refusal(b"CON ", b"{}\r\n"),
}


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_connect_is_accepted(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """A well-formed CONNECT is answered with +OK exactly when verbose holds after it."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("exchange", REPEATED.values(), ids=REPEATED.keys())
async def test_repeated_connect_merges(broker: StartBroker, exchange: Exchange, feeding: Feeding) -> None:
    """A further CONNECT changes what it names and keeps the rest."""
    await verify(broker, exchange, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", REFUSED.values(), ids=REFUSED.keys())
async def test_connect_with_bad_json_is_refused(
    broker: StartBroker, refusal: Refusal, feeding: Feeding
) -> None:
    """JSON that is broken, of the wrong shape or of the wrong type ends the connection."""
    await verify(broker, refusal, feeding)


@pytest.mark.parametrize("feeding", Feeding)
@pytest.mark.parametrize("refusal", BROKEN_VERB.values(), ids=BROKEN_VERB.keys())
async def test_broken_verb_is_an_unknown_operation(
    broker: StartBroker, refusal: Refusal, feeding: Feeding
) -> None:
    """What begins like CONNECT and is not ends the connection at the first wrong byte."""
    async with broker() as running:
        client = await running.connect()

        assert UNKNOWN_OPERATION == refusal.heard
        await refusal.verify(client, feeding)


@pytest.mark.parametrize("document", [b'{"account":"$SYS"}', b'{"account":"x","new_account":true}'])
async def test_account_is_never_switched(broker: StartBroker, document: bytes) -> None:
    """A client that asks for an account is refused, since there are none; 0.8.0 ignores the key."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b"CONNECT " + document + b"\r\n")
        await client.expect_end(AUTHORIZATION_VIOLATION)


@pytest.mark.parametrize("depth", [400, 1_900])
async def test_nested_arrays_are_read_through(broker: StartBroker, depth: int) -> None:
    """The value of an unknown key may be deeper than a call stack."""
    async with broker(max_control_line=8192) as running:
        client = await running.connect()

        await client.send(b'CONNECT {"x":' + depth * b"[" + depth * b"]" + b"}\r\n")
        await client.expect(OK)
        await client.fence()


async def test_absurd_nesting_is_answered(broker: StartBroker) -> None:
    """At some depth a document may be refused, in the words for any other."""
    async with broker(max_control_line=1_048_576) as running:
        witness = await Witness.join(running)
        client = await running.connect()

        await client.send(b'CONNECT {"x":' + 200_000 * b"[" + 200_000 * b"]" + b"}\r\n")
        assert await client.line() in {OK, PARSER_ERROR}
        await witness.expect_unharmed()


@pytest.mark.parametrize("protocol", [b"99", b"-1"])
async def test_unknown_protocol_numbers_are_ignored(broker: StartBroker, protocol: bytes) -> None:
    """0.8.0 knows no ``protocol`` key, so any value passes."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b'CONNECT {"protocol":' + protocol + b"}\r\n")
        await client.expect(OK)
        await client.fence()


async def test_operations_need_no_connect(broker: StartBroker) -> None:
    """Without authentication any operation may come first, under the defaults (section 1)."""
    async with broker() as running:
        client = await running.connect()

        await client.send(b"SUB foo 1\r\nPUB foo 2\r\nok\r\nPUB foo.* 0\r\n\r\n")
        await client.expect(OK + OK + b"MSG foo 1 2\r\nok\r\n" + INVALID_SUBJECT + OK)
