"""From the monotonic scale to dates."""

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.calendar import Calendar


def test_a_moment_has_one_date() -> None:
    """The same moment is dated the same while the wall clock creeps; now is what the wall clock says."""
    clock = ManualClock(wall=1000.0)
    calendar = Calendar(clock)
    clock.advance(5.0)
    clock.step_wall(0.25)

    assert (1002.0, 1005.25) == (calendar.date(2.0), calendar.now())


def test_a_step_moves_all_dates() -> None:
    """When the wall clock is set anew, moments of before are dated by it."""
    clock = ManualClock(wall=1000.0)
    calendar = Calendar(clock)

    clock.step_wall(3600.0)

    assert 4602.0 == calendar.date(2.0)
