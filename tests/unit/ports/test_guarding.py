"""Unit tests of calls that must not raise into an event loop."""

import pytest

from app.ports.guarding import guarded


class Thing:
    """Something that can fail."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    def fail(self, error: Exception) -> None:
        """Note why."""
        self.failures.append(error)

    @guarded
    def divide(self, by: int) -> int:
        """Divide ten."""
        return 10 // by

    @guarded
    def leave(self) -> None:
        """End the program."""
        raise SystemExit


def test_what_goes_well_is_passed_on() -> None:
    """A guard changes nothing as long as nothing goes wrong, and keeps the name of the call."""
    thing = Thing()

    assert (5, []) == (thing.divide(2), thing.failures)
    assert "divide" == Thing.divide.__name__


def test_what_goes_wrong_ends_the_object() -> None:
    """The exception goes to the object, and no further; the answer is None."""
    thing = Thing()

    assert thing.divide(0) is None
    assert [ZeroDivisionError] == [type(error) for error in thing.failures]


def test_the_end_of_a_program_is_no_failure() -> None:
    """What is meant for the whole program is not kept from it."""
    with pytest.raises(SystemExit):
        Thing().leave()
