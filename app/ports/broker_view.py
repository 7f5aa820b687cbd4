"""Broker view: what monitoring may ask of the broker.

Nothing here changes the broker, nothing blocks, and no secret is among the answers;
names of users are. All methods belong to the loop's thread.

Long answers come as `Steps`, so that watching never holds the traffic up. A step takes a
fraction of a millisecond; take some, let the loop turn, take the next; the generator's
return value is the answer::

    steps = view.connections(ConnectionQuery(limit=10))
    try:
        while True:
            next(steps)
            if clock() > deadline:
                await asyncio.sleep(...)
    except StopIteration as end:
        page = end.value

Between steps counters move and clients leave; who has gone is left out of the page.
Giving an answer up halfway costs nothing.

What may be too long to be held at once comes as an iterator of parts, one step each.
"""

from collections.abc import Iterator
from typing import Protocol

from ..domain.closed_clients import ClosedClient
from ..domain.closing_reason import ClosingReason
from ..domain.cluster.route_dialer import UnreachableRoute
from ..domain.events import Link
from ..domain.hooks.report import HookReport
from ..domain.interest.index import IndexStats
from ..domain.lame_duck import LameDuckFacts
from ..domain.limits import Limits
from ..domain.monitoring.connection_query import (
    OF_CLOSED,
    ConnectionQuery,
    ConnectionState,
    SortKey,
)
from ..domain.monitoring.facts import (
    ClusterFacts,
    ConnectionChoice,
    ConnectionPage,
    ConnectionTotals,
    Health,
    ServerFacts,
    SubscriptionPage,
)
from ..domain.monitoring.receivers import Receivers, ReceivingGroup, ReceivingRoute, ReceivingSubscription
from ..domain.protocol.compatibility import Compatibility
from ..domain.protocol.encode import ACCOUNT, PROTO, ServerInfo
from ..domain.security.link_security import Security
from ..domain.slow_receivers import (
    Backlog,
    PendingSubjects,
    SlowAction,
    SlowReceiver,
    SubjectBacklog,
)
from ..domain.stats import (
    ClientRights,
    ClientStats,
    Closing,
    ConnectionStats,
    Denial,
    LeafStats,
    Profile,
    RouteStats,
    SubscriptionStats,
    Traffic,
    Violations,
)
from ..domain.steps import Steps

__all__ = [
    "ACCOUNT",
    "OF_CLOSED",
    "PROTO",
    "Backlog",
    "BrokerView",
    "ClientRights",
    "ClientStats",
    "ClosedClient",
    "Closing",
    "ClosingReason",
    "ClusterFacts",
    "Compatibility",
    "ConnectionChoice",
    "ConnectionPage",
    "ConnectionQuery",
    "ConnectionState",
    "ConnectionStats",
    "ConnectionTotals",
    "Denial",
    "Health",
    "HookReport",
    "IndexStats",
    "LameDuckFacts",
    "LeafStats",
    "Limits",
    "Link",
    "PendingSubjects",
    "Profile",
    "Receivers",
    "ReceivingGroup",
    "ReceivingRoute",
    "ReceivingSubscription",
    "RouteStats",
    "Security",
    "ServerFacts",
    "ServerInfo",
    "SlowAction",
    "SlowReceiver",
    "SortKey",
    "Steps",
    "SubjectBacklog",
    "SubscriptionPage",
    "SubscriptionStats",
    "Traffic",
    "UnreachableRoute",
    "Violations",
]


class BrokerView(Protocol):
    """One broker, watched. Times are seconds on the monotonic scale."""

    def monotonic(self) -> float:
        """The time now."""
        ...

    def health(self) -> Health:
        """Whether the server serves clients, and accepts new ones."""
        ...

    def server(self) -> ServerFacts:
        """The server as a whole; cheap."""
        ...

    def index(self) -> Steps[IndexStats]:
        """The subscription index; it looks at each answer that is remembered."""
        ...

    def connections(self, query: ConnectionQuery) -> Steps[ConnectionPage]:
        """Clients that pass the filters, sorted, from the offset on. The total is of all in that state."""
        ...

    def choose(self, query: ConnectionQuery) -> Steps[ConnectionChoice]:
        """The clients of the same page, for callers that read row by row."""
        ...

    def client(self, cid: int) -> ClientStats | None:
        """A client, without what it listens to; None for one that has gone."""
        ...

    def rights(self, cid: int, subject: bytes) -> ClientRights | None:
        """What decides what a client may do with a subject; None for one that has gone."""
        ...

    def receivers(self, subject: bytes, limit: int, skipped: int = 0) -> Steps[Receivers]:
        """Who gets a message on this subject: all are counted, and at most `limit` of a kind are listed.

        `skipped` is the number of a publisher that gets none of its own messages; 0 for none.
        """
        ...

    def subscriptions_of(self, cid: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The subscriptions of a client; it ends when the client leaves."""
        ...

    def subscriptions_of_route(self, remote_id: str) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The subscriptions of a peer's clients; it ends when the route does."""
        ...

    def subscriptions_of_leaf(self, number: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """The interest of a leaf link's peer, by the number of the link; it ends when the link does."""
        ...

    def name_of(self, link: Link) -> str:
        """The name of a link's peer; empty when it has no name, or is not connected."""
        ...

    def totals(self) -> Steps[ConnectionTotals]:
        """Sums over the clients that are here now."""
        ...

    def routes(self, *, subscriptions: bool = False) -> Steps[tuple[RouteStats, ...]]:
        """All routes; with what their peers listen to, if that is asked for."""
        ...

    def leaves(self) -> Steps[tuple[LeafStats, ...]]:
        """All leaf links whose handshake is over."""
        ...

    def slow_receivers(self) -> tuple[SlowReceiver, ...]:
        """The latest receivers that others waited for, or that were closed for it, oldest first; cheap."""
        ...

    def hooks_on(self, subject: bytes) -> HookReport | None:
        """What hooks see of messages on a subject, and of a subscription to it; None for nothing."""
        ...

    def closed_lately(self, count: int) -> tuple[ClientStats, ...]:
        """The last `count` clients to go, the latest first; cheap for a few."""
        ...

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """The configured servers that no route leads to; cheap."""
        ...

    def subscriptions(self, offset: int, limit: int) -> Steps[SubscriptionPage]:
        """Subscriptions of clients, in the order of their clients, from the offset on."""
        ...

    def count_subscriptions(self) -> Steps[int]:
        """Subscriptions of the clients that are here now."""
        ...

    def all_subscriptions(self, offset: int, limit: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """Subscriptions of clients, as in `subscriptions`; a part may be empty."""
        ...
