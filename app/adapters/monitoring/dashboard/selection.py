"""Which part of the findings a reader wants to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Generic, TypeVar

from app.adapters.monitoring.dashboard.findings import (
    ClientRow,
    Findings,
    SubjectRow,
    is_troubled,
    rank,
    slices,
)
from app.ports.broker_view import Steps

R = TypeVar("R")
_Key = Callable[[ClientRow], float | str | tuple[str, int] | tuple[int, bool, float]]

SORTS: Mapping[str, _Key] = {
    "cid": lambda row: row.stats.connection.cid,
    "name": lambda row: row.stats.profile.name.casefold(),
    "address": lambda row: (row.stats.connection.ip, row.stats.connection.port),
    "language": lambda row: f"{row.stats.profile.lang} {row.stats.profile.version}",
    # Most clients have nothing pending: those who wait, and then those who do something, come first.
    "pending": lambda row: (
        row.stats.connection.pending_bytes,
        bool(row.stats.connection.waits_for),
        _activity(row),
    ),
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


def _activity(row: ClientRow) -> float:
    """Messages per second, both ways."""
    return (row.to_rate or 0.0) + (row.from_rate or 0.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader has chosen."""

    sort: str = "pending"
    descending: bool = True
    text: str = ""
    """Part of a name, an address, a language or a version, in any case."""
    slow: bool = False
    """Only those who are slow, or held."""
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


def select_clients(findings: Findings, choice: Choice) -> Steps[Part[ClientRow]]:
    """The page of clients. One behind the end is the last one that there is."""
    key, wanted, matched = SORTS[choice.sort], choice.text.casefold(), 0
    runs = []
    for rows in slices(findings.clients):
        fitting = [row for row in rows if _fits(row, choice, wanted, findings.slow_above)]
        matched += len(fitting)
        runs.append(sorted(fitting, key=key, reverse=choice.descending))
        yield
    # They come in the order of arrival, which sorting and merging keep among equals.
    ordered = merge(*runs, key=key, reverse=choice.descending)
    offset = choice.offset
    if offset >= matched:
        offset = max(0, matched - 1) // choice.limit * choice.limit
    for _ in slices(islice(ordered, offset)):
        yield
    return Part(list(islice(ordered, choice.limit)), offset, matched, len(findings.clients))


def select_subjects(findings: Findings, choice: Choice) -> Steps[Part[SubjectRow]]:
    """The busiest subjects, of all or of those that fit."""
    total = len(findings.subjects)
    if not choice.subject:
        return Part(findings.busiest, 0, total, total)
    wanted = choice.subject.casefold()
    fitting: list[SubjectRow] = []
    for rows in slices(findings.subjects.values()):
        fitting += [row for row in rows if wanted in row.subject.casefold()]
        yield
    busiest = yield from rank(fitting)
    return Part(busiest, 0, len(fitting), total)


def _fits(row: ClientRow, choice: Choice, wanted: str, slow_above: int) -> bool:
    if choice.slow and not is_troubled(row.stats, slow_above):
        return False
    return not wanted or wanted in row.text
