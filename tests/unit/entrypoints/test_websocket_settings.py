"""Options of websockets as the plain values of their layer."""

from app.adapters.net_asyncio.websocket_layer import BATCH_BYTES
from app.config.options import make_options
from app.domain.events import Event
from app.entrypoints.websocket_settings import websocket_settings


def test_settings() -> None:
    """They are those of the section, and a message of the largest size fits, with a batch."""
    section = {"port": 8080, "no_tls": True, "compression": True, "allowed_origins": ("http://a.example",)}
    record = list[Event]().append
    made = websocket_settings(make_options({"max_payload": 1000, "websocket": section}), record)

    assert (True, False) == (made.compression, made.secure)
    assert 1000 + BATCH_BYTES < made.limit
    assert 1 == len(made.origins.allowed)
