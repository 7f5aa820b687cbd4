"""Calls that are not served."""

import pytest

from app.domain.jetstream.api.absent_calls import absent_calls
from app.domain.jetstream.api.requests import ApiRequest
from app.domain.jetstream.errors import JetStreamError


def test_they_say_so() -> None:
    """Each is refused with a number of its own kind."""
    numbers = set()
    for call in absent_calls().values():
        with pytest.raises(JetStreamError) as caught:
            call.run(ApiRequest(b"", b"", b"", b""))
        numbers.add(caught.value.number)
    assert numbers == {10010, 10064}
