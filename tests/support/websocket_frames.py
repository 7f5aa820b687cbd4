"""Frames as clients of websockets send them, and as they should not."""

MASK = b"\x01\x82\x03\xf4"


def frame(data: bytes = b"", first: int = 0x82, *, length: int | None = None) -> bytes:
    """What a client sends; `length` may lie."""
    size = len(data) if length is None else length
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 0x10000:
        head = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + MASK + bytes(byte ^ MASK[at & 3] for at, byte in enumerate(data))
