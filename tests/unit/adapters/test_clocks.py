"""Unit tests of the contract of clocks, over the real one, on each event loop, and the manual one."""

import asyncio
from collections.abc import Callable

import pytest

from app.adapters.clock_loop import LoopClock
from app.adapters.clock_manual import ManualClock
from app.ports.clock import Clock

Scenario = Callable[[Clock], None]
Runner = Callable[[Scenario], None]

SHORT = 0.001
LONG = 0.002


async def _until_over(scenario: Scenario) -> None:
    """Run the scenario, then its loop until a timer after all others is due."""
    clock = LoopClock()
    scenario(clock)
    over = asyncio.Event()
    clock.call_later(2 * LONG, over.set)
    await over.wait()


def _on_asyncio(scenario: Scenario) -> None:
    asyncio.run(_until_over(scenario))


def _on_uvloop(scenario: Scenario) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop does not exist for this system")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_over(scenario))


def _by_hand(scenario: Scenario) -> None:
    clock = ManualClock()
    scenario(clock)
    clock.advance(2 * LONG)


RUNNERS = {"asyncio": _on_asyncio, "uvloop": _on_uvloop, "manual": _by_hand}


@pytest.fixture(name="run", params=RUNNERS)
def _run(request: pytest.FixtureRequest) -> Runner:
    """Runs a scenario on a clock until all that it scheduled is over."""
    return RUNNERS[request.param]


def test_soon_is_not_now_and_keeps_order(run: Runner) -> None:
    """Calls made soon come after the current one, in the order they were asked for."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        clock.call_soon(lambda: seen.append("first"))
        clock.call_soon(lambda: seen.append("second"))
        seen.append("current")

    run(scenario)

    assert ["current", "first", "second"] == seen


def test_no_delay_is_not_now(run: Runner) -> None:
    """A call without delay, or with a negative one, is made once, after the current one."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        clock.call_later(0, lambda: seen.append("none"))
        clock.call_later(-LONG, lambda: seen.append("negative"))
        seen.append("current")

    run(scenario)

    assert "current" == seen[0]
    assert ["negative", "none"] == sorted(seen[1:])


def test_timers_run_in_order_of_due_time(run: Runner) -> None:
    """The shorter delay comes first, whichever was asked for first."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        clock.call_later(LONG, lambda: seen.append("long"))
        clock.call_later(SHORT, lambda: seen.append("short"))

    run(scenario)

    assert ["short", "long"] == seen


def test_a_cancelled_timer_never_runs(run: Runner) -> None:
    """Cancelling forgets the call; cancelling again does no harm."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        timer = clock.call_later(SHORT, lambda: seen.append("cancelled"))
        timer.cancel()
        timer.cancel()

    run(scenario)

    assert [] == seen


def test_cancelling_after_the_call(run: Runner) -> None:
    """A timer that has run can be cancelled without harm."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        timer = clock.call_later(SHORT, lambda: seen.append("run"))
        clock.call_later(LONG, timer.cancel)

    run(scenario)

    assert ["run"] == seen


def test_a_call_may_schedule_others(run: Runner) -> None:
    """Timers and calls that a timer asks for are made too."""
    seen: list[str] = []

    def scenario(clock: Clock) -> None:
        def again() -> None:
            clock.call_soon(lambda: seen.append("soon"))
            clock.call_later(0, lambda: seen.append("later"))

        clock.call_later(SHORT, again)

    run(scenario)

    assert {"soon", "later"} == set(seen)
