"""Limiting the log: a number of lines of each kind per second, and the rest counted.

Events that peers can cause at will, such as refused logins, parser errors or failed handshakes, would
otherwise fill the log. The first lines of each kind within a second pass; the rest become one line with
their number and the last of them. Debug and trace lines, which the operator has requested, pass in full;
so do fatal lines, and kinds that are exempt (`Event.bounded`).
"""

from collections.abc import Callable

from ...domain.events import Event, Level
from ...domain.value_object import value_object
from ...ports.clock import Clock, Timer
from ...ports.event_log import EventLog

LINES_PER_SECOND = 20
"""Lines of one kind that pass within a second, without the line about the rest."""

_SECOND = 1.0
_BOUNDED = (Level.INFO, Level.ERROR)


@value_object
class FurtherErrors(Event):
    """Errors of one kind that were counted instead of logged; `link` is that of the last."""

    level = Level.ERROR
    sentence = "{self.count:,} more of these within a second, the last one: {self.last}"

    kind: str
    """Name of the events."""
    count: int
    last: str
    """Text of the last one."""


@value_object
class FurtherNotices(Event):
    """The same for events that are no errors."""

    level = Level.INFO
    sentence = FurtherErrors.sentence

    kind: str
    count: int
    last: str


class _EventCounter:
    """Counts the events of one kind within the current second."""

    __slots__ = ("held", "last", "passed", "since", "timer")

    def __init__(self) -> None:
        self.since = 0.0
        self.passed = 0
        self.held = 0
        self.last: Event | None = None
        self.timer: Timer | None = None


class RateLimitedEventLog(EventLog):
    """Passes events to another log, within the limit.

    ``debug`` and ``trace`` are those of the other log.
    """

    # Plain attributes in place of the port's properties: they are read for every event.
    debug: bool = False
    trace: bool = False

    def __init__(self, inner: EventLog, clock: Callable[[], Clock]) -> None:
        """`clock` returns the clock; while it raises `RuntimeError`, as without a loop, all events pass."""
        self.debug = inner.debug
        self.trace = inner.trace
        self._inner = inner
        self._clock = clock
        self._kinds: dict[type[Event], _EventCounter] = {}

    def record(self, event: Event) -> None:
        if event.level not in _BOUNDED or not event.bounded or self._passes(event):
            self._inner.record(event)

    def reopen(self) -> None:
        self._inner.reopen()

    def levels_changed(self) -> None:
        self.debug = self._inner.debug
        self.trace = self._inner.trace

    @property
    def may_wait(self) -> bool:
        return self._inner.may_wait

    def close(self) -> None:
        """Log what was held back, then close the other log. For any thread; may be called twice."""
        for kind in list(self._kinds.values()):
            self._report(kind)
        self._inner.close()

    def _passes(self, event: Event) -> bool:
        try:
            clock = self._clock()
            now = clock.monotonic()
            kind = self._kinds.setdefault(type(event), _EventCounter())
            if now - kind.since >= _SECOND:
                self._sum_up(kind)
                kind.since, kind.passed = now, 0
            if kind.passed < LINES_PER_SECOND:
                kind.passed += 1
                return True
            if kind.timer is None:
                kind.timer = clock.call_later(kind.since + _SECOND - now, lambda: self._sum_up(kind))
        except RuntimeError:  # no loop runs, so there are no peers
            return True
        kind.held += 1
        kind.last = event
        return False

    def _sum_up(self, kind: _EventCounter) -> None:
        if kind.timer is not None:
            kind.timer.cancel()
            kind.timer = None
        self._report(kind)

    def _report(self, kind: _EventCounter) -> None:
        """Log the number of events held back, if any. The timer belongs to the loop, and stays."""
        held, last = kind.held, kind.last
        kind.held, kind.last = 0, None
        if last is not None:
            self._inner.record(_summary(last, held))


def _summary(last: Event, count: int) -> Event:
    make = FurtherErrors if last.level is Level.ERROR else FurtherNotices
    return make(last.link, type(last).__name__, count, last.text())
