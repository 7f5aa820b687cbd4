"""Acks: the answers of clients to delivered messages (jetstream-consumers.md, section 4)."""

from enum import Enum
from typing import NamedTuple

from ..errors import JetStreamError
from ..json_values import Fields, parse_object
from ..streams.durations import parse_duration


class AckKind(Enum):
    """What happens to the message."""

    ACK = "ack"
    NAK = "nak"
    PROGRESS = "progress"
    TERM = "term"
    NEXT = "next"
    UNKNOWN = "unknown"
    """Nothing."""


class Ack(NamedTuple):
    """The payload of an ack."""

    kind: AckKind
    delay: int | None = None
    """Nanoseconds until the next delivery, if the client set them."""
    text: bytes = b""
    """A reason, or the body of a pull request."""


PLAIN = Ack(AckKind.ACK)
_FIXED = {
    b"": PLAIN,
    b"+ACK": PLAIN,
    b"+OK": PLAIN,
    b"-NAK": Ack(AckKind.NAK),
    b"+WPI": Ack(AckKind.PROGRESS),
    b"+TERM": Ack(AckKind.TERM),
    b"+NXT": Ack(AckKind.NEXT),
}


def parse_ack(payload: bytes) -> Ack:
    """The ack in this payload."""
    known = _FIXED.get(payload)
    if known is not None:
        return known
    if payload.startswith(b"+NXT"):
        return Ack(AckKind.NEXT, text=payload[4:])
    if payload.startswith(b"-NAK"):
        return Ack(AckKind.NAK, delay=_delay(payload[4:].strip()))
    if payload.startswith(b"+TERM"):
        return Ack(AckKind.TERM, text=payload[5:].strip())
    return Ack(AckKind.UNKNOWN)


def _delay(text: bytes) -> int | None:
    if not text.startswith(b"{"):
        return parse_duration(text.decode("utf-8", "replace"))
    try:
        return Fields(parse_object(text)).duration("delay")
    except JetStreamError:
        return None
