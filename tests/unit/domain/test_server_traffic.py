"""Traffic of clients alone."""

from app.domain.dataplane.seam import MakePlane
from app.domain.stats import Traffic
from tests.support.virtual_cluster import GREATER_ID, RoutedBroker


def test_what_came_over_a_route_is_not_of_clients(make_plane: MakePlane) -> None:
    """Messages of and to other servers are left out, also when the route is gone."""
    server = RoutedBroker(make_plane)
    client = server.connect(quiet=True)
    client.send(b"SUB x 1\r\n")
    peer = server.joined(GREATER_ID)
    peer.send(b"SUB x RSID:1:1\r\n")
    client.send(b"PUB x 5\r\nhello\r\n")
    peer.send(b"MSG x RSID:%d:1 2\r\nok\r\n" % client.connection.cid)

    with_route = server.broker.traffic, server.broker.client_traffic
    peer.leave()
    without = server.broker.traffic, server.broker.client_traffic

    assert (Traffic(2, 7, 3, 12), Traffic(1, 5, 2, 7)) == with_route == without
