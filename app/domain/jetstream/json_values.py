"""JSON on the wire of JetStream: strict reading, and times.

Keys match whatever their case, `null` is the same as a key that is missing, and the last of two equal
keys wins: so does Go's decoder, which clients are written against. All refusals are error 10025.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from .errors import JetStreamError
from .json_faults import fault_of

MAX_SIZE = 2**20
"""Bytes of a document; those that programs send have some hundreds."""

MAX_DEPTH = 64
"""Objects and lists within each other; documents of JetStream need less than ten."""

INT64 = range(-(2**63), 2**63)
UINT64 = range(2**64)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO_SECOND = -62_135_596_800
"""The begin of the year 1, which stands for no time."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def _invalid(words: str) -> JetStreamError:
    return JetStreamError(10025, words)


def _no_constant(name: str) -> object:
    raise _invalid(f"{name} is no number")


def _check_depth(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        bracket = found[0]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _invalid(f"more than {MAX_DEPTH} levels")
        elif bracket in "]}":
            depth -= 1


def parse(data: bytes) -> object:
    """The value of a JSON text; raises error 10025."""
    if len(data) > MAX_SIZE:
        raise _invalid(f"more than {MAX_SIZE} bytes")
    text = data.decode("utf-8", "replace")
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _invalid(fault_of(text, error)) from None
    except ValueError as error:
        raise _invalid(str(error)) from None
    return value


def parse_object(data: bytes) -> dict[str, object]:
    """The JSON object of a request, empty for `null` and for no bytes at all; raises error 10025."""
    value = parse(data) if data.strip() else {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid("an object is expected")
    return value


def _printable(text: str) -> str:
    """`text` without halves of surrogate pairs, which UTF-8 cannot hold."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def kind(value: object) -> str:
    """The name that JSON gives to the kind of a value."""
    if value is None:
        return "null"
    names = {bool: "bool", int: "number", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "value")


class Fields:
    """The fields of a JSON object: each is asked for by name and type, and `finish` refuses what is left."""

    def __init__(self, document: object, where: str = "") -> None:
        """`where` is the path to this object, for errors. Raises error 10025 if it is no object."""
        self._where = where
        if not isinstance(document, Mapping):
            raise _invalid(f"cannot unmarshal {kind(document)} into an object{self._place()}")
        self._values: dict[str, tuple[str, object]] = {}
        for key, value in document.items():
            self._values[str(key).lower()] = str(key), value

    def _place(self, name: str = "") -> str:
        path = ".".join(part for part in (self._where, name) if part)
        return f" of field {path}" if path else ""

    def _wrong(self, name: str, value: object, wanted: str) -> JetStreamError:
        return _invalid(f"json: cannot unmarshal {kind(value)} into the {wanted}{self._place(name)}")

    def _take(self, name: str) -> object:
        _, value = self._values.pop(name, ("", None))
        return value

    def has(self, name: str) -> bool:
        """Whether the field is there, was not asked for yet, and is not null."""
        return self._values.get(name, ("", None))[1] is not None

    def value(self, name: str) -> object:
        """The field as it came, of any type; None if it is missing."""
        return self._take(name)

    def text(self, name: str, default: str = "") -> str:
        """A string."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, value, "string")
        return _printable(value)

    def _number(self, name: str, value: object, allowed: range) -> int:
        if type(value) is not int:
            raise self._wrong(name, value, "number")
        if value not in allowed:
            raise _invalid(f"json: the number{self._place(name)} has more than 64 bits or a wrong sign")
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """A signed integer of 64 bits."""
        value = self._take(name)
        return default if value is None else self._number(name, value, INT64)

    def sequence(self, name: str, default: int = 0) -> int:
        """An unsigned integer of 64 bits."""
        value = self._take(name)
        return default if value is None else self._number(name, value, UINT64)

    def duration(self, name: str, default: int = 0) -> int:
        """Nanoseconds."""
        return self.integer(name, default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, value, "bool")
        return value

    def time(self, name: str) -> int | None:
        """Nanoseconds since the epoch, from RFC 3339; None if it is missing, 0 for the zero time."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong(name, value, "time")
        return parse_time(value)

    def list(self, name: str) -> list[object]:
        """A list of anything; empty if it is missing."""
        value = self._take(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, value, "array")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty if it is missing."""
        found: list[str] = []
        for value in self.list(name):
            if not isinstance(value, str):
                raise self._wrong(name, value, "string")
            found.append(_printable(value))
        return tuple(found)

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers of 64 bits, with sign; empty if it is missing."""
        return tuple(self._number(name, value, INT64) for value in self.list(name))

    def mapping(self, name: str) -> dict[str, object] | None:
        """An object as it came; None if it is missing."""
        value = self._take(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, value, "object")
        return value

    def text_map(self, name: str) -> dict[str, str] | None:
        """An object of strings; None if it is missing."""
        found = self.mapping(name)
        if found is None:
            return None
        for value in found.values():
            if not isinstance(value, str):
                raise self._wrong(name, value, "string")
        return {_printable(key): _printable(str(value)) for key, value in found.items()}

    def fields(self, name: str) -> "Fields | None":
        """The fields of an object within this one; None if it is missing."""
        found = self.mapping(name)
        return None if found is None else Fields(found, ".".join(filter(None, (self._where, name))))

    def finish(self) -> None:
        """Refuse unknown fields: those that were not read."""
        for key, _ in self._values.values():
            raise _invalid(f'json: unknown field "{_printable(key)}"')


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch, from RFC 3339; 0 for the zero time; raises error 10025."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise _invalid(f'"{_printable(text)}" is no time by RFC 3339')
    moment, digits, zone = found.groups()
    try:
        whole = datetime.fromisoformat(f"{moment}+00:00") - _EPOCH
    except ValueError as error:
        raise _invalid(f'"{text}" is no time by RFC 3339: {error}') from None
    seconds = whole.days * 86400 + whole.seconds
    if zone != "Z":
        shift = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        seconds -= shift if zone[0] == "+" else -shift
    if seconds == _ZERO_SECOND:
        return 0
    if seconds < _ZERO_SECOND:  # such a time could not be written again
        raise _invalid(f'"{text}" is no time by RFC 3339: it is before the year 1')
    return seconds * 10**9 + int((digits or "0")[:9].ljust(9, "0"))
