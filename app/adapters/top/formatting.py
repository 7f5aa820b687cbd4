"""Formats of figures, as in nats-top, and escaping of untrusted text."""

import unicodedata
from functools import lru_cache

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""First characters of formulas and of calls of other programs."""

_KILO = 1000
_COUNT_UNITS = ("", "K", "M", "B", "T")
_KIBI = 1024
_SIZE_UNITS = ("", "K", "M", "G")


def count(value: float, *, raw: bool) -> str:
    """A count: ``999``, ``1.5K``, ``2.0B``; with `raw`, all digits."""
    return _scaled(value, _KILO, ("",) if raw else _COUNT_UNITS)


def size(value: float, *, raw: bool) -> str:
    """A size in bytes: ``1023``, ``1.5K``, ``2.0G``; with `raw`, all digits."""
    return _scaled(value, _KIBI, ("",) if raw else _SIZE_UNITS)


def _scaled(value: float, base: int, units: tuple[str, ...]) -> str:
    step = 0
    while value >= base and step < len(units) - 1:
        value /= base
        step += 1
    return f"{value:.1f}{units[step]}" if step else f"{value:.0f}"


def plain_cell(text: str) -> str:
    """A cell for spreadsheets: text that they would take for a formula gets a quotation mark."""
    return f"'{text}" if text.startswith(_FORMULA) and text != "-" else text


def columns(text: str) -> int:
    """Width of printable text on a terminal, in columns."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=1024)
def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def shortened(text: str, most: int) -> str:
    """`text`, cut to `most` columns with an ellipsis if it is wider."""
    if columns(text) <= most:
        return text
    while columns(text) > most - 1:
        text = text[: min(len(text) - 1, most)]
    return text + "\u2026"
