"""The order of a page of clients, and its filters."""

import pytest

from app.domain.closed_clients import ClosedClient
from app.domain.closing_reason import ClosingReason
from app.domain.dataplane.seam import MakePlane
from app.domain.monitoring.connection_query import ConnectionQuery, SortKey, all_in_order, open_in_order
from app.domain.steps import Step
from tests.support.steps import finished
from tests.support.virtual_broker import VirtualBroker


def closed(cid: int, size: int, reason: ClosingReason = ClosingReason.CLIENT_CLOSED) -> ClosedClient:
    """A client all of whose figures are `size`."""
    return ClosedClient(
        cid=cid,
        ip="192.0.2.1",
        port=4000,
        started=100.0 - size,
        last_activity=50.0 + size,
        stopped=100.0 + cid,
        reason=reason,
        rtt=float(size),
        pending_bytes=size,
        in_msgs=size,
        in_bytes=size,
        out_msgs=size,
        out_bytes=size,
        subscriptions=size,
        security=None,
        websocket=False,
        user="ann",
        name="",
        lang="",
        version="",
    )


CLIENTS = [
    closed(3, 5, ClosingReason.STALE_CONNECTION),
    closed(1, 9, ClosingReason.READ_ERROR),
    closed(2, 7, ClosingReason.CLIENT_CLOSED),
]


@pytest.mark.parametrize(
    ("key", "order"),
    [
        (SortKey.CID, [1, 2, 3]),
        (SortKey.START, [1, 2, 3]),
        (SortKey.LAST, [1, 2, 3]),
        (SortKey.IDLE, [3, 2, 1]),
        (SortKey.STOP, [3, 2, 1]),
        (SortKey.REASON, [2, 1, 3]),
        *((key, [1, 2, 3]) for key in SortKey if key.value.startswith(("msgs", "bytes"))),
        *((key, [1, 2, 3]) for key in (SortKey.SUBS, SortKey.PENDING, SortKey.RTT, SortKey.UPTIME)),
    ],
)
def test_the_order_of_closed_clients(key: SortKey, order: list[int]) -> None:
    """Greatest, latest or longest first; oldest first without another key; reasons by their letters."""
    ordered = finished(all_in_order(CLIENTS, key, 200.0, Step()))

    assert order == [client.cid for client in ordered if isinstance(client, ClosedClient)]


@pytest.mark.parametrize(
    ("key", "order"),
    [
        (SortKey.CID, [1, 2, 3, 90]),
        (SortKey.UPTIME, [1, 2, 90, 3]),
        (SortKey.MSGS_FROM, [90, 2, 1, 3]),
        (SortKey.RTT, [90, 1, 2, 3]),
    ],
)
def test_the_order_of_all(make_plane: MakePlane, key: SortKey, order: list[int]) -> None:
    """Clients that are here and closed ones are sorted by the same figures; one that leaves is no trouble."""
    server = VirtualBroker(make_plane)
    here = [server.connect(quiet=True) for _ in range(3)]
    server.advance(300.0)
    here[1].send(b"PUB a 0\r\n\r\n")
    sessions = list(server.broker.sessions.values())
    here[2].connection.close()

    ordered = finished(all_in_order([*sessions, closed(90, 5)], key, server.clock.monotonic(), Step()))

    found = [client.cid if isinstance(client, ClosedClient) else client.number for client in ordered]
    assert order == found


def test_the_round_trip_time_of_clients_that_are_here(make_plane: MakePlane) -> None:
    """The slowest come first."""
    server = VirtualBroker(make_plane)
    for rtt in (0.1, 0.3, 0.2):
        server.connect().connection.rtt = rtt

    ordered = finished(open_in_order(list(server.broker.sessions.values()), SortKey.RTT, Step()))

    assert [0.3, 0.2, 0.1] == [one.connection.rtt for one in ordered if not isinstance(one, ClosedClient)]


@pytest.mark.parametrize(
    ("query", "admitted"),
    [
        (ConnectionQuery(), True),
        (ConnectionQuery(user="ann", account="$G", cid=3), True),
        (ConnectionQuery(user="bob"), False),
        (ConnectionQuery(account="A"), False),
        (ConnectionQuery(cid=4), False),
    ],
)
def test_filters(query: ConnectionQuery, admitted: bool) -> None:  # noqa: FBT001 - a verdict
    """A client passes if each filter that is set fits."""
    assert admitted == query.admits(CLIENTS[0])
    assert (query != ConnectionQuery()) == query.is_filtered
