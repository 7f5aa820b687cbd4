"""Parse errors: what was expected, what was found, and where to go on.

No sentence repeats the text of the file, brackets and separators apart: it may be a
secret.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from lark import Token

from ..scalars import READERS

_CLOSING = {"{": "}", "[": "]"}
_NAMED = frozenset("{}[](),;=:")
_UNCLOSED = {
    '"': "unclosed '\"'",
    "'": 'unclosed "\'"',
    "(": "unclosed '(': a line that is only ')' ends the text",
}
_TEXTS = {"DOUBLE_QUOTED": '"', "SINGLE_QUOTED": "'", "PARENTHESIZED": "("}
"""How the texts begin that may have several lines."""

_PIECE = re.compile(
    r"""
    "(?:[^"\\\r\n]|\\.)*+" | '[^'\r\n]*' | (?<![^\ \t\r\n])(?:\#|//)[^\r\n]*
    | [\[\]{}\r\n] | [^"'\#/\[\]{}\r\n]+ | .
    """,
    re.VERBOSE,
)

_VALUE_BELOW = re.compile(
    r"""[\r\n][\ \t\r\n]* (?: (?=[\[{("'0-9]) | (?=[^\ \t\r\n=:}\]]+[\ \t]*(?:[\r\n]|\Z)) )""", re.VERBOSE
)


@dataclass(frozen=True, slots=True)
class TextPosition:
    """A position in the text, from 0; line and column count from 1."""

    position: int
    line: int
    column: int

    @classmethod
    def of(cls, token: Token) -> "TextPosition":
        """Where a token begins."""
        return cls(token.start_pos or 0, token.line or 1, token.column or 1)


@dataclass(frozen=True, slots=True)
class SyntaxStop:
    """Where the grammar cannot go on."""

    text: str
    spot: TextPosition
    allowed: Container[str]
    """Names of tokens that may stand here."""
    opened: Sequence[Token]
    """Brackets that are open here."""
    last: Sequence[Token]
    """The tokens before; three at most."""


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """An error in the text, in words."""

    text: str
    spot: TextPosition
    """The position to report; it may be before the stop."""
    final: bool = False
    """Nothing that follows can be read."""


def explain(stop: SyntaxStop) -> ParseProblem:
    """The problem in words, and where it is."""
    found = stop.text[stop.spot.position : stop.spot.position + 1]
    if not found and stop.opened:
        bracket = stop.opened[-1]
        return ParseProblem(f"unclosed '{bracket}' opened at line {bracket.line}", stop.spot, final=True)
    if closes_wrongly(found, stop.opened):
        return ParseProblem(_wrongly_closed(found, stop.opened), stop.spot, final=True)
    if found in _UNCLOSED and (kind := _unclosed(found, stop.allowed)):
        return ParseProblem(_UNCLOSED[found], stop.spot, final=kind in _TEXTS)
    if (line_end := _end_of_lonely_key(stop)) is not None:
        return ParseProblem(
            "expected a value, found the end of the line", TextPosition.of(line_end), final=not found
        )
    text = f"expected {_expected(stop.allowed, stop.opened)}, found {_found(found)}{_after(stop.last)}"
    return ParseProblem(text, stop.spot, final=not found)


def closes_wrongly(found: str, opened: Sequence[Token]) -> bool:
    """Whether it is a closing bracket, but not of the last one opened."""
    return found in _CLOSING.values() and not (opened and found == _CLOSING[opened[-1]])


def next_line(text: str, position: int, *, enclosed: bool) -> int | None:
    """Where to go on: at the end of the line, or at the bracket that encloses it.

    What looks like a value in the line below, where none was allowed, belongs to this
    line. Brackets that open after `position` are skipped with all they hold. None
    when one of them never closes.
    """
    below = _VALUE_BELOW.match(text, position)
    depth = 0
    for piece in _PIECE.finditer(text, below.end() if below else position):
        match piece[0]:
            case "{" | "[":
                depth += 1
            case "}" | "]" if depth:
                depth -= 1
            case "}" | "]" if enclosed:
                return piece.start()
            case "\r" | "\n" if not depth:
                return piece.start()
    return None if depth else len(text)


def _wrongly_closed(found: str, opened: Sequence[Token]) -> str:
    if not opened:
        return f"'{found}' closes nothing"
    bracket = opened[-1]
    return f"expected '{_CLOSING[bracket]}' for the '{bracket}' of line {bracket.line}, found '{found}'"


def _unclosed(found: str, allowed: Container[str]) -> str | None:
    """The kind of token that this would have begun, had it an end."""
    kinds = [kind for kind, begin in _TEXTS.items() if begin == found]
    if found != "(":
        kinds += ["QUOTED_KEY", "QUOTED_PATH"]
    return next((kind for kind in kinds if kind in allowed), None)


def _end_of_lonely_key(stop: SyntaxStop) -> Token | None:
    """The end of the line, if a key is alone on its line and what follows is not its value."""
    match [token.type for token in stop.last]:
        case [*_, "_BREAK"] if "WORD" in stop.allowed:
            return stop.last[-1]
        case ["KEY" | "QUOTED_KEY", "_BREAK", kind] if kind in READERS:
            return stop.last[1]
    return None


def _after(last: Sequence[Token]) -> str:
    """A hint, if a quote may have been closed too late."""
    if last and last[-1].type in _TEXTS and "\n" in last[-1]:
        return f", after a text that began at line {last[-1].line}"
    return ""


def _expected(allowed: Container[str], opened: Sequence[Token]) -> str:
    if "PATH" in allowed:
        return "a file name"
    if "WORD" in allowed:
        return "a value"
    if "KEY" in allowed:
        return "a key or '}'" if opened else "a key"
    if "ELEMENT_WORD" in allowed:
        return "a value or ']'"
    if opened:
        return "the end of the line, ',' or ']'" if opened[-1] == "[" else "the end of the line, ',' or '}'"
    return "the end of the line" if "_SEMICOLON" in allowed else "the end of the file"


def _found(found: str) -> str:
    if not found:
        return "the end of the file"
    if found in "\r\n":
        return "the end of the line"
    return f"'{found}'" if found in _NAMED else "text"
