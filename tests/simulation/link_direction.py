"""One direction of a link, and the path that it uses.

Written bytes are in flight until they arrive, and then unread until the reader takes them::

    write ──> [ in flight: delayed, or stalled ] ──> [ received, unread ] ──> reserve, received
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from app.adapters.faults.rules import FaultKind
from app.adapters.net_memory import MemoryStream, Pipe
from app.ports.clock import Timer
from tests.simulation.host import Host

if TYPE_CHECKING:
    from tests.simulation.network import Network, NetworkLink

RETRANSMIT_SECONDS = 0.5
"""Maximum seconds between the healing of a path and the retransmission of stalled bytes."""

_SMALL_READS = 3

_ROUNDING = 2e-9


class _Mark(Enum):
    """Signals that travel like bytes."""

    OPEN = auto()
    """The dialler has its answer, and the far end may be accepted."""
    END = auto()
    RESET = auto()


@dataclass(slots=True)
class NetworkPath:
    """The path from one host to another, in seconds and bytes; may be changed at any time."""

    latency: float = 0.001
    jitter: float = 0.0
    """Maximum random addition to the latency."""
    rate: float = 0.0
    """Bytes per second of each link; 0 for no limit."""
    capacity: int = 256 * 1024
    """Bytes that the kernels hold of each direction; applies to links made later."""
    max_read: int = 0
    """Maximum bytes of each of the first reads after an arrival; 0 for no limit."""


class LinkDirection(Pipe):
    """One direction of a link, from a writer to a reader on another host."""

    __slots__ = (
        "_arrived_end",
        "_extra",
        "_free_at",
        "_in_flight",
        "_is_cut",
        "_latest",
        "_network",
        "_next",
        "_queue",
        "_sent_at",
        "_shut",
        "_small_reads",
        "_started",
        "_travelling",
        "carried",
        "label",
        "link",
        "path",
        "source",
        "target",
    )

    link: "NetworkLink"

    def __init__(
        self, network: "Network", writer: MemoryStream, reader: MemoryStream, source: Host, target: Host
    ) -> None:
        self.path = network.path(source, target)
        super().__init__(self.path.capacity, writer, reader)
        self._network = network
        self.source = source
        self.target = target
        self.label = f"{source.name}>{target.name}"
        self._queue: deque[tuple[float, bytes | _Mark]] = deque()
        self._travelling = False
        """Whether a call for the next arrival is scheduled, or the direction is stalled."""
        self._next: Timer | None = None
        self._in_flight = 0
        self._sent_at = -1.0
        self._free_at = 0.0
        self._latest = 0.0
        self._extra = 0.0
        """Seconds by which rules delayed the last packet."""
        self._is_cut = False
        """Whether a rule has cut the link, which is reset in this moment."""
        self._shut = False
        self._arrived_end = False
        self._started: Callable[[], None] | None = None
        self._small_reads = 0
        self.carried = 0
        """Bytes that have arrived so far."""

    # --- the writing end -------------------------------------------------------

    @property
    def pending(self) -> int:
        """Bytes that the kernels have not taken yet."""
        return max(0, self._in_flight + len(self._data) - self._capacity)

    @property
    def under_way(self) -> int:
        """Bytes that the kernels hold."""
        return self.unread - self.pending

    @property
    def unread(self) -> int:
        """Bytes written and not read yet, pending ones included."""
        return self._in_flight + len(self._data)

    @property
    def shut(self) -> bool:
        """Whether the writer sent an end of file or a reset."""
        return self._shut

    def put(self, data: bytes) -> None:
        """Send bytes."""
        self._in_flight += len(data)
        self._launch(data, len(data))

    def finish(self) -> None:
        """Send the end of file after them."""
        self._shut = True
        self._launch(_Mark.END, 0)

    def cut(self) -> None:
        """Send a reset; bytes that have not left yet are lost. On a cut path the reset is lost, too."""
        self._shut = True
        if self._stalled or not self._passable:
            self._drop()
            return
        horizon = self._network.now() + self.path.latency + self.path.jitter + self._extra
        while self._queue and self._queue[-1][0] > horizon:
            self._forget(self._queue.pop()[1])
        if self._queue:
            self._latest = self._queue[-1][0]
        self._launch(_Mark.RESET, 0)

    def open(self, started: Callable[[], None]) -> None:
        """Let the far end be accepted when this signal arrives."""
        self._started = started
        self._launch(_Mark.OPEN, 0)

    # --- the reading end -------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether the end of file has arrived."""
        return self._arrived_end

    @property
    def forgotten(self) -> bool:
        """Whether the reading end is over."""
        return self._refused

    def take(self, room: memoryview) -> int:
        """Read as much as fits, or as the path allows."""
        if self._small_reads:
            self._small_reads -= 1
            room = room[: self.path.max_read]
        return super().take(room)

    def refuse(self) -> None:
        """The reading end is over: later bytes are answered with a reset."""
        if not self._refused:
            unread = bool(self._data)
            self.forget()
            if unread:
                self._answer_with_reset()

    def forget(self) -> None:
        """The reading end is over, and its host sends nothing about it now."""
        self._refused = True
        self._data.clear()
        self.link.check()

    # --- in flight -------------------------------------------------------------

    @property
    def _passable(self) -> bool:
        return self.target.up and not self._network.parting(self.source, self.target)

    @property
    def _stalled(self) -> bool:
        return self in self._network.stalled

    def _launch(self, item: bytes | _Mark, size: int) -> None:
        network, path = self._network, self.path
        now = network.now()
        if self._strike():
            return
        if now == self._sent_at and not path.rate:
            arrival = self._latest  # written at the same time: it arrives with the bytes before
        else:
            departure = max(now, self._free_at) + (size / path.rate if path.rate else 0.0)
            self._free_at = departure
            delay = path.latency + (path.jitter * network.chance.random() if path.jitter else 0.0)
            arrival = max(departure + delay + self._extra, self._latest)
        self._sent_at = now
        self._latest = arrival
        self._queue.append((arrival, item))
        if not self._travelling:
            self._travelling = True
            self._next = network.clock.call_later(arrival - now, self._arrive)

    def _strike(self) -> bool:
        """Whether rules lose a packet with its link; others delay it."""
        if not self._is_cut:
            rules = self._network.judge(self.source, self.target)
            if not rules:
                self._extra = 0.0
                return False
            self._extra = sum(rule.seconds for rule in rules)
            self._is_cut = any(rule.kind is FaultKind.CUT for rule in rules)
            if self._is_cut:
                self._network.clock.call_soon(self.link.reset)
        return self._is_cut

    def expedite(self) -> None:
        """The path is no longer slow: bytes in flight arrive at once."""
        if not self._queue or self._stalled:
            return
        now = self._network.now()
        self._free_at = now
        self._latest = min(self._latest, now + self.path.latency)
        self._queue = deque((min(arrival, self._latest), item) for arrival, item in self._queue)
        if self._next is not None:
            self._next.cancel()
        self._next = self._network.clock.call_later(self._queue[0][0] - now, self._arrive)

    def retransmit(self) -> None:
        """Retransmit stalled bytes if the path is open again."""
        if self._passable:
            del self._network.stalled[self]
            delay = RETRANSMIT_SECONDS * self._network.chance.random()
            self._next = self._network.clock.call_later(delay, self._arrive)

    def _arrive(self) -> None:
        if not self._queue:  # dropped in the meantime
            self._travelling = False
            return
        if not self.target.up or not self._network.passes(self.source, self.target):
            self._network.stalled[self] = None
            return
        now = self._network.now()
        limit = now + _ROUNDING
        data: list[bytes] = []
        marks: list[_Mark] = []
        queue = self._queue
        while queue and queue[0][0] <= limit:
            item = queue.popleft()[1]
            if isinstance(item, bytes):
                data.append(item)
            else:
                marks.append(item)
        self._travelling = bool(queue)
        if queue:
            self._next = self._network.clock.call_later(queue[0][0] - now, self._arrive)
        self._hand_over(data, marks)

    def _hand_over(self, data: list[bytes], marks: list[_Mark]) -> None:
        """Bytes come after the opening, and before an end."""
        chunk = data[0] if len(data) == 1 else b"".join(data)
        self._in_flight -= len(chunk)
        if self._refused:
            if _Mark.RESET not in marks:
                self._answer_with_reset()
            return
        if _Mark.OPEN in marks and self._started is not None:
            self.target.clock.run(self._started)
            self._started = None
        if chunk:
            self.carried += len(chunk)
            self._network.trace.carried(self.label, chunk)
            self._network.carried(self, chunk)
        if _Mark.RESET in marks:
            self._network.trace.note(self.label, "reset")
            self._data.clear()
            self._reader.reset()
            return
        self._data += chunk
        self._small_reads = _SMALL_READS if self.path.max_read else 0
        if _Mark.END in marks:
            self._network.trace.note(self.label, "end")
            self._arrived_end = True
        self._reader.readable()

    def _answer_with_reset(self) -> None:
        """Send a reset to the writer; it may get lost."""
        back = self._network.path(self.target, self.source)
        passes = self._network.passes(self.target, self.source)
        if passes and self.source.up and self.target.up:
            self._network.clock.call_later(back.latency, self._writer.reset)

    def _drop(self) -> None:
        if self._started is not None:  # the far end was not accepted yet
            self._started = None
            self.forget()
        self._network.stalled.pop(self, None)
        self._queue.clear()
        self._in_flight = 0
        self._travelling = False

    def _forget(self, item: bytes | _Mark) -> None:
        if isinstance(item, bytes):
            self._in_flight -= len(item)
