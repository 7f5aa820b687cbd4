"""The lines of a leaf link, apart from messages (leaf-nodes.md, section 4)."""

from typing import NamedTuple

from ..dataplane.leaf_line import ACKNOWLEDGEMENT
from ..interest.subscription import MOST_WEIGHT
from ..limits import MAX_SIZE_DIGITS
from ..permissions.responses import OpenReplies
from ..protocol.commands import (
    BLANKS,
    CONNECT,
    ERR,
    INFO,
    OK,
    PING,
    PONG,
    is_too_long,
    readable,
    words_of,
)
from ..protocol.errors import MaximumControlLine, ParserError, UnknownOperation

ADD = b"LS+"
REMOVE = b"LS-"

LOOP_SUBJECTS = b"$LDS."
"""How subjects begin by which loops are found; permissions do not count for them."""

_BARE = tuple(verb.name for verb in (PING, PONG, OK))
"""Verbs that may end the line."""

_VERBS = (ADD, REMOVE, CONNECT.name, INFO.name, ERR.name, *_BARE)
_MESSAGES = (b"LMSG ", b"HMSG ")


def split_leaf(line: bytes, limit: int) -> tuple[bytes, bytes]:
    """The verb, in capitals, and its argument, blanks around it removed.

    Raises `UnknownOperation`, or `MaximumControlLine` when the argument is longer than `limit` bytes.
    """
    verb = _verb_of(line)
    argument = line[len(verb) :].lstrip(b" \t")
    if len(line) > limit and is_too_long(len(line), len(argument) - argument.endswith(b"\r"), limit):
        raise MaximumControlLine
    return verb, argument.strip(BLANKS)


def _verb_of(line: bytes) -> bytes:
    start = line[:8].upper()
    for verb in _VERBS:
        if start.startswith(verb) and (start[len(verb) : len(verb) + 1] in _AFTER or verb in _OPEN):
            return verb
    raise UnknownOperation(_complaint(line))


def _complaint(line: bytes) -> str:
    return f"Parser ERROR: no line of a leaf link begins with {readable(line[:8])!r}"


_AFTER = (b" ", b"\t", b"\r", b"")
_OPEN = (CONNECT.name, INFO.name)
"""Verbs that their argument may follow at once."""


def refuse_partial_leaf(rest: bytes, limit: int, *, publishing: bool) -> None:
    """Raise `UnknownOperation` or `MaximumControlLine` if no line could begin like this."""
    start = rest[:8].upper().replace(b"\t", b" ")
    begins = [*_VERBS, *_MESSAGES] if publishing else _VERBS
    if not any(start.startswith(verb) or verb.startswith(start) for verb in begins):
        raise UnknownOperation(_complaint(rest))
    if is_too_long(len(rest), 0, limit):
        raise MaximumControlLine


class LeafInterest(NamedTuple):
    """``LS+ <subject> [<queue> <weight>]``; LS- has no weight."""

    subject: bytes
    queue: bytes | None
    weight: int = 1


def parse_added(argument: bytes) -> LeafInterest:
    """Raises `ParserError` unless there are one or three words, the last of them a number."""
    words = words_of(argument)
    if len(words) == 1:
        return LeafInterest(words[0], None)
    if len(words) == 3 and words[2].isdigit() and len(words[2]) <= MAX_SIZE_DIGITS:
        return LeafInterest(words[0], words[1], max(1, min(int(words[2]), MOST_WEIGHT)))
    raise ParserError(f"processLeafSub Parse Error: '{readable(argument)}'")


def parse_removed(argument: bytes) -> LeafInterest:
    """Raises `ParserError` unless there are one or two words."""
    words = words_of(argument)
    if len(words) not in (1, 2):
        raise ParserError(f"processLeafUnsub Parse Error: '{readable(argument)}'")
    return LeafInterest(words[0], words[1] if len(words) > 1 else None)


def added_line(subject: bytes, queue: bytes | None, weight: int) -> bytes:
    """The line for interest that is there, or has another weight than before."""
    if queue is None:
        return b"LS+ %b\r\n" % subject
    return b"LS+ %b %b %d\r\n" % (subject, queue, weight)


def removed_line(subject: bytes, queue: bytes | None) -> bytes:
    """The line for interest that is gone."""
    return b"LS- %b\r\n" % subject if queue is None else b"LS- %b %b\r\n" % (subject, queue)


def note_reply(replies: OpenReplies, head: bytes) -> None:
    """A message with this line, without its CR LF, is sent to a leaf node, which may answer it."""
    words = head.split(b" ")
    before = words[: -2 if words[0] == b"HMSG" else -1]
    if len(before) == 3:
        replies.open(_own_reply(before[2]))
    elif len(before) > 3 and before[2] == b"+":
        replies.open(_own_reply(before[3]))


def _own_reply(word: bytes) -> bytes:
    """The subject alone of the reply subject of a message of a stream."""
    return word.partition(b"@")[0] if word.startswith(ACKNOWLEDGEMENT) else word


def interest_sid(subject: bytes, queue: bytes | None) -> bytes:
    """What an interest of a link is known by here: one word, another one for each."""
    return b"%d:%b%b" % (len(queue or b""), queue or b"", subject)
