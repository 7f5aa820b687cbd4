"""Unit tests of the types of connections."""

from app.domain.connection_type import ConnectionType


def test_the_words() -> None:
    """The values are those of the key ``allowed_connection_types`` of current servers."""
    assert ["STANDARD", "WEBSOCKET", "LEAFNODE"] == [kind.value for kind in ConnectionType]
