"""The broker: all connections, what they listen to, and what is due."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.domain import encode
from app.domain.client_session import ClientSession
from app.domain.connection import Connection, Handler, Wire
from app.domain.credentials import Gatekeeper
from app.domain.dataplane.seam import MakePlane, Plane
from app.domain.encode import ServerInfo
from app.domain.errors import MaximumConnections, StaleConnection
from app.domain.events import (
    ClientConnected,
    ConnectionsExceeded,
    EventSink,
    PingTimerFired,
)
from app.domain.events import StaleConnection as WentStale
from app.domain.flow import Flow
from app.domain.index import SubscriptionIndex
from app.domain.interest import Interest
from app.domain.limits import Limits
from app.domain.routing import Routing
from app.domain.stats import ServerStats, Traffic
from app.domain.subscription import Subscription
from app.domain.timetable import DueQueue, Scheduler

BURIAL_SLICE = 1000
"""Subscriptions of a closed connection that are removed in one go."""

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


class Broker:
    """One messaging server, apart from its sockets. Used from one thread."""

    def __init__(self, limits: Limits, info: ServerInfo, needs: Needs) -> None:
        """`info` is what clients are told; its port is set by `listening_on`."""
        self.limits = limits
        self.scheduler = needs.scheduler
        self.gatekeeper = needs.gatekeeper
        self.events = needs.events
        self.flow = Flow(limits, needs.scheduler)
        self._index: SubscriptionIndex[Subscription] = SubscriptionIndex()
        routing = Routing(self._index)
        self.plane: Plane = needs.make_plane(routing, needs.seed, limits.max_payload, limits.max_control_line)
        self.interest = Interest(self._index, routing, self.plane)
        self.connections: dict[int, Connection] = {}
        """Live clients by cid."""
        self._pings: DueQueue[Connection] = DueQueue(needs.scheduler, limits.ping_interval, self._ping)
        self._logins: DueQueue[Connection] = DueQueue(
            needs.scheduler, limits.auth_timeout, self._expire_login
        )
        self._graves: deque[Subscription] = deque()
        self.departures = 0
        """Clients whose wire is lost, ever."""
        self._last_cid = 0
        self._total = 0
        self._slow_consumers = 0
        self.info = info
        self._info_line = info.line()

    def listening_on(self, port: int) -> None:
        """Tell clients the real port from now on."""
        self.info = replace(self.info, port=port)
        self._info_line = self.info.line()

    # --- connections -----------------------------------------------------------

    def accept(self, wire: Wire) -> Handler:
        """Take on a new client: greet it, and serve it until its wire is lost."""
        self._last_cid += 1
        self._total += 1
        connection = Connection(self, self._last_cid, wire)
        ClientSession(self, connection)
        connection.outbox.alarm = self.limits.hold_above
        connection.inlet.trace = connection.outbox.trace = self.events.trace
        if self.events.debug:
            connection.report(ClientConnected(connection.link))
        connection.send(self._info_line)
        if len(self.connections) >= self.limits.max_connections:
            connection.report(ConnectionsExceeded(connection.link, self.limits.max_connections))
            connection.close(MaximumConnections().wire())
            return connection
        self.connections[connection.cid] = connection
        return connection

    def opened(self, connection: Connection) -> None:
        """It can be talked to: from now on it is pinged, and has to log in."""
        self._pings.add(connection)
        if self.gatekeeper.required:
            self._logins.add(connection)

    def admitted(self, connection: Connection) -> None:
        """Its first CONNECT is complete: stop the login timer."""
        self._logins.discard(connection)

    def retire(self, connection: Connection) -> None:
        """The connection is closed: nothing is due for it, nobody waits for it."""
        self.connections.pop(connection.cid, None)
        self._pings.discard(connection)
        self._logins.discard(connection)
        self.flow.forget(connection)

    def departed(self) -> None:
        """A wire is lost."""
        self.departures += 1

    @property
    def wires(self) -> int:
        """Wires that are not lost yet, those of closed connections included."""
        return self._total - self.departures

    def count_slow_consumer(self) -> None:
        """A receiver is about to be cut."""
        self._slow_consumers += 1

    # --- timers ------------------------------------------------------------------

    def _ping(self, connection: Connection) -> None:
        if self.events.debug:
            connection.report(PingTimerFired(connection.link))
        connection.pings_out += 1
        if connection.pings_out > self.limits.ping_max:
            connection.report(WentStale(connection.link))
            connection.close(StaleConnection().wire())
            return
        connection.send(encode.PING)
        connection.report_sent("PING")
        if not connection.closed:
            self._pings.add(connection)

    def _expire_login(self, connection: Connection) -> None:
        connection.session.login_expired()

    # --- subscriptions of the departed ---------------------------------------------

    def bury(self, subscriptions: list[Subscription]) -> None:
        """Remove the subscriptions of a closed connection, a slice at a time if they are many."""
        if len(subscriptions) <= BURIAL_SLICE and not self._graves:
            for subscription in subscriptions:
                self.interest.remove(subscription)
            return
        idle = not self._graves
        self._graves.extend(subscriptions)
        if idle and self._graves:
            self.scheduler.call_soon(self._bury_slice)

    def _bury_slice(self) -> None:
        for _ in range(min(BURIAL_SLICE, len(self._graves))):
            self.interest.remove(self._graves.popleft())
        if self._graves:
            self.scheduler.call_soon(self._bury_slice)

    # --- the end ---------------------------------------------------------------------

    def shutdown(self, done: Callable[[], None]) -> None:
        """Send what is pending for at most `FLUSH_SECONDS`, close all clients, then call `done`.

        Whoever calls has stopped accepting. Nothing is read any more.
        """
        for connection in list(self.connections.values()):
            connection.wait()
        self.plane.flush()
        self._await_flush(self.scheduler.monotonic() + FLUSH_SECONDS, done)

    def _await_flush(self, deadline: float, done: Callable[[], None]) -> None:
        pending = any(connection.outbox.pending() for connection in self.connections.values())
        if pending and self.scheduler.monotonic() < deadline:
            self.scheduler.call_later(_FLUSH_CHECK_SECONDS, lambda: self._await_flush(deadline, done))
            return
        for connection in list(self.connections.values()):
            if connection.outbox.pending():
                connection.abort()
            else:
                connection.close()
        self.plane.forget_plans()
        done()

    # --- figures ---------------------------------------------------------------------

    def stats(self) -> ServerStats:
        """A snapshot of the server's counters."""
        plane = self.plane
        return ServerStats(
            connections=len(self.connections),
            total_connections=self._total,
            slow_consumers=self._slow_consumers,
            traffic=Traffic(plane.in_msgs, plane.in_bytes, plane.out_msgs, plane.out_bytes),
            subscriptions=self._index.stats(plane.plan_hits),
        )
