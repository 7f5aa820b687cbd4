"""What pages share: converting monotonic time to wall time."""

from app.adapters.clock_manual import ManualClock
from app.adapters.monitoring.context import WallTime


def test_a_moment_has_one_date() -> None:
    """A moment keeps its wall time while the wall clock drifts; now is what the wall clock says."""
    clock = ManualClock(wall=1000.0)
    wall_time = WallTime(clock)
    clock.advance(5.0)
    clock.step_wall(0.25)

    assert (1002.0, 1005.25) == (wall_time.of(2.0), wall_time.now())


def test_a_step_moves_all_dates() -> None:
    """After a step of the wall clock earlier moments follow it."""
    clock = ManualClock(wall=1000.0)
    wall_time = WallTime(clock)

    clock.step_wall(3600.0)

    assert 4602.0 == wall_time.of(2.0)
