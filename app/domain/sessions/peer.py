"""One peer's session: what clients, routes and every other kind of peer have in common.

The data plane calls it for each line that is no plain message. Errors that a line provokes are
raised as `ProtocolError` and turned into ``-ERR`` in one place.

A subclass names its `kind`, and adds who may come in (`admitted`, `ask_for_verdict`, `let_in`), what
CONNECT and INFO mean (`process_connect`, `process_info`), and what ``-ERR`` and a login that takes
too long lead to (`process_err`, `login_expired`). It may show lines to `screen` for a while.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from ..dataplane.seam import Fault, Hook, HookedMessage, Kind, Plan
from ..events import AuthorizationFailed, Event, ReadFailed
from ..hooks.hook_event import HookClient
from ..interest.subscription import LOCAL, Subscription
from ..limits import Limits
from ..message_trace.request import is_only_traced
from ..peer_kind import PeerKind
from ..permissions.rules import Permissions
from ..protocol import encode
from ..protocol.commands import (
    CONNECT,
    ERR,
    INFO,
    MSG,
    OK,
    PING,
    PONG,
    PUB,
    SUB,
    UNSUB,
    Subscribe,
    parse_subscribe,
    parse_unsubscribe,
    parser_complaint,
    readable,
    refuse_partial,
    split,
)
from ..protocol.errors import (
    AuthorizationViolation,
    MaximumControlLine,
    MaximumPayload,
    OverlongSize,
    ParserError,
    ProtocolError,
    UnknownOperation,
)
from ..security.credentials import Credentials, Gatekeeper, Identity, PendingVerdict
from . import tracing
from .connection import Connection
from .hook_pipeline import HookPipeline
from .host import Host
from .unheard_request import answer_unheard

_OWN_CLUSTER: bytes | None = None
"""In place of the cluster of a leaf node, for what is no leaf node's."""

_NO_SUBSCRIPTIONS: dict[bytes, Subscription] = {}
"""Those of all peers that have never subscribed: a dict of its own takes memory in each idle connection."""

_PAYLOAD_END = 30
"""gnatsd's parser state for the CR LF after a payload."""
_MOST_DIGITS_TODAY = 9
"""A size of more digits is no number for current servers."""
_DIGITS_THAT_COUNT = 64
"""Of an integer of 64 bits that wraps around: 10**64 is a multiple of 2**64."""


class PeerSession(ABC):
    """Processes the lines of one peer. Implements `seam.Control` and `Subscriber`."""

    kind: PeerKind
    _process: ClassVar[dict[bytes, Callable[["PeerSession", bytes], None]]]
    """By verb: the methods of the subclass."""
    screened = False
    """Whether each line is shown to `screen` first; kept by the objects of subclasses that change it."""
    traces = False
    """Whether it is a server that traces messages, and reports them itself; kept in the same way."""

    __slots__ = (
        "_pending",
        "admitted",
        "by_sid",
        "connection",
        "host",
        "last_command",
        "line_limit",
        "lines",
        "origin",
        "verbose",
    )

    def __init_subclass__(cls) -> None:
        cls._process = {
            CONNECT.name: cls.process_connect,
            SUB.name: cls.process_sub,
            UNSUB.name: cls.process_unsub,
            PING.name: cls.process_ping,
            PONG.name: cls.process_pong,
            INFO.name: cls.process_info,
            OK.name: cls.process_ok,
            ERR.name: cls.process_err,
        }

    def __init__(self, host: Host, connection: Connection, *, admitted: bool) -> None:
        """`admitted`: the peer may do more than CONNECT from the start."""
        self.host = host
        self.connection = connection
        """The link to the peer."""
        self.admitted = admitted
        """Whether it may do more than CONNECT."""
        self.origin = LOCAL if self.kind is PeerKind.CLIENT else connection.cid
        """See `Subscriber`."""
        self.verbose = False
        """Whether the peer gets +OK for each processed line."""
        self.by_sid = _NO_SUBSCRIPTIONS
        """Live subscriptions by sid, but for those that the data plane keeps; `keep` adds to them."""
        self.last_command = 0.0
        """When a line that counts as activity was last obeyed, on the monotonic scale."""
        self._pending: PendingVerdict | None = None
        """The login that awaits its verdict, if it can be withdrawn."""
        self.lines = 0
        """Lines that were received, ever."""
        self.line_limit = 0
        """Bytes that the argument of a line may have; see `configure`."""
        connection.attach(self)

    def configure(self, limits: Limits) -> None:
        """Obey these limits from now on."""
        self.line_limit = limits.max_control_line

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that the peer gave itself; empty if it gave none."""

    @property
    def dialect(self) -> Kind:
        """How the peer writes messages."""
        return Kind.ROUTE if self.is_server else Kind.CLIENT

    @property
    def subscriptions(self) -> dict[bytes, Subscription]:
        """Live subscriptions by sid, all of them."""
        self.host.plane.briefs.settle()
        return self.by_sid

    def via(self, sid: bytes) -> bytes | None:
        """See `Subscriber`."""
        del sid
        return _OWN_CLUSTER

    def weight(self, sid: bytes) -> int:
        """See `Subscriber`."""
        del sid
        return 1

    @property
    def number(self) -> int:
        """Of the connection."""
        return self.connection.cid

    @property
    def is_closed(self) -> bool:
        """See `Subscriber`."""
        return self.connection.closed

    @property
    def is_server(self) -> bool:
        """Whether its messages are MSG, as servers send them."""
        return self.kind is not PeerKind.CLIENT

    # --- called by the data plane --------------------------------------------

    def line(self, line: bytes) -> bool:
        """Obey a complete line. False when the peer is closed or has to wait."""
        self.lines += 1
        connection = self.connection
        try:
            if not self.admitted:
                self._admit_only_connect(line)
            verb, argument = split(line, self.line_limit)
            if connection.inlet.trace:
                tracing.line_received(connection, verb.name, argument)
            if self.screened:
                self.screen(verb.name, argument)
            self._process[verb.name](self, argument)
        except ProtocolError as error:
            self.note_refusal(line)
            self.refuse(error)
        return not (connection.waits or connection.closed)

    @property
    def knows_headers(self) -> bool:
        """Whether a message with headers may be one, or is refused when its line is complete."""
        return self.connection.inlet.headers

    def partial(self, rest: bytes) -> bool:
        """Judge the beginning of a line. False when it was refused."""
        try:
            self._admit_only_connect(rest)
            routed = self.is_server and self.connection.inlet.publishing
            headers = self.knows_headers
            refuse_partial(rest, self.line_limit, routed=routed, headers=headers)
        except ProtocolError as error:
            self.note_refusal(rest)
            self.refuse(error)
        return not self.connection.closed

    def fault(self, fault: int, text: bytes) -> None:
        """Refuse a message that the data plane could not take."""
        verb, operation = (MSG, "processMsgArgs") if self.is_server else (PUB, "processPub")
        text = tracing.fault_received(self.connection, verb.name, Fault(fault), text)
        self.refuse(error_of(Fault(fault), text, operation))

    def may_trace_to(self, dest: bytes) -> bool:
        """Whether its messages may be traced to this destination; servers of a cluster have no rules."""
        del dest
        return True

    def trace_denied(self, dest: bytes) -> None:
        """Refuse a message that is to be traced with this destination; servers hear nothing of it."""
        del dest

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Refuse a message; only clients have rules."""
        del subject, reply

    def traced(self, verb: bytes, argument: bytes, payload: bytes) -> None:
        """Trace a message."""
        tracing.message_received(self.connection, verb, argument, payload)

    def no_responders(self, subject: bytes, reply: bytes) -> None:
        """Answer a request that reached nobody, at the peer's own subscriptions to the reply subject."""
        answer_unheard(self, subject, reply)

    def _admit_only_connect(self, line: bytes) -> None:
        if not self.admitted and line[:1] not in (b"C", b"c"):
            raise AuthorizationViolation

    # --- hooks -----------------------------------------------------------------

    @property
    def user(self) -> str:
        """The user it logged in as; empty where users have no names."""
        return ""

    @property
    def permissions(self) -> Permissions | None:
        """What it may publish and subscribe to; None for everything."""
        return None

    @property
    def seen_by_hooks(self) -> bool:
        """See `Subscriber`."""
        return not self.is_server

    @property
    def hook_client(self) -> HookClient:
        """See `Subscriber`."""
        return HookClient(self.number, self.name, self.user, str(self.connection.wire.peer))

    def hooked(self, plan: Plan, message: HookedMessage) -> bool:
        """Let hooks see a message, or trace it, if it goes past none. What they would see is not traced."""
        if not plan.hook:
            if self.host.tracing is not None:
                self.host.tracing.take(self, plan, message)
            return self.connection.may_read()
        if self.connection.inlet.traces and is_only_traced(message):
            return self.connection.may_read()
        if plan.hook == Hook.ANSWER and self.host.user_info is not None:
            self.host.user_info.take(self, plan, message)
            return self.connection.may_read()
        hooks, pipeline = self.host.hooks, self.connection.hook_pipeline
        if hooks is None:
            raise RuntimeError("a plan names hooks where there are none")
        if pipeline is None:
            pipeline = self.connection.hook_pipeline = HookPipeline(self, hooks)
        return pipeline.take(plan, message)

    # --- errors ----------------------------------------------------------------

    def refuse(self, error: ProtocolError) -> None:
        """Answer with the error; close, and log why, if the error says so."""
        if error.closes:
            self.connection.closes_for(error.closing)
            self.end(self.event_of(error), self.wire_of(error))
        else:
            self.connection.outbox.send(self.wire_of(error))

    def note_refusal(self, line: bytes) -> None:
        """This line, or the beginning of one, is about to be refused; nothing is made of it here."""
        del line

    def wire_of(self, error: ProtocolError) -> bytes:
        """The text of an error for the peer; servers get that of gnatsd."""
        return error.wire()

    def event_of(self, error: ProtocolError) -> Event:
        """What the log says of an error that closes."""
        link = self.connection.link
        if isinstance(error, AuthorizationViolation):
            return AuthorizationFailed(link)
        return ReadFailed(link, error.log_text(self.kind.role))

    def end(self, event: Event, farewell: bytes = b"") -> None:
        """Close for this reason, after this last line."""
        self.report(event)
        self.connection.close(farewell)

    def report(self, event: Event) -> None:
        """Record a fact."""
        self.connection.report(event)

    # --- login -------------------------------------------------------------------

    def ask_for_verdict(self, gatekeeper: Gatekeeper, credentials: Credentials) -> bool:
        """Have the credentials judged, and obey nothing until then; whether the verdict is still to come.

        The credentials are not kept: they last as long as the check. `let_in` or a refusal follows.
        """
        is_judged = False

        def take(identity: Identity | None) -> None:
            nonlocal is_judged
            is_judged = True
            self.connection.guard(partial(self._obey_verdict, identity))

        pending = gatekeeper.check(credentials, take)
        if not is_judged:
            self._pending = pending
            self.connection.wait(listening=True)
        return not is_judged

    def _obey_verdict(self, identity: Identity | None) -> None:
        if self.connection.closed:
            return
        has_waited = self.connection.listening
        self._pending = None
        if identity is None:
            self.refuse(AuthorizationViolation())
        elif self.let_in(identity) and has_waited:
            self.connection.go_on(listening=True)

    @abstractmethod
    def let_in(self, identity: Identity) -> bool:
        """The verdict is good: admit the peer, or refuse it for another reason; whether it is admitted."""

    @abstractmethod
    def login_expired(self) -> None:
        """The peer showed no credentials in time."""

    # --- operations ----------------------------------------------------------------

    def screen(self, verb: bytes, argument: bytes) -> None:
        """Raise an error for a line that the peer may not send yet; called while `screened`."""
        raise ParserError(f"{verb.decode()} {readable(argument)} comes too early")

    @abstractmethod
    def process_connect(self, argument: bytes) -> None:
        """The peer says who it is."""

    @abstractmethod
    def process_info(self, argument: bytes) -> None:
        """The peer says what it is."""

    @abstractmethod
    def process_err(self, argument: bytes) -> None:
        """The peer will not go on, so neither do we."""

    def process_sub(self, argument: bytes) -> None:
        """Subscribe; a sid in use keeps its subject."""
        command = parse_subscribe(argument)
        self.last_command = self.host.plane.now
        if command.sid not in self.by_sid:
            self.subscribe(command)
        if self.verbose and not self.connection.waits:
            self.connection.outbox.send(encode.OK)

    def subscribe(self, command: Subscribe) -> None:
        """Add a subscription under a new sid."""
        self.keep(self.host.interest.subscribe(self, self.connection.outbox, command))

    def keep(self, subscription: Subscription) -> None:
        """Have a new subscription among those that are live."""
        if self.by_sid is _NO_SUBSCRIPTIONS:
            self.by_sid = {}
        self.by_sid[subscription.sid] = subscription

    def process_unsub(self, argument: bytes) -> None:
        """Unsubscribe, now or after a number of messages."""
        sid, limit = parse_unsubscribe(argument)
        self.last_command = self.host.plane.now
        subscription = self.by_sid.get(sid)
        if subscription is not None:
            if limit > subscription.target.delivered:
                self.host.interest.limit(subscription, limit)
                if self.connection.debug:
                    tracing.deferred(self.connection, subscription)
            else:
                self._remove(subscription)
        if self.verbose:
            self.connection.outbox.send(encode.OK)

    def expire(self, subscription: Subscription) -> None:
        """The subscription has had the last message it asked for, as far as is known here."""
        if self.connection.debug:
            tracing.expired(self.connection, subscription)
        self._remove(subscription)

    def _remove(self, subscription: Subscription) -> None:
        del self.by_sid[subscription.sid]
        self.host.interest.remove(subscription)
        if self.connection.inlet.trace:
            tracing.removed(self.connection, subscription)

    def process_ping(self, _argument: bytes) -> None:
        """Answer, unless that was done while the peer waited."""
        self.connection.answer_ping()

    def process_pong(self, _argument: bytes) -> None:
        """The peer lives."""
        self.connection.note_pong()

    def process_ok(self, argument: bytes) -> None:
        """It has no effect, whatever its argument is."""
        del argument

    def note_activity(self) -> None:
        """This line counts as activity."""
        self.last_command = self.host.plane.now

    # --- ending ----------------------------------------------------------------------

    def closed(self) -> None:
        """The connection is closed: withdraw its login, give the subscriptions up."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()
        subscriptions = list(self.subscriptions.values())
        self.by_sid.clear()
        self.host.removals.add(subscriptions)


def error_of(fault: Fault, text: bytes, operation: str) -> ProtocolError:
    """The error for a message that the data plane could not take.

    `operation` is what gnatsd calls the parsing of such a line. `text` is what the data plane
    shows, see `Control.fault`; of a payload that is too large it is the size.
    """
    if fault is Fault.PAYLOAD:
        return _too_large(text, operation)
    if fault is Fault.LINE:
        return MaximumControlLine()
    if fault is Fault.TERMINATOR:
        return UnknownOperation(parser_complaint(_PAYLOAD_END, 0, text))
    what = "Parse Error" if fault is Fault.ARGUMENTS else "Bad or Missing Size"
    return ParserError(f"{operation} {what}: '{readable(text)}'")


def _too_large(digits: bytes, operation: str) -> ProtocolError:
    """The error for a size above the maximum; gnatsd reads it as 64 bits, which may be negative."""
    if len(digits) <= _MOST_DIGITS_TODAY:
        return MaximumPayload(readable(digits))
    if int(digits[-_DIGITS_THAT_COUNT:]) % 2**64 < 2**63:
        return OverlongSize(readable(digits))
    return ParserError(f"{operation} Bad or Missing Size: '{readable(digits)}'")
