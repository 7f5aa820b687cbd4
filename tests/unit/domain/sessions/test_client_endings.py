"""How clients end, what is kept of it, and what is counted."""

import pytest

from app.domain.closed_clients import TEXT_LENGTH, ClosedClient
from app.domain.closing_reason import ClosingReason
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import Fault, MakePlane
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.encode import ListenerInfo
from app.domain.security.link_security import Security
from app.domain.sessions.client import ClientSession
from app.domain.sessions.header_faults import is_about_headers
from app.domain.stats import Violations
from tests.fakes.authenticator import ManualAuthenticator
from tests.support.virtual_broker import QUIET, BrokerSetup, VirtualBroker, VirtualClient

LIMITS = Limits(max_payload=100, max_control_line=64, ping_max=1, max_connections=2)
HEADERS = b'CONNECT {"verbose":false,"headers":true}\r\n'


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    """A server of today with narrow limits."""
    return VirtualBroker(make_plane, LIMITS, setup=BrokerSetup(compatibility=Compatibility.CURRENT))


def last(server: VirtualBroker) -> ClosedClient:
    """The client that was closed last."""
    return server.broker.history.closed.all()[-1]


def lose(client: VirtualClient, error: Exception) -> None:
    """The link ends with an error."""
    client.connection.connection_lost(error)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GARBAGE\r\n", "Protocol Violation"),
        (b"SUB a\r\n", "Protocol Violation"),
        (b"PUB a 2\r\nhi, there\r\n", "Protocol Violation"),
        (b"HPUB a 12 20\r\n", "Protocol Violation"),
        (b"PUB a 101\r\n", "Maximum Message Payload Exceeded"),
        (b"PUB " + 65 * b"a" + b" 0\r\n", "Maximum Control Line Exceeded"),
        (b"SUB " + 400 * b"a", "Maximum Control Line Exceeded"),
        (b"-ERR 'x'\r\n", "Parse Error"),
        (b'CONNECT {"account":"A"}\r\n', "Authentication Failure"),
        (b'CONNECT {"protocol":9}\r\n', "Bad Client Protocol Version"),
        (b'CONNECT {"no_responders":true}\r\n', "No Responders Requires Headers"),
    ],
)
def test_what_a_client_sent(server: VirtualBroker, sent: bytes, reason: str) -> None:
    """What is refused gives the end its name, that of current servers."""
    client = server.connect(quiet=True)

    client.send(sent)

    assert ClosingReason(reason) is last(server).reason


def test_a_client_that_leaves(server: VirtualBroker) -> None:
    """The end of a link is the client's, an error of it is not; nobody is kept twice."""
    first, second = server.connect(), server.connect()
    first.connection.eof_received()
    lose(second, ConnectionResetError())

    reasons = [one.reason.value for one in server.broker.history.closed.all()]

    assert ["Client Closed", "Read Error"] == reasons


def test_a_tls_handshake_that_fails(server: VirtualBroker) -> None:
    """A link that never opened was to be encrypted."""
    client = server.accept(opened=False)

    client.connection.connection_lost(None)

    assert ClosingReason.TLS_HANDSHAKE_FAILURE is last(server).reason


def test_a_websocket_that_never_was(server: VirtualBroker) -> None:
    """A request that became no websocket was no client; one that did is kept as such."""
    at = ListenerInfo("127.0.0.1", 8080, connection_type=ConnectionType.WEBSOCKET)
    for opened in (False, True):
        connection = server.drive(server.wire(), lambda wire: server.broker.accept(wire, at), opened=opened)
        connection.connection_lost(None)

    (kept,) = server.broker.history.closed.all()
    assert (2, True, ClosingReason.CLIENT_CLOSED) == (kept.cid, kept.websocket, kept.reason)


def test_too_many_clients(server: VirtualBroker) -> None:
    """One that found no room is kept, too."""
    for _ in range(3):
        server.accept()

    assert (3, ClosingReason.MAXIMUM_CONNECTIONS) == (last(server).cid, last(server).reason)


@pytest.mark.parametrize("admitted", [True, False])
def test_logins(make_plane: MakePlane, admitted: bool) -> None:  # noqa: FBT001 - a verdict
    """A refused login and one that never came have different names; only who is in has one."""
    gatekeeper = ManualAuthenticator()
    server = VirtualBroker(make_plane, gatekeeper=gatekeeper)
    client = server.connect()
    if admitted:
        server.advance(2.0)
    else:
        client.send(b'CONNECT {"user":"ann"}\r\n')
        gatekeeper.refuse()

    expected = "Authentication Timeout" if admitted else "Authentication Failure"
    assert (expected, "") == (last(server).reason.value, last(server).user)


def test_unanswered_pings(server: VirtualBroker) -> None:
    """A client that is closed for them is stale, and counted."""
    server.connect(quiet=True)

    server.advance(400.0)

    assert ClosingReason.STALE_CONNECTION is last(server).reason
    assert (1, 0) == (server.broker.history.stale_connections, server.broker.history.stale_routes)


@pytest.mark.parametrize(("full", "reason"), [(True, "Pending Bytes"), (False, "Write Deadline")])
def test_slow_consumers(server: VirtualBroker, full: bool, reason: str) -> None:  # noqa: FBT001 - a case
    """The name says which limit a slow consumer has passed."""
    server.connect().connection.abort_slow("for this test", full=full)

    assert f"Slow Consumer ({reason})" == last(server).reason.value


def test_a_defect(server: VirtualBroker) -> None:
    """A client that was closed for a defect of ours is not blamed."""
    server.connect().connection.failed(ValueError("for this test"))

    assert ClosingReason.INTERNAL_ERROR is last(server).reason


def test_the_end_of_the_server(server: VirtualBroker) -> None:
    """Clients that are here then are closed for it."""
    server.connect()

    server.broker.shutdown(lambda: None)
    server.settle()

    assert ClosingReason.SERVER_SHUTDOWN is last(server).reason


def test_what_is_kept(server: VirtualBroker) -> None:
    """The figures are those of the last moment; long words about oneself are cut."""
    client = server.connect()
    client.wire.agreed = Security("1.3", "TLS_X")
    client.send(b'CONNECT {"verbose":false,"lang":"py","version":"3"}\r\n')
    client.connection.session.lang = TEXT_LENGTH * "y" + "z"  # type: ignore[attr-defined] # a client's
    server.advance(5.0)
    client.send(b"SUB a 1\r\nPUB a 2\r\nhi\r\n")
    expected = client.connection.stats()
    server.advance(1.0)
    client.leave()

    kept = last(server)

    stats = kept.stats()
    assert (expected, 1) == (stats.connection, stats.subscriptions)
    assert (TEXT_LENGTH * "y", "3") == (kept.lang, kept.version)
    assert (server.clock.monotonic(), ClosingReason.CLIENT_CLOSED) == (kept.stopped, kept.reason)


# --- counted refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "sent", "count"),
    [
        (HEADERS, b"HPUB a 12 5\r\n", 1),
        (HEADERS, b"HPUB a 5\r\n", 1),
        (HEADERS, b"HPUB a 5 x\r\n", 0),
        (HEADERS, b"PUB a x\r\n", 0),
        (HEADERS, b"HPUB a 2 101\r\n", 0),
        (QUIET, b"HPUB a 12 20\r\n", 1),
        (QUIET, b"hpub\ta 12 20\r\n", 1),
        (QUIET, b"PUB a\r\n", 0),
        (QUIET, b"GARBAGE\r\n", 0),
    ],
)
def test_violations_of_headers(server: VirtualBroker, greeting: bytes, sent: bytes, count: int) -> None:
    """Sizes of headers that cannot be are counted, and headers of a client that may send none."""
    client = server.connect()
    client.send(greeting)

    client.send(sent)

    assert client.wire.closed
    assert Violations(headers=count) == server.broker.history.violations


@pytest.mark.parametrize(
    ("fault", "text", "about"),
    [
        (Fault.SIZE, b"a 12 5", True),
        (Fault.SIZE, b"a 12 x", False),
        (Fault.ARGUMENTS, b"a 5", True),
        (Fault.ARGUMENTS, b"a", False),
        (Fault.PAYLOAD, b"101", False),
    ],
)
def test_faults_about_headers(fault: Fault, text: bytes, about: bool) -> None:  # noqa: FBT001 - a verdict
    """They are known by the words of the line."""
    assert about == is_about_headers(fault, text)


# --- the first ping ------------------------------------------------------------------------


def test_the_first_ping(server: VirtualBroker) -> None:
    """It comes two seconds after CONNECT, and gives the round-trip time; the next one at the interval."""
    client = server.connect()
    server.advance(10.0)
    assert b"" == client.heard()

    client.send(QUIET)
    server.advance(1.9)
    early = client.heard()
    server.advance(0.2)
    heard = client.heard()
    server.clock.advance(0.5)
    client.send(b"PONG\r\n")

    assert (b"", b"PING\r\n") == (early, heard)
    assert 0.5 <= client.connection.rtt == client.connection.stats().rtt < 0.7
    server.advance(119.0)
    assert b"" == client.heard()
    server.advance(1.2)
    assert b"PING\r\n" == client.heard()


def test_gnatsd_does_not_ping_early(make_plane: MakePlane) -> None:
    """Its clients are pinged at the interval alone."""
    client = VirtualBroker(make_plane).connect()
    client.send(QUIET)

    client._owner.advance(10.0)  # noqa: SLF001 - the server that the client is at

    assert b"" == client.heard()


def test_an_open_client(server: VirtualBroker) -> None:
    """A snapshot of one that is here has no end."""
    session = server.connect().connection.session

    assert isinstance(session, ClientSession)
    assert (None, False) == (session.stats().closing, session.stats().websocket)
