"""The log of a server inside another program."""

import logging

import pytest

from app.adapters.logs.recent_lines import KEPT, RecentLines
from app.domain.events import ClientConnected, Link, ServerReady
from tests.fakes.event_log import RecordingEventLog

LINK = Link("cid", 1, "127.0.0.1:1")


def test_lines_go_to_python_s_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Each at its level, to a logger that the program configures; debug lines only where they are wanted."""
    caplog.set_level(logging.DEBUG, "pynatsd")
    for log in (RecentLines(), RecentLines(debug=True)):
        log.record(ServerReady(None))
        log.record(ClientConnected(LINK))
        log.reopen()
        log.close()

    assert ["Server is ready", "Server is ready", "127.0.0.1:1 - cid:1 - Client connection created"] == [
        *caplog.messages
    ]
    assert [logging.INFO, logging.INFO, logging.DEBUG] == [record.levelno for record in caplog.records]


def test_lines_go_to_the_log_of_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """Where there is one, Python's logging gets nothing, and its level counts."""
    caplog.set_level(logging.DEBUG, "pynatsd")
    onward = RecordingEventLog(trace=True)
    log = RecentLines(onward)
    log.record(ServerReady(None))
    log.reopen()
    log.close()

    assert (True, [], ["[INF] Server is ready"]) == (log.trace, caplog.messages, log.lines)
    assert [ServerReady(None)] == onward.events


def test_the_number_of_lines_is_bounded() -> None:
    """The last ones are kept."""
    log = RecentLines()
    for _ in range(KEPT + 5):
        log.record(ServerReady(None))

    assert len(log.lines) == KEPT
