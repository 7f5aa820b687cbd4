"""FairQueue: how the time of a loop is shared among connections."""

from functools import partial

import pytest

from app.adapters.clock_manual import ManualClock
from app.domain.fair_queue import FIRST, ROUND, SHORT, SHORTEST, SLICE, FairQueue
from tests.fakes.clock import TickingClock


@pytest.fixture(name="clock")
def _clock() -> TickingClock:
    return TickingClock()


def serve(turns: FairQueue, clock: TickingClock, seconds: float) -> float:
    """Serve somebody for so long; how long it might have been."""
    began = turns.begin()
    granted = turns.until - began
    clock.advance_alone(seconds)
    turns.count(clock.monotonic() - began)
    return granted


def test_a_round_is_bounded(clock: TickingClock) -> None:
    """The more of a round is used up, the shorter turns are; the next round is whole."""
    turns = FairQueue(clock)

    granted = [serve(turns, clock, ROUND / 2) for _ in range(3)]
    crowded = turns.is_crowded
    clock.run_pending()
    again = serve(turns, clock, SLICE)

    assert pytest.approx([SLICE, SLICE / 2, SHORTEST]) == granted
    assert (True, False) == (crowded, turns.is_crowded)
    assert pytest.approx(SLICE) == again


def test_short_turns_are_not_counted(clock: TickingClock) -> None:
    """Peers that ask for little shorten no other's turn, and set no call."""
    turns = FairQueue(clock)

    granted = [serve(turns, clock, SHORT / 2) for _ in range(1000)]

    assert pytest.approx([SLICE] * 1000) == granted
    assert 0 == clock.calls_pending


def test_those_that_ask_for_much_are_served_one_in_each_round(clock: TickingClock) -> None:
    """They are served in order, one in each round, others in between."""
    turns = FairQueue(clock)
    seen: list[int] = []

    for number in range(3):
        turns.enqueue(partial(seen.append, number), again=True)
    clock.call_soon(partial(seen.append, -1))
    clock.run_pending()

    assert [0, -1, 1, 2] == seen


def test_those_that_ask_for_little_do_not_wait_for_the_others(clock: TickingClock) -> None:
    """As many of the first queue are served as there is time for, shortly, before one of the second."""
    turns = FairQueue(clock)
    seen: list[tuple[int, float]] = []

    def serve_one(number: int) -> None:
        began = turns.begin()
        seen.append((number, turns.until - began))

    for number in range(3):
        turns.enqueue(partial(serve_one, number), again=True)
    for number in range(10, 13):
        turns.enqueue(partial(serve_one, number))
    clock.run_pending()

    assert [10, 11, 12, 0, 1, 2] == [number for number, _ in seen]
    assert pytest.approx([FIRST] * 3 + [SLICE] * 3) == [granted for _, granted in seen]


def test_the_first_queue_is_bounded_too(clock: TickingClock) -> None:
    """When its time is used up, one of the second queue is served, and then the round is over."""
    turns = FairQueue(clock)
    seen: list[int] = []
    for number in range(4):
        turns.enqueue(partial(seen.append, number))
        turns.enqueue(partial(seen.append, 10 + number), again=True)

    clock.pace = SLICE
    clock.run_pending()

    assert [0, 10, 1, 11, 2, 12, 3, 13] == seen


def test_a_defect_does_not_end_the_queue(clock: TickingClock) -> None:
    """What one call raises is the loop's, and the next one is made all the same."""
    turns = FairQueue(clock)
    seen: list[str] = []

    def stumble() -> None:
        raise ZeroDivisionError

    turns.enqueue(stumble)
    turns.enqueue(lambda: seen.append("next"))
    with pytest.raises(ZeroDivisionError):
        clock.run_pending()
    clock.run_pending()

    assert ["next"] == seen


def test_a_postponed_call_lets_two_rounds_go_first(clock: TickingClock) -> None:
    """What is known to be ready comes before it, and what these calls find; calls keep their order."""
    turns = FairQueue(clock)
    seen: list[str] = []

    clock.call_soon(lambda: clock.call_soon(partial(seen.append, "found")))
    for name in ("first", "second"):
        turns.postpone(partial(seen.append, name))
    clock.call_soon(partial(seen.append, "ready"))
    clock.run_pending()

    assert ["ready", "found", "first", "second"] == seen


def test_nobody_goes_first_where_nothing_has_come(clock: TickingClock) -> None:
    """Others go first if their input waits: in the clock's world, in a queue, or postponed itself."""
    turns = FairQueue(clock)
    answers = [turns.others_go_first()]

    clock.call_soon(lambda: answers.append(turns.others_go_first()))
    answers.append(turns.others_go_first())
    clock.run_pending()
    turns.postpone(lambda: answers.append(turns.others_go_first()))
    turns.postpone(lambda: answers.append(turns.others_go_first()))
    clock.run_pending()
    for again in (False, True):
        turns.enqueue(lambda: None, again=again)
        answers.append(turns.others_go_first())
        clock.run_pending()

    assert [False, True, False, True, False, True, True] == answers
    assert not turns.others_go_first()


def test_a_postponed_peer_goes_before_the_next() -> None:
    """While one is postponed others go first, though nothing is left to read."""

    class Idle(ManualClock):
        """Knows that nothing has come."""

        def input_waits(self) -> bool:
            """It never does."""
            return False

    idle = Idle()
    turns = FairQueue(idle)
    turns.postpone(lambda: None)
    before = turns.others_go_first()
    idle.run_pending()

    assert (True, False) == (before, turns.others_go_first())
