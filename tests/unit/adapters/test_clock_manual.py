"""Unit tests of virtual time."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.clock_manual import ManualClock


def test_time_stands_still() -> None:
    """Nothing but advancing moves the clock."""
    clock = ManualClock(wall=1000.5)

    assert (0.0, 1000.5) == (clock.monotonic(), clock.time())

    clock.advance(2.25)

    assert (2.25, 1002.75) == (clock.monotonic(), clock.time())


def test_a_step_of_the_wall_clock() -> None:
    """The wall clock can be set; intervals and timers do not notice."""
    clock = ManualClock(wall=10_000.0)
    seen: list[float] = []
    clock.call_later(5, lambda: seen.append(clock.monotonic()))

    clock.step_wall(-3600)

    assert 6400.0 == clock.time()
    assert 0.0 == clock.monotonic()

    clock.advance(5)

    assert [5.0] == seen


def test_a_call_is_made_at_its_own_time() -> None:
    """A call sees its due time, however far the clock is moved at once."""
    clock = ManualClock()
    seen: list[float] = []
    for delay in (3.0, 1.0, 2.0):
        clock.call_later(delay, lambda: seen.append(clock.monotonic()))

    clock.advance(10)

    assert [1.0, 2.0, 3.0] == seen
    assert 10.0 == clock.monotonic()


def test_nothing_is_early() -> None:
    """A call is made when its time is reached, and not a step before."""
    clock = ManualClock()
    seen: list[str] = []
    clock.call_later(2, lambda: seen.append("due"))

    clock.advance(1.999)

    assert [] == seen

    clock.advance(0.001)

    assert ["due"] == seen


def test_equal_times_keep_the_order_of_scheduling() -> None:
    """Of calls due at the same time, the one asked for first comes first."""
    clock = ManualClock()
    seen: list[int] = []
    for number in range(20):
        clock.call_later(1, partial(seen.append, number))

    clock.advance(1)

    assert list(range(20)) == seen


def test_many_small_steps_make_a_whole_one() -> None:
    """Ten tenths are one second; no rounding makes a timer late."""
    clock = ManualClock()
    seen: list[str] = []
    clock.call_later(1, lambda: seen.append("due"))

    for _ in range(10):
        clock.advance(0.1)

    assert ["due"] == seen
    assert 1.0 == clock.monotonic()


def test_calls_scheduled_meanwhile_run_in_the_same_advance() -> None:
    """A timer that arms itself again runs as often as the span has room for."""
    clock = ManualClock()
    seen: list[float] = []

    def tick() -> None:
        seen.append(clock.monotonic())
        clock.call_later(2, tick)

    clock.call_later(2, tick)

    clock.advance(7)

    assert [2.0, 4.0, 6.0] == seen
    assert 1 == clock.timers_outstanding


def test_pending_calls_run_first_and_after_each_timer() -> None:
    """Calls made soon precede the timers, and follow the timer that asked for them."""
    clock = ManualClock()
    seen: list[str] = []

    def timer() -> None:
        seen.append("timer")
        clock.call_soon(lambda: seen.append("soon after"))

    clock.call_later(1, timer)
    clock.call_later(2, lambda: seen.append("next timer"))
    clock.call_soon(lambda: seen.append("before"))

    clock.advance(2)

    assert ["before", "timer", "soon after", "next timer"] == seen


def test_run_pending_moves_no_time() -> None:
    """Pending calls, and those that they add, run without a timer or time passing."""
    clock = ManualClock()
    seen: list[str] = []
    clock.call_later(0, lambda: seen.append("timer"))
    clock.call_soon(lambda: clock.call_soon(lambda: seen.append("added")))

    assert 1 == clock.calls_pending

    clock.run_pending()

    assert ["added"] == seen
    assert 0.0 == clock.monotonic()
    assert 0 == clock.calls_pending


def test_outstanding_timers_are_counted() -> None:
    """Scheduling counts up; running or cancelling counts down, once."""
    clock = ManualClock()
    clock.call_later(1, lambda: None)
    cancelled = clock.call_later(5, lambda: None)
    clock.call_later(9, lambda: None)

    assert 3 == clock.timers_outstanding

    cancelled.cancel()
    cancelled.cancel()
    clock.advance(1)

    assert 1 == clock.timers_outstanding

    clock.advance(8)
    cancelled.cancel()

    assert 0 == clock.timers_outstanding


def test_a_timer_may_cancel_one_that_is_due() -> None:
    """A call cancelled by another at the same time is not made."""
    clock = ManualClock()
    seen: list[str] = []

    def cancel_second() -> None:
        second.cancel()

    clock.call_later(1, cancel_second)
    second = clock.call_later(1, lambda: seen.append("second"))

    clock.advance(1)

    assert [] == seen
    assert 0 == clock.timers_outstanding


def test_what_a_call_raises_comes_out() -> None:
    """A failing call stops the clock at its time; the rest can go on afterwards."""
    clock = ManualClock()
    seen: list[str] = []

    def fail() -> None:
        raise LookupError("broken")

    clock.call_later(1, fail)
    clock.call_later(2, lambda: seen.append("next"))

    with pytest.raises(LookupError, match="broken"):
        clock.advance(5)

    assert 1.0 == clock.monotonic()

    clock.advance(1)

    assert ["next"] == seen


def test_a_call_may_advance_the_clock() -> None:
    """Time never runs backwards, even if a call moves the clock past the outer span."""
    clock = ManualClock()
    clock.call_later(1, lambda: clock.advance(10))

    clock.advance(2)

    assert 11.0 == clock.monotonic()


def test_time_cannot_go_back() -> None:
    """A negative span is refused."""
    with pytest.raises(ValueError, match="cannot go back by 1 s"):
        ManualClock().advance(-1)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans())), st.lists(st.integers(0, 20)))
def test_any_schedule_runs_in_order(timers: list[tuple[int, bool]], steps: list[int]) -> None:
    """Whatever is scheduled, cancelled and stepped: due calls run sorted, once, and none else."""
    clock = ManualClock()
    seen: list[tuple[int, int]] = []
    for number, (delay, cancelled) in enumerate(timers):
        timer = clock.call_later(delay, partial(seen.append, (delay, number)))
        if cancelled:
            timer.cancel()

    for step in steps:
        clock.advance(step)

    kept = [(delay, number) for number, (delay, cancelled) in enumerate(timers) if not cancelled]
    due = sorted(entry for entry in kept if steps and entry[0] <= sum(steps))
    assert due == seen
    assert len(kept) - len(due) == clock.timers_outstanding


def test_when_the_next_timer_is_due() -> None:
    """The earliest that is neither made nor cancelled; None without timers."""
    clock = ManualClock()
    none = clock.next_due
    clock.call_later(1, lambda: None).cancel()
    clock.call_later(3, lambda: None)
    clock.call_later(2, lambda: None)

    first = clock.next_due
    clock.advance(2)

    assert (None, 2.0, 3.0) == (none, first, clock.next_due)


def test_input_waits_in_calls() -> None:
    """Links of virtual time carry by calls, so what is pending may be input."""
    clock = ManualClock()
    before = clock.input_waits()
    clock.call_soon(lambda: None)
    pending = clock.input_waits()
    clock.run_pending()

    assert (False, True, False) == (before, pending, clock.input_waits())
