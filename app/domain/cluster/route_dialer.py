"""Route dialer: which servers to dial, and when to try again.

A destination is an address where a server may be. Configured ones are kept for
ever; others are learnt, from gossip or from a route that was accepted, and
forgotten when nobody was reached there for `FORGET_SECONDS`.

    idle ──start, lost──> waiting ──time──> dialling ──link──> connected
      ^                    ^   ^               │                  │
      └── served already ──┘   └── no link ────┘                  │
                               └── not registered, or lost ───────┘

gnatsd tries a learnt address once. That leaves holes in the mesh after a
partition, so this server goes on trying, politely: the waits grow, and vary by
chance, so that a cluster that lost a member does not dial it in step. An address
where nobody has answered yet is dialled at a limited rate, for a peer can name any. An
honest one names servers, which answer: a dial that leads to a route costs nothing, so a
newcomer meets hundreds of servers as fast as it can dial.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Protocol

from ..dataplane.draw import Draw
from ..events import EventSink
from ..rates import Bucket
from ..sessions.wire import Handler, Wire
from ..timers import Scheduler, Timer
from ..value_object import value_object
from .events import (
    RouteDialFailed,
    RouteDialling,
    RouteForgotten,
    RouteReached,
    RouteRetrying,
    RouteServed,
    RouteToSelf,
    RouteUnreachable,
)
from .route_url import RouteUrl

RETRY_FIRST = 0.5
"""Seconds until a lost or refused destination is dialled again; doubled each time, up to one of:"""

RETRY_MOST = 3.0
"""for a server that was reached before, or is configured;"""

RETRY_MOST_UNKNOWN = 30.0
"""for one that never answered, or whose server refuses us."""

RETRY_MOST_LATE = 60.0
"""and for one that was not reached for `LATE_SECONDS`."""

LATE_SECONDS = 3600.0

FORGET_SECONDS = 86_400.0
"""A learnt destination is forgotten when it could not be reached for so long.

Two servers that learnt of each other never meet again if a partition lasts longer, as
nobody sends them each other's INFO again.
"""

MOST_LEARNT = 1024
"""Learnt destinations that are kept; more are ignored."""

MOST_UNKNOWN = 512
"""Of these, addresses where nobody has answered yet."""

MOST_DIALS = 32
"""Dials under way at once."""

UNKNOWN_AT_ONCE = 32
"""Dials to addresses where no server has answered yet that may be made without a pause."""

UNKNOWN_PER_SECOND = 4.0
"""Further ones."""

_STEPS = 1 << 16
_MOST_DOUBLINGS = 16


class Dialer(Protocol):
    """Opens links; the contract is in ``app.ports.transport``."""

    def dial(
        self,
        host: str,
        port: int,
        acceptor: Callable[[Wire], Handler],
        refused: Callable[[str], None],
    ) -> None:
        """Later, call `acceptor` with a link, or `refused` with a reason."""
        ...


class Destination:
    """An address, and the state of dialling it."""

    __slots__ = (
        "attempts",
        "busy",
        "configured",
        "error",
        "failures",
        "met",
        "own",
        "remote_id",
        "since",
        "timer",
        "unreached",
        "url",
    )

    def __init__(self, url: RouteUrl, now: float, *, configured: bool) -> None:
        self.url = url
        self.configured = configured
        self.remote_id = ""
        """The server that was last found there."""
        self.failures = 0
        self.met = configured
        """Whether a server was ever registered from there."""
        self.unreached = now
        """Since when there is no answer."""
        self.own = False
        """Whether it leads to this server itself."""
        self.busy = False
        """A dial is under way, or its link lives."""
        self.timer: Timer | None = None
        self.attempts = 0
        """Dials in a row that led to no lasting route."""
        self.error = ""
        """Why the last of them failed."""
        self.since = 0.0
        """When the first of them failed."""


@value_object
class UnreachableRoute:
    """A configured address, and why there is no route to it."""

    url: str
    """Without user and password."""
    attempts: int
    """Dials in a row that failed."""
    error: str
    """Why the last one did."""
    since: float
    """When the first one did; in seconds on the monotonic scale."""


@value_object
class RouteDialerNeeds:
    """What dialling takes."""

    scheduler: Scheduler
    dialer: Dialer
    draw: Draw
    events: EventSink
    connect_retries: int = 0
    """Failures in a row after which a learnt destination is forgotten; 0 for `FORGET_SECONDS`."""


class RouteDialer:
    """All destinations of one server."""

    def __init__(
        self,
        needs: RouteDialerNeeds,
        open_link: Callable[[Destination, Wire], Handler],
        is_served: Callable[[str], bool],
    ) -> None:
        """`open_link` makes a route of a link; `is_served` says whether a server is reached already."""
        self._needs = needs
        self._open_link = open_link
        self._is_served = is_served
        self._known: dict[tuple[str, int], Destination] = {}
        self._learnt = 0
        self._unmet = 0
        self._dial_rate = Bucket(UNKNOWN_PER_SECOND, self._now(), UNKNOWN_AT_ONCE)
        self._unknown: deque[Destination] = deque()
        """Those that wait until the rate allows it."""
        self._unknown_timer: Timer | None = None
        self._dials = 0
        self._queue: deque[Destination] = deque()
        self._stopped = False

    def solicit(self, urls: Iterable[RouteUrl]) -> None:
        """Dial configured addresses, each once, from now on."""
        for url in urls:
            destination = self._known.get(_key(url))
            if destination is None:
                destination = self._known[_key(url)] = Destination(url, self._now(), configured=True)
            elif not destination.configured:
                self._configure(destination, url)
            if not destination.busy and destination.timer is None:
                self._dial(destination)

    def retry(self, connect_retries: int) -> None:
        """Let this number of failures count from now on; see `RouteDialerNeeds`."""
        self._needs = replace(self._needs, connect_retries=connect_retries)

    def log_in_with(self, urls: Iterable[RouteUrl]) -> None:
        """Show the credentials in these URLs from now on, where they are configured."""
        for url in urls:
            destination = self._known.get(_key(url))
            if destination is not None and destination.configured:
                destination.url = url

    def remove(self, url: RouteUrl) -> Destination | None:
        """Forget a configured address, and return it; None if it is not known."""
        destination = self._known.get(_key(url))
        if destination is None or not destination.configured:
            return None
        self._cancel(destination)
        destination.configured = False
        destination.own = True  # a dial that is under way is not followed by another one
        del self._known[_key(url)]
        return destination

    def _configure(self, destination: Destination, url: RouteUrl) -> None:
        """A learnt address turns out to be configured: its server has dialled first."""
        self._learnt -= 1
        self._meet(destination)
        destination.url = url
        destination.configured = True

    def learn(self, url: RouteUrl, remote_id: str) -> Destination | None:
        """Note where a server may be found. None when there is no room for it."""
        destination = self._known.get(_key(url))
        if destination is None:
            if self._learnt >= MOST_LEARNT or self._unmet >= MOST_UNKNOWN or not url.port:
                return None
            destination = self._known[_key(url)] = Destination(url, self._now(), configured=False)
            self._learnt += 1
            self._unmet += 1
        if not destination.configured:
            destination.url = url  # the credentials may have changed
        destination.remote_id = remote_id
        return destination

    def seek(self, url: RouteUrl, remote_id: str) -> bool:
        """Dial an address from gossip, unless that is under way. False when there is no room."""
        destination = self.learn(url, remote_id)
        if destination is not None and not destination.busy and destination.timer is None:
            self._dial(destination)
        return destination is not None

    def reached(self, destination: Destination, remote_id: str) -> None:
        """Its server is known; it may refuse us still."""
        destination.remote_id = remote_id
        self._meet(destination)

    def _meet(self, destination: Destination) -> None:
        """A server has answered there."""
        if not destination.met:
            destination.met = True
            self._unmet -= 1
            self._dial_rate.give_back()
            self._dial_unknown()

    def confirmed(self, remote_id: str) -> None:
        """There is a route to this server, and it lasts."""
        for destination in self._known.values():
            if destination.remote_id == remote_id and destination.attempts:
                if destination.configured:
                    address = destination.url.address
                    self._needs.events.record(RouteReached(None, address, destination.attempts))
                destination.attempts = 0

    def failed(self, destination: Destination, reason: str, *, refused: bool) -> None:
        """The link that was dialled is gone without a route; `refused`: its server will not have us."""
        destination.busy = False
        self._again(destination, reason, RETRY_MOST_UNKNOWN if refused else None)

    def lost(self, remote_id: str, dialled: Destination | None, delay: float) -> None:
        """A server is reached no more: dial it wherever it was found, about `delay` seconds from now.

        `dialled` is what the lost route had come from, if we had dialled it.
        """
        if dialled is not None:
            dialled.busy = False
        for destination in list(self._known.values()):
            found = destination is dialled or destination.remote_id == remote_id
            if found and not destination.busy and not destination.own:
                destination.unreached = self._now()
                destination.failures = 0
                self._wait(destination, delay)

    def ignore(self, destination: Destination) -> None:
        """It leads to ourselves: never dial it again."""
        self._needs.events.record(RouteToSelf(None, str(destination.url)))
        destination.own = True

    def unreachable(self) -> tuple[UnreachableRoute, ...]:
        """The configured addresses that no route leads to, as far as they were tried."""
        return tuple(
            UnreachableRoute(str(d.url), d.attempts, d.error, d.since)
            for d in self._known.values()
            if d.configured and d.attempts and not d.own
        )

    def is_configured(self, remote_id: str) -> bool:
        """Whether a configured address leads to this server."""
        return any(d.configured and d.remote_id == remote_id for d in self._known.values())

    def knows_configured(self, host: str, port: int) -> bool:
        """Whether this very address is configured."""
        destination = self._known.get((host.lower(), port))
        return destination is not None and destination.configured

    def stop(self) -> None:
        """Dial no more."""
        self._stopped = True
        self._queue.clear()
        self._unknown.clear()
        if self._unknown_timer is not None:
            self._unknown_timer.cancel()
        for destination in self._known.values():
            self._cancel(destination)

    # --- dialling ----------------------------------------------------------------

    def _dial(self, destination: Destination) -> None:
        destination.timer = None
        if self._stopped or destination.busy or destination.own or self._is_served_already(destination):
            return
        destination.busy = True
        if destination.met:
            self._start_in_turn(destination)
        else:
            self._unknown.append(destination)
            self._dial_unknown()

    def _dial_unknown(self) -> None:
        """Dial those that the rate allows, and the others later."""
        while self._unknown and self._dial_rate.admits(self._now()):
            destination = self._unknown.popleft()
            if self._is_served_already(destination):
                destination.busy = False
                self._dial_rate.give_back()
            else:
                self._start_in_turn(destination)
        if self._unknown and self._unknown_timer is None:
            self._unknown_timer = self._needs.scheduler.call_later(
                self._dial_rate.wait(self._now()), self._admit_later
            )

    def _admit_later(self) -> None:
        self._unknown_timer = None
        self._dial_unknown()

    def _start_in_turn(self, destination: Destination) -> None:
        if self._dials < MOST_DIALS:
            self._start(destination)
        else:
            self._queue.append(destination)

    def _is_served_already(self, destination: Destination) -> bool:
        """Whether its server is reached by another route, which is worth a line then."""
        served = self._is_served(destination.remote_id)
        if served:
            self._needs.events.record(RouteServed(None, destination.remote_id))
        return served

    def _start(self, destination: Destination) -> None:
        self._dials += 1
        url = destination.url
        self._needs.events.record(RouteDialling(None, url.address))
        self._needs.dialer.dial(
            url.host, url.port, partial(self._opened, destination), partial(self._refused, destination)
        )

    def _opened(self, destination: Destination, wire: Wire) -> Handler:
        self._ended()
        return self._open_link(destination, wire)

    def _refused(self, destination: Destination, reason: str) -> None:
        self._ended()
        self._needs.events.record(RouteDialFailed(None, reason))
        destination.busy = False
        self._again(destination, reason)

    def _ended(self) -> None:
        """A dial is over: the next one in the queue may begin, if it is still needed."""
        self._dials -= 1
        while self._queue and self._dials < MOST_DIALS:
            destination = self._queue.popleft()
            if self._is_served_already(destination):
                destination.busy = False
            else:
                self._start(destination)

    # --- waiting -----------------------------------------------------------------

    def _again(self, destination: Destination, reason: str, most: float | None = None) -> None:
        """Dial again after a wait, or give up; `reason` says why the last dial led to no route."""
        if self._stopped or destination.own or self._is_served_already(destination):
            return
        self._note_failure(destination, reason)
        if not destination.configured and self._is_hopeless(destination):
            self._needs.events.record(RouteForgotten(None, str(destination.url)))
            del self._known[_key(destination.url)]
            self._learnt -= 1
            self._unmet -= not destination.met
            return
        if most is None:
            most = self._longest_wait(destination)
        delay = min(RETRY_FIRST * 2.0 ** min(destination.failures, _MOST_DOUBLINGS), most)
        destination.failures += 1
        self._wait(destination, delay)

    def _note_failure(self, destination: Destination, reason: str) -> None:
        """Count it; the log has the 1st, the 2nd, the 4th, the 8th … in a row at a configured address."""
        if not destination.attempts:
            destination.since = self._now()
        destination.attempts += 1
        destination.error = reason
        attempts = destination.attempts
        if destination.configured and attempts & (attempts - 1) == 0:
            self._needs.events.record(RouteUnreachable(None, destination.url.address, reason, attempts))

    def _longest_wait(self, destination: Destination) -> float:
        if not destination.configured and self._now() - destination.unreached > LATE_SECONDS:
            return RETRY_MOST_LATE
        return RETRY_MOST if destination.met else RETRY_MOST_UNKNOWN

    def _is_hopeless(self, destination: Destination) -> bool:
        retries = self._needs.connect_retries
        if retries:
            return destination.failures >= retries
        return self._now() - destination.unreached > FORGET_SECONDS

    def _wait(self, destination: Destination, delay: float) -> None:
        self._cancel(destination)
        if not self._stopped:
            chance = 0.5 + self._needs.draw.below(_STEPS) / _STEPS
            retry = partial(self._retry, destination)
            destination.timer = self._needs.scheduler.call_later(delay * chance, retry)

    def _retry(self, destination: Destination) -> None:
        if not self._is_served(destination.remote_id):
            self._needs.events.record(RouteRetrying(None, str(destination.url)))
        self._dial(destination)

    def _cancel(self, destination: Destination) -> None:
        if destination.timer is not None:
            destination.timer.cancel()
            destination.timer = None

    def _now(self) -> float:
        return self._needs.scheduler.monotonic()


def _key(url: RouteUrl) -> tuple[str, int]:
    return url.host.lower(), url.port
