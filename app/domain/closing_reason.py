"""Why the connection of a client has ended, in the words of nats-server where the reason is the same."""

from enum import Enum


class ClosingReason(Enum):
    """The value is the ``reason`` of ``/connz`` (monitoring-pages.md, section 4.2)."""

    CLIENT_CLOSED = "Client Closed"
    AUTHENTICATION_TIMEOUT = "Authentication Timeout"
    AUTHENTICATION_FAILURE = "Authentication Failure"
    TLS_HANDSHAKE_FAILURE = "TLS Handshake Failure"
    SLOW_PENDING = "Slow Consumer (Pending Bytes)"
    """More was pending than may be."""
    SLOW_DEADLINE = "Slow Consumer (Write Deadline)"
    """It made no progress, or delayed others, for too long."""
    WRITE_ERROR = "Write Error"
    READ_ERROR = "Read Error"
    PARSE_ERROR = "Parse Error"
    """The client sent ``-ERR``."""
    STALE_CONNECTION = "Stale Connection"
    PROTOCOL_VIOLATION = "Protocol Violation"
    BAD_PROTOCOL_VERSION = "Bad Client Protocol Version"
    MAXIMUM_CONNECTIONS = "Maximum Connections Exceeded"
    MAXIMUM_PAYLOAD = "Maximum Message Payload Exceeded"
    MAXIMUM_CONTROL_LINE = "Maximum Control Line Exceeded"
    SERVER_SHUTDOWN = "Server Shutdown"
    NO_RESPONDERS_WITHOUT_HEADERS = "No Responders Requires Headers"
    INTERNAL_ERROR = "Internal Error"
    """A defect of ours; nats-server has no such reason."""


def reason_of_loss(error: Exception | None) -> ClosingReason:
    """Why a link is lost that nobody here has closed; `error` is None after an orderly end."""
    if error is None:
        return ClosingReason.CLIENT_CLOSED
    return ClosingReason.WRITE_ERROR if isinstance(error, BrokenPipeError) else ClosingReason.READ_ERROR
