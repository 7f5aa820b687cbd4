"""Flow control: publishers wait while a receiver is slow (ADR 0023).

A receiver with more pending bytes than `Limits.hold_above` is congested. Publishers
wait before they give it another message, all of them, so its pending bytes stay
below `hold_above` plus one message. They continue in turn when it has drained.

Waiting has a budget. A receiver that keeps publishers from serving others for more
than `Limits.delay_budget` in total is a slow consumer, and so is one that takes nothing
for `write_deadline`. One publisher and one receiver alone go at the receiver's pace.

A receiver without any progress for `HOLD_SECONDS` is not waited for, so that two
peers that write before they read do not block each other for ever. Between servers
only quick receivers are waited for: each server has many clients. A receiver that is
not waited for may fill up to `max_pending`; then everybody waits for it, within the
same budget.
"""

from collections import OrderedDict, deque
from functools import partial
from itertools import islice

from ..limits import HOLD_SECONDS, ROUTE_PENDING, Limits
from ..timers import Scheduler, Timer
from .congestion import (
    REPORT_HOLD,
    SAMPLE,
    TICK,
    Congestion,
    Hold,
    Peer,
    Queue,
    ReceiverCost,
    taken,
)

RECOVERY = 0.5
"""Seconds of budget that a second without delay gives back.

So a reader may be slower than the others by a third: its publishers wait for it alone
for a third of the time then, and the budget recovers as fast as it is used.
"""

REPORT_DELAY = 0.5
"""Seconds of delay to others after which the hold is logged."""

ANSWER_HOLD = 1.5
"""Seconds of a single hold after which the publisher's PINGs are answered out of order."""

CHECK_SECONDS = 0.005
"""Seconds in one turn of the loop in which congested receivers are checked."""

LOOK_SECONDS = 0.005
"""Seconds in one turn of the loop in which the input of held publishers begins to be read ahead."""

READ_AHEAD = 4 * 1024 * 1024
"""Bytes read ahead from one publisher that is held for long, to answer its PINGs."""

READ_AHEAD_TOTAL = 64 * 1024 * 1024
"""Bytes read ahead from all of them."""

QUIET_SECONDS = 10.0
"""Seconds without congestion after which a receiver's record is dropped, and a new hold is logged again."""


class Flow:
    """The congested receivers of a broker, and the publishers that wait for them."""

    def __init__(self, limits: Limits, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.apply(limits)
        self._congested: dict[Peer, Congestion] = {}
        self._costs: dict[Peer, ReceiverCost] = {}
        self._held: dict[Peer, Hold] = {}
        self._held_before = 0.0
        self._timer: Timer | None = None
        self._checked = 0.0
        self._checking = False
        """Whether a check of all is under way; the timer of the next one is set at its end."""
        self.publisher: Peer | None = None
        """Whose input is processed now; set where that begins, and None after that."""
        self.pressing: dict[Peer, None] = {}
        """The receivers that it has found too full so far; to be emptied where it is set."""
        self.read_ahead = 0
        """Bytes of publishers that were read ahead, and wait with them."""

    # --- figures -----------------------------------------------------------

    @property
    def held_publishers(self) -> int:
        """Publishers that wait now."""
        return len(self._held)

    @property
    def held_seconds(self) -> float:
        """Seconds that publishers have waited, in total, since the start."""
        now = self._scheduler.monotonic()
        return self._held_before + sum(now - hold.since for hold in self._held.values())

    def waits_for(self, publisher: Peer) -> list[Peer]:
        """The receivers this publisher waits for now."""
        hold = self._held.get(publisher)
        return list(hold.receivers) if hold is not None else []

    def holds(self, receiver: Peer) -> int:
        """How many publishers wait for this receiver now."""
        congestion = self._congested.get(receiver)
        return len(congestion.waiting) if congestion is not None else 0

    def congested_since(self, receiver: Peer) -> float | None:
        """When this receiver fell behind; None if it has not."""
        congestion = self._congested.get(receiver)
        return None if congestion is None else congestion.began

    # --- asked by the data plane ----------------------------------------------

    def pressed(self, receiver: Peer, *, own: bool = False) -> bool:
        """Answer whether the current publisher has to wait for a receiver.

        Asked when its pending bytes have passed the outbox's alarm, and before a
        message is given to an outbox that is marked as congested. A stuck receiver
        that has no room for the server's `own` bytes is closed.
        """
        congestion = self._congested.get(receiver)
        if congestion is None:
            self._judge(receiver, own=own)
            return False
        if self._is_above_most(receiver, congestion):
            if own and not congestion.holding:
                self._cut_full(receiver, receiver.outbox.pending())
                return False
            if not congestion.full:
                congestion.full = True
                self._mark(receiver, congestion)
        publisher = self.publisher
        if publisher is None or not congestion.is_waited_for_by(publisher):
            return False
        self.pressing[receiver] = None
        return True

    def _is_above_most(self, receiver: Peer, congestion: Congestion) -> bool:
        """Whether more is pending than may be; a system that takes bytes now is given them first."""
        most = self._most_pending(receiver)
        if receiver.outbox.pending() <= most:
            return False
        if not congestion.full:
            receiver.outbox.flush()
        return receiver.outbox.pending() > most

    def _judge(self, receiver: Peer, *, own: bool) -> None:
        """Its pending bytes have passed the mark for the first time, as far as the system takes no more."""
        receiver.outbox.flush()
        pending = receiver.outbox.pending()
        if own and pending > self._most_pending(receiver):
            self._cut_full(receiver, pending)
        elif pending > self._hold_above:
            self._begin(receiver)

    def _cut_full(self, receiver: Peer, pending: int) -> None:
        most = self._most_pending(receiver)
        receiver.abort_slow(f"{pending} pending bytes exceed max_pending {most}", full=True)

    def _begin(self, receiver: Peer) -> None:
        now = self._scheduler.monotonic()
        congestion = self._congested[receiver] = Congestion(receiver, taken(receiver), now)
        self._costs.setdefault(receiver, ReceiverCost(now)).congested_at = now
        self._mark(receiver, congestion)
        if self._timer is None and not self._checking:
            self._checked = now
            self._timer = self._scheduler.call_later(TICK, self._tick)

    def _mark(self, receiver: Peer, congestion: Congestion) -> None:
        """Let the data plane ask before each message, if anybody waits for the receiver."""
        outbox = receiver.outbox
        outbox.alarm = self._most_pending(receiver)
        outbox.congested = congestion.full or (
            congestion.holding and (congestion.quick or not receiver.is_server)
        )

    def _most_pending(self, receiver: Peer) -> int:
        return (
            max(self._limits.max_pending, ROUTE_PENDING) if receiver.is_server else self._limits.max_pending
        )

    def alarm(self, receiver: Peer) -> int:
        """Pending bytes of a receiver above which `pressed` is asked, by the limits that hold now."""
        return self._most_pending(receiver) if receiver in self._congested else self._hold_above

    def apply(self, limits: Limits) -> None:
        """Let other limits hold from now on; outboxes obey them when their `alarm` is set."""
        self._limits = limits
        self._hold_above = limits.hold_above

    # --- waiting -----------------------------------------------------------------

    def hold(self, publisher: Peer) -> None:
        """Its ingest was stopped: let it wait for the receivers that stopped it."""
        pressing, self.pressing = self.pressing, {}
        for receiver in pressing:
            congestion = self._congested.get(receiver)
            if congestion is not None and congestion.is_waited_for_by(publisher):
                publisher.wait()
                congestion.waiting[publisher] = None
                hold = self._held.setdefault(publisher, Hold(self._scheduler.monotonic()))
                hold.receivers[receiver] = congestion.waiting

    def drained(self, receiver: Peer) -> None:
        """The wire reports that little is pending, which its outbox is to know."""
        receiver.outbox.pending()
        congestion = self._congested.pop(receiver, None)
        if congestion is not None:
            receiver.outbox.alarm = self._hold_above
            receiver.outbox.congested = False
            self._release(receiver, congestion)

    def forget(self, peer: Peer) -> None:
        """The connection ends: nobody waits for it, and it waits for nobody."""
        self.pressing.pop(peer, None)
        self._costs.pop(peer, None)
        congestion = self._congested.pop(peer, None)
        if congestion is not None:
            peer.outbox.congested = False
            self._release(peer, congestion)
        hold = self._held.pop(peer, None)
        if hold is not None:
            self._held_before += self._scheduler.monotonic() - hold.since
            for queue in hold.receivers.values():
                del queue[peer]

    def _release(self, receiver: Peer, congestion: Congestion) -> None:
        """Let those who wait continue one by one, in order, after the current call."""
        waiting, congestion.waiting = congestion.waiting, OrderedDict()
        if waiting:
            self._scheduler.call_soon(partial(self._wake, receiver, waiting))

    def _wake(self, receiver: Peer, waiting: Queue) -> None:
        """Continue the first publisher, and the next one later unless the receiver is congested again."""
        if not waiting or self._rejoin(receiver, waiting):
            return
        publisher, _ = waiting.popitem(last=False)
        if waiting:
            self._scheduler.call_soon(partial(self._wake, receiver, waiting))
        self._stop_holding(publisher, receiver)
        publisher.go_on()

    def _rejoin(self, receiver: Peer, waiting: Queue) -> bool:
        """Put them back in front of those who wait, if the receiver is congested again."""
        congestion = self._congested.get(receiver)
        if congestion is None or not (congestion.holding or congestion.full):
            return False
        for publisher in congestion.waiting:
            self._held[publisher].receivers[receiver] = waiting
        waiting.update(congestion.waiting)
        congestion.waiting = waiting
        return True

    def _stop_holding(self, publisher: Peer, receiver: Peer) -> None:
        hold = self._held[publisher]
        del hold.receivers[receiver]
        if not hold.receivers:
            del self._held[publisher]
            self._held_before += self._scheduler.monotonic() - hold.since

    def _turn_slow(self, receiver: Peer, congestion: Congestion) -> None:
        """Between servers it is not waited for any more."""
        for publisher in list(congestion.waiting):
            if congestion.is_waited_for_by(publisher):
                continue
            del congestion.waiting[publisher]
            self._stop_holding(publisher, receiver)
            self._scheduler.call_soon(publisher.go_on)

    # --- checking ------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = None
        now = self._scheduler.monotonic()
        # A tick that comes late is the server's fault, and not charged to receivers.
        elapsed = min(now - self._checked, 2 * TICK)
        self._checked = now
        self._checking = True
        self._check_some(deque(self._congested.items()), elapsed)

    def _check_some(self, receivers: deque[tuple[Peer, Congestion]], elapsed: float) -> None:
        """Check them, for `CHECK_SECONDS`; those that are left have their turn later, after a defect too."""
        now = self._scheduler.monotonic()
        try:
            while receivers:
                receiver, congestion = receivers.popleft()
                if self._congested.get(receiver) is congestion:
                    receiver.guard(partial(self._check, receiver, congestion, now, elapsed))
                if self._scheduler.monotonic() - now >= CHECK_SECONDS:
                    break
        finally:
            if receivers:
                self._scheduler.call_soon(partial(self._check_some, receivers, elapsed))
            else:
                self._end_tick(now, elapsed)

    def _end_tick(self, now: float, elapsed: float) -> None:
        self._checking = False
        self._settle_costs(now, elapsed)
        if self._congested or self._costs:
            self._timer = self._scheduler.call_later(TICK, self._tick)
        self._look_ahead(deque(one for one, hold in self._held.items() if now - hold.since >= ANSWER_HOLD))

    def _look_ahead(self, publishers: deque[Peer]) -> None:
        """Let them be read ahead, for `LOOK_SECONDS`; those that are left have their turn later."""
        end = self._scheduler.monotonic() + LOOK_SECONDS
        while publishers:
            publisher = publishers.popleft()
            if publisher in self._held:
                publisher.look_ahead()
            if publishers and self._scheduler.monotonic() >= end:
                self._scheduler.call_soon(partial(self._look_ahead, publishers))
                return

    def _check(self, receiver: Peer, congestion: Congestion, now: float, elapsed: float) -> None:
        pending = receiver.outbox.pending()
        if pending <= self._limits.resume_below:
            self.drained(receiver)
            return
        if congestion.check(taken(receiver), now):
            congestion.holding = True
        elif now - congestion.since >= self._limits.write_deadline:
            receiver.abort_slow(f"no progress within write_deadline {self._limits.write_deadline:g}s")
            return
        elif now - congestion.since >= HOLD_SECONDS and congestion.holding:
            congestion.holding = False
            congestion.full = False
            self._release(receiver, congestion)
        if pending <= self._most_pending(receiver) // 2:
            congestion.full = False
        if not congestion.quick:
            self._turn_slow(receiver, congestion)
        self._mark(receiver, congestion)
        self._charge(receiver, congestion, now, elapsed)

    def _charge(self, receiver: Peer, congestion: Congestion, now: float, elapsed: float) -> None:
        """Charge the receiver for the delay it causes, and close it when its budget is used up."""
        cost = self._costs[receiver]
        cost.congested_at = now
        if not self._delays_others(receiver, congestion, cost, now):
            cost.delay = max(0.0, cost.delay - elapsed * RECOVERY)
            self._report_long_hold(receiver, congestion, cost, now)
            return
        cost.delay += elapsed
        if cost.delay >= REPORT_DELAY:
            self._report(receiver, congestion, cost)
        if cost.delay >= self._limits.delay_budget and self._limits.slow_consumer == "cut":
            receiver.abort_slow(f"publishers waited {self._limits.delay_budget:g}s (write_deadline) for it")

    def _delays_others(self, receiver: Peer, congestion: Congestion, cost: ReceiverCost, now: float) -> bool:
        waiting = congestion.waiting
        if not waiting:
            return False
        if congestion.full or (len(waiting) > 1 and congestion.crawls(now, self._hold_above)):
            return True
        if receiver.is_server:
            return False
        ready = self._limits.resume_below
        return cost.find_delayed(waiting, lambda one: one.serves_another(receiver, ready))

    def _report_long_hold(
        self, receiver: Peer, congestion: Congestion, cost: ReceiverCost, now: float
    ) -> None:
        """Log also a hold that delays nobody else, once it is long."""
        holds = (self._held.get(publisher) for publisher in islice(congestion.waiting, SAMPLE))
        if any(hold is not None and now - hold.since >= REPORT_HOLD for hold in holds):
            self._report(receiver, congestion, cost)

    def _report(self, receiver: Peer, congestion: Congestion, cost: ReceiverCost) -> None:
        if not cost.reported:
            cost.reported = True
            receiver.report_hold(len(congestion.waiting), receiver.outbox.pending())

    def _settle_costs(self, now: float, elapsed: float) -> None:
        """Give back budget to receivers that are not congested, and drop records that are old."""
        for receiver, cost in list(self._costs.items()):
            if receiver not in self._congested:
                cost.delay = max(0.0, cost.delay - elapsed * RECOVERY)
                if now - cost.congested_at >= QUIET_SECONDS and not cost.delay:
                    del self._costs[receiver]
