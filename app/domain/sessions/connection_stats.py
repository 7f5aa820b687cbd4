"""Snapshots of a connection, for monitoring."""

from typing import TYPE_CHECKING

from ..slow_receivers import Backlog, SlowAction, SlowReceiver
from ..stats import ConnectionStats, Traffic
from .flow import Flow

if TYPE_CHECKING:
    from .connection import Connection


def stats_of(connection: "Connection", flow: Flow) -> ConnectionStats:
    """Times on the monotonic scale."""
    inlet, outbox, peer = connection.inlet, connection.outbox, connection.wire.peer
    return ConnectionStats(
        cid=connection.cid,
        ip=peer.ip,
        port=peer.port,
        started=connection.started,
        last_activity=connection.last_activity,
        pending_bytes=outbox.pending(),
        traffic=Traffic(inlet.in_msgs, inlet.in_bytes, outbox.out_msgs, outbox.out_bytes),
        security=connection.wire.security,
        holds=flow.holds(connection),
        waits_for=tuple(waiting.title for waiting in flow.waits_for(connection)),
        rtt=connection.rtt,
        credentials=peer.credentials,
    )


def slow_receiver(
    connection: "Connection", flow: Flow, action: SlowAction, reason: str, now: float
) -> SlowReceiver:
    """What is known of a receiver that is too slow."""
    peer = connection.wire.peer
    number, name = connection.title
    return SlowReceiver(
        action=action,
        kind=connection.link.kind,
        number=number,
        name=name,
        ip=peer.ip,
        port=peer.port,
        at=now,
        since=flow.congested_since(connection),
        reason=reason,
        pending_bytes=connection.outbox.pending(),
        publishers=flow.holds(connection),
        backlog=Backlog(),
    )
