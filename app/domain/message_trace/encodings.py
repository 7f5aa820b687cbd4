"""Encodings of trace events: the one that a client accepts, as nats-server chooses it."""

import gzip
import struct

_CHUNK = 65536
"""The most bytes of one chunk of the framing format of snappy."""

_STREAM = b"\xff\x06\x00\x00sNaPpY"
_UNCOMPRESSED = 1
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8


def encoded(accepted: str, data: bytes) -> tuple[str, bytes]:
    """The name for `Content-Encoding`, and the data so encoded; the name is empty if nothing is asked for."""
    wanted = accepted.lower()
    if not wanted:
        return "", data
    if "snappy" in wanted or "s2" in wanted:
        return "snappy", _framed(data)
    if "gzip" in wanted:
        return "gzip", gzip.compress(data, mtime=0)
    return "identity", data


def _framed(data: bytes) -> bytes:
    """The framing format of snappy, with chunks that are not compressed: every reader takes them."""
    pieces = [_STREAM]
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        head = struct.pack("<I", _UNCOMPRESSED | (len(chunk) + 4) << 8)
        pieces += [head, struct.pack("<I", _masked(_crc32c(chunk))), chunk]
    return b"".join(pieces)


def _table() -> list[int]:
    table = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def _crc32c(data: bytes) -> int:
    """The CRC-32C of RFC 3720."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _masked(checksum: int) -> int:
    """As the framing format has checksums."""
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF
