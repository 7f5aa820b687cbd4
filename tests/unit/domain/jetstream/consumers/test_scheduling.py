"""Unit tests of the scheduler of consumers."""

from collections.abc import Callable

from app.domain.jetstream.consumers.scheduling import RETRY, SAVING, SHARE, TURN, ConsumerScheduler
from tests.fakes.clock import TickingClock


class Eater:
    """Somebody who is served, for some time."""

    def __init__(self, name: str, clock: TickingClock, work: int = 1, meal: float = 0.0) -> None:
        self.name = name
        self.clock = clock
        self.work = work
        self.meal = meal
        self.log: list[str] = []
        self.shares: list[float] = []
        self.saved = 0
        self.also: Callable[[], None] = lambda: None

    def serve(self, until: float) -> bool:
        """Work once."""
        self.log.append(self.name)
        self.shares.append(until - self.clock.monotonic())
        self.also()
        self.clock.advance_alone(self.meal)
        self.work -= 1
        return self.work > 0

    def save(self) -> None:
        """Count."""
        self.saved += 1


def test_all_are_served_in_turn() -> None:
    """Those who have more to do come again after the others."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    log: list[str] = []
    for name, work in (("a", 3), ("b", 1), ("c", 2)):
        eater = Eater(name, clock, work)
        eater.log = log
        scheduling.wake(eater)
        scheduling.wake(eater)
    clock.run_pending()
    assert ["a", "b", "c", "a", "c", "a"] == log


def test_shares_are_short_while_others_wait() -> None:
    """The last one has the rest of the turn."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    first, last = Eater("a", clock), Eater("b", clock)
    scheduling.wake(first)
    scheduling.wake(last)
    clock.run_pending()
    assert [round(SHARE, 6), round(TURN, 6)] == [round(first.shares[0], 6), round(last.shares[0], 6)]
    assert SHARE == scheduling.share


def test_a_turn_ends_by_the_clock() -> None:
    """Others of the loop come before the rest."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    eaters = [Eater(str(i), clock, meal=TURN / 2) for i in range(5)]
    for eater in eaters:
        scheduling.wake(eater)
    order: list[int] = []
    clock.call_soon(lambda: order.append(sum(len(eater.log) for eater in eaters)))
    clock.run_pending()
    assert [2] == order
    assert 5 == sum(len(eater.log) for eater in eaters)


def test_who_was_too_slow_is_tried_again_later() -> None:
    """One timer for all; those who are gone are not."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    slow, gone = Eater("a", clock), Eater("b", clock)
    scheduling.retry(slow)
    scheduling.retry(gone)
    scheduling.forget(gone)
    assert 1 == clock.timers_outstanding
    clock.advance(RETRY)
    assert (["a"], []) == (slow.log, gone.log)


def test_changes_are_saved_together() -> None:
    """Soon, or at once before an end."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    first, second = Eater("a", clock), Eater("b", clock)
    scheduling.save_later(first)
    scheduling.save_later(second)
    assert 1 == clock.timers_outstanding
    clock.advance(SAVING)
    assert (1, 1) == (first.saved, second.saved)
    scheduling.save_later(first)
    scheduling.save_all()
    assert 2 == first.saved
    clock.advance(SAVING)
    assert 2 == first.saved


def test_an_error_of_one_does_not_end_the_turns_of_others() -> None:
    """The error comes out; the next turn goes on."""
    clock = TickingClock()
    scheduling = ConsumerScheduler(clock)
    bad, good = Eater("a", clock), Eater("b", clock)

    def fail() -> None:
        raise RuntimeError

    bad.also = fail
    scheduling.wake(bad)
    scheduling.wake(good)
    try:
        clock.run_pending()
    except RuntimeError:
        clock.run_pending()
    assert ["b"] == good.log
