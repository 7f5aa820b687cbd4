"""Which part of the findings a reader wants to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Generic, TypeVar

from app.adapters.monitoring.dashboard.findings import ClientRow, Findings, SubjectRow

BUSIEST = 12
"""Subjects that are shown."""

R = TypeVar("R")
_Key = Callable[[ClientRow], float | str | tuple[str, int]]

SORTS: Mapping[str, _Key] = {
    "cid": lambda row: row.stats.connection.cid,
    "name": lambda row: row.stats.profile.name.casefold(),
    "address": lambda row: (row.stats.connection.ip, row.stats.connection.port),
    "language": lambda row: f"{row.stats.profile.lang} {row.stats.profile.version}",
    "pending": lambda row: row.stats.connection.pending_bytes,
    "to_rate": lambda row: row.to_rate or 0.0,
    "from_rate": lambda row: row.from_rate or 0.0,
    "msgs_to": lambda row: row.stats.connection.traffic.out_msgs,
    "msgs_from": lambda row: row.stats.connection.traffic.in_msgs,
    "bytes_to": lambda row: row.stats.connection.traffic.out_bytes,
    "bytes_from": lambda row: row.stats.connection.traffic.in_bytes,
    "subs": lambda row: row.stats.subscriptions,
    "idle": lambda row: -row.stats.connection.last_activity,
    "uptime": lambda row: -row.stats.connection.started,
}
"""The columns of the table of clients."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader has chosen."""

    sort: str = "pending"
    descending: bool = True
    text: str = ""
    """Part of a name, an address, a language or a version, in any case."""
    slow: bool = False
    """Only those who are slow."""
    offset: int = 0
    limit: int = 15
    subject: str = ""
    """Part of a subject, in any case."""


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """The rows that are shown, and of how many."""

    rows: list[R]
    offset: int
    matched: int
    total: int


def select_clients(findings: Findings, choice: Choice, slow_above: int) -> Part[ClientRow]:
    """The page of clients. One behind the end is the last one that there is."""
    rows = findings.clients
    if choice.slow:
        rows = [row for row in rows if is_slow(row, slow_above)]
    if choice.text:
        wanted = choice.text.casefold()
        rows = [row for row in rows if wanted in row.text]
    # They come in the order of arrival, which the sort keeps among equals.
    ordered = sorted(rows, key=SORTS[choice.sort], reverse=choice.descending)
    offset = choice.offset
    if offset >= len(ordered):
        offset = max(0, len(ordered) - 1) // choice.limit * choice.limit
    page = ordered[offset : offset + choice.limit]
    return Part(page, offset, len(ordered), len(findings.clients))


def select_subjects(findings: Findings, choice: Choice) -> Part[SubjectRow]:
    """The subjects with the most deliveries now; ties go by all deliveries so far."""
    wanted = choice.subject.casefold()
    rows = [row for row in findings.subjects.values() if wanted in row.subject.casefold()]
    busiest = nlargest(BUSIEST, rows, key=lambda row: (row.rate or 0.0, row.delivered))
    return Part(busiest, 0, len(rows), len(findings.subjects))


def is_slow(row: ClientRow, slow_above: int) -> bool:
    """Whether so much is pending for it that its publishers wait."""
    return row.stats.connection.pending_bytes >= slow_above


def count_slow(findings: Findings, slow_above: int) -> int:
    """Clients that are slow now."""
    return sum(is_slow(row, slow_above) for row in findings.clients)
