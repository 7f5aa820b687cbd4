"""The form of values in the answers (monitoring-pages.md, section 2)."""

import re
from datetime import datetime, tzinfo
from functools import lru_cache

from pydantic import BaseModel

from ...domain.text import printable

_MICROSECONDS = len("2016-04-26T16:39:47.332681")
_ZONE_SECONDS = 900
"""Zones change their offset at a quarter of an hour, if at all."""

_UNITS = ((365 * 86_400, "y"), (86_400, "d"), (3_600, "h"), (60, "m"))

_FIRST_MOMENT, _LAST_MOMENT = -30_500_000_000, 253_370_764_799
"""In the years 1003 and 9998, in seconds since the epoch: dates between them have four digits."""

_UNSAFE = re.compile(
    rb"[<>&\x7f]"
    rb"|\xc2[\x80-\x9f]"  # U+0080 to U+009F: control characters of terminals
    rb"|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"  # line ends, and changes of direction
)


def rfc3339(epoch: float) -> str:
    """A moment in the local zone; zeros at the end of the fraction are dropped.

    With a clock that is far off it is the nearest moment with a date of four digits.
    """
    epoch = bounded(epoch)
    moment = datetime.fromtimestamp(epoch, _zone(int(epoch // _ZONE_SECONDS)))
    text = moment.isoformat(timespec="microseconds")
    zone = text[_MICROSECONDS:]
    return text[:_MICROSECONDS].rstrip("0").rstrip(".") + ("Z" if zone == "+00:00" else zone)


def bounded(epoch: float) -> float:
    """The nearest moment with a date of four digits."""
    return min(max(epoch, _FIRST_MOMENT), _LAST_MOMENT)


@lru_cache(maxsize=1024)
def _zone(period: int) -> tzinfo | None:
    """The local zone's offset in a period, cached because the look-up is expensive."""
    return datetime.fromtimestamp(period * _ZONE_SECONDS).astimezone().tzinfo


def duration(seconds: float) -> str:
    """Whole seconds as ``2d5h0m1s``: from the largest unit that is not zero down to seconds."""
    left = max(0, int(seconds))
    text = ""
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or text:
            text += f"{count}{unit}"
    return f"{text}{left}s"


def go_duration(seconds: float) -> str:
    """A short time as Go writes it, in whole microseconds: ``414µs``, ``1.2ms``, ``1.5s``."""
    micros = max(0, round(seconds * 1_000_000))
    for size, unit in ((1_000_000, "s"), (1000, "ms")):
        if micros >= size:
            return f"{micros / size:.6f}".rstrip("0").rstrip(".") + unit
    return f"{micros}µs" if micros else "0s"


def nanoseconds(seconds: float) -> int:
    """Seconds as an integer, the way Go writes a duration."""
    return round(seconds * 1_000_000_000)


def html_safe(json: bytes) -> bytes:
    """JSON that is safe in a script and on a terminal: the same values, with unsafe characters escaped."""
    return _UNSAFE.sub(_escape, json)


def _escape(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def indented(model: BaseModel) -> bytes:
    """A model as JSON with two blanks per level; fields that are None are left out."""
    return html_safe(model.model_dump_json(indent=2, exclude_none=True).encode())


def one_line(text: str) -> str:
    """Untrusted text, escaped to one line and cut to 100 characters."""
    return printable(text[:100])
