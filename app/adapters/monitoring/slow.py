"""The answer of ``/slowz``, made from the broker's view."""

from ...ports.broker_view import SlowReceiver
from .context import MonitoringContext
from .formats import rfc3339
from .schemas import SlowEntry, SlowSubject, Slowz


def slowz(context: MonitoringContext) -> Slowz:
    """Receivers that others waited for, or that were closed for it."""
    facts, receivers = context.view.server(), context.view.slow_receivers()
    return Slowz(
        now=rfc3339(context.wall_time.now()),
        held_publishers=facts.held_publishers,
        slow_consumers=facts.slow_consumers,
        total=len(receivers),
        receivers=[_entry(context, receiver) for receiver in reversed(receivers)],
    )


def _entry(context: MonitoringContext, receiver: SlowReceiver) -> SlowEntry:
    of, backlog, found = context.wall_time.of, receiver.backlog, receiver.backlog.found
    return SlowEntry(
        action=receiver.action.value,
        kind=receiver.kind,
        cid=receiver.number,
        name=receiver.name,
        ip=receiver.ip,
        port=receiver.port,
        at=rfc3339(of(receiver.at)),
        reason=receiver.reason,
        behind_since=None if receiver.since is None else rfc3339(of(receiver.since)),
        pending_bytes=receiver.pending_bytes,
        pending_messages=found.messages,
        known_bytes=found.size,
        counting=None if backlog.is_counted else True,
        publishers=receiver.publishers,
        subjects=[
            SlowSubject(
                subject=each.subject.decode("utf-8", "replace"), messages=each.messages, bytes=each.size
            )
            for each in found.subjects
        ],
    )
