"""Messages that are stored later: when and what (jetstream-streams.md, section 7).

    Nats-Schedule: @at <time> | @every <duration> | six cron fields | @hourly …
    Nats-Schedule-Target: <subject of the same stream>

The schedule is a message itself, the only one of its subject. What is stored on the target has its
payload, or that of the last message of `Nats-Schedule-Source`.
"""

import heapq
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ...permissions.rule_set import overlap
from ...protocol.json_text import rfc3339
from ...subjects.subject import is_literal, tokens_of
from ..errors import JetStreamError
from ..json_values import parse_time
from ..storage.seam import StoredMessage, StreamLog
from . import headers as h
from .config import StreamConfig
from .cron import BadPattern, Cron
from .durations import SECOND, parse_duration, parse_ttl

AT = "@at "
EVERY = "@every "
PURGE = b"purge"

_SLACK = 64

_STRIPPED = (b"Nats-Schedule", b"Nats-Expected-", h.MSG_ID + b":", h.TTL + b":", h.ROLLUP + b":")
"""Header fields of a schedule that are not those of what it stores."""


class Due(NamedTuple):
    """A time of a schedule."""

    time: int
    repeats: bool


def next_due(fields: Mapping[bytes, bytes], since: int, now: int) -> Due | None:
    """When a schedule is due after `since`; None without one. Raises `JetStreamError`.

    Of several times that have passed only one is made up for.
    """
    pattern = fields.get(h.SCHEDULE, b"").decode("utf-8", "replace")
    zone = _zone(fields)
    if not pattern:
        return None
    if zone is not None and pattern.startswith((AT, EVERY)):
        raise JetStreamError(10189)
    try:
        if pattern.startswith(AT):
            return Due(_time(pattern[len(AT) :]), repeats=False)
        if pattern.startswith(EVERY):
            return Due(_after(pattern[len(EVERY) :], since, now), repeats=True)
        cron = Cron(pattern, zone or UTC)
        due = cron.next_after(since)
        return Due(due if due >= now else cron.next_after(_rounded(now)), repeats=True)
    except (BadPattern, OverflowError):
        raise JetStreamError(10189) from None


def _zone(fields: Mapping[bytes, bytes]) -> tzinfo | None:
    name = fields.get(h.SCHEDULE_TIME_ZONE)
    if name is None:
        return None
    try:
        return ZoneInfo(name.decode())
    except (ValueError, OSError, LookupError):
        raise JetStreamError(10223) from None


def _time(text: str) -> int:
    try:
        return max(1, parse_time(text))
    except JetStreamError as error:
        raise BadPattern(error.description) from None


def _after(text: str, since: int, now: int) -> int:
    interval = parse_duration(text)
    if interval is None or interval < SECOND:
        raise BadPattern("an interval is a second at least")
    due = _rounded(since) + interval
    return due if due >= now else _rounded(now) + interval


def _rounded(time: int) -> int:
    """To the nearest second."""
    return (time + SECOND // 2) // SECOND * SECOND


def check_schedule(
    config: StreamConfig, subject: bytes, fields: Mapping[bytes, bytes], now: int
) -> Due | None:
    """When a message is due, if it is a schedule. Raises `JetStreamError`."""
    try:
        due = next_due(fields, now, now)
    except JetStreamError as error:
        raise error if config.allow_msg_schedules else JetStreamError(10188) from None
    if due is None:
        return None
    if not config.allow_msg_schedules:
        raise JetStreamError(10188)
    ttl = fields.get(h.SCHEDULE_TTL, b"")
    if parse_ttl(ttl) is None:
        raise JetStreamError(10191)
    if fields.get(h.SCHEDULE_ROLLUP, b"sub") not in (b"", b"sub"):
        raise JetStreamError(10192)
    if ttl and not config.allow_msg_ttl:
        raise JetStreamError(10166)
    target, source = fields.get(h.SCHEDULE_TARGET, b""), fields.get(h.SCHEDULE_SOURCE, b"")
    if target == subject or not _is_captured(target, config.subjects):
        raise JetStreamError(10190)
    if source and (source in (target, subject) or not _is_captured(source, config.subjects)):
        raise JetStreamError(10203)
    if fields.get(h.ROLLUP, b"sub") not in (b"", b"sub"):
        raise JetStreamError(10192)
    return due


def _is_captured(subject: bytes, patterns: Sequence[str]) -> bool:
    tokens = tokens_of(subject)
    return is_literal(subject) and any(overlap(tokens_of(each.encode()), tokens) for each in patterns)


def check_end_of_schedule(
    config: StreamConfig, subject: bytes, fields: Mapping[bytes, bytes], last: StoredMessage | None
) -> bytes:
    """The subject of the schedule that a message ends; empty for none. Raises `JetStreamError`.

    `last` is the last message of the subject that `Nats-Scheduler` names.
    """
    scheduler, following = fields.get(h.SCHEDULER, b""), fields.get(h.SCHEDULE_NEXT, b"")
    if not following:
        if scheduler:
            raise JetStreamError(10212)
        return b""
    if following != PURGE or scheduler == subject or not is_literal(scheduler):
        raise JetStreamError(10212)
    if not config.allow_msg_schedules:
        raise JetStreamError(10188)
    if last is not None and not h.field(last.headers, h.SCHEDULE):
        raise JetStreamError(10212)
    return scheduler


class Firing(NamedTuple):
    """What a schedule stores when it is due."""

    subject: bytes
    headers: bytes
    payload: bytes
    ttl: bytes
    rollup: bytes
    ends: bytes
    """The subject of the schedule, if this was its only time."""
    following: int
    """The next time; 0 if this was the only one."""


def firing_of(schedule: StoredMessage, source: StoredMessage | None, due: int, now: int) -> Firing | None:
    """What is stored for a schedule; None if it is none. `source` is the message whose content it has."""
    fields = h.special_fields(schedule.headers)
    try:
        following = next_due(fields, due, now)
    except JetStreamError:
        following = None
    target = fields.get(h.SCHEDULE_TARGET, b"")
    if following is None or not is_literal(target):
        return None
    ttl, rollup = fields.get(h.SCHEDULE_TTL, b""), fields.get(h.SCHEDULE_ROLLUP, b"")
    content = source or schedule
    again = rfc3339(following.time).encode() if following.repeats else PURGE
    added = [(h.SCHEDULER, schedule.subject), (h.SCHEDULE_NEXT, again)]
    added += [(name, value) for name, value in ((h.TTL, ttl), (h.ROLLUP, rollup)) if value]
    lines = [line for line in content.headers.split(h.END) if not line.startswith(_STRIPPED)]
    return Firing(
        target,
        h.with_fields(h.END.join(lines), added),
        content.payload,
        ttl,
        rollup,
        b"" if following.repeats else schedule.subject,
        following.time if following.repeats else 0,
    )


class Schedules:
    """The schedules of one stream in the order of their times."""

    def __init__(self, log: StreamLog) -> None:
        self._log = log
        self._dues: list[tuple[int, int]] = []
        """Times and sequences; a heap. Some of the messages may be gone."""

    def __len__(self) -> int:
        return len(self._dues)

    def add(self, sequence: int, time: int) -> None:
        """This message is due at that time."""
        heapq.heappush(self._dues, (time, sequence))
        if len(self._dues) > 2 * self._log.count + _SLACK:
            self._dues = [each for each in self._dues if self._log.time_of(each[1])]
            heapq.heapify(self._dues)

    def drop(self, first: int) -> None:
        """Messages from this sequence on were taken back."""
        self._dues = [each for each in self._dues if each[1] < first]
        heapq.heapify(self._dues)

    @property
    def next_due(self) -> int | None:
        """When the next one is due; None without any."""
        return self._dues[0][0] if self._dues else None

    def pop(self, now: int) -> tuple[int, int] | None:
        """The time and the sequence of one that is due; None if there is none."""
        while self._dues and self._dues[0][0] <= now:
            due = heapq.heappop(self._dues)
            if self._log.time_of(due[1]):
                return due
        return None
