"""Wires: how a peer is shown."""

import pytest

from app.domain.security.link_security import PeerCredentials
from app.domain.sessions.wire import UNIX, PeerAddress


@pytest.mark.parametrize(
    ("peer", "text"),
    [(PeerAddress("127.0.0.1", 4222), "127.0.0.1:4222"), (PeerAddress("::1", 57860), "::1:57860")],
)
def test_addresses_stand_without_brackets(peer: PeerAddress, text: str) -> None:
    """A peer is shown as gnatsd shows it, IPv6 included."""
    assert text == str(peer)


@pytest.mark.parametrize(
    ("credentials", "text"),
    [(PeerCredentials(7, 1000, 100), "unix:pid=7,uid=1000,gid=100"), (None, "unix:0")],
)
def test_a_peer_at_a_unix_socket(credentials: PeerCredentials | None, text: str) -> None:
    """It has no IP address; it is shown with its process, where that is known."""
    peer = PeerAddress(UNIX, 0, credentials)

    assert (text, "") == (str(peer), peer.network)
    assert "192.0.2.1" == PeerAddress("192.0.2.1", 1).network
