"""Time that passes when a test says so."""

import asyncio

import pytest

from app.embedding.clock import ManualClock
from tests.support.patience import PATIENCE


@pytest.mark.asyncio
async def test_what_is_due_is_done_at_its_own_time() -> None:
    """In order of time; what is not due waits, and what is cancelled is not done."""
    clock = ManualClock()
    done: list[tuple[str, float]] = []
    clock.call_later(3, lambda: done.append(("c", clock.monotonic())))
    clock.call_later(1, lambda: done.append(("a", clock.monotonic())))
    clock.call_later(1.5, lambda: done.append(("cancelled", 0))).cancel()
    clock.call_later(2, lambda: done.append(("b", clock.monotonic())))

    await clock.advance(2)

    assert ([("a", 1.0), ("b", 2.0)], 2.0) == (done, clock.monotonic())


@pytest.mark.asyncio
async def test_calls_without_a_time_are_made_by_the_loop() -> None:
    """They need no time to pass."""
    clock = ManualClock()
    done = asyncio.Event()
    before = clock.time()
    clock.call_soon(done.set)

    await asyncio.wait_for(done.wait(), PATIENCE)

    assert before == clock.time()


@pytest.mark.asyncio
async def test_what_a_step_causes_is_due_in_the_same_span() -> None:
    """A call that comes of another one has its own time."""
    clock = ManualClock()
    times: list[float] = []

    def again() -> None:
        times.append(clock.monotonic())
        clock.call_soon(later)

    def later() -> None:
        clock.call_later(1, again)

    later()

    await clock.advance(3.5)

    assert [1.0, 2.0, 3.0] == times


def test_without_a_loop() -> None:
    """A plain call does it."""
    clock = ManualClock()
    done: list[float] = []
    clock.call_later(1, lambda: done.append(clock.monotonic()))

    clock.advance(2)

    assert [1.0] == done
    with pytest.raises(ValueError, match="go back"):
        clock.advance(-1)
