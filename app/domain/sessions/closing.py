"""Removal of the subscriptions of closed connections: in batches, so that a large one delays nobody."""

from collections import deque
from collections.abc import Callable

from ..fair_queue import SLICE, FairQueue
from ..interest.interest import Interest
from ..interest.subscription import Subscription
from ..timers import Scheduler

REMOVED_AT_ONCE = 64
"""Subscriptions of a closed connection that are removed without asking the clock."""


class Removals:
    """The subscriptions that closed connections have left, until they are removed from the index."""

    def __init__(
        self,
        interest: Interest,
        scheduler: Scheduler,
        turns: FairQueue,
        *,
        removed: Callable[[], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """`removed` is called after each batch; `on_failure` with a defect, which stops no other removal."""
        self._interest = interest
        self._scheduler = scheduler
        self._turns = turns
        self._removed = removed
        self._on_failure = on_failure
        self._waiting: deque[Subscription] = deque()

    def add(self, subscriptions: list[Subscription]) -> None:
        """Remove the subscriptions of a closed connection; if they are many, some in each turn."""
        if not subscriptions:
            return
        is_idle = not self._waiting
        self._waiting.extend(subscriptions)
        if not is_idle:
            self._interest.leaving(subscriptions)
            return
        if len(subscriptions) > REMOVED_AT_ONCE or self._turns.is_crowded:
            self._interest.leaving(subscriptions)
            self._scheduler.call_soon(self._remove_slice)
        else:
            began = self._scheduler.monotonic()
            self._remove_batch()
            self._turns.count(self._scheduler.monotonic() - began)
            self._removed()

    def _remove_slice(self) -> None:
        until = self._scheduler.monotonic() + SLICE
        try:
            while self._waiting:
                self._remove_batch()
                if self._scheduler.monotonic() >= until:
                    break
            self._removed()
        except Exception as error:  # noqa: BLE001 - a defect does not keep other subscriptions in the index
            self._on_failure(error)
        if self._waiting:
            self._scheduler.call_soon(self._remove_slice)

    def _remove_batch(self) -> None:
        for _ in range(min(REMOVED_AT_ONCE, len(self._waiting))):
            self._interest.remove(self._waiting.popleft())
