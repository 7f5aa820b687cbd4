"""What a single value means: numbers, booleans, dates, text and times (configuration-file.md, section 1).

A reader gets the text as it is in the file. It raises `ValueError` with a
sentence for the operator, which never repeats the text: it may be a secret.
"""

import math
import re
import string
from collections.abc import Callable, Mapping
from datetime import datetime

from .document import Scalar

_INTEGERS = range(-(2**63), 2**63)
_TRUE = ("true", "yes", "on")
_POWERS = "kmgtpe"

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(ns|us|µs|ms|s|m|h)", re.ASCII)

_ESCAPE = re.compile(r"""\\(?:(?P<hex>x[0-9a-fA-F]{2}(?:\\x[0-9a-fA-F]{2})*)|(?P<letter>[tnr"\\])|)""")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r"}

_ODD_WORDS = (
    (re.compile(r"\.[0-9]"), "a number needs a digit before the '.'"),
    (re.compile(r"-"), "expected a number after '-'; other text needs quotes"),
    (re.compile(r"[0-9]+\.(?![0-9])"), "a number needs a digit after the '.'"),
    (re.compile(r"[0-9]+-"), "expected a date like 2016-04-26T13:21:20Z; other text needs quotes"),
)


def boolean(text: str) -> bool:
    """Whether it is one of the words for true."""
    return text.lower() in _TRUE


def integer(text: str) -> int:
    """Decimal, also after leading zeros; 64 bits."""
    try:
        number = int(text)
    except ValueError:  # Python reads no more than some thousand digits
        number = _INTEGERS.stop
    return _bounded(number)


def size(text: str) -> int:
    """``k`` counts in thousands; ``kb``, ``ki`` and ``kib`` count in 1024s. The other units do alike."""
    count = text.rstrip(string.ascii_letters)
    unit = text[len(count) :].lower()
    return _bounded(integer(count) * (1000 if len(unit) == 1 else 1024) ** (_POWERS.index(unit[0]) + 1))


def decimal(text: str) -> float:
    """A number with a point, if it is finite."""
    number = float(text)
    if math.isinf(number):
        raise ValueError("the number is too large")
    return number


def date(text: str) -> datetime:
    """A moment in UTC."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("the date does not exist") from None


def word(text: str) -> str:
    """Text without quotes. A quote at its end is dropped; escapes must be right, but mean nothing."""
    for form, reason in _ODD_WORDS:
        if form.match(text):
            raise ValueError(reason)
    for escape in _ESCAPE.finditer(text):
        _escaped(escape)
    return text.removesuffix("'")


def single_quoted(text: str) -> str:
    """All between the quotes, unchanged; also between brackets."""
    return text[1:-1]


def double_quoted(text: str) -> str:
    """The text between the quotes, escapes read."""
    return _ESCAPE.sub(_escaped, text[1:-1])


def _escaped(escape: re.Match[str]) -> str:
    if letter := escape["letter"]:
        return _LETTERS.get(letter, letter)
    if not escape["hex"]:
        raise ValueError('a \\ must begin one of \\t \\n \\r \\" \\\\ \\xHH')
    try:
        return bytes.fromhex(escape["hex"].replace("\\x", "")[1:]).decode()
    except UnicodeDecodeError:
        raise ValueError("the bytes after \\x are not UTF-8") from None


def _bounded(number: int) -> int:
    if number not in _INTEGERS:
        raise ValueError("the number does not fit into 64 bits")
    return number


def parse_duration(text: str) -> float:
    """The seconds of a text such as ``2s``, ``1m30s`` or ``500ms``, as Go writes times.

    Raises `ValueError`, whose text completes the sentence "<option> …".
    """
    if text == "0":  # the one number that needs no unit
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError('must be a number of seconds, or a time such as "2s", "1m30s" or "500ms"')
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


READERS: Mapping[str, Callable[[str], Scalar]] = {
    "BOOLEAN": boolean,
    "INTEGER": integer,
    "SIZE": size,
    "FLOAT": decimal,
    "DATE": date,
    "ADDRESS": str,
    "WORD": word,
    "ELEMENT_WORD": word,
    "SINGLE_QUOTED": single_quoted,
    "DOUBLE_QUOTED": double_quoted,
    "PARENTHESIZED": single_quoted,
}
"""By the names that the grammar gives to values."""
