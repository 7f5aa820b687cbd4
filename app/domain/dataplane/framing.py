"""How a message is written, in the plain twin: ``MSG <subject> <sid> [reply] <size>``, then the payload.

The parts are put one after the other: `start_of` a subject, the receiver's sid and a blank, and
`tail_of` the words of a line, up to the payload.
"""

from collections.abc import Iterable


def start_of(subject: bytes) -> bytes:
    """What comes before the sid."""
    return b"MSG " + subject + b" "


def tail_of(words: Iterable[bytes]) -> bytes:
    """The rest of the line: these are the reply subject, if any, and the size."""
    return b" ".join(words) + b"\r\n"
