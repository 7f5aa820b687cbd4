"""Snapshots of counters. Bytes count payload only (client-protocol.md, sections 7 and 10)."""

from dataclasses import dataclass

from app.domain.index import IndexStats
from app.domain.security import Security


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages received ("in") and delivered ("out")."""

    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """One client. Times in seconds on the monotonic scale."""

    cid: int
    ip: str
    port: int
    started: float
    last_activity: float
    pending_bytes: int
    traffic: Traffic
    security: Security | None = None
    """How its link is protected; None for a plain one."""


@dataclass(frozen=True, slots=True)
class ServerStats:
    """The whole broker."""

    connections: int
    """Clients now."""
    total_connections: int
    """Clients ever."""
    slow_consumers: int
    traffic: Traffic
    subscriptions: IndexStats
