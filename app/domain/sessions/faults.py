"""A message that the data plane could not take, as an error for its sender."""

from app.domain.dataplane.seam import Fault
from app.domain.protocol.commands import parser_complaint, readable
from app.domain.protocol.errors import (
    MaximumControlLine,
    MaximumPayload,
    ParserError,
    ProtocolError,
    UnknownOperation,
)

_PAYLOAD_END = 30
"""gnatsd's parser state for the CR LF behind a payload."""


def error_of(fault: Fault, text: bytes, operation: str) -> ProtocolError:
    """The error to answer with; `operation` is what gnatsd calls the parsing of such a line.

    `text` is what the data plane shows, see `Control.fault`; of a payload that is too
    large it is the size, and the error's reason.
    """
    if fault is Fault.PAYLOAD:
        return MaximumPayload(readable(text))
    if fault is Fault.LINE:
        return MaximumControlLine()
    if fault is Fault.TERMINATOR:
        return UnknownOperation(parser_complaint(_PAYLOAD_END, 0, text))
    what = "Parse Error" if fault is Fault.ARGUMENTS else "Bad or Missing Size"
    return ParserError(f"{operation} {what}: '{readable(text)}'")
