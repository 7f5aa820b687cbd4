"""A client's session: admission, CONNECT and INFO (client-protocol.md); the rest is in ``peer``."""

from collections import deque
from dataclasses import replace
from functools import partial

from ..closing_reason import ClosingReason
from ..connection_type import ConnectionType
from ..dataplane.seam import Fault
from ..events import (
    AuthorizationTimedOut,
    ClientReportedError,
    Event,
    PayloadExceeded,
)
from ..hooks.decisions import Refuse
from ..hooks.gate import Verdict
from ..hooks.hook_event import HookEvent, HookPoint, subscription_event
from ..interest.routing import Audience
from ..peer_kind import PeerKind
from ..permissions.rule_set import Filter
from ..permissions.rules import Permissions
from ..protocol import encode
from ..protocol.commands import Subscribe, readable
from ..protocol.compatibility import Compatibility
from ..protocol.connect import FORMER_MEMBERS, LATER_MEMBERS, Connect, check_info, parse_connect
from ..protocol.encode import NOTHING_PERSONAL, ListenerInfo, PersonalInfo
from ..protocol.errors import (
    AuthorizationTimeout,
    AuthorizationViolation,
    InvalidClientProtocol,
    LoginRefused,
    MaximumPayload,
    MaximumSubscriptions,
    NoRespondersWithoutHeaders,
    PermissionsViolation,
    ProtocolError,
)
from ..security.credentials import NAMELESS, Identity
from ..stats import ClientRights, ClientStats, Denial, Profile
from .asking_hooks import ask, subscribe_if
from .closing_record import closing_record
from .connection import Connection
from .header_faults import has_headers, is_about_headers
from .host import Host
from .permission_guard import PermissionGuard, publish_denied, publish_violation
from .reauthorized import Reauthorized
from .shown_credentials import shown_credentials

ASYNC_INFO = 1
"""The ``protocol`` of clients that take INFO at any time (later-client-features.md, section 3)."""

PROTOCOLS = (0, ASYNC_INFO)
"""All there are."""

MOST_DENIALS = 8
"""Denials that are known of a client."""

DENIAL_BYTES = 256
"""What is kept of the text of each."""


class ClientSession(Reauthorized):
    """Obeys one client."""

    kind: PeerKind = PeerKind.CLIENT

    __slots__ = (
        "_denials",
        "_guard",
        "_heard",
        "_logged_in",
        "_name",
        "_pedantic",
        "_personal",
        "_ponged",
        "_protocol",
        "identity",
        "lang",
        "version",
    )

    def __init__(self, host: Host, connection: Connection) -> None:
        """The client has said nothing yet, and heard nothing."""
        asks_hooks = host.hooks is not None and host.hooks.asks(HookPoint.CONNECT)
        self.identity: Identity | None = None if host.gatekeeper.required or asks_hooks else NAMELESS
        """Who the client is; None as long as it may do nothing but CONNECT."""
        self._pedantic = True
        self._logged_in = False
        self._denials: deque[Denial] | None = None
        """The latest; None for the great majority of clients, which are denied nothing."""
        self._guard: PermissionGuard | None = None
        """None for a client without rules."""
        self._protocol = 0
        self._ponged = False
        self._heard = 0
        """The version of INFO that the client has."""
        self._personal: PersonalInfo = NOTHING_PERSONAL
        """What INFO says to it, but for its number and address; one object for most clients."""
        self._name = ""
        self.lang = ""
        self.version = ""
        super().__init__(host, connection, admitted=self.identity is not None)
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
        """Send INFO again if it has changed, to a client that understands that at any time.

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
        """What a client has no right to is counted."""
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
        """A message with headers from a client that may send none is counted."""
        if has_headers(line):
            self.host.history.violations.headers += 1

    def fault(self, fault: int, text: bytes) -> None:
        """A message whose headers have an impossible size is counted."""
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
        """Take over what every server knows."""
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
        """Take over what gnatsd 0.8.0 does not know."""
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

    def _begin_as_anonymous(self) -> None:
        """Let a client in that may do without a login, until its CONNECT says who it is."""
        identity = self._anonymous
        if identity is not None and not self._asks_hooks:
            self._become(identity)

    def _become(self, identity: Identity) -> None:
        """Take the rights of this identity; see `_may_become`."""
        before = self.identity
        if before is None or identity.permissions != before.permissions:
            self._obey(identity.permissions)
        rate = identity.publish_rate
        if before is None or rate != before.publish_rate:
            self.connection.meter = self.host.meter_of(identity, self.connection)
        self.identity = identity
        self.admitted = True
        self._apply_options()

    def _obey(self, permissions: Permissions | None) -> None:
        """Let these rules, and no others, hold from now on; what came before is obeyed by those before."""
        self.host.plane.briefs.settle()
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.close()
        if permissions is not None and permissions != Permissions():
            self._guard = PermissionGuard(self.host, self.connection, permissions)

    def _be_nobody(self) -> None:
        """Have no rights, until a login."""
        self._obey(None)
        self.identity, self.admitted = None, False
        self._apply_options()

    def _may_become(self, identity: Identity) -> bool:
        """An identity never changes, but for one without credentials that has not subscribed yet."""
        is_bound = self._logged_in or (bool(self.subscriptions) and self._anonymous is not None)
        return not is_bound or identity == self.identity

    @property
    def _anonymous(self) -> Identity | None:
        """Who the client is if it sends no credentials; None if it must send some, or need not."""
        anonymous = self.host.anonymous
        return anonymous.get(self._connection_type) if anonymous else None

    @property
    def _connection_type(self) -> ConnectionType:
        listener = self._personal.listener
        return ConnectionType.STANDARD if listener is None else listener.connection_type

    @property
    def _own_name(self) -> str:
        return self.identity.user if self.identity is not None else ""

    def _log_in(self, connect: Connect) -> None:
        """Ask for a verdict, unless a client that is in brings nothing to judge."""
        gatekeeper = self.host.gatekeeper
        user = connect.user
        if user is None:
            user = self._own_name if self._logged_in else ""
        secret = connect.password or connect.auth_token or connect.nkey or connect.sig
        if self._logged_in and not secret and (gatekeeper.required or user == self._own_name):
            own = self.identity
            self.let_in(own if own is not None and own.user == user else Identity(user))
            return
        security, nonce = self.connection.wire.security, self._personal.nonce
        credentials = shown_credentials(user, connect, security, nonce, self._connection_type)
        if self._anonymous is not None and credentials.is_empty:
            self.let_in(self._anonymous)
        elif self.ask_for_verdict(gatekeeper, credentials):
            self.host.login_pending(self.connection)

    def let_in(self, identity: Identity) -> bool:
        """Let the client in, or go on; whether it may."""
        self.host.login_over(self.connection)
        if not self._may_become(identity):
            self.refuse(AuthorizationViolation())
            return False
        hooks = self.host.hooks
        if hooks is not None and self._asks_hooks and not self._logged_in:
            login = HookEvent(replace(self.hook_client, user=identity.user))
            ask(self, hooks, HookPoint.CONNECT, login, partial(self._let_in_if, identity))
        else:
            self._let_in(identity)
        return not self.connection.closed

    def _let_in_if(self, identity: Identity, verdict: Verdict) -> None:
        """Obey what hooks say of a login."""
        if isinstance(verdict, Refuse):
            self.refuse(LoginRefused(verdict.text))
        else:
            self._let_in(identity)

    def _let_in(self, identity: Identity) -> None:
        if not self._logged_in:
            self.host.client_in(self.connection)
        self._logged_in = True
        self._become(identity)
        if self.verbose:
            self.connection.send(encode.OK)

    def _apply_options(self) -> None:
        inlet = self.connection.inlet
        inlet.verbose = self.verbose
        base = Audience.PEDANTIC if self._pedantic else Audience.LENIENT
        profile = self._guard.number if self._guard is not None else 0
        inlet.audience = base + profile * Audience.PROFILE
        inlet.publishing = self.admitted
        inlet.traces = inlet.headers and self.host.tracing is not None
        self._allow_briefs()

    @property
    def _acts_as_anonymous(self) -> bool:
        """Whether the client does without a login, and has sent something."""
        return self.admitted and self._pending is None and self._has_acted

    def may_trace_to(self, dest: bytes) -> bool:
        """Whether the client may publish there; answers it may give count for nothing, as in nats-server."""
        return self._guard is None or self._guard.may_publish(dest)

    def trace_denied(self, dest: bytes) -> None:
        """Refuse a message whose trace the client may not publish."""
        self.denied(dest, b"")

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Refuse a message that the client may not publish."""
        self.refuse(publish_violation(subject, reply))
        self.report(publish_denied(self.connection, subject, reply, self._own_name))

    def login_expired(self) -> None:
        """No CONNECT in time, or no verdict: one that is being made is waited for."""
        if self._acts_as_anonymous:
            return
        if self._pending is None or not self._pending.under_way:
            self.connection.closes_for(AuthorizationTimeout.closing)
            self.end(AuthorizationTimedOut(self.connection.link), self.wire_of(AuthorizationTimeout()))

    # --- operations ----------------------------------------------------------------

    def subscribe(self, command: Subscribe) -> None:
        """Add a subscription, with a filter where one is needed.

        Raises `PermissionsViolation`, or `MaximumSubscriptions` if the client has as many as it may.
        """
        rule = self._guard.filter_for(command, self._own_name) if self._guard is not None else None
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
        """Say to a client that takes INFO that it is let in, and where: once, after its first PONG."""
        if self._protocol >= ASYNC_INFO:
            greeting = self.host.greeting
            self._heard = greeting.version
            self.connection.outbox.send(greeting.line(self._addressed(is_let_in=True)))

    def process_info(self, argument: bytes) -> None:
        """It means nothing, but must be well formed."""
        check_info(argument)

    def process_err(self, argument: bytes) -> None:
        """The client will not go on, so neither do we."""
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
        return Profile(self.name, self.lang, self.version, self._own_name)

    @property
    def user(self) -> str:
        """Whom it logged in as; empty before that, and where nobody has a name."""
        return self._own_name

    @property
    def permissions(self) -> Permissions | None:
        """See `PeerSession`."""
        return self.identity.permissions if self.identity is not None else None

    @property
    def over_websocket(self) -> bool:
        """Whether it came in where websockets do."""
        at = self._personal.listener
        return at is not None and at.connection_type is ConnectionType.WEBSOCKET

    def rights(self, subject: bytes) -> ClientRights:
        """What decides what the client may do with this subject."""
        guard = self._guard
        return ClientRights(
            self._own_name,
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
