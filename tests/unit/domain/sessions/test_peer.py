"""Faults of the data plane, as errors for whoever sent the message."""

import pytest

from app.domain.dataplane.seam import Fault
from app.domain.protocol.errors import (
    MaximumControlLine,
    MaximumPayload,
    ParserError,
    ProtocolError,
    UnknownOperation,
)
from app.domain.sessions.peer import error_of


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault.ARGUMENTS, ParserError, "processPub Parse Error: 'text'"),
        (Fault.SIZE, ParserError, "processPub Bad or Missing Size: 'text'"),
        (Fault.PAYLOAD, MaximumPayload, "text"),
        (
            Fault.TERMINATOR,
            UnknownOperation,
            "Parser ERROR, state=30, i=0: proto='\"text\"...'",
        ),
        (Fault.LINE, MaximumControlLine, ""),
    ],
)
def test_each_fault_has_its_error(fault: Fault, kind: type[ProtocolError], reason: str) -> None:
    """The sender reads gnatsd's error, and the log its sentence."""
    error = error_of(fault, b"text", "processPub")

    assert (kind, reason) == (type(error), error.reason)
