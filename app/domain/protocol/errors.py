"""Protocol errors: what is sent to the peer, and whether the link ends.

ProtocolError
├── ParserError              arguments or JSON not understood      closes
│   └── UnknownOperation     a verb not understood                 closes
│       └── HeadersNotAgreed HPUB of a client without `headers`    closes
├── InvalidSubject           SUB                                   stays open
├── InvalidPublishSubject    pedantic PUB                          stays open
├── PermissionsViolation     a right is missing                    stays open
├── AuthorizationViolation   wrong or missing credentials          closes
│   └── LoginRefused         by hooks                              closes
├── AuthorizationTimeout     no CONNECT in time                    closes
├── InvalidClientProtocol    a `protocol` that is unknown          closes
├── NoRespondersWithoutHeaders  asked for without `headers`        closes
├── ClientOnRoutePort        a client among servers                closes
├── MaximumPayload           PUB larger than max_payload           closes
│   └── OverlongSize         a size of too many digits             closes
├── MaximumControlLine       a line without end                    closes
├── MaximumConnections       no room for this client               closes
├── MaximumSubscriptions     SUB above max_subscriptions           stays open
└── PingsUnanswered          pings unanswered                      closes

The texts are those of client-protocol.md, section 5, and the limits those of
section 12; those of current servers are in later-client-features.md, section 7.
`reason` is for our log, never for the peer.
"""

from typing import ClassVar

from ..closing_reason import ClosingReason
from .compatibility import Compatibility


class ProtocolError(Exception):
    """The peer is at fault."""

    lines: ClassVar[tuple[str, ...]] = ()
    """The texts of the ``-ERR`` lines, in order."""
    today: ClassVar[tuple[str, ...] | None] = None
    """Those of current servers; None for the same."""
    closes: ClassVar[bool] = True
    closing: ClassVar[ClosingReason] = ClosingReason.PROTOCOL_VIOLATION
    """What monitoring calls the end of a link that was closed for it."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def wire(self, compatibility: Compatibility = Compatibility.GNATSD) -> bytes:
        """The ``-ERR`` lines as sent, in the words of this server."""
        lines = self.lines
        if compatibility is Compatibility.CURRENT and self.today is not None:
            lines = self.today
        return b"".join(b"-ERR '%b'\r\n" % line.encode() for line in lines)

    def log_text(self, role: str) -> str:  # noqa: ARG002 - most errors read alike for all peers
        """The text for our log; `role` is what gnatsd calls the peer."""
        return self.reason or self.lines[0]


class ParserError(ProtocolError):
    """Arguments or JSON that cannot be understood."""

    lines: ClassVar[tuple[str, ...]] = ("Parser Error",)
    today: ClassVar[tuple[str, ...] | None] = ()


class UnknownOperation(ParserError):
    """A line that begins with no known verb."""

    lines: ClassVar[tuple[str, ...]] = ("Unknown Protocol Operation", "Parser Error")
    today: ClassVar[tuple[str, ...] | None] = ("Unknown Protocol Operation",)

    def log_text(self, role: str) -> str:
        """See `ProtocolError`; gnatsd writes the role before this text."""
        return f"{role} {super().log_text(role)}"


class HeadersNotAgreed(UnknownOperation):
    """A message with headers of a client that did not ask for them; current servers only close."""

    today: ClassVar[tuple[str, ...] | None] = ()


class InvalidSubject(ProtocolError):
    """A subject with empty tokens, or with wildcards where none may be."""

    lines: ClassVar[tuple[str, ...]] = ("Invalid Subject",)
    closes = False


class InvalidPublishSubject(InvalidSubject):
    """The same of a message of a pedantic client."""

    today: ClassVar[tuple[str, ...] | None] = ("Invalid Publish Subject",)


class PermissionsViolation(ProtocolError):
    """A client may not do `what`; the texts are those of current servers (permission-rules.md, section 3)."""

    lines: ClassVar[tuple[str, ...]] = ("Permissions Violation",)
    closes = False

    def __init__(self, reason: str = "", *, what: bytes = b"") -> None:
        super().__init__(reason)
        self.what = what

    def wire(self, compatibility: Compatibility = Compatibility.GNATSD) -> bytes:
        """See `ProtocolError`; gnatsd 0.8.0 has no permissions, so the text is the same for all clients."""
        if not self.what:
            return super().wire(compatibility)
        return b"-ERR 'Permissions Violation for %b'\r\n" % self.what


class AuthorizationViolation(ProtocolError):
    """Wrong or missing credentials."""

    lines: ClassVar[tuple[str, ...]] = ("Authorization Violation",)
    closing = ClosingReason.AUTHENTICATION_FAILURE


class LoginRefused(AuthorizationViolation):
    """Hooks do not let a client in; it reads why."""

    def __init__(self, why: bytes = b"") -> None:
        super().__init__()
        self.why = why

    def wire(self, compatibility: Compatibility = Compatibility.GNATSD) -> bytes:
        """See `ProtocolError`."""
        if not self.why:
            return super().wire(compatibility)
        return b"-ERR 'Authorization Violation: %b'\r\n" % self.why


class AuthorizationTimeout(ProtocolError):
    """No credentials in time."""

    lines: ClassVar[tuple[str, ...]] = ("Authorization Timeout",)
    today: ClassVar[tuple[str, ...] | None] = ("Authentication Timeout",)
    closing = ClosingReason.AUTHENTICATION_TIMEOUT


class InvalidClientProtocol(ProtocolError):
    """A `protocol` in CONNECT that is unknown."""

    lines: ClassVar[tuple[str, ...]] = ("invalid client protocol",)
    closing = ClosingReason.BAD_PROTOCOL_VERSION


class ClientOnRoutePort(ProtocolError):
    """A client has connected where only servers may."""

    lines: ClassVar[tuple[str, ...]] = ("Attempted To Connect To Route Port",)


class NoRespondersWithoutHeaders(ProtocolError):
    """A client asks for `no_responders` without `headers`, so it could not read the answers."""

    lines: ClassVar[tuple[str, ...]] = ("no responders requires headers support",)
    closing = ClosingReason.NO_RESPONDERS_WITHOUT_HEADERS


class MaximumPayload(ProtocolError):
    """A message larger than `max_payload`."""

    lines: ClassVar[tuple[str, ...]] = ("Maximum Payload Violation",)
    closing = ClosingReason.MAXIMUM_PAYLOAD


class OverlongSize(MaximumPayload):
    """A size that current servers do not read to its end, so that it is no number for them."""

    today: ClassVar[tuple[str, ...] | None] = ()
    closing = ClosingReason.PROTOCOL_VIOLATION


class MaximumControlLine(ProtocolError):
    """A line whose argument is longer than `max_control_line`."""

    lines: ClassVar[tuple[str, ...]] = ("Maximum Control Line Exceeded",)
    today: ClassVar[tuple[str, ...] | None] = ("maximum control line exceeded",)
    closing = ClosingReason.MAXIMUM_CONTROL_LINE


class MaximumConnections(ProtocolError):
    """No room for one more client."""

    lines: ClassVar[tuple[str, ...]] = ("Maximum Connections Exceeded",)
    today: ClassVar[tuple[str, ...] | None] = ("maximum connections exceeded",)
    closing = ClosingReason.MAXIMUM_CONNECTIONS


class MaximumSubscriptions(ProtocolError):
    """One subscription more than `max_subscriptions`."""

    lines: ClassVar[tuple[str, ...]] = ("maximum subscriptions exceeded",)
    closes = False


class PingsUnanswered(ProtocolError):
    """Too many pings without an answer."""

    lines: ClassVar[tuple[str, ...]] = ("Stale Connection",)
    closing = ClosingReason.STALE_CONNECTION
