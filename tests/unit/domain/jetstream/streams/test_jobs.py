"""Unit tests of long work in slices."""

from app.domain.jetstream.streams.jobs import SLICE, Jobs
from app.domain.steps import Steps
from tests.fakes.clock import TickingClock


class Work:
    """Counts its steps, and whether it ended."""

    def __init__(self) -> None:
        self.made = 0
        self.ended = False

    def steps(self, count: int) -> Steps[None]:
        """That many steps."""
        for _ in range(count):
            self.made += 1
            yield

    def end(self) -> None:
        """It is done."""
        self.ended = True


def test_short_work_is_done_at_once() -> None:
    """One slice is enough, with somebody waiting for the end or not."""
    work, jobs = Work(), Jobs(TickingClock())
    jobs.run(work.steps(3), work.end)
    jobs.run(work.steps(2))

    assert work.ended
    assert work.made == 5


def test_long_work_goes_on_in_later_turns() -> None:
    """A slice ends by the clock."""
    clock, work = TickingClock(SLICE), Work()
    Jobs(clock).run(work.steps(3), work.end)

    assert work.made == 1
    clock.run_pending()
    assert work.made == 3
    assert work.ended


def test_closing_stops_work() -> None:
    """What is not done is left."""
    clock, work = TickingClock(SLICE), Work()
    jobs = Jobs(clock)
    jobs.run(work.steps(3), work.end)
    jobs.close()
    clock.run_pending()

    assert work.made == 1
    assert not work.ended
