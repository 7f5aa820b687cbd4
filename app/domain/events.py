"""Facts the broker reports, in the past tense.

A fact carries its data as fields and knows the sentence operators of gnatsd
expect to read (client-protocol.md, section 16; configuration-file.md, section 7).
It holds no format: an adapter decides how a line looks, and where it goes.
"""

from enum import Enum
from typing import ClassVar, Protocol

from .address import joined
from .peer_kind import role_of
from .value_object import value_object


class Level(Enum):
    """Severity, by the three letters gnatsd prints."""

    INFO = "INF"
    DEBUG = "DBG"
    TRACE = "TRC"
    ERROR = "ERR"
    FATAL = "FTL"


@value_object
class Link:
    """Which connection a fact is about.

    ``kind`` is the value of a `PeerKind`, as ``cid`` for a client; ``address`` is the
    peer as ``ip:port``, IPv6 without brackets; or ``unix:`` and its process.
    """

    kind: str
    number: int
    address: str


@value_object
class Event:
    """A fact about the server, or about one connection when ``link`` is set."""

    level: ClassVar[Level]
    sentence: ClassVar[str]
    bounded: ClassVar[bool] = True
    """Whether a log may sum up many facts of this kind within a second; not what only the operator causes."""

    link: Link | None

    @property
    def role(self) -> str:
        """What gnatsd calls the peer."""
        return role_of(self.link.kind if self.link is not None else "")

    def text(self) -> str:
        """The sentence, its placeholders filled from the fields."""
        return self.sentence.format(self=self)


class EventSink(Protocol):
    """Where the domain reports; the contract is in ``app.ports.event_log``."""

    @property
    def debug(self) -> bool:
        """Whether debug facts are wanted."""
        ...

    @property
    def trace(self) -> bool:
        """Whether the lines of the protocol are wanted."""
        ...

    def record(self, event: Event) -> None:
        """Log a fact."""
        ...


@value_object
class AddressEvent(Event):
    """A fact about an address where the server listens, or tries to."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """Both, as operators write them."""
        return joined(self.host, self.port)


@value_object
class Listening(AddressEvent):
    """Clients can connect at this address."""

    level = Level.INFO
    sentence = "Listening for client connections on {self.address}"


@value_object
class ServerReady(Event):
    """All ports are open."""

    level = Level.INFO
    sentence = "Server is ready"


@value_object
class LameDuckEntered(Event):
    """The server is about to stop, and clients should go elsewhere."""

    level = Level.INFO
    sentence = "Entering lame duck mode, stop accepting new clients"


@value_object
class LameDuckClosing(Event):
    """The grace period is over."""

    level = Level.INFO
    sentence = "Closing existing clients: {self.count}"

    count: int


@value_object
class ServerExiting(Event):
    """The server begins to stop."""

    level = Level.INFO
    sentence = "Server Exiting.."


@value_object
class ListenFailed(AddressEvent):
    """The port for clients cannot be opened; the server ends."""

    level = Level.FATAL
    sentence = 'Error listening on port: {self.address}, "{self.reason}"'

    reason: str


@value_object
class MonitorStarting(AddressEvent):
    """Monitoring can be reached at this address."""

    level = Level.INFO
    sentence = "Starting {self.scheme} monitor on {self.address}"

    scheme: str


@value_object
class MonitorFailed(Event):
    """A defect of ours; one request for a page went unanswered."""

    level = Level.ERROR
    sentence = "Internal error in monitoring: {self.reason}"

    reason: str


@value_object
class AcceptFailed(Event):
    """Accepting a connection failed, usually for lack of descriptors."""

    level = Level.ERROR
    sentence = "Temporary Client Accept Error({self.reason}), sleeping {self.delay_ms}ms"

    reason: str
    delay_ms: int


@value_object
class InternalFailure(Event):
    """A defect of ours; the affected connection was closed, all others continue."""

    level = Level.ERROR
    sentence = "Internal error, connection closed: {self.reason}"

    reason: str


@value_object
class ServerFailure(Event):
    """A defect of ours that affected no single connection; nothing was closed."""

    level = Level.ERROR
    sentence = "Internal error, the server continues: {self.reason}"

    reason: str


@value_object
class ClientConnected(Event):
    """A client was accepted."""

    level = Level.DEBUG
    sentence = "Client connection created"


@value_object
class ConnectionClosed(Event):
    """A connection was closed."""

    level = Level.DEBUG
    sentence = "{self.role} connection closed"


@value_object
class PingTimerFired(Event):
    """A ping is due."""

    level = Level.DEBUG
    sentence = "{self.role} Ping Timer"


@value_object
class StaleConnection(Event):
    """A peer did not answer pings and is closed."""

    level = Level.DEBUG
    sentence = "Stale Client Connection - Closing"


@value_object
class AuthorizationTimedOut(Event):
    """A peer showed no credentials in time and is closed."""

    level = Level.DEBUG
    sentence = "Authorization Timeout"


@value_object
class AuthorizationFailed(Event):
    """A peer showed wrong credentials, or none, and is closed."""

    level = Level.ERROR
    sentence = "Authorization Error"


@value_object
class PublishDenied(Event):
    """A client has published to a subject, or with a reply subject, that it may not."""

    level = Level.ERROR
    sentence = '"{self.who}" - Publish Violation - {self.what} "{self.subject}"'

    who: str
    """Account and user, as nats-server writes them."""
    what: str
    """Whether the subject is the message's or its ``Reply``: ``Subject`` or that."""
    subject: str
    """With escapes, as in Go."""


@value_object
class SubscriptionDenied(Event):
    """A client has subscribed to a subject that it may not."""

    level = Level.ERROR
    sentence = '"{self.who}" - Subscription Violation - Subject "{self.subject}"{self.group}, SID {self.sid}'

    who: str
    """Account and user, as nats-server writes them."""
    subject: str
    """With escapes, as in Go."""
    queue: str
    """The same; empty if it is for no queue group."""
    sid: str

    @property
    def group(self) -> str:
        """What the sentence says of the queue group."""
        return f', Queue: "{self.queue}"' if self.queue else ""


@value_object
class SubscriptionRemoved(Event):
    """A reload has taken away the right to a subscription."""

    level = Level.INFO
    sentence = 'Removed sub "{self.subject}" (sid "{self.sid}") for "{self.who}" - not authorized'

    who: str
    subject: str
    sid: str


@value_object
class ConnectionsTrimmed(Event):
    """The limit of connections was lowered."""

    level = Level.INFO
    sentence = "Closed {self.count} connections to fall within max_connections"

    count: int


@value_object
class UnsubscribeDeferred(Event):
    """An UNSUB with a limit came in that is not reached yet."""

    level = Level.DEBUG
    sentence = "Deferring actual UNSUB({self.subject}): {self.limit} max, {self.delivered} received"

    subject: str
    limit: int
    delivered: int


@value_object
class AutoUnsubscribed(Event):
    """A subscription got its last message, by its limit."""

    level = Level.DEBUG
    sentence = "Auto-unsubscribe limit of {self.limit} reached for sid '{self.sid}'"

    limit: int
    sid: str


@value_object
class PayloadExceeded(Event):
    """A client announced a message above `max_payload` and is closed."""

    level = Level.ERROR
    sentence = "Maximum Payload Exceeded: {self.size} vs {self.limit}"

    size: str
    limit: int


@value_object
class ConnectionsExceeded(Event):
    """A client came when there were `max_connections` already, and is closed."""

    level = Level.ERROR
    sentence = "Maximum Connections Exceeded: {self.limit}"

    limit: int


@value_object
class ClientReportedError(Event):
    """A client sent -ERR and is closed."""

    level = Level.ERROR
    sentence = "Client Error {self.message}"

    message: str


@value_object
class ReadFailed(Event):
    """A protocol error: what the client sent could not be understood."""

    level = Level.ERROR
    sentence = "Error reading from client: {self.reason}"

    reason: str


@value_object
class SlowConsumer(Event):
    """``reason`` names the limit that was passed, for readers of JSON lines."""

    level = Level.INFO
    sentence = "Slow Consumer Detected: {self.reason}"

    reason: str


@value_object
class PublishersHeld(Event):
    """Publishers have waited noticeably for this receiver."""

    level = Level.INFO
    sentence = "Publishers wait for {self.receiver}: {self.publishers} held, {self.pending} bytes pending"

    name: str
    """The name of the receiver in its CONNECT; may be empty."""
    publishers: int
    pending: int

    @property
    def receiver(self) -> str:
        """How the sentence names the receiver."""
        return f'"{self.name}"' if self.name else f"this {self.role.lower()}"


@value_object
class LineReceived(Event):
    """A line of the protocol came in, without secrets."""

    level = Level.TRACE
    sentence = "->> [{self.line}]"

    line: str


@value_object
class PayloadReceived(Event):
    """The payload of a message came in."""

    level = Level.TRACE
    sentence = "->> MSG_PAYLOAD: [{self.payload}]"

    payload: str


@value_object
class LineSent(Event):
    """A line of the protocol went out."""

    level = Level.TRACE
    sentence = "<<- [{self.line}]"

    line: str


@value_object
class SubscriptionDeleted(Event):
    """A subscription was removed; its connection stays open."""

    level = Level.TRACE
    sentence = "<-> [DELSUB {self.sid}]"

    sid: str
