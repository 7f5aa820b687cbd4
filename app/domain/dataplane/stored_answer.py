"""Answers that are stored messages: with headers that name the stream, the sequence and the time. Plain twin.

A direct get is answered so (jetstream-api.md, section 5).
"""

from ..protocol.json_text import rfc3339
from .reach import Direct, Reach, Stored

END = b"\r\n"
NO_FIELDS = b"NATS/1.0" + END
"""The header block of a message without headers, but for its end."""

_DESCRIPTION = b"%b%b%b\r\nNats-Sequence: %d\r\nNats-Time-Stamp: %b\r\n"


def described(begin: bytes, message: Stored) -> bytes:
    """The header block of a message with what names it, without the empty line at its end.

    `begin` is the field of the stream, and that of the subject up to its value.
    """
    sequence, time, subject, headers, _ = message
    own = headers[: -len(END)] if len(headers) > len(END) else NO_FIELDS
    return _DESCRIPTION % (own, begin, subject, sequence, rfc3339(time).encode())


def answer_stored(plane: Direct, reply: bytes, begin: bytes, message: Stored) -> bool:
    """See `reach.Direct.answer_stored`."""
    block = described(begin, message) + END
    return plane.deliver(reply, reply, b"", block, message[4]) is not Reach.CONGESTED
