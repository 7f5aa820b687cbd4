"""What the headers of a message say about a trace, read as nats-server reads them."""

import re

from ..dataplane.seam import HookedMessage
from ..dataplane.trace_mark import asks
from ..subjects.subject import is_literal
from ..value_object import value_object

DEST = "Nats-Trace-Dest"
ONLY = "Nats-Trace-Only"
ORIGIN = "Nats-Trace-Origin-Account"
HOP = "Nats-Trace-Hop"
"""Which way the message has come, from server to server: ``2.1`` for the first of the second."""

ENCODING = "Accept-Encoding"
DISABLED = "trace disabled"
"""In place of a destination: no server traces the message."""

_VERSION = b"NATS/1.0\r\n"
_BLANKS = b" \t"
_NO_SUBJECT = (b" ", b"\t", b"\r", b"\n", b"\f", b"\0")
_SERVERS = (b"$GR.", b"_GR_.", b"$NRG.")
"""How subjects begin to which servers alone publish."""

_YES = frozenset({"1", "true", "on"})

MOST_FIELDS = 1024
"""Fields of headers that an event shows. To take more apart would take longer than a turn."""

_LONGEST_HOP = 256
_HOP = re.compile(r"\d+(?:\.\d+)*", re.ASCII)


@value_object
class TraceRequest:
    """What is asked for."""

    dest: bytes
    only: bool
    """Whether the message is only traced, and not delivered."""
    header: dict[str, list[str]]
    """All fields, with their values in order."""

    def first(self, name: str) -> str:
        """The first value of a field; empty if it is missing."""
        return self.header.get(name, [""])[0]

    @property
    def hop(self) -> str:
        """The way that another server has noted; empty for none, and for what servers do not write."""
        hop = self.first(HOP)
        return hop if len(hop) <= _LONGEST_HOP and _HOP.fullmatch(hop) else ""

    def has_subject(self) -> bool:
        """Whether the destination is a subject that a message can have."""
        dest = self.dest
        return is_literal(dest) and not any(each in dest for each in _NO_SUBJECT)

    def is_for_servers(self) -> bool:
        """Whether no client may publish to the destination."""
        return self.dest.startswith(_SERVERS)


def read_request(block: bytes) -> TraceRequest | None:
    """What this header block asks for; None if that is no trace after all.

    Of a block with too many fields the request has no destination.
    """
    if block.count(b"\r\n") > MOST_FIELDS + 2:  # the first line and the last end as well
        return _without_destination(block)
    fields = _fields(block)
    dest = fields.get(DEST.encode())
    if dest is None or dest[0] == DISABLED.encode():
        return None
    header = {_text(name): [_text(value) for value in values] for name, values in fields.items()}
    return TraceRequest(dest[0], _is_yes(header.get(ONLY, [""])[0]), header)


def _without_destination(block: bytes) -> TraceRequest | None:
    if _value(block, DEST) in {"", DISABLED}:
        return None
    return TraceRequest(b"", _is_yes(_value(block, ONLY)), {})


def _value(block: bytes, name: str) -> str:
    """The first value of a field, without regard to the others; empty if it is missing."""
    found = re.search(rb"\n%b:[ \t]*([^ \t\r\n][^\r\n]*)" % re.escape(name.encode()), block)
    return "" if found is None else _text(found[1].rstrip(_BLANKS))


def _is_yes(value: str) -> bool:
    return value.lower() in _YES


def is_only_traced(message: HookedMessage) -> bool:
    """Whether it asks for a trace, and must not be delivered."""
    block = message.payload[: message.header]
    request = read_request(block) if asks(block) else None
    return request is not None and request.only


def untraced(message: HookedMessage) -> HookedMessage:
    """The same message, as no other server traces it."""
    return with_field(message, DEST, DISABLED)


def with_field(message: HookedMessage, name: str, value: str) -> HookedMessage:
    """The same message, with this value of this field alone."""
    block, payload = message.payload[: message.header], message.payload[message.header :]
    lines = block.removesuffix(b"\r\n\r\n").split(b"\r\n")
    begin = f"{name}:".encode()
    kept = [line for line in lines if not line.startswith(begin)]
    new = b"\r\n".join([*kept, f"{name}: {value}".encode(), b"", b""])
    return message._replace(header=len(new), payload=new + payload)


def _fields(block: bytes) -> dict[bytes, list[bytes]]:
    """Fields with a name and a value; what has no colon is taken for a part of the next name."""
    found: dict[bytes, list[bytes]] = {}
    start = len(_VERSION) if block.startswith(_VERSION) else len(block)
    while (colon := block.find(b":", start)) >= 0 and (end := block.find(b"\r\n", colon)) >= 0:
        name, value = block[start:colon], block[colon + 1 : end].strip(_BLANKS)
        if name and value:
            found.setdefault(name, []).append(value)
        start = end + 2
    return found


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
