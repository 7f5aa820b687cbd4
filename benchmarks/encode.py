"""What goes over the wire, encoded before the clock starts, and how many bytes come back.

A receiver only counts bytes, so a row must know beforehand how many each of them gets
(client-protocol.md, section 10: a MSG line has single spaces and repeats the subject).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SID = b"1"
"""The subscription number of every receiver."""

PING = b"PING\r\n"
PONG = b"PONG\r\n"

PIECE_BYTES = 64 * 1024
"""How much a publisher hands to the kernel at a time."""

LEAST_STREAM = 100_000
"""A stream over many subjects has at least this many messages before it repeats."""

_SEED = 4222


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of encoded messages, sent in one go."""

    data: bytes
    messages: int
    delivered: int
    """Bytes that one receiver of all of them gets."""


def publication(subject: bytes, payload: bytes, reply: bytes = b"", block: bytes = b"") -> bytes:
    """A message as its publisher sends it; `block` is that of its headers, if it has any."""
    if block:
        sizes = (len(block), len(block) + len(payload))
        return b"HPUB %b %b%d %d\r\n%b%b\r\n" % (subject, reply and reply + b" ", *sizes, block, payload)
    return b"PUB %b %b%d\r\n%b\r\n" % (subject, reply and reply + b" ", len(payload), payload)


def delivery(subject: bytes, payload: bytes, reply: bytes = b"", sid: bytes = SID) -> bytes:
    """The same message as its receiver gets it."""
    return b"MSG %b %b %b%d\r\n%b\r\n" % (subject, sid, reply and reply + b" ", len(payload), payload)


def subscription(pattern: bytes, queue: bytes = b"", sid: bytes = SID) -> bytes:
    """A subscription, plain or as a member of a queue group."""
    return b"SUB %b %b%b\r\n" % (pattern, queue and queue + b" ", sid)


def shuffled_subjects(count: int) -> list[bytes]:
    """`count` subjects of equal length in random order, over and over until there are enough.

    Each subject comes equally often. The order is the same in every run.
    """
    subjects = [b"bench.%07d" % number for number in range(count)]
    chance = random.Random(_SEED)  # noqa: S311 - an order, not a secret
    stream: list[bytes] = []
    while len(stream) < LEAST_STREAM:
        chance.shuffle(subjects)
        stream += subjects
    return stream


def cut(subjects: Sequence[bytes], payload: bytes, most: int, block: bytes = b"") -> Iterator[Piece]:
    """Encode one message for each subject, in pieces of at most `most` messages, with this header block.

    A piece holds at most `PIECE_BYTES`, or a single larger message.
    """
    lines: list[bytes] = []
    size = delivered = 0
    for subject in subjects:
        line = publication(subject, payload, block=block)
        if lines and (size + len(line) > PIECE_BYTES or len(lines) == most):
            yield Piece(b"".join(lines), len(lines), delivered)
            lines, size, delivered = [], 0, 0
        lines.append(line)
        size += len(line)
        delivered += len(line) + len(SID) + 1  # (H)PUB and (H)MSG have equal lengths, but for the sid
    if lines:
        yield Piece(b"".join(lines), len(lines), delivered)


def delivered_bytes(pieces: Iterable[Piece]) -> int:
    """Bytes that one receiver of all these pieces gets."""
    return sum(piece.delivered for piece in pieces)


def ends_with_pong(received: bytes) -> bool:
    """Whether a PONG was the last thing to come, but for PINGs of the server, which may ping at any time."""
    while received.endswith(PING):
        received = received[: -len(PING)]
    return received.endswith(PONG)


def surplus_is_keep_alive(expected: int, received: int, connections: int = 1) -> bool:
    """Whether exactly the expected bytes came, but for at most two server PINGs per connection.

    A server may ping at any time, and a receiver that only counts cannot tell.
    Two PINGs are shorter than any message here, so they cannot replace a lost message.
    """
    surplus = received - expected
    return 0 <= surplus <= 2 * len(PING) * connections and surplus % len(PING) == 0
