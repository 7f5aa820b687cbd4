"""One link in memory: its two pipes, and its two ends.

    write --> [ pending | at most the capacity, "the kernel's" ] --> reserve, received

At each end a `MemoryStream` writes to one pipe and reads from the other; it is what a
socket's transport is over TCP, so a wire, and any layers, may be put on top.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...domain.sessions.wire import Handler, PeerAddress, Wire
from ...ports.clock import Clock
from ...ports.layers import LayerFactory, LinkSetup, Upper, begin, stack
from ...ports.stream_wire import LinkContext, StreamWire
from ...ports.transport import HIGH_WATER, LOW_WATER, Acceptor


class Pipe:
    """One direction of a link: bytes in order, then perhaps an end of file."""

    __slots__ = ("_capacity", "_data", "_finished", "_reader", "_refused", "_writer")

    def __init__(self, capacity: int, writer: "MemoryStream", reader: "MemoryStream") -> None:
        self._capacity = capacity
        self._writer = writer
        self._reader = reader
        self._data = bytearray()
        self._finished = False
        self._refused = False

    @property
    def pending(self) -> int:
        """Bytes beyond the capacity: the writer still answers for them."""
        return max(0, len(self._data) - self._capacity)

    @property
    def under_way(self) -> int:
        """Bytes within the capacity: passed on, and not read yet."""
        return min(len(self._data), self._capacity)

    @property
    def holds_data(self) -> bool:
        """Whether something can be read."""
        return bool(self._data)

    @property
    def shut(self) -> bool:
        """Whether the writer sent its end of file."""
        return self._finished

    @property
    def finished(self) -> bool:
        """Whether the end of file is at the reader's side; data may precede it."""
        return self._finished

    def put(self, data: bytes) -> None:
        """Write."""
        if self._refused:
            self._writer.reset()
            return
        self._data += data
        self._reader.readable()

    def finish(self) -> None:
        """Send the end of file."""
        self._finished = True
        self._reader.readable()

    def take(self, room: memoryview) -> int:
        """Move as much as fits into `room`; return how much."""
        count = min(len(room), len(self._data))
        room[:count] = self._data[:count]
        del self._data[:count]
        self._writer.relieved()
        return count

    def cut(self) -> None:
        """Let the writer go without an end of file: what is under way is lost."""
        self._data.clear()
        self._reader.reset()

    def refuse(self) -> None:
        """Let the reader go: the writer is reset if it has sent more, or once it does."""
        self._refused = True
        if self._data:
            self._data.clear()
            self._writer.reset()


class MemoryStream:
    """One end of a link as a stream of bytes: the `Lower` of its wire, or of its first layer."""

    __slots__ = (
        "_clock",
        "_closing",
        "_congested",
        "_high",
        "_incoming",
        "_input_over",
        "_low",
        "_outgoing",
        "_paused",
        "_reading",
        "_upper",
        "is_over",
    )

    _incoming: Pipe
    _outgoing: Pipe

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._upper: Upper | None = None
        self._high, self._low = HIGH_WATER, LOW_WATER
        self._closing = False
        """Whether nothing more is read or written; what was written may be on its way."""
        self._congested = False
        self._input_over = False
        self._paused = False
        self._reading = False
        self.is_over = False
        """Whether this end is gone, or will be in the clock's next turn."""

    # --- for the network -------------------------------------------------------------

    def join(self, outgoing: Pipe, incoming: Pipe) -> None:
        """Take the two pipes of the link."""
        self._outgoing = outgoing
        self._incoming = incoming

    def start(self, upper: Upper) -> None:
        """Drive this upper from now on."""
        self._upper = upper
        begin(upper, self)
        self.readable()

    def under_way(self) -> int:
        """Bytes that were passed on, and that the peer has not read."""
        return self._outgoing.under_way

    # --- for the pipes ---------------------------------------------------------------

    def readable(self) -> None:
        """See to it that what came in is read."""
        something = self._incoming.holds_data or (self._incoming.finished and not self._input_over)
        if something and self._upper is not None and not (self._paused or self._reading or self._closing):
            self._reading = True
            self._clock.call_soon(self._read)

    def relieved(self) -> None:
        """Note that the peer has taken data."""
        if self._congested and self._outgoing.pending <= self._low:
            self._congested = False
            if self._upper is not None:
                self._upper.resume_writing()
        self._end_when_sent()

    def reset(self) -> None:
        """End because the peer takes no more."""
        if not self.is_over:
            self._end(ConnectionResetError(errno.ECONNRESET, "connection reset by peer"))

    # --- for the upper ---------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Lower`."""
        if data and not self._closing and not self._outgoing.shut:
            self._outgoing.put(data)
            self._note_congestion()

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Lower`."""
        self.write(b"".join(chunks))

    def write_eof(self) -> None:
        """See `Lower`."""
        if not self._closing and not self._outgoing.shut:
            self._outgoing.finish()

    def get_write_buffer_size(self) -> int:
        """See `Lower`."""
        return 0 if self.is_over else self._outgoing.pending

    def get_extra_info(self, _name: str) -> None:
        """There is nothing to know."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `Lower`; the defaults are those of the port, and a quarter of what is given."""
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low
        self._note_congestion()

    def pause_reading(self) -> None:
        """See `Lower`."""
        self._paused = True

    def resume_reading(self) -> None:
        """See `Lower`."""
        self._paused = False
        self.readable()

    def close(self) -> None:
        """See `Lower`."""
        self.write_eof()
        self._closing = True
        self._end_when_sent()

    def abort(self) -> None:
        """See `Lower`."""
        if not self.is_over:
            self._outgoing.cut()
            self._end(None)

    def _note_congestion(self) -> None:
        self._congested = self._congested or self.get_write_buffer_size() > self._high

    def _read(self) -> None:
        """One step, as of a system's read: some bytes, or the end of file."""
        self._reading = False
        upper = self._upper
        if upper is None or self._paused or self._closing:
            return
        if self._incoming.holds_data:
            upper.buffer_updated(self._incoming.take(upper.get_buffer(-1)))
            self.readable()
        elif self._incoming.finished and not self._input_over:
            self._input_over = True
            if not upper.eof_received():
                self.close()

    def _end_when_sent(self) -> None:
        if self._closing and not self.is_over and not self._outgoing.pending:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.is_over = self._closing = True
        self._incoming.refuse()
        self._clock.call_soon(partial(self._lose, error))

    def _lose(self, error: Exception | None) -> None:
        upper, self._upper = self._upper, None
        if upper is not None:
            upper.connection_lost(error)


class MemoryWire(StreamWire):
    """One end of a link."""

    __slots__ = ("stream",)

    def __init__(self, clock: Clock, on_failure: Callable[[Exception], None], peer: PeerAddress) -> None:
        super().__init__(LinkContext(clock, _refuse_all, on_failure), peer)
        self.stream = MemoryStream(clock)
        """The end as a stream of bytes, below any layers."""

    def join(self, outgoing: Pipe, incoming: Pipe) -> None:
        """Take the two pipes of the link; for the network."""
        self.stream.join(outgoing, incoming)
        self.attach(self.stream)

    def start(
        self, acceptor: Acceptor, layers: Sequence[LayerFactory] = (), setup: LinkSetup | None = None
    ) -> None:
        """Drive the handler that `acceptor` returns; for the network. Raises what a factory raises."""
        if self.stream.is_over:  # the peer gave up while the link waited
            return
        self._context = replace(self._context, acceptor=acceptor)
        self.stream.start(stack(self, layers, setup or LinkSetup(self._context.scheduler)))

    def write_eof(self) -> None:
        """Send our end of file, and read on; writes are ignored from now on."""
        if self.is_open:
            self._lower.write_eof()

    def _untaken(self) -> int:
        return self.stream.under_way()


def _refuse_all(_wire: Wire) -> Handler:
    """The acceptor of a link that was not started."""
    raise LookupError("this link has no acceptor yet")
