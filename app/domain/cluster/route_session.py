"""The conversation over one route (cluster-protocol.md, sections 2 to 7).

    the one that dialled               the one that accepted
    ─────────────────────              ─────────────────────
    CONNECT, INFO, in one write        INFO
    INFO came: registered              CONNECT is judged; INFO came: registered
    SUB, UNSUB, MSG in both directions from here on

Before it is registered a peer may log in and introduce itself. One whose CONNECT has a
name may speak as servers do, as it may to gnatsd; nobody else may.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Protocol

from app.domain.address import HIGHEST_PORT
from app.domain.cluster.events import GossipIgnored, RouteConnectSent, RouteErrorReceived, RouteRefused
from app.domain.cluster.info import ROUTE_PROTOCOL, RouteInfo, connect_line, introduction, read_info
from app.domain.cluster.route_dialer import Destination
from app.domain.cluster.route_url import RouteUrl, is_near, read_gossip
from app.domain.credentials import Credentials, Gatekeeper, Identity, PendingVerdict
from app.domain.dataplane.seam import MEMBER_MARK, Fault, Plane
from app.domain.events import (
    AuthorizationFailed,
    AuthorizationTimedOut,
    Event,
    ReadFailed,
)
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Audience
from app.domain.interest.subscription import Subscription
from app.domain.limits import Limits, route_line
from app.domain.protocol.commands import (
    CONNECT,
    ERR,
    INFO,
    OK,
    PING,
    PONG,
    PUB,
    SUB,
    UNSUB,
    is_too_long,
    parse_connect,
    parse_subscribe,
    parse_unsubscribe,
    readable,
    refuse_partial,
    split,
    words_of,
)
from app.domain.protocol.errors import (
    AuthorizationTimeout,
    AuthorizationViolation,
    ClientOnRoutePort,
    MaximumControlLine,
    ParserError,
    ProtocolError,
)
from app.domain.sessions import tracing
from app.domain.sessions.connection import Connection
from app.domain.sessions.faults import error_of

_NOT_AT_FIRST = (SUB.name, UNSUB.name, PUB.name)
_SIDS_OF_SERVERS = (b"RSID:", MEMBER_MARK)


class Mesh(Protocol):
    """The cluster, as one of its routes knows it."""

    @property
    def plane(self) -> Plane: ...

    @property
    def interest(self) -> Interest: ...

    @property
    def gatekeeper(self) -> Gatekeeper:
        """Judges servers that dial us."""
        ...

    @property
    def limits(self) -> Limits: ...

    def now(self) -> float:
        """Seconds on the monotonic scale."""
        ...

    def info(self) -> RouteInfo:
        """What we say of ourselves."""
        ...

    def admitted(self, session: "RouteSession") -> None:
        """Its CONNECT is complete: stop the login timer."""
        ...

    def register(self, session: "RouteSession", info: RouteInfo) -> None:
        """The peer has introduced itself."""
        ...

    def is_second(self, session: "RouteSession") -> bool:
        """Whether another route is that of the server which this one's CONNECT has named."""
        ...

    def renewed(self) -> None:
        """A registered peer has introduced itself again."""
        ...

    def heard_of(self, session: "RouteSession", info: RouteInfo) -> None:
        """A registered peer tells of a third server."""
        ...

    def turned_away(self, session: "RouteSession") -> bool:
        """A peer will not become a route. Whether the log should say so, again."""
        ...

    def dissolve(self, session: "RouteSession", subscriptions: list[Subscription]) -> None:
        """The route is closed; it held these subscriptions."""
        ...


class RouteSession:
    """One route: what each line of the peer does."""

    __slots__ = (
        "_address",
        "_asked",
        "_line_limit",
        "_lines",
        "_mesh",
        "_pending",
        "claimed",
        "connection",
        "destination",
        "identity",
        "info",
        "known",
        "last_command",
        "parting",
        "refused",
        "rtt",
        "solicited",
        "subscriptions",
        "up",
    )

    def __init__(self, mesh: Mesh, connection: Connection, destination: Destination | None) -> None:
        """`destination` is what was dialled; None for a route that was accepted."""
        self._mesh = mesh
        self.connection = connection
        self.destination = destination
        self.solicited = destination is not None
        """Whether we dialled the peer, over this link or one that this link outlived."""
        self.identity = Identity() if destination is not None or not mesh.gatekeeper.required else None
        self.info: RouteInfo | None = None
        """The peer, once it is registered."""
        self.known: set[str] = set()
        """Servers that the peer knows of: it told us, or we told it."""
        self.subscriptions: dict[bytes, Subscription] = {}
        """What the peer's clients listen to, by route sid."""
        self.refused = False
        """Whether the peer, or we, will not have this route."""
        self.parting = ""
        """Why this server has closed the route; see `reason`."""
        self.up = False
        """Whether the route has lasted for a moment, and the log has said so."""
        self.rtt = 0.0
        """Seconds between the last ping and its answer; 0 before the first answer."""
        self._asked: deque[float] = deque()
        """When each ping was sent that has no answer yet."""
        self._lines = 0
        self._pending: PendingVerdict | None = None
        self.last_command = 0.0
        self.claimed = ""
        """The server's id, as its CONNECT has it."""
        self._address: tuple[RouteInfo | None, RouteUrl | None] = (None, None)
        """What `address` has found, and from which INFO: all routes are asked whenever a server comes."""
        self._line_limit = route_line(mesh.limits.max_control_line)
        connection.attach(self)
        connection.inlet.audience = Audience.ROUTED

    @property
    def origin(self) -> int:
        """See `Subscriber`: the route's number."""
        return self.connection.cid

    @property
    def gone(self) -> bool:
        return self.connection.closed

    @property
    def number(self) -> int:
        return self.connection.cid

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
        if self.connection.pings_out > self._mesh.limits.ping_max:
            return "its pings stayed unanswered"
        return self.connection.cause or "closed by this server"

    def asked(self) -> None:
        """A ping is about to be sent."""
        self._asked.append(self._mesh.now())

    @property
    def loses_lines(self) -> bool:
        """Whether it may be a gnatsd that loses what stands behind INFO; see `LOSABLE`."""
        return self.info is not None and self.info.version.startswith("0.8.")

    @property
    def signs(self) -> int:
        """Signs of life: how many lines and messages the peer has sent."""
        return self._lines + self.connection.inlet.in_msgs

    def begin(self) -> None:
        """Say our part of the introduction, in one write."""
        own = self._mesh.info()
        if self.destination is None:
            self.connection.send(introduction(own.line()))
            return
        url = self.destination.url
        connect = connect_line(own.server_id, url.user, url.password, tls=own.tls_required)
        self.connection.send(introduction(connect + own.line()))
        self._report(RouteConnectSent(self.connection.link))

    # --- called by the data plane ------------------------------------------------

    def line(self, line: bytes) -> bool:
        """Obey a complete line. False when the route is closed or has to wait."""
        self._lines += 1
        try:
            self._admit_only_connect(line)
            verb, argument = split(line, self._line_limit)
            tracing.line_received(self.connection, verb.name, argument)
            if self.info is None and verb.name in _NOT_AT_FIRST:
                self._admit_only_servers(verb.name, argument)
            self._OBEY[verb.name](self, argument)
        except ProtocolError as error:
            self._refuse(error)
        return self.connection.may_read()

    def partial(self, rest: bytes) -> bool:
        """Judge the beginning of a line. False when it was refused."""
        try:
            self._admit_only_connect(rest)
            if not (self.connection.inlet.publishing and _begins_message(rest)):
                refuse_partial(rest, self._line_limit)
            else:
                self._refuse_long_message(rest)
        except ProtocolError as error:
            self._refuse(error)
        return not self.connection.closed

    def _refuse_long_message(self, rest: bytes) -> None:
        argument = rest[4:].lstrip(b" \t")
        if is_too_long(len(rest), len(argument) - argument.endswith(b"\r"), self._line_limit):
            raise MaximumControlLine

    def fault(self, fault: int, text: bytes) -> None:
        """Refuse a message that the data plane could not take."""
        text = tracing.fault_received(self.connection, b"MSG", Fault(fault), text)
        self._refuse(error_of(Fault(fault), text, "processMsgArgs"))

    def traced(self, verb: bytes, argument: bytes, payload: bytes) -> None:
        """Trace a message."""
        tracing.message_received(self.connection, verb, argument, payload)

    # --- errors ------------------------------------------------------------------

    def _refuse(self, error: ProtocolError) -> None:
        """Tell the peer, tell the log, and close if the error says so."""
        link = self.connection.link
        event: Event = ReadFailed(link, error.told("Router"))
        if isinstance(error, AuthorizationViolation):
            event = AuthorizationFailed(link)
        if error.closes:
            self._part(event, error.wire())
        else:
            self.connection.outbox.send(error.wire())

    def _part(self, event: Event, farewell: bytes = b"") -> None:
        """Close, because of what the peer said or is."""
        self.refused = True
        self.parting = event.text()
        if self.info is not None or self._mesh.turned_away(self):
            self._report(event)
        self.connection.close(farewell)

    def _report(self, event: Event) -> None:
        self.connection.report(event)

    # --- login ---------------------------------------------------------------------

    def _admit_only_connect(self, line: bytes) -> None:
        if self.identity is None and line[:1] not in (b"C", b"c"):
            raise AuthorizationViolation

    def _admit_only_servers(self, verb: bytes, argument: bytes) -> None:
        """Before INFO: a server that named itself may tell what its clients listen to."""
        words = words_of(argument)
        sid = words[-1] if verb == SUB.name and words else b"".join(words[:1])
        if not self.claimed or not sid.startswith(_SIDS_OF_SERVERS):
            raise ParserError(f"{verb.decode()} from a route that has not introduced itself")

    def _connect(self, argument: bytes) -> None:
        fields = parse_connect(argument)
        if self.info is not None:
            return  # nobody shows it twice
        self.claimed = str(fields.get("name", ""))
        if self.solicited:
            self._trust_name()
            return  # whom we dialled has nothing to show
        self._mesh.admitted(self)
        if self.claimed == self._mesh.info().server_id:
            self.connection.close()  # we have dialled ourselves: nobody is at fault, or to be judged
            return
        self.connection.wait(listening=True)
        credentials = Credentials(str(fields.get("user", "")), str(fields.get("pass", "")))
        receive = partial(self._receive_verdict, client=bool(fields.get("lang")))
        pending = self._mesh.gatekeeper.check(credentials, receive)
        if self.connection.listening:
            self._pending = pending

    def _receive_verdict(self, identity: Identity | None, *, client: bool) -> None:
        """`client`: the peer has named its language, which only libraries for clients do."""
        self.connection.guard(partial(self._obey_verdict, identity, client=client))

    def _obey_verdict(self, identity: Identity | None, *, client: bool) -> None:
        if self.connection.closed:
            return
        self._pending = None
        if identity is None:
            self._refuse(AuthorizationViolation())
            return
        if client:
            self._refuse(ClientOnRoutePort())
            return
        self.identity = identity
        self._trust_name()
        self.connection.go_on(listening=True)

    def _trust_name(self) -> None:
        """Messages of a server count from its CONNECT on, as with gnatsd, though it is registered by INFO."""
        self.connection.inlet.publishing = bool(self.claimed)

    def login_expired(self) -> None:
        """The peer has not logged in, or not introduced itself, in time."""
        link = self.connection.link
        farewell = b"" if self.solicited else AuthorizationTimeout().wire()
        if self.identity is None:
            self._part(AuthorizationTimedOut(link), farewell)
        else:
            self._part(RouteRefused(link, "the peer did not introduce itself in time"), farewell)

    # --- operations ------------------------------------------------------------------

    def _info(self, argument: bytes) -> None:
        info = read_info(argument)
        if self.info is None:
            self._introduce(info)
        elif info.server_id == self.info.server_id:
            self.info = info
            self._mesh.renewed()
        else:
            self._mesh.heard_of(self, info)

    def _introduce(self, info: RouteInfo) -> None:
        """The first INFO tells who the peer is."""
        if info.proto > ROUTE_PROTOCOL:
            reason = (
                f"{info.server_id} speaks route protocol {info.proto}, of NATS 2; we speak that of gnatsd"
            )
            self._part(RouteRefused(self.connection.link, reason))
        elif self.claimed not in ("", info.server_id):
            self._report(GossipIgnored(self.connection.link, "the teller has not introduced itself"))
        else:
            self._mesh.register(self, info)

    def registered(self, info: RouteInfo) -> None:
        """The mesh has taken the route in: from now on its messages count."""
        self.info = info
        self.connection.inlet.publishing = True

    def url(self) -> RouteUrl:
        """Where we dial the peer; port 0 when it told none."""
        return self.address() if self.destination is None else self.destination.url

    def address(self) -> RouteUrl:
        """Where others may dial it: as it says, else where it comes from; port 0 when it told none."""
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

    def _subscribe(self, argument: bytes) -> None:
        command = parse_subscribe(argument)
        self._note_activity()
        if command.sid in self.subscriptions or (self.info is None and self._mesh.is_second(self)):
            return
        subscription = Subscription(self, command.subject, command.queue, command.sid)
        subscription.target = self._mesh.plane.target(self.connection.outbox, command.sid, subscription)
        self._mesh.interest.add(subscription)
        self.subscriptions[command.sid] = subscription

    def _unsubscribe(self, argument: bytes) -> None:
        command = parse_unsubscribe(argument)
        self._note_activity()
        subscription = self.subscriptions.get(command.sid)
        if subscription is None:
            return
        if command.limit > subscription.target.delivered:
            self._mesh.interest.limit(subscription, command.limit)
            tracing.deferred(self.connection, subscription)
        else:
            self._remove(subscription)

    def expire(self, subscription: Subscription) -> None:
        """The subscription has had the last message it asked for, as far as we know."""
        tracing.expired(self.connection, subscription)
        self._remove(subscription)

    def _remove(self, subscription: Subscription) -> None:
        del self.subscriptions[subscription.sid]
        self._mesh.interest.remove(subscription)
        tracing.removed(self.connection, subscription)

    def _ping(self, _argument: bytes) -> None:
        self.connection.answer_ping()

    def _pong(self, _argument: bytes) -> None:
        self.connection.pings_out = 0
        if self._asked:
            self.rtt = self._mesh.now() - self._asked.popleft()

    def _nothing(self, _argument: bytes) -> None:
        pass

    def _give_up(self, argument: bytes) -> None:
        """The peer says -ERR: it will not go on, so neither do we."""
        self._part(RouteErrorReceived(self.connection.link, readable(argument)))

    _OBEY: ClassVar[dict[bytes, Callable[["RouteSession", bytes], None]]] = {
        CONNECT.name: _connect,
        INFO.name: _info,
        SUB.name: _subscribe,
        UNSUB.name: _unsubscribe,
        PING.name: _ping,
        PONG.name: _pong,
        OK.name: _nothing,
        ERR.name: _give_up,
    }

    def _note_activity(self) -> None:
        self.last_command = self._mesh.plane.now

    # --- ending ------------------------------------------------------------------------

    def closed(self) -> None:
        """The route is closed: its login is withdrawn, what its clients listened to is forgotten."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
        subscriptions = list(self.subscriptions.values())
        self.subscriptions.clear()
        self._mesh.dissolve(self, subscriptions)


def _begins_message(rest: bytes) -> bool:
    """Whether a line may become a message, which the data plane takes when it is complete."""
    word = rest[:4].upper()
    return any(verb.startswith(word) for verb in (b"MSG ", b"PUB ")) or word in (b"MSG\t", b"PUB\t")
