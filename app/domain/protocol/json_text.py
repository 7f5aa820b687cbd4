"""JSON and times as a server in Go writes them."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_ZERO_TIME = "0001-01-01T00:00:00Z"
"""The time that means none (Go's zero value); here it is 0."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253402300799
"""The end of the year 9999."""


def rfc3339(ns: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC: nine digits at most, no zeros at their end.

    0 is the zero time. Times from the year 10000 on are shown as the last second before it.
    """
    if not ns:
        return _ZERO_TIME
    seconds, fraction = divmod(ns, 10**9)
    if seconds > _LAST_SECOND:
        seconds, fraction = _LAST_SECOND, 0
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{_moment(seconds)}{digits}Z"


@lru_cache(maxsize=64)
def _moment(seconds: int) -> str:
    """The same of a whole second; most times are of the same few."""
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def dump(value: object) -> bytes:
    """The JSON text of a value, without spaces; some characters come as escapes, as from Go."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if "<" in text or ">" in text or "&" in text:
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    if not text.isascii():
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "replace")
