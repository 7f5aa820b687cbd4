"""Snapshots of counters. Bytes count payload only (client-protocol.md, sections 7 and 10)."""

from dataclasses import dataclass
from typing import NamedTuple

from .permissions.rules import Permissions
from .security.link_security import PeerCredentials, Security
from .value_object import value_object


@value_object
class Traffic:
    """Messages received ("in") and delivered ("out")."""

    in_msgs: int
    in_bytes: int
    out_msgs: int
    out_bytes: int


@value_object
class ConnectionStats:
    """The link to one peer. Times in seconds on the monotonic scale."""

    cid: int
    ip: str
    port: int
    started: float
    last_activity: float
    pending_bytes: int
    traffic: Traffic
    security: Security | None = None
    """How its link is protected; None for a plain one."""
    holds: int = 0
    """Publishers that wait for it."""
    waits_for: tuple[tuple[int, str], ...] = ()
    """Number and name of the receivers that it waits for, as a publisher."""
    rtt: float = 0.0
    """Seconds between a ping and its answer, the last time that was measured; 0 before the first."""
    credentials: PeerCredentials | None = None
    """The process of the peer, if it came in at a unix socket and the system knows it."""


@dataclass(slots=True)
class Violations:
    """What clients were refused, ever."""

    headers: int = 0
    """Messages whose headers have impossible sizes, or that may have none."""
    permissions: int = 0
    """Messages and subscriptions without a permission."""


@value_object
class Denial:
    """A message or subscription that a client had no right to. The time is on the monotonic scale."""

    at: float
    text: str
    """What it was, in the words of the error."""


@value_object
class ClientRights:
    """What decides what one client may do."""

    user: str
    """Whom it logged in as; may be empty."""
    admitted: bool
    """Whether it has logged in, or need not."""
    permissions: Permissions | None
    reply_is_open: bool
    """Whether the subject in question is a reply subject that the client may publish to now."""
    echo: bool
    """Whether the client gets its own messages."""
    denials: tuple[Denial, ...]
    """The latest of them, oldest first."""


class Profile(NamedTuple):
    """What a client's CONNECT says about it, and its user; empty where it says nothing."""

    name: str
    lang: str
    version: str
    user: str
    """Whom it logged in as."""


@value_object
class SubscriptionStats:
    """One subscription."""

    subject: str
    queue: str
    """The queue group, or empty."""
    sid: str
    delivered: int
    """Messages delivered so far."""
    limit: int
    """Messages after which it ends; 0 for none."""
    number: int
    """Of the connection it belongs to."""


@value_object
class Closing:
    """When a connection ended, on the monotonic scale, and why, in words."""

    at: float
    reason: str


@value_object
class ClientStats:
    """One client."""

    connection: ConnectionStats
    profile: Profile
    subscriptions: int
    subscription_list: tuple[SubscriptionStats, ...] = ()
    """Empty unless it was asked for."""
    websocket: bool = False
    """Whether it came in over a websocket."""
    closing: Closing | None = None
    """None for a client that is here."""


@value_object
class RouteStats:
    """One route."""

    connection: ConnectionStats
    remote_id: str
    """Server id of the peer."""
    solicited: bool
    """Whether this server dialled."""
    configured: bool
    """Whether the peer is in the configured list."""
    subscriptions: int
    subscription_list: tuple[SubscriptionStats, ...] = ()
    """Empty unless it was asked for."""
    name: str = ""
    """The name of the peer, or its server id."""
    rtt: float = 0.0
    """Seconds between the last ping and its answer; 0 before the first answer."""


@value_object
class LeafStats:
    """One leaf link."""

    connection: ConnectionStats
    name: str
    """What the peer calls itself."""
    is_spoke: bool
    """Whether this server is the leaf, and the peer its hub."""
    solicited: bool
    """Whether this server dialled."""
    account: str
    subscriptions: int
    subscription_list: tuple[SubscriptionStats, ...] = ()
    """Empty unless it was asked for."""
