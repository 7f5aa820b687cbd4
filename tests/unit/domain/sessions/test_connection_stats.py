"""Snapshots of a connection."""

from app.domain.dataplane.seam import MakePlane
from app.domain.sessions.connection_stats import slow_receiver, stats_of
from app.domain.slow_receivers import Backlog, SlowAction, SubjectBacklog
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
    assert {b"1": (b"a", 1)} == connection.delivered()
    assert ("cid", "why", 3.0, 0, Backlog(None, (SubjectBacklog(b"a", 1, 0),))) == (
        record.kind,
        record.reason,
        record.at,
        record.publishers,
        record.backlog,
    )
