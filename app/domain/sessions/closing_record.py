"""Closing record: what is kept of a closed client (ADR 0044)."""

from ..closed_clients import TEXT_LENGTH, ClosedClient
from ..closing_reason import ClosingReason
from ..named_tuple import made
from ..stats import Profile
from .connection import Connection


def closing_record(
    connection: Connection, profile: Profile, subscriptions: int, now: float, *, over_websocket: bool
) -> ClosedClient:
    """The record of a client that has this number of subscriptions, and is closed now."""
    inlet, outbox, peer = connection.inlet, connection.outbox, connection.wire.peer
    record = (
        connection.cid,
        peer.ip,
        peer.port,
        connection.started,
        connection.last_activity,
        now,
        connection.closing or ClosingReason.CLIENT_CLOSED,
        connection.rtt,
        outbox.pending(),
        inlet.in_msgs,
        inlet.in_bytes,
        outbox.out_msgs,
        outbox.out_bytes,
        subscriptions,
        connection.wire.security,
        over_websocket,
        profile.user,
        profile.name[:TEXT_LENGTH],
        profile.lang[:TEXT_LENGTH],
        profile.version[:TEXT_LENGTH],
    )
    return made(ClosedClient, record)
