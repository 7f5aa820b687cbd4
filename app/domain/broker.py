"""The broker: all connections, their subscriptions, and the calls that are due.

Its parts do the work, and everything that serves a peer knows them through `Host`: ``greeting``
INFO for clients, ``removals`` what closed connections leave, ``deferred`` what is still to be
sent, ``flow`` waiting publishers, ``slow`` receivers that were too slow, ``turns`` the next turn, ``cluster``
the routes.

Cluster and leaf links are imported by a broker that has them, when it is made: most servers have neither.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .broker_needs import Membership, Needs
from .closed_clients import PeerHistory
from .closing_reason import ClosingReason
from .dataplane.seam import Plane
from .events import ClientConnected, ConnectionsExceeded, ConnectionsTrimmed, ServerFailure
from .failure import described
from .fair_queue import FairQueue
from .hooks.gate import HookGate
from .hooks.hook_event import HookPoint
from .interest.failover import Failover
from .interest.index import SubscriptionIndex
from .interest.interest import Interest
from .interest.routing import Routing
from .interest.subscription import Subscription, read_member
from .interest.tombstones import Tombstones
from .lame_duck import LameDuck, LameDuckHost, LameDuckTerms
from .leaf.settings import LeafNeeds
from .limits import Limits
from .peer_kind import PeerKind
from .protocol.compatibility import Compatibility
from .protocol.encode import ListenerInfo, ServerInfo
from .protocol.errors import MaximumConnections
from .rates import Meters
from .security.credentials import Identity
from .server_traffic import ServerTraffic
from .sessions.client import ClientSession
from .sessions.closing import Removals
from .sessions.connection import Connection
from .sessions.deferred_flush import DeferredFlush
from .sessions.flow import Flow
from .sessions.greeting import Greeting
from .sessions.keep_alive import KeepAlive
from .sessions.local_client import LocalClient, LocalSession, Tap
from .sessions.message_tracing import MessageTracing
from .sessions.publish_meter import PublishMeter
from .sessions.slow_peers import SlowPeers
from .sessions.user_info import UserInfo
from .sessions.wire import Handler, Wire
from .stats import Traffic
from .timers import DueQueue
from .wire_count import WireCount

if TYPE_CHECKING:
    from .cluster.cluster import Cluster
    from .leaf.leaves import Leaves

FLUSH_SECONDS = 5.0
"""How long a stopping server tries to send what is pending."""

_FIRST_CHECK_SECONDS, _FLUSH_CHECK_SECONDS = 0.001, 0.02
"""First and longest wait between two checks whether all is sent; the wait doubles each time."""


class Broker:
    """One messaging server, apart from its sockets. Used from one thread. Implements `Host`."""

    def __init__(
        self,
        limits: Limits,
        info: ServerInfo,
        needs: Needs,
        membership: Membership | None = None,
        *,
        compatibility: Compatibility = Compatibility.GNATSD,
    ) -> None:
        """`info` is what INFO says; its port is set by `listening_on`."""
        self.compatibility = compatibility  # the server whose protocol clients get
        self.limits = limits  # the current ones; see `apply`
        self.scheduler = scheduler = needs.scheduler
        self.gatekeeper = needs.gatekeeper
        self.anonymous = needs.anonymous
        self.hooks = needs.hooks
        self.tracing = None if needs.wall is None else MessageTracing(self, self.adopt, needs.wall)
        self.user_info = None if needs.wall is None else UserInfo(self, needs.wall)
        self.events = needs.events
        self.flow = Flow(limits, scheduler)
        self.slow = SlowPeers(self.flow, scheduler, self.failed)
        self.turns = FairQueue(scheduler)
        self.plane, self.interest = self._make_interest(needs, clustered=membership is not None)
        is_alone = membership is None and needs.leaves is None
        self.deferred = DeferredFlush(self.plane, scheduler, self.failed, is_alone=is_alone)
        self.removals = Removals(
            self.interest, scheduler, self.turns, removed=self._flush_routes, on_failure=self.failed
        )
        info = replace(info, compatibility=compatibility)
        self.greeting = Greeting(info, scheduler, self._inform_clients, needs.make_nonce)
        self.sessions: dict[int, ClientSession] = {}
        """Of live clients, by cid."""
        self._local: dict[int, LocalClient] = {}
        """Local clients by number."""
        self._servers = ServerTraffic()
        self._pings = KeepAlive(scheduler, needs.events, limits.ping_interval, limits.ping_max)
        self._logins: DueQueue[Connection] = DueQueue(scheduler, limits.auth_timeout, self._expire_login)
        self._verdicts: DueQueue[Connection] = DueQueue(scheduler, limits.verdict_time, self._expire_login)
        self.wires = WireCount()
        self.total_connections = 0
        """Clients since the start."""
        self._meters = Meters(scheduler)
        self.history = PeerHistory(limits.max_closed_clients)
        self.started = scheduler.monotonic()
        self.serving = False
        """Whether clients can connect."""
        self.lame: LameDuck | None = None
        """The lame duck mode, once it has begun."""
        self._is_over = False
        self.is_unsettled: Callable[[], bool] = lambda: False
        """Whether something was taken that will be answered: connections stay open for that, for a while."""
        self.cluster = None if membership is None else self._join(membership, needs.seed)
        """None for a server without a cluster."""
        self.leaves = None if needs.leaves is None else self._link(needs.leaves, needs.seed)
        """None for a server without leaf nodes, and without a hub."""

    def _make_interest(self, needs: Needs, *, clustered: bool) -> tuple[Plane, Interest]:
        """The data plane, and all subscriptions."""
        index, limits = SubscriptionIndex(), self.limits
        tombstones = Tombstones(self.scheduler) if clustered else None
        failover = Failover(index, tombstones)
        routing = Routing(index, self._find_member, failover, compatibility=self.compatibility)
        routing.hooks = needs.hooks.patterns if needs.hooks is not None else None
        plane = needs.make_plane(routing, needs.seed, limits.max_payload, limits.max_control_line)
        plane.clock = self.scheduler.monotonic
        return plane, Interest(index, routing, plane)

    def _link(self, needs: LeafNeeds, seed: int) -> "Leaves":
        """The leaf links, to which interest is announced from now on."""
        from .leaf.leaves import Leaves  # noqa: PLC0415 - see the head of the module

        leaves = Leaves(self, needs, seed)
        self.interest.list_in(leaves.interest)
        self.interest.find_lines_with(leaves.find_line)
        return leaves

    def _join(self, membership: Membership, seed: int) -> "Cluster":
        """The cluster, to which interest is announced from now on."""
        from .cluster.cluster import Cluster  # noqa: PLC0415 - see the head of the module

        cluster = Cluster(self, membership.settings, membership.gatekeeper, membership.dialer, seed)
        self.interest.announce_to(cluster.interest_announcer)
        self.greeting.others = cluster.connect_urls
        self.greeting.others_for_websockets = cluster.websocket_urls
        self.greeting.others_for_leaves = cluster.leaf_urls
        return cluster

    # --- INFO --------------------------------------------------------------------

    def listening_on(self, port: int, urls: tuple[str, ...] = ()) -> None:
        """Send clients the real port from now on, and other servers these addresses for clients."""
        self.serving = True
        self.greeting.listening_on(port, urls if self._advertises else ())

    def websockets_at(self, urls: tuple[str, ...]) -> None:
        """Send other servers these addresses for websocket clients."""
        self.greeting.own_websocket_urls = urls if self._advertises else ()

    def advertise(self, urls: tuple[str, ...], websocket_urls: tuple[str, ...]) -> None:
        """Advertise other addresses than before to clients and servers; none in lame duck mode."""
        if self.cluster is None:
            return
        is_named = self._advertises and self.lame is None
        self.greeting.own_urls = urls if is_named else ()
        self.greeting.own_websocket_urls = websocket_urls if is_named else ()
        self.greeting.urls_changed()
        self.cluster.introduce_again()

    @property
    def _advertises(self) -> bool:
        return self.cluster is not None and self.cluster.settings.advertise

    def _inform_clients(self) -> None:
        for session in list(self.sessions.values()):  # a slow one may be closed, and leave
            session.keep_informed()
        self.deferred.flush()

    # --- what may change while it runs ---------------------------------------------

    def apply(self, limits: Limits) -> None:
        """Apply new limits to all connections, those that are open included.

        Time that has passed counts: a login or a ping is due as if its limit had always been this.
        """
        self.plane.briefs.settle()  # earlier lines are processed under the old limits
        self.limits = limits
        self.flow.apply(limits)
        self.plane.set_limits(limits.max_payload, limits.max_control_line)
        self._pings.set_limits(limits.ping_interval, limits.ping_max)
        self._logins.set_delay(limits.auth_timeout)
        self._verdicts.set_delay(limits.verdict_time)
        if self.cluster is not None:
            self.cluster.apply(limits)
        if self.leaves is not None:
            self.leaves.apply(limits)
        self._configure_all()
        self.greeting.set(replace(self.greeting.info, max_payload=limits.max_payload))
        self._close_surplus()

    def _close_surplus(self) -> None:
        """Close the latest clients, if there are more than allowed."""
        surplus = list(self.sessions.values())[self.limits.max_connections :]
        for session in surplus:
            session.connection.closes_for(MaximumConnections.closing)
            session.connection.close(MaximumConnections().wire(self.compatibility))
        if surplus:
            self.events.record(ConnectionsTrimmed(None, len(surplus)))

    def rights_changed(self) -> None:
        """See `reauthorization.ReauthorizationHost`."""
        self.deferred.flush()  # what was said of subscriptions that have ended
        self.interest.rights_changed()

    def use_hooks(self, hooks: HookGate | None) -> None:
        """Ask these hooks from now on, or none; what was asked before is answered by who was asked.

        Clients that have logged in, and subscriptions, stay as they are.
        """
        self.plane.briefs.settle()  # or these hooks would be asked about what came before
        if self.hooks is None:
            self.hooks = hooks
        else:
            self.hooks.become(hooks)  # in place, since messages under way know it
        self.interest.use_hooks(None if hooks is None else hooks.patterns)

    def trace_changed(self) -> None:
        """The log wants to know more, or less, than before: see `EventSink`."""
        self._configure_all()

    def _configure_all(self) -> None:
        for connection in self._all():
            connection.configure()

    # --- for the cluster ---------------------------------------------------------

    def next_number(self) -> int:
        """See `Host`."""
        return self.wires.next()

    def subscriptions_of(self, kinds: Iterable[PeerKind]) -> Iterator[Mapping[bytes, Subscription]]:
        """See `Host`."""
        if PeerKind.CLIENT in kinds:
            yield from (session.subscriptions for session in self.sessions.values())
            yield from (client.session.subscriptions for client in self._local.values())
        if self.leaves is not None and PeerKind.LEAF in kinds:
            yield from self.leaves.subscriptions_of_leaves()

    def session_of(self, number: int) -> ClientSession | LocalSession | None:
        """That of a client, inside the process too; None if there is none."""
        local = self._local.get(number)
        return local.session if local is not None else self.sessions.get(number)

    def connection_of(self, number: int) -> Connection | None:
        """That of a client or of a route; None if there is none."""
        session = self.sessions.get(number)
        if session is not None:
            return session.connection
        return next((one for one in self._all() if one.cid == number), None)

    def sessions_of_clients(self) -> list[ClientSession | LocalSession]:
        """Those of all clients that are here now."""
        return [*self.sessions.values(), *(client.session for client in self._local.values())]

    def _find_member(self, sid: bytes) -> Subscription | None:
        """The local subscription that other servers know by this sid: a queue member, or a plain one."""
        name = read_member(sid)
        if name is None:
            return None
        number, own_sid = name
        session = self.session_of(number)
        if session is None and self.leaves is not None:
            return self.leaves.find(number, own_sid)
        return session.subscriptions.get(own_sid) if session is not None else None

    # --- connections -----------------------------------------------------------

    def accept(self, wire: Wire, listener: ListenerInfo | None = None) -> Handler:
        """Take on a new client: greet it, and serve it until its wire is lost.

        `listener` is where it came in, if that is not the first listener.
        """
        self.total_connections += 1
        self.greeting.refresh()
        connection = Connection(self, self.next_number(), wire)
        session = ClientSession(self, connection)
        if self.events.debug:
            connection.report(ClientConnected(connection.link))
        session.greet(listener)
        if len(self.sessions) >= self.limits.max_connections:
            connection.report(ConnectionsExceeded(connection.link, self.limits.max_connections))
            connection.closes_for(MaximumConnections.closing)
            connection.close(MaximumConnections().wire(self.compatibility))
            return connection
        self.sessions[connection.cid] = session
        return connection

    def connect_local(self, name: str, tap: Tap | None = None) -> LocalClient:
        """A client inside the process, which monitoring calls no connection; for `tap` see `LocalClient`.

        Raises `RuntimeError` when the broker has shut down.
        """
        self._check_not_over()
        client = LocalClient(self, name, tap)
        self.adopt(client)
        return client

    def adopt(self, client: LocalClient) -> None:
        """Have this local client, just made, served as the others; raises as `connect_local` does."""
        self._check_not_over()
        self._local[client.connection.cid] = client

    def _check_not_over(self) -> None:
        if self._is_over:
            raise RuntimeError("the server has shut down")

    def accept_route(self, wire: Wire) -> Handler:
        """Take on a server that dialled us. Only where there is a cluster."""
        if self.cluster is None:
            raise RuntimeError("a server without a cluster takes no routes")
        return self.cluster.accept(wire)

    def accept_leaf(self, wire: Wire) -> Handler:
        """Take on a leaf node that dialled us. Only where there are some."""
        if self.leaves is None:
            raise RuntimeError("a server without leaf nodes takes none")
        return self.leaves.accept(wire)

    def opened(self, connection: Connection) -> None:
        """It can be talked to: from now on it is pinged, and has to log in."""
        if self.leaves is not None and connection.kind in (PeerKind.LEAF, PeerKind.HUB):
            self.leaves.opened(connection)
            return
        if self.cluster is not None and connection.kind is PeerKind.ROUTE:
            self.cluster.opened(connection)
            return
        self._pings.add(connection)
        if self.gatekeeper.required or (self.hooks is not None and self.hooks.asks(HookPoint.CONNECT)):
            self._logins.add(connection)

    def meter_of(self, identity: Identity, connection: Connection) -> PublishMeter | None:
        """See `Host`."""
        if identity.publish_rate is None:
            return None
        meter = self._meters.of(identity.user, identity.publish_rate)
        return PublishMeter(meter, connection.inlet, self.scheduler)

    def login_due(self, connection: Connection) -> None:
        """See `Host`; a link that carries no traffic yet is counted from its beginning on."""
        if connection.was_opened:
            self._logins.add(connection)

    def login_pending(self, connection: Connection) -> None:
        """See `Host`: the login timer becomes that of the verdict."""
        self._logins.discard(connection)
        self._verdicts.add(connection)

    def client_in(self, connection: Connection) -> None:
        """See `Host`: a client of today is pinged soon, gnatsd's at the interval alone."""
        if self.compatibility is Compatibility.CURRENT:
            self._pings.ping_soon(connection)

    def login_over(self, connection: Connection) -> None:
        """See `Host`."""
        self._logins.discard(connection)
        self._verdicts.discard(connection)

    def closed(self, connection: Connection) -> None:
        """See `Host`: nothing is due for it, nobody waits for it."""
        self.sessions.pop(connection.cid, None)
        self._local.pop(connection.cid, None)
        self._pings.discard(connection)
        self._logins.discard(connection)
        self._verdicts.discard(connection)
        self.flow.forget(connection)
        self._servers.closed(connection)
        if connection.closing is ClosingReason.STALE_CONNECTION:
            self.history.note_stale(connection.kind)

    def connection_lost(self) -> None:
        """A wire is lost."""
        self.wires.lose()

    def failed(self, error: Exception) -> None:
        """Report a defect that concerns no single connection; the server goes on."""
        self.events.record(ServerFailure(None, described(error)))

    def _expire_login(self, connection: Connection) -> None:
        connection.guard(connection.session.login_expired)

    def _flush_routes(self) -> None:
        """Let the other servers know at once what is gone."""
        if self.cluster is not None or self.leaves is not None:
            self.deferred.flush()

    def lame_duck(self, terms: LameDuckTerms, done: Callable[[], None]) -> None:
        """Have all clients go elsewhere, and call `done` when that is over; see `LameDuck`.

        The caller has stopped accepting clients. Without effect, but for the call, when it was called
        before, or the broker has shut down.
        """
        if self.lame is not None or self._is_over:
            done()
            return
        self.lame = LameDuck(LameDuckHost(self.scheduler, self.events, self.sessions), terms, done)
        self.greeting.leave()
        if self.cluster is not None:
            self.cluster.introduce_again()
        if self.leaves is not None:
            self.leaves.introduce_again()
        self.lame.begin()

    # --- the end ---------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether it has shut down, or is about to."""
        return self._is_over

    def shutdown(self, done: Callable[[], None]) -> None:
        """Send what is pending for at most `FLUSH_SECONDS`, close all connections, then call `done`.

        The caller has stopped accepting. Nothing is read any more. What was read is answered before.
        """
        self.serving = False
        self._is_over = True
        if self.lame is not None:
            self.lame.end()
        if self.cluster is not None:
            self.cluster.stop()
        if self.leaves is not None:
            self.leaves.stop()
        for connection in self._all():
            connection.wait()
        self.deferred.flush()
        self._await_flush(self.scheduler.monotonic() + FLUSH_SECONDS, _FIRST_CHECK_SECONDS, done)

    def _await_flush(self, deadline: float, delay: float, done: Callable[[], None]) -> None:
        pending = self.is_unsettled() or any(connection.outbox.pending() for connection in self._all())
        if pending and self.scheduler.monotonic() < deadline:
            following = min(2 * delay, _FLUSH_CHECK_SECONDS)
            self.scheduler.call_later(delay, lambda: self._await_flush(deadline, following, done))
            return
        for connection in self._all():
            connection.closes_for(ClosingReason.SERVER_SHUTDOWN)
            if connection.outbox.pending():
                connection.abort()
            else:
                connection.close()
        self.plane.forget_plans()
        done()

    def _all(self) -> list[Connection]:
        """Servers first: peers whose link is closed need not hear what each client gives up."""
        local = [client.connection for client in self._local.values()]
        clients = [session.connection for session in self.sessions.values()]
        return [*self._peers(), *clients, *local]

    def _peers(self) -> list[Connection]:
        routes = self.cluster.connections() if self.cluster is not None else []
        return routes + (self.leaves.connections() if self.leaves is not None else [])

    # --- figures ---------------------------------------------------------------------

    @property
    def subscriptions(self) -> int:
        """Subscriptions now, those of other servers' clients included."""
        return len(self.interest)

    @property
    def client_traffic(self) -> Traffic:
        """Messages of clients alone, ever: all but those of other servers and of JetStream."""
        inner = [each.connection for each in self._local.values() if not each.seen_by_hooks]
        return self._servers.without(self.traffic, [*self._peers(), *inner])

    @property
    def traffic(self) -> Traffic:
        """Messages of all peers, ever."""
        plane = self.plane
        return Traffic(plane.in_msgs, plane.in_bytes, plane.out_msgs, plane.out_bytes)
