"""Traffic that waits."""

from app.adapters.clock_manual import ManualClock
from app.adapters.faults.delay_line import DelayLine


def taken(line: DelayLine[str]) -> list[str]:
    """All that is due."""
    found = []
    while (one := line.take()) is not None:
        found.append(one)
    return found


def test_order_is_kept_and_delays_run_side_by_side() -> None:
    """What is due waits for what was put in before it."""
    clock, called = ManualClock(), list[float]()
    line = DelayLine[str](clock, lambda: called.append(clock.monotonic()))
    line.put("a", 3, 2)
    line.put("b", 1, 1)
    line.put("c", 1)
    seen = []
    for _ in range(2):
        clock.advance(1)
        seen.append(taken(line))

    assert [[], ["a", "b", "c"]] == seen
    assert ([1.0, 2.0], 0, 0) == (called, len(line), line.size)


def test_what_is_forgotten_leaves_no_timer() -> None:
    """Nor anything that is due."""
    clock = ManualClock()
    line = DelayLine[str](clock, lambda: None)
    line.put("a", 3, 2)
    line.put("b", 3)
    line.clear()

    assert ([], 0, 0) == (taken(line), line.size, clock.timers_outstanding)
