"""The broker: all connections, what they listen to, and what is due."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from app.domain.cluster.cluster import Cluster, ClusterSettings
from app.domain.cluster.info import RouteInfo
from app.domain.cluster.route_dialer import Dialer
from app.domain.credentials import Gatekeeper
from app.domain.dataplane.seam import MakePlane, Plane
from app.domain.events import ClientConnected, ConnectionsExceeded, EventSink, ServerFailure
from app.domain.failure import described
from app.domain.fair_queue import SLICE, FairQueue
from app.domain.interest.failover import Failover
from app.domain.interest.index import IndexStats, SubscriptionIndex
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Routing
from app.domain.interest.subscription import Subscription, read_member
from app.domain.interest.tombstones import Tombstones
from app.domain.limits import Limits
from app.domain.protocol.encode import ServerInfo
from app.domain.protocol.errors import MaximumConnections
from app.domain.sessions.client import ClientSession
from app.domain.sessions.connection import Connection
from app.domain.sessions.flow import Flow
from app.domain.sessions.keep_alive import KeepAlive
from app.domain.sessions.wire import Handler, Wire
from app.domain.stats import ServerStats, SlowConsumerRecord, Traffic
from app.domain.timers import DueQueue, Scheduler, Timer

REMOVED_AT_ONCE = 64
"""Subscriptions of a closed connection that are removed without looking at the clock."""

NEWS_SECONDS = 0.1
"""Clients are told of servers that come and go at most so often: they do so in swarms."""

SLOW_CONSUMER_LOG = 50
"""Slow consumers remembered for monitoring."""

VERDICT_SECONDS = 5.0
"""How long a login may wait for its turn to be checked, at least: longer than clients wait for it."""

FLUSH_SECONDS = 5.0
"""How long a stopping server tries to send what is pending."""

_FLUSH_CHECK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Needs:
    """What a broker needs of the world."""

    make_plane: MakePlane
    seed: int
    """From 1 to 2**64 - 1, for the draw of queue group members."""
    scheduler: Scheduler
    gatekeeper: Gatekeeper
    events: EventSink


@dataclass(frozen=True, slots=True)
class Membership:
    """What a broker needs to belong to a cluster."""

    settings: ClusterSettings
    gatekeeper: Gatekeeper
    """Judges servers that dial us."""
    dialer: Dialer


class Broker:
    """One messaging server, apart from its sockets. Used from one thread."""

    def __init__(
        self, limits: Limits, info: ServerInfo, needs: Needs, membership: Membership | None = None
    ) -> None:
        """`info` is what clients are told; its port is set by `listening_on`."""
        self.limits = limits
        self.scheduler = needs.scheduler
        self.gatekeeper = needs.gatekeeper
        self.events = needs.events
        self.flow = Flow(limits, needs.scheduler)
        self.turns = FairQueue(needs.scheduler)
        index = SubscriptionIndex()
        tombstones = Tombstones(needs.scheduler) if membership is not None else None
        routing = Routing(index, self._find_member, Failover(index, tombstones))
        self.plane: Plane = needs.make_plane(routing, needs.seed, limits.max_payload, limits.max_control_line)
        self.plane.clock = needs.scheduler.monotonic
        self.interest = Interest(index, routing, self.plane)
        self.connections: dict[int, Connection] = {}
        """Live clients by cid."""
        self.sessions: dict[int, ClientSession] = {}
        """The sessions of the same."""
        self._pings = KeepAlive(needs.scheduler, needs.events, limits.ping_interval, limits.ping_max)
        self._logins: DueQueue[Connection] = DueQueue(
            needs.scheduler, limits.auth_timeout, self._expire_login
        )
        self._verdicts: DueQueue[Connection] = DueQueue(
            needs.scheduler, max(limits.auth_timeout, VERDICT_SECONDS), self._expire_login
        )
        self._leaving: deque[Subscription] = deque()
        self._flushing = False
        self._after_flush: deque[Callable[[], None]] = deque()
        self.departures = 0
        """Clients whose wire is lost, ever."""
        self._last_number = 0
        self._total = 0
        self.slow_consumers = 0
        """Receivers that were closed because they were too slow, since the start."""
        self.slow_routes = 0
        """Routes among them."""
        self.slow_consumer_log: deque[SlowConsumerRecord] = deque(maxlen=SLOW_CONSUMER_LOG)
        self.started = needs.scheduler.monotonic()
        self.serving = False
        """Whether clients can come in."""
        self.info = info
        self.info_line = info.line()
        self._told_line = self.info_line
        """What the clients of today have heard last; newcomers may know more already."""
        self._own_urls: tuple[str, ...] = ()
        self._news: Timer | None = None
        self._outdated = False
        """Whether the cluster has changed since the greeting was written."""
        self.cluster: Cluster | None = None
        """None for a server that stays alone."""
        if membership is not None:
            self._join(membership, needs.seed)

    def _join(self, membership: Membership, seed: int) -> None:
        settings, gatekeeper, dialer = membership.settings, membership.gatekeeper, membership.dialer
        self.cluster = Cluster(self, settings, gatekeeper, dialer, seed)
        self.interest.announcer = self.cluster.interest_announcer

    def listening_on(self, port: int, urls: tuple[str, ...] = ()) -> None:
        """Tell clients the real port from now on, and the cluster these addresses for clients."""
        advertises = self.cluster is not None and self.cluster.settings.advertise
        self._own_urls = urls if advertises else ()
        self.serving = True
        self._introduce(replace(self.info, port=port))
        self._tell()

    def cluster_changed(self) -> None:
        """Tell clients soon where else they may connect; who comes before that is told at once."""
        self._outdated = True
        if self._news is None:
            self._news = self.scheduler.call_later(NEWS_SECONDS, self._tell_news)

    def _tell_news(self) -> None:
        self._news = None
        self._catch_up()
        self._tell()

    def _catch_up(self) -> None:
        """Let the greeting have the addresses as they are now: here first, then the other servers."""
        if not self._outdated:
            return
        self._outdated = False
        others = self.cluster.connect_urls() if self.cluster is not None else []
        self._introduce(replace(self.info, connect_urls=tuple(dict.fromkeys([*self._own_urls, *others]))))

    def _introduce(self, info: ServerInfo) -> None:
        if info != self.info:
            self.info = info
            self.info_line = info.line()

    def _tell(self) -> None:
        """Tell those who take it what they have not heard yet."""
        if self.info_line is self._told_line:
            return
        self._told_line = self.info_line
        for session in list(self.sessions.values()):  # a slow one may be cut, and leave
            session.keep_informed()
        self._flush()

    # --- for the cluster ---------------------------------------------------------

    @property
    def own_id(self) -> str:
        """This server's id."""
        return self.info.server_id

    def own_info(self) -> RouteInfo:
        """What other servers are told of this one, before the cluster adds its own address."""
        return RouteInfo(
            server_id=self.info.server_id,
            version=self.info.version,
            max_payload=self.info.max_payload,
            connect_urls=self._own_urls,
        )

    def next_number(self) -> int:
        """A number for a new connection; clients and routes share a counter."""
        self._last_number += 1
        return self._last_number

    def local_subscriptions(self) -> Iterator[dict[bytes, Subscription]]:
        """What each client listens to."""
        return (session.subscriptions for session in self.sessions.values())

    def _find_member(self, sid: bytes) -> Subscription | None:
        """The local member of a queue group that other servers know by this sid."""
        name = read_member(sid)
        session = self.sessions.get(name[0]) if name is not None else None
        subscription = session.subscriptions.get(name[1]) if session and name else None
        return subscription if subscription is not None and subscription.queue is not None else None

    # --- connections -----------------------------------------------------------

    def accept(self, wire: Wire) -> Handler:
        """Take on a new client: greet it, and serve it until its wire is lost."""
        self._total += 1
        self._catch_up()
        connection = Connection(self, self.next_number(), wire)
        session = ClientSession(self, connection)
        connection.outbox.alarm = self.limits.hold_above
        connection.inlet.trace = connection.outbox.trace = self.events.trace
        if self.events.debug:
            connection.report(ClientConnected(connection.link))
        connection.send(self.info_line)
        if len(self.connections) >= self.limits.max_connections:
            connection.report(ConnectionsExceeded(connection.link, self.limits.max_connections))
            connection.close(MaximumConnections().wire())
            return connection
        self.connections[connection.cid] = connection
        self.sessions[connection.cid] = session
        return connection

    def accept_route(self, wire: Wire) -> Handler:
        """Take on a server that dialled us. Only where there is a cluster."""
        if self.cluster is None:
            raise RuntimeError("a server without a cluster takes no routes")
        return self.cluster.accept(wire)

    def opened(self, connection: Connection) -> None:
        """It can be talked to: from now on it is pinged, and has to log in."""
        if self.cluster is not None and connection.distant:
            self.cluster.opened(connection)
            return
        self._pings.add(connection)
        if self.gatekeeper.required:
            self._logins.add(connection)

    def asked(self, connection: Connection) -> None:
        """Its CONNECT is complete, and its verdict to come: the login timer becomes that of the verdict."""
        self._logins.discard(connection)
        self._verdicts.add(connection)

    def admitted(self, connection: Connection) -> None:
        """Its login has a verdict: stop the timers of logins."""
        self._logins.discard(connection)
        self._verdicts.discard(connection)

    def closed(self, connection: Connection) -> None:
        """The connection is closed: nothing is due for it, nobody waits for it."""
        self.connections.pop(connection.cid, None)
        self.sessions.pop(connection.cid, None)
        self._pings.discard(connection)
        self._logins.discard(connection)
        self._verdicts.discard(connection)
        self.flow.forget(connection)

    def connection_lost(self) -> None:
        """A wire is lost."""
        self.departures += 1

    @property
    def wires(self) -> int:
        """Wires that are not lost yet, those of closed connections and of routes included."""
        return self._last_number - self.departures

    def failed(self, error: Exception) -> None:
        """Report a defect that concerns no single connection; the server goes on."""
        self.events.record(ServerFailure(None, described(error)))

    def count_slow_consumer(self, connection: Connection, reason: str) -> None:
        """A receiver is about to be closed."""
        self.slow_consumers += 1
        self.slow_routes += connection.distant
        peer = connection.wire.peer
        number, name = connection.title
        self.slow_consumer_log.append(
            SlowConsumerRecord(
                kind=connection.link.kind,
                cid=number,
                name=name,
                ip=peer.ip,
                port=peer.port,
                reason=reason,
                pending_bytes=connection.outbox.pending(),
                at=self.scheduler.monotonic(),
            )
        )

    # --- what waits to be sent -----------------------------------------------------

    def _flush(self) -> None:
        if self.plane.flush():
            self.flush_rest()

    def flush_rest(self, then: Callable[[], None] | None = None) -> None:
        """Hand over what a flush had no time for, in later turns, and call `then` behind it."""
        if then is not None:
            self._after_flush.append(then)
        if not self._flushing:
            self._flushing = True
            self.scheduler.call_soon(self._flush_slice)

    def _flush_slice(self) -> None:
        """One slice per turn of the loop; behind the last one, one of those who wait for it."""
        try:
            is_left = self.plane.flush_rest()
        except Exception as error:  # noqa: BLE001 - a defect ends one message, and delays no other
            self.failed(error)
            is_left = True
        if not is_left and not self._after_flush:
            self._flushing = False
            return
        self.scheduler.call_soon(self._flush_slice)
        if not is_left:
            self._after_flush.popleft()()

    # --- timers ------------------------------------------------------------------

    def _expire_login(self, connection: Connection) -> None:
        connection.guard(connection.session.login_expired)

    # --- subscriptions of closed connections -----------------------------------------

    def remove_later(self, subscriptions: list[Subscription]) -> None:
        """Remove the subscriptions of a closed connection; if they are many, a slice in each turn."""
        if not subscriptions:
            return
        is_idle = not self._leaving
        self._leaving.extend(subscriptions)
        if not is_idle:
            self.interest.leaving(subscriptions)
            return
        if len(subscriptions) > REMOVED_AT_ONCE or self.turns.is_crowded:
            self.interest.leaving(subscriptions)
            self.scheduler.call_soon(self._remove_slice)
        else:
            began = self.scheduler.monotonic()
            self._remove_some()
            self.turns.count(self.scheduler.monotonic() - began)
            self._flush_routes()

    def _remove_slice(self) -> None:
        until = self.scheduler.monotonic() + SLICE
        try:
            while self._leaving:
                self._remove_some()
                if self.scheduler.monotonic() >= until:
                    break
            self._flush_routes()
        except Exception as error:  # noqa: BLE001 - a defect keeps none of the others in the index
            self.failed(error)
        if self._leaving:
            self.scheduler.call_soon(self._remove_slice)

    def _remove_some(self) -> None:
        for _ in range(min(REMOVED_AT_ONCE, len(self._leaving))):
            self.interest.remove(self._leaving.popleft())

    def _flush_routes(self) -> None:
        """Let the other servers know at once what is gone."""
        if self.cluster is not None:
            self._flush()

    # --- the end ---------------------------------------------------------------------

    def shutdown(self, done: Callable[[], None]) -> None:
        """Send what is pending for at most `FLUSH_SECONDS`, close all clients, then call `done`.

        Whoever calls has stopped accepting. Nothing is read any more.
        """
        self.serving = False
        if self.cluster is not None:
            self.cluster.stop()
        for connection in self._all():
            connection.wait()
        self._flush()
        self._await_flush(self.scheduler.monotonic() + FLUSH_SECONDS, done)

    def _await_flush(self, deadline: float, done: Callable[[], None]) -> None:
        pending = any(connection.outbox.pending() for connection in self._all())
        if pending and self.scheduler.monotonic() < deadline:
            self.scheduler.call_later(_FLUSH_CHECK_SECONDS, lambda: self._await_flush(deadline, done))
            return
        for connection in self._all():
            if connection.outbox.pending():
                connection.abort()
            else:
                connection.close()
        self.plane.forget_plans()
        done()

    def _all(self) -> list[Connection]:
        """Routes first: peers whose route is closed need not hear what each client gives up."""
        routes = self.cluster.connections() if self.cluster is not None else []
        return [*routes, *self.connections.values()]

    # --- figures ---------------------------------------------------------------------

    @property
    def subscriptions(self) -> int:
        """Subscriptions now, those of other servers' clients included."""
        return len(self.interest)

    @property
    def total_connections(self) -> int:
        """Clients ever."""
        return self._total

    @property
    def traffic(self) -> Traffic:
        """Messages of all peers, ever."""
        plane = self.plane
        return Traffic(plane.in_msgs, plane.in_bytes, plane.out_msgs, plane.out_bytes)

    def index_stats(self) -> IndexStats:
        """The figures of the subscription index and of the plans made from it."""
        return self.interest.stats()

    def stats(self) -> ServerStats:
        """A snapshot of the server's counters."""
        return ServerStats(
            connections=len(self.connections),
            total_connections=self._total,
            slow_consumers=self.slow_consumers,
            traffic=self.traffic,
            subscriptions=self.index_stats(),
        )
