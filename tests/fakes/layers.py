"""Layers that change bytes: the second users of the layer protocol."""

from app.ports.guarding import guarded
from app.ports.layers import Layer, LinkSetup, Upper

_KEY = 0x5A
_TABLE = bytes(value ^ _KEY for value in range(256))
_ROOM = 64 * 1024
_LONGEST = 0xFFFF


class Scrambled(Layer):
    """Changes each byte where it is; both ends do the same. It keeps nothing."""

    __slots__ = ("_room",)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The room of the upper, which is changed in place."""
        self._room = self.upper.get_buffer(sizehint)
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Change what came in, and pass it on."""
        self._room[:nbytes] = bytes(self._room[:nbytes]).translate(_TABLE)
        self.upper.buffer_updated(nbytes)

    def write(self, data: bytes) -> None:
        """Send it changed."""
        self.lower.write(bytes(data).translate(_TABLE))


class Framed(Layer):
    """Sends frames of a length and as many bytes, and delivers whole frames only, as websocket framing does.

    What came in stays here while the link is paused.
    """

    __slots__ = ("_at_end", "_due", "_input", "_is_lost", "_paused", "_ready", "_room", "_scheduler")

    def __init__(self, upper: Upper, setup: LinkSetup) -> None:
        super().__init__(upper, setup)
        self._scheduler = setup.scheduler
        self._room = memoryview(bytearray(_ROOM))
        self._input = bytearray()
        self._ready = bytearray()
        """Out of whole frames, and not delivered yet."""
        self._paused = self._due = self._at_end = self._is_lost = False

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Its own room."""
        return self._room

    @guarded
    def buffer_updated(self, nbytes: int) -> None:
        """Deliver what is whole."""
        self._input += self._room[:nbytes]
        while (end := self._end()) and end <= len(self._input):
            self._ready += self._input[2:end]
            del self._input[:end]
        self._deliver()

    def eof_received(self) -> bool | None:
        """Pass it on after what is kept."""
        self._at_end = True
        return True if self._ready else self.upper.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on, last."""
        self._is_lost = True
        super().connection_lost(error)

    def write(self, data: bytes) -> None:
        """Send frames."""
        for start in range(0, len(data), _LONGEST):
            piece = data[start : start + _LONGEST]
            self.lower.write(len(piece).to_bytes(2, "big") + piece)

    def pause_reading(self) -> None:
        """Keep what comes."""
        self._paused = True
        self.lower.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what was kept, later."""
        self._paused = False
        if not self._due:
            self._due = True
            self._scheduler.call_soon(self._resume)

    @guarded
    def _resume(self) -> None:
        self._due = False
        if self._is_lost or self._paused:
            return
        was_kept = bool(self._ready)
        self._deliver()
        if not self._at_end:
            self._read_on()
        elif was_kept and not self._ready and not self.upper.eof_received():
            self.lower.close()

    def _read_on(self) -> None:
        if not self._paused:
            self.lower.resume_reading()

    def _end(self) -> int:
        """Where the frame ends that came first; 0 while its length is not complete."""
        return 2 + int.from_bytes(self._input[:2], "big") if len(self._input) > 1 else 0

    def _deliver(self) -> None:
        while self._ready and not self._paused:
            room = self.upper.get_buffer(-1)
            count = min(len(room), len(self._ready))
            room[:count] = self._ready[:count]
            del self._ready[:count]
            self.upper.buffer_updated(count)


class OneByOne(Layer):
    """Offers room for one byte, so that all above gets its input byte by byte."""

    __slots__ = ()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The first byte of the upper's room."""
        return self.upper.get_buffer(sizehint)[:1]


class Polite(Layer):
    """Opens the link when the peer has said a word, and says it first where we dialed."""

    WORD = b"please\n"

    __slots__ = ("_heard", "_is_open", "_room", "_setup")

    def __init__(self, upper: Upper, setup: LinkSetup) -> None:
        super().__init__(upper, setup)
        self._setup = setup
        self._room = memoryview(bytearray(len(self.WORD)))
        self._heard = bytearray()
        self._is_open = False

    def accept(self) -> None:
        """Not before the word."""

    def open(self) -> None:
        """Begin."""
        self._setup.limit.enter()
        if self._setup.dialed is not None:
            self.lower.write(self.WORD)

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on; a handshake that was under way is over."""
        if not self._is_open:
            self._setup.limit.leave()
        super().connection_lost(error)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Room for the rest of the word, and then the upper's."""
        if self._is_open:
            return self.upper.get_buffer(sizehint)
        return self._room[: len(self.WORD) - len(self._heard)]

    def buffer_updated(self, nbytes: int) -> None:
        """Hear the word, or pass on what follows it."""
        if self._is_open:
            self.upper.buffer_updated(nbytes)
            return
        self._heard += self._room[:nbytes]
        if self._heard == self.WORD:
            self._is_open = True
            self._setup.limit.leave()
            if self._setup.dialed is None:
                self.lower.write(self.WORD)
            self.upper.accept()
            self.upper.open()
        elif not self.WORD.startswith(self._heard):
            if self._setup.refused is not None:
                self._setup.refused("the peer is rude")
            self.upper.abort_link()
