"""Message tracing: messages that ask for it leave the data plane, and are reported (ADR 0063)."""

from collections.abc import Callable, Iterator
from functools import partial

from ..dataplane.reserved import is_reserved_reply
from ..dataplane.seam import HookedMessage, Plan, Target
from ..interest.dropped import dropped
from ..interest.subscription import Subscription
from ..message_trace.encodings import encoded
from ..message_trace.event import (
    NO_ECHO,
    NO_SUPPORT,
    NO_SUPPORT_ONLY,
    PUBLISH_DENIED,
    SUBSCRIPTION_DENIES,
    TraceEvent,
    TraceKind,
)
from ..message_trace.request import (
    ENCODING,
    HOP,
    ORIGIN,
    TraceRequest,
    read_request,
    untraced,
    with_field,
)
from ..peer_kind import PeerKind
from ..protocol.encode import OK
from ..subjects.subject import is_literal
from .connection import Connection
from .host import Host
from .in_turns import RECEIVERS_AT_ONCE, in_turns
from .local_client import LocalClient
from .peer import PeerSession
from .permission_guard import publish_violation
from .trace_senders import TraceSenders
from .traced_streams import TracedStreams, goes_to_stream

MOST_STEPS = 1024
"""Steps of one event; receivers after that get the message, and are not in the event."""

_KINDS = {
    PeerKind.CLIENT: TraceKind.CLIENT,
    PeerKind.ROUTE: TraceKind.ROUTE,
    PeerKind.LEAF: TraceKind.LEAF,
    PeerKind.HUB: TraceKind.LEAF,
}


class MessageTracing:
    """Of one server."""

    def __init__(self, host: Host, adopt: Callable[[LocalClient], None], wall: Callable[[], int]) -> None:
        """`wall` is nanoseconds since the epoch."""
        self._host = host
        self._wall = wall
        self.streams: TracedStreams | None = None
        """Those of this server; None if it has none."""
        self._senders = TraceSenders(host, adopt)
        self._sent = 0

    def take(self, peer: PeerSession, plan: Plan, message: HookedMessage) -> None:
        """Deliver a message that seems to ask for a trace, and report it if it does."""
        if peer.connection.closed:
            return
        request = read_request(message.payload[: message.header])
        if plan.denied:
            if request is not None and self._is_granted(peer, request):
                self._report_refused(peer, message, request)
            return
        if request is None:
            in_turns(peer, self._deliver(peer, plan, message, None))
        elif request.first(ORIGIN) or not request.has_subject():
            if not request.only:
                passed_on = untraced(message) if request.first(ORIGIN) else message
                in_turns(peer, self._deliver(peer, plan, passed_on, None))
        elif not self._is_granted(peer, request):
            peer.trace_denied(request.dest)
        else:
            event = TraceEvent(request, len(message.payload), self._wall)
            event.came_in(_KINDS[peer.kind], peer.number, peer.name, message.subject)
            in_turns(peer, self._trace(peer, plan, message, (event, request)))

    @staticmethod
    def _is_granted(peer: PeerSession, request: TraceRequest) -> bool:
        if request.first(ORIGIN) or not request.has_subject() or request.is_for_servers():
            return False
        return peer.may_trace_to(request.dest)

    def _report_refused(self, peer: PeerSession, message: HookedMessage, request: TraceRequest) -> None:
        """The event of a message that is denied; as in nats-server, only that of a client says why."""
        error = ""
        if peer.kind is PeerKind.CLIENT:
            reply = message.reply if is_reserved_reply(message.reply) else b""
            what = publish_violation(message.subject, reply).what.decode("utf-8", "replace")
            error = f"Permissions Violation for {what}"
        event = TraceEvent(request, len(message.payload), self._wall)
        event.came_in(_KINDS[peer.kind], peer.number, peer.name, message.subject, error)
        self._send(event, request)

    # --- delivering -----------------------------------------------------------------------

    def _trace(
        self, peer: PeerSession, plan: Plan, message: HookedMessage, trace: tuple[TraceEvent, TraceRequest]
    ) -> Iterator[None]:
        """Deliver a message, and report it, in steps."""
        event, request = trace
        yield from self._deliver(peer, plan, message, event)
        if peer.kind is not PeerKind.ROUTE:  # what comes over a route may be for one receiver alone
            self._note_dropped(event, message)
        event.delivered(partial(self._send, event, request))

    def _deliver(
        self, peer: PeerSession, plan: Plan, message: HookedMessage, event: TraceEvent | None
    ) -> Iterator[None]:
        """Give it to its receivers, unless it is only traced, and note who they are; servers come last.

        The receivers are those of the moment when it began. The publisher may leave between two steps.
        """
        plane, inlet, outbox = self._host.plane, peer.connection.inlet, peer.connection.outbox
        if inlet.verbose:
            outbox.send(OK)
        servers: list[tuple[Target, PeerSession]] = []
        reached = False
        for number, target in enumerate(plane.receivers(plan, None if inlet.echo else outbox), 1):
            receiver = _receiver_at(target)
            if receiver is not None and receiver.is_server:
                servers.append((target, receiver))
            elif receiver is not None:
                reached = True
                self._give(target, receiver, message, event)
            if number % RECEIVERS_AT_ONCE == 0:
                yield
        for target, server in servers:
            reached |= self._pass_on(target, server, message, event)
            yield
        if event is not None and not inlet.echo:
            yield from self._note_unechoed(peer, plan, event)
        is_asked = message.reply and inlet.no_responders and not peer.connection.closed
        if not reached and is_asked and is_literal(message.subject):
            peer.no_responders(message.subject, message.reply)

    def _give(
        self, target: Target, receiver: PeerSession, message: HookedMessage, event: TraceEvent | None
    ) -> None:
        """Give it to a client or to a part of this server, unless it is only traced, and note it."""
        only = event is not None and event.only
        if event is not None and not receiver.seen_by_hooks and not only:
            message = untraced(message)
        if event is not None and event.count < MOST_STEPS:
            own = target.subscription
            if receiver.seen_by_hooks and isinstance(own, Subscription):
                event.for_client(receiver.number, receiver.name, own.subject, own.queue)
            elif goes_to_stream(self.streams, event, target, message, only=only):
                return
        if not only:
            self._host.plane.deliver_to(target, message)

    def _pass_on(
        self, target: Target, server: PeerSession, message: HookedMessage, event: TraceEvent | None
    ) -> bool:
        """Give it to another server, which says itself who gets it there; whether it goes there.

        What is only traced does not go to those that would deliver it.
        """
        if event is not None:
            hop, error = event.next_hop(), ""
            if not server.traces:
                error = NO_SUPPORT_ONLY if event.only else NO_SUPPORT
            if event.count < MOST_STEPS:
                event.went_out(_KINDS[server.kind], server.number, server.name, hop, error)
            if event.only and not server.traces:
                return False
            message = self._with_hop(message, hop)
        self._host.plane.deliver_to(target, message)
        return True

    def _with_hop(self, message: HookedMessage, hop: str) -> HookedMessage:
        """The same with this way, unless that would be more than a link takes: it would end."""
        noted = with_field(message, HOP, hop)
        return message if 0 <= self._host.limits.max_payload < len(noted.payload) else noted

    def _note_unechoed(self, peer: PeerSession, plan: Plan, event: TraceEvent) -> Iterator[None]:
        """The publisher's own subscriptions, of a client that wants no echo."""
        for number, target in enumerate(self._host.plane.receivers(plan, None), 1):
            if number % RECEIVERS_AT_ONCE == 0:
                yield
            own = target.subscription
            if event.count >= MOST_STEPS:
                break
            if isinstance(own, Subscription) and own.subscriber.number == peer.number and own.queue is None:
                event.for_client(peer.number, peer.name, own.subject, None, NO_ECHO)

    def _note_dropped(self, event: TraceEvent, message: HookedMessage) -> None:
        """Those here whose rules keep it from them."""
        for one in dropped(self._host.interest, message, self._host.plane.is_over):
            receiver = one.subscriber
            number, name = receiver.number, receiver.hook_client.name
            if event.count >= MOST_STEPS:
                break
            if receiver.kind is PeerKind.CLIENT:
                event.for_client(number, name, one.subject, None, SUBSCRIPTION_DENIES)
            else:
                event.went_out(_KINDS[receiver.kind], number, name, event.next_hop(), PUBLISH_DENIED)

    # --- sending ---------------------------------------------------------------------------

    def _send(self, event: TraceEvent, request: TraceRequest) -> None:
        """Publish the event."""
        self._sent += 1
        text = event.text(self._host.greeting.info, self._sent)
        name, data = encoded(request.first(ENCODING), text)
        head = f"NATS/1.0\r\nContent-Encoding: {name}\r\n\r\n".encode() if name else b""
        self._senders.send(request.dest, data, head)


def _receiver_at(target: Target) -> PeerSession | None:
    """Whose connection it is; None if that has ended."""
    owner = None if target.outbox is None or target.outbox.closed else target.outbox.owner
    return owner.session if isinstance(owner, Connection) else None
