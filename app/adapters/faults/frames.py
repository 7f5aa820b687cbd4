"""Traffic, cut into lines and messages, from either side of a link."""

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


class FrameSplitter:
    """Cuts a stream into frames, whatever its pieces are."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def rest(self) -> bytes:
        """The beginning of a frame that is not complete."""
        return bytes(self._data)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end in this piece."""
        self._data += data
        frames = []
        position = 0
        while (frame := self._next(position)) is not None:
            frames.append(frame)
            position += len(frame.raw)
        del self._data[:position]
        return frames

    def _next(self, start: int) -> Frame | None:
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
            end += int(size) + len(b"\r\n")
            if len(self._data) < end:
                return None
        return Frame(bytes(self._data[start:end]), verb, tuple(words))
