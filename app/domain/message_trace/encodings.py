"""Encodings of trace events: the one that a client accepts, as nats-server chooses it."""

import gzip
import struct

MOST_FRAMED = 32 * 1024
"""The most bytes for snappy, whose checksum takes long in Python; a chunk has 64 KiB at most."""

_STREAM = b"\xff\x06\x00\x00sNaPpY"
_UNCOMPRESSED = 1
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8


def encoded(accepted: str, data: bytes) -> tuple[str, bytes]:
    """The name for `Content-Encoding`, and the data so encoded; the name is empty if nothing is asked for."""
    wanted = accepted.lower()
    if not wanted:
        return "", data
    if ("snappy" in wanted or "s2" in wanted) and len(data) <= MOST_FRAMED:
        return "snappy", _framed(data)
    if "gzip" in wanted:
        return "gzip", gzip.compress(data, mtime=0)
    return "identity", data


def _framed(data: bytes) -> bytes:
    """The framing format of snappy, with one chunk that is not compressed: every reader takes it."""
    head = struct.pack("<II", _UNCOMPRESSED | (len(data) + 4) << 8, _masked(_crc32c(data)))
    return _STREAM + head + data


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
