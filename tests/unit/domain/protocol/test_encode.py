"""Unit tests of the lines the server sends (client-protocol.md, sections 2, 10 and 11)."""

import json
from dataclasses import replace

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.protocol import encode
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ListenerInfo, PersonalInfo, ServerInfo

INFO = ServerInfo(
    server_id="6GmDbeiaaXw6rbl9UhqMij",
    version="0.8.0",
    go="go1.19.8",
    host="127.0.0.1",
    port=57437,
    auth_required=False,
    tls_required=False,
    tls_verify=False,
    max_payload=10,
)


def test_fixed_lines() -> None:
    """Answers without a choice."""
    assert (b"+OK\r\n", b"PING\r\n", b"PONG\r\n") == (encode.OK, encode.PING, encode.PONG)


def test_the_info_line() -> None:
    """The fields of gnatsd in gnatsd's order, and a blank before the line ends."""
    expected = (
        b'INFO {"server_id":"6GmDbeiaaXw6rbl9UhqMij","version":"0.8.0","go":"go1.19.8","host":"127.0.0.1",'
        b'"port":57437,"auth_required":false,"ssl_required":false,"tls_required":false,"tls_verify":false,'
        b'"max_payload":10} \r\n'
    )

    assert expected == INFO.line()


def test_an_address_for_clients() -> None:
    """INFO has the advertised address, if there is one, in place of the address that is listened on."""
    line = replace(INFO, advertised_host="me.example", advertised_port=1).line()

    assert b'"host":"me.example","port":1,' in line


def test_another_listener() -> None:
    """A client that came in there hears of its address and TLS, whatever is advertised of the first."""
    listener = ListenerInfo("127.0.0.2", 4443, tls_required=True, tls_verify=True)
    line = replace(INFO, advertised_host="me.example", advertised_port=1).line(
        PersonalInfo(listener=listener)
    )

    assert b'"host":"127.0.0.2","port":4443,"auth_required":false,"ssl_required":true,' in line
    assert b'"tls_required":true,"tls_verify":true,' in line


def test_a_host_for_clients() -> None:
    """An advertised host without a port goes with the port that is listened on."""
    line = replace(INFO, advertised_host="me.example").line()

    assert b'"host":"me.example","port":57437,' in line


@pytest.mark.parametrize(
    ("info", "true"),
    [
        (replace(INFO, auth_required=True), {"auth_required"}),
        (replace(INFO, tls_required=True), {"ssl_required", "tls_required"}),
        (replace(INFO, tls_verify=True), {"tls_verify"}),
    ],
    ids=["auth", "tls", "verify"],
)
def test_what_is_required(info: ServerInfo, true: set[str]) -> None:
    """Each demand has its key, that of TLS an old one besides."""
    fields = json.loads(info.line().removeprefix(b"INFO "))

    assert true == {name for name, value in fields.items() if value is True}


def test_info_is_one_line_of_ascii() -> None:
    """Names with line ends, quotes or other letters arrive whole and break nothing."""
    host = 'a\r\n"Ж"'
    line = replace(INFO, host=host).line()

    assert line.isascii()
    assert 1 == line.count(b"\n")
    assert host == json.loads(line.removeprefix(b"INFO "))["host"]


def test_info_with_addresses_for_clients() -> None:
    """Where else clients may connect stands last, in order, and only if there is anywhere."""
    line = replace(INFO, connect_urls=("10.0.0.1:4222", "10.0.0.2:4222")).line()

    assert INFO.line().replace(b"} ", b',"connect_urls":["10.0.0.1:4222","10.0.0.2:4222"]} ') == line


def test_the_info_line_of_today() -> None:
    """The keys of current servers in their order; what is false or empty is left out."""
    info = replace(INFO, version="2.2.0", compatibility=Compatibility.CURRENT)
    expected = (
        b'INFO {"server_id":"6GmDbeiaaXw6rbl9UhqMij","server_name":"6GmDbeiaaXw6rbl9UhqMij",'
        b'"version":"2.2.0","proto":1,"go":"go1.19.8","host":"127.0.0.1","port":57437,"headers":true,'
        b'"max_payload":10,"client_id":7,"client_ip":"192.0.2.1"} \r\n'
    )

    assert expected == info.line(PersonalInfo(client_id=7, client_ip="192.0.2.1"))


def test_all_keys_of_today() -> None:
    """Everything that may be in INFO, each key at its place."""
    info = replace(
        INFO,
        compatibility=Compatibility.CURRENT,
        server_name="n",
        auth_required=True,
        tls_required=True,
        tls_verify=True,
        tls_available=True,
        cluster="c",
        connect_urls=("h:1",),
        ws_connect_urls=("h:2",),
    )
    line = info.line(PersonalInfo(client_id=7, client_ip="192.0.2.1", nonce="x", ldm=True))

    assert [
        *("server_id", "server_name", "version", "proto", "go", "host", "port", "headers"),
        *("auth_required", "tls_required", "tls_verify", "tls_available", "max_payload"),
        *("client_id", "client_ip", "nonce", "cluster", "connect_urls", "ldm"),
    ] == list(json.loads(line[5:]))


@pytest.mark.parametrize("compatibility", Compatibility)
def test_clients_of_websockets_get_addresses_of_websockets(compatibility: Compatibility) -> None:
    """Each client gets the addresses that serve clients of its kind, and no others."""
    info = replace(INFO, compatibility=compatibility, connect_urls=("h:1",), ws_connect_urls=("h:2",))
    at = ListenerInfo("h", 3, connection_type=ConnectionType.WEBSOCKET)

    lines = [info.line(), info.line(PersonalInfo(listener=at))]

    infos = [json.loads(line[5:]) for line in lines]
    assert [["h:1"], ["h:2"]] == [each["connect_urls"] for each in infos]
    assert not any("ws_connect_urls" in each for each in infos)
