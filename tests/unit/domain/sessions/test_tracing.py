"""Tracing: the lines and subscriptions of clients and of other servers, as the log gets them."""

import pytest

from app.domain.dataplane.seam import MakePlane
from app.domain.events import AutoUnsubscribed, LineReceived, UnsubscribeDeferred
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker, VirtualClient
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker, VirtualPeer


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog()


@pytest.fixture(name="client")
def _client(make_plane: MakePlane, events: RecordingEventLog) -> VirtualClient:
    client = VirtualBroker(make_plane, events=events).connect()
    events.events.clear()
    return client


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    return RoutedBroker(make_plane, events=events)


@pytest.fixture(name="peer")
def _peer(server: RoutedBroker) -> VirtualPeer:
    return server.joined(GREATER_ID)


# --- of clients -----------------------------------------------------------------------


def test_auto_unsubscribe_is_logged(client: VirtualClient, events: RecordingEventLog) -> None:
    """Debug lines tell of the deferred UNSUB and of the limit reached."""
    client.send(b"SUB foo 1\r\nPUB foo 0\r\n\r\nUNSUB 1 2\r\nPUB foo 0\r\n\r\n")

    link = client.connection.link
    assert [UnsubscribeDeferred(link, "foo", 2, 1)] == events.of(UnsubscribeDeferred)
    assert [AutoUnsubscribed(link, 2, "1")] == events.of(AutoUnsubscribed)
    assert "Deferring actual UNSUB(foo): 2 max, 1 received" in events.texts()
    assert "Auto-unsubscribe limit of 2 reached for sid '1'" in events.texts()


def test_tracing(client: VirtualClient, events: RecordingEventLog) -> None:
    """Each line and message is traced as gnatsd does, in both directions."""
    events.debug = False
    client.send(
        b"SUB foo q 1\r\npub  foo \t re 5\r\nhello\r\nPING x\r\nPING\r\nUNSUB 1\r\nPONG\r\n+OK\r\nINFO {}\r\n"
    )

    assert [
        "->> [SUB foo q 1]",
        "->> [PUB foo \t re 5]",
        "->> MSG_PAYLOAD: [hello]",
        "<<- [MSG foo 1 re 5]",
        "->> [PING x]",
        "<<- [PONG]",
        "->> [PING]",
        "<<- [PONG]",
        "->> [UNSUB 1]",
        "<-> [DELSUB 1]",
        "->> [PONG]",
        "->> [+OK]",
        "->> [INFO {}]",
    ] == events.texts()


def test_tracing_what_is_refused(client: VirtualClient, events: RecordingEventLog) -> None:
    """A PUB that cannot be understood is traced all the same."""
    client.send(b"PUB foo \r\n")

    assert [LineReceived(client.connection.link, "PUB foo")] == events.of(LineReceived)


def test_without_tracing_there_are_no_lines(make_plane: MakePlane) -> None:
    """Neither lines nor payloads are even reported while nobody wants them."""
    events = RecordingEventLog(debug=False, trace=False)
    client = VirtualBroker(make_plane, events=events).connect()

    client.send(b"SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1 5\r\nUNSUB 1\r\nPING\r\nPUB a\r\n")

    assert ["Error reading from client: processPub Parse Error: 'a'"] == events.texts()


# --- of other servers -----------------------------------------------------------------


def test_auto_unsubscribe_of_a_server_is_logged(
    server: RoutedBroker, peer: VirtualPeer, events: RecordingEventLog
) -> None:
    """Debug lines tell of the deferred UNSUB and of the limit reached, as for clients."""
    client = server.connect(quiet=True)
    peer.send(b"SUB foo  RSID:3:2\r\n")
    client.send(b"PUB foo 0\r\n\r\n")

    peer.send(b"UNSUB RSID:3:2 2\r\n")
    client.send(b"PUB foo 0\r\n\r\n")

    link = peer.connection.link
    assert [UnsubscribeDeferred(link, "foo", 2, 1)] == events.of(UnsubscribeDeferred)
    assert [AutoUnsubscribed(link, 2, "RSID:3:2")] == events.of(AutoUnsubscribed)


def test_tracing_what_ends(make_plane: MakePlane) -> None:
    """The end of an interest is traced as gnatsd does, and a message that cannot be understood."""
    events = RecordingEventLog(debug=False)
    peer = RoutedBroker(make_plane, events=events).joined(GREATER_ID)
    before = len(events.events)

    peer.send(b"SUB foo  RSID:3:2\r\nUNSUB RSID:3:2\r\nMSG foo x 2\r\nhi\r\nMSG foo \r\n")

    assert [
        "->> [SUB foo  RSID:3:2]",
        "->> [UNSUB RSID:3:2]",
        "<-> [DELSUB RSID:3:2]",
        "->> [MSG foo x 2]",
        "->> MSG_PAYLOAD: [hi]",
        "->> [MSG foo]",
        "Error reading from client: processMsgArgs Parse Error: 'foo'",
    ] == events.texts()[before:]


def test_without_tracing_a_server_has_no_lines(make_plane: MakePlane) -> None:
    """Nothing that goes well is even reported while nobody wants to read it."""
    events = RecordingEventLog(debug=False, trace=False)
    server = RoutedBroker(make_plane, events=events)
    peer, client = server.joined(GREATER_ID), server.connect(quiet=True)

    peer.send(b"SUB foo  RSID:3:2\r\nUNSUB RSID:3:2 1\r\nSUB bar  RSID:3:3\r\nUNSUB RSID:3:3\r\n")
    client.send(b"PUB foo 0\r\n\r\n")

    assert (b"MSG foo RSID:3:2 0\r\n\r\n", []) == (peer.heard(), events.events)
