"""A log that is replaced by another one."""

from app.adapters.clock_manual import ManualClock
from app.adapters.logs.rate_limit import RateLimitedEventLog
from app.adapters.logs.recent_lines import RecentLines
from app.adapters.logs.switchable import SwitchableLog
from app.adapters.monitoring.journal import Journal, JournaledLog
from app.domain.events import ServerReady
from tests.fakes.event_log import RecordingEventLog


def test_the_one_in_use_gets_everything() -> None:
    """After a switch the other one does; the levels are those of the log in use."""
    first, second = RecordingEventLog(debug=False), RecordingEventLog(trace=False)
    log = SwitchableLog(first)
    assert (False, True) == (log.debug, log.trace)
    log.record(ServerReady(None))
    assert first is log.switch(second)
    log.record(ServerReady(None))
    log.reopen()
    log.levels_changed()
    log.close()

    assert (True, False) == (log.debug, log.trace)
    assert (1, 1, False, True) == (len(first.events), len(second.events), first.closed, second.closed)


def test_who_may_wait() -> None:
    """A log may wait at its end if that beneath may."""
    for beneath, may_wait in ((RecentLines(), False), (RecentLines(RecordingEventLog()), True)):
        outer = JournaledLog(RateLimitedEventLog(SwitchableLog(beneath), ManualClock), Journal())

        assert outer.may_wait is may_wait


def test_logs_that_keep_a_copy_of_the_levels() -> None:
    """They take it again when that is asked for."""
    log = SwitchableLog(RecordingEventLog(debug=False, trace=False))
    outer = JournaledLog(RateLimitedEventLog(log, ManualClock), Journal())
    log.switch(RecordingEventLog())
    assert not outer.debug
    outer.levels_changed()

    assert (True, True) == (outer.debug, outer.trace)
