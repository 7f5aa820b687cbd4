"""A flow on a manual clock, with peers that a test lets publish and read."""

from app.adapters.clock_manual import ManualClock
from app.domain.limits import Limits
from app.domain.sessions.congestion import TICK
from app.domain.sessions.flow import Flow
from tests.fakes.flow_peer import FlowPeer

LIMITS = Limits(max_pending=100_000, write_deadline=3.0, delay_budget=2.0)
HOLD = LIMITS.hold_above
LITTLE = 100
DELAYED = "publishers waited 2s (write_deadline) for it"


class LateClock(ManualClock):
    """A clock whose calls are `late` seconds late."""

    late = 0.0

    def monotonic(self) -> float:
        """The time at which calls are made."""
        return super().monotonic() + self.late


class Scene:
    """A flow on a manual clock, and its peers."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.clock = LateClock()
        self.flow = Flow(limits, self.clock)

    def peer(self) -> FlowPeer:
        """A peer with the usual alarm."""
        peer = FlowPeer(self.flow)
        peer.outbox.alarm = self.limits.hold_above
        return peer

    def publish(self, publisher: FlowPeer, *receivers: FlowPeer, count: int = LITTLE) -> bool:
        """Deliver one message as a plane does; returns whether the publisher was held instead."""
        self.flow.publisher = publisher
        self.flow.pressing.clear()
        publisher.serves = list(receivers)
        asked = [one.outbox.congested and self.flow.pressed(one) for one in receivers]
        held = any(asked)
        for receiver in () if held else receivers:
            receiver.outbox.queue(count)
            if receiver.outbox.pending() > receiver.outbox.alarm:
                self.flow.pressed(receiver)
        if held:
            self.flow.hold(publisher)
        self.flow.publisher = None
        return held

    def congest(self, receiver: FlowPeer, publisher: FlowPeer, *others: FlowPeer) -> None:
        """Congest the receiver; the publishers are held at their next message."""
        self.publish(self.peer(), receiver, count=HOLD + LITTLE)
        for one in (publisher, *others):
            assert self.publish(one, receiver)

    def crawl(self, receiver: FlowPeer, seconds: float, taken: int = 1) -> None:
        """Let the receiver take a few bytes at each check, for some seconds."""
        for _ in range(round(seconds / TICK)):
            receiver.outbox.take(taken)
            self.clock.advance(TICK)
