"""Durations as text, in the form that Go prints and reads: `1h2m3.5s`, `250ms`."""

import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(rf"([+-]?)((?:{_PART.pattern})+|0)", re.ASCII)
_MAX = 2**63 - 1


def duration_text(ns: int) -> str:
    """Nanoseconds for people: the largest units first, without zeros that say nothing."""
    if ns < 0:
        return f"-{duration_text(-ns)}"
    if ns < 10**9:
        return _below_a_second(ns)
    minutes, rest = divmod(ns, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 10**9)}s"
    if minutes or hours:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _below_a_second(ns: int) -> str:
    for unit, size in (("ms", 10**6), ("µs", 1_000)):
        if ns >= size:
            return f"{_decimal(ns, size)}{unit}"
    return f"{ns}ns" if ns else "0s"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def parse_duration(text: str) -> int | None:
    """Nanoseconds; None for what is no duration or has more than 64 bits."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        return None
    total = 0
    for number, unit in _PART.findall(found[2]):
        whole, _, fraction = number.partition(".")
        size = _UNITS[unit]
        total += int(whole or "0") * size + int(fraction[:18] or "0") * size // 10 ** len(fraction[:18])
        if total > _MAX:
            return None
    return -total if found[1] == "-" else total
