"""Cluster: the routes to other servers, and the gossip between them.

Each pair of servers keeps one route. The first INFO that is processed wins; a second
route to the same server is a duplicate and is closed. A server that registers
another sends its INFO to all others, so that all get to know each other:

    C dials A        A registers C, INFO to B           B dials C
      C ──> A               A ──INFO of C──> B            B ──> C
"""

from dataclasses import replace
from functools import partial

from ..address import with_port
from ..dataplane.draw import Draw
from ..interest.interest import Interest
from ..limits import Limits
from ..peer_kind import PeerKind
from ..protocol.compatibility import Compatibility
from ..security.credentials import Gatekeeper
from ..sessions.connection import Connection
from ..sessions.host import Host
from ..sessions.keep_alive import KeepAlive
from ..sessions.wire import Handler, Wire
from ..timers import DueQueue
from .events import (
    GossipIgnored,
    RouteCreated,
    RouteDown,
    RouteDuplicate,
    RouteHeard,
    RouteRegistered,
    RouteSilent,
    RouteUp,
)
from .info import LOSABLE, ROUTE_VERSION, RouteInfo
from .interest_announcer import InterestAnnouncer
from .liveness import Liveness
from .rejections import Rejections
from .route_dialer import Destination, Dialer, RouteDialer, RouteDialerNeeds, UnreachableRoute
from .route_session import RouteSession
from .route_url import RouteUrl, is_near, read_gossip
from .settings import ClusterSettings

ROUTE_PING_SECONDS = 10.0
"""Longest interval of pings on routes: over a half-open route all messages to a server are lost."""

HANDSHAKE_SECONDS = 5.0
"""How long a peer may take to introduce itself, unless it has longer to log in."""

SWIFT, SLOW = 0.05, 1.5
"""Seconds until a lost server is dialled: of two that lost each other the smaller id is the swift one."""

SETTLE_SECONDS = 0.25
"""How long a route must last to be called up: a server that refuses us says so after its INFO."""

MOST_KNOWN = 4096
"""Maximum number of servers remembered per peer that it has sent INFO of."""

CONFIGURED_AGAIN = 1.0
"""The same for a configured one."""


class Cluster:
    """This server's routes."""

    def __init__(
        self,
        host: Host,
        settings: ClusterSettings,
        gatekeeper: Gatekeeper,
        dialer: Dialer,
        seed: int,
    ) -> None:
        """`gatekeeper` judges servers that dial us; `seed` is from 1 to 2**64 - 1."""
        self._host = host
        self.settings = settings
        self.gatekeeper = gatekeeper
        self.routes: dict[int, RouteSession] = {}
        """Live routes by number, registered or not."""
        self.remotes: dict[str, RouteSession] = {}
        """Registered routes by server id."""
        scheduler, events = host.scheduler, host.events
        self.interest_announcer = InterestAnnouncer(self.remotes, host)
        needs = RouteDialerNeeds(scheduler, dialer, Draw(seed), events, settings.connect_retries)
        self._route_dialer = RouteDialer(needs, self._open, self.remotes.__contains__)
        self._pings = KeepAlive(scheduler, events, *_ping_limits(host.limits), self._note_ping)
        self._liveness = Liveness(scheduler, self._suspect, self._clear)
        self._logins: DueQueue[RouteSession] = DueQueue(scheduler, settings.auth_timeout, _expire_login)
        self._handshakes: DueQueue[RouteSession] = DueQueue(
            scheduler, max(HANDSHAKE_SECONDS, settings.auth_timeout), _expire_login
        )
        self._settling: DueQueue[RouteSession] = DueQueue(scheduler, SETTLE_SECONDS, self._settled)
        self._refusals = Rejections()
        self._port = settings.port
        self._stopping = False

    @property
    def interest(self) -> Interest:
        """All subscriptions of this server."""
        return self._host.interest

    def apply(self, limits: Limits) -> None:
        """Let other limits hold from now on."""
        self._pings.set_limits(*_ping_limits(limits))

    def reconfigure(self, settings: ClusterSettings) -> None:
        """Take part in this way from now on: dial servers that are new, end routes to those that are gone.

        Other servers learn what has changed about us. Where we listen cannot change.
        """
        before, self.settings = self.settings, settings
        self._logins.set_delay(settings.auth_timeout)
        self._handshakes.set_delay(max(HANDSHAKE_SECONDS, settings.auth_timeout))
        self._route_dialer.retry(settings.connect_retries)
        for url in before.routes:
            if url not in settings.routes:
                self._remove(url)
        self._route_dialer.log_in_with(settings.routes)
        self._route_dialer.solicit(url for url in settings.routes if url not in before.routes)

    def _remove(self, url: RouteUrl) -> None:
        """End the route to an address that is not configured any more, if we have dialled it."""
        destination = self._route_dialer.remove(url)
        routes = self.routes.values() if destination is not None else ()
        for session in [each for each in routes if each.destination is destination]:
            session.connection.close()

    def listening_on(self, port: int) -> None:
        """Tell other servers the real port from now on."""
        self._port = port

    def solicit(self) -> None:
        """Dial the configured servers, and go on until all are reached."""
        self._route_dialer.solicit(self.settings.routes)

    @property
    def _own_id(self) -> str:
        return self._host.greeting.info.server_id

    # --- links --------------------------------------------------------------------

    def accept(self, wire: Wire) -> Handler:
        """Take on a server that dialled us."""
        return self._take_on(wire, None)

    def _open(self, destination: Destination, wire: Wire) -> Handler:
        """Take on a server that we dialled."""
        return self._take_on(wire, destination)

    def _take_on(self, wire: Wire, destination: Destination | None) -> Handler:
        connection = Connection(self._host, self._host.next_number(), wire, PeerKind.ROUTE)
        session = RouteSession(self._host, self, connection, destination)
        connection.report(RouteCreated(connection.link))
        self.routes[connection.cid] = session
        return connection

    def opened(self, connection: Connection) -> None:
        """A link is open: introduce ourselves, and give the peer time to do so."""
        session = self.routes[connection.cid]
        if self._stopping:
            connection.close()
            return
        pause = self._refusals.pause(connection.wire.peer.ip, self._host.scheduler.monotonic())
        if session.solicited or not pause:
            self._begin(session)
            return
        connection.wait()
        begin = partial(connection.guard, partial(self._begin_late, session))
        self._host.scheduler.call_later(pause, begin)

    def _begin_late(self, session: RouteSession) -> None:
        connection = session.connection
        if not connection.closed:
            self._begin(session)
            connection.go_on()

    def _begin(self, session: RouteSession) -> None:
        self._handshakes.add(session)
        if not session.admitted:
            self._logins.add(session)
        session.begin()

    def info(self) -> RouteInfo:
        """The INFO of this server on a route."""
        settings, greeting = self.settings, self._host.greeting
        return RouteInfo(
            server_id=greeting.info.server_id,
            version=ROUTE_VERSION,
            max_payload=greeting.info.max_payload,
            connect_urls=greeting.own_urls,
            ws_connect_urls=greeting.own_websocket_urls,
            leafnode_urls=greeting.own_leaf_urls,
            host=settings.host,
            port=self._port,
            auth_required=self.gatekeeper.required,
            tls_required=settings.tls,
            tls_verify=settings.tls,
            sends_on=True,
            headers=self._host.compatibility is Compatibility.CURRENT,
            traces=self._host.tracing is not None,
            server_name=settings.name,
            ldm=greeting.info.ldm,
            ip=f"nats-route://{with_port(settings.advertised, self._port)}/" if settings.advertised else "",
        )

    def introduce_again(self) -> None:
        """Send our INFO to all other servers of our kind: what it says has changed.

        gnatsd 0.8.0 would close the route, for it takes the INFO for that of a second one.
        """
        line = self.info().line()
        for session in list(self.remotes.values()):
            if session.info is not None and session.info.sends_on:
                session.connection.send(line)

    def login_over(self, session: RouteSession) -> None:
        """The peer's CONNECT is complete: stop the login timer."""
        self._logins.discard(session)

    def turned_away(self, session: RouteSession) -> bool:
        """A peer will not become a route. Returns whether the log should report it again."""
        ip = session.connection.wire.peer.ip
        return self._refusals.note(ip, self._host.scheduler.monotonic())

    # --- membership -----------------------------------------------------------------

    def register(self, session: RouteSession, info: RouteInfo) -> None:
        """Register a route, unless it leads to this server, or to one that has a route."""
        if info.server_id == self._own_id:
            if session.destination is not None:
                self._route_dialer.ignore(session.destination)
            session.connection.close()
        elif info.server_id in self.remotes:
            self._close_duplicate(session, self.remotes[info.server_id])
        else:
            self._add(session, info)

    def _add(self, session: RouteSession, info: RouteInfo) -> None:
        connection = session.connection
        self._handshakes.discard(session)
        session.registered(info)
        if info.sends_on:
            self.interest.marks(session.origin)
        self._note_reached(session, info)
        self._probe_namesakes(session)
        self.remotes[info.server_id] = session
        self._pings.add(connection)
        self._liveness.add(session)
        self._settling.add(session)
        connection.report(RouteRegistered(connection.link, info.server_id))
        self._spread(session)
        self.interest_announcer.send_all(connection)  # which may be the end of a peer that reads nothing
        self._host.greeting.urls_changed()

    def _settled(self, session: RouteSession) -> None:
        session.connection.guard(partial(self._confirm, session))

    def _confirm(self, session: RouteSession) -> None:
        """The route has lasted for a moment."""
        session.confirmed()
        session.connection.report(RouteUp(session.connection.link, session.name, session.solicited))
        self._route_dialer.confirmed(session.remote_id)

    def _note_ping(self, connection: Connection) -> None:
        self.routes[connection.cid].note_ping()

    def _note_reached(self, session: RouteSession, info: RouteInfo) -> None:
        url = self._with_credentials(session.url(), info)
        destination = session.destination or self._route_dialer.learn(url, info.server_id)
        if destination is not None:
            self._route_dialer.reached(destination, info.server_id)

    def _close_duplicate(self, session: RouteSession, survivor: RouteSession) -> None:
        """Two routes to one server: the first stays, unless it turns out to be dead."""
        connection = session.connection
        connection.report(RouteDuplicate(connection.link, survivor.remote_id))
        if session.destination is not None:
            self._route_dialer.reached(session.destination, survivor.remote_id)
            if survivor.up:
                self._route_dialer.confirmed(survivor.remote_id)
            survivor.solicited = True
        self._liveness.probe(survivor)
        connection.close()

    def _probe_namesakes(self, session: RouteSession) -> None:
        """No two servers share an address: an older one there is dead, most likely."""
        address = session.address()
        for other in list(self.remotes.values()):
            if other is not session and other.address() == address:
                self._liveness.probe(other)

    def _suspect(self, session: RouteSession) -> None:
        """It does not answer: what its queue members are drawn for may be lost."""
        session.connection.report(RouteSilent(session.connection.link))
        self.interest.suspect(session.origin)

    def _clear(self, session: RouteSession) -> None:
        session.connection.report(RouteHeard(session.connection.link))
        self.interest.clear(session.origin)

    def is_second(self, session: RouteSession) -> bool:
        """Whether another route is that of the server which this one's CONNECT has named."""
        name = session.claimed
        return name in self.remotes or any(
            other.claimed == name for other in self.routes.values() if other.connection.cid < session.number
        )

    def renewed(self) -> None:
        """A registered peer has introduced itself again: its addresses for clients may be new."""
        self._host.greeting.urls_changed()

    def closed(self, session: RouteSession) -> None:
        """The route is closed: forget the server, and dial it again."""
        self.routes.pop(session.connection.cid, None)
        self._pings.discard(session.connection)
        self._liveness.discard(session)
        self.interest.route_ended(session.origin)
        self._logins.discard(session)
        self._handshakes.discard(session)
        self._settling.discard(session)
        if self.remotes.get(session.remote_id) is session:
            self._lose(session)
        elif session.destination is not None:
            self._route_dialer.failed(session.destination, session.reason, refused=session.refused)

    def _lose(self, session: RouteSession) -> None:
        remote_id = session.remote_id
        del self.remotes[remote_id]
        if session.up:
            reason = "this server stops" if self._stopping else session.reason
            session.connection.report(RouteDown(session.connection.link, session.name, reason))
        for other in self.remotes.values():
            other.known.discard(remote_id)
        if self._stopping:
            return
        if self._route_dialer.is_configured(remote_id):
            delay = CONFIGURED_AGAIN
        else:
            delay = SWIFT if self._own_id < remote_id else SLOW
        if session.destination is not None and self._is_refusal(session):
            self._route_dialer.failed(session.destination, session.reason, refused=True)
        else:
            self._route_dialer.lost(remote_id, session.destination, delay)
        self._host.greeting.urls_changed()

    def _is_refusal(self, session: RouteSession) -> bool:
        """Whether the end of this route means that the server refuses us, which it says after its INFO."""
        age = self._host.scheduler.monotonic() - session.connection.started
        return session.refused and age < HANDSHAKE_SECONDS

    # --- gossip -----------------------------------------------------------------------

    def _spread(self, session: RouteSession) -> None:
        """Tell the other servers of a new one."""
        info, url = session.info, session.address()
        if info is None or not url.port:
            return
        line = replace(
            info,
            ip=str(url),
            connect_urls=(),
            ws_connect_urls=(),
            leafnode_urls=(),
            sends_on=False,
            headers=False,
        ).line()
        for other in list(self.remotes.values()):
            if other is not session and info.server_id not in other.known:
                other.known.add(info.server_id)
                other.connection.send(line + LOSABLE if other.loses_lines else line)

    def heard_of(self, session: RouteSession, info: RouteInfo) -> None:
        """A registered peer has sent the INFO of a third server, which is dialled."""
        if len(session.known) < MOST_KNOWN:
            session.known.add(info.server_id)
        if info.server_id == self._own_id or info.server_id in self.remotes:
            return
        if self._route_dialer.knows_configured(info.host, info.port):
            return
        url = read_gossip(info.ip)
        if url is None:
            self._ignore(session, "it names no address to dial")
        elif is_near(url.host) and not is_near(session.connection.wire.peer.ip):
            self._ignore(session, f"{url.address} is an address of the teller's own machine or network")
        elif not self._route_dialer.seek(self._with_credentials(url, info), info.server_id):
            self._ignore(session, "too many servers were learnt of")

    def _with_credentials(self, url: RouteUrl, info: RouteInfo) -> RouteUrl:
        """Send our credentials only to a server that is known to require some."""
        if not info.auth_required:
            return url
        return replace(url, user=self.settings.user, password=self.settings.password)

    def _ignore(self, session: RouteSession, reason: str) -> None:
        session.connection.report(GossipIgnored(session.connection.link, reason))

    # --- the outside --------------------------------------------------------------------

    def connect_urls(self) -> list[str]:
        """The other servers' addresses for clients, as far as they are advertised."""
        return list(dict.fromkeys(url for info in self._advertised() for url in info.connect_urls))

    def websocket_urls(self) -> list[str]:
        """The same for clients that speak websocket."""
        return list(dict.fromkeys(url for info in self._advertised() for url in info.ws_connect_urls))

    def leaf_urls(self) -> list[str]:
        """The other servers' addresses for leaf nodes, which are named to leaf nodes alone."""
        infos = (session.info for session in self.remotes.values())
        return list(dict.fromkeys(url for info in infos if info is not None for url in info.leafnode_urls))

    def _advertised(self) -> list[RouteInfo]:
        """The INFO of the other servers, if their addresses are advertised to clients."""
        if not self.settings.advertise:
            return []
        return [session.info for session in self.remotes.values() if session.info is not None]

    @property
    def port(self) -> int:
        """The real address for routes."""
        return self._port

    def is_configured(self, session: RouteSession) -> bool:
        """Whether the peer is one of the servers that were configured, no matter which side dialled."""
        return self._route_dialer.is_configured(session.remote_id)

    def unreachable(self) -> tuple[UnreachableRoute, ...]:
        """The configured servers that no route leads to."""
        return self._route_dialer.unreachable()

    def stop(self) -> None:
        """Dial and accept no more servers; routes stay until they are closed."""
        self._stopping = True
        self._route_dialer.stop()
        for session in self.remotes.values():
            self._liveness.discard(session)

    def connections(self) -> list[Connection]:
        """The connections of all routes."""
        return [session.connection for session in self.routes.values()]


def _ping_limits(limits: Limits) -> tuple[float, int]:
    """Seconds between pings of a route, and how many may be unanswered."""
    return min(ROUTE_PING_SECONDS, limits.ping_interval), limits.ping_max


def _expire_login(session: RouteSession) -> None:
    session.connection.guard(session.login_expired)
