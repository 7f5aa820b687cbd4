"""What is handed over later: at the end of a crowded round, or when a flush had no time for it.

Each flush is at least one write. Where many peers send a little each, as fifty requesters of one
service do, their messages for one receiver go out together: the flush after a short read waits for the
end of the round, in which the loop calls us for every socket that is ready. Where only one peer
sends, that would be a call of the loop for nothing, so rounds are counted.

In the plain twin, a server of a cluster or with leaf nodes flushes after each read. A round takes it
milliseconds, and other servers would wait for its messages meanwhile.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..dataplane.seam import Plane
from ..timers import Scheduler

SHORT_READ = 1024
"""Bytes of a read after which the flush may wait."""

MOST_READS = 32
"""Reads that wait for one flush."""

SAMPLE = 64
"""Reads after which a round is counted, as long as none is crowded."""

CROWD = 3
"""Reads that make a round crowded."""

NEVER = 1 << 62
"""A number of reads that is not reached."""

QUIET_ROUNDS = 4
"""Rounds in a row with fewer reads, after which none is taken for crowded."""


class PausablePublisher(Protocol):
    """A connection whose messages were delivered, and are not handed over yet."""

    def wait(self) -> None:
        """Read no more until a matching call of `go_on`."""
        ...

    def go_on(self) -> None:
        """Read again."""
        ...


class DeferredFlush:
    """Hands over what a flush left, one slice per turn of the loop, and then calls those that wait for it."""

    def __init__(
        self,
        plane: Plane,
        scheduler: Scheduler,
        on_failure: Callable[[Exception], None],
        *,
        is_alone: bool = True,
    ) -> None:
        """`on_failure` is called with a defect that concerns no single connection.

        `is_alone`: no other server can be linked to this one.
        """
        self._plane = plane
        self._scheduler = scheduler
        self._on_failure = on_failure
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False
        self._crowded = 0
        """Rounds that are still taken for crowded."""
        self._counting = False
        """Whether the reads of this round are counted."""
        self.reads = 0
        """Reads since the last round that was counted; counted where they are made, which costs no call."""
        self.asked_from = SAMPLE if is_alone or plane.compiled else NEVER
        """How many reads there must be before `flush_later` is called in place of a flush."""
        self._put_off: list[PausablePublisher] = []
        """Those whose messages wait for the end of the round."""

    def flush_later(self, publisher: PausablePublisher) -> None:
        """Hand over what a short read has brought: at the end of a crowded round, else now."""
        if not self._counting:
            self._counting = True
            self.reads = 1
            self._scheduler.call_soon(self._end_round)
        self._put_off.append(publisher)
        if not self._crowded:
            self.asked_from = NEVER
        if not self._crowded or len(self._put_off) >= MOST_READS:
            self.flush()

    def _end_round(self) -> None:
        self._counting = False
        if self.reads >= CROWD:
            self._crowded = QUIET_ROUNDS
        elif self._crowded:
            self._crowded -= 1
        self.reads = 0
        self.asked_from = 0 if self._crowded else SAMPLE
        if self._put_off:
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - a defect ends one message, and delays no other
                self.hold()
                self._on_failure(error)

    def flush(self) -> None:
        """Hand over what is to be sent: what time allows now, and the rest later."""
        if self._plane.flush():
            self.hold()
        else:
            self._put_off.clear()

    def hold(self, publisher: PausablePublisher | None = None) -> None:
        """A flush has left something: this publisher waits for it, and those do that were put off."""
        publishers, self._put_off = self._put_off, []
        if publisher is not None:
            publishers.append(publisher)
        for one in publishers:
            one.wait()
            self._waiting.append(one.go_on)
        self._go_on()

    def _go_on(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._scheduler.call_soon(self._flush_slice)

    def _flush_slice(self) -> None:
        try:
            is_left = self._plane.flush_rest()
        except Exception as error:  # noqa: BLE001 - a defect ends one message, and delays no other
            self._on_failure(error)
            is_left = True
        if not is_left and not self._waiting:
            self._is_due = False
            return
        self._scheduler.call_soon(self._flush_slice)
        if not is_left:
            self._waiting.popleft()()
