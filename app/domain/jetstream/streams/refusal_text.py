"""Why a message is refused, in the words of nats-server's trace events; those of its answers differ."""

from ..errors import JetStreamError
from . import headers as h
from .admission import WrongSubjectSequence, sequence_of

DUPLICATE = "msgid is duplicate"
"""Of a message that is stored already."""

_TEXTS = {
    10054: "maximum payload exceeded",
    10060: "expected stream does not match",
    10097: "maximum payload exceeded",
    10166: "message TTL disabled",
    10201: DUPLICATE,
}
"""By the number of the error."""

_PLAIN = frozenset({10077, 10111})
"""Errors whose text is that of the answer; all others have their number after it."""

_SEQUENCE = frozenset({10071, 10164})
"""Errors of an expected sequence, with the last one in their text or without."""

_NO_SEQUENCE = 2**64
"""Sequences are below that; what is no number counts as the largest of them."""


def refusal_text(error: JetStreamError, headers: bytes) -> str:
    """For a message with this header block."""
    number, text = error.number, error.description
    if number == 10070:
        wanted, last = h.field(headers, h.EXPECTED_LAST_MSG_ID), text.partition(": ")[2]
        return f"last msgid mismatch: {_quoted(wanted.decode('utf-8', 'replace'))} vs {_quoted(last)}"
    if number in _SEQUENCE:
        return _sequence_text(error, headers)
    if number in _PLAIN:
        return text
    return _TEXTS.get(number) or f"{text} ({number})"


def _sequence_text(error: JetStreamError, headers: bytes) -> str:
    if isinstance(error, WrongSubjectSequence):
        text, name = "last sequence by subject mismatch", h.EXPECTED_LAST_SUBJECT_SEQUENCE
    else:
        text, name = "last sequence mismatch", h.EXPECTED_LAST_SEQUENCE
    wanted, last = h.field(headers, name), error.description.partition(": ")[2]
    if not wanted or not last:  # it may be what another message of a batch expects
        return text
    return f"{text}: {sequence_of(wanted) % _NO_SEQUENCE} vs {last}"


def _quoted(text: str) -> str:
    """As Go writes it between quotes, if it has only what can be read."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
