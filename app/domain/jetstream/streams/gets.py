"""Reading single messages: requests, and where they lead (jetstream-api.md, section 5)."""

import base64
from collections.abc import Mapping
from dataclasses import replace

from ...protocol.json_text import rfc3339
from ...value_object import value_object
from ..errors import JetStreamError
from ..json_values import Fields
from ..storage.seam import DamagedMessage, StoredMessage, StreamLog


@value_object
class GetRequest:
    """Which message, or which messages; names are those of the JSON."""

    seq: int = 0
    last_by_subj: str = ""
    next_by_subj: str = ""
    batch: int = 0
    max_bytes: int = 0
    start_time: int | None = None
    multi_last: tuple[str, ...] = ()
    up_to_seq: int = 0
    up_to_time: int | None = None
    no_hdr: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return not (
            self.seq
            or self.last_by_subj
            or self.next_by_subj
            or self.multi_last
            or self.start_time is not None
        )

    @property
    def contradicts_itself(self) -> bool:
        """Whether two of its fields name different messages."""
        last, by_time = bool(self.last_by_subj), self.start_time is not None
        return (
            (bool(self.seq) and (last or by_time))
            or (last and (by_time or bool(self.next_by_subj) or bool(self.multi_last) or self.batch > 0))
            or (bool(self.next_by_subj) and bool(self.multi_last))
            or (self.up_to_seq > 0 and self.up_to_time is not None)
        )


def parse_get(document: Mapping[str, object], *, is_strict: bool = True) -> GetRequest:
    """Read a request. Raises `JetStreamError` 10025; `is_strict` also for unknown fields."""
    fields = Fields(document)
    request = GetRequest(
        seq=fields.sequence("seq"),
        last_by_subj=fields.text("last_by_subj"),
        next_by_subj=fields.text("next_by_subj"),
        batch=fields.integer("batch"),
        max_bytes=fields.integer("max_bytes"),
        start_time=fields.time("start_time"),
        multi_last=fields.texts("multi_last"),
        up_to_seq=fields.sequence("up_to_seq"),
        up_to_time=fields.time("up_to_time"),
        no_hdr=fields.flag("no_hdr"),
    )
    if is_strict:
        fields.finish()
    return request


def find_one(log: StreamLog, request: GetRequest) -> StoredMessage | None:
    """The message that a request for one names; None if there is none, or it is damaged."""
    start = request.seq if request.start_time is None else log.at_time(request.start_time)
    if request.next_by_subj:
        sequence = log.next(max(start, 1), (request.next_by_subj.encode(),))
    elif request.last_by_subj:
        sequence = last_of(log, request.last_by_subj.encode())
    elif request.start_time is not None:
        sequence = log.next(start)
    else:
        sequence = start
    return read(log, sequence)


def last_of(log: StreamLog, pattern: bytes) -> int:
    """The last sequence of a subject, or of what matches it; 0 for none."""
    last = log.last_of(pattern)
    if last:
        return last
    return log.previous(log.last, (pattern,)) if b"*" in pattern or b">" in pattern else 0


def read(log: StreamLog, sequence: int) -> StoredMessage | None:
    """A message; None if it is not there, or it is damaged."""
    try:
        return log.read(sequence) if sequence else None
    except DamagedMessage:
        return None


def read_last(log: StreamLog, subject: bytes) -> StoredMessage | None:
    """The last message of a literal subject; None if there is none, or it is damaged."""
    try:
        return log.read_last(subject)
    except DamagedMessage:
        return None


def parse_single(document: Mapping[str, object]) -> GetRequest:
    """What STREAM.MSG.GET asks for. Raises `JetStreamError`."""
    request = parse_get(document)
    if request.batch > 0 or request.max_bytes > 0:
        raise JetStreamError(10003)
    request = replace(request, multi_last=())
    if request.is_empty or request.contradicts_itself:
        raise JetStreamError(10003)
    return request


def get_message(log: StreamLog, document: Mapping[str, object]) -> dict[str, object]:
    """The `message` of STREAM.MSG.GET. Raises `JetStreamError`."""
    request = parse_single(document)
    message = find_one(log, request)
    if message is None:
        raise JetStreamError(10037)
    return message_json(message, with_headers=not request.no_hdr)


def message_json(message: StoredMessage, *, with_headers: bool = True) -> dict[str, object]:
    """A message in JSON; what is empty is left out."""
    answer: dict[str, object] = {
        "subject": message.subject.decode("utf-8", "replace"),
        "seq": message.sequence,
    }
    if message.headers and with_headers:
        answer["hdrs"] = base64.b64encode(message.headers).decode()
    if message.payload:
        answer["data"] = base64.b64encode(message.payload).decode()
    answer["time"] = rfc3339(message.time)
    return answer
