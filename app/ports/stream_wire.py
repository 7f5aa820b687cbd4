"""A wire over a stream of bytes: the states of a link, the same for every transport.

To its lower, a transport or a layer, it is an `Upper`; to its handler it is a `Wire`.
Both are one object, because ten thousand idle links pay for each object.

A link goes through three states:

    OPEN     the handler is driven
    CLOSING  the handler ended the link: what is pending goes out, then our end of
             file; input is discarded until the peer's end of file, at most
             `LINGER_SECONDS` (client-protocol.md, section 5)
    ENDED    aborted or lost: nothing goes out, nothing comes in

A handler that is no longer to be driven is replaced by `DISCARD`, so the read path
asks no questions.
"""

from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import partial

from ..domain.events import Link
from ..domain.security.link_security import Security
from ..domain.sessions.wire import Handler, PeerAddress
from ..domain.timers import Scheduler, Timer
from ..domain.value_object import value_object
from .guarding import guarded
from .layers import Lower
from .transport import HIGH_WATER, LINGER_SECONDS, LOW_WATER, Acceptor

_DISCARD_BYTES = 64 * 1024


class _State(Enum):
    OPEN = auto()
    CLOSING = auto()
    ENDED = auto()


class _Discard:
    """The handler of a link that is going away: it takes all and does nothing."""

    __slots__ = ("_room",)

    def __init__(self) -> None:
        self._room = memoryview(bytearray(_DISCARD_BYTES))

    @property
    def link(self) -> Link:
        raise LookupError("no handler holds this link any more")

    def opened(self) -> None:
        pass

    def reserve(self) -> memoryview:
        return self._room

    def received(self, _count: int) -> None:
        pass

    def eof_received(self) -> None:
        pass

    def drained(self) -> None:
        pass

    def connection_lost(self, _error: Exception | None) -> None:
        pass


DISCARD: Handler = _Discard()
"""The handler of a link that nobody wants."""


def _ignore(_data: bytes) -> None:
    """Stand in for writing on a link that takes no more."""


def _nothing() -> int:
    """Stand in for what is pending on a link that sends no more."""
    return 0


@value_object
class LinkContext:
    """What all links of one listener share."""

    scheduler: Scheduler
    acceptor: Acceptor
    on_failure: Callable[[Exception], None]
    """Called with a defect that ended one link."""
    keep: Callable[[int], bool] | None = None
    """Asked whether the link of a socket, by its descriptor, ends with the process; see `KeptLinks`."""


class StreamWire:
    """One link, driven by its lower. Implements `Wire` and `Upper`.

    ``write`` and ``pending`` are the lower's own methods while the link is open,
    and are replaced when it closes: look them up for each call.
    """

    __slots__ = (
        "_context",
        "_handler",
        "_input_over",
        "_linger",
        "_lower",
        "_peer",
        "_sink",
        "_state",
        "pending",
        "security",
        "write",
    )

    pending: Callable[[], int]
    write: Callable[[bytes], None]
    _lower: Lower

    def __init__(self, context: LinkContext, peer: PeerAddress) -> None:
        self._context = context
        self._peer = peer
        self._state = _State.OPEN
        self._handler = self._sink = DISCARD
        self._input_over = False
        self._linger: Timer | None = None
        self.security: Security | None = None

    # --- asked by the handler -----------------------------------------------------

    @property
    def peer(self) -> PeerAddress:
        """The other end's address."""
        return self._peer

    def untaken(self) -> int:
        """Bytes passed on that the peer has not taken; 0 where that is not known."""
        return 0 if self._state is _State.ENDED else self._untaken()

    def _untaken(self) -> int:
        """The same while the link is there; to be overridden where it is known."""
        return 0

    def writelines(self, chunks: list[bytes]) -> None:
        """Send much, in several pieces; too seldom for a method of its own in each link."""
        if self._state is _State.OPEN:
            self._lower.writelines(chunks)

    def pause(self) -> None:
        """Stop reading."""
        if self._state is _State.OPEN and not self._input_over:
            self._lower.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._state is _State.OPEN and not self._input_over:
            self._lower.resume_reading()

    def close(self) -> None:
        """Send what is pending, then our end of file; discard input briefly; then end."""
        if self._state is not _State.OPEN:
            return
        self._mute(_State.CLOSING)
        if self._input_over:
            self._lower.close()
            if self.pending():
                self._begin_lingering()
            return
        self._begin_lingering()
        self._lower.resume_reading()
        self._lower.set_write_buffer_limits(high=0)
        self._half_close()

    def abort(self) -> None:
        """End now; what is pending is lost."""
        if self._state is _State.ENDED:
            return
        self._mute(_State.ENDED)
        self._lower.abort()

    # --- driven by the lower ---------------------------------------------------------

    @property
    def link(self) -> Link | None:
        """The link in the words of the event log, as long as it has a handler."""
        return None if self._handler is DISCARD else self._handler.link

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended the link."""
        return self._state is _State.OPEN

    def attach(self, lower: Lower) -> None:
        """Send by `lower` from now on; input is discarded, and nobody hears of a loss."""
        self._lower = lower
        lower.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)
        self.pending = lower.get_write_buffer_size
        self.write = lower.write

    def accept(self) -> None:
        """Ask for a handler; it may write, and hears of a loss."""
        try:
            self._handler = self._context.acceptor(self)
        except Exception as error:  # noqa: BLE001 - a defect, or no memory, ends one link, not the loop
            self.fail(error)

    def open(self) -> None:
        """Let the handler know that the link may carry traffic, unless it was ended; drive it from now on."""
        if self._state is _State.OPEN:
            self._sink = self._handler
            try:
                self._sink.opened()
            except Exception as error:  # noqa: BLE001 - see accept
                self.fail(error)

    def protect(self, security: Security) -> None:
        """Note how the link is protected."""
        self.security = security

    def get_buffer(self, _sizehint: int) -> memoryview:
        """The room that the handler reserves."""
        try:
            return self._sink.reserve()
        except Exception as error:  # noqa: BLE001 - see accept
            # Later: uvloop is inside libuv's allocation here, and would crash on an abort.
            self._sink = DISCARD
            self._context.scheduler.call_soon(partial(self.fail, error))
            return DISCARD.reserve()

    def buffer_updated(self, nbytes: int) -> None:
        """Hand the bytes to the handler."""
        try:
            self._sink.received(nbytes)
        except Exception as error:  # noqa: BLE001 - see accept
            self.fail(error)

    def eof_received(self) -> bool:
        """Pass it to the handler; answer whether the link stays half open."""
        self._input_over = True
        if self._state is _State.CLOSING or self._handler is DISCARD:
            return False
        try:
            self._sink.eof_received()
        except Exception as error:  # noqa: BLE001 - see accept
            self.fail(error)
        return True

    def resume_writing(self) -> None:
        """Go on with what waited for output to drain, after this call."""
        # Some loops are in the middle of their own bookkeeping here, and would
        # report the loss twice if the handler aborted now (asyncio in Python 3.11).
        self._context.scheduler.call_soon(self._drained)

    def connection_lost(self, exc: Exception | None) -> None:
        """The link is gone: the handler hears it, last."""
        self._mute(_State.ENDED)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        handler, self._handler = self._handler, DISCARD
        try:
            handler.connection_lost(exc)
        except Exception as error:  # noqa: BLE001 - see accept
            self._report(error)

    def close_link(self) -> None:
        """Close, at the wish of a layer."""
        self.close()

    def abort_link(self) -> None:
        """Abort, at the wish of a layer."""
        self.abort()

    def fail(self, error: Exception) -> None:
        """End the link because of a defect, and report it."""
        self.abort()
        self._report(error)

    # --- the end ---------------------------------------------------------------------

    @guarded
    def _drained(self) -> None:
        if self._state is _State.CLOSING:
            self._half_close()
        else:
            self._sink.drained()

    def _half_close(self) -> None:
        """Send our end of file, unless data is still pending; `resume_writing` comes back to it."""
        if self._input_over or self.pending():
            return
        try:
            self._lower.write_eof()
        except OSError:  # the peer has reset the link, and the loop has yet to notice
            self.abort()

    def _begin_lingering(self) -> None:
        self._linger = self._context.scheduler.call_later(LINGER_SECONDS, self._stop_lingering)

    @guarded
    def _stop_lingering(self) -> None:
        if self.pending():
            self.abort()
        else:
            self._lower.close()

    def _mute(self, state: _State) -> None:
        self._state = state
        self._sink = DISCARD
        self.write = _ignore
        if state is _State.ENDED:
            self.pending = _nothing

    def _report(self, error: Exception) -> None:
        with suppress(MemoryError):  # where there is no room for a line, the link ends without one
            self._context.on_failure(error)
