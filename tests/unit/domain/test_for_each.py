"""All are acted on, whatever one of them raises."""

import pytest

from app.domain.for_each import finish_each, for_each


class Acts:
    """Notes what it is given; odd numbers are defects."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def __call__(self, number: int) -> None:
        """Note it."""
        self.done.append(number)
        if number % 2:
            raise ValueError(number)


def test_a_defect_costs_one_item() -> None:
    """Those after it are acted on, and each defect is reported once."""
    acts, errors = Acts(), list[Exception]()
    for_each(acts, range(5), errors.append)

    assert acts.done == [0, 1, 2, 3, 4]
    assert [error.args for error in errors] == [(1,), (3,)]


def test_the_first_defect_is_raised_at_the_end() -> None:
    """It names those that followed."""
    acts = Acts()
    with pytest.raises(ValueError, match="1") as raised:
        finish_each(acts, range(4))
    finish_each(acts, [6])

    assert acts.done == [0, 1, 2, 3, 6]
    assert raised.value.__notes__ == ["and ValueError"]
