"""What the tests of monitoring share."""

import time
from collections.abc import Iterator

import pytest

from app.adapters.monitoring import formats
from tests.fakes.broker_view import Watched


@pytest.fixture(name="watched")
def _watched() -> Watched:
    """A broker that does what the test says, watched."""
    return Watched()


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local zone is that of New York, where the reference's examples were made."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    formats._zone.cache_clear()  # noqa: SLF001 - zones do not change while a server runs
    yield
    monkeypatch.undo()
    time.tzset()
    formats._zone.cache_clear()  # noqa: SLF001 - the same
