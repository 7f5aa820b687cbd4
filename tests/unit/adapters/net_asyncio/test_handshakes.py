"""Handshakes of many links at once: turns, and the patience with a peer."""

from functools import partial

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.handshakes import CROWD, STEPS_PER_TURN, Crowd, Patience, Turnstile


def test_steps_are_made_in_order_a_few_per_turn() -> None:
    """When many peers come at once, the rest of the loop's work goes on in between."""
    clock = ManualClock()
    turnstile = Turnstile(clock)
    steps: list[int] = []
    for number in range(STEPS_PER_TURN + 1):
        turnstile.enter(partial(steps.append, number))
    clock.call_soon(partial(steps.append, -1))

    clock.run_pending()

    assert steps == [*range(STEPS_PER_TURN), -1, STEPS_PER_TURN]


def test_a_turnstile_comes_to_rest_and_turns_again() -> None:
    """With nobody waiting no call is due; the next one to come starts it anew."""
    clock = ManualClock()
    turnstile = Turnstile(clock)
    steps: list[int] = []
    turnstile.enter(partial(steps.append, 1))
    clock.run_pending()
    calls_at_rest = clock.calls_pending

    turnstile.enter(partial(steps.append, 2))
    clock.run_pending()

    assert calls_at_rest == 0
    assert steps == [1, 2]


def test_a_defect_in_a_step_keeps_nobody_waiting() -> None:
    """What a step raises comes out of the loop's call, and the others are made all the same."""
    clock = ManualClock()
    turnstile = Turnstile(clock)
    steps: list[int] = []

    def fail() -> None:
        raise ZeroDivisionError

    turnstile.enter(fail)
    turnstile.enter(partial(steps.append, 1))

    with pytest.raises(ZeroDivisionError):
        clock.run_pending()
    clock.run_pending()

    assert steps == [1]


def test_patience_counts_only_waiting() -> None:
    """Time at rest is free, and time waited adds up."""
    clock = ManualClock()
    ends: list[float] = []
    patience = Patience(clock, 0.5, lambda: ends.append(clock.monotonic()))

    patience.wait()
    clock.advance(0.3)
    patience.rest()
    clock.advance(10)
    patience.wait()
    clock.advance(10)

    assert ends == [pytest.approx(10.5)]


def test_waiting_again_renews_nothing() -> None:
    """Whatever the peer does, its time adds up."""
    clock = ManualClock()
    ends: list[float] = []
    patience = Patience(clock, 0.5, lambda: ends.append(clock.monotonic()))

    for _ in range(4):
        patience.wait()
        clock.advance(0.1)
    patience.wait()
    clock.advance(10)

    assert ends == [pytest.approx(0.5)]


def test_rest_is_final_when_nobody_waits_again() -> None:
    """After the end of a handshake no timer is left."""
    clock = ManualClock()
    patience = Patience(clock, 0.5, lambda: None)
    patience.wait()

    patience.rest()
    patience.rest()

    assert clock.timers_outstanding == 0


def test_a_full_crowd_tells_once_when_there_is_room() -> None:
    """Whoever waits hears of the first handshake that ends, and of no further one."""
    crowd = Crowd()
    calls: list[bool] = []
    for _ in range(CROWD):
        crowd.enter()
    full_at_first = crowd.is_full
    crowd.on_room = lambda: calls.append(crowd.is_full)

    crowd.leave()
    crowd.leave()

    assert full_at_first
    assert calls == [False]


def test_an_overfull_crowd_has_no_room_yet() -> None:
    """Those who were squeezed in count, too."""
    crowd = Crowd()
    calls: list[bool] = []
    for _ in range(CROWD + 1):
        crowd.enter()
    crowd.on_room = lambda: calls.append(crowd.is_full)

    crowd.leave()
    told_too_early = list(calls)
    crowd.leave()

    assert told_too_early == []
    assert calls == [False]
