"""Traffic, cut into lines and messages, from either side of a link."""

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_LINE = 64 * 1024
"""A line that is longer is passed on in pieces, as `OTHER`."""

OTHER = b""
_MESSAGES = frozenset({b"PUB", b"HPUB", b"MSG", b"HMSG"})
_SENT_BY_SERVERS = frozenset({b"MSG", b"HMSG"})


@dataclass(frozen=True, slots=True)
class Frame:
    """A line, with the payload of a message."""

    raw: bytes
    """All of it, as it was sent."""
    verb: bytes
    """In upper case; `OTHER` for what is no line."""
    words: tuple[bytes, ...] = ()
    """The arguments of the line."""

    @property
    def is_message(self) -> bool:
        """Whether it carries a message."""
        return self.verb in _MESSAGES

    @property
    def subject(self) -> str:
        """The subject of a message."""
        return self.words[0].decode(errors="replace") if self.is_message and self.words else ""

    @property
    def sid(self) -> bytes:
        """The subscription that a server delivers a message to; empty for what a client sends."""
        return self.words[1] if self.verb in _SENT_BY_SERVERS and len(self.words) > 1 else b""


def _unlimited() -> int:
    return 10**9


class FrameSplitter:
    """Cuts a stream into frames, whatever its pieces are."""

    def __init__(self, max_payload: Callable[[], int] = _unlimited) -> None:
        """A message above `max_payload` is passed on in pieces: its receiver need not wait for the end."""
        self._data = bytearray()
        self._max_payload = max_payload
        self._left = 0
        """Bytes to come of a message that is passed on in pieces."""
        self._passed = 0
        """Bytes at the beginning of the next frame that its receiver has already."""

    @property
    def is_between(self) -> bool:
        """Whether the next byte begins a frame."""
        return not (self._data or self._left or self._passed)

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that is not complete."""
        return bytes(self._data)

    def resume_after(self, begun: bytes) -> None:
        """The receiver has these bytes already; the first frame is what remains of the last one in them."""
        self.feed(begun)
        self._passed = len(self._data)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end in this piece."""
        self._data += data
        frames = []
        position = 0
        while (frame := self._next(position)) is not None:
            position += len(frame.raw)
            if self._passed:
                frame = Frame(frame.raw[self._passed :], OTHER)
                self._passed = 0
            frames.append(frame)
        del self._data[:position]
        return frames

    def _next(self, start: int) -> Frame | None:
        if self._left:
            return self._piece(start)
        end = self._data.find(b"\n", start) + 1
        if not end:
            is_too_long = len(self._data) - start > LONGEST_LINE
            return Frame(bytes(self._data[start:]), OTHER) if is_too_long else None
        verb, *words = bytes(self._data[start:end]).split(maxsplit=6) or (OTHER,)
        verb = verb.upper()
        if verb in _MESSAGES:
            size = words[-1] if words else b""
            if not size.isdigit() or len(size) > 9:
                return Frame(bytes(self._data[start:]), OTHER)  # the server refuses it, and ends the link
            whole = int(size) + len(b"\r\n")
            if int(size) > self._max_payload():
                self._left = whole
                return Frame(bytes(self._data[start:end]), OTHER)
            end += whole
            if len(self._data) < end:
                return None
        return Frame(bytes(self._data[start:end]), verb, tuple(words))

    def _piece(self, start: int) -> Frame | None:
        piece = bytes(self._data[start : start + self._left])
        self._left -= len(piece)
        return Frame(piece, OTHER) if piece else None
