"""Keep-alive: a peer that does not answer pings is disconnected (client-protocol.md, section 11)."""

from collections.abc import Callable

from ..closing_reason import ClosingReason
from ..events import EventSink, PingTimerFired, StaleConnection
from ..protocol import encode
from ..protocol.errors import PingsUnanswered
from ..timers import DueQueue, Scheduler
from .connection import Connection

FIRST_PING_SECONDS = 2.0
"""When a client is pinged first, which measures its round-trip time (client-protocol.md, section 11)."""


class KeepAlive:
    """Pings connections, all at the same interval."""

    def __init__(
        self,
        scheduler: Scheduler,
        events: EventSink,
        interval: float,
        most_unanswered: int,
        pinged: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        """`interval` in seconds; a connection with more than `most_unanswered` pings in a row is closed.

        A ping does not count while the peer has to wait, as a held publisher: its answer waits with it.

        `pinged` is called before each ping.
        """
        self._pinged = pinged
        self._events = events
        self._most_unanswered = most_unanswered
        self._due: DueQueue[Connection] = DueQueue(scheduler, interval, self._fire)
        self._first: DueQueue[Connection] = DueQueue(scheduler, _first_delay(interval), self._fire)

    def set_limits(self, interval: float, most_unanswered: int) -> None:
        """Let others hold from now on; pings that are due come as if the interval had always been this."""
        self._most_unanswered = most_unanswered
        self._due.set_delay(interval)
        self._first.set_delay(_first_delay(interval))

    def add(self, connection: Connection) -> None:
        """Ping it from now on."""
        self._due.add(connection)

    def ping_soon(self, connection: Connection) -> None:
        """Ping it `FIRST_PING_SECONDS` from now, before its turn; from then on at the interval."""
        self._due.discard(connection)
        self._first.add(connection)

    def discard(self, connection: Connection) -> None:
        """Ping it no more."""
        self._due.discard(connection)
        self._first.discard(connection)

    def _fire(self, connection: Connection) -> None:
        connection.guard(lambda: self._ping(connection))

    def _ping(self, connection: Connection) -> None:
        if self._events.debug:
            connection.report(PingTimerFired(connection.link))
        connection.note_ping()
        if connection.pings_out > self._most_unanswered:
            connection.report(StaleConnection(connection.link))
            connection.closes_for(ClosingReason.STALE_CONNECTION)
            connection.close(PingsUnanswered().wire())
            return
        self._pinged(connection)
        connection.send(encode.PING)
        connection.report_sent("PING")
        if not connection.closed:
            self._due.add(connection)


def _first_delay(interval: float) -> float:
    return min(FIRST_PING_SECONDS, interval)
