"""Facts of the server as a whole, and pages of connections and subscriptions, as a view gives them."""

from dataclasses import dataclass

from ..closed_clients import ClosedClient
from ..lame_duck import LameDuckFacts
from ..limits import Limits
from ..protocol.encode import ServerInfo
from ..slow_receivers import SlowReceiver
from ..stats import ClientStats, SubscriptionStats, Traffic, Violations


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """Some of all connections."""

    total: int
    rows: tuple[ClientStats, ...]


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """Which of all connections belong on a page, in its order."""

    total: int
    chosen: tuple[int | ClosedClient, ...]
    """Numbers of those that are here, whose rows are to be had with `LiveView.client`."""


@dataclass(frozen=True, slots=True)
class ConnectionTotals:
    """Sums over all connections that are here now."""

    connections: int
    pending_bytes: int
    subscriptions: int
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """Some of all subscriptions of clients, by client."""

    total: int
    rows: tuple[SubscriptionStats, ...]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Where other servers connect, and what they need."""

    host: str
    port: int
    auth_timeout: float
    tls: bool


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server as a whole. Times in seconds on the monotonic scale."""

    info: ServerInfo
    limits: Limits
    started: float
    connections: int
    total_connections: int
    closed_clients: int
    """Closed ones that are known."""
    routes: int
    remotes: int
    """Distinct servers at the other ends of routes."""
    slow_consumers: int
    slow_routes: int
    """Routes among them."""
    stale_connections: int
    """Peers that were closed because they left pings unanswered."""
    stale_routes: int
    """Routes among them."""
    violations: Violations
    slow_consumer_log: tuple[SlowReceiver, ...]
    """The latest of them, oldest first."""
    held_publishers: int
    """Publishers that wait for a slow receiver now."""
    held_seconds: float
    """Seconds that publishers have waited for receivers, in total."""
    traffic: Traffic
    client_traffic: Traffic
    """That of clients alone."""
    subscriptions: int
    cluster: ClusterFacts | None
    """None for a server without a cluster."""
    lame_duck: LameDuckFacts | None = None
    """None unless the server is in lame duck mode."""
    leaves: int = 0
    """Leaf links whose handshake is over."""
    slow_leaves: int = 0
    stale_leaves: int = 0
    """Leaf links among the slow and the stale."""
    leaf_port: int = 0
    """Where leaf nodes connect; 0 without a listener."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the server does its work."""

    serving: bool
    """Clients can connect."""
    ready: bool
    """New clients are accepted."""
