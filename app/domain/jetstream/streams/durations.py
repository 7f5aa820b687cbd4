"""Durations in header fields, as Go writes and reads them."""

import re

SECOND = 1_000_000_000

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND}
_UNITS |= {"m": 60 * SECOND, "h": 3600 * SECOND}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"
_PARTS = re.compile(_PART, re.ASCII)
_DURATION = re.compile(rf"([+-]?)((?:{_PART})+)", re.ASCII)
_LONGEST = 2**63 - 1

NEVER = -1
"""The TTL of a message that does not expire."""


def parse_duration(text: str) -> int | None:
    """Nanoseconds, from a text such as `1m30s`; None if it is none."""
    if text in ("0", "+0", "-0"):
        return 0
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    total = 0
    for number, unit in _PARTS.findall(found[2]):
        whole, _, fraction = number.partition(".")
        total += int(whole or "0") * _UNITS[unit]
        total += int((fraction or "0")[:18]) * _UNITS[unit] // 10 ** len((fraction or "0")[:18])
    if total > _LONGEST:
        return None
    return -total if found[1] == "-" else total


def parse_ttl(value: bytes) -> int | None:
    """Seconds that a message lives, `NEVER`, or 0 for no TTL; None if the value is invalid.

    A Go duration of a second at least, whole seconds, or `never` (jetstream-streams.md, section 5).
    """
    text = value.decode("utf-8", "replace")
    if not text:
        return 0
    if text.lower() == "never":
        return NEVER
    duration = parse_duration(text)
    if duration is not None:
        return duration // SECOND if duration >= SECOND else None
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LONGEST:
        return int(text)
    return None
