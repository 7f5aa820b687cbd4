"""Facts about websockets."""

from app.adapters.net_asyncio.websocket_events import WebsocketListening


def test_address_is_shown_with_its_scheme() -> None:
    """The line is that of nats-server."""
    fact = WebsocketListening(None, "::1", 80, "wss")

    assert fact.text() == "Listening for websocket clients on wss://[::1]:80"
