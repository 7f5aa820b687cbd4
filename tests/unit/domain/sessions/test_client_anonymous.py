"""Clients without credentials, where they may do without, and what logins know of their link."""

import pytest

from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.protocol.encode import ListenerInfo
from app.domain.security.certificate import CertificateNames
from app.domain.security.credentials import Credentials, Identity
from app.domain.security.link_security import Security
from tests.fakes.authenticator import ManualAuthenticator
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

TIMEOUT = b"-ERR 'Authorization Timeout'\r\n"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
CONNECT = b'CONNECT {"verbose":false}\r\n'
LIMITS = Limits(auth_timeout=1.0)
WEBSOCKET = ListenerInfo("127.0.0.1", 8080, connection_type=ConnectionType.WEBSOCKET)


@pytest.fixture(name="gatekeeper")
def _gatekeeper() -> ManualAuthenticator:
    """Nobody but the test answers."""
    return ManualAuthenticator()


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, gatekeeper: ManualAuthenticator) -> VirtualBroker:
    """A client that does not come in over a websocket may do without credentials."""
    setup = BrokerSetup(anonymous={ConnectionType.STANDARD: Identity("guest")})
    return VirtualBroker(make_plane, LIMITS, gatekeeper=gatekeeper, setup=setup)


def user_of(server: VirtualBroker, client: VirtualClient) -> str:
    """Under which name the client is known."""
    return server.broker.sessions[client.connection.cid].profile.user


@pytest.mark.parametrize(
    "connect",
    [b'CONNECT {"verbose":false}\r\n', b'CONNECT {"verbose":false,"user":"","jwt":"x","sig":"y"}\r\n'],
)
def test_without_credentials(server: VirtualBroker, gatekeeper: ManualAuthenticator, connect: bytes) -> None:
    """A CONNECT that claims nothing makes the client that user, and nobody is asked."""
    client = server.connect()

    assert b"PONG\r\n" == client.ask(connect + b"PING\r\n")
    server.advance(5)
    assert not client.wire.is_over
    assert "guest" == user_of(server, client)
    assert [] == gatekeeper.asked
    assert b"PONG\r\n" == client.ask(connect + b"PING\r\n")


@pytest.mark.parametrize("first", [b"PING\r\n", b"SUB a 1\r\n", b"PUB a 0\r\n\r\n"])
def test_without_a_connect(server: VirtualBroker, first: bytes) -> None:
    """A client that begins with anything else is served, and is not asked for CONNECT any more."""
    client = server.connect()

    assert b"-ERR" not in client.ask(first)
    server.advance(5)
    assert not client.wire.is_over
    assert b"+OK\r\n" == client.ask(b"PUB b 0\r\n\r\n")


@pytest.mark.parametrize("said", [b"", b"CONN"])
def test_a_client_that_says_nothing(server: VirtualBroker, said: bytes) -> None:
    """It runs out of time like any other."""
    client = server.connect()
    client.send(said)

    server.advance(2)

    assert TIMEOUT == client.heard()
    assert client.wire.closed


def test_with_credentials(server: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """They are judged, also after a beginning without; the identity does not change afterwards."""
    client = server.connect()
    client.ask(b"PING\r\n")
    client.send(b'CONNECT {"user":"derek","pass":"secret","verbose":false}\r\n')
    assert [Credentials("derek", "secret")] == gatekeeper.asked
    gatekeeper.admit("derek")

    assert b"PONG\r\n" == client.ask(CONNECT + b"PING\r\n")
    assert "derek" == user_of(server, client)
    assert VIOLATION == client.ask(b'CONNECT {"user":"guest"}\r\n')


@pytest.mark.parametrize(("user", "answer"), [("derek", VIOLATION), ("guest", b"PONG\r\n")])
def test_credentials_after_a_subscription(
    server: VirtualBroker, gatekeeper: ManualAuthenticator, user: str, answer: bytes
) -> None:
    """What was subscribed with the rights of one user is not kept with those of another."""
    client = server.connect()
    client.ask(b"SUB a 1\r\n")
    client.send(b'CONNECT {"user":"%b","pass":"x","verbose":false}\r\nPING\r\n' % user.encode())
    gatekeeper.admit(user)
    server.settle()

    assert answer == client.heard()


def test_wrong_credentials(server: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """A client that claims to be somebody is refused, and does not become nobody instead."""
    client = server.connect()
    client.send(b'CONNECT {"user":"guest"}\r\nPING\r\n')
    gatekeeper.refuse()
    server.settle()

    assert VIOLATION == client.heard()


def test_a_verdict_that_takes_too_long(server: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """It ends a client that was served before."""
    client = server.connect()
    client.ask(b"PING\r\n")
    client.send(b'CONNECT {"user":"derek","verbose":false}\r\n')

    server.advance(30)

    assert TIMEOUT == client.heard()
    assert 1 == gatekeeper.cancelled


def test_another_listener(server: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """Where clients need credentials, nothing comes before them, and the authenticator knows where it is."""
    wire = server.wire()
    client = VirtualClient(
        server, server.drive(wire, lambda wire: server.broker.accept(wire, WEBSOCKET)), wire
    )
    server.clients.append(client)
    client.heard()
    client.send(CONNECT)

    assert [Credentials(connection_type=ConnectionType.WEBSOCKET)] == gatekeeper.asked
    assert ConnectionType.WEBSOCKET is gatekeeper.asked[0].connection_type


def test_the_names_in_a_certificate(server: VirtualBroker, gatekeeper: ManualAuthenticator) -> None:
    """What the link knows of its peer is part of the credentials, and no claim by itself."""
    names = CertificateNames(emails=("derek@example.org",))
    client = server.connect()
    client.wire.agreed = Security("1.3", "TLS_AES_128_GCM_SHA256", names)
    client.send(b'CONNECT {"user":"derek","verbose":false}\r\n')

    assert [Credentials("derek", certificate=names)] == gatekeeper.asked
    assert not gatekeeper.asked[0].is_empty
    assert Credentials(certificate=names).is_empty
