"""INFO and CONNECT as servers exchange them, to the byte."""

import json
from dataclasses import replace

import pytest

from app.domain.cluster.info import MOST_URLS, RouteInfo, connect_line, read_info
from app.domain.protocol.errors import ParserError

INFO = RouteInfo(
    server_id="3N1ngQ4cDbWHt6j3nNB8uW", host="127.0.0.1", port=15804, version="0.8.0", max_payload=1048576
)
LINE = (
    b'INFO {"server_id":"3N1ngQ4cDbWHt6j3nNB8uW","version":"0.8.0","go":"","host":"127.0.0.1","port":15804,'
    b'"auth_required":false,"ssl_required":false,"tls_required":false,"tls_verify":false,'
    b'"max_payload":1048576}\r\n'
)

WRONG = {
    "no JSON": b"server",
    "cut": b'{"server_id":"A"',
    "a list": b'["A"]',
    "a text": b'"A"',
    "nothing": b"",
    "null": b"null",
    "an empty object": b"{}",
    "no id": b'{"port":1}',
    "an empty id": b'{"server_id":""}',
    "null for an id": b'{"server_id":null}',
    "a number for an id": b'{"server_id":5}',
    "a long id": b'{"server_id":"%b"}' % (129 * b"A"),
    "line ends in the id": b'{"server_id":"A\\r\\n"}',
    "an escape in the id": b'{"server_id":"\\u001b[2J"}',
    "half a letter in the id": b'{"server_id":"\\ud800"}',
    "a text for the port": b'{"server_id":"A","port":"6222"}',
    "a fraction for the port": b'{"server_id":"A","port":6222.0}',
    "true for the port": b'{"server_id":"A","port":true}',
    "a number for the host": b'{"server_id":"A","host":1}',
    "a number for auth_required": b'{"server_id":"A","auth_required":1}',
    "a text for tls_required": b'{"server_id":"A","tls_required":"true"}',
    "an object for ip": b'{"server_id":"A","ip":{}}',
    "a text for proto": b'{"server_id":"A","proto":"2"}',
    "a text for connect_urls": b'{"server_id":"A","connect_urls":"a:1"}',
    "numbers in connect_urls": b'{"server_id":"A","connect_urls":["a:1",2]}',
    "null in connect_urls": b'{"server_id":"A","connect_urls":[null]}',
    "a long address in connect_urls": b'{"server_id":"A","connect_urls":["%b"]}' % (257 * b"a"),
    "a text for leafnode_urls": b'{"server_id":"A","leafnode_urls":"a:1"}',
    "a text for ws_connect_urls": b'{"server_id":"A","ws_connect_urls":"a:1"}',
    "line ends in ws_connect_urls": b'{"server_id":"A","ws_connect_urls":["a:1\\r\\nPING"]}',
    "line ends in connect_urls": b'{"server_id":"A","connect_urls":["a:1\\r\\nPING"]}',
    "not a number": b'{"server_id":"A","port":NaN}',
    "5,000 digits": b'{"server_id":"A","port":%b}' % (5000 * b"9"),
    "30,000 brackets": b'{"server_id":"A","x":%b}' % (30_000 * b"["),
}


def test_the_line() -> None:
    """A server introduces itself with gnatsd's fields in gnatsd's order, and no blank before CR LF."""
    assert LINE == INFO.line()


def test_the_line_as_gossip() -> None:
    """INFO of a third server has the address at which its sender knows that server."""
    gossip = replace(INFO, ip="nats-route://127.0.0.1:15804/").line()

    assert LINE.replace(b"}\r\n", b',"ip":"nats-route://127.0.0.1:15804/"}\r\n') == gossip


def test_the_line_with_addresses_for_clients() -> None:
    """Addresses for clients stand last, where there are any."""
    line = replace(INFO, connect_urls=("10.0.0.1:4222", "10.0.0.2:4222")).line()

    assert LINE.replace(b"}\r\n", b',"connect_urls":["10.0.0.1:4222","10.0.0.2:4222"]}\r\n') == line


@pytest.mark.parametrize(
    ("info", "true"),
    [
        (replace(INFO, auth_required=True), {"auth_required"}),
        (replace(INFO, tls_required=True), {"ssl_required", "tls_required"}),
        (replace(INFO, tls_verify=True), {"tls_verify"}),
    ],
    ids=["auth", "tls", "verify"],
)
def test_demands(info: RouteInfo, true: set[str]) -> None:
    """Each demand is written under its key, and read back."""
    argument = info.line()[5:]

    assert true == {name for name, value in json.loads(argument).items() if value is True}
    assert info == read_info(argument)


def test_a_line_is_read_back() -> None:
    """A server reads what a server writes."""
    info = replace(INFO, headers=True, ip="nats-route://127.0.0.1:15804/", connect_urls=("a:1", "b:2"))
    info = replace(info, ws_connect_urls=("a:3",), leafnode_urls=("a:4",))

    assert info == read_info(info.line()[5:])


def test_what_later_servers_add_is_passed_over() -> None:
    """Keys that mean nothing here, in whatever form, do no harm; keys match in any case."""
    argument = (
        b'{"SERVER_ID":"A","server_name":"n","proto":1,"headers":true,"cluster":"c","lnoc":1,"port":null,'
        b'"import":{"allow":[">"]},"ssl_required":false,"go":"go1.19"}'
    )

    assert RouteInfo("A", proto=1, server_name="n", headers=True) == read_info(argument)


@pytest.mark.parametrize(
    ("name", "read"), [("west", "west"), (200 * "w", 128 * "w"), ("\u202ewest", ""), ("a\nb", ""), ("", "")]
)
def test_the_name_of_a_server(name: str, read: str) -> None:
    """A name is cut where it is long, and one that people cannot read is none."""
    line = replace(INFO, server_name=name, sends_on=True).line()

    info = read_info(line.removeprefix(b"INFO ").rstrip())

    assert (read, True) == (info.server_name, info.sends_on)


@pytest.mark.parametrize("argument", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_introduction(argument: bytes) -> None:
    """Broken JSON, wrong types, and ids that no server has, are refused."""
    with pytest.raises(ParserError):
        read_info(argument)


def test_news_of_one_server_by_many_is_read_once() -> None:
    """The same words give the same object; other words of the same length give another."""
    argument, other = INFO.line()[5:], replace(INFO, server_id=INFO.server_id[::-1]).line()[5:]

    assert read_info(argument) is read_info(bytes(bytearray(argument)))
    assert read_info(other).server_id == INFO.server_id[::-1]


def test_the_addresses_for_clients_are_bounded() -> None:
    """Of 10,000 addresses of one server only the first ones are taken."""
    urls = [f"{number}:1" for number in range(10_000)]

    info = read_info(json.dumps({"server_id": "A", "connect_urls": urls}).encode())

    assert tuple(urls[:MOST_URLS]) == info.connect_urls


def test_connect_without_credentials() -> None:
    """A server without credentials shows none, not even empty ones."""
    expected = (
        b'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"name":"6qQPfXtkoV4dYbE2KxMoUx"}\r\n'
    )

    assert expected == connect_line("6qQPfXtkoV4dYbE2KxMoUx", "", "", tls=False)


def test_connect_with_credentials() -> None:
    """Those of the URL are shown as a client shows its own."""
    expected = (
        b'CONNECT {"verbose":false,"pedantic":false,"user":"u","pass":"p \\"\\u0416\\"",'
        b'"tls_required":true,"name":"A"}\r\n'
    )

    assert expected == connect_line("A", "u", 'p "Ж"', tls=True)


def test_info_is_one_line() -> None:
    """Nothing that a third server is called breaks the line."""
    line = replace(INFO, host='a\r\n"b', version="\u2028\x85").line()

    assert 1 == line.count(b"\n")
    assert line.isascii()
