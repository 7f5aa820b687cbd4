"""Unit tests of the clock of a running server."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from app.adapters.clock_loop import LoopClock
from tests.support.loops import LOOPS


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


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
def test_input_that_waits_is_seen(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """What can be read at any descriptor of the loop waits until it is read; nothing else does."""
    ours, theirs = os.pipe()

    async def watch() -> list[bool]:
        loop = asyncio.get_running_loop()
        clock, heard = LoopClock(), asyncio.Event()

        def read() -> None:
            os.read(ours, 1)
            heard.set()

        loop.add_reader(ours, read)
        await asyncio.sleep(0)
        seen = [clock.input_waits()]
        os.write(theirs, b"x")
        seen.append(clock.input_waits())
        await heard.wait()
        seen.append(clock.input_waits())
        loop.remove_reader(ours)
        return seen

    with asyncio.Runner(loop_factory=make_loop) as runner:
        seen = runner.run(watch())
    os.close(ours)
    os.close(theirs)

    assert [False, True, False] == seen


def test_loops_of_which_nothing_is_known() -> None:
    """Where a loop does not show its descriptors, input may wait at any time."""

    class Other:
        """A loop of another kind."""

        def time(self) -> float:
            """Some time."""
            return 0.0

    assert LoopClock(cast("asyncio.AbstractEventLoop", Other())).input_waits()
