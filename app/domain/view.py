"""The broker as those see it who only watch: snapshots, taken in slices.

A long answer is a generator of type `Steps`: each step takes a fraction of a millisecond,
and the answer is the generator's return value. Who takes the steps has a clock, and
decides by it how many of them fit into one turn of the loop. Between two turns the broker
works on, so counters move and clients leave; a page shows each client as it was when its
row was made, and leaves out who has gone.
"""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from typing import TypeVar

from .broker import Broker
from .cluster.route_dialer import UnreachableRoute
from .cluster.route_session import RouteSession
from .events import Link
from .interest.index import IndexStats
from .interest.subscription import Subscription
from .limits import Limits
from .protocol.encode import ServerInfo
from .sessions.client import ClientSession
from .stats import ClientStats, RouteStats, SlowConsumerRecord, SubscriptionStats, Traffic

T = TypeVar("T")
Steps = Generator[None, None, T]
"""An answer of type T, made step by step."""

STEP_WORK = 512
"""Work of one step: a quarter of a millisecond of plain Python. Passing by a connection costs 1."""

ROW_WORK = 8
"""Making a row of a page, or measuring a connection."""

BATCH = 64
"""Subscriptions that are listed at a time, which is one step."""


class SortKey(Enum):
    """What a page of connections is sorted by (monitoring-pages.md, section 4.1)."""

    CID = "cid"
    START = "start"
    UPTIME = "uptime"
    SUBS = "subs"
    PENDING = "pending"
    MSGS_TO = "msgs_to"
    MSGS_FROM = "msgs_from"
    BYTES_TO = "bytes_to"
    BYTES_FROM = "bytes_from"
    LAST = "last"
    IDLE = "idle"


_MEASURES: dict[SortKey, Callable[[ClientSession], float]] = {
    SortKey.SUBS: lambda session: -len(session.subscriptions),
    SortKey.PENDING: lambda session: -session.connection.outbox.pending(),
    SortKey.MSGS_TO: lambda session: -session.connection.outbox.out_msgs,
    SortKey.MSGS_FROM: lambda session: -session.connection.inlet.in_msgs,
    SortKey.BYTES_TO: lambda session: -session.connection.outbox.out_bytes,
    SortKey.BYTES_FROM: lambda session: -session.connection.inlet.in_bytes,
    SortKey.LAST: lambda session: -session.connection.last_activity,
    SortKey.IDLE: lambda session: session.connection.last_activity,
}
"""Smallest first. The other keys give the order of arrival, which the broker keeps."""


@dataclass(frozen=True, slots=True)
class ConnectionQuery:
    """Which connections are asked for, and in which order."""

    sort: SortKey = SortKey.CID
    offset: int = 0
    limit: int = 1024
    subscriptions: bool = False
    """Whether rows list what their client listens to."""


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """Some of all connections."""

    total: int
    rows: tuple[ClientStats, ...]


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """Which of all connections belong on a page; their rows are to be had with `LiveView.client`."""

    total: int
    cids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConnectionTotals:
    """Sums over all connections that are here now."""

    connections: int
    pending_bytes: int
    subscriptions: int
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """Some of all subscriptions of clients, by client."""

    total: int
    rows: tuple[SubscriptionStats, ...]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Where other servers connect, and what they need."""

    host: str
    port: int
    auth_timeout: float
    tls: bool


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server as a whole. Times in seconds on the monotonic scale."""

    info: ServerInfo
    limits: Limits
    started: float
    connections: int
    total_connections: int
    routes: int
    remotes: int
    """Distinct servers at the other ends of routes."""
    slow_consumers: int
    slow_routes: int
    """Routes among them."""
    slow_consumer_log: tuple[SlowConsumerRecord, ...]
    """The latest of them, oldest first."""
    held_publishers: int
    """Publishers that wait for a slow receiver now."""
    held_seconds: float
    """Seconds that publishers have waited for receivers, in total."""
    traffic: Traffic
    subscriptions: int
    cluster: ClusterFacts | None
    """None for a server that stays alone."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the server does its work."""

    serving: bool
    """Clients can come in."""
    ready: bool
    """And new ones are welcome."""


class LiveView:
    """A broker, watched. Implements ``app.ports.broker_view``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def monotonic(self) -> float:
        """See `BrokerView`."""
        return self._broker.scheduler.monotonic()

    def health(self) -> Health:
        """See `BrokerView`."""
        return Health(serving=self._broker.serving, ready=self._broker.serving)

    def server(self) -> ServerFacts:
        """See `BrokerView`."""
        broker = self._broker
        routes = len(self._routes())
        return ServerFacts(
            info=broker.greeting.info,
            limits=broker.limits,
            started=broker.started,
            connections=len(broker.connections),
            total_connections=broker.total_connections,
            routes=routes,
            remotes=routes,
            slow_consumers=broker.slow_consumers,
            slow_routes=broker.slow_routes,
            slow_consumer_log=tuple(broker.slow_consumer_log),
            held_publishers=broker.flow.held_publishers,
            held_seconds=broker.flow.held_seconds,
            traffic=broker.traffic,
            subscriptions=broker.subscriptions,
            cluster=self._cluster(),
        )

    def _cluster(self) -> ClusterFacts | None:
        cluster = self._broker.cluster
        if cluster is None:
            return None
        settings = cluster.settings
        return ClusterFacts(settings.host, cluster.port, settings.auth_timeout, settings.tls)

    def index(self) -> Steps[IndexStats]:
        """See `BrokerView`."""
        return self._broker.interest.stats_in_steps()

    def routes(self, *, subscriptions: bool = False) -> Steps[tuple[RouteStats, ...]]:
        """See `BrokerView`."""
        rows: list[RouteStats] = []
        step = _Step()
        for session in self._routes():
            if session.connection.closed:
                continue
            row = self._route(session)
            if subscriptions:
                row = replace(row, subscription_list=(yield from _listed(session, step)))
            rows.append(row)
            if step.is_over_after(ROW_WORK):
                yield
        return tuple(rows)

    def _routes(self) -> list[RouteSession]:
        """One for each server we are connected to."""
        cluster = self._broker.cluster
        return list(cluster.remotes.values()) if cluster is not None else []

    def _route(self, session: RouteSession) -> RouteStats:
        cluster = self._broker.cluster
        return RouteStats(
            connection=session.connection.stats(),
            remote_id=session.remote_id,
            solicited=session.solicited,
            configured=cluster is not None and cluster.is_configured(session),
            subscriptions=len(session.subscriptions),
            name=session.name,
            rtt=session.rtt,
        )

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """See `BrokerView`."""
        cluster = self._broker.cluster
        return cluster.unreachable() if cluster is not None else ()

    def connections(self, query: ConnectionQuery) -> Steps[ConnectionPage]:
        """See `BrokerView`."""
        rows: list[ClientStats] = []
        step = _Step()
        for session in (yield from self._chosen(query, step)):
            if session.connection.closed:
                continue
            row = _client(session)
            if query.subscriptions:
                row = replace(row, subscription_list=(yield from _listed(session, step)))
            rows.append(row)
            if step.is_over_after(ROW_WORK):
                yield
        return ConnectionPage(len(self._broker.connections), tuple(rows))

    def choose(self, query: ConnectionQuery) -> Steps[ConnectionChoice]:
        """See `BrokerView`."""
        chosen = yield from self._chosen(query, _Step())
        return ConnectionChoice(len(self._broker.connections), tuple(session.number for session in chosen))

    def _chosen(self, query: ConnectionQuery, step: "_Step") -> Steps[list[ClientSession]]:
        """The clients of a page, in its order."""
        chosen: list[ClientSession] = []
        place = 0
        for session in (yield from self._in_order(query.sort, step)):
            if len(chosen) == query.limit:
                break
            if step.is_over_after(1):
                yield
            if session.connection.closed:
                continue
            place += 1
            if place > query.offset:
                chosen.append(session)
        return chosen

    def client(self, cid: int) -> ClientStats | None:
        """See `BrokerView`."""
        session = self._broker.sessions.get(cid)
        return None if session is None else _client(session)

    def subscriptions_of(self, cid: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        session = self._broker.sessions.get(cid)
        return iter(()) if session is None else _batches(session)

    def subscriptions_of_route(self, remote_id: str) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        cluster = self._broker.cluster
        session = cluster.remotes.get(remote_id) if cluster is not None else None
        return iter(()) if session is None else _batches(session)

    def name_of(self, link: Link) -> str:
        """See `BrokerView`."""
        cluster = self._broker.cluster
        client = self._broker.sessions.get(link.number)
        if client is not None:
            return client.profile.name
        route = cluster.routes.get(link.number) if cluster is not None else None
        return route.name if route is not None else ""

    def totals(self) -> Steps[ConnectionTotals]:
        """See `BrokerView`."""
        sums = [0] * 7
        step = _Step()
        for session in list(self._broker.sessions.values()):
            if not session.connection.closed:
                sums = [total + value for total, value in zip(sums, _figures(session), strict=True)]
            if step.is_over_after(ROW_WORK):
                yield
        connections, pending, subscriptions, *traffic = sums
        return ConnectionTotals(connections, pending, subscriptions, Traffic(*traffic))

    def subscriptions(self, offset: int, limit: int) -> Steps[SubscriptionPage]:
        """See `BrokerView`."""
        rows: list[SubscriptionStats] = []
        step = _Step()
        passed = 0
        for session in list(self._broker.sessions.values()):
            if len(rows) < limit:
                first = max(0, offset - passed)
                if first < len(session.subscriptions):
                    wanted = slice(first, first + limit - len(rows))
                    rows += yield from _listed(session, step, wanted)
            passed += len(session.subscriptions)
            if step.is_over_after(1):
                yield
        return SubscriptionPage(passed, tuple(rows))

    def count_subscriptions(self) -> Steps[int]:
        """See `BrokerView`."""
        step = _Step()
        count = 0
        for cid in list(self._broker.sessions):
            session = self._broker.sessions.get(cid)
            count += len(session.subscriptions) if session is not None else 0
            if step.is_over_after(1):
                yield
        return count

    def all_subscriptions(self, offset: int, limit: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        step = _Step()
        passed = taken = 0
        for cid in list(self._broker.sessions):
            if taken == limit:
                return
            session = self._broker.sessions.get(cid)
            count = len(session.subscriptions) if session is not None else 0
            first = max(0, offset - passed)
            if session is not None and first < count:
                for batch in _batches(session, first, first + limit - taken):
                    taken += len(batch)
                    yield batch
            passed += count
            if step.is_over_after(1):
                yield ()

    def _in_order(self, key: SortKey, step: "_Step") -> Steps[Iterable[ClientSession]]:
        """All clients, sorted a stretch at a time, and merged as they are taken."""
        everyone = list(self._broker.sessions.values())
        measure = _MEASURES.get(key)
        if measure is None:
            return everyone
        runs: list[list[tuple[float, int, ClientSession]]] = [[]]
        for session in everyone:
            if not session.connection.closed:
                runs[-1].append((measure(session), session.number, session))
            if step.is_over_after(ROW_WORK // 2):
                runs[-1].sort()
                runs.append([])
                yield
        runs[-1].sort()
        return (session for _, _, session in heapq.merge(*runs))


class _Step:
    """How much work the current step has left."""

    def __init__(self) -> None:
        self._left = STEP_WORK

    def is_over_after(self, work: int) -> bool:
        """Spend; answer whether it is time to yield, and begin the next step if it is."""
        self._left -= work
        if self._left > 0:
            return False
        self._left = STEP_WORK
        return True


def _client(session: ClientSession) -> ClientStats:
    return ClientStats(session.connection.stats(), session.profile, len(session.subscriptions))


def _figures(session: ClientSession) -> tuple[int, ...]:
    inlet, outbox = session.connection.inlet, session.connection.outbox
    return (
        1,
        outbox.pending(),
        len(session.subscriptions),
        inlet.in_msgs,
        inlet.in_bytes,
        outbox.out_msgs,
        outbox.out_bytes,
    )


def _listed(
    session: ClientSession | RouteSession, step: _Step, wanted: slice = slice(None)
) -> Steps[tuple[SubscriptionStats, ...]]:
    rows = []
    for subscription in list(session.subscriptions.values())[wanted]:
        rows.append(_subscription(subscription))
        if step.is_over_after(ROW_WORK // 4):
            yield
    return tuple(rows)


def _batches(
    session: ClientSession | RouteSession, first: int = 0, end: int | None = None
) -> Iterator[tuple[SubscriptionStats, ...]]:
    """What it listens to, from one place to another, for as long as it is here.

    Only the sids are held meanwhile: a reader takes his time, and must not keep what is gone.
    """
    listed = session.subscriptions
    sids = list(islice(listed, first, end))
    for begin in range(0, len(sids), BATCH):
        if session.connection.closed:
            return
        some = (listed.get(sid) for sid in sids[begin : begin + BATCH])
        yield tuple(_subscription(one) for one in some if one is not None)


def _subscription(subscription: Subscription) -> SubscriptionStats:
    target = subscription.target
    return SubscriptionStats(
        subject=_text(subscription.subject),
        queue=_text(subscription.queue or b""),
        sid=_text(subscription.sid),
        delivered=target.delivered,
        limit=target.limit,
        number=subscription.subscriber.number,
    )


def _text(data: bytes) -> str:
    """What is no UTF-8 shows as replacement characters, as in gnatsd's JSON."""
    return data.decode("utf-8", "replace")
