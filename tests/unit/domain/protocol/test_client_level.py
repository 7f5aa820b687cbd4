"""The version in INFO: a check for each feature that clients expect of it."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.adapters.auth.nkeys import NkeyAuthenticator
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.jetstream.consumers.config import ACK_POLICIES
from app.domain.jetstream.settings import API_LEVEL
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import checked
from app.domain.limits import Limits
from app.domain.protocol.client_level import CLIENT_LEVEL
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ListenerInfo, PersonalInfo, ServerInfo
from app.domain.sessions.client import ClientSession
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.wire import ADDRESS
from tests.support.nkeys import NkeyUser
from tests.support.virtual_broker import INFO, BrokerSetup, VirtualBroker, VirtualClient

CURRENT = BrokerSetup(compatibility=Compatibility.CURRENT)
FEATURES = {
    "invalid client protocol": "0.9.2",
    "asynchronous INFO": "0.9.2",
    "maximum subscriptions": "1.2.0",
    "Invalid Publish Subject": "1.2.0",
    "proto": "1.2.0",
    "client_id": "1.2.0",
    "no echo": "1.2.0",
    "only what is true": "1.2.0",
    "one line for an unknown operation": "1.4.0",
    "control line of 4096 bytes": "1.4.0",
    "cluster": "2.0.0",
    "nonce": "2.0.0",
    "login with an nkey": "2.0.0",
    "Authentication Timeout": "2.0.0",
    "server_name": "2.1.2",
    "client_ip": "2.1.6",
    "headers": "2.2.0",
    "delivery of headers": "2.2.0",
    "no responders": "2.2.0",
    "ldm": "2.2.0",
    "tls_available": "2.2.0",
    "connect_urls for websockets": "2.2.0",
    "jetstream": "2.2.0",
    "domain": "2.3.3",
    "message tracing": "2.11.0",
    "streams": "2.12.0",
    "connect_info": "2.12.0",
    "fast batches": "2.14.0",
    "acks by flow control": "2.14.0",
    "sources by consumers": "2.14.0",
}
"""What clients see, and since which version (later-client-features.md, sections 2 to 7)."""

ASYNC = b'CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\nPING\r\n'


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    """A server of today that lets everyone in, with small limits."""
    limits = Limits(max_control_line=4096, max_subscriptions=2)
    return VirtualBroker(make_plane, limits, setup=CURRENT)


def info_of(client: VirtualClient) -> dict[str, object]:
    """The last INFO that the client heard."""
    line = [line for line in client.heard().split(b"\r\n") if line.startswith(b"INFO ")][-1]
    info: dict[str, object] = json.loads(line[5:])
    return info


def updated(server: VirtualBroker, info: ServerInfo) -> dict[str, object]:
    """What a client hears when INFO changes to this."""
    client = server.connect()
    assert client.ask(ASYNC).startswith(b"PONG\r\n")
    server.broker.greeting.set(info)
    return info_of(client)


def informed(server: VirtualBroker, personal: PersonalInfo) -> dict[str, object]:
    """What a client hears when this is said to it alone."""
    client = server.connect()
    assert client.ask(ASYNC).startswith(b"PONG\r\n")
    session = client.connection.session
    assert isinstance(session, ClientSession)
    session.tell(personal)
    server.broker.deferred.flush()
    return info_of(client)


def asked(server: VirtualBroker, data: bytes) -> tuple[bytes, bool]:
    """The answer to a client without +OK, and whether it is still served."""
    client = server.connect()
    heard = client.ask(b'CONNECT {"verbose":false}\r\n' + data)
    return heard, not client.connection.closed


def _info(server: VirtualBroker) -> ServerInfo:
    return server.broker.greeting.info


def _is_traced(server: VirtualBroker) -> bool:
    block = b"NATS/1.0\r\nNats-Trace-Dest:t\r\n\r\n"
    client = server.connect()
    client.send(b'CONNECT {"verbose":false,"headers":true}\r\nSUB t 1\r\n')
    client.send(b"HPUB a %d %d\r\n%b\r\n" % (len(block), len(block), block))
    server.settle()
    return b'"events":[{"type":"in",' in client.heard()


def _login_takes_too_long(server: VirtualBroker) -> bool:
    server.broker.gatekeeper = ManualAuthenticator()
    client = server.connect()
    server.advance(server.limits.auth_timeout)
    return client.heard() == b"-ERR 'Authentication Timeout'\r\n" and client.connection.closed


def _long_subjects(server: VirtualBroker) -> bool:
    fitting, longer = b"a" * 4094, b"a" * 4095
    return (b"PONG\r\n", True) == asked(server, b"SUB %b 1\r\nPING\r\n" % fitting) and (
        b"-ERR 'maximum control line exceeded'\r\n",
        False,
    ) == asked(server, b"SUB %b 1\r\n" % longer)


def _headers_are_delivered(server: VirtualBroker) -> bool:
    plain = server.connect(quiet=True)
    plain.send(b"SUB a 1\r\n")
    message = b"14 16\r\nNATS/1.0\r\n\r\n\r\nhi\r\n"
    heard, _ = asked(server, b'CONNECT {"headers":true}\r\nSUB a 1\r\nHPUB a ' + message)
    return heard == b"HMSG a 1 " + message and plain.heard() == b"MSG a 1 2\r\nhi\r\n"


def _signs_the_nonce(server: VirtualBroker) -> bool:
    user, nonce = NkeyUser(), "NONCE"
    server.broker.gatekeeper = NkeyAuthenticator([user.nkey])
    server.broker.greeting.make_nonce = lambda: nonce
    login = {"verbose": False, "nkey": user.nkey, "sig": user.sig(nonce)}
    connect = b"CONNECT %b\r\nPING\r\n" % json.dumps(login).encode()
    return info_of(server.accept())["nonce"] == nonce and server.connect().ask(connect) == b"PONG\r\n"


def _is_let_in(server: VirtualBroker, login: bytes) -> bool:
    """Whether the client hears after its first PONG, and never again, that it is let in."""
    client = server.connect()
    client.send(login)
    pong, _, rest = client.heard().partition(b"\r\n")
    if not rest:
        return False
    info = json.loads(rest.removeprefix(b"INFO "))
    assert (pong, info["connect_info"], info["remote_account"]) == (b"PONG", True, "$G")
    return client.ask(b"PING\r\n") == b"PONG\r\n"


OVER_WEBSOCKET = PersonalInfo(listener=ListenerInfo("h", 1, connection_type=ConnectionType.WEBSOCKET))


def _has(**fields: object) -> bool:
    """Whether a stream may be so configured."""
    found = checked(parse_stream_config({"name": "S"} | fields))
    return found.allow_batched or any(source.consumer is not None for source in found.sources)


CHECKS: dict[str, Callable[[VirtualBroker], bool]] = {
    "invalid client protocol": lambda server: (
        asked(server, b'CONNECT {"protocol":2}\r\n') == (b"-ERR 'invalid client protocol'\r\n", False)
    ),
    "asynchronous INFO": lambda server: (
        updated(server, replace(_info(server), max_payload=5))["max_payload"] == 5
    ),
    "maximum subscriptions": lambda server: (
        asked(server, b"SUB a 1\r\nSUB b 2\r\nSUB a 2\r\nSUB c 3\r\nPUB c 0\r\n\r\nPING\r\n")
        == (b"-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n", True)
    ),
    "Invalid Publish Subject": lambda server: (
        asked(server, b"PUB a..b 0\r\n\r\nPING\r\n") == (b"-ERR 'Invalid Publish Subject'\r\nPONG\r\n", True)
    ),
    "proto": lambda server: info_of(server.accept())["proto"] == 1,
    "client_id": lambda server: [info_of(server.accept())["client_id"] for _ in range(2)] == [1, 2],
    "no echo": lambda server: (
        asked(server, b'CONNECT {"echo":false}\r\nSUB a 1\r\nPUB a 0\r\n\r\nPING\r\n') == (b"PONG\r\n", True)
    ),
    "only what is true": lambda server: (
        not {"auth_required", "ssl_required", "tls_required", "tls_verify"} & set(info_of(server.accept()))
    ),
    "one line for an unknown operation": lambda server: (
        asked(server, b"NOPE\r\n") == (b"-ERR 'Unknown Protocol Operation'\r\n", False)
    ),
    "control line of 4096 bytes": _long_subjects,
    "cluster": lambda server: updated(server, replace(_info(server), cluster="c"))["cluster"] == "c",
    "nonce": lambda server: informed(server, PersonalInfo(nonce="n"))["nonce"] == "n",
    "login with an nkey": _signs_the_nonce,
    "Authentication Timeout": _login_takes_too_long,
    "server_name": lambda server: info_of(server.accept())["server_name"] == INFO.server_id,
    "client_ip": lambda server: informed(server, PersonalInfo(ldm=True))["client_ip"] == ADDRESS,
    "headers": lambda server: info_of(server.accept())["headers"] is True,
    "delivery of headers": _headers_are_delivered,
    "no responders": lambda server: (
        asked(
            server,
            b'CONNECT {"headers":true,"no_responders":true}\r\nSUB r 1\r\nPUB a r 0\r\n\r\n',
        )
        == (b"HMSG r 1 33 33\r\nNATS/1.0 503\r\nNats-Subject: a\r\n\r\n\r\n", True)
    ),
    "ldm": lambda server: informed(server, PersonalInfo(ldm=True))["ldm"] is True,
    "tls_available": lambda server: (
        updated(server, replace(_info(server), tls_available=True))["tls_available"] is True
    ),
    "connect_urls for websockets": lambda server: (
        json.loads(replace(_info(server), ws_connect_urls=("h:1",)).line(OVER_WEBSOCKET)[5:])["connect_urls"]
        == ["h:1"]
    ),
    "jetstream": lambda server: (
        updated(server, replace(_info(server), jetstream=True, api_level=2))["jetstream"] is True
    ),
    "domain": lambda server: updated(server, replace(_info(server), domain="hub"))["domain"] == "hub",
    "message tracing": _is_traced,
    "streams": lambda _server: API_LEVEL >= 4,
    "fast batches": lambda _server: _has(allow_batched=True),
    "acks by flow control": lambda _server: "flow_control" in ACK_POLICIES,
    "sources by consumers": lambda _server: _has(
        subjects=[], sources=[{"name": "O", "consumer": {"name": "C", "deliver_subject": "d"}}]
    ),
    "connect_info": lambda server: (
        _is_let_in(server, ASYNC) and not _is_let_in(server, ASYNC.replace(b"1", b"0"))
    ),
}


def test_each_feature_has_a_check() -> None:
    """Nothing is promised that is not checked."""
    assert set(FEATURES) == set(CHECKS)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_of_the_level(feature: str, server: VirtualBroker) -> None:
    """It works here, and the version in INFO is not older than it."""
    assert CHECKS[feature](server)
    assert _numbers(FEATURES[feature]) <= _numbers(CLIENT_LEVEL)


def test_clients_recognize_the_level() -> None:
    """Clients look for three numbers, and from 2.14 on for fast batches."""
    assert (2, 14, 0) <= _numbers(CLIENT_LEVEL) < (2, 15, 0)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_gnatsd_has_none_of_it(make_plane: MakePlane) -> None:
    """With its protocol, INFO and errors are what they were."""
    server = VirtualBroker(make_plane)
    info = info_of(server.accept())

    assert {"ssl_required", "auth_required"} <= set(info)
    assert not {"proto", "server_name", "headers", "client_id"} & set(info)
    assert (b"", True) == asked(server, b'CONNECT {"protocol":2}\r\n')


def test_no_more_than_one_connection(make_plane: MakePlane) -> None:
    """One too many reads INFO and why it ends."""
    server = VirtualBroker(make_plane, Limits(max_connections=1), setup=CURRENT)
    server.connect()

    assert server.accept().heard().endswith(b"\r\n-ERR 'maximum connections exceeded'\r\n")
