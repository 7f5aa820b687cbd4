"""Protocol errors: what the peer is told, and whether the link ends.

ProtocolError
├── ParserError              arguments or JSON not understood      closes
│   └── UnknownOperation     a verb not understood                 closes
├── InvalidSubject           SUB or pedantic PUB                   stays open
├── AuthorizationViolation   wrong or missing credentials          closes
├── AuthorizationTimeout     no CONNECT in time                    closes
├── ClientOnRoutePort        a client among servers                closes
├── MaximumPayload           PUB larger than max_payload           closes
├── MaximumControlLine       a line without end                    closes
├── MaximumConnections       no room for this client               closes
└── StaleConnection          pings unanswered                      closes

The texts are those of client-protocol.md, section 5, and the limits those of
section 12. `reason` is for our log, never for the peer.
"""

from typing import ClassVar


class ProtocolError(Exception):
    """The peer is at fault."""

    lines: ClassVar[tuple[str, ...]] = ()
    """The texts of the ``-ERR`` lines, in order."""
    closes: ClassVar[bool] = True

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def wire(self) -> bytes:
        """The ``-ERR`` lines as sent."""
        return b"".join(b"-ERR '%b'\r\n" % line.encode() for line in self.lines)

    def told(self, role: str) -> str:  # noqa: ARG002 - most errors read alike, whoever made them
        """The words of our log; `role` is what gnatsd calls the peer."""
        return self.reason or self.lines[0]


class ParserError(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Parser Error",)


class UnknownOperation(ParserError):
    lines: ClassVar[tuple[str, ...]] = ("Unknown Protocol Operation", "Parser Error")

    def told(self, role: str) -> str:
        return f"{role} {super().told(role)}"


class InvalidSubject(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Invalid Subject",)
    closes = False


class AuthorizationViolation(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Authorization Violation",)


class AuthorizationTimeout(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Authorization Timeout",)


class ClientOnRoutePort(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Attempted To Connect To Route Port",)


class MaximumPayload(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Maximum Payload Violation",)


class MaximumControlLine(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Maximum Control Line Exceeded",)


class MaximumConnections(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Maximum Connections Exceeded",)


class StaleConnection(ProtocolError):
    lines: ClassVar[tuple[str, ...]] = ("Stale Connection",)
