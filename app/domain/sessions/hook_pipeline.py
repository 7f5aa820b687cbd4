"""The pipeline of hooks: how the messages of one peer go past them (ADR 0047).

The data plane hands over a message whose subject hooks want to see, and the pipeline asks them. What
goes on is put into an inlet of its own, past the hooks, so that it takes the way of all messages:

    inlet ──> publish hooks ──> inlet past the hooks ──> deliver hooks, for each receiver ──> outboxes

One message is under way at a time. Until it is through, the peer waits, so its messages stay in order.
"""

from functools import partial
from typing import TYPE_CHECKING

from ..dataplane.seam import Hook, HookedMessage, Inlet, Kind, Plan
from ..hooks.decisions import Refuse
from ..hooks.gate import HookGate, Verdict
from ..hooks.hook_event import HookPoint, message_event
from ..hooks.rewriting import published, rewritten
from ..interest.routing import Audience
from ..protocol.encode import OK
from .asking_hooks import publish_refused
from .hooked_delivery import HookedDelivery

if TYPE_CHECKING:
    from .peer import PeerSession


class HookPipeline:
    """Of one connection, made for its first message that hooks see."""

    __slots__ = ("_delivery", "_hooks", "_peer", "inlet")

    def __init__(self, peer: "PeerSession", hooks: HookGate) -> None:
        self._peer = peer
        self._hooks = hooks
        self._delivery: HookedDelivery | None = None
        self.inlet: Inlet = peer.host.plane.inlet(peer, peer.connection.outbox, Kind.CLIENT)
        """Past the publish hooks."""
        self.inlet.publishing = self.inlet.headers = True
        self.inlet.audience = Audience.PASSED

    # --- asked by the connection -----------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a message is under way that can go on."""
        return self._delivery is not None or self.inlet.has_rest()

    def close(self) -> None:
        """The connection is closed: what is under way is lost."""
        self.inlet.closed = True
        self._delivery = None

    def go_on(self) -> bool:
        """Go on with the message under way; whether the peer may be served further."""
        connection = self._peer.connection
        if self._delivery is not None:
            self._deliver(self._delivery)
        if self.inlet.has_rest() and connection.may_read():
            connection.obey(self._peer.host.plane.ingest(self.inlet, 0))
        return connection.may_read()

    # --- asked by the data plane --------------------------------------------------------

    def take(self, plan: Plan, message: HookedMessage) -> bool:
        """A message that hooks have to see; whether the peer may be served further."""
        connection = self._peer.connection
        if plan.hook == Hook.PUBLISH:
            self._ask(message)
        else:
            if connection.inlet.verbose:
                connection.outbox.send(OK)
            self._deliver(HookedDelivery(self._peer, self._hooks, plan, message))
        return connection.may_read()

    # --- publish hooks --------------------------------------------------------------------

    def _ask(self, message: HookedMessage) -> None:
        event = message_event(self._peer.hook_client, message)
        limits = self._peer.host.limits
        verdict = self._hooks.ask(
            HookPoint.PUBLISH, event, partial(self._answered, message), partial(rewritten, message, limits)
        )
        if verdict is None:
            self._peer.connection.wait()
        else:
            self._obey(message, verdict)
            self.go_on()

    def _answered(self, message: HookedMessage, verdict: Verdict) -> None:
        self._peer.connection.guard(partial(self._resume, message, verdict))

    def _resume(self, message: HookedMessage, verdict: Verdict) -> None:
        connection = self._peer.connection
        if not connection.closed:
            self._obey(message, verdict)
            self._peer.host.deferred.flush()
            connection.go_on()

    def _obey(self, message: HookedMessage, verdict: Verdict) -> None:
        if isinstance(verdict, Refuse):
            self._peer.refuse(publish_refused(message.subject, verdict))
            return
        new = verdict if isinstance(verdict, HookedMessage) else message
        own, past, plane = self._peer.connection.inlet, self.inlet, self._peer.host.plane
        past.verbose, past.echo, past.no_responders = own.verbose, own.echo, own.no_responders
        # The plane counts it again, as received past the hooks.
        plane.in_msgs -= 1
        plane.in_bytes -= len(new.payload)
        past.put(published(new))

    # --- deliver hooks ----------------------------------------------------------------------

    def _deliver(self, delivery: HookedDelivery) -> None:
        self._delivery = None if delivery.go_on() else delivery
