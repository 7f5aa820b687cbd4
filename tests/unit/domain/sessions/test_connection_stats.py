"""Snapshots of a connection."""

from app.domain.dataplane.seam import MakePlane
from app.domain.sessions.connection_stats import slow_receiver, stats_of
from app.domain.slow_receivers import SlowAction
from tests.support.virtual_broker import VirtualBroker


def test_what_is_known(make_plane: MakePlane) -> None:
    """The link, its traffic, and nothing of waiting where nobody waits."""
    server = VirtualBroker(make_plane)
    client = server.connect()
    client.send(b"SUB a 1\r\nPUB a 1\r\nx\r\n")
    connection, flow = client.connection, server.broker.flow
    stats = stats_of(connection, flow)
    record = slow_receiver(connection, flow, SlowAction.HELD, "why", 3.0)

    assert (connection.cid, 1, 1, ()) == (
        stats.cid,
        stats.traffic.in_msgs,
        stats.traffic.out_msgs,
        stats.waits_for,
    )
    assert ("cid", "why", 3.0, None, 0, False) == (
        record.kind,
        record.reason,
        record.at,
        record.since,
        record.publishers,
        record.backlog.is_counted,
    )
