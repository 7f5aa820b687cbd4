"""Sizes and times of the data plane."""

from app.domain.dataplane import constants


def test_a_turn_has_several_checks() -> None:
    """The clock is asked many times within the work of a turn, and within one flush."""
    assert constants.DELIVERY_WORK < constants.CHECK_WORK < constants.TURN_WORK
    assert constants.BYTES_PER_CHECK < constants.FLUSH_BYTES


def test_what_shared_buffers_hold() -> None:
    """A message that gets a buffer of its own could have begun in the shared one."""
    assert constants.REFERENCED_BYTES < constants.OWN_BYTES < constants.RECEIVE_BYTES
