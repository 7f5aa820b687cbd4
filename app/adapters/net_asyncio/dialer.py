"""Dialing TCP links, with any layers.

A dial has two parts. First a socket is connected, which may be cancelled at any time.
Then it becomes a link, which only an abort may end: when a loop is cancelled while it
makes a transport, it may forget to report the loss of the link.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from ...domain.address import HIGHEST_PORT
from ...domain.sessions.wire import Handler, PeerAddress, Wire
from ...domain.timers import Scheduler
from ...ports.guarding import guarded
from ...ports.layers import LayerFactory, LinkSetup, stack
from ...ports.stream_wire import DISCARD, LinkContext
from ...ports.transport import DIAL_SECONDS, Acceptor
from .listening_socket import plain_reason
from .tcp_wire import LoopScheduler, TcpWire, loop_protocol

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""What a system dials: numeric host and port, and for IPv6 the flow label and the scope."""


class _Attempt:
    """One dial: it is answered once, in time, and not after it was given up."""

    def __init__(
        self,
        acceptor: Acceptor,
        refused: Callable[[str], None],
        forget: Callable[["_Attempt"], None],
        on_failure: Callable[[Exception], None],
        seconds: float,
    ) -> None:
        self._acceptor = acceptor
        self._refused = refused
        self._on_failure = on_failure
        self._forget = forget
        self._over = False
        self._is_given_up = False
        """Whether it ended without a link, and none is needed any more."""
        self._time = asyncio.get_running_loop().call_later(seconds, self.refuse, "timeout")
        self._stop: Callable[[], object] = _leave

    def stop_by(self, stop: Callable[[], object]) -> None:
        """`stop` ends what is under way from now on; it must not fail when nothing is."""
        if self._is_given_up:
            stop()
        elif not self._over:
            self._stop = stop

    def accept(self, wire: Wire) -> Handler:
        """There is a link; the acceptor for its wire."""
        if self._end():
            self._stop = _leave  # it would keep the wire alive, which keeps this object
            return self._acceptor(wire)
        wire.abort()
        return DISCARD

    def refuse(self, reason: str) -> None:
        """There will be no link."""
        if self._end():
            self._is_given_up = True
            self._stop()
            self._answer(reason)

    @guarded
    def _answer(self, reason: str) -> None:
        self._refused(reason)

    def fail(self, error: Exception) -> None:
        """Report a defect of the one that asked."""
        self._on_failure(error)

    def give_up(self) -> None:
        """Nobody wants it any more."""
        if self._end():
            self._is_given_up = True
            self._stop()

    def _end(self) -> bool:
        """Whether it was under way; from now on it is not."""
        if self._over:
            return False
        self._over = True
        self._time.cancel()
        self._forget(self)
        return True


class TcpDialer:
    """Opens TCP links to hosts by name or address.

    ``on_failure`` is called with defects that ended one link. ``layers`` lie between the
    socket and the wire of each link, the first one next to the socket; they learn the host
    that was dialed, and may refuse the link. ``scheduler`` times handshakes and the ends of links; the
    loop does by default. A link may take `seconds` to be connected, and `setup_seconds` more for its layers.
    """

    def __init__(
        self,
        *,
        on_failure: Callable[[Exception], None],
        layers: Sequence[LayerFactory] = (),
        scheduler: Scheduler | None = None,
        seconds: float = DIAL_SECONDS,
        setup_seconds: float = 0.0,
    ) -> None:
        self._on_failure = on_failure
        self._layers = layers
        self._seconds = seconds
        self._setup_seconds = setup_seconds
        self._scheduler = scheduler
        self._under_way: set[_Attempt] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def dial(
        self, host: str, port: int, acceptor: Acceptor, refused: Callable[[str], None], *, name: str = ""
    ) -> None:
        """Try to open a link; see the port. A certificate must be for `name`, or else for the host."""
        seconds = self._seconds + self._setup_seconds
        attempt = _Attempt(acceptor, refused, self._under_way.discard, self._on_failure, seconds)
        self._under_way.add(attempt)
        task = asyncio.get_running_loop().create_task(self._try(host, port, name or host, attempt))
        attempt.stop_by(task.cancel)
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Give up what is under way."""
        for attempt in list(self._under_way):
            attempt.give_up()

    async def _try(self, host: str, port: int, name: str, attempt: _Attempt) -> None:
        if not 0 < port <= HIGHEST_PORT:
            attempt.refuse(f"port must be between 1 and {HIGHEST_PORT}")
            return
        try:
            connected = await _connect(await _resolve(host, port), self._seconds)
            await self._hand_over(name, connected, attempt)
        except TimeoutError:
            attempt.refuse("timeout")
        except (socket.gaierror, ValueError):  # a UnicodeError, of a name that is none, is a ValueError
            attempt.refuse("no such host")
        except OSError as error:
            attempt.refuse(plain_reason(error))
        except Exception as error:  # noqa: BLE001 - a defect ends one dial, and is not lost with its task
            self._on_failure(error)
            attempt.refuse("internal error")

    async def _hand_over(self, name: str, connected: socket.socket, attempt: _Attempt) -> None:
        loop = asyncio.get_running_loop()
        scheduler = self._scheduler or LoopScheduler(loop)
        try:
            ip, port = connected.getpeername()[:2]
            wire = TcpWire(LinkContext(scheduler, attempt.accept, self._on_failure), PeerAddress(ip, port))
            setup = LinkSetup(scheduler, dialed=name, refused=attempt.refuse)
            protocol = loop_protocol(wire, stack(wire, self._layers, setup))
        except BaseException:
            connected.close()
            raise
        attempt.stop_by(_leave)
        # Not create_connection: in uvloop it forgets the socket of a link that its acceptor ends.
        await loop.connect_accepted_socket(lambda: protocol, connected)
        attempt.stop_by(wire.abort)


def _leave() -> None:
    """Stop nothing: it ends by itself, and soon."""


async def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, _Address]]:
    """All addresses of a host; a literal one needs no resolver, and so no thread."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return [(family, address) for family, _, _, _, address in found]


async def _connect(addresses: list[tuple[socket.AddressFamily, _Address]], seconds: float) -> socket.socket:
    """Try one address after the other; each has its share of the time."""
    failure: OSError = OSError("no such host")
    for family, address in addresses:
        dialed = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialed.settimeout(0)
            async with asyncio.timeout(seconds / len(addresses)):
                await asyncio.get_running_loop().sock_connect(dialed, address)
        except OSError as error:  # a TimeoutError is one
            dialed.close()
            failure = error
        except BaseException:
            dialed.close()
            raise
        else:
            return dialed
    raise failure
