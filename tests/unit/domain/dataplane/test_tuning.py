"""Sizes and times of the data plane."""

from app.domain.dataplane import tuning


def test_a_turn_has_several_checks() -> None:
    """The clock is asked many times within the work of a turn, and within one flush."""
    assert tuning.DELIVERY_WORK < tuning.CHECK_WORK < tuning.TURN_WORK
    assert tuning.BYTES_PER_CHECK < tuning.FLUSH_BYTES


def test_own_buffers_are_for_what_the_shared_one_holds_too() -> None:
    """A message that gets a buffer of its own could have begun in the shared one."""
    assert tuning.REFERENCED_BYTES < tuning.OWN_BYTES < tuning.RECEIVE_BYTES
