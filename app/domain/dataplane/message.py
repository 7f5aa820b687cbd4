"""The line of a message, taken apart, in the plain twin: PUB, HPUB, and MSG and HMSG of routes."""

from typing import NamedTuple

from ..limits import MAX_SIZE_DIGITS, route_line, route_payload
from ..protocol.commands import is_too_long, words_of
from .constants import MEMBER_MARK
from .framing import start_of, tail_of
from .seam import Fault, HookedMessage, Kind
from .trace_mark import asks

PUB = b"PUB"
MSG = b"MSG"
HPUB = b"HPUB"
HMSG = b"HMSG"
_ROUTED = frozenset({MSG, HMSG})
_HEADED = frozenset({HPUB, HMSG})

ROUTE, LEAF = Kind.ROUTE, Kind.LEAF
"""Read once: Python 3.11 takes long to find the member of an enum, and each message asks for it."""


class Bounds(NamedTuple):
    """What a message of one connection may measure, in bytes."""

    payload: int
    """Negative for no limit."""
    line: int
    """For the argument of the line."""


def bounds_of(max_payload: int, max_control_line: int) -> tuple[Bounds, ...]:
    """By `Kind`, where these are the limits of clients."""
    line = route_line(max_control_line)
    return (
        Bounds(max_payload, max_control_line),
        Bounds(route_payload(max_payload), line),
        Bounds(max_payload, line),
    )


class Faulty(Exception):
    """Something is wrong with a message; `text` is what `Control.fault` shows of it."""

    def __init__(self, fault: Fault, text: bytes) -> None:
        super().__init__(fault, text)
        self.fault = fault
        self.text = text


class Message:
    """A line, understood, and what MSG has before and after the part of the receiver; see `framing`."""

    __slots__ = (
        "header",
        "line",
        "member",
        "names",
        "reply",
        "reserved",
        "shown",
        "size",
        "start",
        "subject",
        "tail",
        "verb",
    )

    def __init__(self, verb: bytes, line: bytes, words: list[bytes]) -> None:
        """`words` are those of the argument, with a size that is one."""
        self.verb = verb
        self.line = line
        self.subject = words[0]
        self.member = b""
        """The sid of the only one to get it; empty if the subject says who does."""
        self.shown = b""
        """What receivers read as its subject, where that is another one; only of leaf links."""
        self.names: tuple[bytes, ...] = ()
        """The queue groups that a message of a leaf link is for."""
        self.reserved = False
        """Whether the subject or the reply subject belongs to servers."""
        if verb in _ROUTED:
            sid = words.pop(1)
            if sid.startswith(MEMBER_MARK):
                self.member = sid
        self.size = int(words[-1])
        self.header = 0
        """Bytes of the payload that are headers."""
        self.start = start_of(self.subject)
        self.reply = words[1] if len(words) > 2 + (verb in _HEADED) else b""
        """Where an answer is to go; empty for nowhere."""
        if verb in _HEADED:
            self.header = int(words[-2])
            if self.header:
                self.start = b"H" + self.start
            else:
                words.pop(-2)
        self.tail = tail_of(words[1:])

    @property
    def argument(self) -> bytes:
        """What came after the verb."""
        return argument_of(self.verb, self.line)

    @property
    def plain_start(self) -> bytes:
        """The start for receivers that take no headers."""
        return self.start[1:] if self.header else self.start

    def without_header(self, tail: bytes) -> bytes:
        """The end of a message, `tail` and payload, for receivers that take no headers."""
        size = b"%d" % (self.size - self.header)
        words = [self.reply, size] if self.reply else [size]
        return tail_of(words) + tail[len(self.tail) + self.header :]


def argument_of(verb: bytes, line: bytes) -> bytes:
    """What came after the verb."""
    return line[len(verb) :].lstrip(b" \t")


def verb_of(line: bytes, kind: Kind, *, headers: bool = False) -> bytes:
    """The verb of a message's line, in capitals; empty for all other lines.

    `headers`: the peer may send messages that have some.
    """
    if line.startswith((b"PUB ", b"PUB\t")):
        return PUB
    if line[3:4] in (b" ", b"\t"):
        verb = line[:3].upper()
        if verb == PUB or (verb == MSG and kind is ROUTE):
            return verb
    if headers and line[4:5] in (b" ", b"\t"):
        verb = line[:4].upper()
        if verb == HPUB or (verb == HMSG and kind is ROUTE):
            return verb
    return b""


def understand(verb: bytes, line: bytes, bounds: Bounds) -> Message:
    """Take a line apart; raises `Faulty`."""
    if len(line) > bounds.line:
        check_length(verb, line, bounds.line)
    words = words_of(line, len(verb))
    headed = verb in _HEADED
    fewest = 2 + (verb in _ROUTED) + headed
    if not fewest <= len(words) <= fewest + 1:
        raise Faulty(Fault.ARGUMENTS, argument_of(verb, line))
    read_sizes(words[-1 - headed :], verb, line, bounds)
    return Message(verb, line, words)


def read_sizes(sizes: list[bytes], verb: bytes, line: bytes, bounds: Bounds) -> None:
    """Judge the size of a message, and before it that of its headers, if there are two; raises `Faulty`."""
    digits = sizes[-1]
    if not digits.isdigit():
        raise Faulty(Fault.SIZE, argument_of(verb, line))
    if len(digits) > MAX_SIZE_DIGITS or 0 <= bounds.payload < int(digits):
        raise Faulty(Fault.PAYLOAD, digits)
    if len(sizes) > 1 and not _fits(sizes[0], int(digits)):
        raise Faulty(Fault.SIZE, argument_of(verb, line))


def check_length(verb: bytes, line: bytes, limit: int) -> None:
    """Judge the length of a line; raises `Faulty`."""
    argument = argument_of(verb, line)
    if is_too_long(len(line), len(argument) - argument.endswith(b"\r"), limit):
        raise Faulty(Fault.LINE, b"")


def composed(message: HookedMessage) -> Message:
    """What is understood of a message that has these parts; raises `ValueError`."""
    size = len(message.payload)
    if not 0 <= message.header <= size:
        raise ValueError(f"{message.header} bytes of headers in a message of {size}")
    words = [message.subject, message.reply] if message.reply else [message.subject]
    if message.header:
        words.append(b"%d" % message.header)
    return Message(HPUB if message.header else PUB, b"", [*words, b"%d" % size])


def handed(message: Message, payload: bytes) -> HookedMessage:
    """The parts of a message, as the control plane gets them."""
    subject, to = (message.shown, message.subject) if message.shown else (message.subject, b"")
    return HookedMessage(subject, message.reply, message.header, payload, to)


def _fits(header: bytes, size: int) -> bool:
    """Whether the text is the size of headers in a message of that size."""
    return header.isdigit() and len(header) <= MAX_SIZE_DIGITS and int(header) <= size


def is_complete(data: bytes, stop: int) -> bool:
    """Whether the payload up to `stop` and its CR LF are there; raises `Faulty` if they cannot be."""
    after = data[stop : stop + 2]
    if after == b"\r\n":
        return True
    if not b"\r\n".startswith(after):
        raise Faulty(Fault.TERMINATOR, data[stop : stop + 32])
    return False


def tails_of_run(
    message: Message, line: bytes, where: tuple[bytes, int], most: int, *, traces: bool = False
) -> list[bytes]:
    """What MSG has after the sid, for each of the messages in a row that have this line.

    `traces`: up to one that asks for a trace.
    """
    tails: list[bytes] = []
    data, position = where
    traces = traces and message.header > 0
    tail, payload, size = len(line) - len(message.tail), len(line), len(line) + message.size + 2
    for start in range(position, position + most * size, size):
        after = start + size
        if not data.startswith(line, start) or data[after - 2 : after] != b"\r\n":
            break
        if traces and asks(data[start + payload : start + payload + message.header]):
            break
        tails.append(data[start + tail : after])
    return tails
