"""Messages in a row for one subscription of a client inside the server, as its wire gets them: plain twin.

What the server itself stores comes in thousands. A run says where their parts are, in one flat table,
so that the one that takes them needs no object for each.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..limits import MAX_SIZE_DIGITS
from .ack_run import ACK_START

RUN_BYTES = 1024 * 1024
"""A run that has as many bytes takes no further message."""

FIELDS = 7
"""Numbers for each message, in this order:

where the subject is, and its length; where the reply subject is, and its length, 0 for none; where
the headers begin, and their length, 0 for none; the length of headers and payload, which follow them.
"""

DETACHED_BELOW = 4
"""A run with less than one of this number of bytes of the data is copied when it is kept."""

GREATEST_SUBJECT = 0xFFFF
GREATEST_HEADERS = 0xFFFF
GREATEST_DATA = 0xFFFFFFFF
"""What is longer is in no run."""

SPECIAL = b"Nats-"
"""A message with this in its headers is in no run, since it may have to be obeyed, but for one `ID_FIELD`."""

ID_FIELD = b"\r\nNats-Msg-Id:"
"""The field that a message in a run may have: the stream checks ids of a run itself."""

FAST_SUFFIX = b".$FI"
"""How reply subjects of fast batches end (jetstream-streams.md, section 11). A run has these, or others."""

_MSG = b"MSG"
_HMSG = b"HMSG"
_VERSION = b"NATS/1.0"
_NO_FIELDS = _VERSION + b"\r\n\r\n"


TakeLone = Callable[[bytes, bytes, bytes, bytes], bool]
"""Gets a lone message: subject, headers, payload, reply; in the last three empty is none.

It answers at once, by `reach.Direct.answer` for example, and returns True; or returns False, and has done
nothing then: the message goes the way of all others. What it raises ends the read, and so the publisher's
connection.
"""


class IncomingRun:
    """A run; made by `read_run`, or by the compiled twin."""

    __slots__ = (
        "batched",
        "count",
        "data",
        "fields",
        "ids",
        "largest",
        "message_ids",
        "names",
        "rows",
        "size",
        "start",
        "stop",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place of each twin
        self,
        data: bytes,
        start: int,
        stop: int,
        fields: bytes,
        ids: bytes,
        names: list[bytes],
        size: int,
        largest: int,
        message_ids: list[bytes],
        batched: bool,  # noqa: FBT001 - the same
    ) -> None:
        self.data = data
        self.start = start
        self.stop = stop
        """Where the message after it begins."""
        self.fields = fields
        self.rows = memoryview(fields).cast("I")
        """The table: `FIELDS` numbers for each message."""
        self.count = len(self.rows) // FIELDS
        self.ids = ids
        """For each message the position of its subject in `names`, as 32-bit numbers."""
        self.names = names
        """The subjects, each once; empty if they were not asked for."""
        self.size = size
        """Bytes of headers and payloads."""
        self.largest = largest
        """The same of the largest message."""
        self.message_ids = message_ids
        """`Nats-Msg-Id` of each message, empty for none; no list if none has one."""
        self.batched = batched
        """Whether all are of fast batches, as their replies say; otherwise none is."""

    def reply(self, position: int) -> bytes:
        """The reply subject of one message; empty for none."""
        start, size = self.rows[position * FIELDS + 2 : position * FIELDS + 4]
        return self.data[start : start + size]

    def message(self, position: int) -> tuple[bytes, bytes, bytes]:
        """Subject, headers and payload of one message."""
        data = self.data
        subject, subject_size, _, _, block, header, size = self.rows[
            position * FIELDS : (position + 1) * FIELDS
        ]
        return (
            data[subject : subject + subject_size],
            data[block : block + header],
            data[block + header : block + size],
        )

    def part(self, start: int, stop: int) -> "IncomingRun":
        """The messages in these positions; bounds and sizes are those of the whole."""
        if start <= 0 and stop >= self.count:
            return self
        row = 4 * FIELDS
        fields, ids = self.fields[start * row : stop * row], self.ids[4 * start : 4 * stop]
        message_ids = self.message_ids[start:stop]
        return IncomingRun(
            self.data,
            self.start,
            self.stop,
            fields,
            ids,
            self.names,
            self.size,
            self.largest,
            message_ids,
            self.batched,
        )

    def end_of(self, count: int) -> int:
        """Where the first `count` messages end, one at least."""
        if count >= self.count:
            return self.stop
        block, _, size = self.rows[count * FIELDS - 3 : count * FIELDS]
        return block + size + 2

    def detached(self) -> "IncomingRun":
        """The same run with a copy of its own bytes, if it is a small part of the data; for who keeps it."""
        start, stop = self.start, self.stop
        if DETACHED_BELOW * (stop - start) >= len(self.data):
            return self
        rows = array("I", self.fields)
        for place in (0, 4):
            rows[place::FIELDS] = array("I", [each - start for each in rows[place::FIELDS]])
        rows[2::FIELDS] = array("I", [each and each - start for each in rows[2::FIELDS]])
        return IncomingRun(
            self.data[start:stop],
            0,
            stop - start,
            rows.tobytes(),
            self.ids,
            self.names,
            self.size,
            self.largest,
            self.message_ids,
            self.batched,
        )

    def messages(self) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        """Subject, headers, payload and reply of each."""
        data, rows = self.data, self.rows
        for at in range(0, len(rows), FIELDS):
            subject, subject_size, reply, reply_size, block, header, size = rows[at : at + FIELDS]
            yield (
                data[subject : subject + subject_size],
                data[block : block + header],
                data[block + header : block + size],
                data[reply : reply + reply_size],
            )


class MessageAlone(NamedTuple):
    """A message for a client inside the server; empty is none."""

    sid: bytes
    subject: bytes
    headers: bytes
    payload: bytes
    reply: bytes


class _Frame(NamedTuple):
    """A message, taken apart."""

    sid: bytes
    subject: bytes
    fields: tuple[int, ...]
    stop: int
    message_id: bytes
    batched: bool


def read_run(data: bytes, start: int, most: int, *, named: bool = True) -> IncomingRun:
    """The messages from `start` on that are for the same subscription, at most this number.

    Either all of them are of fast batches, or none is.
    It ends before what is no message, or one that is not whole, or has special headers other than an id.
    With `named` their subjects are collected.
    """
    fields, ids, names = array("I"), array("I"), dict[bytes, int]()
    message_ids: list[bytes] = []
    position, size, largest, sid, batched = start, 0, 0, b"", False
    while len(fields) < most * FIELDS and position - start < RUN_BYTES:
        frame = _frame(data, position)
        if frame is None or (sid and (frame.sid != sid or frame.batched is not batched)):
            break
        sid, position, batched = frame.sid, frame.stop, frame.batched
        fields.extend(frame.fields)
        size += frame.fields[-1]
        largest = max(largest, frame.fields[-1])
        message_ids.append(frame.message_id)
        if named:
            ids.append(names.setdefault(frame.subject, len(names)))
    return IncomingRun(
        data,
        start,
        position,
        fields.tobytes(),
        ids.tobytes(),
        list(names),
        size,
        largest,
        message_ids if any(message_ids) else [],
        batched,
    )


class _Split(NamedTuple):
    """The line of a message, and where what follows it is."""

    words: list[bytes]
    headed: bool
    block: int
    header: int
    size: int
    stop: int


def read_one(data: bytes) -> MessageAlone | None:
    """The message that these bytes are; None if they are several, or the ack of a consumer."""
    split = None if data.startswith(ACK_START) else _split(data, 0)
    if split is None or split.stop != len(data):
        return None
    words, headed, block, header, size, _ = split
    start = block + header
    reply = words[3] if len(words) == 5 + headed else b""
    return MessageAlone(words[2], words[1], data[block:start], data[start : block + size], reply)


def _split(data: bytes, position: int) -> _Split | None:
    """The message that begins there; None if it is none."""
    end = data.find(b"\r\n", position)
    if end < 0:
        return None
    words = data[position:end].split(b" ")
    headed = words[0] == _HMSG
    if not (headed or words[0] == _MSG) or not 4 + headed <= len(words) <= 5 + headed:
        return None
    if not all(map(_is_size, words[-1 - headed :])):
        return None
    block, size, header = end + 2, int(words[-1]), int(words[-2]) if headed else 0
    stop = block + size + 2
    if header > size or stop > len(data) or not words[2]:
        return None
    return _Split(words, headed, block, header, size, stop)


def _frame(data: bytes, position: int) -> _Frame | None:
    """The message that begins there; None for one that is in no run."""
    split = _split(data, position) if len(data) <= GREATEST_DATA else None
    if split is None or len(split.words[1]) > GREATEST_SUBJECT:
        return None
    words, headed, block, header, size, stop = split
    message_id = b""
    if header:
        headers = data[block : block + header]
        found = _plain_id(headers)
        if found is None:
            return None
        message_id = found
        if headers == _NO_FIELDS:
            block, size, header = block + header, size - header, 0
    subject = position + len(words[0]) + 1
    reply, reply_size, batched = 0, 0, False
    if len(words) == 5 + headed and words[3]:
        reply, reply_size = subject + len(words[1]) + len(words[2]) + 2, len(words[3])
        batched = words[3].endswith(FAST_SUFFIX)
    fields = subject, len(words[1]), reply, reply_size, block, header, size
    return _Frame(words[2], words[1], fields, stop, message_id, batched)


def _is_size(word: bytes) -> bool:
    return word.isdigit() and len(word) <= MAX_SIZE_DIGITS


def _plain_id(headers: bytes) -> bytes | None:
    """The id of a message, empty for none; None if something else has to be obeyed or changed.

    That is another special field, a second one, or a status.
    """
    if len(headers) > GREATEST_HEADERS:
        return None
    if headers.startswith(_VERSION) and headers[len(_VERSION) : len(_VERSION) + 1] != b"\r":
        return None
    specials = headers.count(SPECIAL)
    if not specials:
        return b""
    start = headers.find(ID_FIELD) + len(ID_FIELD)
    end = headers.find(b"\r\n", start)
    if specials > 1 or start < len(ID_FIELD) or end < 0:
        return None
    return headers[start:end].lstrip(b" ") or None
