"""Consumers take turns: those that have something to do are served one after the other, for some ms.

One queue and two timers for all consumers of a server, so that a hundred thousand idle ones cost
nothing, and none holds the loop.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from ...for_each import finish_each
from ...timers import Scheduler

TURN = 0.005
"""Seconds that consumers are served before sockets are."""

SHARE = 0.001
"""Seconds that one consumer is served while others wait."""

RETRY = 0.005
"""Seconds until a receiver that was too slow is tried again."""

SAVING = 0.05
"""Seconds until a change without a waiting client is written. With the sync it is safe within 100 ms."""


class ScheduledConsumer(Protocol):
    """A consumer, as its scheduler knows it."""

    def serve(self, until: float) -> bool:
        """Do what there is to do, no longer than `until`; answer whether there is more."""
        ...

    def save(self) -> None:
        """Write what changed."""
        ...


class ConsumerScheduler:
    """Who is served next, who is tried again, and whose changes are to be saved."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._queue: deque[ScheduledConsumer] = deque()
        self._queued: set[ScheduledConsumer] = set()
        self._retries: dict[ScheduledConsumer, None] = {}
        self._unsaved: dict[ScheduledConsumer, None] = {}
        self._is_due = False

    @property
    def share(self) -> float:
        """Seconds that a consumer is served at once, outside the queue."""
        return SHARE

    def wake(self, consumer: ScheduledConsumer) -> None:
        """Serve it, in a later turn."""
        if consumer not in self._queued:
            self._queued.add(consumer)
            self._queue.append(consumer)
            self._schedule()

    def retry(self, consumer: ScheduledConsumer) -> None:
        """Serve it in some ms."""
        if not self._retries:
            self._scheduler.call_later(RETRY, self._retry_all)
        self._retries[consumer] = None

    def save_later(self, consumer: ScheduledConsumer) -> None:
        """Have it save its changes in some ms."""
        if not self._unsaved:
            self._scheduler.call_later(SAVING, self._save_all)
        self._unsaved[consumer] = None

    def forget(self, consumer: ScheduledConsumer) -> None:
        """The consumer is gone: serve it no more."""
        self._retries.pop(consumer, None)
        self._unsaved.pop(consumer, None)

    def save_all(self) -> None:
        """Have all changes saved now; before an orderly end."""
        unsaved, self._unsaved = self._unsaved, {}
        finish_each(lambda consumer: consumer.save(), unsaved)

    def _schedule(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._scheduler.call_soon(self._serve)

    def _serve(self) -> None:
        self._is_due = False
        now = self._scheduler.monotonic()
        end = now + TURN
        try:
            while self._queue and now < end:
                consumer = self._queue.popleft()
                self._queued.discard(consumer)
                if consumer.serve(min(end, now + SHARE) if self._queue else end):
                    self.wake(consumer)
                now = self._scheduler.monotonic()
        finally:
            if self._queue:
                self._schedule()

    def _retry_all(self) -> None:
        self._each(self._retries, self.wake)

    def _save_all(self) -> None:
        self.save_all()

    @staticmethod
    def _each(consumers: dict[ScheduledConsumer, None], act: Callable[[ScheduledConsumer], None]) -> None:
        waiting = list(consumers)
        consumers.clear()
        for consumer in waiting:
            act(consumer)
