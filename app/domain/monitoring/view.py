"""Broker view: snapshots for monitoring, taken in slices.

A long answer is a generator of type `Steps`: each step takes a fraction of a millisecond,
and the answer is the generator's return value. Who takes the steps has a clock, and
decides by it how many of them fit into one turn of the loop. Between two turns the broker
works on, so counters move and clients leave; a page shows each client as it was when its
row was made, and leaves out who has gone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..broker import Broker
from ..closed_clients import ClosedClient
from ..cluster.route_dialer import UnreachableRoute
from ..cluster.route_session import RouteSession
from ..events import Link
from ..hooks.report import HookReport, report_on
from ..interest.index import IndexStats
from ..leaf.session import LeafSession
from ..sessions.client import ClientSession
from ..slow_receivers import SlowReceiver
from ..stats import (
    ClientRights,
    ClientStats,
    LeafStats,
    RouteStats,
    SubscriptionStats,
    Traffic,
)
from ..steps import ROW_WORK, Step, Steps
from .connection_query import (
    Client,
    ConnectionQuery,
    ConnectionState,
    all_in_order,
    open_in_order,
)
from .facts import (
    ClusterFacts,
    ConnectionChoice,
    ConnectionPage,
    ConnectionTotals,
    Health,
    ServerFacts,
    SubscriptionPage,
)
from .receivers import Receivers, receivers
from .subscription_rows import listed_rows, row_batches


class LiveView:
    """The view of one broker. Implements ``app.ports.broker_view``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def monotonic(self) -> float:
        """See `BrokerView`."""
        return self._broker.scheduler.monotonic()

    def health(self) -> Health:
        """See `BrokerView`."""
        is_open = self._broker.serving and self._broker.lame is None
        return Health(serving=is_open, ready=is_open)

    def server(self) -> ServerFacts:
        """See `BrokerView`."""
        broker = self._broker
        routes = len(self._routes())
        return ServerFacts(
            info=broker.greeting.info,
            limits=broker.limits,
            started=broker.started,
            connections=len(broker.sessions),
            total_connections=broker.total_connections,
            closed_clients=len(broker.history.closed),
            routes=routes,
            remotes=routes,
            slow_consumers=broker.slow.closed,
            slow_routes=broker.slow.closed_routes,
            stale_connections=broker.history.stale_connections,
            stale_routes=broker.history.stale_routes,
            violations=replace(broker.history.violations),
            slow_consumer_log=tuple(broker.slow.records),
            held_publishers=broker.flow.held_publishers,
            held_seconds=broker.flow.held_seconds,
            traffic=broker.traffic,
            client_traffic=broker.client_traffic,
            subscriptions=broker.subscriptions,
            cluster=self._cluster(),
            lame_duck=broker.lame.facts if broker.lame is not None else None,
            leaves=len(self._leaves()),
            slow_leaves=broker.slow.closed_leaves,
            stale_leaves=broker.history.stale_leaves,
            leaf_port=broker.leaves.port if broker.leaves is not None else 0,
        )

    def _cluster(self) -> ClusterFacts | None:
        cluster = self._broker.cluster
        if cluster is None:
            return None
        settings = cluster.settings
        return ClusterFacts(settings.host, cluster.port, settings.auth_timeout, settings.tls)

    def index(self) -> Steps[IndexStats]:
        """See `BrokerView`; one step, since no answers are read for it."""
        yield
        return self._broker.interest.stats()

    def routes(self, *, subscriptions: bool = False) -> Steps[tuple[RouteStats, ...]]:
        """See `BrokerView`."""
        rows: list[RouteStats] = []
        step = Step()
        for session in self._routes():
            if session.connection.closed:
                continue
            row = self._route(session)
            if subscriptions:
                row = replace(row, subscription_list=(yield from listed_rows(session, step)))
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

    def leaves(self) -> Steps[tuple[LeafStats, ...]]:
        """See `BrokerView`."""
        rows: list[LeafStats] = []
        step = Step()
        for session in self._leaves():
            if not session.connection.closed:
                rows.append(_leaf(session))
            if step.is_over_after(ROW_WORK):
                yield
        return tuple(rows)

    def _leaves(self) -> list[LeafSession]:
        leaves = self._broker.leaves
        return leaves.established() if leaves is not None else []

    def slow_receivers(self) -> tuple[SlowReceiver, ...]:
        """See `BrokerView`."""
        return tuple(self._broker.slow.latest)

    def hooks_on(self, subject: bytes) -> HookReport | None:
        """See `BrokerView`."""
        hooks = self._broker.hooks
        return None if hooks is None else report_on(hooks.terms, subject)

    def closed_lately(self, count: int) -> tuple[ClientStats, ...]:
        """See `BrokerView`."""
        return tuple(client.stats() for client in self._broker.history.closed.latest(count))

    def unreachable_routes(self) -> tuple[UnreachableRoute, ...]:
        """See `BrokerView`."""
        cluster = self._broker.cluster
        return cluster.unreachable() if cluster is not None else ()

    def connections(self, query: ConnectionQuery) -> Steps[ConnectionPage]:
        """See `BrokerView`."""
        rows: list[ClientStats] = []
        step = Step()
        for client in (yield from self._chosen(query, step)):
            if _has_left(client):
                continue
            row = client.stats()
            if query.subscriptions and isinstance(client, ClientSession):
                row = replace(row, subscription_list=(yield from listed_rows(client, step)))
            rows.append(row)
            if step.is_over_after(ROW_WORK):
                yield
        return ConnectionPage(self._total(query.state), tuple(rows))

    def choose(self, query: ConnectionQuery) -> Steps[ConnectionChoice]:
        """See `BrokerView`."""
        chosen = yield from self._chosen(query, Step())
        clients = (one if isinstance(one, ClosedClient) else one.number for one in chosen)
        return ConnectionChoice(self._total(query.state), tuple(clients))

    def _chosen(self, query: ConnectionQuery, step: Step) -> Steps[list[Client]]:
        """The clients of a page, in its order."""
        chosen: list[Client] = []
        place = 0
        for client in (yield from self._in_order(query, step)):
            if len(chosen) == query.limit:
                break
            if step.is_over_after(1):
                yield
            if _has_left(client) or (query.is_filtered and not query.admits(client)):
                continue
            place += 1
            if place > query.offset:
                chosen.append(client)
        return chosen

    def client(self, cid: int) -> ClientStats | None:
        """See `BrokerView`."""
        session = self._broker.sessions.get(cid)
        return None if session is None else session.stats()

    def rights(self, cid: int, subject: bytes) -> ClientRights | None:
        """See `BrokerView`."""
        session = self._broker.sessions.get(cid)
        return None if session is None else session.rights(subject)

    def receivers(self, subject: bytes, limit: int, skipped: int = 0) -> Steps[Receivers]:
        """See `BrokerView`."""
        return receivers(self._broker, subject, limit, skipped)

    def subscriptions_of(self, cid: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        session = self._broker.sessions.get(cid)
        return iter(()) if session is None else row_batches(session)

    def subscriptions_of_route(self, remote_id: str) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        cluster = self._broker.cluster
        session = cluster.remotes.get(remote_id) if cluster is not None else None
        return iter(()) if session is None else row_batches(session)

    def subscriptions_of_leaf(self, number: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        leaves = self._broker.leaves
        session = leaves.sessions.get(number) if leaves is not None else None
        return iter(()) if session is None else row_batches(session)

    def name_of(self, link: Link) -> str:
        """See `BrokerView`."""
        broker = self._broker
        client = broker.sessions.get(link.number)
        if client is not None:
            return client.profile.name
        route = broker.cluster.routes.get(link.number) if broker.cluster is not None else None
        leaf = broker.leaves.sessions.get(link.number) if broker.leaves is not None else None
        peer = route or leaf
        return peer.name if peer is not None else ""

    def totals(self) -> Steps[ConnectionTotals]:
        """See `BrokerView`."""
        sums = [0] * 7
        step = Step()
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
        step = Step()
        passed = 0
        for session in list(self._broker.sessions.values()):
            if len(rows) < limit:
                first = max(0, offset - passed)
                if first < len(session.subscriptions):
                    wanted = slice(first, first + limit - len(rows))
                    rows += yield from listed_rows(session, step, wanted)
            passed += len(session.subscriptions)
            if step.is_over_after(1):
                yield
        return SubscriptionPage(passed, tuple(rows))

    def count_subscriptions(self) -> Steps[int]:
        """See `BrokerView`."""
        step = Step()
        count = 0
        for cid in list(self._broker.sessions):
            session = self._broker.sessions.get(cid)
            count += len(session.subscriptions) if session is not None else 0
            if step.is_over_after(1):
                yield
        return count

    def all_subscriptions(self, offset: int, limit: int) -> Iterator[tuple[SubscriptionStats, ...]]:
        """See `BrokerView`."""
        step = Step()
        passed = taken = 0
        for cid in list(self._broker.sessions):
            if taken == limit:
                return
            session = self._broker.sessions.get(cid)
            count = len(session.subscriptions) if session is not None else 0
            first = max(0, offset - passed)
            if session is not None and first < count:
                for batch in row_batches(session, first, first + limit - taken):
                    taken += len(batch)
                    yield batch
            passed += count
            if step.is_over_after(1):
                yield ()

    def _in_order(self, query: ConnectionQuery, step: Step) -> Steps[Iterable[Client]]:
        """All clients of the asked state, sorted."""
        sessions = list(self._broker.sessions.values())
        if query.state is ConnectionState.OPEN:
            return (yield from open_in_order(sessions, query.sort, step))
        closed = self._broker.history.closed.all()
        clients: Sequence[Client] = closed if query.state is ConnectionState.CLOSED else [*sessions, *closed]
        return (yield from all_in_order(clients, query.sort, self.monotonic(), step))

    def _total(self, state: ConnectionState) -> int:
        """How many clients are in this state."""
        broker = self._broker
        total = 0 if state is ConnectionState.CLOSED else len(broker.sessions)
        return total if state is ConnectionState.OPEN else total + len(broker.history.closed)


def _has_left(client: Client) -> bool:
    """Whether a client that was here is not any more. One that is known as closed stays so."""
    return isinstance(client, ClientSession) and client.connection.closed


def _leaf(session: LeafSession) -> LeafStats:
    return LeafStats(
        connection=session.connection.stats(),
        name=session.name,
        is_spoke=session.is_spoke,
        solicited=session.solicited,
        account=session.account,
        subscriptions=len(session.subscriptions),
    )


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
