"""Unit tests of how an address is written."""

import pytest

from app.domain.address import joined


@pytest.mark.parametrize(
    ("host", "text"),
    [("127.0.0.1", "127.0.0.1:4222"), ("localhost", "localhost:4222"), ("::1", "[::1]:4222")],
)
def test_host_and_port(host: str, text: str) -> None:
    """Where the port begins is clear for every kind of host."""
    assert text == joined(host, 4222)
