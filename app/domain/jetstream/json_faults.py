"""What is wrong with a JSON text, in the words of Go's decoder, which clients and their tests compare."""

import json
import re
from json import JSONDecodeError

from ..protocol.quoting import quoted

LONGEST = 4096
"""Bytes of a text whose mistake is described; of a longer one its place alone is."""

ENDS = "unexpected EOF"
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_VALUE, _KEY = "looking for beginning of value", "looking for beginning of object key string"


def fault_of(text: str, error: JSONDecodeError) -> str:
    """The mistake that Python's decoder found."""
    if len(text) > LONGEST:
        return f"invalid character at offset {error.pos + 1}"
    place = error.pos
    words = {
        "Expecting value": _VALUE,
        "Extra data": _VALUE,
        "Expecting property name enclosed in double quotes": _KEY,
        "Expecting ':' delimiter": "after object key",
        "Illegal trailing comma before end of object": _KEY,
        "Illegal trailing comma before end of array": _VALUE,
    }.get(error.msg)
    if error.msg.startswith("Illegal trailing comma"):
        place = _skip_blanks(text, place + 1)
    if error.msg == "Expecting ',' delimiter":
        return _after_a_value(text, place)
    if error.msg.startswith("Invalid control character"):
        words = "in string"
    if words is None:
        return ENDS if error.msg.startswith("Unterminated") else f"invalid string at offset {place + 1}"
    if words == _VALUE and error.msg == "Expecting value":
        return _no_value(text, place)
    return _at(text, place, words)


def no_choice(value: str) -> str:
    """A word of a list that is not on it."""
    return f"can not unmarshal {quoted(json.dumps(value, ensure_ascii=False).encode()).decode()}"


def _skip_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _no_value(text: str, place: int) -> str:
    """A literal that goes wrong after its first letter, or no value at all."""
    first = text[place : place + 1]
    literal = _LITERALS.get(first, "")
    for offset, letter in enumerate(literal):
        found = text[place + offset : place + offset + 1]
        if found != letter:
            return _at(text, place + offset, f"in literal {literal} (expecting '{letter}')")
    return _at(text, place + 1, "in numeric literal") if first == "-" else _at(text, place, _VALUE)


def _after_a_value(text: str, place: int) -> str:
    if text[place - 1 : place].isdigit() and text[place : place + 1] in {".", "e", "E"}:
        place += 1 + (text[place + 1 : place + 2] in {"+", "-"})
        return _at(text, place, "in numeric literal")
    depth: list[str] = []
    for found in _BRACKETS.finditer(text, 0, place):
        if found[0] in "[{":
            depth.append(found[0])
        elif found[0] in "]}":
            depth.pop()
    words = "after array element" if depth and depth[-1] == "[" else "after object key:value pair"
    return _at(text, place, words)


def _at(text: str, place: int, words: str) -> str:
    if place >= len(text):
        return ENDS
    letter = text[place]
    quoted = {"'": r"\'", "\n": r"\n", "\t": r"\t", "\r": r"\r", "\\": r"\\"}.get(letter, letter)
    return (
        f"invalid character '{quoted}' {words} at offset {len(text[: place + 1].encode('utf-8', 'replace'))}"
    )
