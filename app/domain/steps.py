"""Long answers in steps: each one takes a fraction of a millisecond."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""An answer of type T, made step by step."""

STEP_WORK = 512
"""Work of one step: a quarter of a millisecond of plain Python. Passing by a connection costs 1."""

ROW_WORK = 8
"""Making a row of a page, or measuring a connection."""


class Step:
    """How much work the current step has left."""

    def __init__(self) -> None:
        self._left = STEP_WORK

    def is_over_after(self, work: int) -> bool:
        """Spend work; return whether it is time to yield, and begin the next step if it is."""
        self._left -= work
        if self._left > 0:
            return False
        self._left = STEP_WORK
        return True
