"""The port of clocks, and who implements it."""

import pytest

from app.adapters.clock_loop import LoopClock
from app.adapters.clock_manual import ManualClock
from app.domain.timers import Scheduler
from app.ports.clock import Clock
from tests.fakes.contracts import breaches


@pytest.mark.parametrize("implementation", [LoopClock, ManualClock])
def test_implementations(implementation: type) -> None:
    """The loop's clock and the manual one have all methods of the port, with its arguments."""
    assert [] == breaches(Clock, implementation)


def test_the_domain_has_no_wall_clock() -> None:
    """The domain schedules on the monotonic scale; the wall clock is the port's addition."""
    assert Scheduler in Clock.__mro__
    assert not hasattr(Scheduler, "time")
