"""Fields of a header block, read and written without parsing the whole of it.

A block is `NATS/1.0`, lines `Name: value` and an empty line, each ended by CRLF. Names are compared
with their case, as nats-server does; of equal names the first counts (jetstream-streams.md, section 3).
"""

from collections.abc import Iterable

VERSION = b"NATS/1.0"
END = b"\r\n"
EMPTY = VERSION + END + END

MAX_BLOCK = 65535
"""Bytes of the header block of a stored message."""

MAX_SUBJECT = 65535
"""Bytes of the subject of a stored message: its length has 16 bits in a record."""

SPECIAL = b"Nats-"
"""What fields begin with that a stream may have to obey."""

STREAM = b"Nats-Stream"
SUBJECT = b"Nats-Subject"
SEQUENCE = b"Nats-Sequence"
TIME_STAMP = b"Nats-Time-Stamp"
LAST_SEQUENCE = b"Nats-Last-Sequence"
NUM_PENDING = b"Nats-Num-Pending"
MSG_SIZE = b"Nats-Msg-Size"

MSG_ID = b"Nats-Msg-Id"
EXPECTED_STREAM = b"Nats-Expected-Stream"
EXPECTED_LAST_SEQUENCE = b"Nats-Expected-Last-Sequence"
EXPECTED_LAST_SUBJECT_SEQUENCE = b"Nats-Expected-Last-Subject-Sequence"
EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT = b"Nats-Expected-Last-Subject-Sequence-Subject"
EXPECTED_LAST_MSG_ID = b"Nats-Expected-Last-Msg-Id"
ROLLUP = b"Nats-Rollup"
TTL = b"Nats-TTL"
MARKER_REASON = b"Nats-Marker-Reason"
BUCKET_OPERATION = b"KV-Operation"
BUCKET_PURGE = b"PURGE"
STREAM_SOURCE = b"Nats-Stream-Source"
INCREMENT = b"Nats-Incr"
COUNTER_SOURCES = b"Nats-Counter-Sources"
REQUIRED_LEVEL = b"Nats-Required-Api-Level"
BATCH_ID = b"Nats-Batch-Id"
BATCH_SEQUENCE = b"Nats-Batch-Sequence"
BATCH_COMMIT = b"Nats-Batch-Commit"
SCHEDULE = b"Nats-Schedule"
SCHEDULE_TARGET = b"Nats-Schedule-Target"
SCHEDULE_TTL = b"Nats-Schedule-TTL"
SCHEDULE_SOURCE = b"Nats-Schedule-Source"
SCHEDULE_ROLLUP = b"Nats-Schedule-Rollup"
SCHEDULE_TIME_ZONE = b"Nats-Schedule-Time-Zone"
SCHEDULE_NEXT = b"Nats-Schedule-Next"
SCHEDULER = b"Nats-Scheduler"


def without_status(headers: bytes) -> bytes:
    """The block without the status of its first line; empty if nothing is left."""
    end = headers.find(b"\r")
    if end > len(VERSION) and headers.startswith(VERSION):
        headers = VERSION + headers[end:]
    return b"" if headers == EMPTY else headers


def special_fields(headers: bytes) -> dict[bytes, bytes]:
    """The fields that begin with `Nats-`, by name."""
    found: dict[bytes, bytes] = {}
    if SPECIAL not in headers:
        return found
    for line in headers.split(END):
        if line.startswith(SPECIAL):
            name, colon, value = line.partition(b":")
            if colon:
                found.setdefault(name, value.lstrip(b" "))
    return found


def field(headers: bytes, name: bytes) -> bytes:
    """The value of one field; empty if it is missing."""
    start = headers.find(END + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = headers.find(END, start)
    return headers[start:end].lstrip(b" ") if end >= 0 else b""


def with_fields(headers: bytes, fields: Iterable[tuple[bytes, bytes | int]]) -> bytes:
    """The block with these fields after its own; a new block if there was none."""
    head = headers[:-2] if len(headers) > 2 else VERSION + END
    lines = [
        b"%b: %b\r\n" % (name, value) if isinstance(value, bytes) else b"%b: %d\r\n" % (name, value)
        for name, value in fields
    ]
    return head + b"".join(lines) + END


def without_field(headers: bytes, name: bytes) -> bytes:
    """The block without any field of this name; empty if nothing is left."""
    mark = END + name + b":"
    while (start := headers.find(mark)) >= 0:
        end = headers.find(END, start + 2)
        if end < 0:
            break
        headers = headers[:start] + headers[end:]
    return b"" if headers == EMPTY else headers


def status(code: int, words: str, fields: Iterable[tuple[bytes, bytes | int]] = ()) -> bytes:
    """A block with a status: an answer without a payload."""
    return with_fields(b"%s %d %s\r\n\r\n" % (VERSION, code, words.encode()), fields)
