"""The websocket layer: between the socket, or TLS, and the wire (RFC 6455).

The peer asks for a websocket first, and the link is accepted when it has one. From then on
the data of its frames is the input, and each flush of the output is one frame.
"""

from collections.abc import Callable
from dataclasses import field
from enum import Enum, auto
from http import HTTPStatus

from ...domain.events import Event
from ...domain.security.link_security import Security
from ...domain.value_object import value_object
from ...ports.guarding import guarded
from ...ports.layers import LinkSetup, Upper
from .buffering_layer import BufferingLayer
from .handshakes import HandshakeTimer
from .websocket_events import WebsocketBroken, WebsocketRefused
from .websocket_frames import (
    CLOSE,
    LEAST_DEFLATED,
    MOST_FRAMES,
    NORMAL,
    PONG,
    FrameError,
    FrameReader,
    closing,
    control,
    deflated,
    header,
)
from .websocket_masks import masks
from .websocket_upgrade import OriginRules, Outcome, Refusal, Upgrade, UpgradeRequest

LEAST_IN_PLACE = 8 * 1024
"""Where the wire has room for this much, frames are read into it, and their data takes their place.
Where it has less, as at the end of a large message, or the link is paused, or messages may be
compressed, they are read beside it. So they are in a crowded round: the data of frames would never
fill the small room that shows who sends much (`fair_queue.CROWDED_READ`)."""

LEAST_READ = 32 * 1024
MOST_READ = 480 * 1024
"""Bytes of frames read beside it at once: the more come, the more, as each read has its cost; it nearly
fills the room of two calls of the wire. A paused link keeps what it has read, so most links read little."""

REPLY_BYTES = 64 * 1024
"""Pongs that a peer may leave untaken."""

BATCH_BYTES = 4 * 1024 * 1024
"""What a client may collect for one message of the websocket, beside a message of the largest
size: nats-py collects 2 MiB."""


class _Phase(Enum):
    WAITING = auto()  # for the lower to open
    ASKING = auto()
    OPEN = auto()
    OVER = auto()


_OPEN = _Phase.OPEN
"""A name that is looked up for each write: members of an enum are sought in their class."""


@value_object
class WebsocketSettings:
    """How the websockets of one listener work."""

    record: Callable[[Event], None]
    limit: int
    """Bytes of one message of the websocket, inflated; see `BATCH_BYTES`."""
    timeout: float = 2.0
    """Seconds that a peer may take for its request."""
    compression: bool = False
    """Whether messages are compressed if the peer offers it."""
    origins: OriginRules = field(default_factory=OriginRules)
    secure: bool = False
    """Whether TLS is beneath."""


class WebsocketLayers:
    """Makes the websocket layer of each link of a listener, and holds what they share."""

    __slots__ = ("room", "settings")

    def __init__(self, settings: WebsocketSettings) -> None:
        self.settings = settings
        self.room = memoryview(bytearray(MOST_READ))
        """Where frames are read to; one for all links, which are driven one after the other."""

    def __call__(self, upper: Upper, setup: LinkSetup) -> "WebsocketLayer":
        """The layer of one link."""
        return WebsocketLayer(self, upper, setup)


class WebsocketLayer(BufferingLayer):
    """One websocket, of which we are the server."""

    __slots__ = (
        "_lent",
        "_phase",
        "_read_bytes",
        "_reader",
        "_replied",
        "_request",
        "_room",
        "_settings",
        "_timer",
        "_window_bits",
    )

    def __init__(self, layers: WebsocketLayers, upper: Upper, setup: LinkSetup) -> None:
        super().__init__(upper, setup)
        settings = self._settings = layers.settings
        self._room = layers.room
        self._read_bytes = LEAST_READ
        """How much is read at once."""
        self._lent: memoryview | None = None
        """The room of the wire, where the frames to come are read into it."""
        self._phase = _Phase.WAITING
        self._timer = HandshakeTimer(setup.scheduler, settings.timeout, self._run_out)
        self._request: UpgradeRequest | None = UpgradeRequest(
            settings.origins, deflate=settings.compression, secure=settings.secure
        )
        self._reader: FrameReader | None = None
        self._window_bits = 0
        """Of compression; 0 without it."""
        self._replied = 0

    # --- the upper side ----------------------------------------------------------

    def accept(self) -> None:
        """Not before the request: nothing may be sent."""

    @guarded
    def open(self) -> None:
        """Wait for the request."""
        if self.upper.is_open:
            self._phase = _Phase.ASKING
            self._setup.limit.enter()
            self._timer.wait()

    def protect(self, security: Security) -> None:
        """Pass it on."""
        self.upper.protect(security)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """The room for frames: the one that the wire has for their data, if they may go there."""
        reader = self._reader
        if reader is not None and reader.reads_in_place and not (self._paused or self._resuming):
            room = self.upper.get_buffer(-1)
            if len(room) >= LEAST_IN_PLACE:
                self._lent = room
                return reader.prepare(room)
        self._lent = None
        return self._room[: self._read_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Read frames, or the request."""
        try:
            reader, lent = self._reader, self._lent
            if reader is not None and lent is not None:
                self._lent = None
                reader.begun = 0
                size = reader.read_in_place(lent, nbytes)  # all of it fits
                if size:
                    self.upper.buffer_updated(size)
                if reader.begun or self._at_end:
                    self._see_to_the_rest(reader)
            elif reader is not None:
                self._adapt(nbytes)
                reader.feed(self._room[:nbytes])
                self._read(reader)
                reader.keep()
            elif self._phase is _Phase.ASKING and self._request is not None:
                self._decide(self._request.receive(self._room[:nbytes]))
        except Exception as error:  # noqa: BLE001 - as `guarded`, without a further call for each read
            self.fail(error)

    def _adapt(self, count: int) -> None:
        """Read more at once, or less, after a read of `count` bytes."""
        room = self._read_bytes
        if count == room:
            self._read_bytes = min(2 * room, MOST_READ)
        elif count < room // 4:
            self._read_bytes = max(room // 2, LEAST_READ)

    @guarded
    def eof_received(self) -> bool:
        """Answer whether the link stays half open; a paused link has to read what came before."""
        if self._phase is _Phase.ASKING:
            self._refuse(Refusal(HTTPStatus.BAD_REQUEST, "EOF"))
        self._at_end = True
        return (self._phase is _Phase.OPEN and self._holds_input()) or self._end_input()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on, last."""
        self._at_end = True
        self._enter(_Phase.OVER)
        super().connection_lost(error)
        del self._timer  # a circle of references, as is `upper`

    # --- the lower side ----------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send one frame."""
        if self._phase is not _OPEN or not data:
            return
        squeezed = bool(self._window_bits) and len(data) >= LEAST_DEFLATED
        if squeezed:
            data = deflated(data, self._window_bits)
        self.lower.writelines([header(len(data), deflated=squeezed), data])

    def writelines(self, chunks: list[bytes]) -> None:
        """Send all in one frame."""
        if self._window_bits:
            self.write(b"".join(chunks))
        elif self._phase is _OPEN:
            self.lower.writelines([header(sum(map(len, chunks))), *chunks])

    # --- the handshake -----------------------------------------------------------

    def _decide(self, outcome: Outcome | None) -> None:
        if isinstance(outcome, Refusal):
            self._refuse(outcome)
        elif outcome is not None:
            self._become_open(outcome)

    def _become_open(self, upgrade: Upgrade) -> None:
        self._request = None
        self._enter(_Phase.OPEN)
        reader = self._reader = FrameReader(masks(), self._settings.limit, deflate=upgrade.deflate)
        self._window_bits = upgrade.window_bits if upgrade.deflate else 0
        self.lower.write(upgrade.response)
        self.upper.accept()
        self.upper.open()
        reader.feed(upgrade.rest)
        self._read(reader)
        reader.keep()

    @guarded
    def _run_out(self) -> None:
        self._refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "timeout"))

    def _refuse(self, refusal: Refusal) -> None:
        self._settings.record(WebsocketRefused(self.upper.link, str(self.upper.peer), refusal.reason))
        self._enter(_Phase.OVER)
        self.lower.write(refusal.response())
        self.upper.close_link()

    # --- bytes -------------------------------------------------------------------

    def _read(self, reader: FrameReader) -> None:
        """Hand on the data of frames until all is used up or the link is paused."""
        upper = self.upper
        reader.begun = 0
        while (
            self._phase is _Phase.OPEN
            and not self._paused
            and reader.has_input
            and reader.begun < MOST_FRAMES
        ):
            count = reader.read_into(upper.get_buffer(-1))
            if count:
                upper.buffer_updated(count)
        self._see_to_the_rest(reader)

    def _see_to_the_rest(self, reader: FrameReader) -> None:
        """Answer pings, and end the link if the input says so, or is over; needed if a frame was begun."""
        if self._phase is not _Phase.OPEN:
            return
        if reader.pings:
            self._reply(reader)
        if self._paused:
            return
        if reader.begun >= MOST_FRAMES and reader.has_input:
            self.lower.pause_reading()
            self.resume_reading()
        elif reader.error is not None:
            self._break(reader.error)
        elif reader.closed is not None:
            self._answer_close(reader.closed)
        elif self._at_end and not self._end_input():
            self.close()

    def _reply(self, reader: FrameReader) -> None:
        """Answer pings; a peer that takes none of it is cut."""
        pongs = b"".join([control(PONG, ping) for ping in reader.pings])
        reader.pings.clear()
        self._replied = self._replied + len(pongs) if self.lower.get_write_buffer_size() else 0
        if self._replied > REPLY_BYTES:
            self._settings.record(WebsocketBroken(self.upper.link, "the peer sends pings and takes no pongs"))
            self.abort()
        else:
            self.lower.write(pongs)

    def _answer_close(self, payload: bytes) -> None:
        """The peer sends no more: say the same, and end."""
        self.lower.write(control(CLOSE, payload[:2]))
        self._enter(_Phase.OVER)
        if not self._end_input():
            self.close()

    def _break(self, error: FrameError) -> None:
        """Close a link that breaks the rules, and say which."""
        self._settings.record(WebsocketBroken(self.upper.link, str(error)))
        self.lower.write(closing(error.code, str(error)))
        self._enter(_Phase.OVER)
        self.upper.close_link()

    def _deliver(self) -> None:
        if self._phase is _Phase.OPEN and self._reader is not None:
            self._read(self._reader)

    def _discards_input(self) -> bool:
        return self._phase is _Phase.OVER

    def _holds_input(self) -> bool:
        return self._reader is not None and self._reader.has_input

    # --- the end -----------------------------------------------------------------

    def _say_goodbye(self) -> None:
        if self._phase is _Phase.OPEN:
            self.lower.write(closing(NORMAL))
        self._finish()

    def _finish(self) -> None:
        self._enter(_Phase.OVER)

    def _enter(self, phase: _Phase) -> None:
        if self._phase is _Phase.ASKING:
            self._setup.limit.leave(completed=phase is _Phase.OPEN)
            self._timer.stop()
        self._phase = phase
        if phase is _Phase.OVER:
            self._reader = self._request = None
