"""Unit tests of the events of a process."""

import pytest

from app.domain.events import Event, Level
from app.entrypoints.events import (
    CertificatesRead,
    ConfigurationQuestioned,
    ConfigurationReloaded,
    MonitorListenFailed,
    OptionReloaded,
    PendingRaised,
    PlainDataPlane,
    ReloadFailed,
    RuntimeChosen,
    ServerIdentified,
    ServerStarting,
    SignalTrapped,
    StartFailed,
    StopIncomplete,
)


@pytest.mark.parametrize(
    ("event", "level", "text"),
    [
        (ServerStarting(None, "0.8.0"), Level.INFO, "Starting nats-server version 0.8.0"),
        (
            RuntimeChosen(None, "pynatsd 0.1.0", "CPython 3.11.7", "uvloop", "native"),
            Level.INFO,
            "Running pynatsd 0.1.0 on CPython 3.11.7, event loop uvloop, data plane native",
        ),
        (
            ServerIdentified(None, "efkN9agMPhobqHAMtMEl5C"),
            Level.DEBUG,
            "Server id is efkN9agMPhobqHAMtMEl5C",
        ),
        (SignalTrapped(None, "interrupt"), Level.DEBUG, "Trapped Signal; interrupt"),
        (
            MonitorListenFailed(None, "127.0.0.1:8222: address already in use"),
            Level.FATAL,
            "Can't listen to the monitor port: 127.0.0.1:8222: address already in use",
        ),
        (ConfigurationQuestioned(None, "x has no effect"), Level.ERROR, "x has no effect"),
        (StartFailed(None, "no such address"), Level.FATAL, "no such address"),
        (OptionReloaded(None, "debug = true"), Level.INFO, "Reloaded: debug = true"),
        (ConfigurationReloaded(None, "sha256:0"), Level.INFO, "Reloaded server configuration (sha256:0)"),
        (ReloadFailed(None, "x"), Level.ERROR, "Failed to reload server configuration: x"),
        (CertificatesRead(None, "tls"), Level.INFO, "Certificates of tls read again, for new connections"),
        (PlainDataPlane(None), Level.INFO, "The native data plane is not built, "),
        (PendingRaised(None, 20, 10), Level.INFO, "max_pending_size is 20 bytes, so that one message of"),
        (StopIncomplete(None, "the log", "full"), Level.ERROR, "Cannot stop the log cleanly: full"),
    ],
)
def test_lines_of_the_log(event: Event, level: Level, text: str) -> None:
    """Each event has its level and its sentence."""
    assert level is event.level
    assert event.text().startswith(text)
