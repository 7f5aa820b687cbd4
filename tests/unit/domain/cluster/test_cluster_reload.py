"""What a reload changes about a cluster: whom we dial, how we log in, and what we say of ourselves."""

from dataclasses import replace

import pytest

from app.domain.cluster.cluster import HANDSHAKE_SECONDS
from app.domain.cluster.route_url import RouteUrl
from app.domain.cluster.settings import ClusterSettings
from app.domain.dataplane.seam import MakePlane
from app.domain.lame_duck import LameDuckTerms
from tests.fakes.event_log import RecordingEventLog
from tests.support.virtual_broker import VirtualBroker
from tests.support.virtual_cluster import SMALLER_ID, RoutedBroker

FIRST, SECOND = RouteUrl("first", 6222), RouteUrl("second", 6222)
SETTINGS = ClusterSettings(host="10.0.0.1", port=6222, routes=(FIRST,))


@pytest.fixture(name="server")
def _server(make_plane: MakePlane, events: RecordingEventLog) -> RoutedBroker:
    server = RoutedBroker(make_plane, SETTINGS, events=events)
    server.cluster.solicit()
    return server


def dialled(server: RoutedBroker) -> list[str]:
    """The hosts that dials are under way to."""
    return [dial.host for dial in server.dialer.pending]


def test_a_route_is_added(server: RoutedBroker) -> None:
    """It is dialled, and the one that stays is left alone."""
    peer = server.answered()
    peer.introduce(SMALLER_ID)
    server.cluster.reconfigure(replace(SETTINGS, routes=(FIRST, SECOND)))

    assert ["second"] == dialled(server)
    assert not peer.is_over


def test_a_route_is_removed(server: RoutedBroker) -> None:
    """It is closed, and not dialled again; one that is not there is not missed."""
    peer = server.answered()
    peer.introduce(SMALLER_ID)
    for _ in range(2):
        server.cluster.reconfigure(replace(SETTINGS, routes=()))
        server.cluster.settings = SETTINGS
    server.advance(60.0)

    assert peer.is_over
    assert [] == dialled(server)
    assert () == server.cluster.unreachable()


def test_a_route_that_was_never_reached_is_removed(server: RoutedBroker) -> None:
    """A dial that is under way, or due, is not followed by another one."""
    server.dialer.pending.pop().refused("no")
    server.cluster.reconfigure(replace(SETTINGS, routes=()))
    server.advance(60.0)

    assert [] == dialled(server)


def test_other_credentials(server: RoutedBroker) -> None:
    """A route is dialled with those of the new URL, though the address is the same; others are not added."""
    server.dialer.pending.pop().refused("no")
    again = RouteUrl("first", 6222, "u", "p")
    server.cluster.reconfigure(replace(SETTINGS, routes=(again,), connect_retries=3))
    server.cluster._route_dialer.log_in_with([SECOND])  # noqa: SLF001 - an address that is not configured
    server.advance(5.0)
    peer = server.answered()

    assert b'"user":"u","pass":"p"' in peer.heard()


def test_the_time_of_a_login(server: RoutedBroker) -> None:
    """It holds for routes that come from now on."""
    server.cluster.reconfigure(replace(SETTINGS, auth_timeout=2 * HANDSHAKE_SECONDS))
    peer = server.called()
    server.advance(1.5 * HANDSHAKE_SECONDS)
    assert not peer.is_over
    server.advance(HANDSHAKE_SECONDS)

    assert peer.is_over


def test_other_addresses_for_clients(server: RoutedBroker) -> None:
    """Servers of our kind hear of them; a lame duck, and one that advertises nothing, names none."""
    server.broker.listening_on(4222, ("10.0.0.1:4222",))
    peer = server.called()
    peer.introduce(SMALLER_ID, sends_on=True)
    server.advance(1.0)
    peer.heard()
    server.broker.advertise(("192.0.2.7:4333",), ("192.0.2.7:4334",))
    heard = peer.heard()
    assert b'"connect_urls":["192.0.2.7:4333"],"ws_connect_urls":["192.0.2.7:4334"]' in heard

    server.cluster.settings = replace(SETTINGS, advertise=False)
    server.broker.advertise(("192.0.2.7:4333",), ())
    assert b"connect_urls" not in peer.heard()
    server.cluster.settings = SETTINGS
    server.broker.lame_duck(LameDuckTerms(), lambda: None)
    server.broker.advertise(("192.0.2.7:4333",), ())
    assert b"connect_urls" not in peer.heard()


def test_a_server_without_a_cluster(make_plane: MakePlane) -> None:
    """It names its addresses to nobody."""
    server = VirtualBroker(make_plane)
    server.broker.advertise(("192.0.2.7:4333",), ())

    assert () == server.broker.greeting.own_urls
