"""A client's session: CONNECT, INFO and what it may do (client-protocol.md).

Its login is in ``client_login``, and what all peers share in ``peer``.
"""

from collections import deque
from functools import partial

from ..closing_reason import ClosingReason
from ..connection_type import ConnectionType
from ..dataplane.seam import Fault
from ..events import (
    ClientReportedError,
    Event,
    PayloadExceeded,
)
from ..hooks.hook_event import HookEvent, HookPoint, subscription_event
from ..interest.routing import Audience
from ..peer_kind import PeerKind
from ..permissions.rule_set import Filter
from ..protocol import encode
from ..protocol.commands import Subscribe, readable
from ..protocol.compatibility import Compatibility
from ..protocol.connect import FORMER_MEMBERS, LATER_MEMBERS, Connect, check_info, parse_connect
from ..protocol.encode import NOTHING_PERSONAL, ListenerInfo, PersonalInfo
from ..protocol.errors import (
    AuthorizationViolation,
    InvalidClientProtocol,
    MaximumPayload,
    MaximumSubscriptions,
    NoRespondersWithoutHeaders,
    PermissionsViolation,
    ProtocolError,
)
from ..stats import ClientRights, ClientStats, Denial, Profile
from .asking_hooks import ask, subscribe_if
from .client_login import ClientLogin
from .closing_record import closing_record
from .connection import Connection
from .header_faults import has_headers, is_about_headers
from .host import Host
from .permission_guard import publish_denied, publish_violation

ASYNC_INFO = 1
"""The ``protocol`` of clients that take INFO at any time (later-client-features.md, section 3)."""

PROTOCOLS = (0, ASYNC_INFO)
"""All there are."""

MOST_DENIALS = 8
"""Denials that are known of a client."""

DENIAL_BYTES = 256
"""What is kept of the text of each."""


class ClientSession(ClientLogin):
    """Processes the lines of one client."""

    kind: PeerKind = PeerKind.CLIENT

    __slots__ = (
        "_denials",
        "_heard",
        "_name",
        "_pedantic",
        "_personal",
        "_ponged",
        "_protocol",
        "lang",
        "version",
    )

    def __init__(self, host: Host, connection: Connection) -> None:
        """Nothing was sent to the client or received from it yet."""
        self._pedantic = True
        self._denials: deque[Denial] | None = None
        """The latest; None for the great majority of clients, which are denied nothing."""
        self._protocol = 0
        self._ponged = False
        self._heard = 0
        """The version of INFO that the client has."""
        self._personal: PersonalInfo = NOTHING_PERSONAL
        """What INFO says to it, but for its number and address; one object for most clients."""
        self._name = ""
        self.lang = ""
        self.version = ""
        super().__init__(host, connection)
        self.verbose = True
        connection.inlet.guarded = self._is_current
        self._apply_options()

    # --- INFO ----------------------------------------------------------------------

    def greet(self, listener: ListenerInfo | None = None) -> None:
        """Send the first INFO to a client that came in at this listener; None is the first one."""
        greeting = self.host.greeting
        personal = greeting.personal_of(self.number, self.connection.wire.peer.ip)
        if listener is not None:
            personal = personal._replace(listener=listener)
        if greeting.make_nonce is not None:
            personal = personal._replace(nonce=greeting.make_nonce())
        self._personal = personal
        self._begin_as_anonymous()
        self._heard = greeting.version
        self.connection.send(greeting.line(self._addressed()))

    def tell(self, personal: PersonalInfo) -> None:
        """Say this to the client alone from now on: at once if it takes INFO, or after its next PING."""
        at, nonce = self._personal.listener, self._personal.nonce
        if at is not None or nonce:
            personal = personal._replace(listener=at, nonce=nonce)
        self._personal = personal
        self._heard = 0
        self.keep_informed()

    @property
    def _is_current(self) -> bool:
        """Whether the client finds a server of today."""
        return self.host.compatibility is Compatibility.CURRENT

    @property
    def knows_headers(self) -> bool:
        """See `PeerSession`; the end of the line decides how it is refused."""
        return self._is_current

    def _addressed(self, *, is_let_in: bool = False) -> PersonalInfo:
        """What INFO says to this client, with what every client of today learns of itself; not kept."""
        if not self._is_current:
            return self._personal
        own = self._personal
        address = self.connection.wire.peer.network
        return PersonalInfo(self.connection.cid, address, own.nonce, own.ldm, is_let_in, own.listener)

    def keep_informed(self) -> None:
        """Send INFO again if it has changed, to a client that accepts it at any time.

        Clients expect nothing but a PONG after their CONNECT and PING, so not before that.
        """
        if self._ponged and self._protocol >= ASYNC_INFO:
            greeting = self.host.greeting
            if self._heard != greeting.version:
                self._heard = greeting.version
                self.connection.outbox.send(greeting.line(self._addressed()))

    # --- errors --------------------------------------------------------------------

    def wire_of(self, error: ProtocolError) -> bytes:
        """In the words of the server that clients find here."""
        return error.wire(self.host.compatibility)

    def event_of(self, error: ProtocolError) -> Event:
        """Of a message that is too large the log says how large it may be."""
        if isinstance(error, MaximumPayload):
            return PayloadExceeded(self.connection.link, error.reason, self.host.limits.max_payload)
        return super().event_of(error)

    def refuse(self, error: ProtocolError) -> None:
        """Count a message or subscription that the client has no permission for."""
        if isinstance(error, PermissionsViolation):
            self.host.history.violations.permissions += 1
            self._note_denial(error)
        super().refuse(error)

    def _note_denial(self, error: PermissionsViolation) -> None:
        if self._denials is None:
            self._denials = deque(maxlen=MOST_DENIALS)
        text = error.what[:DENIAL_BYTES].decode("utf-8", "replace")
        self._denials.append(Denial(self.host.scheduler.monotonic(), text))

    def note_refusal(self, line: bytes) -> None:
        """Count a message with headers from a client that may not send any."""
        if has_headers(line):
            self.host.history.violations.headers += 1

    def fault(self, fault: int, text: bytes) -> None:
        """Count a message whose headers have an impossible size."""
        if self.connection.inlet.headers and is_about_headers(Fault(fault), text):
            self.host.history.violations.headers += 1
        super().fault(fault, text)

    # --- login -------------------------------------------------------------------

    def process_connect(self, argument: bytes) -> None:
        """Take over the options that are given; what is absent keeps its value. Then log in."""
        is_current = self._is_current
        connect = parse_connect(argument, FORMER_MEMBERS if is_current else LATER_MEMBERS)
        self._take_options(connect)
        self.note_activity()
        if is_current:
            if self._protocol not in PROTOCOLS:
                raise InvalidClientProtocol
            self._take_features(connect)
        if connect.account or connect.new_account:
            raise AuthorizationViolation  # there are no accounts to choose from
        self._log_in(connect)

    def _take_options(self, connect: Connect) -> None:
        """Take over the options that every server has."""
        if connect.verbose is not None:
            self.verbose = connect.verbose
        if connect.pedantic is not None:
            self._pedantic = connect.pedantic
        if connect.protocol is not None:
            self._protocol = connect.protocol
        if connect.name is not None:
            self._name = connect.name
        if connect.lang is not None:
            self.lang = connect.lang
        if connect.version is not None:
            self.version = connect.version

    def _take_features(self, connect: Connect) -> None:
        """Take over the options that gnatsd 0.8.0 does not have."""
        inlet = self.connection.inlet
        if connect.echo is not None:
            inlet.echo = connect.echo
        if connect.headers is not None:
            inlet.headers = self.connection.outbox.headers = (
                connect.headers and self.host.greeting.info.headers
            )
        if connect.no_responders is not None:
            inlet.no_responders = connect.no_responders
        if inlet.no_responders and not inlet.headers:
            raise NoRespondersWithoutHeaders

    def _apply_options(self) -> None:
        inlet = self.connection.inlet
        inlet.verbose = self.verbose
        base = Audience.PEDANTIC if self._pedantic else Audience.LENIENT
        profile = self._guard.number if self._guard is not None else 0
        inlet.audience = base + profile * Audience.PROFILE
        inlet.publishing = self.admitted
        inlet.traces = inlet.headers and self.host.tracing is not None
        self._allow_briefs()

    def may_trace_to(self, dest: bytes) -> bool:
        """Whether the client may publish there; `allow_responses` does not count, as in nats-server."""
        return self._guard is None or self._guard.may_publish(dest)

    def trace_denied(self, dest: bytes) -> None:
        """Refuse a message whose trace the client may not publish."""
        self.denied(dest, b"")

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Refuse a message that the client may not publish."""
        self.refuse(publish_violation(subject, reply))
        self.report(publish_denied(self.connection, subject, reply, self.user))

    # --- operations ----------------------------------------------------------------

    def subscribe(self, command: Subscribe) -> None:
        """Add a subscription, with a filter where one is needed.

        Raises `PermissionsViolation`, or `MaximumSubscriptions` if the client has as many as it may.
        """
        rule = self._guard.filter_for(command, self.user) if self._guard is not None else None
        limit = self.host.limits.max_subscriptions
        if limit and len(self.by_sid) >= limit:
            raise MaximumSubscriptions
        hooks = self.host.hooks
        if hooks is not None and hooks.asks(HookPoint.SUBSCRIBE):
            event, add = subscription_event(self.hook_client, command), partial(self._add, command, rule)
            ask(self, hooks, HookPoint.SUBSCRIBE, event, partial(subscribe_if, command, add))
        else:
            self.keep(self.host.interest.subscribe(self, self.connection.outbox, command, rule))

    def _add(self, command: Subscribe, rule: Filter | None) -> None:
        """Add a subscription that hooks have allowed."""
        outbox = self.connection.outbox
        self.keep(self.host.interest.subscribe(self, outbox, command, rule))
        if self.verbose and self.connection.waits:  # hooks have answered late
            outbox.send(encode.OK)

    def process_ping(self, _argument: bytes) -> None:
        """Answer; INFO may follow from now on."""
        self.connection.answer_ping()
        if self._ponged or not self._is_current:
            self._ponged = True
            self.keep_informed()
        else:
            self._ponged = True
            self._confirm()

    def _confirm(self) -> None:
        """Send INFO to a client that takes it, once, after its first PONG: it is logged in, and where."""
        if self._protocol >= ASYNC_INFO:
            greeting = self.host.greeting
            self._heard = greeting.version
            self.connection.outbox.send(greeting.line(self._addressed(is_let_in=True)))

    def process_info(self, argument: bytes) -> None:
        """It means nothing, but must be well formed."""
        check_info(argument)

    def process_err(self, argument: bytes) -> None:
        """The client has sent -ERR: close."""
        self.connection.closes_for(ClosingReason.PARSE_ERROR)
        self.end(ClientReportedError(self.connection.link, readable(argument)))

    # --- who it is -------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name that the client gave itself; empty if it gave none."""
        return self._name

    @property
    def profile(self) -> Profile:
        """Who the client is."""
        return Profile(self.name, self.lang, self.version, self.user)

    @property
    def over_websocket(self) -> bool:
        """Whether it connected at a listener for websockets."""
        at = self._personal.listener
        return at is not None and at.connection_type is ConnectionType.WEBSOCKET

    def rights(self, subject: bytes) -> ClientRights:
        """What decides what the client may do with this subject."""
        guard = self._guard
        return ClientRights(
            self.user,
            self.admitted,
            self.permissions,
            guard is not None and guard.opens(subject),
            self.connection.inlet.echo,
            tuple(self._denials or ()),
        )

    def stats(self) -> ClientStats:
        """A snapshot."""
        return ClientStats(
            self.connection.stats(), self.profile, len(self.subscriptions), websocket=self.over_websocket
        )

    def closed(self) -> None:
        """See `PeerSession`; what is known of the client is kept, if it has ever become one."""
        if self.connection.was_opened or not self.over_websocket:
            now = self.host.scheduler.monotonic()
            record = closing_record(
                self.connection,
                self.profile,
                len(self.subscriptions),
                now,
                over_websocket=self.over_websocket,
            )
            self.host.history.closed.add(record)
        self._obey(None)
        if self._logged_in and self.host.hooks is not None:
            self.host.hooks.observe(HookPoint.DISCONNECT, HookEvent(self.hook_client))
        super().closed()
