"""Handshakes of many links at once: turns, and the time of a peer."""

from functools import partial

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.handshakes import STEPS_PER_TURN, HandshakeTimer, StepQueue


def test_steps_are_made_in_order_a_few_per_turn() -> None:
    """When many peers come at once, the rest of the loop's work goes on in between."""
    clock = ManualClock()
    queue = StepQueue(clock)
    steps: list[int] = []
    for number in range(STEPS_PER_TURN + 1):
        queue.enter(partial(steps.append, number))
    clock.call_soon(partial(steps.append, -1))

    clock.run_pending()

    assert steps == [*range(STEPS_PER_TURN), -1, STEPS_PER_TURN]


def test_an_empty_queue_starts_again() -> None:
    """With nobody waiting no call is due; the next one to come starts it again."""
    clock = ManualClock()
    queue = StepQueue(clock)
    steps: list[int] = []
    queue.enter(partial(steps.append, 1))
    clock.run_pending()
    calls_at_rest = clock.calls_pending

    queue.enter(partial(steps.append, 2))
    clock.run_pending()

    assert calls_at_rest == 0
    assert steps == [1, 2]


def test_a_defect_in_a_step_keeps_nobody_waiting() -> None:
    """What a step raises comes out of the loop's call, and the others are made all the same."""
    clock = ManualClock()
    queue = StepQueue(clock)
    steps: list[int] = []

    def fail() -> None:
        raise ZeroDivisionError

    queue.enter(fail)
    queue.enter(partial(steps.append, 1))

    with pytest.raises(ZeroDivisionError):
        clock.run_pending()
    clock.run_pending()

    assert steps == [1]


def test_only_waiting_counts() -> None:
    """Time at rest is free, and time waited adds up."""
    clock = ManualClock()
    ends: list[float] = []
    timer = HandshakeTimer(clock, 0.5, lambda: ends.append(clock.monotonic()))

    timer.wait()
    clock.advance(0.3)
    timer.stop()
    clock.advance(10)
    timer.wait()
    clock.advance(10)

    assert ends == [pytest.approx(10.5)]


def test_waiting_again_renews_nothing() -> None:
    """Whatever the peer does, its time adds up."""
    clock = ManualClock()
    ends: list[float] = []
    timer = HandshakeTimer(clock, 0.5, lambda: ends.append(clock.monotonic()))

    for _ in range(4):
        timer.wait()
        clock.advance(0.1)
    timer.wait()
    clock.advance(10)

    assert ends == [pytest.approx(0.5)]


def test_a_stop_is_final_when_nobody_waits_again() -> None:
    """After the end of a handshake no timer is left."""
    clock = ManualClock()
    timer = HandshakeTimer(clock, 0.5, lambda: None)
    timer.wait()

    timer.stop()
    timer.stop()

    assert clock.timers_outstanding == 0
