"""The events that the journal keeps, and their titles. To add one, add a line to `KINDS`."""

from collections.abc import Callable, Mapping
from typing import Any

from ..adapters.auth.guard import AuthenticatorFailed
from ..adapters.logs.structured import LinesDropped, LogReopenFailed
from ..adapters.monitoring.events import MonitorUnavailable
from ..adapters.monitoring.journal import EventKind
from ..adapters.net_asyncio.tls_events import HandshakeFailed, ProtectionBroken
from ..domain.cluster.events import (
    RouteDown,
    RouteErrorReceived,
    RouteHeard,
    RouteLeaving,
    RouteRefused,
    RouteSilent,
    RouteUnreachable,
    RouteUp,
)
from ..domain.events import (
    AcceptFailed,
    AuthorizationFailed,
    AuthorizationTimedOut,
    ConnectionsExceeded,
    Event,
    InternalFailure,
    LameDuckClosing,
    LameDuckEntered,
    MonitorFailed,
    PayloadExceeded,
    PublishersHeld,
    ServerFailure,
    SlowConsumer,
)
from ..domain.hooks.events import HookBreakerClosed, HookBreakerOpened
from ..domain.leaf.events import (
    LeafClosed,
    LeafCreated,
    LeafErrorReceived,
    LeafHubLeaves,
    LeafLoginFailed,
    LeafRefused,
    LeafUnreachable,
)
from .events import CertificateEnded, CertificateEnds

BAD, WARN, GOOD = "bad", "warn", "good"


MAX_TEXT = 300
"""Characters of an event's text that are kept."""


def _field(name: str) -> Callable[[Event], str]:
    """A field of an event as text, cut because a peer may have written it."""

    def read(fact: Any) -> str:  # noqa: ANN401 - each event has fields of its own
        return str(getattr(fact, name))[:MAX_TEXT]

    return read


def _tls(detail: Callable[[Event], str]) -> EventKind:
    return EventKind("tls_failed", "TLS failed", WARN, detail)


def _limit(title: str, detail: Callable[[Event], str]) -> EventKind:
    return EventKind("limit_reached", title, WARN, detail)


def _defect(title: str) -> EventKind:
    return EventKind("internal_error", title, BAD, _field("reason"))


def _size(fact: Any) -> str:  # noqa: ANN401 - it is a `PayloadExceeded`
    return f"{fact.size} bytes, {fact.limit} are allowed"


def _held(fact: Any) -> str:  # noqa: ANN401 - it is a `PublishersHeld`
    noun = "publisher waits" if fact.publishers == 1 else "publishers wait"
    return f"{fact.publishers} {noun}, {fact.pending / 1024**2:.2f} MiB pending"


def _end(fact: Any) -> str:  # noqa: ANN401 - it is a `LeafCreated`
    return "to our hub" if fact.solicited else "to a leaf"


def _attempts(fact: Any) -> str:  # noqa: ANN401 - it is a `RouteUnreachable` or a `LeafUnreachable`
    return f"{fact.reason}, attempt {fact.attempts}"


KINDS: Mapping[type[Event], EventKind] = {
    SlowConsumer: EventKind("slow_consumer", "Slow consumer closed", BAD, _field("reason")),
    PublishersHeld: EventKind("publishers_held", "Publishers held", WARN, _held, _field("name")),
    AuthorizationFailed: EventKind("login_refused", "Login refused", WARN),
    AuthorizationTimedOut: EventKind("login_refused", "Login timed out", WARN),
    HookBreakerOpened: EventKind("hook_failed", "Hook not called", BAD, _field("point")),
    HookBreakerClosed: EventKind("hook_failed", "Hook works again", GOOD, _field("point")),
    AuthenticatorFailed: EventKind("login_refused", "Authenticator failed", BAD, _field("reason")),
    HandshakeFailed: _tls(_field("reason")),
    ProtectionBroken: _tls(_field("reason")),
    ConnectionsExceeded: _limit("Client limit reached", lambda fact: f"{_field('limit')(fact)} clients"),
    PayloadExceeded: _limit("Message too large", _size),
    AcceptFailed: _limit("Connection not accepted", _field("reason")),
    RouteUp: EventKind("route_up", "Route up", GOOD, _field("direction"), _field("server")),
    RouteDown: EventKind("route_down", "Route down", BAD, _field("reason"), _field("server")),
    RouteUnreachable: EventKind("route_unreachable", "Server not reached", BAD, _attempts, _field("address")),
    RouteSilent: EventKind("route_silent", "Route silent", WARN),
    RouteHeard: EventKind("route_silent", "Route answers again", GOOD),
    RouteRefused: EventKind("route_refused", "Route refused", WARN, _field("reason")),
    RouteErrorReceived: EventKind("route_refused", "Route error", WARN, _field("message")),
    LeafCreated: EventKind("leaf_up", "Leaf link up", GOOD, _end),
    LeafClosed: EventKind("leaf_down", "Leaf link down", BAD, _field("reason"), _field("name")),
    LeafUnreachable: EventKind("leaf_unreachable", "Hub not reached", BAD, _attempts, _field("address")),
    LeafLoginFailed: EventKind(
        "leaf_unreachable", "No login for hub", BAD, _field("reason"), _field("address")
    ),
    LeafRefused: EventKind("leaf_refused", "Leaf link refused", WARN, _field("reason")),
    LeafErrorReceived: EventKind("leaf_refused", "Leaf link error", WARN, _field("error")),
    LeafHubLeaves: EventKind("lame_duck", "Hub in lame duck mode", WARN, who=_field("name")),
    RouteLeaving: EventKind("lame_duck", "Server in lame duck mode", WARN, who=_field("server")),
    LameDuckEntered: EventKind("lame_duck", "Lame duck mode", WARN),
    LameDuckClosing: EventKind(
        "lame_duck", "Closing clients", WARN, lambda fact: f"{_field('count')(fact)} clients"
    ),
    CertificateEnds: EventKind(
        "certificate", "Certificate expires soon", WARN, _field("date"), _field("section")
    ),
    CertificateEnded: EventKind(
        "certificate", "Certificate has expired", BAD, _field("date"), _field("section")
    ),
    LinesDropped: EventKind(
        "log_dropped", "Log lines dropped", BAD, lambda fact: f"{_field('count')(fact)} lines"
    ),
    LogReopenFailed: EventKind("log_dropped", "Log file not reopened", BAD, _field("reason")),
    InternalFailure: _defect("Internal error"),
    ServerFailure: _defect("Internal error"),
    MonitorFailed: _defect("Internal error in monitoring"),
    MonitorUnavailable: EventKind("internal_error", "Monitoring not available", WARN, _field("reason")),
}
"""Events that the dashboard shows."""
