"""What a stream says to the origin of a mirror or source in another domain, and how it reads what comes.

The lines are those of nats-server (jetstream-streams.md, section 9). The origin is read through a push
consumer that only servers make: `direct`, so that its stream counts it nowhere.
"""

import re
from typing import NamedTuple

from ...protocol.json_text import dump, rfc3339
from ..errors import JetStreamError
from ..json_values import Fields, parse_object
from . import headers as h
from .config import StreamSource, short_hash

API = "$JS.API"
HEARTBEAT = 1.0
"""Seconds after which an origin that has nothing to send says so."""

SILENCE = 10.0
"""Seconds without a word after which the consumer is taken for lost, and may be deleted by its server."""

ACK_WAIT = 22 * 3600
"""Seconds; nothing is acknowledged, and so nothing is sent again."""

LEVEL = b"Nats-Required-Api-Level"
IDENTITY = b"Nats-Stream-Identity"
LAST_CONSUMER = b"Nats-Last-Consumer"
LAST_STREAM = b"Nats-Last-Stream"
STALLED = b"Nats-Consumer-Stalled"

NO_SUCH_LEVEL = frozenset({10185, 10025})
"""Errors of a server that does not know what it is asked for; it is asked in an older form then."""

OTHER_STREAM = 10225
"""The error of an origin that was deleted and created again."""

HIGHEST = 2**63
"""Above all numbers that a message can have."""

_IDENTITY = re.compile("[0-9A-Za-z]{1,64}")
"""It becomes a word of `Nats-Stream-Source`."""

_CONTROL = b"NATS/1.0 100 "
_STATUS = b"NATS/1.0 "
_ACK_TOKENS = 9
_LONG_ACK_TOKENS = (11, 12)


class RemoteStart(NamedTuple):
    """Where the origin is to begin."""

    sequence: int = 0
    """0 for no sequence."""
    time: int | None = None
    """Nanoseconds since the epoch, where no sequence is named; None for the begin of the stream."""


class RemoteConsumer(NamedTuple):
    """The consumer that the origin is asked for."""

    kind: str
    """`MIRROR` or `SRC`."""
    stream: str
    """The name of the stream that copies."""
    domain: str
    """The domain of this server; may be empty."""
    name: str
    deliver: str
    """The subject that messages come to."""
    start: RemoteStart
    level: int
    """The API level that the origin has to have; 0 for any, and a consumer as older servers know it."""

    def request(self, source: StreamSource) -> tuple[str, bytes]:
        """The subject and the payload."""
        call = f"CONSUMER.CREATE.{source.name}"
        filters = [each.decode() for each in source.filters]
        wanted: dict[str, object] = {}
        if len(filters) == 1:
            call += f".{self.name}.{filters[0]}"
            wanted = {"filter_subject": filters[0]}
        elif filters:
            wanted = {"filter_subjects": filters}
        config: dict[str, object] = {
            "name": self.name,
            **_start_fields(self.start),
            "ack_policy": "none",
            "ack_wait": ACK_WAIT * 10**9,
            "max_deliver": 1,
            **wanted,
            "replay_policy": "instant",
            "flow_control": True,
            "deliver_subject": self.deliver,
            "idle_heartbeat": round(HEARTBEAT * 1e9),
            "inactive_threshold": round(SILENCE * 1e9),
            "num_replicas": 0,
            "direct": True,
            **({"sourcing": True} if self.level else {}),
            "metadata": self._metadata(),
        }
        return api_subject(source, call), dump({"stream_name": source.name, "config": config, "action": ""})

    def _metadata(self) -> dict[str, str]:
        place = f"_nats.{self.kind.lower()}"
        more = {f"{place}.domain": self.domain} if self.domain else {}
        return {f"{place}.stream": self.stream, f"{place}.acc": "$G", **more}

    def headers(self, identity: str) -> bytes:
        """Those of the request: the level, and which stream the origin has to be, if that is known."""
        fields: list[tuple[bytes, bytes | int]] = [(LEVEL, self.level)] if self.level else []
        if identity:
            fields.append((IDENTITY, identity.encode()))
        return h.with_fields(b"", fields) if fields else b""


def _start_fields(start: RemoteStart) -> dict[str, object]:
    if start.sequence:
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": start.sequence}
    if start.time is not None:
        return {"deliver_policy": "by_start_time", "opt_start_time": rfc3339(start.time)}
    return {"deliver_policy": "all"}


def api_subject(source: StreamSource, call: str) -> str:
    """The subject of a call at the origin; no valid one if its prefix is none."""
    prefix = API if source.external is None else source.external.api
    return f"{prefix}.{call}".replace("..", ".")


def deliver_subject(source: StreamSource, letter: str, words: str) -> str:
    """Where messages are to come to: below the prefix of the configuration, if there is one."""
    prefix = "" if source.external is None else source.external.deliver
    return f"{prefix or '$JS'}.{letter}.{words}".replace("..", ".")


def stable_name(kind: str, *words: str) -> str:
    """The name of a consumer, the same after a restart: an origin may keep it for this stream."""
    return f"JS_{kind}_{short_hash(' '.join(words))}"


class RemoteAnswer(NamedTuple):
    """The answer to the request."""

    error: JetStreamError | None = None
    name: str = ""
    deliver: str = ""
    pending: int = 0
    """Messages that are to come."""
    identity: str = ""
    """Of the origin; empty if it does not say."""


def read_answer(headers: bytes, payload: bytes) -> RemoteAnswer:
    """What the origin answered; an answer that is none is an error, too."""
    try:
        answer = Fields(parse_object(payload))
        error = answer.fields("error")
        if error is not None:
            code, number = error.integer("code"), error.integer("err_code")
            return RemoteAnswer(JetStreamError.foreign(code, number, error.text("description")))
        config = answer.fields("config")
        name, pending = answer.text("name"), answer.sequence("num_pending")
        deliver = "" if config is None else config.text("deliver_subject")
    except JetStreamError as refusal:
        return RemoteAnswer(refusal)
    if not name or not deliver:
        return RemoteAnswer(JetStreamError(10025, "no consumer in the answer of the origin"))
    identity = h.field(headers, IDENTITY).decode("utf-8", "replace")
    return RemoteAnswer(None, name, deliver, pending, identity if _IDENTITY.fullmatch(identity) else "")


class Delivered(NamedTuple):
    """What the reply subject of a message says."""

    stream: bytes
    consumer: bytes
    deliveries: int
    sequence: int
    number: int
    """The message's place in what the consumer has sent, from 1 on."""
    time: int
    pending: int


def read_reply(reply: bytes) -> Delivered | None:
    """The meaning of `$JS.ACK.…`; None for another subject."""
    tokens = reply.split(b".")
    first = 3 if len(tokens) == _ACK_TOKENS else 5
    if not reply.startswith(b"$JS.ACK.") or (first == 5 and len(tokens) not in _LONG_ACK_TOKENS):
        return None
    numbers = tokens[first + 1 : first + 6]
    if not all(each.isdigit() and len(each) < 20 for each in numbers):
        return None
    values = [int(each) for each in numbers]
    return Delivered(tokens[first - 1], tokens[first], *values) if max(values) < HIGHEST else None


def is_status(headers: bytes, payload: bytes) -> bool:
    """Whether this is no message, but says something of the consumer."""
    return not payload and headers.startswith(_STATUS)


def is_control(headers: bytes) -> bool:
    """Whether a status is a heartbeat, or asks for a confirmation."""
    return headers.startswith(_CONTROL)
