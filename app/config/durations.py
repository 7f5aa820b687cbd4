"""Lengths of time as Go programs write them."""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(ns|us|µs|ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> float:
    """The seconds of a text such as ``2s``, ``1m30s`` or ``500ms``.

    Raises `ValueError`, whose text completes the sentence "<option> …".
    """
    parts = _PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError('must be a number of seconds, or a time such as "2s", "1m30s" or "500ms"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
