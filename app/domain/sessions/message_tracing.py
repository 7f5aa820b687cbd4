"""Message tracing: messages that ask for it leave the data plane, and are reported (ADR 0063)."""

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Protocol

from ..dataplane.reserved import is_reserved_reply
from ..dataplane.seam import HookedMessage, Plan
from ..interest.subscription import Subscription
from ..message_trace.encodings import encoded
from ..message_trace.event import NO_ECHO, NO_SUPPORT, NO_SUPPORT_ONLY, TraceEvent, TraceKind
from ..message_trace.request import ENCODING, ORIGIN, TraceRequest, read_request, untraced
from ..peer_kind import PeerKind
from ..subjects.subject import is_literal
from .connection import Connection
from .host import Host
from .local_client import LocalClient
from .permission_guard import publish_violation

MOST_STEPS = 1024
"""Steps of one event; receivers after that get the message, and are not in the event."""

MOST_WAITING = 1024 * 1024
"""Bytes of events that may wait for a slow receiver; what comes after that is not sent."""


_SERVERS = {PeerKind.ROUTE: TraceKind.ROUTE, PeerKind.LEAF: TraceKind.LEAF, PeerKind.HUB: TraceKind.LEAF}


class TracedPeer(Protocol):
    """The session whose message is traced."""

    host: Host[Connection]
    connection: Connection

    @property
    def number(self) -> int:
        """Of its connection."""
        ...

    @property
    def name(self) -> str:
        """That the client gave itself."""
        ...

    def may_trace_to(self, dest: bytes) -> bool:
        """Whether its rules let it publish there."""
        ...

    def denied(self, subject: bytes, reply: bytes) -> None:
        """Refuse a message on this subject."""
        ...

    def no_responders(self, subject: bytes, reply: bytes) -> None:
        """Its message with this reply subject reached nobody."""
        ...


class TraceSender(LocalClient):
    """Publishes the events."""

    seen_by_hooks: ClassVar[bool] = False


class MessageTracing:
    """Of one server. Implements `host.TakesTraced`."""

    def __init__(
        self, host: Host[Connection], adopt: Callable[[LocalClient], None], wall: Callable[[], int]
    ) -> None:
        """`wall` is nanoseconds since the epoch."""
        self._host = host
        self._adopt = adopt
        self._wall = wall
        self._sender: TraceSender | None = None
        self._sent = 0

    def take(self, peer: TracedPeer, plan: Plan, message: HookedMessage) -> None:
        """Deliver a message that seems to ask for a trace, and report it if it does."""
        request = read_request(message.payload[: message.header])
        if plan.denied:
            if request is not None and self._is_granted(peer, request):
                self._report_refused(peer, message, request)
            return
        if request is None:
            self._deliver(peer, plan, message, None, only=False)
        elif request.first(ORIGIN) or not request.has_subject():
            if not request.only:
                passed_on = untraced(message) if request.first(ORIGIN) else message
                self._deliver(peer, plan, passed_on, None, only=False)
        elif not self._is_granted(peer, request):
            peer.denied(request.dest, b"")
        else:
            event = TraceEvent(request, len(message.payload), self._wall)
            event.came_in(peer.number, peer.name, message.subject)
            self._deliver(peer, plan, message, event, only=request.only)
            self._send(event, request)

    @staticmethod
    def _is_granted(peer: TracedPeer, request: TraceRequest) -> bool:
        if request.first(ORIGIN) or not request.has_subject() or request.is_for_servers():
            return False
        return peer.may_trace_to(request.dest)

    def _report_refused(self, peer: TracedPeer, message: HookedMessage, request: TraceRequest) -> None:
        reply = message.reply if is_reserved_reply(message.reply) else b""
        what = publish_violation(message.subject, reply).what.decode("utf-8", "replace")
        event = TraceEvent(request, len(message.payload), self._wall)
        event.came_in(peer.number, peer.name, message.subject, f"Permissions Violation for {what}")
        self._send(event, request)

    # --- delivering -----------------------------------------------------------------------

    def _deliver(
        self, peer: TracedPeer, plan: Plan, message: HookedMessage, event: TraceEvent | None, *, only: bool
    ) -> None:
        """Give it to its receivers, but for `only`, and note in the event who they are."""
        plane, own = self._host.plane, peer.connection
        elsewhere = message if event is None else untraced(message)
        receivers = plane.receivers(plan, None if own.inlet.echo else own.outbox)
        pairs = [(one, sub) for one in receivers if isinstance(sub := one.subscription, Subscription)]
        for target, subscription in pairs:
            kind = _kind_of(subscription)
            if event is not None and event.count < MOST_STEPS:
                _note(event, subscription, kind, only=only)
            if not only:
                plane.deliver_to(target, message if kind is TraceKind.CLIENT else elsewhere)
        if event is not None and not own.inlet.echo:
            self._note_unechoed(peer, plan, event)
        if not receivers and message.reply and own.inlet.no_responders and is_literal(message.subject):
            peer.no_responders(message.subject, message.reply)

    def _note_unechoed(self, peer: TracedPeer, plan: Plan, event: TraceEvent) -> None:
        """The publisher's own subscriptions, of a client that wants no echo."""
        for target in self._host.plane.receivers(plan, None):
            own = target.subscription
            if isinstance(own, Subscription) and own.subscriber.number == peer.number and own.queue is None:
                event.for_client(peer.number, peer.name, own.subject, None, NO_ECHO)

    # --- sending ---------------------------------------------------------------------------

    def _send(self, event: TraceEvent, request: TraceRequest) -> None:
        """Publish the event; one that is larger than messages may be is lost."""
        sender = self._sender
        if sender is None or sender.closed:
            sender = self._sender = TraceSender(self._host, "message trace")
            self._adopt(sender)
        self._sent += 1
        text = event.text(self._host.greeting.info, self._sent)
        name, data = encoded(request.first(ENCODING), text)
        head = f"NATS/1.0\r\nContent-Encoding:{name}\r\n\r\n".encode() if name else b""
        if sender.waiting + len(head) + len(data) <= MOST_WAITING:
            with suppress(ValueError):  # larger than messages, or their lines, may be
                sender.publish(request.dest, data, headers=head)


def _kind_of(subscription: Subscription) -> TraceKind:
    subscriber = subscription.subscriber
    inside = TraceKind.CLIENT if subscriber.seen_by_hooks else TraceKind.JETSTREAM
    return _SERVERS.get(subscriber.kind, inside)


def _note(event: TraceEvent, subscription: Subscription, kind: TraceKind, *, only: bool) -> None:
    subscriber = subscription.subscriber
    number, name = subscriber.number, subscriber.hook_client.name
    if kind is TraceKind.CLIENT:
        event.for_client(number, name, subscription.subject, subscription.queue)
    elif kind is TraceKind.JETSTREAM:
        event.went_out(kind, number, name)
    else:
        event.went_out(kind, number, name, NO_SUPPORT_ONLY if only else NO_SUPPORT)
