"""The ring of closed clients."""

from app.domain.closed_clients import CLOSED_CLIENTS, ClosedClient, ClosedClients, PeerHistory
from app.domain.closing_reason import ClosingReason
from app.domain.peer_kind import PeerKind
from app.domain.security.link_security import Security
from app.domain.stats import ClientStats, Closing, ConnectionStats, Profile, Traffic, Violations

SECURITY = Security("1.3", "TLS_AES_128_GCM_SHA256")
CLIENT = ClosedClient(
    *(7, "192.0.2.7", 4007, 1.0, 2.0, 3.0, ClosingReason.READ_ERROR, 0.5, 10, 11, 12, 13, 14, 15),
    *(SECURITY, True, "user", "name", "lang", "version"),
)


def test_a_closed_client_as_one_that_is_here() -> None:
    """Nothing of it is lost on the way to its row."""
    traffic = Traffic(11, 12, 13, 14)
    link = ConnectionStats(7, "192.0.2.7", 4007, 1.0, 2.0, 10, traffic, SECURITY, rtt=0.5)
    profile = Profile("name", "lang", "version", "user")

    expected = ClientStats(link, profile, 15, websocket=True, closing=Closing(3.0, "Read Error"))

    assert expected == CLIENT.stats()


def test_the_oldest_is_dropped() -> None:
    """The ring keeps the last of them; what it gives is not changed by later ones."""
    ring = ClosedClients(2)
    for cid in (1, 2):
        ring.add(CLIENT._replace(cid=cid))
    before = ring.all()

    ring.add(CLIENT._replace(cid=3))

    assert ([1, 2], [2, 3]) == ([one.cid for one in before], [one.cid for one in ring.all()])
    assert (2, 10_000) == (len(ring), CLOSED_CLIENTS)
    assert ([3], [3, 2]) == tuple([one.cid for one in ring.latest(count)] for count in (1, 5))


def test_a_history() -> None:
    """It begins empty, and counts stale peers by kind."""
    history = PeerHistory(3)
    for kind in PeerKind:
        history.note_stale(kind)

    assert (4, 1, 2) == (history.stale_connections, history.stale_routes, history.stale_leaves)
    assert (0, Violations(headers=0, permissions=0)) == (len(history.closed), history.violations)
