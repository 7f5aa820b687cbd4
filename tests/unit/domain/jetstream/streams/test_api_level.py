"""The level of the API that a message asks for."""

import pytest

from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.settings import API_LEVEL
from app.domain.jetstream.streams.api_level import without_required_level
from tests.fakes.stream_host import block


@pytest.mark.parametrize("level", ["0", "1", str(API_LEVEL)])
def test_a_level_that_is_here(level: str) -> None:
    """The field goes, and no other."""
    found = without_required_level(block({"A": "1", "Nats-Required-Api-Level": level, "B": "2"}))

    assert block({"A": "1", "B": "2"}) == found


@pytest.mark.parametrize("level", [str(API_LEVEL + 1), "x", "-1", "9" * 5000])
def test_a_level_that_is_not(level: str) -> None:
    """The message is refused, also for what is no level."""
    with pytest.raises(JetStreamError) as caught:
        without_required_level(block({"Nats-Required-Api-Level": level}))

    assert 10185 == caught.value.number


@pytest.mark.parametrize(
    "headers", [b"", block({"A": "Nats-Required-Api-Level"}), block({"Nats-Required-Api-Level": ""})]
)
def test_no_level(headers: bytes) -> None:
    """The block stays as it is."""
    assert headers == without_required_level(headers)
