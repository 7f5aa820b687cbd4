"""The shape of a load: who sends what to whom, and what that comes to in bytes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.encode import (
    PIECE_BYTES,
    Piece,
    cut,
    delivered_bytes,
    publication,
    shuffled_subjects,
    subscription,
)

_SUBJECT = b"bench"
_WILDCARD = b"bench.*"
_QUEUE = b"workers"

_DELIVERIES_PER_PIECE = 200_000
_HEADER_BYTES = 40
_LEAST_PIECE = 64
"""A piece of a fan-out is small, so that a sample's length can be chosen finely."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Who sends what to whom."""

    publishers: int = 1
    subscribers: int = 0
    grouped: bool = False
    """The subscribers are one queue group, so that each message has one receiver."""
    subjects: int = 0
    """Subjects under a wildcard subscription; 0 means one subject and a literal subscription."""
    size: int = 16
    """Payload in bytes."""
    echoing: bool = False
    """The publishers subscribe as well, and nobody else does."""
    headers: int = 0
    """Headers of `_HEADER_BYTES` in each message."""
    greeting: bytes = b""
    """CONNECT of all clients; empty for the usual one."""

    @property
    def copies(self) -> int:
        """Deliveries per message."""
        if self.echoing:
            return self.publishers
        return min(self.subscribers, 1) if self.grouped else self.subscribers

    @property
    def block(self) -> bytes:
        """The header block of a message; empty if it has no headers."""
        lines = (b"Header-%d: " % number for number in range(self.headers))
        lines = (line + (_HEADER_BYTES - len(line) - 2) * b"h" + b"\r\n" for line in lines)
        return b"NATS/1.0\r\n" + b"".join(lines) + b"\r\n" if self.headers else b""

    @property
    def opening(self) -> bytes:
        """What a receiver sends at first."""
        return self.greeting + subscription(
            _WILDCARD if self.subjects else _SUBJECT, _QUEUE if self.grouped else b""
        )

    @property
    def leaf_opening(self) -> bytes:
        """The same of a leaf node that has such a receiver."""
        return b"LS+ %b%b\r\n" % (
            _WILDCARD if self.subjects else _SUBJECT,
            b" %b 1" % _QUEUE if self.grouped else b"",
        )

    def over_link(self, piece: Piece) -> bytes:
        """A piece as it crosses a leaf link, where it is for such receivers."""
        verb, queue = (b"HMSG" if self.headers else b"LMSG"), (b" | " + _QUEUE if self.grouped else b"")
        return re.sub(rb"^H?PUB (\S+)", rb"%b \1%b" % (verb, queue), piece.data, flags=re.MULTILINE)

    def expected(self, pieces: Sequence[Piece]) -> int:
        """Bytes that all receivers together get when each publisher sends these pieces."""
        return delivered_bytes(pieces) * self.publishers * self.copies


@lru_cache(maxsize=2)
def stream(shape: Shape) -> tuple[Piece, ...]:
    """The pieces that a publisher sends, over and over."""
    most = max(_LEAST_PIECE, _DELIVERIES_PER_PIECE // max(shape.copies, 1))
    payload = b"x" * shape.size
    if shape.subjects:
        return tuple(cut(shuffled_subjects(shape.subjects), payload, most))
    whole = max(1, PIECE_BYTES // len(publication(_SUBJECT, payload, block=shape.block)))
    return tuple(cut([_SUBJECT] * min(most, whole), payload, most, shape.block))
