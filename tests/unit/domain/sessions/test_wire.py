"""Wires: how a peer is shown."""

import pytest

from app.domain.sessions.wire import Peer


@pytest.mark.parametrize(
    ("peer", "text"),
    [(Peer("127.0.0.1", 4222), "127.0.0.1:4222"), (Peer("::1", 57860), "::1:57860")],
)
def test_addresses_stand_without_brackets(peer: Peer, text: str) -> None:
    """A peer is shown as gnatsd shows it, IPv6 included."""
    assert text == str(peer)
