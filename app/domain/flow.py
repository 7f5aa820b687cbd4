"""Flow control: who waits when a reader is slow (ADR 0023).

A receiver with more pending bytes than `Limits.hold_above` is congested. Publishers
wait before they give it another message, all of them, so its pending bytes stay
below `hold_above` plus one message. They continue in turn when it has drained.

Waiting has a budget. A receiver that keeps publishers from serving others for more
than `write_deadline` in total is a slow consumer, and so is one that takes nothing
for `write_deadline`. One publisher and one receiver alone go at the receiver's pace.

A receiver without any progress for `HOLD_SECONDS` is not waited for, so that two
peers that write before they read do not block each other for ever. Between servers
only quick receivers are waited for: each server has many clients. A receiver that is
not waited for may fill up to `max_pending`; then everybody waits for it, within the
same budget.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import islice
from typing import Protocol

from app.domain.dataplane.seam import Outbox
from app.domain.limits import HOLD_SECONDS, ROUTE_PENDING, Limits
from app.domain.timetable import Scheduler, Timer

TICK = 0.1
"""Seconds between checks of the congested receivers."""

QUICK_BYTES = 128 * 1024
"""Bytes a receiver must take between two checks to count as quick."""

SLOW_CHECKS = 3
"""Consecutive slow checks before a receiver counts as slow; one missed turn is not enough."""

RECOVERY = 0.5
"""Seconds of budget that a second without delay gives back.

So a reader may be slower than the others by a third: its publishers wait for it alone
for a third of the time then, and the budget recovers as fast as it is used.
"""

DRAIN_SECONDS = 10.0
"""A receiver that needs longer than this for `hold_above` bytes delays the publishers that share it."""

REPORT_DELAY = 0.5
"""Seconds of delay to others after which the hold is logged."""

REPORT_HOLD = 1.0
"""Seconds of a single hold after which it is logged."""

ANSWER_HOLD = 1.5
"""Seconds of a single hold after which the publisher's PINGs are answered out of order."""

SAMPLE = 64
"""Publishers looked at per receiver and check, others each time; a long queue costs no more."""

LOOK_SECONDS = 0.005
"""Seconds in one turn of the loop in which the input of held publishers begins to be read ahead."""

READ_AHEAD = 4 * 1024 * 1024
"""Bytes read ahead from one publisher that is held for long, to answer its PINGs."""

READ_AHEAD_TOTAL = 64 * 1024 * 1024
"""Bytes read ahead from all of them."""

QUIET_SECONDS = 10.0
"""Seconds without congestion after which a receiver's record is dropped, and a new hold is logged again."""


class Peer(Protocol):
    """A connection, as receiver and as publisher."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def distant(self) -> bool:
        """Whether it is a server of the cluster."""
        ...

    @property
    def title(self) -> tuple[int, str]:
        """Its number, and the name that the peer gave itself."""
        ...

    def untaken(self) -> int:
        """Bytes passed on that it has not taken, as far as the system knows."""
        ...

    def serves_another(self, besides: "Peer", low: int) -> bool:
        """Whether another receiver of its latest messages has at most `low` bytes pending."""
        ...

    def wait(self) -> None:
        """Read no more until a matching call of `go_on`."""
        ...

    def go_on(self) -> None: ...

    def look_ahead(self) -> None:
        """It has been held for long: read ahead, within bounds, and answer each PING found."""
        ...

    def report_hold(self, publishers: int, pending: int) -> None:
        """Log that `publishers` wait for this receiver, which has `pending` bytes waiting."""
        ...

    def cut(self, reason: str) -> None:
        """Close this slow consumer; calls `Flow.forget`."""
        ...


class _Congestion:
    """A congested receiver: its progress, and who waits for it."""

    __slots__ = ("began", "full", "holding", "origin", "passed", "since", "slow_checks", "waiting")

    def __init__(self, passed: int, now: float) -> None:
        self.origin = passed
        """Bytes taken when the congestion began."""
        self.passed = passed
        self.began = now
        self.since = now
        """Time of the latest progress."""
        self.holding = True
        self.full = False
        """Whether it has more than `max_pending`, so that everybody waits."""
        self.slow_checks = 0
        self.waiting: OrderedDict[Peer, None] = OrderedDict()
        """The publishers, in the order in which they began to wait."""

    @property
    def quick(self) -> bool:
        """Whether it is waited for between servers."""
        return self.slow_checks < SLOW_CHECKS

    def check(self, passed: int, now: float) -> bool:
        """Note what was taken since the check before; answer whether that was anything."""
        if passed - self.passed >= QUICK_BYTES:
            self.slow_checks = 0
        elif now - self.began > TICK / 2:
            self.slow_checks += 1
        if passed <= self.passed:
            return False
        self.passed = passed
        self.since = now
        return True

    def crawls(self, now: float, backlog: int) -> bool:
        """Whether, at its average pace, `backlog` bytes take it longer than `DRAIN_SECONDS`."""
        elapsed = now - self.began
        return elapsed >= REPORT_HOLD and (self.passed - self.origin) * DRAIN_SECONDS < backlog * elapsed


class _Account:
    """What one receiver has cost others lately. Kept after the congestion, for `QUIET_SECONDS`."""

    __slots__ = ("_place", "congested_at", "delay", "delayed", "reported")

    def __init__(self, now: float) -> None:
        self.delay = 0.0
        """Seconds for which it delayed others, less what it recovered."""
        self.delayed: Peer | None = None
        """A publisher that was found to serve others; the next check looks at it first."""
        self.reported = False
        self.congested_at = now
        self._place = 0

    def sample(self, waiting: Collection[Peer]) -> Iterable[Peer]:
        """Some of those who wait: all of them within some checks."""
        first = self._place if self._place < len(waiting) else 0
        self._place = first + SAMPLE
        return islice(waiting, first, first + SAMPLE)

    def find_delayed(self, waiting: Collection[Peer], serves_another: Callable[[Peer], bool]) -> bool:
        """Whether there is, among those who wait, one that serves others, as far as it can be found."""
        known = self.delayed
        if known is None or known not in waiting or not serves_another(known):
            self.delayed = next(filter(serves_another, self.sample(waiting)), None)
        return self.delayed is not None


class _Hold:
    """A held publisher: since when, and for how many receivers."""

    __slots__ = ("receivers", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.receivers: dict[Peer, None] = {}


class Flow:
    """The congested receivers of a broker, and the publishers that wait for them."""

    def __init__(self, limits: Limits, scheduler: Scheduler) -> None:
        self._limits = limits
        self._scheduler = scheduler
        self._congested: dict[Peer, _Congestion] = {}
        self._accounts: dict[Peer, _Account] = {}
        self._held: dict[Peer, _Hold] = {}
        self._held_before = 0.0
        self._pressing: dict[Peer, None] = {}
        self._timer: Timer | None = None
        self._checked = 0.0
        self._publisher: Peer | None = None
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

    # --- asked by the data plane ----------------------------------------------

    def ingesting(self, publisher: Peer | None) -> None:
        """Its input is about to be processed; None after that."""
        self._publisher = publisher
        self._pressing.clear()

    def pressed(self, receiver: Peer) -> bool:
        """Answer whether the current publisher has to wait for a receiver.

        Asked when its pending bytes have passed the outbox's alarm, and before a
        message is given to an outbox that is marked as congested.
        """
        congestion = self._congested.get(receiver)
        if congestion is None:
            self._judge(receiver)
            return False
        if not congestion.full and receiver.outbox.pending() > self._most_pending(receiver):
            receiver.outbox.flush()
            pending = receiver.outbox.pending()
            if pending > self._most_pending(receiver):
                if not congestion.holding:
                    self._cut_full(receiver, pending)
                    return False
                congestion.full = True
                self._mark(receiver, congestion)
        publisher = self._publisher
        if publisher is None or not _is_waited_for(receiver, congestion, publisher):
            return False
        self._pressing[receiver] = None
        return True

    def _judge(self, receiver: Peer) -> None:
        """Its pending bytes have passed the mark for the first time, as far as the system takes no more."""
        receiver.outbox.flush()
        pending = receiver.outbox.pending()
        if self._publisher is None and pending > self._most_pending(receiver):
            self._cut_full(receiver, pending)  # by the server's own bytes: there is nobody to hold
        elif pending > self._limits.hold_above:
            self._begin(receiver)

    def _cut_full(self, receiver: Peer, pending: int) -> None:
        receiver.cut(f"{pending} pending bytes exceed max_pending {self._most_pending(receiver)}")

    def _begin(self, receiver: Peer) -> None:
        now = self._scheduler.monotonic()
        congestion = self._congested[receiver] = _Congestion(_taken(receiver), now)
        self._accounts.setdefault(receiver, _Account(now)).congested_at = now
        self._mark(receiver, congestion)
        if self._timer is None:
            self._checked = now
            self._timer = self._scheduler.call_later(TICK, self._tick)

    def _mark(self, receiver: Peer, congestion: _Congestion) -> None:
        """Let the data plane ask before each message, if anybody waits for the receiver."""
        outbox = receiver.outbox
        outbox.alarm = self._most_pending(receiver)
        outbox.congested = congestion.full or (
            congestion.holding and (congestion.quick or not receiver.distant)
        )

    def _most_pending(self, receiver: Peer) -> int:
        return max(self._limits.max_pending, ROUTE_PENDING) if receiver.distant else self._limits.max_pending

    # --- waiting -----------------------------------------------------------------

    def hold(self, publisher: Peer) -> None:
        """Its ingest was stopped: let it wait for the receivers that stopped it."""
        pressing, self._pressing = self._pressing, {}
        for receiver in pressing:
            congestion = self._congested.get(receiver)
            if congestion is not None and _is_waited_for(receiver, congestion, publisher):
                publisher.wait()
                congestion.waiting[publisher] = None
                hold = self._held.setdefault(publisher, _Hold(self._scheduler.monotonic()))
                hold.receivers[receiver] = None

    def drained(self, receiver: Peer) -> None:
        """The wire reports that little is pending."""
        congestion = self._congested.pop(receiver, None)
        if congestion is not None:
            receiver.outbox.alarm = self._limits.hold_above
            receiver.outbox.congested = False
            self._release(receiver, congestion)

    def forget(self, peer: Peer) -> None:
        """The connection ends: nobody waits for it, and it waits for nobody."""
        self._pressing.pop(peer, None)
        self._accounts.pop(peer, None)
        congestion = self._congested.pop(peer, None)
        if congestion is not None:
            peer.outbox.congested = False
            self._release(peer, congestion)
        hold = self._held.pop(peer, None)
        if hold is not None:
            self._held_before += self._scheduler.monotonic() - hold.since
            for receiver in hold.receivers:
                congestion = self._congested.get(receiver)
                if congestion is not None:
                    congestion.waiting.pop(peer, None)

    def _release(self, receiver: Peer, congestion: _Congestion) -> None:
        """Let those who wait continue one by one, in order, after the current call."""
        waiting = deque(congestion.waiting)
        congestion.waiting.clear()
        if waiting:
            self._scheduler.call_soon(partial(self._wake, receiver, waiting))

    def _wake(self, receiver: Peer, waiting: deque[Peer]) -> None:
        """Continue the first publisher, and the next one later unless the receiver is congested again."""
        if self._rejoin(receiver, waiting):
            return
        publisher = waiting.popleft()
        if waiting:
            self._scheduler.call_soon(partial(self._wake, receiver, waiting))
        self._stop_holding(publisher, receiver)
        publisher.go_on()

    def _rejoin(self, receiver: Peer, waiting: deque[Peer]) -> bool:
        """Put them back in front of those who wait, if the receiver is congested again.

        Those that were closed meanwhile are held no more, and do not wait either.
        """
        congestion = self._congested.get(receiver)
        if congestion is None or not (congestion.holding or congestion.full):
            return False
        for publisher in reversed(waiting):
            if publisher in self._held:
                congestion.waiting[publisher] = None
                congestion.waiting.move_to_end(publisher, last=False)
        return True

    def _stop_holding(self, publisher: Peer, receiver: Peer) -> None:
        hold = self._held.get(publisher)
        if hold is not None:
            hold.receivers.pop(receiver, None)
            if not hold.receivers:
                del self._held[publisher]
                self._held_before += self._scheduler.monotonic() - hold.since

    def _turn_slow(self, receiver: Peer, congestion: _Congestion) -> None:
        """Between servers it is not waited for any more."""
        for publisher in list(congestion.waiting):
            if _is_waited_for(receiver, congestion, publisher):
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
        for receiver, congestion in list(self._congested.items()):
            if self._congested.get(receiver) is congestion:
                self._check(receiver, congestion, now, elapsed)
        self._settle_accounts(now, elapsed)
        self._look_ahead(deque(one for one, hold in self._held.items() if now - hold.since >= ANSWER_HOLD))
        if (self._congested or self._accounts) and self._timer is None:
            self._timer = self._scheduler.call_later(TICK, self._tick)

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

    def _check(self, receiver: Peer, congestion: _Congestion, now: float, elapsed: float) -> None:
        pending = receiver.outbox.pending()
        if pending <= self._limits.resume_below:
            self.drained(receiver)
            return
        if congestion.check(_taken(receiver), now):
            congestion.holding = True
        elif now - congestion.since >= self._limits.write_deadline:
            receiver.cut(f"no progress within write_deadline {self._limits.write_deadline:g}s")
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

    def _charge(self, receiver: Peer, congestion: _Congestion, now: float, elapsed: float) -> None:
        """Charge the receiver for the delay it causes, and close it when its budget is used up."""
        account = self._accounts[receiver]
        account.congested_at = now
        if not self._delays_others(receiver, congestion, account, now):
            account.delay = max(0.0, account.delay - elapsed * RECOVERY)
            self._report_long_hold(receiver, congestion, account, now)
            return
        account.delay += elapsed
        if account.delay >= REPORT_DELAY:
            self._report(receiver, congestion, account)
        if account.delay >= self._limits.write_deadline and self._limits.slow_consumer == "cut":
            receiver.cut(f"publishers waited {self._limits.write_deadline:g}s (write_deadline) for it")

    def _delays_others(self, receiver: Peer, congestion: _Congestion, account: _Account, now: float) -> bool:
        waiting = congestion.waiting
        if not waiting:
            return False
        if congestion.full or (len(waiting) > 1 and congestion.crawls(now, self._limits.hold_above)):
            return True
        if receiver.distant:
            return False
        ready = self._limits.resume_below
        return account.find_delayed(waiting, lambda one: one.serves_another(receiver, ready))

    def _report_long_hold(
        self, receiver: Peer, congestion: _Congestion, account: _Account, now: float
    ) -> None:
        """Log also a hold that delays nobody else, once it is long."""
        holds = (self._held.get(publisher) for publisher in islice(congestion.waiting, SAMPLE))
        if any(hold is not None and now - hold.since >= REPORT_HOLD for hold in holds):
            self._report(receiver, congestion, account)

    def _report(self, receiver: Peer, congestion: _Congestion, account: _Account) -> None:
        if not account.reported:
            account.reported = True
            receiver.report_hold(len(congestion.waiting), receiver.outbox.pending())

    def _settle_accounts(self, now: float, elapsed: float) -> None:
        """Give back budget to receivers that are not congested, and drop records that are old."""
        for receiver, account in list(self._accounts.items()):
            if receiver not in self._congested:
                account.delay = max(0.0, account.delay - elapsed * RECOVERY)
                if now - account.congested_at >= QUIET_SECONDS and not account.delay:
                    del self._accounts[receiver]


def _is_waited_for(receiver: Peer, congestion: _Congestion, publisher: Peer) -> bool:
    if congestion.full:
        return True
    if receiver.distant or publisher.distant:
        return congestion.holding and congestion.quick
    return congestion.holding


def _taken(receiver: Peer) -> int:
    """Progress in bytes: systems take bytes in lumps of megabytes, but a peer reads steadily."""
    return receiver.outbox.passed() - receiver.untaken()
