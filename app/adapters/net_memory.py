"""Transport in memory: links between named addresses, in the time that a clock keeps.

A link is two pipes, one for each direction:

    write --> [ pending | at most `capacity` bytes, "the kernel's" ] --> reserve, received

No handler is called within the call that gives cause to it: each step is asked of the
clock. So a network runs alike on an event loop and on a manual clock, in virtual time.
"""

import errno
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from itertools import cycle

from app.domain.sessions.wire import Handler, Peer
from app.ports.clock import Clock, Timer
from app.ports.transport import HIGH_WATER, LINGER_SECONDS, LOW_WATER, Acceptor, Address, ListenError

CAPACITY = 256 * 1024
"""Bytes under way in one direction that count as passed on to the peer's side."""

_ANYWHERE = "0.0.0.0"  # noqa: S104 - a name like others here; nothing is bound
_LOOPBACK = "127.0.0.1"
_FREE_PORTS = range(49152, 65536)


class MemoryNetwork:
    """Listeners by address, and the links to them.

    ``on_failure`` is told of a defect that ended one link; by default the defect is
    raised into the clock. ``capacity`` bounds what is under way in each direction.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        capacity: int = CAPACITY,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._on_failure = on_failure or _raise
        self._listeners: dict[Address, Acceptor] = {}
        self._ports = cycle(_FREE_PORTS)

    def listener(self, host: str, port: int) -> "MemoryListener":
        """Make a listener; any host name will do, and port 0 or -1 means any free port.

        Host 0.0.0.0 takes the links to every host.
        """
        return MemoryListener(self, host, port)

    def connect(self, address: Address, acceptor: Acceptor) -> "MemoryWire":
        """Open a link, driven by the handler that `acceptor` returns for our end.

        Raises `ConnectionRefusedError` when nobody listens.
        """
        if self._acceptor_at(address) is None:
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, f"nobody listens on {address.host}:{address.port}"
            )
        near = MemoryWire(self._clock, self._on_failure, Peer(address.host, address.port))
        far = MemoryWire(self._clock, self._on_failure, Peer(_LOOPBACK, next(self._ports)))
        there, back = Pipe(self._capacity, near, far), Pipe(self._capacity, far, near)
        near.join(there, back)
        far.join(back, there)
        near.start(acceptor)
        self._clock.call_soon(partial(self._arrive, far, address))
        return near

    def dialer(self) -> "MemoryDialer":
        """Make a dialer, which opens links to the listeners here."""
        return MemoryDialer(self, self._clock, self._on_failure)

    def bind(self, host: str, port: int, acceptor: Acceptor) -> Address:
        """Accept at an address from now on; a listener without an event loop. Raises `ListenError`."""
        if port <= 0:
            port = next(free for free in self._ports if not self._taken(host, free))
        if self._taken(host, port):
            raise ListenError("address already in use")
        address = Address(host, port)
        self._listeners[address] = acceptor
        return address

    def unbind(self, address: Address) -> None:
        """Accept there no more; links already accepted go on."""
        self._listeners.pop(address, None)

    def _arrive(self, far: "MemoryWire", address: Address) -> None:
        acceptor = self._acceptor_at(address)
        if acceptor is None:  # the listener closed while the link waited
            far.abort()
        else:
            far.start(acceptor)

    def _acceptor_at(self, address: Address) -> Acceptor | None:
        exact = self._listeners.get(address)
        return exact or self._listeners.get(Address(_ANYWHERE, address.port))

    def _taken(self, host: str, port: int) -> bool:
        return any(
            port == taken.port and (host == taken.host or _ANYWHERE in (host, taken.host))
            for taken in self._listeners
        )


class MemoryListener:
    """Accepts links at one address of a network."""

    def __init__(self, network: MemoryNetwork, host: str, port: int) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._address: Address | None = None

    async def start(self, acceptor: Acceptor) -> Address:
        """Begin to accept; raises `ListenError` when the address is taken."""
        self._address = self._network.bind(self._host, self._port, acceptor)
        return self._address

    async def close(self) -> None:
        if self._address is not None:
            self._network.unbind(self._address)
            self._address = None


class MemoryDialer:
    """Opens links to the listeners of a network."""

    def __init__(self, network: MemoryNetwork, clock: Clock, on_failure: Callable[[Exception], None]) -> None:
        self._network = network
        self._clock = clock
        self._on_failure = on_failure
        self._under_way: set[object] = set()

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Open a link at the clock's next turn, or tell that nobody listens."""
        attempt = object()
        self._under_way.add(attempt)
        self._clock.call_soon(partial(self._open, attempt, Address(host, port), acceptor, refused))

    def close(self) -> None:
        self._under_way.clear()

    def _open(
        self, attempt: object, address: Address, acceptor: Acceptor, refused: Callable[[str], None]
    ) -> None:
        if attempt not in self._under_way:
            return
        self._under_way.remove(attempt)
        try:
            self._network.connect(address, acceptor)
        except ConnectionRefusedError:
            self._refuse(refused)

    def _refuse(self, refused: Callable[[str], None]) -> None:
        try:
            refused("connection refused")
        except Exception as error:  # noqa: BLE001 - see MemoryWire.start
            self._on_failure(error)


class Pipe:
    """One direction of a link: bytes in order, then perhaps an end of file."""

    __slots__ = ("_capacity", "_data", "_finished", "_reader", "_refused", "_writer")

    def __init__(self, capacity: int, writer: "MemoryWire", reader: "MemoryWire") -> None:
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
        return bool(self._data)

    @property
    def shut(self) -> bool:
        """Whether the writer sent its end of file."""
        return self._finished

    @property
    def finished(self) -> bool:
        """Whether the end of file is at the reader's side; data may stand before it."""
        return self._finished

    def put(self, data: bytes) -> None:
        if self._refused:
            self._writer.reset()
            return
        self._data += data
        self._reader.readable()

    def finish(self) -> None:
        self._finished = True
        self._reader.readable()

    def take(self, room: memoryview) -> int:
        """Move as much as fits into `room`; return how much."""
        count = min(len(room), len(self._data))
        room[:count] = self._data[:count]
        del self._data[:count]
        self._writer.relieved()
        return count

    def discard(self) -> None:
        self._data.clear()
        self._writer.relieved()

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


class _State(Enum):
    """As for TCP; see app/adapters/net_asyncio/protocol.py."""

    OPEN = auto()
    CLOSING = auto()
    ENDED = auto()


class MemoryWire:
    """One end of a link."""

    __slots__ = (
        "_choked",
        "_clock",
        "_handler",
        "_incoming",
        "_input_over",
        "_linger",
        "_on_failure",
        "_outgoing",
        "_paused",
        "_peer",
        "_reading",
        "_state",
    )

    _incoming: Pipe
    _outgoing: Pipe

    def __init__(self, clock: Clock, on_failure: Callable[[Exception], None], peer: Peer) -> None:
        self._clock = clock
        self._on_failure = on_failure
        self._peer = peer
        self._handler: Handler | None = None
        self._state = _State.OPEN
        self._paused = False
        self._choked = False
        self._reading = False
        self._input_over = False
        self._linger: Timer | None = None

    def join(self, outgoing: Pipe, incoming: Pipe) -> None:
        """Take the two pipes of the link; for the network."""
        self._outgoing = outgoing
        self._incoming = incoming

    def start(self, acceptor: Acceptor) -> None:
        """Begin to drive the handler that `acceptor` returns; for the network."""
        if self._state is _State.ENDED:  # the peer gave up while the link waited
            return
        try:
            self._handler = acceptor(self)
            if self._state is _State.OPEN:
                self._handler.opened()
        except Exception as error:  # noqa: BLE001 - a defect ends one link, not the network
            self._fail(error)
        self.readable()

    @property
    def peer(self) -> Peer:
        return self._peer

    @property
    def security(self) -> None:
        return None

    def write(self, data: bytes) -> None:
        if self._state is _State.OPEN and data and not self._outgoing.shut:
            self._outgoing.put(data)
            self._choked = self._choked or self._outgoing.pending > HIGH_WATER

    def writelines(self, chunks: list[bytes]) -> None:
        self.write(b"".join(chunks))

    def write_eof(self) -> None:
        """Send our end of file, and read on; writes are ignored from now on."""
        if self._state is _State.OPEN and not self._outgoing.shut:
            self._outgoing.finish()

    def pending(self) -> int:
        return 0 if self._state is _State.ENDED else self._outgoing.pending

    def untaken(self) -> int:
        return 0 if self._state is _State.ENDED else self._outgoing.under_way

    def pause(self) -> None:
        if self._state is _State.OPEN:
            self._paused = True

    def resume(self) -> None:
        if self._state is _State.OPEN:
            self._paused = False
            self.readable()

    def close(self) -> None:
        if self._state is not _State.OPEN:
            return
        self.resume()
        self.write_eof()
        self._state = _State.CLOSING
        self._linger = self._clock.call_later(LINGER_SECONDS, self._stop_lingering)
        self._end_when_done()

    def abort(self) -> None:
        if self._state is not _State.ENDED:
            self._outgoing.cut()
            self._end(None)

    def readable(self) -> None:
        """See to it that what came in is read; for the pipe."""
        something = self._incoming.holds_data or (self._incoming.finished and not self._input_over)
        if something and self._handler is not None and not self._paused and not self._reading:
            self._reading = True
            self._clock.call_soon(self._read)

    def relieved(self) -> None:
        """Note that the peer has taken data; for the pipe."""
        if self._choked and self._outgoing.pending <= LOW_WATER:
            self._choked = False
            self._clock.call_soon(self._drained)
        self._end_when_done()

    def reset(self) -> None:
        """End because the peer takes no more; for the pipe."""
        if self._state is not _State.ENDED:
            self._end(ConnectionResetError(errno.ECONNRESET, "connection reset by peer"))

    def _read(self) -> None:
        self._reading = False
        if self._state is _State.CLOSING:
            self._incoming.discard()
            self._note_end_of_file()
        elif self._state is _State.OPEN and self._handler is not None and not self._paused:
            try:
                self._read_into(self._handler)
            except Exception as error:  # noqa: BLE001 - see start
                self._fail(error)

    def _read_into(self, handler: Handler) -> None:
        """One step, as of a system's read: some bytes, or the end of file."""
        if self._incoming.holds_data:
            handler.received(self._incoming.take(handler.reserve()))
            self.readable()
        elif self._incoming.finished:
            self._input_over = True
            handler.eof_received()

    def _note_end_of_file(self) -> None:
        if self._incoming.finished:
            self._input_over = True
            self._end_when_done()

    def _drained(self) -> None:
        if self._state is not _State.OPEN or self._handler is None:
            return
        try:
            self._handler.drained()
        except Exception as error:  # noqa: BLE001 - see start
            self._fail(error)

    def _end_when_done(self) -> None:
        if self._state is _State.CLOSING and self._input_over and not self._outgoing.pending:
            self._end(None)

    def _stop_lingering(self) -> None:
        if self._outgoing.pending:
            self.abort()
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self._state = _State.ENDED
        if self._linger is not None:
            self._linger.cancel()
        self._incoming.refuse()
        self._clock.call_soon(partial(self._lose, error))

    def _lose(self, error: Exception | None) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        try:
            handler.connection_lost(error)
        except Exception as failure:  # noqa: BLE001 - see start
            self._on_failure(failure)

    def _fail(self, error: Exception) -> None:
        self.abort()
        self._on_failure(error)


def _raise(error: Exception) -> None:
    raise error
