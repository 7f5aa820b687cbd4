"""Unit tests of the events about TLS."""

import pytest

from app.adapters.net_asyncio.tls_events import TlsAvailable, TlsFirst, TlsRequired
from app.domain.events import Event, Level


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (TlsRequired(None), "TLS required for client connections"),
        (TlsAvailable(None), "TLS available for client connections"),
        (TlsFirst(None), "TLS handshake first: clients that wait for INFO before it cannot connect"),
    ],
)
def test_what_a_start_says(event: Event, text: str) -> None:
    """The log says at the default level whether clients need TLS."""
    assert Level.INFO is event.level
    assert text == event.text()
