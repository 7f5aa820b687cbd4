"""The fields of clients and routes, which all pages share."""

from dataclasses import replace

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.connections import (
    CLIENT_COLUMNS,
    ROUTE_COLUMNS,
    ConnectionInfo,
    PeerProcess,
    RouteEntry,
    RowContext,
    connection_info,
    feed_fields,
    route_entry,
)
from app.adapters.monitoring.context import WallTime
from app.adapters.monitoring.formats import rfc3339
from app.domain.security.link_security import PeerCredentials
from app.ports.broker_view import (
    ClientStats,
    Closing,
    ConnectionStats,
    Profile,
    RouteStats,
    Security,
    Traffic,
)

WALL_TIME = WallTime(ManualClock(wall=0.0))
CLIENT = ClientStats(
    ConnectionStats(
        7, "192.0.2.1", 4001, 1.0, 3.0, 9, Traffic(1, 2, 3, 4), Security("1.3", "TLS_X"), 2, ((8, "slow"),)
    ),
    Profile("name", "go", "1.2", "derek"),
    5,
)


def test_a_column_for_every_field() -> None:
    """Each field of a schema has its column, but for lists of subscriptions, and no column has no field."""
    lists = {"subscriptions_list", "subscriptions_list_detail"}

    assert set(ConnectionInfo.model_fields) - lists == set(CLIENT_COLUMNS)
    assert set(RouteEntry.model_fields) - lists == set(ROUTE_COLUMNS)


@pytest.mark.parametrize(("auth", "user"), [(True, "derek"), (False, None)])
def test_the_user_of_a_client(auth: bool, user: str | None) -> None:  # noqa: FBT001 - pytest's way
    """The user of a client is shown on request only."""
    assert user == connection_info(CLIENT, RowContext(5.0, WALL_TIME), auth=auth).authorized_user


def test_a_client_in_connz() -> None:
    """Moments are dates, durations are words, receivers are objects."""
    entry = connection_info(CLIENT, RowContext(5.0, WALL_TIME), auth=False)

    assert ("4s", "2s") == (entry.uptime, entry.idle)
    assert ("1.3", "TLS_X") == (entry.tls_version, entry.tls_cipher_suite)
    assert ("Client", "nats", None, None) == (entry.kind, entry.type, entry.stop, entry.reason)
    assert [(8, "slow")] == [(waited.cid, waited.name) for waited in entry.waits_for or ()]


def test_a_closed_client() -> None:
    """Its times end when it was closed, and it says why that was."""
    closed = replace(CLIENT, websocket=True, closing=Closing(4.0, "Stale Connection"))

    entry = connection_info(closed, RowContext(9.0, WALL_TIME), auth=True)

    assert ("3s", "1s", "websocket") == (entry.uptime, entry.idle, entry.type)
    assert (rfc3339(4.0), "Stale Connection") == (entry.stop, entry.reason)
    assert ("derek", "$G") == (entry.authorized_user, entry.name_tag)


def test_a_client_as_gnatsd_shows_it() -> None:
    """Fields that its pages lack are left out; when and why a client was closed, no page of it can say."""
    closed = replace(
        CLIENT, connection=replace(CLIENT.connection, rtt=0.001), closing=Closing(4.0, "Read Error")
    )

    entry = connection_info(closed, RowContext(9.0, WALL_TIME, is_current=False), auth=True)

    assert (None, None, None, None) == (entry.kind, entry.type, entry.rtt, entry.name_tag)
    assert "Read Error" == entry.reason


@pytest.mark.parametrize(("rtt", "text"), [(0.0, None), (0.000412, "0.412ms")])
def test_the_round_trip_time_of_a_client(rtt: float, text: str | None) -> None:
    """A client shows its round-trip time once it has been measured."""
    client = replace(CLIENT, connection=replace(CLIENT.connection, rtt=rtt))

    assert text == connection_info(client, RowContext(5.0, WALL_TIME), auth=False).rtt


def test_a_client_at_a_unix_socket() -> None:
    """Its process is an object of its own; the keys that tools know keep their types."""
    link = replace(CLIENT.connection, ip="unix", port=0, credentials=PeerCredentials(7, 1000, 100))
    entry = connection_info(replace(CLIENT, connection=link), RowContext(5.0, WALL_TIME), auth=False)

    assert ("unix", 0, PeerProcess(pid=7, uid=1000, gid=100)) == (entry.ip, entry.port, entry.unix_peer)
    assert connection_info(CLIENT, RowContext(5.0, WALL_TIME), auth=False).unix_peer is None


def test_a_client_in_the_feed() -> None:
    """The feed has plain numbers, under the names of the dashboard."""
    fields = feed_fields(CLIENT_COLUMNS, CLIENT, 5.0)

    assert (4.0, 2.0, 9, 3, 1) == tuple(
        fields[name] for name in ("uptime", "idle", "pending", "msgs_to", "msgs_from")
    )
    assert "authorized_user" not in fields


def test_a_client_that_acts_meanwhile() -> None:
    """No time in the feed is negative, even where a client has acted since the time was read."""
    assert 0.0 == feed_fields(CLIENT_COLUMNS, CLIENT, 2.0)["idle"]


@pytest.mark.parametrize(("rtt", "text"), [(0.0, None), (0.000412, "0.412ms")])
def test_the_round_trip_time_of_a_route(rtt: float, text: str | None) -> None:
    """A route shows its round-trip time once it has been measured."""
    route = RouteStats(CLIENT.connection, "ID", solicited=True, configured=False, subscriptions=6, rtt=rtt)

    assert text == route_entry(route, RowContext(5.0, WALL_TIME)).rtt
    assert (rtt or None) == feed_fields(ROUTE_COLUMNS, route, 5.0)["rtt"]
