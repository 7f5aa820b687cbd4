"""The lines of the events of a server process."""

import pytest

from app.domain.events import Event, Level
from app.entrypoints.process_events import (
    ConfigurationQuestioned,
    PendingRaised,
    PlainDataPlane,
    ReloadIgnored,
    StartFailed,
    StopIncomplete,
)


@pytest.mark.parametrize(
    ("event", "level", "part"),
    [
        (ConfigurationQuestioned(None, "a.conf:3: no effect"), Level.ERROR, "a.conf:3: no effect"),
        (StartFailed(None, "no certificate"), Level.FATAL, "no certificate"),
        (ReloadIgnored(None), Level.INFO, "restart the server"),
        (PlainDataPlane(None), Level.INFO, "install a C compiler"),
        (PendingRaised(None, 20, 10), Level.INFO, "20 bytes"),
        (StopIncomplete(None, "the log", "it hangs"), Level.ERROR, "Cannot stop the log in order: it hangs"),
    ],
)
def test_lines(event: Event, level: Level, part: str) -> None:
    """Each event has its level, and a sentence that names the cause or what to do."""
    assert level is event.level
    assert part in event.text()


def test_notices_are_not_summed_up() -> None:
    """Every notice about the configuration is shown, however many there are."""
    assert not ConfigurationQuestioned.bounded
