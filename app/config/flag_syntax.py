"""Command-line flags in the syntax of Go programs (configuration-file.md, section 5).

argparse does not fit: it takes ``-D false`` as a value, reads flags after the first
plain word, refuses ``-l -D`` as a file called ``-D``, and words its errors in its own
way. Changing all of these takes more code than this parser.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..domain.protocol.quoting import quoted_text

Value = bool | int | str

Reader = Callable[[str], Value]
"""Turns the text of a value into the value; raises `ValueError` with a short reason."""

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_LEGACY_OCTAL = re.compile(r"^([+-]?)0(?=[0-9_])")
_FEW = 2
_LONGEST_SHOWN = 60
_INTEGERS = range(-(2**63), 2**63)


class UsageError(Exception):
    """A wrong command line; the text, one line, begins as gnatsd's does where it has one."""


def boolean(text: str) -> bool:
    """A switch: it needs no value, and takes one only after ``=``."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("parse error")


def integer(text: str) -> int:
    """Decimal, ``0x``, ``0o``, ``0b``, or octal after a bare zero; 64 bits."""
    if not text.isascii() or text != text.strip():
        raise ValueError("parse error")
    try:
        number = int(_LEGACY_OCTAL.sub(r"\g<1>0o", text), 0)
    except ValueError as error:
        raise ValueError("parse error") from error
    if number not in _INTEGERS:
        raise ValueError("value out of range")
    return number


def string(text: str) -> str:
    """Any text."""
    return text


def file_name(text: str) -> str:
    """Any text but none."""
    if not text:
        raise ValueError("the file name is empty: name a file, or leave the flag out")
    return text


def one_of(*choices: str) -> Reader:
    """A reader of exactly these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be {' or '.join(choices)}")
        return text

    return read


def scan(words: deque[str], readers: Mapping[str, Reader]) -> Iterator[tuple[str, Value]]:
    """Take flags off the front of `words`; yield each name, without dashes, and its value.

    Scanning ends at the first word that is no flag, or after ``--``; the words
    from there on are left. A caller may stop earlier: nothing is read ahead.
    Raises `UsageError`, with a similar flag where one is unknown.
    """
    while words and len(words[0]) > 1 and words[0].startswith("-"):
        word = words.popleft()
        if word == "--":
            return
        name, equals, text = _split(word)
        reader = readers.get(name)
        if reader is None:
            raise UsageError(f"flag provided but not defined: {_shown(name)}; {_advice(name, readers)}")
        if not equals:
            text = "true" if reader is boolean else _argument(name, words)
        yield name, _read(name, text, reader)


def stray_word(word: str, advice: str, *, secret: bool = False) -> UsageError:
    """The error for a word that belongs to no flag; `advice` says what to do.

    A long word is shortened. One that may be a `secret` is not shown.
    """
    short = word if len(word) <= _LONGEST_SHOWN else f"{word[:_LONGEST_SHOWN]}…"
    shown = "" if secret else f" {quoted_text(short)}"
    return UsageError(f"unexpected argument{shown}: {advice}; see --help")


def switch_value(word: str, last: str, readers: Mapping[str, Reader]) -> str:
    """What to do with a word after the flag `last` if it is a value of a switch; or else empty."""
    if readers.get(last) is not boolean or word not in (*_TRUE, *_FALSE):
        return ""
    return f"write {spelt(last)}={word}"


def spelt(name: str) -> str:
    """A flag as texts have it: one dash before one or two letters, two before a word."""
    return f"-{name}" if len(name) <= _FEW else f"--{name}"


def _advice(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown flag."""
    import difflib  # noqa: PLC0415 - only for a mistake

    other_case = [each for each in known if each.lower() == name.lower()]
    similar = other_case or difflib.get_close_matches(name.replace("-", "_"), list(known), 1)
    return f"did you mean {spelt(similar[0])}? See --help" if similar else "see --help"


def _shown(name: str) -> str:
    return f"-{quoted_text(name)[1:-1]}"


def _split(word: str) -> tuple[str, str, str]:
    """Name, ``=`` if it is there, and what follows it."""
    body = word[2:] if word.startswith("--") else word[1:]
    if body.startswith(("-", "=")):
        raise UsageError(f"bad flag syntax: {word}")
    return body.partition("=")


def _argument(name: str, words: deque[str]) -> str:
    if not words:
        raise UsageError(f"flag needs an argument: -{name}")
    return words.popleft()


def _read(name: str, text: str, reader: Reader) -> Value:
    try:
        return reader(text)
    except ValueError as reason:
        if reader is boolean:
            raise UsageError(f"invalid boolean value {quoted_text(text)} for -{name}: {reason}") from reason
        raise UsageError(f"invalid value {quoted_text(text)} for flag -{name}: {reason}") from reason
