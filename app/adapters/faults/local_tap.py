"""Faults of clients without a socket: the layer lies between their wire and their connection.

local wire  <->  LocalEnd  <->  fault layer  <->  stream wire  <->  connection
"""

from collections.abc import Callable
from typing import Any

from ...domain.events import Link
from ...domain.sessions.connection import Connection
from ...domain.sessions.local_client import Tap
from ...domain.sessions.local_wire import ADDRESS, LocalWire
from ...domain.sessions.wire import Wire
from ...domain.timers import Scheduler
from ...ports.layers import LinkSetup, Upper
from ...ports.stream_wire import LinkContext, StreamWire
from .faults import Faults
from .layer import FaultLayer


class _StreamWire(StreamWire):
    """The wire of a client that is there from the start: it has nothing to be opened for."""

    __slots__ = ()

    def open(self) -> None:
        """Drive the connection from now on."""
        self._sink = self._handler


class LocalEnd:
    """Implements `LocalHandler` for a local wire, and `Lower` for the layer."""

    def __init__(self, wire: LocalWire, layer: FaultLayer) -> None:
        self._wire = wire
        self._upper: Upper = layer
        self._connection: Connection | None = None

    def drive(self, connection: Connection) -> None:
        """The connection is what the layer leads to."""
        self._connection = connection

    # --- driven by the local wire ------------------------------------------------------

    @property
    def link(self) -> Link:
        """See `Handler`."""
        link = self._upper.link
        if link is None:
            raise LookupError("the client is closed")
        return link

    def opened(self) -> None:
        """It is open from the start."""

    def reserve(self) -> memoryview:
        """See `Handler`."""
        return self._upper.get_buffer(-1)

    def received(self, count: int) -> None:
        """See `Handler`."""
        self._upper.buffer_updated(count)

    def eof_received(self) -> None:
        """A local client ends as a whole."""

    def drained(self) -> None:
        """See `Handler`."""
        self._upper.resume_writing()

    def failed(self, error: Exception) -> None:
        """See `LocalHandler`."""
        if self._connection is not None:
            self._connection.failed(error)

    def connection_lost(self, error: Exception | None) -> None:
        """See `Handler`."""
        self._upper.connection_lost(error)
        self._connection = None
        del self._upper, self._wire

    # --- asked by the layer --------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Lower`."""
        self._wire.write(data)

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Lower`."""
        self._wire.writelines(chunks)

    def write_eof(self) -> None:
        """See `Lower`: the client is closed when it has what was written."""
        self._wire.close()

    def get_write_buffer_size(self) -> int:
        """See `Lower`."""
        return self._wire.pending()

    def get_extra_info(self, _name: str) -> Any:  # noqa: ANN401 - as asyncio has it
        """There is nothing to know."""
        return None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """A local wire says so when all has left."""

    def pause_reading(self) -> None:
        """See `Lower`."""
        self._wire.pause()

    def resume_reading(self) -> None:
        """See `Lower`."""
        self._wire.resume()

    def close(self) -> None:
        """See `Lower`."""
        self._wire.close()

    def abort(self) -> None:
        """See `Lower`."""
        self._wire.abort()


def local_tap(faults: Faults, scheduler: Scheduler, name: str) -> Tap:
    """Lets rules concern a local client with this name."""

    def tap(local: LocalWire, connect: Callable[[Wire], Connection]) -> tuple[Connection, Callable[[], int]]:
        made: list[Connection] = []

        def accept(wire: Wire) -> Connection:
            made.append(connect(wire))
            return made[0]

        def failed(error: Exception) -> None:
            made[0].failed(error)

        wire = _StreamWire(LinkContext(scheduler, accept, failed), ADDRESS)
        layer = FaultLayer(wire, LinkSetup(scheduler), faults)
        layer.name, layer.is_local = name, True
        end = LocalEnd(local, layer)
        local.handler = end
        layer.attach(end)
        layer.accept()
        layer.open()
        end.drive(made[0])
        faults.known(layer)
        return made[0], lambda: layer.held_input

    return tap
