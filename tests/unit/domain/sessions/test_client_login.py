"""A client's session after a reload; most of it is in `test_reauthorization`."""

from app.domain.dataplane.seam import MakePlane
from app.domain.security.credentials import Identity
from app.domain.security.reauthorization import Dismissal
from tests.support.virtual_broker import VirtualBroker


def test_one_that_is_closed_already(make_plane: MakePlane) -> None:
    """Nothing more becomes of it."""
    server = VirtualBroker(make_plane)
    client = server.connect()
    session = server.broker.sessions[client.connection.cid]
    client.leave()

    assert not session.reauthorize(Dismissal.CHANGED)
    assert not session.reauthorize(Identity("a"))
