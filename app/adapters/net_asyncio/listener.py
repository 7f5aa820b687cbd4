"""Accepting links: the common part of all listeners, and the listener for TCP.

The accept loop is our own. When descriptors run out, asyncio's server tries again for
each place in its backlog, with a log entry each time, and uvloop's takes new links and
drops them. The reference leaves peers in the queue and tries again after 10 ms, doubling
to 1 s (client-protocol.md, section 1).

In a rush the queue is so long that clients at its end give up before their turn, and come
back to its end. To serve those that have left would take the time of those that have not,
until nobody is served in time: so in a rush they are dropped as soon as they are accepted.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from ...domain.events import AcceptFailed
from ...domain.sessions.wire import PeerAddress
from ...domain.timers import Scheduler
from ...ports.guarding import guarded
from ...ports.layers import LayerFactory, LinkSetup, stack
from ...ports.stream_wire import LinkContext
from ...ports.transport import Acceptor, Address
from .listening_socket import listening_socket, plain_reason
from .tcp_wire import LoopScheduler, TcpWire, loop_protocol

BACKLOG = 4096
"""Links that may wait to be accepted; the system's own bound applies too."""

_BATCH = 64
"""Links accepted per turn of the loop, so that a rush does not hold up the traffic."""

_SHORTEST_DELAY = 0.010
_LONGEST_DELAY = 1.0

SETUP_SECONDS = 0.1
"""How long new links wait at most while many are in their handshake, and none comes to its end; so peers
that never speak cannot keep the others out."""

_FURTHER = 4
"""Links accepted after this time beside those that replace the ones that came to their end. This server, or
its peers, may do all they can: the more handshakes are under way, the longer each takes, until all are too
late. Or most of those under way never speak: then more and more are accepted each time."""

_MAPPED = "::ffff:"
"""How IPv6 writes an IPv4 peer of a dual-stack socket; people expect plain IPv4."""


class SocketListener(ABC):
    """Accepts links at one socket.

    ``on_failure`` is called with defects that ended one link, ``on_accept_failed`` when
    the system refused a new link for the time being. ``layers`` lie between the socket and
    the wire of each link, the first one next to the socket. ``scheduler`` times handshakes and the
    ends of links; the loop does by default. ``keep`` is asked which links end with the process.
    """

    def __init__(
        self,
        *,
        on_failure: Callable[[Exception], None],
        on_accept_failed: Callable[[AcceptFailed], None],
        layers: Sequence[LayerFactory] = (),
        scheduler: Scheduler | None = None,
        keep: Callable[[int], bool] | None = None,
    ) -> None:
        self._on_failure = on_failure
        self._on_accept_failed = on_accept_failed
        self._layers = layers
        self._scheduler = scheduler
        self._keep = keep
        self._delay = _SHORTEST_DELAY
        self._is_rush = False
        """Whether there were more links in the queue than a turn takes."""
        self._retry: asyncio.TimerHandle | None = None
        self._wait_ends: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None

    async def start(self, acceptor: Acceptor) -> Address:
        """Begin to accept; the address is the real one. Raises `ListenError`."""
        self._socket, address = await self._open()
        listening = self._socket
        self._loop = asyncio.get_running_loop()
        scheduler = self._scheduler or LoopScheduler(self._loop)
        self._context = LinkContext(scheduler, acceptor, self._on_failure, self._keep)
        self._setup = LinkSetup(scheduler)
        self._loop.add_reader(listening, self._accept, listening)
        return address

    @abstractmethod
    async def _open(self) -> tuple[socket.socket, Address]:
        """The listening socket, and its real address. Raises `ListenError`."""

    @abstractmethod
    def _peer(self, accepted: socket.socket, address: Any) -> PeerAddress:  # noqa: ANN401 - as `socket.accept` has it
        """Who is at the other end of a new link. Raises `OSError`."""

    async def close(self) -> None:
        """Stop accepting; links that are there go on. May be called twice."""
        listening, self._socket = self._socket, None
        if listening is None:
            return
        for timer in (self._retry, self._wait_ends):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(listening)
        listening.close()

    @guarded
    def _accept(self, listening: socket.socket) -> None:
        limit = self._setup.limit
        if limit.is_reached:
            self._wait_for_room(listening)
        elif self._layers:
            self._accept_batch(listening, limit.room - len(self._arriving))
        else:
            self._accept_batch(listening, _BATCH)

    def fail(self, error: Exception) -> None:
        """Report what went wrong over new links; those in the queue are tried again."""
        with suppress(MemoryError):
            self._on_failure(error)

    def _accept_batch(self, listening: socket.socket, size: int) -> None:
        for _ in range(size):
            try:
                accepted, address = listening.accept()
            except BlockingIOError:
                self._is_rush = False
                return
            except ConnectionAbortedError:  # the peer went away while it waited
                continue
            except OSError as error:
                self._back_off(listening, error)
                return
            self._delay = _SHORTEST_DELAY
            if self._is_rush and _has_left(accepted):
                accepted.close()
            else:
                self._adopt(accepted, self._peer(accepted, address))
        self._is_rush = True

    def _adopt(self, accepted: socket.socket, peer: PeerAddress) -> None:
        task = self._loop.create_task(self._attach(accepted, peer))
        self._arriving.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._arriving.discard)

    async def _attach(self, accepted: socket.socket, peer: PeerAddress) -> None:
        try:
            accepted.settimeout(0)
            await self._loop.connect_accepted_socket(lambda: self._link(peer), accepted)
        except Exception as error:  # noqa: BLE001 - one link could not be set up; the others are fine
            accepted.close()
            self.fail(error)

    def _link(self, peer: PeerAddress) -> asyncio.BufferedProtocol:
        wire = TcpWire(self._context, peer)
        return loop_protocol(wire, stack(wire, self._layers, self._setup)) if self._layers else wire

    def _wait_for_room(self, listening: socket.socket) -> None:
        """Take no more links until some handshakes are over, or for a moment."""
        self._is_rush = True
        self._loop.remove_reader(listening)
        self._setup.limit.on_room = partial(self._go_on, listening)
        completed = self._setup.limit.completed
        self._wait_ends = self._loop.call_later(SETUP_SECONDS, self._accept_some, listening, completed)

    @guarded
    def _accept_some(self, listening: socket.socket, completed: int) -> None:
        """Do not wait any longer; `completed` handshakes had come to their end before."""
        self._go_on(listening)
        self._accept_batch(listening, size_after_wait(self._setup.limit.completed - completed))

    def _go_on(self, listening: socket.socket) -> None:
        self._setup.limit.on_room = None
        if self._wait_ends is not None and self._socket is not None:
            self._wait_ends.cancel()
            self._wait_ends = None
            self._loop.add_reader(listening, self._accept, listening)

    def _back_off(self, listening: socket.socket, error: OSError) -> None:
        """Leave the queue alone for a while: it stays readable, and would wake us at once."""
        loop = self._loop
        loop.remove_reader(listening)
        self._retry = loop.call_later(self._delay, loop.add_reader, listening, self._accept, listening)
        self._on_accept_failed(
            AcceptFailed(link=None, reason=plain_reason(error), delay_ms=round(self._delay * 1000))
        )
        self._delay = min(self._delay * 2, _LONGEST_DELAY)


def size_after_wait(completed: int) -> int:
    """How many links to accept after `SETUP_SECONDS` in which this number of handshakes was `completed`."""
    return min(completed + _FURTHER, _BATCH) if completed else _BATCH


def _has_left(accepted: socket.socket) -> bool:
    """Whether the peer is gone, or has ended its side and said nothing: it asks for nothing."""
    try:
        return not accepted.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


class TcpListener(SocketListener):
    """Accepts TCP links at one host and port; port 0 or -1 means any free port. See `SocketListener`."""

    def __init__(  # noqa: PLR0913 - by name, and most have a default
        self,
        host: str,
        port: int,
        *,
        on_failure: Callable[[Exception], None],
        on_accept_failed: Callable[[AcceptFailed], None],
        layers: Sequence[LayerFactory] = (),
        scheduler: Scheduler | None = None,
        keep: Callable[[int], bool] | None = None,
    ) -> None:
        super().__init__(
            on_failure=on_failure,
            on_accept_failed=on_accept_failed,
            layers=layers,
            scheduler=scheduler,
            keep=keep,
        )
        self._host = host
        self._port = port

    async def _open(self) -> tuple[socket.socket, Address]:
        """The address has the host as it was given."""
        listening = await listening_socket(self._host, self._port, BACKLOG)
        return listening, Address(self._host, listening.getsockname()[1])

    def _peer(self, _accepted: socket.socket, address: Any) -> PeerAddress:  # noqa: ANN401 - as `socket.accept` has it
        return PeerAddress(address[0].removeprefix(_MAPPED), address[1])
