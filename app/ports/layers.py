"""Layers: what sits between a socket and a connection, such as TLS or websocket framing.

    transport  <->  layer  <->  layer  <->  wire  <->  handler
              lower side            upper side

Each layer is an `Upper` to what is below it and a `Lower` to what is above it. The lowest
upper is driven by the transport, the topmost lower is what the wire writes to. A link
without layers has the transport itself there, so it pays for no layer.

A link is set up in three steps, which travel from the transport to the wire:

    attach   each upper learns its lower; output is possible from here on
    accept   the acceptor is asked for a handler, which may write its greeting
    open     traffic may flow: the handler is driven from now on

A layer that needs a handshake passes the first steps on at once, and `open` when the
handshake is over; or it holds `accept` back too, where nothing may be sent before.

Rules for a layer
    * `write` keeps order and takes the data over.
    * After `pause_reading` it delivers nothing until `resume_reading`; what it holds by then
      is delivered after that call, not within it.
    * Each `get_buffer` is answered by `buffer_updated` before another link is driven, for
      links share their buffers; or by nothing, when there is nothing to deliver.
    * `eof_received` is passed on once, after the last byte.
    * `connection_lost` is passed on exactly once, last. The layer forgets its upper then, so
      that memory returns without the garbage collector.
    * What goes wrong is given to `fail`, which ends the one link.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..domain.events import Link
from ..domain.security.link_security import Security
from ..domain.sessions.wire import PeerAddress
from ..domain.timers import Scheduler
from ..domain.value_object import value_object

SETUPS = 64
"""Links in their handshake at which a listener leaves new ones in the system's queue."""


class Lower(Protocol):
    """What an upper sends to: a transport of asyncio, or a layer. The names are asyncio's."""

    def write(self, data: bytes, /) -> None:
        """Send, in order, without blocking."""
        ...

    def writelines(self, chunks: list[bytes], /) -> None:
        """Send several pieces, in order."""
        ...

    def write_eof(self) -> None:
        """Send our end of file, after what was written; input still comes in."""
        ...

    def get_write_buffer_size(self) -> int:
        """How many bytes were written and not passed on to the peer's side yet."""
        ...

    def get_extra_info(self, name: str, /) -> Any:  # noqa: ANN401 - as asyncio has it
        """``socket`` is the socket beneath, if there is one; None for what is not known."""
        ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Call `Upper.resume_writing` when the size, having been above `high`, is `low` or less."""
        ...

    def pause_reading(self) -> None:
        """Deliver nothing more."""
        ...

    def resume_reading(self) -> None:
        """Deliver again."""
        ...

    def close(self) -> None:
        """Send what was written, then end; nothing is delivered any more."""
        ...

    def abort(self) -> None:
        """End now; what was not sent is lost. May be called again."""
        ...


class Upper(Protocol):
    """What a lower delivers to: the wire, or a layer. The names are asyncio's where it has them."""

    @property
    def peer(self) -> PeerAddress:
        """The other end."""
        ...

    @property
    def link(self) -> Link | None:
        """The link in the words of the event log, as long as it has a handler."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended the link."""
        ...

    def attach(self, lower: Lower, /) -> None:
        """Send by `lower` from now on. It must not fail."""
        ...

    def accept(self) -> None:
        """Ask for the handler; called once, at most."""
        ...

    def open(self) -> None:
        """The link may carry traffic; called once, at most, after `accept`."""
        ...

    def protect(self, security: Security, /) -> None:
        """Note how the link is protected; called before `open`."""
        ...

    def get_buffer(self, sizehint: int, /) -> memoryview:
        """Where the next bytes go: writable, never empty. It must not call the lower."""
        ...

    def buffer_updated(self, nbytes: int, /) -> None:
        """The first `nbytes` bytes of the buffer, at least one, are input."""
        ...

    def eof_received(self) -> bool | None:
        """The peer will send no more. Answer whether the link stays half open."""
        ...

    def resume_writing(self) -> None:
        """What was written has fallen to the low mark, or has left; see `set_write_buffer_limits`."""
        ...

    def connection_lost(self, error: Exception | None, /) -> None:
        """The link is gone; nothing is called afterwards."""
        ...

    def close_link(self) -> None:
        """Let the wire close the link: what is pending is sent, input is discarded briefly."""
        ...

    def abort_link(self) -> None:
        """Let the wire end the link now."""
        ...

    def fail(self, error: Exception, /) -> None:
        """End the link because of a defect, and report it."""
        ...


class SetupLimit:
    """Counts the links of one listener that are in a handshake, and says when there is room for more."""

    __slots__ = ("_count", "completed", "on_room")

    def __init__(self) -> None:
        self._count = 0
        self.completed = 0
        """Handshakes that have succeeded."""
        self.on_room: Callable[[], None] | None = None
        """Called, once, when the limit is no longer reached."""

    @property
    def is_reached(self) -> bool:
        """Whether new links should wait."""
        return self._count >= SETUPS

    @property
    def room(self) -> int:
        """How many more handshakes may begin."""
        return max(0, SETUPS - self._count)

    def enter(self) -> None:
        """A handshake begins."""
        self._count += 1

    def leave(self, *, completed: bool = False) -> None:
        """A handshake is over, and has succeeded or not."""
        self._count -= 1
        self.completed += completed
        if self.on_room is not None and not self.is_reached:
            on_room, self.on_room = self.on_room, None
            on_room()


@value_object
class LinkSetup:
    """What a layer may need to know while its link is set up."""

    scheduler: Scheduler
    limit: SetupLimit = field(default_factory=SetupLimit)
    """A layer with a handshake enters it, and leaves it when the handshake is over."""
    dialed: str | None = None
    """The host that we dialed, by the name we were given; None for a link that we accepted."""
    refused: Callable[[str], None] | None = None
    """Called with the reason when a dialed link cannot be set up; None for a link that we accepted."""


LayerFactory = Callable[[Upper, LinkSetup], Upper]
"""Makes the layer of one link, below `Upper`; a class derived from `Layer` is one. May raise `ValueError`
for a host that cannot be dialed."""


class Layer:
    """A layer that changes nothing: derive from it, and override what your layer changes."""

    __slots__ = ("__weakref__", "lower", "upper")

    lower: Lower
    upper: Upper

    def __init__(self, upper: Upper, _setup: LinkSetup) -> None:
        self.upper = upper

    # --- the upper side: called from below -------------------------------------------

    @property
    def peer(self) -> PeerAddress:
        """See `Upper`."""
        return self.upper.peer

    @property
    def link(self) -> Link | None:
        """See `Upper`."""
        return self.upper.link

    @property
    def is_open(self) -> bool:
        """See `Upper`."""
        return self.upper.is_open

    def attach(self, lower: Lower) -> None:
        """See `Upper`."""
        self.lower = lower
        self.upper.attach(self)

    def accept(self) -> None:
        """See `Upper`."""
        self.upper.accept()

    def open(self) -> None:
        """See `Upper`."""
        self.upper.open()

    def protect(self, security: Security) -> None:
        """See `Upper`."""
        self.upper.protect(security)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `Upper`."""
        return self.upper.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        """See `Upper`."""
        self.upper.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        """See `Upper`."""
        return self.upper.eof_received()

    def resume_writing(self) -> None:
        """See `Upper`."""
        self.upper.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """See `Upper`."""
        self.upper.connection_lost(error)
        del self.upper

    def close_link(self) -> None:
        """See `Upper`."""
        self.upper.close_link()

    def abort_link(self) -> None:
        """See `Upper`."""
        self.upper.abort_link()

    def fail(self, error: Exception) -> None:
        """See `Upper`."""
        self.upper.fail(error)

    # --- the lower side: called from above --------------------------------------------

    def write(self, data: bytes) -> None:
        """See `Lower`."""
        self.lower.write(data)

    def writelines(self, chunks: list[bytes]) -> None:
        """See `Lower`; by default one write."""
        self.write(b"".join(chunks))

    def write_eof(self) -> None:
        """See `Lower`."""
        self.lower.write_eof()

    def get_write_buffer_size(self) -> int:
        """See `Lower`."""
        return self.lower.get_write_buffer_size()

    def get_extra_info(self, name: str) -> Any:  # noqa: ANN401 - as asyncio has it
        """See `Lower`."""
        return self.lower.get_extra_info(name)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `Lower`."""
        self.lower.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        """See `Lower`."""
        self.lower.pause_reading()

    def resume_reading(self) -> None:
        """See `Lower`."""
        self.lower.resume_reading()

    def close(self) -> None:
        """See `Lower`."""
        self.lower.close()

    def abort(self) -> None:
        """See `Lower`."""
        self.lower.abort()


def stack(wire: Upper, layers: Sequence[LayerFactory], setup: LinkSetup) -> Upper:
    """What the transport drives: the first of the layers, or the wire if there are none.

    The first layer is next to the transport, the last one next to the wire. Raises what a factory raises.
    """
    lowest = wire
    for make in reversed(layers):
        lowest = make(lowest, setup)
    return lowest


def begin(lowest: Upper, transport: Lower) -> None:
    """Set up a link whose transport is there. A defect ends the link, and is reported."""
    try:
        lowest.attach(transport)
        lowest.accept()
        lowest.open()
    except Exception as error:  # noqa: BLE001 - a defect, or no memory, ends one link, not the loop
        lowest.fail(error)
