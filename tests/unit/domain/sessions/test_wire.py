"""Wires: how a peer is shown."""

import pytest

from app.domain.sessions.wire import PeerAddress


@pytest.mark.parametrize(
    ("peer", "text"),
    [(PeerAddress("127.0.0.1", 4222), "127.0.0.1:4222"), (PeerAddress("::1", 57860), "::1:57860")],
)
def test_addresses_stand_without_brackets(peer: PeerAddress, text: str) -> None:
    """A peer is shown as gnatsd shows it, IPv6 included."""
    assert text == str(peer)
