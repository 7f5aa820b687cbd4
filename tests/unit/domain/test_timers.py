"""Unit tests of the queue of things that fall due."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.clock_manual import ManualClock
from app.domain.timers import SLACK, DueQueue
from app.ports.clock import Timer

DELAY = 8.0


class CountingClock(ManualClock):
    """A manual clock that counts the timers asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.timers_made = 0

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Count, and do as ever."""
        self.timers_made += 1
        return super().call_later(delay, call)


class Diary:
    """A queue of names, and when each of them was called.

    ``also`` is done at each call: it may add or discard.
    """

    def __init__(self, delay: float = DELAY) -> None:
        self.clock = CountingClock()
        self.queue: DueQueue[str] = DueQueue(self.clock, delay, self._act)
        self.called: list[tuple[float, str]] = []
        self.also: Callable[[str], None] = lambda _: None

    def _act(self, name: str) -> None:
        self.called.append((self.clock.monotonic(), name))
        self.also(name)


@pytest.fixture(name="diary")
def _diary() -> Diary:
    """An empty diary."""
    return Diary()


def test_an_idle_queue_keeps_no_timer(diary: Diary) -> None:
    """Nothing waits, nothing is scheduled."""
    assert (0, 0) == (len(diary.queue), diary.clock.timers_outstanding)


def test_due_after_the_delay(diary: Diary) -> None:
    """Called once, when the delay is over, and forgotten."""
    diary.queue.add("a")

    diary.clock.advance(DELAY - 0.5)
    assert ([], 1) == (diary.called, len(diary.queue))
    diary.clock.advance(10 * DELAY)
    assert ([(8.0, "a")], 0) == (diary.called, len(diary.queue))
    assert 0 == diary.clock.timers_outstanding


def test_order(diary: Diary) -> None:
    """What was added first is due first; each in its own time."""
    for name in ("a", "b", "c"):
        diary.queue.add(name)
        diary.clock.advance(1)
    diary.clock.advance(DELAY)

    assert [(8.0, "a"), (9.0, "b"), (10.0, "c")] == diary.called


def test_things_of_one_moment_keep_their_order(diary: Diary) -> None:
    """Those added at the same time are called in the order of adding, by one timer."""
    for name in ("c", "a", "b"):
        diary.queue.add(name)
    diary.clock.advance(DELAY)

    assert [(8.0, "c"), (8.0, "a"), (8.0, "b")] == diary.called
    assert 1 == diary.clock.timers_made


def test_things_due_close_together_share_timers(diary: Diary) -> None:
    """A hundred within a second take ten timers or so, and none is later than the slack."""
    for number in range(100):
        diary.queue.add(str(number))
        diary.clock.advance(0.01)
    diary.clock.advance(DELAY)

    assert [str(number) for number in range(100)] == [name for _, name in diary.called]
    assert all(-1e-6 <= at - DELAY - int(name) / 100 <= SLACK + 1e-6 for at, name in diary.called)
    assert diary.clock.timers_made <= 1 + 1 / SLACK


def test_the_slack_of_a_short_delay() -> None:
    """Where the delay is shorter than the slack, no call is later than twice the delay."""
    diary = Diary(delay=0.02)
    diary.queue.add("a")
    diary.clock.advance(0.01)
    diary.queue.add("b")
    diary.clock.advance(1)

    assert [(0.02, "a"), (0.04, "b")] == diary.called


def test_adding_again_starts_the_delay_anew(diary: Diary) -> None:
    """What waits already waits its full delay from now, after the others, and is called once."""
    diary.queue.add("a")
    diary.queue.add("b")
    diary.clock.advance(5)
    diary.queue.add("a")
    assert 2 == len(diary.queue)
    diary.clock.advance(10 * DELAY)

    assert [(8.0, "b"), (13.0, "a")] == diary.called


def test_what_is_discarded_is_not_called(diary: Diary) -> None:
    """It is forgotten; the others are called in their time."""
    for name in ("a", "b", "c"):
        diary.queue.add(name)
        diary.clock.advance(1)
    diary.queue.discard("a")
    diary.queue.discard("c")
    diary.clock.advance(10 * DELAY)

    assert [(9.0, "b")] == diary.called


def test_no_timer_outlives_the_last_thing(diary: Diary) -> None:
    """Once all that waits is discarded the clock has no timer."""
    for name in ("a", "b"):
        diary.queue.add(name)
    diary.queue.discard("a")
    assert 1 == diary.clock.timers_outstanding
    diary.queue.discard("b")

    assert (0, 0) == (len(diary.queue), diary.clock.timers_outstanding)


def test_discarding_what_does_not_wait(diary: Diary) -> None:
    """What is not there, or what was called already, is discarded without complaint and without effect."""
    diary.queue.discard("unknown")
    diary.queue.add("a")
    diary.queue.discard("unknown")
    diary.clock.advance(DELAY)
    diary.queue.discard("a")

    assert [(8.0, "a")] == diary.called
    assert 0 == diary.clock.timers_outstanding


def test_a_queue_that_was_emptied_works_again(diary: Diary) -> None:
    """After the last thing was discarded the next one gets its own delay."""
    diary.queue.add("a")
    diary.clock.advance(3)
    diary.queue.discard("a")
    diary.queue.add("b")
    diary.clock.advance(10 * DELAY)

    assert [(11.0, "b")] == diary.called


def test_the_action_may_add_the_thing_again(diary: Diary) -> None:
    """Two that are added again at each call keep their own beat; neither puts the other off."""
    diary.also = diary.queue.add
    diary.queue.add("a")
    diary.clock.advance(3)
    diary.queue.add("b")
    diary.clock.advance(22)

    assert [(8.0, "a"), (11.0, "b"), (16.0, "a"), (19.0, "b"), (24.0, "a")] == diary.called
    assert 1 == diary.clock.timers_outstanding


def test_a_call_may_discard_what_is_due_with_it(diary: Diary) -> None:
    """A thing that is discarded by a call of the same moment is not called any more."""
    diary.also = lambda name: diary.queue.discard("b" if name == "a" else "")
    for name in ("a", "b", "c"):
        diary.queue.add(name)
    diary.clock.advance(10 * DELAY)

    assert [(8.0, "a"), (8.0, "c")] == diary.called
    assert 0 == diary.clock.timers_outstanding


def test_a_call_may_start_the_delay_of_another_anew(diary: Diary) -> None:
    """What is due at the same moment, but is added again before its turn, waits its full delay."""
    diary.also = lambda name: diary.queue.add("b") if name == "a" else None
    for name in ("a", "b"):
        diary.queue.add(name)
    diary.clock.advance(10 * DELAY)

    assert [(8.0, "a"), (16.0, "b")] == diary.called


def test_a_call_may_empty_the_queue_and_fill_it_again(diary: Diary) -> None:
    """There is one timer for what was added last, and none too many."""

    def replace_all(name: str) -> None:
        if name == "a":
            diary.queue.discard("b")
            diary.queue.add("c")

    diary.also = replace_all
    diary.queue.add("a")
    diary.clock.advance(1)
    diary.queue.add("b")
    diary.clock.advance(7)

    assert ([(8.0, "a")], 1) == (diary.called, diary.clock.timers_outstanding)
    diary.clock.advance(10 * DELAY)
    assert [(8.0, "a"), (16.0, "c")] == diary.called


def test_an_action_that_fails_stops_nobody_else(diary: Diary) -> None:
    """The error comes out, and those due with it or later are called all the same."""

    def fail(name: str) -> None:
        if name == "a":
            raise OSError(name)

    diary.also = fail
    for name in ("a", "b"):
        diary.queue.add(name)
    diary.clock.advance(3)
    diary.queue.add("c")

    with pytest.raises(OSError, match="a"):
        diary.clock.advance(10 * DELAY)
    diary.clock.advance(10 * DELAY)
    assert [(8.0, "a"), (8.0 + SLACK, "b"), (11.0, "c")] == diary.called


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "discard", "wait"]), st.sampled_from("abcd"), st.integers(0, 20)),
    max_size=60,
)


@given(STEPS, st.sampled_from([0.25, 2.0]), st.sets(st.sampled_from("abcd")))
def test_any_sequence_of_steps(steps: list[tuple[str, str, int]], delay: float, recurring: set[str]) -> None:
    """Each thing is called in its time, never early, never once it is discarded, by at most one timer."""
    diary = Diary(delay)
    due: dict[str, float] = {}

    def check(name: str) -> None:
        assert 0 <= diary.clock.monotonic() - due.pop(name) <= SLACK + 1e-6
        if name in recurring:
            diary.queue.add(name)
            due[name] = diary.clock.monotonic() + delay

    diary.also = check
    for step, name, count in steps:
        if step == "add":
            diary.queue.add(name)
            due[name] = diary.clock.monotonic() + delay
        elif step == "discard":
            diary.queue.discard(name)
            due.pop(name, None)
        else:
            diary.clock.advance(count / 16)
        assert len(due) == len(diary.queue)
        assert bool(due) == diary.clock.timers_outstanding
        assert all(at > diary.clock.monotonic() - SLACK - 1e-6 for at in due.values())


@pytest.mark.parametrize(("delay", "due"), [(3.0, 3.0), (20.0, 20.0)], ids=["shorter", "longer"])
def test_another_delay_holds_for_those_that_wait(diary: Diary, delay: float, due: float) -> None:
    """They are due as if the delay had always been this, with one timer as before."""
    diary.queue.add("a")
    diary.clock.advance(1.0)

    diary.queue.set_delay(delay)
    diary.queue.add("b")
    timers = diary.clock.timers_outstanding
    diary.clock.advance(30.0)

    assert 1 == timers
    assert [(due, "a"), (due + 1.0, "b")] == diary.called


def test_another_delay_makes_due_at_once(diary: Diary) -> None:
    """What has waited for longer than the new delay has waited enough."""
    diary.queue.add("a")
    diary.clock.advance(5.0)

    diary.queue.set_delay(2.0)
    diary.clock.advance(SLACK)

    assert [(5.0 + SLACK, "a")] == diary.called


def test_another_delay_of_an_idle_queue(diary: Diary) -> None:
    """It sets no timer."""
    diary.queue.set_delay(2.0)

    assert 0 == diary.clock.timers_outstanding


def test_a_crowd_that_is_gone_leaves_no_room_behind(diary: Diary) -> None:
    """A queue that is empty takes as little memory as a new one, however many things have waited."""
    empty = sys.getsizeof(diary.queue._due)  # noqa: SLF001 - nothing else shows it
    for number in range(1000):
        diary.queue.add(str(number))

    diary.clock.advance(DELAY + SLACK)

    assert (1000, empty) == (len(diary.called), sys.getsizeof(diary.queue._due))  # noqa: SLF001 - see above
