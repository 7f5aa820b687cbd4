"""Long answers beside the traffic."""

import asyncio
from collections.abc import Callable

import pytest

from app.adapters.monitoring.stepper import (
    CHUNK_BYTES,
    CREDIT_SECONDS,
    LONGEST_PAUSE,
    PROBES_SHARE,
    SHARE,
    SLICE_SECONDS,
    Chunks,
    Stepper,
)
from app.ports.broker_view import Steps


class Rounds:
    """Counts how often the loop goes round."""

    def __init__(self) -> None:
        self.count = 0
        self._loop = asyncio.get_running_loop()
        self._next()

    def _next(self) -> None:
        self.count += 1
        self._handle = self._loop.call_soon(self._next)

    def end(self) -> None:
        """Count no more."""
        self._handle.cancel()


class Busy:
    """A clock of work: each step takes a slice's time, and waiting takes what it should."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []

    def time(self) -> float:
        """Seconds so far."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Time goes on, and so does the loop."""
        self.waited.append(seconds)
        asyncio.get_running_loop().call_soon(self.pass_by, seconds)
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        """Time in which nothing is done."""
        self.now += seconds

    def steps(self, count: int, seconds: float) -> Steps[int]:
        """Steps that take this long each."""
        for _ in range(count):
            self.now += seconds
            yield
        return count

    def chunks(self, count: int, size: int, seconds: float) -> Chunks:
        """Steps that take this long each, and give this much."""
        for _ in range(count):
            self.now += seconds
            yield b"x" * size


def steps(name: str, pauses: int, note: Callable[[str], object]) -> Steps[str]:
    """An answer with this many pauses."""
    for _ in range(pauses):
        note(name)
        yield
    note(name)
    return name


@pytest.mark.asyncio
async def test_one_step_for_each_turn() -> None:
    """Two answers take steps alternately, and the loop goes round between any two."""
    rounds, busy = Rounds(), Busy()
    stepper = Stepper(clock=busy.time)
    taken: list[tuple[int, str]] = []

    def note(name: str) -> None:
        taken.append((rounds.count, name))
        busy.now += SLICE_SECONDS

    first, second = await asyncio.gather(stepper.run(steps("a", 2, note)), stepper.run(steps("b", 2, note)))
    rounds.end()

    assert ("a", "b") == (first, second)
    assert ["a", "b", "a", "b", "a", "b"] == [name for _, name in taken]
    assert 4 <= len({number for number, _ in taken})


@pytest.mark.asyncio
async def test_an_error_ends_one_answer_alone() -> None:
    """An answer that fails raises, and the next one is given."""
    stepper = Stepper()

    def broken() -> Steps[str]:
        yield
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stepper.run(broken())
    assert "a" == await stepper.run(steps("a", 1, str))


@pytest.mark.asyncio
async def test_a_slice_ends_by_the_clock() -> None:
    """Short steps are taken together, for as long as a slice lasts."""
    busy = Busy()
    stepper = Stepper(clock=busy.time, sleep=busy.sleep)

    assert 40 == await stepper.run(busy.steps(40, SLICE_SECONDS / 4))

    assert 10 <= len(busy.waited) <= 11


@pytest.mark.asyncio
async def test_a_share_of_the_loop() -> None:
    """Whatever is asked, the loop belongs to others for all but its share, once the credit is used up."""
    busy = Busy()
    stepper = Stepper(clock=busy.time, sleep=busy.sleep)

    await asyncio.gather(*(stepper.run(busy.steps(500, 0.001)) for _ in range(4)))

    assert 0.0 == busy.waited[0]
    assert 2.0 == pytest.approx(stepper.spent)
    assert 2.0 / SHARE - CREDIT_SECONDS / SHARE - 0.1 <= busy.now <= 2.0 / SHARE


@pytest.mark.asyncio
async def test_who_asks_seldom_has_credit() -> None:
    """Little work does not wait, and credit comes back with time."""
    busy = Busy()
    stepper = Stepper(clock=busy.time, sleep=busy.sleep)

    for _ in range(3):
        await stepper.run(busy.steps(3, 0.003))
        await stepper.wait_turn()
        busy.now += CREDIT_SECONDS / SHARE

    assert {0.0} == set(busy.waited)


@pytest.mark.asyncio
async def test_what_is_done_outside_of_steps_counts() -> None:
    """Work that is measured is paid for, once, and not the time in which it waits."""
    busy = Busy()
    stepper = Stepper(clock=busy.time, sleep=busy.sleep)

    async def work() -> None:
        busy.now += 1.0
        await busy.sleep(7.0)
        await stepper.run(busy.steps(1, 0.5))
        with pytest.raises(ZeroDivisionError):
            await broken()
        busy.now += 0.25

    async def broken() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    await stepper.measured(work())
    await stepper.wait_turn()

    assert 1.75 == stepper.spent
    assert 0.0 < busy.waited[-1]


@pytest.mark.asyncio
async def test_a_pause_of_the_process_is_not_paid_for_in_full() -> None:
    """A piece of work that was held up, as by the garbage collector, does not keep probes waiting."""
    busy = Busy()
    stepper = Stepper(PROBES_SHARE, busy.time, busy.sleep)

    async def held_up() -> None:
        busy.now += 3.0

    await stepper.measured(held_up())
    await stepper.wait_turn()

    assert 3.0 == stepper.spent
    assert busy.now - 3.0 <= LONGEST_PAUSE


@pytest.mark.asyncio
async def test_what_is_measured_can_be_cancelled() -> None:
    """Cancellation comes to the work where it waits."""
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.create_task(Stepper().measured(work()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["cancelled"] == seen


@pytest.mark.asyncio
async def test_a_stream_comes_in_pieces() -> None:
    """A long answer is never held whole, and nothing is made ahead of its reader."""
    busy = Busy()
    stepper = Stepper(clock=busy.time, sleep=busy.sleep)
    stream = stepper.stream(busy.chunks(100, CHUNK_BYTES // 8, 0.0001))

    first = await anext(stream)
    made = busy.now
    pieces = [first, *[piece async for piece in stream]]

    assert 8 == round((made - busy.waited[0]) / 0.0001)
    assert CHUNK_BYTES == max(map(len, pieces))
    assert 100 * CHUNK_BYTES // 8 == sum(map(len, pieces))
    assert [] == [piece async for piece in stepper.stream(busy.chunks(3, 0, 0.0))]
