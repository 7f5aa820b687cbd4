"""Unit tests of facts about the listener for leaf nodes."""

from app.adapters.net_asyncio.leaf_events import LeafListenFailed, LeafListening


def test_texts() -> None:
    """They are those of nats-server, with an address in brackets where it has colons."""
    assert LeafListening(None, "::1", 7422).text() == "Listening for leafnode connections on [::1]:7422"
    failed = LeafListenFailed(None, "127.0.0.1", 7422, "address already in use")
    assert failed.text() == ("Error listening on leafnode port: 127.0.0.1:7422 - address already in use")
