"""Route session: the protocol with one other server.

    the one that dialled               the one that accepted
    ─────────────────────              ─────────────────────
    CONNECT, INFO, in one write        INFO
    INFO came: registered              CONNECT is judged; INFO came: registered
    SUB, UNSUB, MSG in both directions from here on

How far a peer has come is its `Stage`, and a table says what it may send at each:

    LOGIN ──CONNECT judged──> UNNAMED ──CONNECT with a name──> NAMED
                                 └────────── INFO ──────────────┴──> REGISTERED ──time──> UP

A peer that we dialled, or that need not log in, begins as UNNAMED. One that is NAMED may speak
as servers do, as it may to gnatsd; nobody else may before INFO.
"""

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING

from ..address import HIGHEST_PORT
from ..dataplane.constants import MEMBER_MARK
from ..dataplane.reach import Naming
from ..events import AuthorizationTimedOut, Event
from ..interest.routing import Audience
from ..interest.subscription import read_via, read_weight
from ..limits import Limits, route_line
from ..peer_kind import PeerKind
from ..protocol.commands import CONNECT, ERR, INFO, OK, PING, PONG, SUB, UNSUB, Subscribe, readable, words_of
from ..protocol.connect import parse_connect
from ..protocol.errors import (
    AuthorizationTimeout,
    ClientOnRoutePort,
    ParserError,
)
from ..security.credentials import Credentials, Identity
from ..sessions.connection import Connection
from ..sessions.host import Host
from ..sessions.peer import PeerSession
from .events import GossipIgnored, RouteConnectSent, RouteErrorReceived, RouteLeaving, RouteRefused
from .info import ROUTE_PROTOCOL, RouteInfo, connect_line, introduction, read_info
from .route_dialer import Destination
from .route_url import RouteUrl, is_near, read_gossip

if TYPE_CHECKING:
    from .cluster import Cluster

_SIDS_OF_SERVERS = (b"RSID:", MEMBER_MARK)


class Stage(IntEnum):
    """The progress of a peer's introduction; messages count from NAMED on."""

    LOGIN = 0
    """It has to send credentials first."""
    UNNAMED = 1
    """It need not log in, or has done so, without a name."""
    NAMED = 2
    """Its CONNECT has named it."""
    REGISTERED = 3
    """Its INFO has come, and the cluster has taken it in."""
    UP = 4
    """The route has lasted for a moment, and the log has said so."""


_WITHOUT_INTEREST = frozenset(verb.name for verb in (CONNECT, INFO, PING, PONG, OK, ERR))
_ALL = _WITHOUT_INTEREST | {SUB.name, UNSUB.name}

_MAY_SEND: dict[Stage, frozenset[bytes]] = {
    Stage.LOGIN: frozenset({CONNECT.name}),
    Stage.UNNAMED: _WITHOUT_INTEREST,
    Stage.NAMED: _ALL,
    Stage.REGISTERED: _ALL,
    Stage.UP: _ALL,
}
"""The lines that a peer may send; those of one that is NAMED must be about sids of servers."""


class RouteSession(PeerSession):
    """One route: what each line of the peer does."""

    kind: PeerKind = PeerKind.ROUTE

    __slots__ = (
        "_address",
        "_asked",
        "_cluster",
        "_names_language",
        "claimed",
        "destination",
        "info",
        "known",
        "parting",
        "rtt",
        "screened",
        "solicited",
        "stage",
        "traces",
    )

    def __init__(
        self, host: Host, cluster: "Cluster", connection: Connection, destination: Destination | None
    ) -> None:
        """`destination` is what was dialled; None for a route that was accepted."""
        self._cluster = cluster
        self.destination = destination
        self.solicited = destination is not None
        """Whether we dialled the peer, over this link or one that this link outlived."""
        self.info: RouteInfo | None = None
        """The peer, once it is registered."""
        self.known: set[str] = set()
        """Servers that the peer knows of: one of us has named them to the other."""
        self.parting = ""
        """Why this server has closed the route; see `reason`."""
        self.rtt = 0.0
        """Seconds between the last ping and its answer; 0 before the first answer."""
        self._asked: deque[float] = deque()
        """When each ping was sent that has no answer yet."""
        self.claimed = ""
        """The server's id, as its CONNECT has it."""
        self._names_language = False
        """Whether the CONNECT that is judged names a language, which only libraries for clients do."""
        self._address: tuple[RouteInfo | None, RouteUrl | None] = (None, None)
        """What `address` has found, and from which INFO: all routes are asked whenever a server comes."""
        self.traces = False
        self.stage = Stage.LOGIN
        """How far the peer has come."""
        needs_login = destination is None and cluster.gatekeeper.required
        super().__init__(host, connection, admitted=not needs_login)
        connection.inlet.audience = Audience.ROUTED
        connection.outbox.naming = Naming.MEMBERS
        self._enter(Stage.LOGIN if needs_login else Stage.UNNAMED)

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.admitted = stage is not Stage.LOGIN
        self.screened = stage < Stage.REGISTERED
        self.connection.inlet.publishing = stage >= Stage.NAMED

    @property
    def up(self) -> bool:
        """Whether the route has lasted for a moment, and the log has said so."""
        return self.stage is Stage.UP

    @property
    def refused(self) -> bool:
        """Whether the peer, or this server, has refused the route."""
        return bool(self.parting)

    @property
    def remote_id(self) -> str:
        """The peer's id; empty until it is registered."""
        return self.info.server_id if self.info is not None else ""

    @property
    def name(self) -> str:
        """What the peer calls itself, or its id."""
        return (self.info.server_name if self.info is not None else "") or self.remote_id

    @property
    def reason(self) -> str:
        """Why the route ended, for people."""
        if self.parting:
            return self.parting
        if self.connection.pings_out > self.host.limits.ping_max:
            return "its pings stayed unanswered"
        return self.connection.cause or "closed by this server"

    def note_ping(self) -> None:
        """A ping is about to be sent."""
        self._asked.append(self._now())

    @property
    def loses_lines(self) -> bool:
        """Whether it may be a gnatsd that loses what comes after INFO; see `LOSABLE`."""
        return self.info is not None and self.info.version.startswith("0.8.")

    @property
    def signs(self) -> int:
        """Signs of life: how many lines and messages the peer has sent."""
        return self.lines + self.connection.inlet.in_msgs

    def via(self, sid: bytes) -> bytes | None:
        """See `Subscriber`."""
        return read_via(sid)

    def weight(self, sid: bytes) -> int:
        """See `Subscriber`."""
        return read_weight(sid)

    def begin(self) -> None:
        """Send our part of the introduction, in one write."""
        own = self._cluster.info()
        if self.destination is None:
            self.connection.send(introduction(own.line()))
            return
        url = self.destination.url
        connect = connect_line(own.server_id, url.user, url.password, tls=own.tls_required)
        self.connection.send(introduction(connect + own.line()))
        self.report(RouteConnectSent(self.connection.link))

    # --- called by the data plane ------------------------------------------------

    def configure(self, limits: Limits) -> None:
        """Lines of servers may be longer than those of clients."""
        self.line_limit = route_line(limits.max_control_line)

    def screen(self, verb: bytes, argument: bytes) -> None:
        """Before INFO only a server that has sent its name may announce interest."""
        if verb not in _MAY_SEND[self.stage] or (self.stage is Stage.NAMED and not _is_sound(verb, argument)):
            raise ParserError(f"{verb.decode()} from a route that has not introduced itself")

    # --- errors ------------------------------------------------------------------

    def end(self, event: Event, farewell: bytes = b"") -> None:
        """Close, because of what the peer said or is; of those that are no routes the log has not all."""
        self.parting = event.text()
        if self.info is not None or self._cluster.turned_away(self):
            self.report(event)
        self.connection.close(farewell)

    # --- login ---------------------------------------------------------------------

    def process_connect(self, argument: bytes) -> None:
        """The peer names itself, and shows credentials if it dialled us."""
        connect = parse_connect(argument)
        if self.info is not None:
            return  # no peer sends it twice
        self.claimed = connect.name or ""
        if self.solicited:
            self._take_name()
            return  # a peer that we dialled has no credentials to send
        self._cluster.login_over(self)
        if self.claimed == self._cluster.info().server_id:
            self.connection.close()  # we have dialled ourselves: nobody is at fault, or to be judged
            return
        self._names_language = bool(connect.lang)
        credentials = Credentials(connect.user or "", connect.password or "")
        self.ask_for_verdict(self._cluster.gatekeeper, credentials)

    def let_in(self, identity: Identity) -> bool:  # noqa: ARG002 - servers have no names of users
        """The credentials are good, but the peer is a client, which may not connect here."""
        if self._names_language:
            self.refuse(ClientOnRoutePort())
            return False
        self._take_name()
        return True

    def _take_name(self) -> None:
        """Messages of a server count from its CONNECT on, as with gnatsd, though it is registered by INFO."""
        self._enter(Stage.NAMED if self.claimed else Stage.UNNAMED)

    def login_expired(self) -> None:
        """The peer has not logged in, or not introduced itself, in time."""
        link = self.connection.link
        farewell = b"" if self.solicited else AuthorizationTimeout().wire()
        if self.stage is Stage.LOGIN:
            self.end(AuthorizationTimedOut(link), farewell)
        else:
            self.end(RouteRefused(link, "the peer did not introduce itself in time"), farewell)

    # --- operations ------------------------------------------------------------------

    def process_info(self, argument: bytes) -> None:
        """The first one introduces the peer; later ones renew that, or name third servers."""
        info = read_info(argument)
        if self.info is None:
            self._introduce(info)
        elif info.server_id == self.info.server_id:
            leaves = info.ldm and not self.info.ldm
            self.info = info
            if leaves:
                self.report(RouteLeaving(self.connection.link, self.name))
            self._cluster.renewed()
        else:
            self._cluster.heard_of(self, info)

    def _introduce(self, info: RouteInfo) -> None:
        """The first INFO says what server the peer is."""
        if info.proto > ROUTE_PROTOCOL:
            reason = (
                f"{info.server_id} speaks route protocol {info.proto}, of NATS 2; we speak that of gnatsd"
            )
            self.end(RouteRefused(self.connection.link, reason))
        elif self.claimed not in ("", info.server_id):
            self.report(GossipIgnored(self.connection.link, "the teller has not introduced itself"))
        else:
            self._cluster.register(self, info)

    def registered(self, info: RouteInfo) -> None:
        """The cluster has taken the route in: from now on its messages count."""
        self.info = info
        headers = info.headers and self._cluster.info().headers
        self.connection.inlet.headers = self.connection.outbox.headers = headers
        self.traces = headers and info.traces
        self.connection.inlet.traces = headers and self.host.tracing is not None
        if headers:  # those of ours that have headers find each subscription by its sid
            self.connection.outbox.naming = Naming.ALL
        self._enter(Stage.REGISTERED)

    def confirmed(self) -> None:
        """The route has lasted for a moment."""
        self._enter(Stage.UP)

    def url(self) -> RouteUrl:
        """Where we dial the peer; port 0 when it named none."""
        return self.address() if self.destination is None else self.destination.url

    def address(self) -> RouteUrl:
        """Where others may dial it: as it says, else where it comes from; port 0 when it named none."""
        info, address = self._address
        if address is None or info is not self.info:
            address = self._find_address(self.info)
            self._address = self.info, address
        return address

    def _find_address(self, info: RouteInfo | None) -> RouteUrl:
        advertised = read_gossip(info.ip) if info is not None else None
        ip = self.connection.wire.peer.ip
        if advertised is not None and (is_near(ip) or not is_near(advertised.host)):
            return advertised
        port = info.port if info is not None and 0 < info.port <= HIGHEST_PORT else 0
        return RouteUrl(ip, port)

    def subscribe(self, command: Subscribe) -> None:
        """Add a subscription, unless the server is known by another route already."""
        if self.info is not None or not self._cluster.is_second(self):
            super().subscribe(command)

    def process_pong(self, argument: bytes) -> None:
        """The peer has answered a ping: note the round-trip time."""
        super().process_pong(argument)
        if self._asked:
            self.rtt = self._now() - self._asked.popleft()

    def process_err(self, argument: bytes) -> None:
        """The peer has sent -ERR: close."""
        self.end(RouteErrorReceived(self.connection.link, readable(argument)))

    def _now(self) -> float:
        return self.host.scheduler.monotonic()

    # --- ending ------------------------------------------------------------------------

    def closed(self) -> None:
        """The route is closed: what its clients listened to is removed, the cluster does without it."""
        super().closed()
        self._cluster.closed(self)


def _is_sound(verb: bytes, argument: bytes) -> bool:
    """Whether a SUB or UNSUB is about a sid of a server; other lines have none."""
    if verb not in (SUB.name, UNSUB.name):
        return True
    words = words_of(argument)
    sid = words[-1] if verb == SUB.name and words else b"".join(words[:1])
    return sid.startswith(_SIDS_OF_SERVERS)
