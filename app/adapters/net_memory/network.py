"""Links between named addresses, in the time that a clock keeps.

No handler is called within the call that gives cause to it: each step is asked of the
clock. So a network runs alike on an event loop and on a manual clock, in virtual time.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from ...domain.sessions.wire import Handler, PeerAddress, Wire
from ...ports.clock import Clock
from ...ports.layers import LayerFactory, LinkSetup
from ...ports.stream_wire import DISCARD
from ...ports.transport import Acceptor, Address, ListenError
from .link import MemoryWire, Pipe

CAPACITY = 256 * 1024
"""Bytes under way in one direction that count as passed on to the peer's side."""

_ANYWHERE = "0.0.0.0"  # noqa: S104 - a name like others here; nothing is bound
_LOOPBACK = "127.0.0.1"
_FREE_PORTS = range(49152, 65536)


class MemoryNetwork:
    """Listeners by address, and the links to them.

    ``on_failure`` is called with a defect that ended one link; by default the defect is
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
        self._listeners: dict[Address, _Listening] = {}
        self._ports = cycle(_FREE_PORTS)

    def listener(self, host: str, port: int, layers: Sequence[LayerFactory] = ()) -> "MemoryListener":
        """Make a listener; any host name will do, and port 0 or -1 means any free port.

        Host 0.0.0.0 takes the links to every host. `layers` lie between the pipes and each wire.
        """
        return MemoryListener(self, host, port, layers)

    def connect(
        self,
        address: Address,
        acceptor: Acceptor,
        layers: Sequence[LayerFactory] = (),
        refused: Callable[[str], None] | None = None,
    ) -> MemoryWire:
        """Open a link, driven by the handler that `acceptor` returns for our end.

        With `layers` it may fail later, and `refused` is called with the reason. Raises
        `ConnectionRefusedError` when nobody listens.
        """
        if self._listening_at(address) is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"no listener on {address.host}:{address.port}")
        near = MemoryWire(self._clock, self._on_failure, PeerAddress(address.host, address.port))
        far = MemoryWire(self._clock, self._on_failure, PeerAddress(_LOOPBACK, next(self._ports)))
        there = Pipe(self._capacity, near.stream, far.stream)
        back = Pipe(self._capacity, far.stream, near.stream)
        near.join(there, back)
        far.join(back, there)
        setup = LinkSetup(self._clock, dialed=address.host, refused=refused or _ignore)
        near.start(acceptor, layers, setup)
        self._clock.call_soon(partial(self._arrive, far, address))
        return near

    def dialer(self, layers: Sequence[LayerFactory] = ()) -> "MemoryDialer":
        """Make a dialer, which opens links to the listeners here."""
        return MemoryDialer(self, self._clock, self._on_failure, layers)

    def bind(self, host: str, port: int, acceptor: Acceptor, layers: Sequence[LayerFactory] = ()) -> Address:
        """Accept at an address from now on; a listener without an event loop. Raises `ListenError`."""
        if port <= 0:
            port = next(free for free in self._ports if not self._taken(host, free))
        if self._taken(host, port):
            raise ListenError("address already in use")
        address = Address(host, port)
        self._listeners[address] = _Listening(acceptor, layers, LinkSetup(self._clock))
        return address

    def unbind(self, address: Address) -> None:
        """Accept there no more; links already accepted go on."""
        self._listeners.pop(address, None)

    def _arrive(self, far: MemoryWire, address: Address) -> None:
        listening = self._listening_at(address)
        if listening is None:  # the listener closed while the link waited
            far.abort()
        else:
            far.start(listening.acceptor, listening.layers, listening.setup)

    def _listening_at(self, address: Address) -> "_Listening | None":
        exact = self._listeners.get(address)
        return exact or self._listeners.get(Address(_ANYWHERE, address.port))

    def _taken(self, host: str, port: int) -> bool:
        return any(
            port == taken.port and (host == taken.host or _ANYWHERE in (host, taken.host))
            for taken in self._listeners
        )


@dataclass(frozen=True, slots=True)
class _Listening:
    """What becomes of a link that arrives."""

    acceptor: Acceptor
    layers: Sequence[LayerFactory]
    setup: LinkSetup


class MemoryListener:
    """Accepts links at one address of a network."""

    def __init__(
        self, network: MemoryNetwork, host: str, port: int, layers: Sequence[LayerFactory] = ()
    ) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._layers = layers
        self._address: Address | None = None

    async def start(self, acceptor: Acceptor) -> Address:
        """Begin to accept; raises `ListenError` when the address is taken."""
        self._address = self._network.bind(self._host, self._port, acceptor, self._layers)
        return self._address

    async def close(self) -> None:
        """Stop accepting. May be called twice."""
        if self._address is not None:
            self._network.unbind(self._address)
            self._address = None


class MemoryDialer:
    """Opens links to the listeners of a network."""

    def __init__(
        self,
        network: MemoryNetwork,
        clock: Clock,
        on_failure: Callable[[Exception], None],
        layers: Sequence[LayerFactory] = (),
    ) -> None:
        self._network = network
        self._clock = clock
        self._on_failure = on_failure
        self._layers = layers
        self._under_way: set[_Attempt] = set()

    def dial(self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        """Open a link at the clock's next turn, or report that there is no listener."""
        attempt = _Attempt(Address(host, port), acceptor, refused)
        self._under_way.add(attempt)
        self._clock.call_soon(partial(self._open, attempt))

    def close(self) -> None:
        """Give up what is under way."""
        for attempt in self._under_way:
            if attempt.wire is not None:
                attempt.wire.abort()
        self._under_way.clear()

    def _open(self, attempt: "_Attempt") -> None:
        if attempt not in self._under_way:
            return
        try:
            wire = self._network.connect(
                attempt.address,
                partial(self._accept, attempt),
                self._layers,
                partial(self._refuse, attempt),
            )
        except ConnectionRefusedError:
            self._refuse(attempt, "connection refused")
        except ValueError:  # no layer can dial this host
            self._refuse(attempt, "no such host")
        else:
            attempt.wire = wire if attempt in self._under_way else None

    def _accept(self, attempt: "_Attempt", wire: Wire) -> Handler:
        if self._ends(attempt):
            return attempt.acceptor(wire)
        wire.abort()
        return DISCARD

    def _refuse(self, attempt: "_Attempt", reason: str) -> None:
        if not self._ends(attempt):
            return
        try:
            attempt.refused(reason)
        except Exception as error:  # noqa: BLE001 - a defect ends one dial, not the network
            self._on_failure(error)

    def _ends(self, attempt: "_Attempt") -> bool:
        """Whether it was under way; from now on it is not."""
        was_under_way = attempt in self._under_way
        self._under_way.discard(attempt)
        attempt.wire = None
        return was_under_way


class _Attempt:
    """One dial."""

    def __init__(self, address: Address, acceptor: Acceptor, refused: Callable[[str], None]) -> None:
        self.address = address
        self.acceptor = acceptor
        self.refused = refused
        self.wire: MemoryWire | None = None
        """What is set up by layers, and not accepted yet."""


def _ignore(_reason: str) -> None:
    """Nobody asks why a link was refused."""


def _raise(error: Exception) -> None:
    raise error
