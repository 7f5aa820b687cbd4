"""The line of a message on a leaf link, taken apart, in the plain twin (leaf-nodes.md, section 4).

LMSG <subject> [reply] <size>                   for plain subscriptions
LMSG <subject> | <queue…> <size>                and one member of each of these queue groups
LMSG <subject> + <reply> <queue…> <size>        the same with a reply subject
HMSG …<header size> <size>                      the same three with headers

A message of a stream is for those who subscribe to a subject of its consumer, and shows the one that it
was published on: that one comes after the reply subject, ``$JS.ACK.…@<subject>`` (section 7).
"""

from ..protocol.commands import words_of
from . import message
from .message import HMSG, HPUB, LEAF, PUB, Bounds, Faulty, Message, argument_of, check_length, read_sizes
from .seam import Fault, Kind

LMSG = b"LMSG"

ACKNOWLEDGEMENT = b"$JS.ACK."
"""How the reply subject of a message of a stream begins."""

_VERBS = (LMSG, HMSG)


def verb_of(line: bytes, kind: Kind, *, headers: bool = False) -> bytes:
    """The verb of a message's line, from a peer of any kind; see `message.verb_of`."""
    if kind is not LEAF:
        return message.verb_of(line, kind, headers=headers)
    if line[4:5] not in (b" ", b"\t"):
        return b""
    verb = line[:4].upper()
    return verb if verb == LMSG or (headers and verb == HMSG) else b""


def understand(kind: Kind, verb: bytes, line: bytes, bounds: Bounds) -> Message:
    """Take a line from a peer of any kind apart; raises `Faulty`."""
    if kind is not LEAF:
        return message.understand(verb, line, bounds)
    if len(line) > bounds.line:
        check_length(verb, line, bounds.line)
    headed = verb == HMSG
    words = words_of(line, len(verb))
    sizes = words[len(words) - 1 - headed :]
    before = words[: len(words) - 1 - headed]
    if not before or (len(before) > 2 and before[1] not in (b"+", b"|")):
        raise Faulty(Fault.ARGUMENTS, argument_of(verb, line))
    read_sizes(sizes, verb, line, bounds)
    reply, names = _reply_and_names(before)
    reply, shown = _split(reply)
    found = Message(HPUB if headed else PUB, line, [shown or before[0], *reply, *sizes])
    found.verb = verb
    found.subject = before[0]
    found.shown = shown
    found.names = tuple(names)
    return found


def _split(reply: list[bytes]) -> tuple[list[bytes], bytes]:
    """The reply subject, and the subject that comes after it; empty for none."""
    if not reply or not reply[0].startswith(ACKNOWLEDGEMENT):
        return reply, b""
    own, _, shown = reply[0].partition(b"@")
    return ([own], shown) if shown else (reply, b"")


def _reply_and_names(words: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The reply subject, if there is one, and the queue groups."""
    if len(words) <= 2:
        return words[1:], []
    return (words[2:3], words[3:]) if words[1] == b"+" else ([], words[2:])
