"""The liveness: a server that does not answer is passed over where a queue group has others."""

import pytest

from app.domain.cluster.events import RouteHeard, RouteSilent
from app.domain.cluster.liveness import CHECK_SECONDS
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualClient
from tests.support.virtual_cluster import GREATER_ID, SMALLER_ID, RoutedBroker, VirtualPeer

PING, PONG = b"PING\r\n", b"PONG\r\n"
MEMBER = b"SUB foo q QRSID:1:1\r\n"
DRAWS = 40
"""A number of draws in which each of two live members is drawn at least once; the seed is fixed."""


def pass_checks(server: RoutedBroker, count: int = 1) -> None:
    """Let `count` checks of the routes pass."""
    for _ in range(count):
        server.advance(CHECK_SECONDS + SLACK)


def member(server: RoutedBroker, server_id: str, port: int) -> VirtualPeer:
    """A server with a member of the queue group."""
    peer = server.joined(server_id, port)
    peer.send(MEMBER)
    return peer


def drawn(publisher: VirtualClient, *receivers: VirtualClient) -> list[bool]:
    """Publish to the group; which of these got any."""
    for receiver in receivers:
        receiver.heard()
    publisher.send(DRAWS * b"PUB foo 0\r\n\r\n")
    return [b"MSG foo" in receiver.heard() for receiver in receivers]


@pytest.fixture(name="publisher")
def _publisher(server: RoutedBroker) -> VirtualClient:
    return server.connect(quiet=True)


def test_who_is_silent_is_asked_once(server: RoutedBroker) -> None:
    """A question is enough, however long the answer takes."""
    peer = server.joined(GREATER_ID)

    pass_checks(server)
    first = peer.heard()
    pass_checks(server, 5)

    assert (PING, b"") == (first, peer.heard())


def test_who_talks_is_not_asked(server: RoutedBroker) -> None:
    """Any line is a sign of life, and so is a message."""
    peer = server.joined(GREATER_ID)

    for sign in (b"MSG foo RSID:1:1 0\r\n\r\n", b"UNSUB RSID:1:1\r\n", PING, PONG):
        peer.send(sign)
        pass_checks(server)

    assert PING not in peer.heard()


def test_a_silent_server_is_passed_over(
    server: RoutedBroker, publisher: VirtualClient, events: RecordingEventLog
) -> None:
    """What its member would be drawn for goes to others, here or elsewhere; the log says why."""
    silent, other = member(server, GREATER_ID, 7001), member(server, SMALLER_ID, 7002)
    publisher.send(b"SUB foo q 1\r\n")
    before = drawn(publisher, silent, other, publisher)

    for _ in range(3):
        pass_checks(server)
        other.send(PONG)
    after = drawn(publisher, silent, other, publisher)

    assert ([True] * 3, [False, True, True]) == (before, after)
    assert [RouteSilent(silent.connection.link)] == events.of(RouteSilent)


def test_a_group_of_silent_ones_only(server: RoutedBroker, publisher: VirtualClient) -> None:
    """Where nobody else could take a message, a server that may be alive is better than none."""
    silent = member(server, GREATER_ID, 7001)

    pass_checks(server, 3)

    assert [True] == drawn(publisher, silent)


def test_plain_subscribers_are_not_passed_over(server: RoutedBroker, publisher: VirtualClient) -> None:
    """A message for everybody waits on the silent server's link."""
    silent = server.joined(GREATER_ID)
    silent.send(b"SUB foo  RSID:1:1\r\n")

    pass_checks(server, 3)

    assert [True] == drawn(publisher, silent)


def test_a_late_answer(server: RoutedBroker, publisher: VirtualClient, events: RecordingEventLog) -> None:
    """A member that answers late is drawn again."""
    late, other = member(server, GREATER_ID, 7001), member(server, SMALLER_ID, 7002)
    pass_checks(server, 3)

    for peer in (late, other):
        peer.send(PONG)
    pass_checks(server)

    assert [True, True] == drawn(publisher, late, other)
    assert 2 == len(events.of(RouteHeard))


def test_the_doubt_ends_with_the_route(server: RoutedBroker, publisher: VirtualClient) -> None:
    """A silent server that comes in again is trusted."""
    member(server, GREATER_ID, 7001)
    pass_checks(server, 3)
    server.cluster.remotes[GREATER_ID].connection.abort()

    again = member(server, GREATER_ID, 7001)
    publisher.send(b"SUB foo q 1\r\n")

    assert [True, True] == drawn(publisher, again, publisher)


def test_no_looks_while_stopping(server: RoutedBroker) -> None:
    """A server that stops reads nothing, so it asks nobody."""
    peer = server.joined(GREATER_ID)

    server.cluster.stop()
    pass_checks(server, 3)

    assert b"" == peer.heard()
