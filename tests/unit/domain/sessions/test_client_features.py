"""What a client of today asks for in CONNECT: headers, no echo, and word of requests that reach nobody."""

from dataclasses import replace

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.protocol.compatibility import Compatibility
from tests.support.virtual_broker import BrokerSetup, VirtualBroker

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
REQUEST = b"PUB nobody _INBOX.a.1 2\r\nhi\r\n"
ANSWER = b"HMSG _INBOX.a.1 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n"


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    """A server of today."""
    return VirtualBroker(make_plane, setup=BrokerSetup(compatibility=Compatibility.CURRENT))


def test_headers(server: VirtualBroker) -> None:
    """Headers arrive at a client that announced them, and are cut off for another."""
    able, plain = server.connect(), server.connect(quiet=True)
    able.send(CONNECT + b"SUB a 1\r\n")
    plain.send(b"SUB a 1\r\n")
    able.heard()

    heard = able.ask(b"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", 1)

    assert b"HMSG a 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n" == heard
    assert b"MSG a 1 2\r\nhi\r\n" == plain.heard()


def test_a_client_without_headers_sends_none(server: VirtualBroker) -> None:
    """HPUB of a client that announced no headers ends it without a text, in however many pieces it comes."""
    client, slow = server.connect(quiet=True), server.connect(quiet=True)

    for byte in b"HPUB a 12 14\r":
        slow.wire.feed(bytes([byte]))
        slow.wire.pump(None)
    assert not slow.wire.closed

    assert b"" == client.ask(b"HPUB a 12 14\r\n") == slow.ask(b"\n")
    assert client.wire.closed
    assert slow.wire.closed


def test_the_server_of_gnatsd_knows_no_headers(make_plane: MakePlane) -> None:
    """There the first letter of HPUB is refused already."""
    client = VirtualBroker(make_plane).connect(quiet=True)

    assert b"-ERR 'Unknown Protocol Operation'\r\n-ERR 'Parser Error'\r\n" == client.ask(b"H")


def test_a_server_without_headers(server: VirtualBroker) -> None:
    """INFO says so; who asks for headers all the same has none, and no word of requests that reach nobody."""
    greeting = server.broker.greeting
    greeting.set(replace(greeting.info, headers=False))
    client, asking = server.connect(), server.connect()
    client.send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n')
    refused = asking.ask(CONNECT)

    assert b'"headers":true' not in greeting.line()
    assert not client.ask(b"HPUB a 12 14\r\n")
    assert client.wire.closed
    assert refused.startswith(b"-ERR 'no responders requires headers support'")


def test_a_request_to_nobody(server: VirtualBroker) -> None:
    """The client reads at once that nobody is there, before the answer to its PING."""
    client = server.connect()
    client.send(CONNECT + b"SUB _INBOX.a.* 1\r\nSUB other 2\r\n")
    client.heard()

    assert ANSWER + b"PONG\r\n" == client.ask(REQUEST + b"PING\r\n")
    assert b"PONG\r\n" == client.ask(b"PUB nobody 2\r\nhi\r\nPING\r\n")


def test_the_answer_counts(server: VirtualBroker) -> None:
    """A subscription for one message has had it."""
    client = server.connect()
    client.send(CONNECT + b"SUB _INBOX.a.1 1\r\nUNSUB 1 1\r\n")
    client.heard()

    assert ANSWER == client.ask(REQUEST)
    assert not client.ask(REQUEST)


def test_others_do_not_read_the_answer(server: VirtualBroker) -> None:
    """The answer is for the client that asked."""
    other, client = server.connect(quiet=True), server.connect()
    other.send(b"SUB _INBOX.> 1\r\n")
    client.send(CONNECT)
    client.heard()

    client.send(REQUEST)

    assert not other.heard()
    assert not client.heard()


def test_answers_that_could_not_be_read(server: VirtualBroker) -> None:
    """Asking for answers without headers is an error."""
    client = server.connect()

    heard = client.ask(b'CONNECT {"no_responders":true}\r\n')

    assert heard.endswith(b"-ERR 'no responders requires headers support'\r\n")
    assert client.wire.closed


def test_no_echo(server: VirtualBroker) -> None:
    """A client that wants no echo gets none of its own messages, and others do."""
    other, client = server.connect(quiet=True), server.connect()
    other.send(b"SUB a 1\r\n")
    client.send(b'CONNECT {"verbose":false,"echo":false}\r\nSUB a 1\r\nSUB a q 2\r\n')
    client.heard()

    assert not client.ask(b"PUB a 1\r\nx\r\n")
    assert b"MSG a 1 1\r\nx\r\n" == other.heard()


def test_gnatsd_knows_none_of_it(make_plane: MakePlane) -> None:
    """With the protocol of gnatsd 0.8.0 these keys mean nothing, whatever their values are."""
    client = VirtualBroker(make_plane).connect()
    later = b'"echo":false,"no_responders":true,"protocol":99999999999999999999,"proxy_sig":1,"import":1'
    client.send(b'CONNECT {"verbose":false,' + later + b"}\r\nSUB a 1\r\n")
    client.heard()

    assert b"MSG a 1 1\r\nx\r\n" == client.ask(b"PUB a 1\r\nx\r\n")
    assert not client.ask(REQUEST)


@pytest.mark.parametrize(
    ("member", "answer"),
    [
        (b'"ssl_required":1', b"PONG\r\n"),
        (b'"tls_required":1', b""),
        (b'"protocol":"1"', b""),
        (b'"protocol":99999999999999999999', b""),
        (b'"proxy_sig":1', b""),
        (b'"import":"a"', b""),
        (b'"import":{"allow":["b"]},"export":{"deny":[">"]}', b"PONG\r\n"),
    ],
)
def test_members_that_only_other_servers_know(server: VirtualBroker, member: bytes, answer: bytes) -> None:
    """A value of the wrong type closes, unless the member is none of a current server's."""
    client = server.connect()

    assert answer == client.ask(b'CONNECT {"verbose":false,' + member + b"}\r\nPING\r\n")
    assert bool(answer) is not client.wire.closed
