"""Names in subjects."""

import pytest

from app.domain.jetstream.api.names import consumer_name, stream_name
from app.domain.jetstream.errors import JetStreamError


@pytest.mark.parametrize("name", ["a/b", "a\\b", "../x"])
def test_separators_of_paths(name: str) -> None:
    """No name leads out of a directory."""
    with pytest.raises(JetStreamError, match="Stream name can not contain path separators"):
        stream_name(name)
    with pytest.raises(JetStreamError, match="Consumer name can not contain path separators"):
        consumer_name(name)


def test_other_names() -> None:
    """All else is left to the rules of streams and consumers."""
    assert (stream_name("a b"), consumer_name("ü")) == ("a b", "ü")
