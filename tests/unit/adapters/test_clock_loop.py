"""Unit tests of the clock of a running server."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from app.adapters.clock_loop import LoopClock


class StandingLoop(asyncio.SelectorEventLoop):
    """A loop whose own time stands still."""

    def time(self) -> float:
        """Always the same."""
        return 1234.5


@pytest.fixture(name="loop")
def _loop() -> Iterator[StandingLoop]:
    loop = StandingLoop()
    yield loop
    loop.close()


def test_intervals_are_measured_by_the_loop(loop: StandingLoop) -> None:
    """Readings agree with the scale on which the loop runs its timers."""
    assert 1234.5 == LoopClock(loop).monotonic()


def test_the_wall_clock_is_the_machines(loop: StandingLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """People get the time of the machine."""
    monkeypatch.setattr(time, "time", lambda: 1_480_000_000.25)

    assert 1_480_000_000.25 == LoopClock(loop).time()


def test_the_running_loop_is_the_default() -> None:
    """Within a running loop, that loop is taken."""

    async def reading() -> float:
        return LoopClock().monotonic()

    with asyncio.Runner(loop_factory=StandingLoop) as runner:
        assert 1234.5 == runner.run(reading())


def test_no_clock_without_a_loop() -> None:
    """Outside of a running loop, one must be given."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        LoopClock()
