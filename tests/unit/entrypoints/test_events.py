"""Unit tests of the events of a process."""

import pytest

from app.domain.events import Event, Level
from app.entrypoints.events import (
    CertificatesKept,
    CertificatesRead,
    ConfigurationQuestioned,
    PendingRaised,
    PlainDataPlane,
    ReloadIgnored,
    StartFailed,
    StopIncomplete,
)


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (ConfigurationQuestioned(None, "x has no effect"), Level.ERROR, "x has no effect"),
        (StartFailed(None, "no such address"), Level.FATAL, "no such address"),
        (ReloadIgnored(None), Level.INFO, "Reload ignored: "),
        (CertificatesRead(None, "tls"), Level.INFO, "Certificates of tls read again, for new connections"),
        (
            CertificatesKept(None, "tls", "open x: no"),
            Level.ERROR,
            "Certificates of tls not read again, the old ones stay in use: open x: no",
        ),
        (PlainDataPlane(None), Level.INFO, "The native data plane is not built, "),
        (PendingRaised(None, 20, 10), Level.INFO, "max_pending_size is 20 bytes, so that one message of"),
        (StopIncomplete(None, "the log", "full"), Level.ERROR, "Cannot stop the log in order: full"),
    ],
)
def test_lines_of_the_log(event: Event, level: Level, text: str) -> None:
    """Each event has its level and its sentence."""
    assert level is event.level
    assert event.text().startswith(text)
