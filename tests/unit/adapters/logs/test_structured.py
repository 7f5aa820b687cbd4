"""Unit tests of the contract of the event log, over the real one and the fake."""

import re
from collections.abc import Callable

import pytest

from app.adapters.logs.gnatsd_format import GnatsdLine
from app.adapters.logs.line_writer import LineWriter
from app.adapters.logs.structured import LinesDropped, ProcessorChain, StructuredEventLog
from app.domain.events import (
    ClientConnected,
    Event,
    Level,
    LineReceived,
    Link,
    ListenFailed,
    ServerExiting,
    ServerReady,
)
from app.ports.event_log import EventLog
from tests.fakes.event_log import RecordingEventLog
from tests.fakes.log_sink import ScriptedSink

Outcome = tuple[EventLog, Callable[[], list[str]]]
Opener = Callable[[set[Level]], Outcome]

FACTS: list[Event] = [
    ServerReady(None),
    ClientConnected(Link("cid", 1, "127.0.0.1:5")),
    LineReceived(None, "PING"),
    ListenFailed(None, "::", 1, "taken"),
]


def _recording(wanted: set[Level]) -> Outcome:
    log = RecordingEventLog(debug=Level.DEBUG in wanted, trace=Level.TRACE in wanted)
    return log, lambda: [event.level.value for event in log.events]


def _structured(wanted: set[Level]) -> Outcome:
    sink = ScriptedSink()
    chain = ProcessorChain([GnatsdLine(1, colours=False)])
    writer = LineWriter(sink, str, pytest.fail)
    log = StructuredEventLog(chain, writer, debug=Level.DEBUG in wanted, trace=Level.TRACE in wanted)
    return log, lambda: re.findall(r"^\[1\] \[(...)\]", sink.text(), re.MULTILINE)


@pytest.fixture(name="opened", params=[_recording, _structured], ids=["fake", "structured"])
def _opened(request: pytest.FixtureRequest) -> Opener:
    """Opens a log; the second part of its answer gives the levels recorded once it is closed."""
    opener: Opener = request.param
    return opener


@pytest.mark.parametrize(
    ("wanted", "levels"),
    [
        (set(), ["INF", "FTL"]),
        ({Level.DEBUG}, ["INF", "DBG", "FTL"]),
        ({Level.TRACE}, ["INF", "TRC", "FTL"]),
        ({Level.DEBUG, Level.TRACE}, ["INF", "DBG", "TRC", "FTL"]),
    ],
    ids=["neither", "debug", "trace", "both"],
)
def test_only_wanted_levels_are_recorded(opened: Opener, wanted: set[Level], levels: list[str]) -> None:
    """Debug and trace facts are dropped unless wanted; the rest is kept, in order."""
    log, recorded = opened(wanted)

    for fact in FACTS:
        log.record(fact)
    log.close()

    assert levels == recorded()
    assert (Level.DEBUG in wanted, Level.TRACE in wanted) == (log.debug, log.trace)


def test_closing_twice(opened: Opener) -> None:
    """A second close does no harm."""
    log, recorded = opened(set())
    log.record(ServerExiting(None))

    log.close()
    log.close()

    assert ["INF"] == recorded()


def test_an_unwanted_fact_is_not_even_worded() -> None:
    """Facts of unwanted levels cost nothing but the question."""
    worded: list[Event] = []

    class Counted(LineReceived):
        """A fact that knows when it is worded."""

        def text(self) -> str:
            worded.append(self)
            return ""

    log, _ = _structured(set())

    log.record(Counted(None, "PING"))
    log.close()

    assert not worded


def test_reopening_what_is_no_file() -> None:
    """A log that goes elsewhere says that there is nothing to reopen."""
    sink = ScriptedSink()
    log = StructuredEventLog(
        ProcessorChain([GnatsdLine(1, colours=False)]),
        LineWriter(sink, str, pytest.fail),
        debug=False,
        trace=False,
    )

    log.reopen()
    log.close()

    assert "[1] [INF] File log re-open ignored, not a file logger\n" == sink.text()


def test_the_report_of_dropped_lines() -> None:
    """Lines that got lost are reported as an error, with their number."""
    line = ProcessorChain([GnatsdLine(1, colours=False)]).line(LinesDropped(None, 12))

    assert "[1] [ERR] Log lines dropped: 12" == line
