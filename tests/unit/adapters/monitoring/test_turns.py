"""Long answers beside the traffic."""

import asyncio
from collections.abc import Callable

import pytest

from app.adapters.monitoring.turns import Turns
from app.ports.broker_view import Steps


class Rounds:
    """Counts how often the loop goes round."""

    def __init__(self) -> None:
        self.count = 0
        self._loop = asyncio.get_running_loop()
        self._next()

    def _next(self) -> None:
        self.count += 1
        self._handle = self._loop.call_soon(self._next)

    def end(self) -> None:
        """Count no more."""
        self._handle.cancel()


def steps(name: str, pauses: int, note: Callable[[str], object]) -> Steps[str]:
    """An answer with so many pauses."""
    for _ in range(pauses):
        note(name)
        yield
    note(name)
    return name


@pytest.mark.asyncio
async def test_one_step_for_each_turn() -> None:
    """Two answers take steps alternately, and the loop goes round between any two."""
    rounds, turns = Rounds(), Turns()
    taken: list[tuple[int, str]] = []

    def note(name: str) -> None:
        taken.append((rounds.count, name))

    first, second = await asyncio.gather(turns.answer(steps("a", 2, note)), turns.answer(steps("b", 2, note)))
    rounds.end()

    assert ("a", "b") == (first, second)
    assert ["a", "b", "a", "b", "a", "b"] == [name for _, name in taken]
    assert 4 <= len({number for number, _ in taken})


@pytest.mark.asyncio
async def test_an_error_ends_one_answer_alone() -> None:
    """An answer that fails raises, and the next one is given."""
    turns = Turns()

    def broken() -> Steps[str]:
        yield
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await turns.answer(broken())
    assert "a" == await turns.answer(steps("a", 1, str))
