"""Slow receivers: those that delayed others or were closed, with their pending data and the reason."""

from enum import Enum

from .pending_subjects import PendingSubjects, SubjectBacklog
from .value_object import value_object

__all__ = ["KEPT", "Backlog", "PendingSubjects", "SlowAction", "SlowReceiver", "SubjectBacklog"]

KEPT = 100
"""Receivers that are remembered."""


class SlowAction(Enum):
    """What became of a receiver."""

    HELD = "held"
    """Publishers waited for it."""
    CUT = "cut"
    """It was closed."""


class Backlog:
    """What a receiver had pending, by subject; it is counted soon after, in steps."""

    __slots__ = ("found", "is_counted")

    def __init__(self, found: PendingSubjects | None = None) -> None:
        """`found` is what was counted; None if that is to come."""
        self.found = found or PendingSubjects()
        self.is_counted = found is not None


@value_object
class SlowReceiver:
    """One of them. Times are on the monotonic scale."""

    action: SlowAction
    kind: str
    """``cid`` for a client, ``rid`` for a route."""
    number: int
    name: str
    """The name that the peer gave itself; may be empty."""
    ip: str
    port: int
    at: float
    since: float | None
    """When it fell behind; None if it was not congested."""
    reason: str
    pending_bytes: int
    publishers: int
    """Those that waited for it."""
    backlog: Backlog
