"""Segments: the files with the messages."""

from struct import Struct
from zlib import crc32

from ...ports.files import File
from .footer import Footer, SegmentColumns, decode_footer, encode_footer
from .record import FOOT, Record, decode, encode, seed_of

SEGMENT_SIZE = 16 << 20
"""Bytes; a segment that would exceed it is closed. A message that is larger has one for itself."""
GREATEST_OFFSET = 0xFFFFFFFF

NUMBER = 0x7FFFFFFF
"""Of a place, the part above its offset."""

_TRAILER = Struct("<QI4s")
"""Where the footer is, a checksum, a mark. It ends a closed segment."""
_MARK = b"foot"


def number_of(place: int) -> int:
    """The segment that a place is in."""
    return place >> 32 & NUMBER


def offset_of(place: int) -> int:
    """Where in that segment."""
    return place & GREATEST_OFFSET


class Segment:
    """One file, as far as it is known to the loop."""

    __slots__ = (
        "allocated",
        "closed",
        "columns",
        "damaged",
        "end",
        "file",
        "first",
        "last",
        "last_time",
        "live",
        "messages",
        "number",
        "salt",
    )

    def __init__(self, number: int, first: int, salt: int) -> None:
        self.number = number
        self.salt = salt
        self.first = first
        """No message is below."""
        self.last = first - 1
        """The last sequence it uses up."""
        self.live = 0
        """Messages in it that are there."""
        self.messages = 0
        """Messages that it was closed with; 0 until then."""
        self.last_time = 0
        self.end = 0
        """Bytes that are used; those that are still to be written included."""
        self.allocated = 0
        """Bytes that the file has."""
        self.file: File | None = None
        """None until it is made."""
        self.closed = False
        self.damaged = False
        """Whether it cannot be read as a whole."""
        self.columns: SegmentColumns | None = SegmentColumns()
        """None if it is closed and on the disk."""


def encode_closing(footer: Footer, before: int, salt: int, offset: int, epoch: int) -> bytes:
    """What closes a segment that ends at this offset: the footer, and where it is."""
    texts = b"", b"", encode_footer(footer)
    record, _ = encode(FOOT, epoch, footer.last + 1, footer.last_time, texts, before, seed_of(salt, offset))
    return record + _TRAILER.pack(offset, crc32(b"%d" % offset, salt), _MARK)


def find_footer(file: File, size: int, salt: int) -> tuple[Record, Footer] | None:
    """The footer of a closed segment, and what it says; None if there is no valid one."""
    if size < _TRAILER.size:
        return None
    offset, checksum, mark = _TRAILER.unpack(file.read(size - _TRAILER.size, _TRAILER.size))
    if mark != _MARK or checksum != crc32(b"%d" % offset, salt) or not 0 <= offset < size:
        return None
    record = decode(file.read(offset, size - offset), offset, offset, salt)
    if record is None or record.kind != FOOT or record.end != size - _TRAILER.size:
        return None
    footer = decode_footer(record.body)
    return None if footer is None else (record, footer)
