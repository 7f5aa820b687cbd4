"""Counters: a message adds to the number that its subject holds (jetstream-streams.md, section 6).

    Nats-Incr: +3, no payload    ->    {"val":"8"}

A copy from another stream brings that stream's total, not an increment. What it adds is the
difference to the share of its origin before, which `Nats-Counter-Sources` keeps: a JSON object of
origin, its subject, and its total.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ...protocol.json_text import dump
from ..errors import JetStreamError
from ..json_values import Fields, parse_object
from ..storage.seam import StoredMessage
from . import headers as h

MOST_DIGITS = 4000
"""Of a number; more is invalid. Python converts no longer texts."""

Sources = dict[str, dict[str, str]]

_WITH_OTHERS = (
    h.ROLLUP,
    h.EXPECTED_STREAM,
    h.EXPECTED_LAST_MSG_ID,
    h.EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT,
    h.EXPECTED_LAST_SEQUENCE,
    h.EXPECTED_LAST_SUBJECT_SEQUENCE,
)
"""Fields that do not go with an increment."""


class Total(NamedTuple):
    """What a counter holds."""

    value: int
    sources: Sources


class Counted(NamedTuple):
    """What is stored of an increment."""

    headers: bytes
    payload: bytes
    total: Total


def check_increment(fields: Mapping[bytes, bytes], payload: bytes, *, is_counter: bool) -> None:
    """The increment of what a client published. Raises `JetStreamError`."""
    text = fields.get(h.INCREMENT)
    if not text:
        return
    _increment(text)
    if not is_counter:
        raise JetStreamError(10168)
    if payload:
        raise JetStreamError(10170)
    if any(fields.get(name) for name in _WITH_OTHERS):
        raise JetStreamError(10171)


def _increment(text: bytes) -> int:
    number = _number(text.decode("ascii", "replace"))
    if number is None:
        raise JetStreamError(10171)
    return number


def _number(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > MOST_DIGITS:
        return None
    return int(text)


def total_of(message: StoredMessage | None) -> Total:
    """What the last message of a subject says; 0 if there is none. Raises `JetStreamError`."""
    if message is None:
        return Total(0, {})
    sources = h.field(message.headers, h.COUNTER_SOURCES)
    return Total(_value(message.payload), _sources(sources) if sources else {})


def _value(payload: bytes) -> int:
    try:
        value = _number(Fields(parse_object(payload)).text("val"))
    except JetStreamError:
        value = None
    if value is None:
        raise JetStreamError(10172)
    return value


def _sources(text: bytes) -> Sources:
    try:
        fields = Fields(parse_object(text))
        return {name: fields.text_map(name.lower()) or {} for name in parse_object(text)}
    except JetStreamError:
        raise JetStreamError(10172) from None


def count(last: Total, headers: bytes, payload: bytes, subject: bytes) -> Counted:
    """Add an increment, or what a copy from another stream brings. Raises `JetStreamError`."""
    fields = h.special_fields(headers)
    text = fields.get(h.INCREMENT)
    if not text:
        raise JetStreamError(10169)
    increment, sources = _increment(text), last.sources
    mark = fields.get(h.STREAM_SOURCE, b"").decode("utf-8", "replace").split(" ")
    if mark[0]:
        share = _value(payload)
        origin, name = mark[0], mark[4] if len(mark) > 4 else subject.decode("utf-8", "replace")
        increment = share - (_number(sources.get(origin, {}).get(name, "0")) or 0)
        sources = sources | {origin: sources.get(origin, {}) | {name: str(share)}}
        headers = h.with_fields(h.without_field(headers, h.INCREMENT), [(h.INCREMENT, b"%d" % increment)])
    value = last.value + increment
    if abs(value) >= 10**MOST_DIGITS:
        raise JetStreamError(10171)
    if sources:
        block = h.without_field(headers, h.COUNTER_SOURCES)
        headers = h.with_fields(block, [(h.COUNTER_SOURCES, dump(_sorted(sources)))])
    return Counted(headers, b'{"val":"%d"}' % value, Total(value, sources))


def _sorted(sources: Sources) -> Sources:
    return {name: dict(sorted(shares.items())) for name, shares in sorted(sources.items())}
