"""Slow peers: counts and recent records of the receivers that were too slow.

What is pending is read only when a publisher is held or a receiver closed. It is read in steps,
between which all others are served; what waits for that is bounded, too.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..dataplane.unsent import UnsentFlush
from ..peer_kind import LEAF_KINDS, PeerKind
from ..pending_subjects import PendingSubjects, count_pending
from ..slow_receivers import KEPT, Backlog, SlowAction, SlowReceiver
from ..steps import Steps
from ..timers import Scheduler
from .connection_stats import slow_receiver
from .flow import Flow

if TYPE_CHECKING:
    from .connection import Connection

SLOW_CONSUMER_LOG = 50
"""Slow consumers remembered for monitoring."""

STEP_SECONDS = 0.005
"""Between two steps: counting takes a twentieth of the time at most."""

MOST_WAITING = 8
"""Receivers whose pending bytes wait to be counted; of further ones nothing is known by subject."""


class SlowPeers:
    """What is known of them."""

    def __init__(self, flow: Flow, scheduler: Scheduler, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is called with a defect of counting."""
        self._flow = flow
        self._scheduler = scheduler
        self._on_failure = on_failure
        self._waiting: deque[tuple[Backlog, Sequence[UnsentFlush]]] = deque()
        self._is_counting = False
        self.closed = 0
        """Receivers that were closed because they were too slow, since the start."""
        self.closed_routes = 0
        """Routes among them."""
        self.closed_leaves = 0
        """Leaf links among them."""
        self.records: deque[SlowReceiver] = deque(maxlen=SLOW_CONSUMER_LOG)
        """The latest of them."""
        self.latest: deque[SlowReceiver] = deque(maxlen=KEPT)
        """The latest that others waited for, or that were closed."""

    def held(self, connection: "Connection") -> None:
        """Publishers wait for a receiver, for long or at the cost of others."""
        self._note(connection, SlowAction.HELD, "publishers wait for it")

    def aborted(self, connection: "Connection", reason: str) -> None:
        """A receiver is about to be closed."""
        self.records.append(self._note(connection, SlowAction.CUT, reason))
        self.closed += 1
        self.closed_routes += connection.kind is PeerKind.ROUTE
        self.closed_leaves += connection.kind in LEAF_KINDS

    def _note(self, connection: "Connection", action: SlowAction, reason: str) -> SlowReceiver:
        receiver = slow_receiver(connection, self._flow, action, reason, self._scheduler.monotonic())
        self.latest.append(receiver)
        unsent = connection.outbox.unsent()
        if unsent and len(self._waiting) < MOST_WAITING:
            self._waiting.append((receiver.backlog, unsent))
            if not self._is_counting:
                self._begin()
        else:
            receiver.backlog.is_counted = True
        return receiver

    def _begin(self) -> None:
        """Count what waits longest."""
        backlog, unsent = self._waiting.popleft()
        self._is_counting = True
        self._go_on(backlog, count_pending(unsent))

    def _go_on(self, backlog: Backlog, steps: Steps[PendingSubjects]) -> None:
        self._scheduler.call_later(STEP_SECONDS, partial(self._step, backlog, steps))

    def _step(self, backlog: Backlog, steps: Steps[PendingSubjects]) -> None:
        try:
            next(steps)
        except StopIteration as end:
            backlog.found = end.value
        except Exception as error:  # noqa: BLE001 - it concerns what is shown, and no connection
            self._on_failure(error)
        else:
            self._go_on(backlog, steps)
            return
        backlog.is_counted = True
        self._is_counting = False
        if self._waiting:
            self._begin()
