"""How fast addresses are dialled that only others have named."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.cluster.dial_rate import STRANGERS_AT_ONCE, STRANGERS_PER_SECOND, Pace


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(name="pace")
def _pace(clock: ManualClock) -> Pace:
    """One whose supply is used up."""
    pace = Pace(clock)
    assert [True] * STRANGERS_AT_ONCE == [pace.take() for _ in range(STRANGERS_AT_ONCE)]
    return pace


def test_a_supply_that_is_used_up(pace: Pace) -> None:
    """After the first dials there is none left, and the wait is the time of one."""
    assert not pace.take()
    assert 1 / STRANGERS_PER_SECOND == pace.wait()


def test_a_supply_refills(pace: Pace, clock: ManualClock) -> None:
    """Time brings further dials, one after the other."""
    clock.advance(1 / STRANGERS_PER_SECOND)

    assert 0.0 == pace.wait()
    assert (True, False) == (pace.take(), pace.take())


def test_a_supply_is_bounded(pace: Pace, clock: ManualClock) -> None:
    """A long pause brings no more than the supply of the start."""
    clock.advance(3600.0)

    assert STRANGERS_AT_ONCE == sum(pace.take() for _ in range(2 * STRANGERS_AT_ONCE))


def test_a_dial_to_a_server_costs_nothing(pace: Pace) -> None:
    """A dial that has reached a server can be made again."""
    pace.give_back()

    assert (True, False) == (pace.take(), pace.take())
