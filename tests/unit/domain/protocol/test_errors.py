"""Unit tests of the protocol errors (client-protocol.md, sections 5 and 12)."""

import pytest

from app.domain.protocol import errors
from app.domain.protocol.compatibility import Compatibility
from app.domain.protocol.errors import (
    AuthorizationTimeout,
    AuthorizationViolation,
    ClientOnRoutePort,
    HeadersNotAgreed,
    InvalidClientProtocol,
    InvalidPublishSubject,
    InvalidSubject,
    LoginRefused,
    MaximumConnections,
    MaximumControlLine,
    MaximumPayload,
    MaximumSubscriptions,
    NoRespondersWithoutHeaders,
    OverlongSize,
    ParserError,
    PermissionsViolation,
    PingsUnanswered,
    ProtocolError,
    UnknownOperation,
)

WIRE: dict[type[ProtocolError], bytes] = {
    ParserError: b"-ERR 'Parser Error'\r\n",
    UnknownOperation: b"-ERR 'Unknown Protocol Operation'\r\n-ERR 'Parser Error'\r\n",
    HeadersNotAgreed: b"-ERR 'Unknown Protocol Operation'\r\n-ERR 'Parser Error'\r\n",
    InvalidSubject: b"-ERR 'Invalid Subject'\r\n",
    InvalidPublishSubject: b"-ERR 'Invalid Subject'\r\n",
    InvalidClientProtocol: b"-ERR 'invalid client protocol'\r\n",
    MaximumSubscriptions: b"-ERR 'maximum subscriptions exceeded'\r\n",
    AuthorizationViolation: b"-ERR 'Authorization Violation'\r\n",
    LoginRefused: b"-ERR 'Authorization Violation'\r\n",
    AuthorizationTimeout: b"-ERR 'Authorization Timeout'\r\n",
    ClientOnRoutePort: b"-ERR 'Attempted To Connect To Route Port'\r\n",
    MaximumPayload: b"-ERR 'Maximum Payload Violation'\r\n",
    OverlongSize: b"-ERR 'Maximum Payload Violation'\r\n",
    MaximumControlLine: b"-ERR 'Maximum Control Line Exceeded'\r\n",
    MaximumConnections: b"-ERR 'Maximum Connections Exceeded'\r\n",
    NoRespondersWithoutHeaders: b"-ERR 'no responders requires headers support'\r\n",
    PermissionsViolation: b"-ERR 'Permissions Violation'\r\n",
    PingsUnanswered: b"-ERR 'Stale Connection'\r\n",
}

TODAY: dict[type[ProtocolError], bytes] = WIRE | {
    ParserError: b"",
    UnknownOperation: b"-ERR 'Unknown Protocol Operation'\r\n",
    HeadersNotAgreed: b"",
    OverlongSize: b"",
    InvalidPublishSubject: b"-ERR 'Invalid Publish Subject'\r\n",
    AuthorizationTimeout: b"-ERR 'Authentication Timeout'\r\n",
    MaximumControlLine: b"-ERR 'maximum control line exceeded'\r\n",
    MaximumConnections: b"-ERR 'maximum connections exceeded'\r\n",
}


def made(kind: type[ProtocolError]) -> ProtocolError:
    """An error of this kind, with a reason that only the log may have, where there is one."""
    return LoginRefused() if kind is LoginRefused else kind("a secret reason")


@pytest.mark.parametrize("kind", WIRE, ids=lambda kind: kind.__name__)
def test_what_the_peer_gets(kind: type[ProtocolError]) -> None:
    """Each error is sent in gnatsd's text, to the byte, without our reason."""
    assert WIRE[kind] == made(kind).wire()


@pytest.mark.parametrize("kind", TODAY, ids=lambda kind: kind.__name__)
def test_what_a_client_of_today_gets(kind: type[ProtocolError]) -> None:
    """Each error is sent in the text of current servers, which clients compare."""
    assert TODAY[kind] == made(kind).wire(Compatibility.CURRENT)


def test_no_error_is_without_a_text() -> None:
    """The table above is complete."""
    kinds = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProtocolError)
    }

    assert kinds - {ProtocolError} == set(WIRE)


def test_few_errors_leave_the_link_open() -> None:
    """All but those about one subject or one subscription end it."""
    assert {InvalidSubject, InvalidPublishSubject, MaximumSubscriptions, PermissionsViolation} == {
        kind for kind in WIRE if not kind.closes
    }


@pytest.mark.parametrize("compatibility", Compatibility)
def test_a_violation_says_of_what(compatibility: Compatibility) -> None:
    """Clients compare the text of a violation of permissions; it is the same for all."""
    error = PermissionsViolation("a secret reason", what=b'Publish to "a"')

    assert b"-ERR 'Permissions Violation for Publish to \"a\"'\r\n" == error.wire(compatibility)


def test_a_reason_is_for_the_log() -> None:
    """It is kept, and shown by the exception; without one both are empty."""
    error = ParserError("processSub Parse Error: 'foo'")

    assert "processSub Parse Error: 'foo'" == error.reason == str(error)
    assert "" == ParserError().reason == str(ParserError())


def test_an_unknown_operation_is_a_parser_error() -> None:
    """Code that catches parser errors catches unknown verbs too."""
    assert issubclass(UnknownOperation, ParserError)


CLOSING: dict[type[ProtocolError], str] = {
    **dict.fromkeys(WIRE, "Protocol Violation"),
    InvalidClientProtocol: "Bad Client Protocol Version",
    AuthorizationViolation: "Authentication Failure",
    LoginRefused: "Authentication Failure",
    AuthorizationTimeout: "Authentication Timeout",
    MaximumPayload: "Maximum Message Payload Exceeded",
    MaximumControlLine: "Maximum Control Line Exceeded",
    MaximumConnections: "Maximum Connections Exceeded",
    NoRespondersWithoutHeaders: "No Responders Requires Headers",
    PingsUnanswered: "Stale Connection",
}


@pytest.mark.parametrize("kind", CLOSING, ids=lambda kind: kind.__name__)
def test_what_monitoring_says(kind: type[ProtocolError]) -> None:
    """The end of a link has the name that current servers give it."""
    assert CLOSING[kind] == kind.closing.value


def test_why_hooks_refuse_a_login() -> None:
    """The client reads it, in the words of either server."""
    error = LoginRefused(b"not today")

    assert {b"-ERR 'Authorization Violation: not today'\r\n"} == {error.wire(each) for each in Compatibility}
