"""What a server with JetStream is configured to be."""

from app.domain.jetstream.settings import API_LEVEL, JetStreamSettings


def test_defaults() -> None:
    """Nothing is limited, all is kept in memory, and the level is that of what is there."""
    settings = JetStreamSettings()
    assert (settings.max_memory, settings.max_storage, settings.store_dir) == (-1, -1, "")
    assert settings.api_level == API_LEVEL
