"""What is kept of a client that is gone."""

from app.domain.closed_clients import TEXT_LENGTH
from app.domain.closing_reason import ClosingReason
from app.domain.dataplane.seam import MakePlane
from tests.support.virtual_broker import VirtualBroker


def test_texts_of_the_client_are_cut(make_plane: MakePlane) -> None:
    """What it said of itself is kept in part, with its number and the reason."""
    server = VirtualBroker(make_plane)
    client = server.connect()
    client.send(b'CONNECT {"verbose":false,"name":"%b"}\r\n' % (b"n" * (TEXT_LENGTH + 1)))
    client.leave()
    (closed,) = server.broker.history.closed.all()

    assert ("n" * TEXT_LENGTH, ClosingReason.CLIENT_CLOSED) == (closed.name, closed.reason)
