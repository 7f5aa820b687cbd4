"""One TCP link: asyncio's protocol on its outer side, the domain's `Wire` on its inner."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from ...domain.timers import Scheduler, Timer
from ...ports.layers import Layer, Lower, Upper, begin
from ...ports.stream_wire import StreamWire
from .send_queue import unacknowledged


class LoopScheduler(Scheduler):
    """The timers of one event loop."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        """Seconds on the loop's own scale."""
        return self._loop.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Make the call once, `delay` seconds from now."""
        return self._loop.call_later(delay, call)

    def call_soon(self, call: Callable[[], None]) -> None:
        """Make the call once, in the loop's next turn."""
        self._loop.call_soon(call)

    def input_waits(self) -> bool:
        """Nobody asks: it is for links alone."""
        return True


class TcpWire(StreamWire, asyncio.BufferedProtocol):
    """A link, driven by the event loop, or by the layers that lie between.

    Without layers its lower is the loop's transport: writing is the transport's own method.
    """

    __slots__ = ()

    def _untaken(self) -> int:
        return unacknowledged(self._descriptor())

    def close(self) -> None:
        """See `StreamWire`; a link that is idle may end with the process instead."""
        keep = self._context.keep
        if keep is not None and self.is_open and self._is_idle() and keep(self._descriptor()):
            self.abort()  # nothing is lost, and nothing is sent: the link goes on without us
        else:
            super().close()

    def _is_idle(self) -> bool:
        """Whether nothing is to be sent, not even by a layer."""
        return not (isinstance(self._lower, Layer) or self._input_over or self.pending())

    def _descriptor(self) -> int:
        return int(self._lower.get_extra_info("socket").fileno())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has made its transport: set the link up."""
        begin(self, cast("Lower", transport))


class LayeredProtocol(asyncio.BufferedProtocol):
    """What the loop drives where a link has layers: their lowest one.

    Its methods are those of the layer, so that a read takes no detour.
    """

    __slots__ = (
        "_lowest",
        "buffer_updated",
        "connection_lost",
        "eof_received",
        "get_buffer",
        "resume_writing",
    )

    # Typed by `Upper`; as attributes they could not keep asyncio's names of the parameters.
    get_buffer: Any
    buffer_updated: Any
    eof_received: Any
    resume_writing: Any
    connection_lost: Any

    def __init__(self, lowest: Upper) -> None:
        self._lowest = lowest
        self.get_buffer = lowest.get_buffer
        self.buffer_updated = lowest.buffer_updated
        self.eof_received = lowest.eof_received
        self.resume_writing = lowest.resume_writing
        self.connection_lost = lowest.connection_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has made its transport: set the link up."""
        begin(self._lowest, cast("Lower", transport))


def loop_protocol(wire: TcpWire, lowest: Upper) -> asyncio.BufferedProtocol:
    """What the loop shall drive: the wire itself where it has no layers."""
    return wire if lowest is wire else LayeredProtocol(lowest)
