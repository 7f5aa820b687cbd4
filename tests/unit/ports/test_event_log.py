"""The port of the event log, and who implements it."""

import pytest

from app.adapters.logs.rate_limit import RateLimitedEventLog
from app.adapters.logs.structured import StructuredEventLog
from app.adapters.monitoring.journal import JournaledLog
from app.domain.events import EventSink
from app.ports.event_log import EventLog
from tests.fakes.contracts import breaches
from tests.fakes.event_log import RecordingEventLog


@pytest.mark.parametrize(
    "implementation", [StructuredEventLog, RateLimitedEventLog, JournaledLog, RecordingEventLog]
)
def test_implementations(implementation: type) -> None:
    """Every log, real, wrapped or fake, has all methods of the port, with its arguments."""
    assert [] == breaches(EventLog, implementation)


def test_the_domain_only_reports() -> None:
    """The domain can report; what a process does with its log is the port's addition."""
    assert EventSink in EventLog.__mro__
    assert {"reopen", "close", "levels_changed", "may_wait"} == {
        name for name in vars(EventLog) if not name.startswith("_")
    }
