"""Messages that a hook has changed, checked as those of clients are."""

from ..dataplane.seam import HookedMessage
from ..limits import Limits
from ..protocol.header_block import encode
from ..subjects.subject import is_literal
from .decisions import Rewrite

_SEPARATORS = frozenset(b" \t\r\n\f\v\0")


class InvalidRewrite(Exception):
    """A hook asks for a message that no client could publish; the text says why."""


def rewritten(message: HookedMessage, limits: Limits, change: Rewrite) -> HookedMessage:
    """The message after the change. Raises `InvalidRewrite`."""
    subject = message.subject if change.subject is None else _subject(change.subject)
    block, data = message.payload[: message.header], message.payload[message.header :]
    if change.headers is not None:
        block = _block(change)
    if change.data is not None:
        data = _data(change.data)
    new = HookedMessage(subject, message.reply, len(block), block + data, message.to)
    if len(new.payload) > limits.max_payload:
        text = f"its message of {len(new.payload)} bytes exceeds max_payload {limits.max_payload}"
        raise InvalidRewrite(text)
    if len(line_of(new)) > limits.max_control_line:
        raise InvalidRewrite(f"its subject exceeds max_control_line {limits.max_control_line}")
    return new


def _subject(given: object) -> bytes:
    if not isinstance(given, str):
        raise InvalidRewrite(f"its subject is of type {type(given).__name__}, not str")
    subject = given.encode("utf-8", "replace")
    if not is_literal(subject) or not _SEPARATORS.isdisjoint(subject):
        raise InvalidRewrite(f"its subject {given[:64]!r} cannot be published to")
    return subject


def _data(given: object) -> bytes:
    if not isinstance(given, bytes | bytearray | memoryview):
        raise InvalidRewrite(f"its data is of type {type(given).__name__}, not bytes")
    return bytes(given)


def _block(change: Rewrite) -> bytes:
    try:
        return encode(change.headers)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRewrite(f"its headers cannot be written: {error}") from error


def line_of(message: HookedMessage) -> bytes:
    """The words with which a client publishes it."""
    words = [b"HPUB" if message.header else b"PUB", message.subject]
    if message.reply:
        words.append(message.reply)
    if message.header:
        words.append(b"%d" % message.header)
    return b" ".join([*words, b"%d" % len(message.payload)])


def published(message: HookedMessage) -> bytes:
    """The message as a client publishes it."""
    return b"%b\r\n%b\r\n" % (line_of(message), message.payload)
