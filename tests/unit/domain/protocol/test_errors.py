"""Unit tests of the protocol errors (client-protocol.md, sections 5 and 12)."""

import pytest

from app.domain.protocol import errors
from app.domain.protocol.errors import (
    AuthorizationTimeout,
    AuthorizationViolation,
    ClientOnRoutePort,
    InvalidSubject,
    MaximumConnections,
    MaximumControlLine,
    MaximumPayload,
    ParserError,
    PingsUnanswered,
    ProtocolError,
    UnknownOperation,
)

WIRE: dict[type[ProtocolError], bytes] = {
    ParserError: b"-ERR 'Parser Error'\r\n",
    UnknownOperation: b"-ERR 'Unknown Protocol Operation'\r\n-ERR 'Parser Error'\r\n",
    InvalidSubject: b"-ERR 'Invalid Subject'\r\n",
    AuthorizationViolation: b"-ERR 'Authorization Violation'\r\n",
    AuthorizationTimeout: b"-ERR 'Authorization Timeout'\r\n",
    ClientOnRoutePort: b"-ERR 'Attempted To Connect To Route Port'\r\n",
    MaximumPayload: b"-ERR 'Maximum Payload Violation'\r\n",
    MaximumControlLine: b"-ERR 'Maximum Control Line Exceeded'\r\n",
    MaximumConnections: b"-ERR 'Maximum Connections Exceeded'\r\n",
    PingsUnanswered: b"-ERR 'Stale Connection'\r\n",
}


@pytest.mark.parametrize("kind", WIRE, ids=lambda kind: kind.__name__)
def test_what_the_peer_gets(kind: type[ProtocolError]) -> None:
    """Each error is sent in gnatsd's text, to the byte, without our reason."""
    assert WIRE[kind] == kind("a secret reason").wire()


def test_no_error_is_without_a_text() -> None:
    """The table above is complete."""
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}

    assert kinds - {ProtocolError} == set(WIRE)


def test_only_an_invalid_subject_leaves_the_link_open() -> None:
    """All other errors end it."""
    assert {InvalidSubject} == {kind for kind in WIRE if not kind.closes}


def test_a_reason_is_for_the_log() -> None:
    """It is kept, and shown by the exception; without one both are empty."""
    error = ParserError("processSub Parse Error: 'foo'")

    assert "processSub Parse Error: 'foo'" == error.reason == str(error)
    assert "" == ParserError().reason == str(ParserError())


def test_an_unknown_operation_is_a_parser_error() -> None:
    """Code that catches parser errors catches unknown verbs too."""
    assert issubclass(UnknownOperation, ParserError)
