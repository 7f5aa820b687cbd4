"""Records of messages in a row, all encoded at once: compiled where that is built, else in plain Python.

What is encoded is the same as by `record.encode`, one after the other. Beside the records there are the
columns that the index and the footer of the segment want.
"""

from array import array
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol, cast
from zlib import crc32

from ...domain.dataplane.incoming_run import FIELDS, IncomingRun
from ...domain.jetstream.storage.chunk import WITH_HEADERS, Columns, Span
from .record import FIRST_OF_EPOCH, HEAD, LEAST, encode, seed_of, with_removals

OVERHEAD = 30
HEADERS = 4
"""Bytes that `max_bytes` counts besides a message's own (jetstream-streams.md, section 4)."""


class Chain(NamedTuple):
    """Where the records go, and what is the same in all or goes on from one to the next."""

    kind: int
    """Of the first one; the flag `FIRST_OF_EPOCH` is only for that."""
    epoch: int
    sequence: int
    """Of the first message; those of the others follow."""
    time: int
    """The same: each message is a nanosecond later than the one before, so that times say which is which."""
    before: int
    """Checksum of the record before."""
    number: int
    """Of the segment."""
    salt: int
    """Its salt."""
    offset: int
    """Where the first record begins in it."""
    limit: int
    """Where the last one ends at the latest, unless it is the first."""


class EncodedRun(NamedTuple):
    """Records, and columns as bytes in the order of the machine; `following` is as in `chunk.Chunk`."""

    total: int
    """Messages."""
    data: bytes
    checksum: int
    """Of the last record."""
    sequences: bytes
    places: bytes
    times: bytes
    sizes: bytes
    following: bytes
    messages: bytes
    """For each subject of the run: messages among these, the first and the last of them."""
    firsts: bytes
    lasts: bytes

    def columns(self, run: IncomingRun, start: int, sequence: int) -> Columns:
        """The messages, for an index; ids are positions in `run.names`."""
        return Columns(
            range(sequence, sequence + self.total),
            column_of("I", run.ids[4 * start : 4 * (start + self.total)]),
            column_of("Q", self.places),
            column_of("q", self.times),
            column_of("I", self.sizes),
            column_of("I", self.following),
        )

    def spans(self, run: IncomingRun) -> list[Span]:
        """The subjects; some may have no message."""
        numbers = (memoryview(each).cast("Q") for each in (self.messages, self.firsts, self.lasts))
        return [Span(*each) for each in zip(run.names, *numbers, strict=True)]


def column_of(kind: str, data: bytes) -> "array[int]":
    """Numbers of one type, from their bytes."""
    numbers: array[int] = array(kind)
    numbers.frombytes(data)
    return numbers


Links = tuple[bytes, bytes, bytes, bytes]
"""The last four columns of an `EncodedRun`."""


class RunEncoder(Protocol):
    """Encodes messages in a row."""

    def encode_run(self, run: IncomingRun, start: int, chain: Chain, /) -> EncodedRun:
        """Records for the messages from `start` on, at least one, as far as they fit."""
        ...

    def encode_message(  # noqa: PLR0913, PLR0917 - the fields of a record, in its order
        self,
        kind: int,
        epoch: int,
        sequence: int,
        time: int,
        subject: bytes,
        headers: bytes,
        payload: bytes,
        removed: int,
        before: int,
        seed: int,
        /,
    ) -> tuple[bytes, int]:
        """The record of a message that removes one other, or none if that is 0, and its checksum."""
        ...

    def links(self, ids: bytes, first: int, subjects: int, /) -> Links:
        """The columns from `following` on, for messages in a row whose ids are below `subjects`."""
        ...


class PlainEncoder:
    """In plain Python; the definition."""

    @staticmethod
    def encode_run(run: IncomingRun, start: int, chain: Chain) -> EncodedRun:
        """See `RunEncoder`."""
        kind, epoch, sequence, time, before, number, salt, offset, limit = chain
        data, rows = run.data, run.rows
        pieces: list[bytes] = []
        places, sizes = array("Q"), array("I")
        for at in range(start * FIELDS, len(rows), FIELDS):
            subject, subject_size, _, _, block, header, size = rows[at : at + FIELDS]
            length = LEAST + subject_size + size
            if pieces and offset + length > limit:
                break
            place = sequence + len(places)
            head = HEAD.pack(length, kind, epoch, subject_size, header, place, time + len(places), before)
            record = b"".join((head, data[subject : subject + subject_size], data[block : block + size]))
            before = crc32(record, seed_of(salt, offset))
            pieces += (record, before.to_bytes(4, "little"))
            places.append(number << 32 | offset | (WITH_HEADERS if header else 0))
            sizes.append(OVERHEAD + subject_size + size + (HEADERS if header else 0))
            offset += length
            kind &= ~FIRST_OF_EPOCH
        count = len(places)
        return EncodedRun(
            count,
            b"".join(pieces),
            before,
            array("Q", range(sequence, sequence + count)).tobytes(),
            places.tobytes(),
            array("q", range(time, time + count)).tobytes(),
            sizes.tobytes(),
            *PlainEncoder.links(run.ids[4 * start : 4 * (start + count)], sequence, len(run.names)),
        )

    @staticmethod
    def encode_message(  # noqa: PLR0913, PLR0917 - the fields of a record, in its order
        kind: int,
        epoch: int,
        sequence: int,
        time: int,
        subject: bytes,
        headers: bytes,
        payload: bytes,
        removed: int,
        before: int,
        seed: int,
        /,
    ) -> tuple[bytes, int]:
        """See `RunEncoder`."""
        body = with_removals(payload, [removed]) if removed else payload
        return encode(kind, epoch, sequence, time, (subject, headers, body), before, seed)

    @staticmethod
    def links(ids: bytes, first: int, subjects: int) -> Links:
        """See `RunEncoder`."""
        return _links(memoryview(ids).cast("I"), first, subjects)


def _links(ids: "memoryview[int]", sequence: int, subjects: int) -> Links:
    following = array("I", bytes(4 * len(ids)))
    messages, firsts, lasts = (array("Q", bytes(8 * subjects)) for _ in range(3))
    for position, id_ in enumerate(ids):
        if messages[id_]:
            earlier = lasts[id_] - sequence
            following[earlier] = position - earlier
        else:
            firsts[id_] = sequence + position
        messages[id_] += 1
        lasts[id_] = sequence + position
    return following.tobytes(), messages.tobytes(), firsts.tobytes(), lasts.tobytes()


@cache
def run_encoder() -> RunEncoder:
    """The compiled one where it is built."""
    try:
        return cast("RunEncoder", import_module(".native_encoding", __package__))
    except ImportError:
        return PlainEncoder()
