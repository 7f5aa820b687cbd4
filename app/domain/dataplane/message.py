"""The line of a message, taken apart, in the plain twin: PUB, HPUB, and MSG and HMSG of routes."""

from typing import NamedTuple

from ..limits import MAX_SIZE_DIGITS
from ..protocol.commands import is_too_long, words_of
from .constants import MEMBER_MARK
from .framing import start_of, tail_of
from .seam import Fault, Kind

PUB = b"PUB"
MSG = b"MSG"
HPUB = b"HPUB"
HMSG = b"HMSG"


class Bounds(NamedTuple):
    """What a message of one connection may measure, in bytes."""

    payload: int
    """Negative for no limit."""
    line: int
    """For the argument of the line."""


class Faulty(Exception):
    """Something is wrong with a message; `text` is what `Control.fault` shows of it."""

    def __init__(self, fault: Fault, text: bytes) -> None:
        super().__init__(fault, text)
        self.fault = fault
        self.text = text


class Message:
    """A line, understood, and what MSG has before and after the part of the receiver; see `framing`."""

    __slots__ = (
        "argument",
        "header",
        "line",
        "member",
        "plain_start",
        "plain_tail",
        "size",
        "start",
        "subject",
        "tail",
        "verb",
    )

    def __init__(self, verb: bytes, line: bytes, argument: bytes, words: list[bytes]) -> None:
        """`words` are those of the argument, with a size that is one."""
        subject = words[0]
        self.verb = verb
        self.line = line
        self.argument = argument
        self.subject = subject
        self.member = b""
        """The sid of the only one to get it; empty if the subject says who does."""
        if verb in {MSG, HMSG}:
            sid = words.pop(1)
            if sid.startswith(MEMBER_MARK):
                self.member = sid
        self.size = int(words[-1])
        self.header = int(words[-2]) if is_headed(verb) else 0
        """Bytes of the payload that are headers."""
        if is_headed(verb) and not self.header:
            words.pop(-2)
        self.plain_start = start_of(subject)
        self.start = b"H" + self.plain_start if self.header else self.plain_start
        self.tail = tail_of(words[1:])
        self.plain_tail = self.tail
        """In place of `tail`, for receivers that take no headers."""
        if self.header:
            self.plain_tail = tail_of([*words[1:-2], b"%d" % (self.size - self.header)])

    @property
    def reply(self) -> bytes:
        """Where an answer is to go; empty for nowhere."""
        words = self.tail.split()
        return words[0] if len(words) > 1 + (self.header > 0) else b""

    def without_header(self, tail: bytes) -> bytes:
        """The end of a message, `tail` and payload, for receivers that take no headers."""
        return self.plain_tail + tail[len(self.tail) + self.header :]


def is_headed(verb: bytes) -> bool:
    """Whether messages of this verb have headers."""
    return verb in {HPUB, HMSG}


def verb_of(line: bytes, kind: Kind, *, headers: bool = False) -> bytes:
    """The verb of a message's line, in capitals; empty for all other lines.

    `headers`: the peer may send messages that have some.
    """
    if line.startswith((b"PUB ", b"PUB\t")):
        return PUB
    if line[3:4] in (b" ", b"\t"):
        verb = line[:3].upper()
        if verb == PUB or (verb == MSG and kind is Kind.ROUTE):
            return verb
    if headers and line[4:5] in (b" ", b"\t"):
        verb = line[:4].upper()
        if verb == HPUB or (verb == HMSG and kind is Kind.ROUTE):
            return verb
    return b""


def understand(verb: bytes, line: bytes, bounds: Bounds) -> Message:
    """Take a line apart; raises `Faulty`."""
    argument = line[len(verb) :].lstrip(b" \t")
    if is_too_long(len(line), len(argument) - argument.endswith(b"\r"), bounds.line):
        raise Faulty(Fault.LINE, b"")
    words = words_of(argument)
    headed = is_headed(verb)
    fewest = 2 + (verb in {MSG, HMSG}) + headed
    if len(words) not in (fewest, fewest + 1):
        raise Faulty(Fault.ARGUMENTS, argument)
    digits = words[-1]
    if not digits.isdigit():
        raise Faulty(Fault.SIZE, argument)
    if len(digits) > MAX_SIZE_DIGITS or 0 <= bounds.payload < int(digits):
        raise Faulty(Fault.PAYLOAD, digits)
    if headed and not _fits(words[-2], int(digits)):
        raise Faulty(Fault.SIZE, argument)
    return Message(verb, line, argument, words)


def _fits(header: bytes, size: int) -> bool:
    """Whether the text is the size of headers in a message of that size."""
    return header.isdigit() and len(header) <= MAX_SIZE_DIGITS and int(header) <= size


def is_complete(data: bytes, stop: int) -> bool:
    """Whether the payload up to `stop` and its CR LF are there; raises `Faulty` if they cannot be."""
    after = data[stop : stop + 2]
    if not b"\r\n".startswith(after):
        raise Faulty(Fault.TERMINATOR, data[stop : stop + 32])
    return len(after) == 2


def tails_of_run(message: Message, line: bytes, where: tuple[bytes, int], most: int) -> list[bytes]:
    """What MSG has after the sid, for each of the messages in a row that have this line."""
    tails: list[bytes] = []
    data, position = where
    tail, size = len(line) - len(message.tail), len(line) + message.size + 2
    while len(tails) < most and data.startswith(line, position):
        after = position + size
        if data[after - 2 : after] != b"\r\n":
            break
        tails.append(data[position + tail : after])
        position = after
    return tails
