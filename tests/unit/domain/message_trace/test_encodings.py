"""Encodings of trace events."""

import gzip

import pytest

from app.domain.message_trace.encodings import MOST_FRAMED, encoded


@pytest.mark.parametrize(("accepted", "name"), [("", ""), ("br", "identity")])
def test_as_it_is(accepted: str, name: str) -> None:
    """Without an encoding, or with none that is known, the data stays as it is."""
    assert (name, b"data") == encoded(accepted, b"data")


def test_gzip() -> None:
    """Readers of gzip get the data back."""
    name, data = encoded("deflate, GZIP", b"data")

    assert ("gzip", b"data") == (name, gzip.decompress(data))


@pytest.mark.parametrize("accepted", ["snappy", "s2", "gzip, snappy"])
def test_snappy(accepted: str) -> None:
    """The framing format has a head, and a chunk with the masked CRC-32C; snappy is preferred."""
    # The checksum of these digits is well known: 0xE3069283.
    masked = (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    name, data = encoded(accepted, b"123456789")

    expected = b"\xff\x06\x00\x00sNaPpY\x01\x0d\x00\x00" + masked.to_bytes(4, "little") + b"123456789"
    assert ("snappy", expected) == (name, data)


@pytest.mark.parametrize(
    ("size", "accepted", "name"),
    [
        (MOST_FRAMED, "snappy", "snappy"),
        (MOST_FRAMED + 1, "snappy", "identity"),
        (MOST_FRAMED + 1, "snappy, gzip", "gzip"),
    ],
)
def test_large_data(size: int, accepted: str, name: str) -> None:
    """What is large is encoded with gzip where that is accepted, and else sent as it is."""
    assert name == encoded(accepted, bytes(size))[0]
