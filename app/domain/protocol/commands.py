"""The lines a peer may send, apart from payloads and documents (client-protocol.md, sections 3 and 4).

A line arrives without its LF. `split` parts the verb from its argument and
`refuse_partial` judges the beginning of a line that is not complete yet, so that
garbage without an end is refused at the first byte that shows it.
"""

import re
from typing import NamedTuple

from ..limits import MAX_SIZE_DIGITS
from ..named_tuple import made
from ..value_object import value_object
from .errors import HeadersNotAgreed, MaximumControlLine, ParserError, UnknownOperation

BLANKS = b" \t\r"
LINE_SLACK = 64
"""Bytes a line may have beyond the limit of its argument: verb and blanks."""
_SNIPPET = 32


@value_object
class Verb:
    """An operation name.

    ``first_state`` is gnatsd's number for "one letter of it was read", which its
    error lines carry (section 6), as if PING and PONG did not share theirs with
    PUB. ``spaced`` verbs need a blank after the name.
    """

    name: bytes
    first_state: int
    spaced: bool


CONNECT = Verb(b"CONNECT", 10, spaced=False)
PUB = Verb(b"PUB", 18, spaced=True)
PING = Verb(b"PING", 22, spaced=False)
PONG = Verb(b"PONG", 25, spaced=False)
SUB = Verb(b"SUB", 31, spaced=True)
UNSUB = Verb(b"UNSUB", 36, spaced=True)
INFO = Verb(b"INFO", 48, spaced=False)
OK = Verb(b"+OK", 1, spaced=False)
ERR = Verb(b"-ERR", 4, spaced=True)

MSG = Verb(b"MSG", 0, spaced=True)
"""What routes have for messages; no line of the control plane, so it has no state."""

VERBS = (CONNECT, PUB, PING, PONG, SUB, UNSUB, INFO, OK, ERR)
_AS_SENT = {verb.name + b" ": verb for verb in (SUB, UNSUB)} | {
    verb.name: verb for verb in (PING, PONG, INFO, CONNECT)
}
"""The commonest verbs as programs write them, by what such a line begins with."""
_WORD = re.compile(rb"[^ \t\r]+")


def split(line: bytes, limit: int) -> tuple[Verb, bytes]:
    """The verb and its argument, blanks around it removed.

    Raises `UnknownOperation`, or `MaximumControlLine` when the argument is
    longer than `limit` bytes.
    """
    verb = _AS_SENT.get(line[:4]) or _AS_SENT.get(line[:6]) or _AS_SENT.get(line[:7]) or _verb_of(line)
    if len(line) <= limit:
        return verb, line[len(verb.name) :].strip(BLANKS)
    argument = line[len(verb.name) :].lstrip(b" \t")
    if is_too_long(len(line), len(argument) - argument.endswith(b"\r"), limit):
        raise MaximumControlLine
    return verb, argument.strip(BLANKS)


def is_too_long(line: int, argument: int, limit: int) -> bool:
    """Whether a line of `line` bytes, `argument` of them its argument, passes the limit.

    Leading blanks are no part of the argument, but they are not free for ever.
    """
    return argument > limit or line > limit + LINE_SLACK


def words_of(argument: bytes, start: int = 0) -> list[bytes]:
    """The words from there on, between runs of space, tab and CR; any other byte may stand in a word."""
    return _WORD.findall(argument, start)


def _verb_of(line: bytes) -> Verb:
    verb = _candidate(line)
    if len(line) < len(verb.name):
        raise _unknown(line, verb, len(line))
    if verb.spaced and line[len(verb.name) : len(verb.name) + 1] not in (b" ", b"\t"):
        raise _unknown(line, verb, len(verb.name))
    return verb


def refuse_partial(rest: bytes, limit: int, *, routed: bool = False, headers: bool = False) -> None:
    """Raise `UnknownOperation` or `MaximumControlLine` if no line could begin like this.

    `routed`: the peer is a server, whose messages are MSG too. `headers`: they may be HPUB, and HMSG.
    """
    if headers and _begins_headed(rest, routed=routed):
        rest = rest[1:]
        if not rest:
            return
    verb = MSG if routed and _begins_msg(rest) else _candidate(rest)
    length = len(verb.name)
    if len(rest) <= length:
        return
    if verb.spaced and rest[length : length + 1] not in (b" ", b"\t"):
        raise _unknown(rest, verb, length)
    argument = rest[length:].lstrip(b" \t")
    if is_too_long(len(rest), len(argument) - argument.endswith(b"\r"), limit):
        raise MaximumControlLine


def _begins_headed(rest: bytes, *, routed: bool) -> bool:
    """Whether this is the verb of a message with headers and a blank, or the beginning of that."""
    word = rest[:5].upper().replace(b"\t", b" ")
    return b"HPUB ".startswith(word) or (routed and b"HMSG ".startswith(word))


def _begins_msg(rest: bytes) -> bool:
    """Whether this is MSG and a blank, or the beginning of that."""
    word = rest[:4].upper()
    return b"MSG ".startswith(word) or word == b"MSG\t"


def _candidate(line: bytes) -> Verb:
    """The verb that the line begins with, or whose beginning the whole line is."""
    word = line[:7].upper()
    best, known = VERBS[0], 0
    for verb in VERBS:
        common = _common_prefix(word, verb.name)
        if common and common in (len(verb.name), len(line)):
            return verb
        if common > known:
            best, known = verb, common
    raise _unknown(line, best, known)


def _common_prefix(a: bytes, b: bytes) -> int:
    length = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        length += 1
    return length


def _unknown(line: bytes, verb: Verb, known: int) -> UnknownOperation:
    """The error for a line that stopped making sense after `known` letters of `verb`."""
    state = verb.first_state + known - 1 if known else 0
    kind = HeadersNotAgreed if line[:5].upper() in (b"HPUB ", b"HPUB\t") else UnknownOperation
    return kind(parser_complaint(state, known, _harmless(line, verb, known)))


def _harmless(line: bytes, verb: Verb, known: int) -> bytes:
    """What a log may quote: after a misspelt CONNECT, or in JSON without one, there may be a password."""
    if known and verb is CONNECT:
        return line[known : known + 1]
    brace = line.find(b"{", known)
    return line[known:] if brace < 0 else line[known : brace + 1]


def parser_complaint(state: int, offset: int, rest: bytes) -> str:
    """gnatsd's log sentence, after the role of the peer, for bytes that no state of its parser expects."""
    return f"Parser ERROR, state={state}, i={offset}: proto='{_quoted(rest[:_SNIPPET])}...'"


_ESCAPES = {b: f"\\{letter}" for b, letter in zip(b'\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)}


def _quoted(data: bytes) -> str:
    text = (_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data)
    return f'"{"".join(text)}"'


_TAB, _CR = b"\t\r"
"""As numbers: to ask whether bytes have a byte takes a tenth of the time that it takes for bytes of one."""


class Subscribe(NamedTuple):
    """``SUB <subject> [queue] <sid>``."""

    subject: bytes
    queue: bytes | None
    sid: bytes


def parse_subscribe(argument: bytes) -> Subscribe:
    """Raises `ParserError` unless there are two or three words."""
    words = argument.split(b" ")
    if b"" in words or _TAB in argument or _CR in argument:
        words = words_of(argument)
    if len(words) in (2, 3):
        return made(Subscribe, words if len(words) == 3 else (words[0], None, words[1]))
    raise ParserError(f"processSub Parse Error: '{readable(argument)}'")


class Unsubscribe(NamedTuple):
    """``UNSUB <sid> [max]``; a `limit` of 0 means at once."""

    sid: bytes
    limit: int


def parse_unsubscribe(argument: bytes) -> Unsubscribe:
    """A limit that is no number counts as 0. Raises `ParserError` unless there are one or two words."""
    words = argument.split(b" ")
    if b"" in words or _TAB in argument or _CR in argument:
        words = words_of(argument)
    if len(words) == 1:
        return Unsubscribe(words[0], 0)
    if len(words) == 2:
        limit = words[1]
        most = int(limit) if limit.isdigit() and len(limit) <= MAX_SIZE_DIGITS else 0
        return made(Unsubscribe, (words[0], most))
    raise ParserError(f"processUnsub Parse Error: '{readable(argument)}'")


def readable(data: bytes) -> str:
    """Text for a log; what is no UTF-8 shows as escapes."""
    return data.decode("utf-8", "backslashreplace")
