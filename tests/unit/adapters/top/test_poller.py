"""The poller: it asks again and again, and at once when the query changes."""

import queue

from app.adapters.top.monitoring_port import ReadingQuery, Unreachable
from app.adapters.top.poller import Poller, Report
from app.adapters.top.rates import ServerReading
from tests.fakes.top_source import FakeSource, client, server
from tests.support.patience import PATIENCE

SECONDS = PATIENCE
SOON, NEVER = 0.001, 3600.0
READING = ServerReading(server(), (client(1), client(2)))


def test_it_reads_again_and_again() -> None:
    """Each reading is reported, and then the next one is taken."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    poller = Poller(FakeSource(READING), SOON, ReadingQuery())
    poller.start(reports.put)

    assert [READING] * 3 == [reports.get(timeout=SECONDS) for _ in range(3)]
    poller.stop()


def test_a_failure_is_reported_and_tried_again() -> None:
    """A server that cannot be reached is reported, and retried for ever."""
    reason = Unreachable("127.0.0.1:8222: Connection refused")
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    poller = Poller(FakeSource(reason, reason, READING), SOON, ReadingQuery())
    poller.start(reports.put)

    assert [reason, reason, READING] == [reports.get(timeout=SECONDS) for _ in range(3)]
    poller.stop()


def test_a_new_question_does_not_wait() -> None:
    """When the reader asks for something else, the answer comes at once, however long the delay is."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    poller = Poller(FakeSource(READING), NEVER, ReadingQuery())
    poller.start(reports.put)
    reports.get(timeout=SECONDS)

    poller.ask(ReadingQuery(limit=1))

    report = reports.get(timeout=SECONDS)
    assert isinstance(report, ServerReading)
    assert 1 == len(report.clients)
    poller.stop()


def test_after_the_end() -> None:
    """A poller that was stopped before its first reading reports nothing."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    source = FakeSource(READING)
    poller = Poller(source, SOON, ReadingQuery())
    poller.stop()
    poller.start(reports.put)

    assert not source.questions
    assert reports.empty()
