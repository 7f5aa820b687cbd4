"""Unit tests of keeping a log short that peers can fill."""

from typing import NoReturn

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.logs.rate_limit import LINES_PER_SECOND, FurtherErrors, FurtherNotices, RateLimitedEventLog
from app.domain.events import (
    AuthorizationFailed,
    ClientConnected,
    Event,
    Level,
    LineReceived,
    Link,
    ListenFailed,
    ReadFailed,
    SlowConsumer,
)
from app.entrypoints.events import ConfigurationQuestioned
from app.ports.clock import Clock
from tests.fakes.event_log import RecordingEventLog

MANY = 4200


def link(number: int) -> Link:
    """The link of a client."""
    return Link("cid", number, f"192.0.2.1:{number}")


class Logbook:
    """A bounded log, its clock, and what came through."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.inner = RecordingEventLog()
        self.log = RateLimitedEventLog(self.inner, lambda: self.clock)

    def record(self, *facts: Event) -> None:
        """Record some facts."""
        for fact in facts:
            self.log.record(fact)


@pytest.fixture(name="book")
def _book() -> Logbook:
    return Logbook()


def test_a_flood_is_summed_up(book: Logbook) -> None:
    """The first lines within a second pass, the rest are one line with their number and the last of them."""
    facts = [AuthorizationFailed(link(number)) for number in range(MANY)]

    book.record(*facts)
    at_once = list(book.inner.events)
    book.clock.advance(1.0)

    held = MANY - LINES_PER_SECOND
    assert facts[:LINES_PER_SECOND] == at_once
    assert [
        FurtherErrors(link(MANY - 1), "AuthorizationFailed", held, "Authorization Error")
    ] == book.inner.events[LINES_PER_SECOND:]
    assert "4,180 more of these within a second, the last one: Authorization Error" in book.inner.texts()
    assert 0 == book.clock.timers_outstanding


def test_a_flood_that_goes_on(book: Logbook) -> None:
    """Each second has its lines and its sum; nothing is lost from the count."""
    for _ in range(40):
        book.record(*(AuthorizationFailed(None) for _ in range(100)))
        book.clock.advance(0.1)
    book.clock.advance(1.0)

    shown = len(book.inner.of(AuthorizationFailed))
    sums = book.inner.of(FurtherErrors)
    assert 4 * LINES_PER_SECOND == shown
    assert 4 == len(sums)
    assert 4000 == shown + sum(fact.count for fact in sums)


def test_quiet_logs_are_as_they_were(book: Logbook) -> None:
    """Lines that come slowly all pass, and nothing is added."""
    facts = [AuthorizationFailed(link(number)) for number in range(3 * LINES_PER_SECOND)]

    for fact in facts:
        book.record(fact)
        book.clock.advance(1.0 / LINES_PER_SECOND)

    assert facts == book.inner.events
    assert 0 == book.clock.timers_outstanding


def test_kinds_do_not_hide_each_other(book: Logbook) -> None:
    """A flood of one kind holds up no line of another."""
    book.record(*(AuthorizationFailed(None) for _ in range(MANY)))

    book.record(ReadFailed(link(1), "garbage"))

    assert [ReadFailed(link(1), "garbage")] == book.inner.of(ReadFailed)


def test_notices_are_summed_up_as_notices(book: Logbook) -> None:
    """The sum has the level of what it sums up."""
    book.record(*(SlowConsumer(link(number), "pending") for number in range(LINES_PER_SECOND + 1)))
    book.clock.advance(1.0)

    (fact,) = book.inner.of(FurtherNotices)
    assert (Level.INFO, 1, "SlowConsumer") == (fact.level, fact.count, fact.kind)


@pytest.mark.parametrize(
    "fact",
    [
        ClientConnected(link(1)),
        LineReceived(link(1), "PING"),
        ListenFailed(None, "::", 1, "taken"),
        ConfigurationQuestioned(None, "unused"),
    ],
    ids=["debug", "trace", "fatal", "operator's"],
)
def test_what_the_operator_asked_for_passes(book: Logbook, fact: Event) -> None:
    """Neither debug and trace lines, nor fatal ones, nor notices about the configuration are bounded."""
    book.record(*([fact] * MANY))

    assert MANY == len(book.inner.events)


def test_the_end_hides_nothing(book: Logbook) -> None:
    """What is held back when the log is closed is summed up before; closing again adds nothing."""
    book.record(*(AuthorizationFailed(None) for _ in range(MANY)))

    book.log.close()
    book.log.close()

    book.clock.advance(1.0)  # its timer has nothing left to say

    (fact,) = book.inner.of(FurtherErrors)
    assert (MANY - LINES_PER_SECOND, True) == (fact.count, book.inner.closed)


def test_a_late_timer_loses_no_count(book: Logbook) -> None:
    """When the next line comes before the timer had its turn, the sum comes before that line."""

    class Lazy(ManualClock):
        late = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.late

    clock = book.clock = Lazy()
    book.record(*(AuthorizationFailed(None) for _ in range(LINES_PER_SECOND + 2)))
    clock.late = 1.5

    book.record(AuthorizationFailed(link(7)))
    clock.advance(2.0)

    sums = [fact.count if isinstance(fact, FurtherErrors) else fact.link for fact in book.inner.events]
    assert [2, link(7)] == sums[LINES_PER_SECOND:]


def test_without_a_loop_all_passes() -> None:
    """Before the server runs there is no clock, and nobody who could fill the log."""
    inner = RecordingEventLog()

    def no_clock() -> NoReturn:
        raise RuntimeError("no running event loop")

    log = RateLimitedEventLog(inner, no_clock)
    for _ in range(MANY):
        log.record(AuthorizationFailed(None))
    log.close()

    assert MANY == len(inner.of(AuthorizationFailed))


def test_after_the_loop_all_passes(book: Logbook) -> None:
    """When no timer can be set any more, lines are not held back for it."""

    class Closed(ManualClock):
        def call_later(self, delay: float, call: object) -> NoReturn:
            raise RuntimeError("Event loop is closed", delay, call)

    clock: Clock = Closed()
    log = RateLimitedEventLog(book.inner, lambda: clock)
    for _ in range(MANY):
        log.record(AuthorizationFailed(None))

    assert MANY == len(book.inner.events)


def test_the_rest_is_the_inner_logs(book: Logbook) -> None:
    """Levels are those of the log it keeps short."""
    quiet = RateLimitedEventLog(RecordingEventLog(debug=False, trace=False), lambda: book.clock)

    assert (True, True, False, False) == (book.log.debug, book.log.trace, quiet.debug, quiet.trace)
    book.log.reopen()
