"""Flow control: who pays when a reader is slow.

A receiver with more pending bytes than `Limits.hold_above` is congested. While
it makes progress its publishers wait; when it drains they go on. Without any
progress for `HOLD_SECONDS` they stop waiting for it, so that two peers that
write to each other before they read are not stuck for ever. Without progress
for `write_deadline`, or beyond `max_pending`, it is a slow consumer and is cut.

Between servers only the quick are waited for: behind a route there are many, and
neither may a slow route hold up local publishers, nor a slow local receiver a route.
"""

from typing import Protocol

from app.domain.dataplane.seam import Outbox
from app.domain.limits import HOLD_SECONDS, ROUTE_PENDING, Limits
from app.domain.timetable import Scheduler, Timer

TICK = 0.1
"""Seconds between looks at the congested receivers."""

QUICK_BYTES = 128 * 1024
"""What a receiver must take between two looks to count as quick."""

SLOW_LOOKS = 3
"""So many looks in a row must find a receiver slow: a process may miss its turn on a busy machine."""


class Peer(Protocol):
    """A connection, as receiver and as publisher."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def distant(self) -> bool:
        """Whether it is a server of the cluster."""
        ...

    def untaken(self) -> int:
        """Bytes that were passed on and that it has not taken, as far as the system tells."""
        ...

    def wait(self) -> None:
        """Read no more until as many calls of `go_on`."""
        ...

    def go_on(self) -> None: ...

    def cut(self, reason: str) -> None:
        """End this slow consumer; calls `Flow.forget`."""
        ...


class _Congestion:
    """A congested receiver: how far it got, since when it has not moved, who waits."""

    __slots__ = ("began", "holding", "passed", "since", "slow_looks", "waiting")

    def __init__(self, passed: int, now: float) -> None:
        self.passed = passed
        self.began = now
        self.since = now
        self.holding = True
        self.slow_looks = 0
        self.waiting: list[Peer] = []

    @property
    def quick(self) -> bool:
        """Whether it is waited for between servers."""
        return self.slow_looks < SLOW_LOOKS

    def look(self, passed: int, now: float) -> None:
        """Judge by what was taken since the look before; one that began just now is not judged."""
        if passed - self.passed >= QUICK_BYTES:
            self.slow_looks = 0
        elif now - self.began > TICK / 2:
            self.slow_looks += 1


class Flow:
    """The congested receivers of a broker."""

    def __init__(self, limits: Limits, scheduler: Scheduler) -> None:
        self._limits = limits
        self._scheduler = scheduler
        self._congested: dict[Peer, _Congestion] = {}
        self._pressing: set[Peer] = set()
        self._timer: Timer | None = None
        self.publisher: Peer | None = None
        """Whose input is being ingested; set by whoever ingests."""

    def pressed(self, receiver: Peer) -> bool:
        """Its pending bytes passed the alarm. True if whoever publishes should be held."""
        outbox = receiver.outbox
        if outbox.pending() <= self._limits.hold_above:
            return False
        outbox.flush()
        pending = outbox.pending()
        most = self._most_pending(receiver)
        if pending > most:
            receiver.cut(f"{pending} pending bytes exceed max_pending {most}")
            return False
        if pending <= self._limits.hold_above:
            return False
        congestion = self._congested.get(receiver)
        if congestion is None:
            now = self._scheduler.monotonic()
            congestion = self._congested[receiver] = _Congestion(_taken(receiver), now)
            if self._timer is None:
                self._timer = self._scheduler.call_later(TICK, self._tick)
        if not self._is_waited_for(receiver, congestion, self.publisher):
            return False
        self._pressing.add(receiver)
        return True

    @staticmethod
    def _is_waited_for(receiver: Peer, congestion: _Congestion, publisher: Peer | None) -> bool:
        if receiver.distant or (publisher is not None and publisher.distant):
            return congestion.holding and congestion.quick
        return congestion.holding

    def _most_pending(self, receiver: Peer) -> int:
        return max(self._limits.max_pending, ROUTE_PENDING) if receiver.distant else self._limits.max_pending

    def hold(self, publisher: Peer) -> None:
        """Its ingest was stopped: let it wait for those who pressed meanwhile."""
        pressing, self._pressing = self._pressing, set()
        for receiver in pressing:
            congestion = self._congested.get(receiver)
            if congestion is not None and self._is_waited_for(receiver, congestion, publisher):
                publisher.wait()
                congestion.waiting.append(publisher)

    def drained(self, receiver: Peer) -> None:
        """The wire says that little is pending."""
        congestion = self._congested.pop(receiver, None)
        if congestion is not None:
            receiver.outbox.alarm = self._limits.hold_above
            self._release(congestion)

    def forget(self, receiver: Peer) -> None:
        """The connection ends: nobody waits for it any more."""
        self._pressing.discard(receiver)
        congestion = self._congested.pop(receiver, None)
        if congestion is not None:
            self._release(congestion)

    def _release(self, congestion: _Congestion) -> None:
        """Let the waiting go on, but not now: a receiver may be cut within somebody's ingest."""
        waiting, congestion.waiting = congestion.waiting, []
        for publisher in waiting:
            self._scheduler.call_soon(publisher.go_on)

    def _turn_slow(self, receiver: Peer, congestion: _Congestion) -> None:
        """Between servers it is waited for no more."""
        if receiver.distant:
            receiver.outbox.alarm = self._most_pending(receiver)
        waiting, congestion.waiting = congestion.waiting, []
        for publisher in waiting:
            if receiver.distant or publisher.distant:
                self._scheduler.call_soon(publisher.go_on)
            else:
                congestion.waiting.append(publisher)

    def _tick(self) -> None:
        self._timer = None
        now = self._scheduler.monotonic()
        for receiver, congestion in list(self._congested.items()):
            if self._congested.get(receiver) is congestion:
                self._review(receiver, congestion, now)
        if self._congested and self._timer is None:
            self._timer = self._scheduler.call_later(TICK, self._tick)

    def _review(self, receiver: Peer, congestion: _Congestion, now: float) -> None:
        outbox = receiver.outbox
        passed = _taken(receiver)
        stuck = now - congestion.since
        if outbox.pending() <= self._limits.hold_above // 4:
            self.drained(receiver)
            return
        congestion.look(passed, now)
        if not congestion.quick:
            self._turn_slow(receiver, congestion)
        if passed > congestion.passed:
            congestion.passed = passed
            congestion.since = now
            congestion.holding = True
            if congestion.quick or not receiver.distant:
                outbox.alarm = self._limits.hold_above
        elif stuck >= self._limits.write_deadline:
            receiver.cut(f"no progress within write_deadline {self._limits.write_deadline:g}s")
        elif stuck >= HOLD_SECONDS and congestion.holding:
            congestion.holding = False
            outbox.alarm = self._most_pending(receiver)
            self._release(congestion)


def _taken(receiver: Peer) -> int:
    """How far it got: systems take bytes in lumps of megabytes, but a peer reads steadily."""
    return receiver.outbox.passed() - receiver.untaken()
