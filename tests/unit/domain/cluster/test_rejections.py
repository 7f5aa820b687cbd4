"""Addresses that were turned away wait longer and longer, and fill no log."""

import pytest

from app.domain.cluster.rejections import (
    FIRST_PAUSE,
    FORGIVEN_AFTER,
    MOST_ADDRESSES,
    MOST_PAUSE,
    REPORT_SECONDS,
    Rejections,
)

HERE, THERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture(name="rejections")
def _refusals() -> Rejections:
    return Rejections()


def test_nobody_waits_at_first(rejections: Rejections) -> None:
    """An address that was never turned away is greeted at once."""
    rejections.note(THERE, 1.0)

    assert 0.0 == rejections.pause(HERE, 1.0)


def test_each_refusal_makes_the_next_link_wait_longer(rejections: Rejections) -> None:
    """The pause doubles, up to two seconds, and lasts."""
    pauses = []
    for _ in range(6):
        rejections.note(HERE, 1.0)
        pauses.append(rejections.pause(HERE, 1.0 + FORGIVEN_AFTER))

    assert [0.25, 0.5, 1.0, 2.0, 2.0, 2.0] == pauses
    assert (0.25, 2.0) == (FIRST_PAUSE, MOST_PAUSE)


def test_refusals_are_forgiven(rejections: Rejections) -> None:
    """After half a minute without one an address is like any other."""
    for _ in range(6):
        rejections.note(HERE, 1.0)
    later = 1.0 + FORGIVEN_AFTER + 0.1

    assert 0.0 == rejections.pause(HERE, later)
    assert rejections.note(HERE, later)
    assert FIRST_PAUSE == rejections.pause(HERE, later)


def test_one_refusal_is_reported_in_a_while(rejections: Rejections) -> None:
    """A thousand rejections of one address are a line in ten seconds, whatever other addresses do."""
    reported = [number for number in range(30) if rejections.note(HERE, 1.0 + number)]

    assert [0, 10, 20] == reported
    assert rejections.note(THERE, 30.0)
    assert 10 == REPORT_SECONDS


def test_the_remembered_addresses_are_bounded(rejections: Rejections) -> None:
    """The address whose last rejection is the oldest is forgotten for a new one."""
    rejections.note(HERE, 1.0)
    rejections.note(THERE, 1.0)
    rejections.note(HERE, 2.0)

    for number in range(MOST_ADDRESSES - 1):
        rejections.note(f"10.0.{number // 256}.{number % 256}", 3.0)

    assert (0.0, 2 * FIRST_PAUSE) == (rejections.pause(THERE, 3.0), rejections.pause(HERE, 3.0))
