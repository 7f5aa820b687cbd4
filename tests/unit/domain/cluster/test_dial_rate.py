"""How fast addresses are dialled that only others have named."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.cluster.dial_rate import UNKNOWN_AT_ONCE, UNKNOWN_PER_SECOND, DialRate


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(name="pace")
def _pace(clock: ManualClock) -> DialRate:
    """One whose supply is used up."""
    pace = DialRate(clock)
    assert [True] * UNKNOWN_AT_ONCE == [pace.take() for _ in range(UNKNOWN_AT_ONCE)]
    return pace


def test_a_supply_that_is_used_up(pace: DialRate) -> None:
    """After the first dials there is none left, and the wait is the time of one."""
    assert not pace.take()
    assert 1 / UNKNOWN_PER_SECOND == pace.wait()


def test_a_supply_refills(pace: DialRate, clock: ManualClock) -> None:
    """Time brings further dials, one after the other."""
    clock.advance(1 / UNKNOWN_PER_SECOND)

    assert 0.0 == pace.wait()
    assert (True, False) == (pace.take(), pace.take())


def test_a_supply_is_bounded(pace: DialRate, clock: ManualClock) -> None:
    """A long pause brings no more than the supply of the start."""
    clock.advance(3600.0)

    assert UNKNOWN_AT_ONCE == sum(pace.take() for _ in range(2 * UNKNOWN_AT_ONCE))


def test_a_dial_to_a_server_costs_nothing(pace: DialRate) -> None:
    """A dial that has reached a server can be made again."""
    pace.give_back()

    assert (True, False) == (pace.take(), pace.take())
