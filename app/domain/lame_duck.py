"""Lame duck mode: a server that is about to stop lets its clients go, one after the other (ADR 0053).

    begin ──grace──> closing ──one client at a time──> no client is left ──> over
                     evenly, until the duration is over

Clients that take INFO learn of it at once, with the addresses of the other servers. It is over at
once where there are no clients. The texts and the bounds are those of nats-server 2.15.
"""

from collections import deque
from collections.abc import Callable, Mapping

from .closing_reason import ClosingReason
from .events import EventSink, LameDuckClosing, LameDuckEntered
from .sessions.client import ClientSession
from .timers import Scheduler, Timer
from .value_object import value_object

SLOWEST = 1.0
"""Seconds between two clients that are closed, at most: so a server with few clients ends soon."""

CHECK_SECONDS = 0.25
"""Seconds between two checks in the grace period whether any client is left."""

SHORTEST_STEP = 0.01
"""Seconds between two steps in which clients are closed: several at a time, if there are many."""


@value_object
class LameDuckTerms:
    """How long it takes, in seconds."""

    duration: float = 120.0
    """Until the last client is closed."""
    grace: float = 10.0
    """Of these, how long all clients may stay."""


@value_object
class LameDuckFacts:
    """A lame duck mode that is under way, in seconds on the monotonic scale."""

    began: float
    ends: float
    """When the last client will be closed, at the latest."""


@value_object
class LameDuckHost:
    """What lame duck mode needs of a broker."""

    scheduler: Scheduler
    events: EventSink
    clients: Mapping[int, ClientSession]
    """Those that are here."""


class LameDuck:
    """One lame duck mode, from its begin on."""

    def __init__(self, host: LameDuckHost, terms: LameDuckTerms, done: Callable[[], None]) -> None:
        """It begins with `begin`, and calls `done` when it is over, once."""
        self._host = host
        self._terms = terms
        self._done = done
        now = host.scheduler.monotonic()
        self.facts = LameDuckFacts(now, now + terms.duration)
        self._timer: Timer | None = None
        self._closing_since = 0.0
        self._interval = 0.0
        self._closed = 0
        self._queue: deque[ClientSession] = deque()

    def begin(self) -> None:
        """Begin, and start the grace period."""
        self._host.events.record(LameDuckEntered(None))
        self._await_grace()

    def end(self) -> None:
        """End it at once. May be called again."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        done, self._done = self._done, _nothing
        done()

    def _await_grace(self) -> None:
        left = self.facts.began + self._terms.grace - self._host.scheduler.monotonic()
        if not self._host.clients:
            self.end()
        elif left > 0:
            self._later(min(left, CHECK_SECONDS), self._await_grace)
        else:
            self._begin_to_close()

    def _begin_to_close(self) -> None:
        count = len(self._host.clients)
        self._host.events.record(LameDuckClosing(None, count))
        self._queue.extend(self._host.clients.values())
        self._closing_since = self._host.scheduler.monotonic()
        self._interval = min(SLOWEST, max(0.0, self._terms.duration - self._terms.grace) / count)
        self._close_some()

    def _close_some(self) -> None:
        """Close those whose time has come: the first one at once."""
        passed = self._host.scheduler.monotonic() - self._closing_since
        while self._queue and self._closed * self._interval <= passed:
            self._close(self._queue.popleft())
        if not self._queue:
            for late in list(self._host.clients.values()):  # their handshake was under way
                self._close(late)
        if not self._host.clients:
            self.end()
            return
        due = self._closing_since + self._closed * self._interval - self._host.scheduler.monotonic()
        self._later(max(SHORTEST_STEP, due), self._close_some)

    def _close(self, client: ClientSession) -> None:
        self._closed += 1
        connection = client.connection
        connection.closes_for(ClosingReason.SERVER_SHUTDOWN)
        connection.guard(connection.close)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer = self._host.scheduler.call_later(seconds, call)


def _nothing() -> None:
    """It was over before."""
