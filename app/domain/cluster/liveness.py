"""Liveness: finds servers that do not answer, although their links are open.

A frozen machine, or one with a cut cable, keeps its routes open for minutes, and what
a queue group's member there is drawn for is lost. So a silent server is asked, and
suspected as long as no answer comes; after many silent pings `KeepAlive` ends the route.
"""

from collections.abc import Callable
from functools import partial

from ..closing_reason import ClosingReason
from ..events import StaleConnection
from ..protocol import encode
from ..timers import DueQueue, Scheduler
from .route_session import RouteSession

CHECK_SECONDS = 1.0
"""Seconds between two checks of a route: silent at the first it is asked, at the second it is suspected."""

PROBE_SECONDS = 2.0
"""How long a route may be silent after its server has come in by another one."""


class _Watch:
    """What the last check of a route found."""

    __slots__ = ("asked", "signs", "suspected")

    def __init__(self, signs: int) -> None:
        self.signs = signs
        self.asked = False
        self.suspected = False


class Liveness:
    """Watches the registered routes."""

    def __init__(
        self,
        scheduler: Scheduler,
        suspect: Callable[[RouteSession], None],
        clear: Callable[[RouteSession], None],
    ) -> None:
        """`suspect` is called when a route has not answered a ping, `clear` when it answers again."""
        self._scheduler = scheduler
        self._suspect = suspect
        self._clear = clear
        self._watches: dict[RouteSession, _Watch] = {}
        self._checks: DueQueue[RouteSession] = DueQueue(scheduler, CHECK_SECONDS, self._guarded_check)

    def add(self, session: RouteSession) -> None:
        """Watch this route from now on."""
        self._watches[session] = _Watch(session.signs)
        self._checks.add(session)

    def discard(self, session: RouteSession) -> None:
        """Stop watching this route."""
        self._watches.pop(session, None)
        self._checks.discard(session)

    def _guarded_check(self, session: RouteSession) -> None:
        session.connection.guard(partial(self._check, session))

    def _check(self, session: RouteSession) -> None:
        self._checks.add(session)
        watch = self._watches[session]
        if session.signs != watch.signs:
            watch.signs = session.signs
            watch.asked = False
            if watch.suspected:
                watch.suspected = False
                self._clear(session)
        elif not watch.asked:
            watch.asked = True
            _ask(session)
        elif not watch.suspected:
            watch.suspected = True
            self._suspect(session)

    def probe(self, session: RouteSession) -> None:
        """Ping a route, and end it soon if there is no answer."""
        signs = session.signs
        _ask(session)
        judge = partial(session.connection.guard, partial(_judge, session, signs))
        self._scheduler.call_later(PROBE_SECONDS, judge)


def _ask(session: RouteSession) -> None:
    session.note_ping()
    session.connection.send(encode.PING)
    session.connection.report_sent("PING")


def _judge(session: RouteSession, signs: int) -> None:
    connection = session.connection
    if not connection.closed and session.signs == signs:
        connection.report(StaleConnection(connection.link))
        connection.closes_for(ClosingReason.STALE_CONNECTION)
        connection.abort()
