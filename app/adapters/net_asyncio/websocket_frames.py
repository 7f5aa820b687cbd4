"""The frames of a websocket, as a server reads and writes them (RFC 6455, section 5; RFC 7692).

The data of all messages is one stream of bytes here: a reader hands on what it has of a frame
and keeps none of it. So neither a length that lies nor compressed data takes memory; what is
kept of a link is the rest of a header, and the inflater of a compressed message that has begun.
"""

import zlib
from struct import Struct

from .websocket_masks import Buffer, Masks

_CONTINUATION, _TEXT, _BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA
_CONTROL = 0x8
_FINAL, _DEFLATED, _RESERVED = 0x80, 0x40, 0x30
_MASKED = 0x80
_LONGEST_CONTROL = 125

NORMAL = 1000
PROTOCOL_ERROR = 1002
BAD_DATA = 1007
TOO_BIG = 1009
_LAST_OF_PROTOCOL = 1014
_NOT_SENT = frozenset({1004, 1005, 1006})
_FIRST_FREE, _LAST_FREE = 3000, 4999

_INFLATE_BYTES = 16 * 1024
"""Compressed bytes given to zlib at once, which copies what it does not use."""

_TRAILER = b"\x00\x00\xff\xff"
"""What a sender leaves out at the end of a compressed message (RFC 7692, section 7.2)."""

MOST_FRAMES = 1000
"""Frames that are begun one by one in a turn: control frames, and those of messages in several frames.

Each of them takes some microseconds, and may be six bytes long."""

LEAST_DEFLATED = 64
"""Data shorter than this is sent as it is, as nats-server does."""


class FrameError(Exception):
    """What came in breaks the rules; `code` is the status to close with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class FrameReader:
    """Turns the input of one link into its stream of bytes, and notes the control frames in it."""

    __slots__ = (
        "_at",
        "_data",
        "_deflate",
        "_filled",
        "_final",
        "_in_message",
        "_inflater",
        "_left",
        "_limit",
        "_mask",
        "_masks",
        "_more",
        "_size",
        "_stuck",
        "begun",
        "closed",
        "error",
        "pings",
        "reads_in_place",
    )

    def __init__(self, masks: Masks, limit: int, *, deflate: bool) -> None:
        """`limit` is the largest message in bytes, inflated; `deflate` says whether it may be compressed."""
        self._masks = masks
        self._limit = limit
        self._deflate = deflate
        self.reads_in_place = not deflate
        """Whether no data is longer than the frames it comes in, so that it may take their place."""
        self._data: Buffer = b""
        self._at = 0
        self._left = 0
        """Bytes of the frame's payload to come."""
        self._mask = bytes(4)
        self._final = True
        self._in_message = False
        self._size = 0
        """Bytes of the message so far."""
        self._inflater: zlib._Decompress | None = None
        self._more = False
        """Whether the inflater may have output without further input."""
        self._stuck = False
        """Whether the rest of the input is the beginning of a header."""
        self.begun = 0
        """Frames that were begun one by one since this was set to 0; no more than `MOST_FRAMES`."""
        self.pings: list[bytes] = []
        """Payloads of pings; the caller that answers them takes them out."""
        self.closed: bytes | None = None
        """The payload of the close frame; nothing is read after it."""
        self.error: FrameError | None = None
        """What is wrong with the input; nothing is read after it."""
        self._filled = 0

    def feed(self, data: Buffer) -> None:
        """Take input. It is not copied: call `keep` before its place is used again."""
        rest = self._data[self._at :]
        self._data = bytes(rest) + data if rest else data
        self._at = 0
        self._stuck = False

    def keep(self) -> None:
        """Keep a copy of the input that was not read."""
        self._data = bytes(self._data[self._at :])
        self._at = 0

    def prepare(self, room: memoryview) -> memoryview:
        """Where input may be written to for `read_in_place`; what was kept is put before it."""
        if self._at:  # a link that was paused has read what was kept
            self.keep()
        kept = self._data
        if not kept:
            return room
        room[: len(kept)] = kept
        return room[len(kept) :]

    def read_in_place(self, room: memoryview, count: int) -> int:
        """As `feed`, `read_into` and `keep`, with `count` bytes of input in the room that was prepared."""
        data = self._data = room[: len(self._data) + count]
        self._at = filled = 0
        self._stuck = False
        if self._left or not self._in_message:  # as in `_copy_frames`, without a further call for each read
            limit = self._limit if self._final else -1
            self._at, filled, self._left, self._mask = self._masks.copy_frames(
                data, 0, room, 0, self._left, self._mask, limit
            )
            self._in_message = self._left > 0 or not self._final
            if self._at == len(data):
                self._data = b""
                self._at = 0
                return filled
        filled = self._fill(room, filled)
        self.keep()
        return filled

    @property
    def has_input(self) -> bool:
        """Whether `read_into` can make something of what is here."""
        if self.closed is not None or self.error is not None:
            return False
        return self._more or (self._at < len(self._data) and not self._stuck)

    def read_into(self, room: memoryview) -> int:
        """Fill the room with data as far as the input goes; return how much of it. See `error`."""
        return self._fill(room, 0)

    def _fill(self, room: memoryview, filled: int) -> int:
        """The same with a room that is filled up to there."""
        self._filled = filled
        try:
            self._read(room)
        except FrameError as error:
            self.error = error
        return self._filled

    def _read(self, room: memoryview) -> None:
        filled, size, end = self._filled, len(room), len(self._data)
        while filled < size and self.closed is None and self.begun < MOST_FRAMES:
            if not self._more and (self._at == end or self._stuck):
                return
            if self._inflater is not None and (self._left or self._more):
                filled += self._inflate(room[filled:])
                self._filled = filled
            elif self._left or not self._in_message:
                self._filled = filled = self._copy_frames(room, filled)
            else:
                self._begin_frame()

    def _copy_frames(self, room: memoryview, filled: int) -> int:
        """Read frames without compression; return how full the room is."""
        # Within a message of several frames none is begun here.
        limit = self._limit if self._final else -1
        self._at, filled, self._left, self._mask = self._masks.copy_frames(
            self._data, self._at, room, filled, self._left, self._mask, limit
        )
        self._in_message = self._left > 0 or not self._final
        if not self._left and filled < len(room) and self._at < len(self._data):
            self._filled = filled
            self._begin_frame()
        return filled

    def _taken(self, count: int) -> None:
        """This number of bytes of a compressed frame have been read."""
        mask, turn = self._mask, count & 3
        self._at += count
        self._left -= count
        self._mask = mask[turn:] + mask[:turn]

    # --- headers -----------------------------------------------------------------

    def _begin_frame(self) -> None:
        self.begun += 1
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            self._stuck = True
            return
        first, second = data[at], data[at + 1]
        self._check(first, second)
        length = second & 0x7F
        extra = 2 if length == 126 else 8 if length == 127 else 0
        start = at + 2 + extra + 4
        if extra:
            if have < 2 + extra:
                self._stuck = True
                return
            length = int.from_bytes(data[at + 2 : at + 2 + extra], "big")
        control = first & _CONTROL
        if not control:
            self._check_length(first, length)
        if start > len(data) or (control and start + length > len(data)):
            self._stuck = True
            return
        mask = bytes(data[start - 4 : start])
        self._at = start
        if control:
            self._at = start + length
            self._control(first & 0xF, self._masks.unmask(data[start : self._at], mask))
        else:
            self._data_frame(first, length, mask)

    def _check(self, first: int, second: int) -> None:
        """What the first two bytes say by themselves."""
        opcode = first & 0xF
        if not second & _MASKED:
            raise FrameError(PROTOCOL_ERROR, "mask bit missing")
        if first & _RESERVED:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if opcode & _CONTROL:
            self._check_control(first, second & 0x7F)
            return
        if opcode > _BINARY:
            raise FrameError(PROTOCOL_ERROR, f"unknown opcode {opcode}")
        if opcode == _CONTINUATION and not self._in_message:
            raise FrameError(PROTOCOL_ERROR, "continuation without a message")
        if opcode != _CONTINUATION and self._in_message:
            raise FrameError(PROTOCOL_ERROR, "new message before the end of the last one")
        if first & _DEFLATED and (opcode == _CONTINUATION or not self._deflate):
            raise FrameError(PROTOCOL_ERROR, "compressed frame without agreement")

    @staticmethod
    def _check_control(first: int, length: int) -> None:
        if first & 0xF > PONG:
            raise FrameError(PROTOCOL_ERROR, f"unknown opcode {first & 0xF}")
        if first & _DEFLATED or not first & _FINAL:
            raise FrameError(PROTOCOL_ERROR, "control frame compressed or in fragments")
        if length > _LONGEST_CONTROL:
            raise FrameError(PROTOCOL_ERROR, f"control frame longer than {_LONGEST_CONTROL} bytes")

    def _check_length(self, first: int, length: int) -> None:
        if length >> 63:
            raise FrameError(PROTOCOL_ERROR, "frame length is negative")
        size = length if first & 0xF else self._size + length
        if size > self._limit:
            raise FrameError(TOO_BIG, f"message longer than {self._limit} bytes")

    def _data_frame(self, first: int, length: int, mask: bytes) -> None:
        self._final = bool(first & _FINAL)
        self._left = length
        self._mask = mask
        if first & 0xF:
            self._size = 0
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if first & _DEFLATED else None
        self._in_message = not self._final or length > 0 or self._inflater is not None
        if self._inflater is None:
            self._size += length
        else:
            self._more = not length and self._final

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.pings.append(payload)
        elif opcode == CLOSE:
            _check_close(payload)
            self.closed = payload

    # --- compressed messages -------------------------------------------------------

    def _inflate(self, room: memoryview) -> int:
        """Inflate a piece of the message into the room; return how much came out."""
        inflater = self._inflater
        if inflater is None:  # pragma: no cover - asked only for a compressed message
            return 0
        piece = inflater.unconsumed_tail
        if not piece and self._left:
            at, count = self._at, min(self._left, len(self._data) - self._at, _INFLATE_BYTES)
            piece = self._masks.unmask(self._data[at : at + count], self._mask)
            self._taken(count)
        if not piece and self._in_message and self._final and not self._left:
            piece = _TRAILER
            self._in_message = False
        try:
            out = inflater.decompress(piece, len(room)) if not inflater.eof else b""
        except zlib.error:
            raise FrameError(BAD_DATA, "compressed data is broken") from None
        room[: len(out)] = out
        self._size += len(out)
        if self._size > self._limit:
            raise FrameError(TOO_BIG, f"message longer than {self._limit} bytes")
        self._more = not inflater.eof and (bool(inflater.unconsumed_tail) or len(out) == len(room))
        if not self._more and not self._left and self._final:
            self._end_inflating()
        return len(out)

    def _end_inflating(self) -> None:
        """Nothing more comes out of what came in: the trailer is next, or the end."""
        if self._in_message:
            self._more = True
        else:
            self._inflater = None


def _check_close(payload: bytes) -> None:
    """A close frame has no payload, or a status that may be sent, and a text."""
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    of_protocol = NORMAL <= code <= _LAST_OF_PROTOCOL and code not in _NOT_SENT
    if len(payload) < 2 or not (of_protocol or _FIRST_FREE <= code <= _LAST_FREE):
        raise FrameError(PROTOCOL_ERROR, "close frame without a valid status")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(BAD_DATA, "close frame with a text that is not UTF-8") from None


_MESSAGE = _FINAL | _BINARY
_DEFLATED_MESSAGE = _MESSAGE | _DEFLATED
_SHORT_HEADER, _HEADER, _LONG_HEADER = (Struct(form).pack for form in ("!BB", "!BBH", "!BBQ"))


def header(length: int, *, deflated: bool = False) -> bytes:
    """What precedes the data of a whole binary message."""
    first = _DEFLATED_MESSAGE if deflated else _MESSAGE
    if length <= _LONGEST_CONTROL:
        return _SHORT_HEADER(first, length)
    if length <= 0xFFFF:
        return _HEADER(first, 126, length)
    return _LONG_HEADER(first, 127, length)


def control(opcode: int, payload: bytes = b"") -> bytes:
    """A control frame; `payload` has 125 bytes at most."""
    return bytes((_FINAL | opcode, len(payload))) + payload


def closing(code: int, reason: str = "") -> bytes:
    """A close frame."""
    return control(CLOSE, code.to_bytes(2, "big") + reason.encode()[: _LONGEST_CONTROL - 2])


def deflated(data: bytes, window_bits: int) -> bytes:
    """A whole message, compressed by itself."""
    compressor = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, -window_bits)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(_TRAILER)]
