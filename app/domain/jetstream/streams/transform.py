"""Subject transforms: a subject that matches the source becomes one made by the destination.

    src  orders.*.*        dest  by.{{wildcard(2)}}.{{partition(5,1)}}
    orders.eu.42       ->        by.42.3

Functions: `wildcard(n)` (also `$n`), `partition(buckets, n…)`, `split(n, separator)`,
`splitFromLeft/Right(n, position)`, `sliceFromLeft/Right(n, size)` and `left/right(n, length)`. They
count the source's `*` from 1. A final `>` of the source is a final `>` of the destination.
(jetstream-streams.md, section 1)
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from ...subjects.subject import is_pattern, is_plain, matches, tokens_of

_FUNCTION = re.compile(r"\{\{\s*(\w+)\s*\((.*)\)\s*\}\}", re.ASCII)
_COMMA = re.compile(r",\s*")
_MAX_NUMBER = 2**31 - 1

Make = Callable[[Sequence[bytes]], bytes]
"""Makes a token of the destination, or several with dots between, from the tokens of a subject."""


class BadTransform(ValueError):
    """The source or the destination is malformed; the text is that of nats-server."""


def _bad(words: str, token: str) -> BadTransform:
    return BadTransform(f"invalid mapping destination: {words} in {token}")


def _number(text: str, token: str) -> int:
    try:
        number = int(text.strip())
    except ValueError:
        number = _MAX_NUMBER + 1
    if abs(number) > _MAX_NUMBER:
        raise _bad("function argument is invalid or in the wrong format", token)
    return number


def _check_count(arguments: Sequence[str], count: int, token: str) -> None:
    if len(arguments) < count or arguments == [""]:
        raise _bad("not enough arguments passed to the function", token)
    if len(arguments) > count:
        raise _bad("too many arguments passed to the function", token)


class _Compiler:
    """Compiles the tokens of one destination."""

    def __init__(self, places: Sequence[int]) -> None:
        """`places` are the source's tokens that are `*`."""
        self._places = places

    def _place(self, number: int, token: str) -> int:
        if not 1 <= number <= len(self._places):
            raise _bad("wildcard index out of range", f"{token}: [{number}]")
        return self._places[number - 1]

    def token(self, token: str) -> Make | None:
        """What makes this token; None if it is literal."""
        if token.startswith("$") and token[1:].isdecimal() and token.isascii():
            return self._wildcard(token[1:], token)
        if not (token.startswith("{{") and token.endswith("}}") and len(token) > 4):
            return None
        found = _FUNCTION.fullmatch(token)
        name, arguments = (found[1].lower(), _COMMA.split(found[2])) if found else ("", [])
        if name == "wildcard":
            _check_count(arguments, 1, token)
            return self._wildcard(arguments[0], token)
        if name == "partition":
            return self._partition(arguments, token)
        if name == "split":
            return self._split(arguments, token)
        if name in _CUTS:
            _check_count(arguments, 2, token)
            place = self._place(_number(arguments[0], token), token)
            size, cut = _number(arguments[1], token), _CUTS[name]
            return lambda tokens: cut(tokens[place], size) if 0 < size < len(tokens[place]) else tokens[place]
        raise _bad("unknown function", token)

    def _wildcard(self, number: str, token: str) -> Make:
        place = self._place(_number(number, token), token)
        return lambda tokens: tokens[place]

    def _partition(self, arguments: Sequence[str], token: str) -> Make:
        buckets = _number(arguments[0], token)
        places = [self._place(_number(number, token), token) for number in arguments[1:]]

        def make(tokens: Sequence[bytes]) -> bytes:
            key = b"".join(tokens[place] for place in places) if places else b".".join(tokens)
            return b"%d" % (_hash(key) % buckets) if buckets > 0 else b"0"

        return make

    def _split(self, arguments: Sequence[str], token: str) -> Make:
        _check_count(arguments, 2, token)
        place = self._place(_number(arguments[0], token), token)
        separator = arguments[1].encode()
        if not separator or b" " in separator or b"." in separator:
            raise _bad("function argument is invalid or in the wrong format", token)
        return lambda tokens: b".".join(part for part in tokens[place].split(separator) if part)


def _hash(key: bytes) -> int:
    """FNV-1a with 32 bits: the same message has to get the same partition as from nats-server."""
    value = 2166136261
    for byte in key:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def _slices(token: bytes, size: int, first: int) -> bytes:
    ends = [0, *range(first, len(token), size), len(token)]
    return b".".join(token[a:b] for a, b in pairwise(ends) if a < b)


_CUTS: dict[str, Callable[[bytes, int], bytes]] = {
    "splitfromleft": lambda token, at: token[:at] + b"." + token[at:],
    "splitfromright": lambda token, at: token[:-at] + b"." + token[-at:],
    "slicefromleft": lambda token, size: _slices(token, size, size),
    "slicefromright": lambda token, size: _slices(token, size, len(token) % size or size),
    "left": lambda token, length: token[:length],
    "right": lambda token, length: token[-length:],
}


class SubjectTransform:
    """A compiled transform. Raises `BadTransform`."""

    __slots__ = ("_keeps", "_makes", "_rest", "_source")

    def __init__(self, source: str, destination: str) -> None:
        """An empty source is `>`; an empty destination leaves subjects as they are."""
        self._source = tokens_of((source or ">").encode())
        self._keeps = not destination or (destination == ">" and self._source == [b">"])
        self._rest = self._source[-1] == b">"
        self._makes: list[Make] = []
        if not self._keeps:
            self._compile(destination)

    def _compile(self, destination: str) -> None:
        tokens = destination.split(".")
        rest = tokens[-1] == ">"
        if not is_pattern(self._source):
            raise BadTransform("invalid subject")
        if "" in tokens or ">" in tokens[:-1] or any(ch in " \t\r\n\f" for ch in _outside(tokens)):
            raise BadTransform("invalid mapping destination: invalid subject")
        if "*" in tokens or rest != self._rest:
            raise BadTransform("invalid subject")
        compiler = _Compiler([place for place, token in enumerate(self._source) if token == b"*"])
        for token in tokens[:-1] if rest else tokens:
            self._makes.append(compiler.token(token) or _literal(token.encode()))

    def match(self, subject: bytes) -> bytes | None:
        """The subject that it becomes; None if the source does not match, or it is no literal subject."""
        if self._keeps and self._source == [b">"]:
            return subject
        tokens = tokens_of(subject)
        if not is_plain(tokens) or not matches(self._source, tokens):
            return None
        if self._keeps:
            return subject
        made = [make(tokens) for make in self._makes]
        if self._rest:
            made += tokens[len(self._source) - 1 :]
        return b".".join(made)


def _literal(token: bytes) -> Make:
    return lambda _tokens: token


def _outside(tokens: Sequence[str]) -> str:
    """All text that is not within a function."""
    return "".join(token for token in tokens if not token.startswith("{{"))
