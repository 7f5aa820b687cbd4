"""Messages that are refused for their headers: monitoring counts them."""

from ..dataplane.seam import Fault
from ..protocol.commands import words_of

_HEADED = (b"HPUB ", b"HPUB\t")


def has_headers(line: bytes) -> bool:
    """Whether it begins a message with headers."""
    return line[:5].upper() in _HEADED


def is_about_headers(fault: Fault, text: bytes) -> bool:
    """Whether a message was faulty for the size of its headers; see `Control.fault` for `text`.

    A size that is none ends the words of PUB as well; one before it is a number only with HPUB.
    Two words are enough for PUB, and too few for HPUB.
    """
    words = words_of(text)
    if fault is Fault.SIZE:
        return words[-1].isdigit()
    return fault is Fault.ARGUMENTS and len(words) == 2
