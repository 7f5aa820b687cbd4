"""The beginning of the server's program: what holds while it imports and starts."""

import gc
import os
from collections.abc import Sequence

import pytest

from app.entrypoints import command, server, signals

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@pytest.mark.parametrize("given", [None, "some"])
def test_the_collector_rests_until_the_end(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    """Nothing is collected before a server asks for it, and the environment is as it was."""
    seen: list[object] = []

    def run(words: Sequence[str], _usual: signals.Handlers) -> int:
        seen.extend((list(words), gc.isenabled(), os.environ.get(PLUGINS)))
        return 3

    monkeypatch.setattr(signals, "exit_at_once", dict)
    monkeypatch.setattr(command, "run_command", run)
    if given is not None:
        monkeypatch.setenv(PLUGINS, given)
    else:
        monkeypatch.delenv(PLUGINS, raising=False)

    status = server.main(["--help"])

    assert [["--help"], False, given] == seen
    assert (3, True, given) == (status, gc.isenabled(), os.environ.get(PLUGINS))
