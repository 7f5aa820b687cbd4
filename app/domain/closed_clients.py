"""The last clients whose connections were closed (ADR 0044)."""

from collections import deque
from itertools import islice
from typing import NamedTuple

from .closing_reason import ClosingReason
from .peer_kind import LEAF_KINDS, PeerKind
from .security.link_security import Security
from .stats import ClientStats, Closing, ConnectionStats, Profile, Traffic, Violations

CLOSED_CLIENTS = 10_000
"""Closed clients that are kept; the oldest is dropped for the next one."""

TEXT_LENGTH = 128
"""Characters that are kept of each text that a client has written."""


class ClosedClient(NamedTuple):
    """What is kept of a closed client. Times in seconds on the monotonic scale.

    It is one flat object, since one is made for each closing, and thousands are kept.
    """

    cid: int
    ip: str
    port: int
    started: float
    last_activity: float
    stopped: float
    reason: ClosingReason
    rtt: float
    pending_bytes: int
    """What was still to be sent."""
    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int
    subscriptions: int
    """At the end."""
    security: Security | None
    websocket: bool
    user: str
    name: str
    lang: str
    version: str

    def stats(self) -> ClientStats:
        """The same as for a client that is here."""
        return ClientStats(
            connection=ConnectionStats(
                cid=self.cid,
                ip=self.ip,
                port=self.port,
                started=self.started,
                last_activity=self.last_activity,
                pending_bytes=self.pending_bytes,
                traffic=Traffic(self.in_msgs, self.in_bytes, self.out_msgs, self.out_bytes),
                security=self.security,
                rtt=self.rtt,
            ),
            profile=Profile(self.name, self.lang, self.version, self.user),
            subscriptions=self.subscriptions,
            websocket=self.websocket,
            closing=Closing(self.stopped, self.reason.value),
        )


class ClosedClients:
    """A ring of them."""

    def __init__(self, capacity: int = CLOSED_CLIENTS) -> None:
        self._ring: deque[ClosedClient] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._ring)

    def add(self, client: ClosedClient) -> None:
        """Keep one more."""
        self._ring.append(client)

    def latest(self, count: int) -> list[ClosedClient]:
        """The last ones to go, the latest first."""
        return list(islice(reversed(self._ring), count))

    def all(self) -> list[ClosedClient]:
        """Those that are kept now, oldest first; a list of its own."""
        return list(self._ring)


class PeerHistory:
    """What is kept of peers that were refused something, or have gone."""

    def __init__(self, capacity: int = CLOSED_CLIENTS) -> None:
        self.closed = ClosedClients(capacity)
        self.violations = Violations()
        self.stale_connections = 0
        """Peers that were closed because they left pings unanswered, since the start."""
        self.stale_routes = 0
        """Routes among them."""
        self.stale_leaves = 0
        """Leaf links among them."""

    def note_stale(self, kind: PeerKind) -> None:
        """Count one more."""
        self.stale_connections += 1
        self.stale_routes += kind is PeerKind.ROUTE
        self.stale_leaves += kind in LEAF_KINDS
