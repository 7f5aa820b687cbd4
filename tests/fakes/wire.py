"""A wire without a network, driven by a test."""

from app.domain.security.link_security import Security
from app.domain.sessions.wire import Handler, PeerAddress, Wire
from app.ports.transport import HIGH_WATER, LOW_WATER

ADDRESS = "192.0.2.1"


class FakeWire(Wire):
    """Records output, and drives its handler as the test says.

    The peer takes everything at once until `stall`; from then on what is written stays
    pending, and `pass_on` lets some of it go. `feed` sends input, in reads of a chosen
    size; while the wire is paused the input waits, as in a kernel, for `pump`. `end` is
    the peer's end of file and `lose` the end of the link, which breaks the tie to the
    handler as a transport does.
    """

    def __init__(self, port: int = 4000, ip: str = ADDRESS) -> None:
        self.handler: Handler | None = None
        self.paused = False
        self.closed = False
        """`close` was called."""
        self.aborted = False
        self.agreed: Security | None = None
        """How the link is protected."""
        self.writes: list[bytes] = []
        """Each write; pieces of one `writelines` are one write."""
        self.output = bytearray()
        """All that was written, in order, pending bytes included."""
        self._peer = PeerAddress(ip, port)
        self._stalled = False
        self._choked = False
        self._pending = 0
        self._heard = 0
        self._input = bytearray()
        self._input_over = False

    # --- what the domain calls -------------------------------------------------

    @property
    def peer(self) -> PeerAddress:
        """The address that the test plays."""
        return self._peer

    def write(self, data: bytes) -> None:
        """Record one piece; ignored after the end."""
        if self.is_over:
            return
        self.writes.append(data)
        self.output += data
        if self._stalled:
            self._pending += len(data)
            self._choked = self._choked or self._pending > HIGH_WATER

    def writelines(self, chunks: list[bytes]) -> None:
        """Record several pieces as one."""
        self.write(b"".join(chunks))

    def pending(self) -> int:
        """What was written since `stall` and not passed on."""
        return 0 if self.is_over else self._pending

    def untaken(self) -> int:
        """Nothing: no system is in between."""
        return 0

    def pause(self) -> None:
        """Keep input back."""
        self.paused = True

    def resume(self) -> None:
        """Let input pass again, at the next `pump`."""
        self.paused = False

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def abort(self) -> None:
        """Take no more; what is pending counts as lost."""
        if not self.is_over:
            del self.output[len(self.output) - self._pending :]
        self.aborted = True

    @property
    def security(self) -> Security | None:
        """As set by the test; by default a plain link."""
        return self.agreed

    # --- what the test sees ------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the domain ended the link."""
        return self.closed or self.aborted

    def heard(self) -> bytes:
        """What was written since the last call."""
        new = bytes(self.output[self._heard :])
        self._heard = len(self.output)
        return new

    # --- what the test does --------------------------------------------------------

    def stall(self) -> None:
        """Stop taking what is written."""
        self._stalled = True

    def pass_on(self, count: int | None = None) -> None:
        """Take `count` of the pending bytes, or all of them and all to come."""
        if count is None:
            self._stalled = False
            count = self._pending
        assert count <= self._pending, f"only {self._pending} bytes are pending"
        self._pending -= count
        if self._choked and self._pending <= LOW_WATER:
            self._choked = False
            if self.handler is not None and not self.is_over:
                self.handler.drained()

    def feed(self, data: bytes, size: int | None = None) -> None:
        """Send `data`; it is read in pieces of at most `size` bytes."""
        self._input += data
        self.pump(size)

    def pump(self, size: int | None = None) -> bool:
        """Let the handler read waiting input; returns whether it read any."""
        moved = False
        while self._input and self._is_read():
            self._read_once(size)
            moved = True
        if self._input_over and not self._input and self._is_read():
            self._input_over = False
            assert self.handler is not None
            self.handler.eof_received()
            moved = True
        return moved

    def end(self) -> None:
        """Send an end of file after the input."""
        self._input_over = True
        self.pump()

    def lose(self, error: Exception | None = None) -> None:
        """End the link, and forget the handler."""
        handler, self.handler = self.handler, None
        assert handler is not None, "the link was lost before"
        handler.connection_lost(error)

    @property
    def unread(self) -> int:
        """Bytes of input that wait to be read."""
        return len(self._input)

    def _is_read(self) -> bool:
        return self.handler is not None and not self.paused and not self.is_over

    def _read_once(self, size: int | None) -> None:
        assert self.handler is not None
        room = self.handler.reserve()
        assert len(room) > 0, "no room was reserved"
        count = min(len(room), len(self._input), size or len(room))
        room[:count] = self._input[:count]
        del self._input[:count]
        self.handler.received(count)
