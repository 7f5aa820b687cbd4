"""How often threads take turns."""

import sys

import pytest

from app.adapters.process.switch_interval import short_switch_interval


def test_the_interval_is_short_for_a_while() -> None:
    """It is what it was afterwards, whatever happens meanwhile."""
    usual, meanwhile = sys.getswitchinterval(), list[float]()

    with pytest.raises(ZeroDivisionError):
        _divide_by_nothing(meanwhile)

    assert meanwhile[0] < usual == sys.getswitchinterval()


def _divide_by_nothing(intervals: list[float]) -> None:
    with short_switch_interval():
        intervals.append(sys.getswitchinterval())
        raise ZeroDivisionError
