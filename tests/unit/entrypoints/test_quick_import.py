"""What differs during an import of the program."""

import gc
import os
from collections.abc import Iterator

import pytest

from app.entrypoints.quick_import import quick_import

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize("given", [None, "some"])
def test_all_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    """The environment is as it was, also after an error; the collector rests."""
    if given is None:
        monkeypatch.delenv(PLUGINS, raising=False)
    else:
        monkeypatch.setenv(PLUGINS, given)
    seen = []

    def fail() -> None:
        with quick_import():
            seen.append((os.environ[PLUGINS], gc.isenabled()))
            raise ImportError

    with pytest.raises(ImportError):
        fail()

    assert [("__all__", False)] == seen
    assert (given, False) == (os.environ.get(PLUGINS), gc.isenabled())
