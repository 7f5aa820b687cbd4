"""A defect in a timer of one route costs that route, and neither the timer nor another route."""

import pytest

from app.domain.cluster import liveness
from app.domain.cluster.cluster import HANDSHAKE_SECONDS, SETTLE_SECONDS, Cluster
from app.domain.cluster.liveness import CHECK_SECONDS, PROBE_SECONDS
from app.domain.cluster.route_session import RouteSession
from app.domain.dataplane.seam import MakePlane
from app.domain.events import InternalFailure
from app.domain.timers import SLACK
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_cluster import RoutedBroker, VirtualPeer, info_line


def fail(*_args: object, **_named: object) -> None:
    """Be out of memory."""
    raise MemoryError


@pytest.fixture(name="events")
def _events() -> RecordingEventLog:
    return RecordingEventLog(debug=False, trace=False)


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    return RoutedBroker(make_plane, events=events)


def expect_one_failure(peer: VirtualPeer, other: VirtualPeer, events: RecordingEventLog) -> None:
    """The one route is gone, and named; the other one is there."""
    assert (True, False) == (peer.wire.aborted, other.wire.is_over)
    assert [peer.connection.link] == [event.link for event in events.of(InternalFailure)]


def test_a_handshake_that_expires(
    server: RoutedBroker, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route whose handshake timer fails is aborted."""
    other, peer = server.joined("other", 7001), server.called()
    monkeypatch.setattr(RouteSession, "login_expired", fail)

    server.advance(HANDSHAKE_SECONDS + SLACK)

    expect_one_failure(peer, other, events)


def test_a_route_that_settles(
    server: RoutedBroker, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route that cannot be reported is aborted."""
    other = server.joined("other", 7001)
    server.advance(SETTLE_SECONDS + SLACK)
    peer = server.joined("peer", 7002)
    monkeypatch.setattr(Cluster, "_confirm", fail)

    server.advance(SETTLE_SECONDS + SLACK)

    expect_one_failure(peer, other, events)


def test_a_route_that_is_asked_for_a_sign(
    server: RoutedBroker, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route that cannot be asked is aborted."""
    peer = server.joined("peer", 7002)
    server.advance(CHECK_SECONDS / 2)
    other = server.joined("other", 7001)
    monkeypatch.setattr(liveness, "_ask", fail)

    server.advance(CHECK_SECONDS / 2 + SLACK)

    expect_one_failure(peer, other, events)


def test_a_route_that_is_judged(
    server: RoutedBroker, events: RecordingEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route that is probed because a newcomer has its address is aborted if that fails."""
    other, peer = server.joined("other", 7001), server.joined("peer", 7002)
    monkeypatch.setattr(liveness, "_judge", fail)
    server.called().send(info_line("newcomer", 7002))

    server.advance(PROBE_SECONDS)

    expect_one_failure(peer, other, events)
