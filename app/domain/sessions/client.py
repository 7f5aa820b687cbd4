"""A client's session: what each line does, before and after CONNECT (client-protocol.md).

The data plane calls it for every line that is not a plain PUB. Errors that a
line provokes are raised as `ProtocolError` and turned into ``-ERR`` in one place.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

from app.domain.credentials import Credentials, Gatekeeper, Identity, PendingVerdict
from app.domain.dataplane.seam import Fault, Plane
from app.domain.events import (
    AuthorizationFailed,
    AuthorizationTimedOut,
    ClientReportedError,
    Event,
    PayloadExceeded,
    ReadFailed,
)
from app.domain.interest.interest import Interest
from app.domain.interest.routing import Audience
from app.domain.interest.subscription import LOCAL, Subscription
from app.domain.limits import Limits
from app.domain.protocol import encode
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
    Subscribe,
    check_info,
    parse_connect,
    parse_subscribe,
    parse_unsubscribe,
    readable,
    refuse_partial,
    split,
)
from app.domain.protocol.errors import (
    AuthorizationTimeout,
    AuthorizationViolation,
    MaximumPayload,
    ProtocolError,
)
from app.domain.sessions import tracing
from app.domain.sessions.connection import Connection
from app.domain.sessions.faults import error_of
from app.domain.stats import Profile

ASYNC_INFO = 1
"""The ``protocol`` of clients that take INFO at any time (later-client-features.md, section 3)."""


class SessionHost(Protocol):
    """What sessions share: the broker, as they know it."""

    @property
    def plane(self) -> Plane: ...

    @property
    def interest(self) -> Interest: ...

    @property
    def gatekeeper(self) -> Gatekeeper: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def info_line(self) -> bytes:
        """What clients are told."""
        ...

    def asked(self, connection: Connection) -> None:
        """Its CONNECT is complete, and its verdict to come: time runs for that from now on."""
        ...

    def admitted(self, connection: Connection) -> None:
        """Its login has a verdict: no time runs for it any more."""
        ...

    def remove_later(self, subscriptions: list[Subscription]) -> None:
        """Remove the subscriptions of a closed connection, in the background if they are many."""
        ...


class ClientSession:
    """Obeys one client. Implements `session.Session`."""

    origin: ClassVar[int] = LOCAL

    __slots__ = (
        "_broker",
        "_connection",
        "_logged_in",
        "_pedantic",
        "_pending",
        "_ponged",
        "_protocol",
        "_told",
        "_verbose",
        "identity",
        "lang",
        "last_command",
        "name",
        "subscriptions",
        "version",
    )

    def __init__(self, broker: SessionHost, connection: Connection) -> None:
        self._broker = broker
        self._connection = connection
        self.identity: Identity | None = None if broker.gatekeeper.required else Identity()
        """Who the client is; None as long as it may do nothing but CONNECT."""
        self.subscriptions: dict[bytes, Subscription] = {}
        """Live subscriptions by sid."""
        self.last_command = 0.0
        self._verbose = True
        self._pedantic = True
        self._logged_in = False
        self._pending: PendingVerdict | None = None
        """The login that awaits its verdict, if it can be withdrawn."""
        self._protocol = 0
        self._ponged = False
        self._told = broker.info_line
        self.name = ""
        self.lang = ""
        self.version = ""
        connection.attach(self)
        self._apply_options()

    @property
    def gone(self) -> bool:
        return self._connection.closed

    @property
    def number(self) -> int:
        return self._connection.cid

    # --- called by the data plane --------------------------------------------

    def line(self, line: bytes) -> bool:
        """Obey a complete line. False when the client is closed or has to wait."""
        try:
            self._admit_only_connect(line)
            verb, argument = split(line, self._broker.limits.max_control_line)
            tracing.line_received(self._connection, verb.name, argument)
            self._OBEY[verb.name](self, argument)
        except ProtocolError as error:
            self._refuse(error)
        return self._connection.may_read()

    def partial(self, rest: bytes) -> bool:
        """Judge the beginning of a line. False when it was refused."""
        try:
            self._admit_only_connect(rest)
            refuse_partial(rest, self._broker.limits.max_control_line)
        except ProtocolError as error:
            self._refuse(error)
        return not self._connection.closed

    def fault(self, fault: int, text: bytes) -> None:
        """Refuse a PUB that the data plane could not take."""
        text = tracing.fault_received(self._connection, PUB.name, Fault(fault), text)
        self._refuse(error_of(Fault(fault), text, "processPub"))

    def traced(self, verb: bytes, argument: bytes, payload: bytes) -> None:
        """Trace a message."""
        tracing.message_received(self._connection, verb, argument, payload)

    # --- errors ----------------------------------------------------------------

    def _refuse(self, error: ProtocolError) -> None:
        """Tell the client, tell the log, and close if the error says so."""
        link = self._connection.link
        if isinstance(error, MaximumPayload):
            self._report(PayloadExceeded(link, error.reason, self._broker.limits.max_payload))
        elif isinstance(error, AuthorizationViolation):
            self._report(AuthorizationFailed(link))
        elif error.reason or error.closes:
            self._report(ReadFailed(link, error.told("Client")))
        if error.closes:
            self._connection.close(error.wire())
        else:
            self._connection.outbox.send(error.wire())

    def _report(self, event: Event) -> None:
        self._connection.report(event)

    # --- login -------------------------------------------------------------------

    def _admit_only_connect(self, line: bytes) -> None:
        if self.identity is None and line[:1] not in (b"C", b"c"):
            raise AuthorizationViolation

    def _connect(self, argument: bytes) -> None:
        fields = parse_connect(argument)
        self._verbose = bool(fields.get("verbose", self._verbose))
        self._pedantic = bool(fields.get("pedantic", self._pedantic))
        self.name = str(fields.get("name", self.name))
        self._protocol = int(fields.get("protocol", self._protocol))
        self.lang = str(fields.get("lang", self.lang))
        self.version = str(fields.get("version", self.version))
        self._note_activity()
        if fields.get("account") or fields.get("new_account"):
            raise AuthorizationViolation  # there are no accounts to choose from
        self._log_in(
            Credentials(
                str(fields.get("user", self._own_name)),
                str(fields.get("pass", "")),
                str(fields.get("auth_token", "")),
            )
        )

    @property
    def _own_name(self) -> str:
        return self.identity.user if self.identity is not None else ""

    def _log_in(self, credentials: Credentials) -> None:
        """Ask for a verdict, unless a client that is in brings nothing to judge. The secrets are not kept."""
        gatekeeper, user = self._broker.gatekeeper, credentials.user
        secret = credentials.password or credentials.token
        if self._logged_in and not secret and (gatekeeper.required or user == self._own_name):
            self._admit(Identity(user))
            return
        self._connection.wait(listening=True)
        pending = gatekeeper.check(credentials, self._receive_verdict)
        if self._connection.listening:
            self._pending = pending
            self._broker.asked(self._connection)

    def _receive_verdict(self, identity: Identity | None) -> None:
        self._connection.guard(lambda: self._obey_verdict(identity))

    def _obey_verdict(self, identity: Identity | None) -> None:
        if self._connection.closed:
            return
        self._pending = None
        self._broker.admitted(self._connection)
        if identity is None:
            self._refuse(AuthorizationViolation())
        elif self._admit(identity):
            self._connection.go_on(listening=True)

    def _admit(self, identity: Identity) -> bool:
        """Let the client in, or go on; whether it may. An identity never changes."""
        if self._logged_in and identity != self.identity:
            self._refuse(AuthorizationViolation())
            return False
        self.identity = identity
        self._logged_in = True
        self._apply_options()
        if self._verbose:
            self._connection.send(encode.OK)
        return True

    def _apply_options(self) -> None:
        inlet = self._connection.inlet
        inlet.verbose = self._verbose
        inlet.audience = Audience.PEDANTIC if self._pedantic else Audience.LENIENT
        inlet.publishing = self.identity is not None

    def login_expired(self) -> None:
        """No CONNECT in time, or no verdict: one that is being made is waited for."""
        if self._pending is not None and self._pending.under_way:
            return
        self._report(AuthorizationTimedOut(self._connection.link))
        self._connection.close(AuthorizationTimeout().wire())

    # --- operations ----------------------------------------------------------------

    def _subscribe(self, argument: bytes) -> None:
        command = parse_subscribe(argument)
        self._note_activity()
        if command.sid not in self.subscriptions:
            self._add(command)
        self._acknowledge()

    def _add(self, command: Subscribe) -> None:
        subscription = Subscription(self, command.subject, command.queue, command.sid)
        target = self._broker.plane.target(self._connection.outbox, command.sid, subscription)
        subscription.target = target
        self._broker.interest.add(subscription)
        self.subscriptions[command.sid] = subscription

    def _unsubscribe(self, argument: bytes) -> None:
        command = parse_unsubscribe(argument)
        self._note_activity()
        subscription = self.subscriptions.get(command.sid)
        if subscription is not None:
            if command.limit > subscription.target.delivered:
                self._broker.interest.limit(subscription, command.limit)
                tracing.deferred(self._connection, subscription)
            else:
                self._remove(subscription)
        self._acknowledge()

    def expire(self, subscription: Subscription) -> None:
        """The subscription has had the last message it asked for."""
        tracing.expired(self._connection, subscription)
        self._remove(subscription)

    def _remove(self, subscription: Subscription) -> None:
        del self.subscriptions[subscription.sid]
        self._broker.interest.remove(subscription)
        tracing.removed(self._connection, subscription)

    def _ping(self, _argument: bytes) -> None:
        self._connection.answer_ping()
        self._ponged = True
        self.keep_informed()

    def keep_informed(self) -> None:
        """Send INFO again if it has changed, to a client that understands that at any time.

        Clients expect nothing but a PONG behind their CONNECT and PING, so not before that.
        """
        line = self._broker.info_line
        if line is not self._told and self._ponged and self._protocol >= ASYNC_INFO:
            self._told = line
            self._connection.outbox.send(line)

    def _pong(self, _argument: bytes) -> None:
        self._connection.pings_out = 0

    def _info(self, argument: bytes) -> None:
        check_info(argument)

    def _nothing(self, _argument: bytes) -> None:
        pass

    def _give_up(self, argument: bytes) -> None:
        """The client says -ERR: it will not go on, so neither do we."""
        self._report(ClientReportedError(self._connection.link, readable(argument)))
        self._connection.close()

    _OBEY: ClassVar[dict[bytes, Callable[["ClientSession", bytes], None]]] = {
        CONNECT.name: _connect,
        SUB.name: _subscribe,
        UNSUB.name: _unsubscribe,
        PING.name: _ping,
        PONG.name: _pong,
        INFO.name: _info,
        OK.name: _nothing,
        ERR.name: _give_up,
    }

    def _acknowledge(self) -> None:
        if self._verbose:
            self._connection.outbox.send(encode.OK)

    def _note_activity(self) -> None:
        self.last_command = self._broker.plane.now

    # --- telling ---------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The link to the client."""
        return self._connection

    @property
    def profile(self) -> Profile:
        """Who the client is."""
        return Profile(self.name, self.lang, self.version, self._own_name)

    # --- ending ----------------------------------------------------------------------

    def closed(self) -> None:
        """The connection is closed: withdraw its login, give the subscriptions up."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
        subscriptions = list(self.subscriptions.values())
        self.subscriptions.clear()
        self._broker.remove_later(subscriptions)
