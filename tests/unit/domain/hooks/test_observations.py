"""Calls that nobody waits for."""

from collections.abc import Callable

from app.domain.hooks.observations import AT_ONCE, MOST_WAITING, MOST_WAITING_BYTES, Observations


def test_calls_that_end_at_once() -> None:
    """Any number of them may be made."""
    observations = Observations()
    made: list[int] = []

    def job(_end: Callable[[], None]) -> bool:
        made.append(1)
        return True

    assert all(observations.add(job, 0) for _ in range(2 * AT_ONCE))
    assert 2 * AT_ONCE == len(made)


def test_calls_that_take_time() -> None:
    """A few run at once, others wait for their turn in order, and above a bound none is taken."""
    observations = Observations()
    ends: list[Callable[[], None]] = []
    begun: list[int] = []

    def job(number: int) -> Callable[[Callable[[], None]], bool]:
        def begin(end: Callable[[], None]) -> bool:
            begun.append(number)
            ends.append(end)
            return number % 2 == 1 and number >= AT_ONCE

        return begin

    assert all(observations.add(job(number), 1) for number in range(AT_ONCE + MOST_WAITING))
    assert not observations.add(job(-1), 1)
    assert AT_ONCE == len(begun)

    ends[0]()

    assert [AT_ONCE] == begun[AT_ONCE:]
    ends[1]()
    assert [AT_ONCE, AT_ONCE + 1, AT_ONCE + 2] == begun[AT_ONCE:]


def test_large_messages_in_line() -> None:
    """Their bytes are bounded, too, and free again when it is their turn."""
    observations = Observations()
    ends: list[Callable[[], None]] = []

    def job(end: Callable[[], None]) -> bool:
        ends.append(end)
        return False

    half = MOST_WAITING_BYTES // 2

    taken = [observations.add(job, half) for _ in range(AT_ONCE + 3)]

    assert [True] * (AT_ONCE + 2) + [False] == taken
    ends[0]()
    assert observations.add(job, half)
