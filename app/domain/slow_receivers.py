"""Receivers that others waited for, or that were closed as too slow: the latest, with what waited for them.

What is pending is bytes by then, of which nobody knows the subjects. So the counts of messages that each
subscription has are listed, and how much they have grown since the receiver became congested. That costs
nothing while no receiver is congested.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

KEPT = 100
"""Receivers that are remembered."""

MOST_SUBSCRIPTIONS = 256
"""Subscriptions of one receiver that are counted."""

MOST_SUBJECTS = 16
"""Subjects that are listed for each, those with most messages."""

Counts = Mapping[bytes, tuple[bytes, int]]
"""By sid: the subject of a subscription, and how many messages it has had."""


class SlowAction(Enum):
    """What became of a receiver."""

    HELD = "held"
    """Publishers waited for it."""
    CUT = "cut"
    """It was closed."""


@dataclass(frozen=True, slots=True)
class SubjectBacklog:
    """What came for a receiver on a subject, as it has subscribed to it."""

    subject: bytes
    messages: int
    """Since it subscribed."""
    behind: int
    """Since it fell behind: publishers that are held send no more, so there may be none."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What came for a receiver that is too slow."""

    since: float | None = None
    """When that was, on the monotonic scale; None if it was not congested."""
    subjects: tuple[SubjectBacklog, ...] = ()
    """Those with most messages first."""


@dataclass(frozen=True, slots=True)
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
    reason: str
    pending_bytes: int
    publishers: int
    """Those that waited for it."""
    backlog: Backlog


SlowLog = deque[SlowReceiver]


def backlog_of(since: float | None, before: Counts, now: Counts) -> Backlog:
    """By subject: all messages, and those that came between two counts."""
    sums: dict[bytes, tuple[int, int]] = {}
    for sid, (subject, count) in now.items():
        earlier = before.get(sid, (subject, 0))[1]
        total, behind = sums.get(subject, (0, 0))
        sums[subject] = total + count, behind + count - earlier
    found = [SubjectBacklog(subject, *counts) for subject, counts in sums.items() if counts[0]]
    found.sort(key=lambda each: (-each.behind, -each.messages, each.subject))
    return Backlog(since, tuple(found[:MOST_SUBJECTS]))
