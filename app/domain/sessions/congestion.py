"""Congestion: a congested receiver, the delay that it causes, and the publishers that wait."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Protocol, TypeAlias

from ..dataplane.seam import Outbox

TICK = 0.1
"""Seconds between checks of the congested receivers."""

QUICK_BYTES = 128 * 1024
"""Bytes a receiver must take between two checks to count as quick."""

SLOW_CHECKS = 3
"""Consecutive slow checks before a receiver counts as slow; one missed turn is not enough."""

DRAIN_SECONDS = 10.0
"""A receiver that needs longer than this for `hold_above` bytes delays the publishers that share it."""

REPORT_HOLD = 1.0
"""Seconds of a single hold after which it is logged."""

SAMPLE = 64
"""Publishers examined per receiver and check, other ones each time; a long queue costs no more."""


class Peer(Protocol):
    """A connection, as receiver and as publisher."""

    @property
    def outbox(self) -> Outbox:
        """Its outbox, as a receiver."""
        ...

    @property
    def is_server(self) -> bool:
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

    def guard(self, call: Callable[[], None]) -> None:
        """Make a call for this peer; what it raises ends this connection, and no other."""
        ...

    def wait(self) -> None:
        """Read no more until a matching call of `go_on`."""
        ...

    def go_on(self) -> None:
        """Read again, once each `wait` has its call."""
        ...

    def look_ahead(self) -> None:
        """It has been held for long: read ahead, within bounds, and answer each PING found."""
        ...

    def report_hold(self, publishers: int, pending: int) -> None:
        """Log that `publishers` wait for this receiver, which has `pending` bytes waiting."""
        ...

    def abort_slow(self, reason: str, *, full: bool = False) -> None:
        """Close this slow consumer; calls `Flow.forget`."""
        ...


Queue: TypeAlias = OrderedDict[Peer, None]
"""Publishers that wait for one receiver, in the order in which they began to."""


class Congestion:
    """A congested receiver: its progress, and who waits for it."""

    __slots__ = (
        "began",
        "full",
        "holding",
        "origin",
        "passed",
        "receiver",
        "since",
        "slow_checks",
        "waiting",
    )

    def __init__(self, receiver: Peer, passed: int, now: float) -> None:
        self.receiver = receiver
        self.origin = passed
        """Bytes taken when the congestion began."""
        self.passed = passed
        self.began = now
        self.since = now
        """Time of the latest progress."""
        self.holding = True
        self.full = False
        """Whether it has more than `max_pending`, so that all publishers wait."""
        self.slow_checks = 0
        self.waiting: Queue = OrderedDict()

    @property
    def quick(self) -> bool:
        """Whether it is waited for between servers."""
        return self.slow_checks < SLOW_CHECKS

    def is_waited_for_by(self, publisher: Peer) -> bool:
        """Whether this publisher has to wait for the receiver now."""
        if self.full:
            return True
        between_servers = self.receiver.is_server or publisher.is_server
        return self.holding and (self.quick or not between_servers)

    def check(self, passed: int, now: float) -> bool:
        """Note what was taken since the check before; return whether that was anything."""
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


class ReceiverCost:
    """The delay that one receiver has caused recently. Kept after the congestion, for `QUIET_SECONDS`."""

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


class Hold:
    """A held publisher: since when, and for how many receivers."""

    __slots__ = ("receivers", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.receivers: dict[Peer, Queue] = {}
        """The queue in which it waits for each."""


def taken(receiver: Peer) -> int:
    """Progress in bytes: systems take bytes in lumps of megabytes, but a peer reads steadily."""
    return receiver.outbox.passed() - receiver.untaken()
