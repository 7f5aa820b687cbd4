"""Answers to clients, which are not lost because a receiver is slow for a moment."""

from collections import deque

from ...dataplane.incoming_run import IncomingRun
from ...timers import Timer
from ..outlet import Delivery, Outlet

RETRY = 0.005
"""Seconds between attempts."""

MOST = 100_000
"""Answers that wait for slow receivers; what comes then is dropped."""


class Answers:
    """Sends answers, and keeps those of congested receivers, in order, until they can be sent.

    The order is kept among the replies of one inbox, which is what comes before the last token.
    """

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.waiting: dict[bytes, deque[tuple[bytes, bytes, bytes]]] = {}
        """By inbox."""
        self._count = 0
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return self._count

    def send(self, reply: bytes, payload: bytes = b"", headers: bytes = b"") -> None:
        """Send it; nothing is sent without a reply subject."""
        if not reply:
            return
        waiting = self.waiting
        queue = waiting.get(reply.rpartition(b".")[0]) if waiting else None
        if queue is None:
            if self._outlet.deliver(reply, reply, b"", headers, payload) is not Delivery.CONGESTED:
                return
            queue = waiting[reply.rpartition(b".")[0]] = deque()
        if self._count < MOST:
            queue.append((reply, payload, headers))
            self._count += 1
        if self._timer is None:
            self._timer = self._outlet.scheduler.call_later(RETRY, self._retry)

    def send_number(self, reply: bytes, head: bytes, number: int) -> None:
        """Send the head, a number, and a brace that closes it."""
        if self.waiting or not self._outlet.answer(reply, head, number):
            self.send(reply, b"%b%d}" % (head, number))

    def send_run(self, run: IncomingRun, first: int, head: bytes) -> None:
        """Answer all messages of a run: the head, the sequence, and a brace that closes it."""
        start = 0 if self.waiting else self._outlet.deliver_answers(run, 0, first, head)
        for position in range(start, run.count):
            self.send(run.reply(position), b"%b%d}" % (head, first + position))

    def _is_congested(self, reply: bytes, payload: bytes, headers: bytes) -> bool:
        return self._outlet.deliver(reply, reply, b"", headers, payload) is Delivery.CONGESTED

    def _retry(self) -> None:
        self._timer = None
        for inbox, queue in list(self.waiting.items()):
            while queue and not self._is_congested(*queue[0]):
                queue.popleft()
                self._count -= 1
            if not queue:
                del self.waiting[inbox]
        if self.waiting:
            self._timer = self._outlet.scheduler.call_later(RETRY, self._retry)

    def close(self) -> None:
        """Forget what waits."""
        self.waiting.clear()
        self._count = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
