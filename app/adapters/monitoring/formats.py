"""How values look in the answers (monitoring.md, section 2)."""

from datetime import datetime, tzinfo
from functools import lru_cache

from pydantic import BaseModel

_MICROSECONDS = len("2016-04-26T16:39:47.332681")
_ZONE_SECONDS = 900
"""Zones change their offset at a quarter of an hour, if at all."""

_UNITS = ((365 * 86_400, "y"), (86_400, "d"), (3_600, "h"), (60, "m"))

_ESCAPES = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)


def rfc3339(epoch: float) -> str:
    """A moment in the local zone; zeros at the end of the fraction are dropped."""
    moment = datetime.fromtimestamp(epoch, _zone(int(epoch // _ZONE_SECONDS)))
    text = moment.isoformat(timespec="microseconds")
    zone = text[_MICROSECONDS:]
    return text[:_MICROSECONDS].rstrip("0").rstrip(".") + ("Z" if zone == "+00:00" else zone)


@lru_cache(maxsize=1024)
def _zone(period: int) -> tzinfo | None:
    """The local zone's offset in a period; to look it up costs more than all the rest."""
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


def nanoseconds(seconds: float) -> int:
    """Seconds as an integer, the way Go writes a duration."""
    return round(seconds * 1_000_000_000)


def html_safe(json: bytes) -> bytes:
    """JSON that may stand in a script: the same values, but no character that HTML knows."""
    for character, escape in _ESCAPES:
        json = json.replace(character, escape)
    return json


def indented(model: BaseModel) -> bytes:
    """A model as JSON with two blanks per level; fields that are None are left out."""
    return html_safe(model.model_dump_json(indent=2, exclude_none=True).encode())


def one_line(text: str) -> str:
    """Text of a stranger as it may stand in one line of ours, and not too much of it."""
    shown = text[:100]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
