"""What a connection asks of a session."""

import pytest

from app.domain.sessions.peer import PeerSession
from app.domain.sessions.session import Session


@pytest.mark.parametrize("name", sorted(name for name in vars(Session) if not name.startswith("_")))
def test_every_kind_of_peer_has_it(name: str) -> None:
    """The base of all sessions has each member of the protocol."""
    assert hasattr(PeerSession, name)
