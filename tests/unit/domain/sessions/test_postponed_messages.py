"""Messages to nobody, which wait until other connections have been read, and what follows them."""

import pytest

from app.domain.closing_reason import ClosingReason
from app.domain.connection_type import ConnectionType
from app.domain.dataplane.seam import MakePlane
from app.domain.limits import Limits
from app.domain.security.credentials import Identity
from app.domain.sessions.early_input import EARLY_BYTES
from tests.fakes.authenticator import ManualAuthenticator
from tests.fakes.clock import BusyClock
from tests.fakes.single_user import SingleUser
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

PONG = b"PONG\r\n"
VIOLATION = b"-ERR 'Authorization Violation'\r\n"
QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
LOGIN = b'CONNECT {"verbose":false,"pedantic":false,"user":"ann","pass":"pw"}\r\n'
LARGE = 300 * 1024
"""More than the room that all connections share."""


def message(subject: bytes, payload: bytes = b"ok") -> bytes:
    """A PUB."""
    return b"PUB %b %d\r\n%b\r\n" % (subject, len(payload), payload)


def delivery(subject: bytes, payload: bytes = b"ok") -> bytes:
    """The same at the sid 1."""
    return b"MSG %b 1 %d\r\n%b\r\n" % (subject, len(payload), payload)


def feed(client: VirtualClient, data: bytes, size: int | None) -> None:
    """Send in reads of this size, and let nobody else go on."""
    client.wire.feed(data, size)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane) -> VirtualBroker:
    return VirtualBroker(make_plane, setup=BrokerSetup(clock=BusyClock()))


@pytest.fixture(name="client")
def _client(server: VirtualBroker) -> VirtualClient:
    return server.connect(quiet=True)


@pytest.fixture(name="listener")
def _listener(server: VirtualBroker) -> VirtualClient:
    return server.connect(quiet=True)


@pytest.fixture(name="gatekeeper")
def _gatekeeper() -> ManualAuthenticator:
    return ManualAuthenticator()


@pytest.fixture(name="guarded")
def _guarded(make_plane: MakePlane, gatekeeper: ManualAuthenticator) -> VirtualBroker:
    """A server whose clients may begin without a login."""
    setup = BrokerSetup(clock=BusyClock(), anonymous={ConnectionType.STANDARD: Identity("guest")})
    return VirtualBroker(make_plane, Limits(auth_timeout=60), gatekeeper=gatekeeper, setup=setup)


@pytest.mark.parametrize("subscribes", [True, False])
@pytest.mark.parametrize("size", [None, 1])
def test_a_publisher_that_leaves_at_once(
    server: VirtualBroker,
    client: VirtualClient,
    listener: VirtualClient,
    *,
    subscribes: bool,
    size: int | None,
) -> None:
    """Its message is delivered to those who subscribe in the same round; then it is closed in order."""
    feed(client, message(b"a"), size)
    client.wire.end()
    waits = not client.wire.closed
    if subscribes:
        listener.wire.feed(b"SUB a 1\r\n")
    server.settle()

    assert waits
    assert (delivery(b"a") if subscribes else b"") == listener.heard()
    assert (True, False) == (client.wire.closed, client.wire.aborted)
    assert [ClosingReason.CLIENT_CLOSED] == [each.reason for each in server.broker.history.closed.all()]


def test_an_end_after_more_that_came_meanwhile(
    server: VirtualBroker, client: VirtualClient, listener: VirtualClient
) -> None:
    """Further messages to nobody are obeyed before the end as well, each after a wait of its own."""
    for subject in (b"a", b"b", b"c"):
        feed(client, message(subject), None)
    client.wire.end()
    listener.wire.feed(b"SUB > 1\r\n")
    server.settle()

    assert delivery(b"a") + delivery(b"b") + delivery(b"c") == listener.heard()
    assert client.wire.closed


def test_a_large_message_whose_publisher_leaves(
    server: VirtualBroker, client: VirtualClient, listener: VirtualClient
) -> None:
    """What does not fit into the shared room waits in its own, and what follows is read next to it."""
    payload = LARGE * b"x"
    feed(client, message(b"a", payload) + b"PI", 10_000)
    early = client.wire.paused
    feed(client, b"NG\r\n" + message(b"a"), None)
    client.wire.end()
    listener.wire.feed(b"SUB a 1\r\n")
    server.settle()

    assert not early
    assert delivery(b"a", payload) + delivery(b"a") == listener.heard()
    assert (PONG, True) == (client.heard(), client.wire.closed)


@pytest.mark.parametrize("size", [None, 1, 2, 7, 16])
def test_a_pipeline_keeps_its_order(
    server: VirtualBroker, client: VirtualClient, listener: VirtualClient, size: int | None
) -> None:
    """What follows a message to nobody is neither obeyed before it nor lost, however it is read."""
    listener.send(b"SUB seen.> 1\r\n")
    pipeline = (
        message(b"nobody", b"1")
        + b"PING\r\nSUB a 1\r\n"
        + message(b"a", b"2")
        + message(b"seen.x", b"3")
        + message(b"nobody", b"4")
        + b"UNSUB 1\r\n"
        + message(b"a", b"5")
        + b"PING\r\n"
        + message(b"seen.y", b"6")
    )

    client.send(pipeline, size)

    assert PONG + delivery(b"a", b"2") + PONG == client.heard()
    assert delivery(b"seen.x", b"3") + delivery(b"seen.y", b"6") == listener.heard()
    assert (6, False, b"") == (
        client.connection.inlet.in_msgs,
        client.wire.paused,
        client.connection.unprocessed(),
    )
    assert 0 == server.broker.flow.read_ahead


def test_its_own_later_subscription(client: VirtualClient) -> None:
    """A client that subscribes after its message to nobody does not get that message."""
    feed(client, message(b"a", b"1"), None)
    client.send(b"SUB a 1\r\n" + message(b"a", b"2"))

    assert delivery(b"a", b"2") == client.heard()


@pytest.mark.parametrize("size", [None, 1])
def test_much_that_comes_meanwhile(server: VirtualBroker, client: VirtualClient, size: int | None) -> None:
    """A little is kept, and the rest is left to the system until the message is published."""
    feed(client, message(b"a"), None)
    feed(client, EARLY_BYTES // 3 * b"PING\r\n", size)
    kept = (server.broker.flow.read_ahead, client.wire.paused, client.heard())
    server.settle(size)

    assert (EARLY_BYTES, True, b"") == kept
    assert EARLY_BYTES // 3 * PONG == client.heard()
    assert (0, False) == (server.broker.flow.read_ahead, client.wire.paused)


@pytest.mark.parametrize("lost", [True, False])
def test_an_end_while_it_waits(server: VirtualBroker, client: VirtualClient, *, lost: bool) -> None:
    """A connection that is lost, or closed by the server, is not gone on with; nothing is left of it."""
    feed(client, message(b"a"), None)
    feed(client, b"PING\r\n", None)
    if lost:
        client.wire.lose(ConnectionResetError("reset by peer"))
    else:
        client.connection.close()
    server.settle()

    assert (b"", 0, 0) == (client.heard(), server.broker.flow.read_ahead, len(server.broker.sessions))
    assert [] == server.events.texts()


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize("admits", [True, False])
def test_a_login_after_a_message_to_nobody(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, *, admits: bool, size: int | None
) -> None:
    """Each of the two waits lasts until its own end: nothing after CONNECT is obeyed before the verdict."""
    client, listener = guarded.connect(), guarded.connect()
    listener.send(QUIET + b"SUB seen 1\r\n")
    client.send(message(b"nobody") + LOGIN + message(b"nobody") + message(b"seen") + b"PING\r\n", size)
    undecided = (client.connection.listening, listener.heard(), client.connection.inlet.in_msgs)
    client.heard()

    if admits:
        gatekeeper.admit("ann")
    else:
        gatekeeper.refuse()
    guarded.settle(size)

    assert (True, b"", 1) == undecided
    assert (PONG if admits else VIOLATION) == client.heard()
    assert (delivery(b"seen") if admits else b"") == listener.heard()
    assert admits is not client.wire.is_over
    assert not client.connection.listening


@pytest.mark.parametrize("idle", [True, False])
def test_an_end_during_the_login_after_it(
    guarded: VirtualBroker, gatekeeper: ManualAuthenticator, *, idle: bool
) -> None:
    """A client that leaves during its login is closed at once, unless it has messages on the way."""
    client, listener = guarded.connect(), guarded.connect()
    listener.send(QUIET + b"SUB seen 1\r\n")
    feed(client, message(b"nobody"), None)
    feed(client, LOGIN + (b"" if idle else message(b"seen")), None)
    client.wire.end()
    guarded.settle()
    closed = client.wire.closed
    if not closed:
        gatekeeper.admit("ann")
        guarded.settle()

    assert idle == closed
    assert (b"" if idle else delivery(b"seen"), True) == (listener.heard(), client.wire.closed)
    assert (1 if idle else 0) == gatekeeper.cancelled


def test_an_end_before_a_login_that_is_judged_at_once(make_plane: MakePlane) -> None:
    """What follows CONNECT in the same read is obeyed before the client is closed."""
    setup = BrokerSetup(clock=BusyClock(), anonymous={ConnectionType.STANDARD: Identity("guest")})
    server = VirtualBroker(make_plane, gatekeeper=SingleUser("ann", "pw"), setup=setup)
    client, listener = server.connect(), server.connect()
    listener.send(QUIET + b"SUB seen 1\r\n")
    feed(client, message(b"nobody") + LOGIN + message(b"seen"), None)
    client.wire.end()
    server.settle()

    assert (delivery(b"seen"), True) == (listener.heard(), client.wire.closed)
