"""Leaf session: the protocol over one leaf link.

    the leaf node (it has dialled)            the hub
    ──────────────────────────────            ───────
                                              INFO
    CONNECT                                   judged; INFO again, and all interest
    all interest
    LS+, LS-, LMSG in both directions from here on

What differs between the two ends of the handshake is in ``accepted`` and ``dialled``. Which end is the
hub for messages is another question: a remote with `hub` swaps the parts. `LeafSession.kind` answers it.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Protocol

from ..dataplane.reach import Naming
from ..dataplane.seam import Fault, Kind
from ..events import AuthorizationFailed, Event, PayloadExceeded, ReadFailed
from ..interest.message_source import MessageSource
from ..interest.subscription import Subscription, route_sid
from ..limits import Limits, route_line
from ..peer_kind import PeerKind
from ..permissions.responses import OpenReplies
from ..permissions.rules import Rule
from ..protocol.commands import Subscribe, readable
from ..protocol.compatibility import Compatibility
from ..protocol.errors import (
    AuthorizationViolation,
    InvalidSubject,
    MaximumPayload,
    ParserError,
    PermissionsViolation,
    ProtocolError,
)
from ..protocol.quoting import quoted
from ..sessions import tracing
from ..sessions.connection import Connection
from ..sessions.host import Host
from ..sessions.peer import PeerSession, error_of
from .connect import TRACING
from .errors import InvalidLeafInterest, LeafInterestExceeded, LeafLoop
from .events import LeafErrorReceived, LeafRefused
from .lines import (
    ADD,
    LOOP_SUBJECTS,
    REMOVE,
    LeafInterest,
    interest_sid,
    note_reply,
    parse_added,
    parse_removed,
    refuse_partial_leaf,
    split_leaf,
)
from .link_interest import LinkInterest
from .link_rights import EVERYTHING, LinkRights, link_rights
from .settings import GLOBAL

MOST_INTERESTS = 1_000_000
"""Subjects and queue groups that one link may announce."""


class LeafLinks(Protocol):
    """All leaf links, as one of them knows them."""

    @property
    def loop_subject(self) -> bytes:
        """Subject by which we find that what we have announced comes back to us."""
        ...

    @property
    def interest(self) -> LinkInterest:
        """The interest that links announce."""
        ...

    @property
    def denied(self) -> tuple[str, ...]:
        """Subjects that pass no link."""
        ...

    def begin(self, session: "LeafSession") -> None:
        """The handshake of a link is over."""
        ...

    def closed(self, session: "LeafSession") -> None:
        """The link is closed."""
        ...


class LeafSession(PeerSession):
    """One leaf link: what each line of the other end does. Implements `EstablishedLink`."""

    account: ClassVar[str] = GLOBAL

    __slots__ = (
        "_name",
        "_takes",
        "cluster_tag",
        "established",
        "kind",
        "links",
        "parting",
        "rights",
        "traces",
        "weights",
    )

    def __init__(self, host: Host, links: LeafLinks, connection: Connection, *, admitted: bool) -> None:
        self.links = links
        self.kind = connection.kind
        self._name = ""
        self.cluster_tag = b""
        """The cluster of the other end, in short; see `Subscription.via`."""
        self.established = False
        """Whether the handshake is over."""
        self.parting = ""
        """Why the link ended, as far as one of both ends has said so."""
        self.rights: LinkRights = EVERYTHING
        self.traces = False
        self.weights: dict[bytes, int] = {}
        """Of queue groups that count for more than one member, by sid."""
        connection.outbox.leaf = True
        connection.outbox.naming = Naming.MEMBERS
        super().__init__(host, connection, admitted=admitted)

    @property
    def dialect(self) -> Kind:
        """See `PeerSession`."""
        return Kind.LEAF

    def via(self, sid: bytes) -> bytes | None:
        """See `Subscriber`."""
        del sid
        return self.cluster_tag

    def weight(self, sid: bytes) -> int:
        """See `Subscriber`."""
        return self.weights.get(sid, 1)

    @property
    def name(self) -> str:
        """The name of the other end."""
        return self._name

    @property
    @abstractmethod
    def solicited(self) -> bool:
        """Whether we have dialled."""

    @property
    def is_spoke(self) -> bool:
        """Whether we are the leaf node of this link."""
        return self.kind is PeerKind.HUB

    @property
    def reason(self) -> str:
        """Why the link ended, for people."""
        return self.parting or self.connection.cause or "closed by this server"

    def configure(self, limits: Limits) -> None:
        """Lines of servers may be longer than those of clients."""
        self.line_limit = route_line(limits.max_control_line)

    # --- the handshake -------------------------------------------------------------

    def take_kind(self, *, peer_is_hub: bool) -> None:
        """Which end is the hub is known."""
        self.kind = self.connection.kind = PeerKind.HUB if peer_is_hub else PeerKind.LEAF

    def name_peer(self, name: str, cluster: str) -> None:
        """The identity of the other end."""
        self._name = name
        self.cluster_tag = tag_of(cluster)

    def limit(
        self,
        receive: Sequence[Rule | None],
        send: Sequence[Rule | None],
        replies: OpenReplies | None = None,
    ) -> None:
        """Let all these rules hold from now on. Interest that is known already keeps its filter.

        With `replies` the other end may answer what is sent to it, besides what it may send anyway.
        """
        rights = self.rights = link_rights(receive, send, self.links.denied, replies)
        if replies is not None:
            self.connection.watch(partial(note_reply, replies))
        excluded = self.cluster_tag if self.kind is PeerKind.LEAF else None
        source = MessageSource(self.kind, [self.number], excluded, rights.receive)
        self.connection.inlet.audience = self.host.interest.open_link(self.number, source)

    def establish(self, *, headers: bool, protocol: int) -> None:
        """The handshake is over: messages count from now on. `headers`: the other end takes those."""
        headers = headers and self.host.compatibility is Compatibility.CURRENT
        self.connection.inlet.headers = self.connection.outbox.headers = headers
        self.traces = headers and protocol >= TRACING
        self.connection.inlet.traces = headers and self.host.tracing is not None
        self.connection.inlet.publishing = True
        self.established = True
        self.links.begin(self)

    # --- called by the data plane -----------------------------------------------------

    def line(self, line: bytes) -> bool:
        """See `PeerSession`."""
        self.lines += 1
        try:
            if not self.admitted and line[:1] not in (b"C", b"c"):
                raise AuthorizationViolation
            verb, argument = split_leaf(line, self.line_limit)
            tracing.line_received(self.connection, verb, argument)
            self._obey_line(verb, argument)
        except ProtocolError as error:
            self.refuse(error)
        return self.connection.may_read()

    def _obey_line(self, verb: bytes, argument: bytes) -> None:
        if verb in (ADD, REMOVE):
            if not self.established:
                raise ParserError(f"{readable(verb)} before the handshake of a leaf link is over")
            self.note_activity()
            (self._add if verb == ADD else self._drop)(argument)
        else:
            self._process[verb](self, argument)

    def partial(self, rest: bytes) -> bool:
        """See `PeerSession`."""
        try:
            if not self.admitted and rest[:1] not in (b"C", b"c"):
                raise AuthorizationViolation
            refuse_partial_leaf(rest, self.line_limit, publishing=self.connection.inlet.publishing)
        except ProtocolError as error:
            self.refuse(error)
        return not self.connection.closed

    def fault(self, fault: int, text: bytes) -> None:
        """See `PeerSession`."""
        text = tracing.fault_received(self.connection, b"LMSG", Fault(fault), text)
        self.refuse(error_of(Fault(fault), text, "processLeafMsgArgs"))

    def denied(self, subject: bytes, reply: bytes) -> None:
        """A leaf node must not send this; what a hub sends against our wish is dropped."""
        del reply
        if not self.is_spoke:
            self.refuse(PermissionsViolation(what=b"Publish to " + quoted(subject)))

    def may_trace_to(self, dest: bytes) -> bool:
        """Whether the other end may send messages there; as in nats-server, replies do not count."""
        return self.rights.receive is None or not self.rights.receive.drops(dest)

    # --- errors -------------------------------------------------------------------------

    def refuse(self, error: ProtocolError) -> None:
        """Close for everything but interest in a subject that none can have."""
        if isinstance(error, InvalidLeafInterest):
            super().refuse(error)
        else:
            self.connection.closes_for(error.closing)
            self.end(self.event_of(error), self.wire_of(error))

    def wire_of(self, error: ProtocolError) -> bytes:
        """Nothing is said of what could not be understood."""
        return b"" if isinstance(error, ParserError) else error.wire(Compatibility.CURRENT)

    def event_of(self, error: ProtocolError) -> Event:
        """See `PeerSession`."""
        link = self.connection.link
        if isinstance(error, AuthorizationViolation):
            return AuthorizationFailed(link)
        if isinstance(error, MaximumPayload):
            return PayloadExceeded(link, error.reason, self.host.limits.max_payload)
        if isinstance(error, ParserError):
            return ReadFailed(link, error.log_text(self.kind.role))
        if isinstance(error, PermissionsViolation):
            return LeafRefused(link, f"Permissions Violation for {readable(error.what)}")
        return LeafRefused(link, error.log_text(self.kind.role))

    def end(self, event: Event, farewell: bytes = b"") -> None:
        """See `PeerSession`."""
        self.parting = self.parting or event.text()
        super().end(event, farewell)

    def process_err(self, argument: bytes) -> None:
        """The other end has sent -ERR; it closes the link itself if the error is fatal."""
        text = readable(argument)
        self.parting = text.strip("'")
        self.report(LeafErrorReceived(self.connection.link, text))

    # --- interest -------------------------------------------------------------------------

    def _add(self, argument: bytes) -> None:
        """The other end listens to something, or counts for more or fewer members of a queue group."""
        interest = parse_added(argument)
        subject, queue, weight = interest
        if subject == self.links.loop_subject:
            raise LeafLoop
        sid = interest_sid(subject, queue)
        known = self.subscriptions.get(sid)
        if known is None:
            self._begin(interest, sid)
        elif queue is not None and weight != self.weight(sid):
            self._weigh(known, weight)

    def _begin(self, interest: LeafInterest, sid: bytes) -> None:
        """Take note of interest that is new; others hear of its weight at once."""
        weight = interest.weight
        if weight != 1:
            self.weights[sid] = weight
        try:
            subscription = self._subscribe(interest, sid)
        except ProtocolError:
            self.weights.pop(sid, None)
            raise
        if weight != 1:
            self.host.interest.weigh(subscription, weight)
            self.links.interest.weighed(subscription, weight - 1)

    def _subscribe(self, interest: LeafInterest, sid: bytes) -> Subscription:
        subject, queue, _ = interest
        if len(self.subscriptions) >= MOST_INTERESTS:
            raise LeafInterestExceeded
        if not subject.startswith(LOOP_SUBJECTS):
            self.check_interest(subject)
        command = Subscribe(subject, queue, sid)
        try:
            subscription = self.host.interest.subscribe(
                self, self.connection.outbox, command, self.rights.send
            )
        except InvalidSubject as error:
            raise InvalidLeafInterest from error
        self.keep(subscription)
        return subscription

    @abstractmethod
    def check_interest(self, subject: bytes) -> None:
        """Raise an error for interest that the other end must not have."""

    def _weigh(self, subscription: Subscription, weight: int) -> None:
        before, name = self.weight(subscription.sid), route_sid(subscription)
        if weight == 1:
            del self.weights[subscription.sid]
        else:
            self.weights[subscription.sid] = weight
        self.host.interest.weigh(subscription, weight, name)
        self.links.interest.weighed(subscription, weight - before)

    def _drop(self, argument: bytes) -> None:
        """The other end ends some interest; an end of unknown interest is ignored."""
        subject, queue, _ = parse_removed(argument)
        sid = interest_sid(subject, queue)
        subscription = self.subscriptions.pop(sid, None)
        if subscription is not None:
            self.host.interest.remove(subscription)
            self.weights.pop(sid, None)
            if self.connection.inlet.trace:
                tracing.removed(self.connection, subscription)

    def announces(self, subject: bytes) -> bool:
        """See `EstablishedLink`."""
        is_for_loops = subject.startswith(LOOP_SUBJECTS)
        return is_for_loops or self.rights.receive is None or self.rights.receive.concerns(subject)

    def announce(self, line: bytes) -> None:
        """See `EstablishedLink`."""
        self.connection.outbox.send(line)
        if self.connection.outbox.trace:
            self.connection.report_sent(readable(line[:-2]))

    # --- ending ---------------------------------------------------------------------------

    def closed(self) -> None:
        """The link is closed: what was announced over it is removed."""
        self.connection.watch(None)
        self.links.interest.close(self)
        self.host.interest.close_link(self.number)
        super().closed()
        self.links.closed(self)


def tag_of(cluster: str) -> bytes:
    """The name of a cluster in short, as one word."""
    return hashlib.blake2b(cluster.encode("utf-8", "replace"), digest_size=6).hexdigest().encode()
