"""Announces subscriptions of local clients to other servers (cluster-protocol.md, section 4).

Every subscription of a local client is one SUB on every route, named by its owner:

    RSID:<cid>:<sid>     a plain one; the number is the owner's, the sid what the owner chose
    QRSID:<cid>:<sid>    a member of a queue group

What was learnt from one route is never announced on another: see `peer_kind.heard_by`.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from ..interest.subscription import Subscription, route_sid
from ..peer_kind import PeerKind, heard_by
from ..protocol.commands import readable
from ..sessions.connection import Connection
from ..sessions.host import Host
from ..sessions.sliced_lines import send_sliced
from .events import RouteSubscriptionsSent
from .route_session import RouteSession

ANNOUNCED = heard_by(PeerKind.ROUTE)
"""The kinds of peers whose subscriptions are announced to routes."""


class InterestAnnouncer:
    """Sends to all registered routes. Implements `Announcer`."""

    def __init__(self, remotes: Mapping[str, RouteSession], host: Host) -> None:
        """`remotes` are the registered routes."""
        self._remotes = remotes
        self._host = host

    def announces(self, subscription: Subscription) -> bool:
        """See `Announcer`."""
        return subscription.subscriber.kind in ANNOUNCED

    def added(self, subscription: Subscription) -> None:
        """See `Announcer`."""
        self._send(_sub_line(subscription))

    def limited(self, subscription: Subscription) -> None:
        """It ends after the messages that its target is limited to."""
        self._send(_limit_line(subscription))

    def removed(self, subscription: Subscription) -> None:
        """See `Announcer`."""
        self._send(b"UNSUB %b\r\n" % route_sid(subscription))

    def renamed(self, subscription: Subscription, before: bytes) -> None:
        """See `Announcer`: it is there under the new name before it is gone under the other one."""
        self._send(_sub_line(subscription))
        self._send(b"UNSUB %b\r\n" % before)

    def _send(self, line: bytes) -> None:
        for session in list(self._remotes.values()):  # a slow one may be closed, and leave
            connection = session.connection
            connection.outbox.send(line)
            if connection.outbox.trace:
                connection.report_sent(readable(line[:-2]))

    def send_all(self, connection: Connection) -> None:
        """Send a new route all interest: a slice at once, and more as the peer reads.

        What comes and goes meanwhile is sent in between. A subscription may be sent
        twice, which the peer ignores, but never after it is gone.
        """
        sent = partial(connection.report, RouteSubscriptionsSent(connection.link))
        send_sliced(connection, self._host.scheduler, self._lines(), sent)

    def _lines(self) -> Iterator[bytes]:
        """What is known of each subscription, in one piece: its sid may mean another one later."""
        for held in list(self._host.subscriptions_of(ANNOUNCED)):
            for subscription in list(held.values()):
                if held.get(subscription.sid) is subscription:
                    yield _sub_line(subscription) + _limit_line(subscription)


def _sub_line(subscription: Subscription) -> bytes:
    queue = subscription.queue or b""
    return b"SUB %b %b %b\r\n" % (subscription.subject, queue, route_sid(subscription))


def _limit_line(subscription: Subscription) -> bytes:
    """Empty for a subscription without a limit."""
    limit = subscription.target.limit
    return b"UNSUB %b %d\r\n" % (route_sid(subscription), limit) if limit else b""
