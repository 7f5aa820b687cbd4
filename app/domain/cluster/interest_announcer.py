"""Tells the other servers what local clients listen to (cluster-protocol.md, section 4).

Every subscription of a local client is one SUB on every route, named by its owner:

    RSID:<cid>:<sid>     a plain one; the number is the owner's, the sid what the owner chose
    QRSID:<cid>:<sid>    a member of a queue group

What was learnt from one route is never told on another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Protocol

from app.domain.cluster.events import RouteSubscriptionsSent
from app.domain.interest.subscription import Subscription, route_sid
from app.domain.protocol.commands import readable
from app.domain.sessions.connection import Connection
from app.domain.timers import Scheduler

SLICE = 2000
"""Subscriptions that are told in one go when a route begins."""

_ENOUGH = 4 * 1024 * 1024
"""While more bytes are pending for a new route its next slice waits."""

_PATIENCE = 0.05
"""Seconds between looks at such a route."""


class Hearer(Protocol):
    """A registered route."""

    @property
    def connection(self) -> Connection: ...


class InterestAnnouncer:
    """Speaks to all registered routes."""

    def __init__(
        self,
        hearers: Mapping[str, Hearer],
        scheduler: Scheduler,
        local: Callable[[], Iterable[Mapping[bytes, Subscription]]],
    ) -> None:
        """`local` gives the subscriptions of the local clients by sid, client by client.

        What is removed leaves these mappings at once.
        """
        self._hearers = hearers
        self._scheduler = scheduler
        self._local = local

    def added(self, subscription: Subscription) -> None:
        self._tell(_sub_line(subscription))

    def limited(self, subscription: Subscription) -> None:
        """It ends after the messages that its target is limited to."""
        self._tell(_limit_line(subscription))

    def removed(self, subscription: Subscription) -> None:
        self._tell(b"UNSUB %b\r\n" % route_sid(subscription))

    def _tell(self, line: bytes) -> None:
        for hearer in list(self._hearers.values()):  # a slow one may be cut, and leave
            connection = hearer.connection
            connection.outbox.send(line)
            if connection.outbox.trace:
                connection.report_sent(readable(line[:-2]))

    def tell_all(self, connection: Connection) -> None:
        """Tell a new route all there is: a slice at once, and more as it takes them.

        What comes and goes meanwhile is told in between. A subscription may be told
        twice, which the peer ignores, but never after it is gone.
        """
        self._tell_slice(connection, self._lines())

    def _lines(self) -> Iterator[bytes]:
        """What is known of each subscription, in one piece: its sid may mean another one later."""
        for held in list(self._local()):
            for subscription in list(held.values()):
                if held.get(subscription.sid) is subscription:
                    yield _sub_line(subscription) + _limit_line(subscription)

    def _tell_slice(self, connection: Connection, lines: Iterator[bytes]) -> None:
        if connection.closed:
            return
        go_on = partial(connection.guard, partial(self._tell_slice, connection, lines))
        if connection.outbox.pending() > _ENOUGH:
            self._scheduler.call_later(_PATIENCE, go_on)
            return
        told = list(islice(lines, SLICE))
        connection.send(b"".join(told))
        if len(told) < SLICE:
            connection.report(RouteSubscriptionsSent(connection.link))
        else:
            self._scheduler.call_later(0.0, go_on)


def _sub_line(subscription: Subscription) -> bytes:
    queue = subscription.queue or b""
    return b"SUB %b %b %b\r\n" % (subscription.subject, queue, route_sid(subscription))


def _limit_line(subscription: Subscription) -> bytes:
    """Empty for a subscription without a limit."""
    limit = subscription.target.limit
    return b"UNSUB %b %d\r\n" % (route_sid(subscription), limit) if limit else b""
