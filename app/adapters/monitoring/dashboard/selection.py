"""The part of a snapshot that a reader selects: a page of clients, and the busiest subjects."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar

from ....ports.broker_view import ClientStats, Steps
from ..connections import CLIENT_COLUMNS, Column
from .snapshot import (
    ClientRow,
    Snapshot,
    SubjectRow,
    batches,
    is_affected,
    rank,
)

R = TypeVar("R")
SortKey: TypeAlias = Callable[[ClientRow], float | str | tuple[str, int] | tuple[int, bool, float]]


def _by(column: Column[ClientStats]) -> SortKey:
    """The order of a column's values. Durations are compared at one moment, so any will do."""

    def key(row: ClientRow) -> float:
        value: float = column.read(row.stats, 0.0)
        return value

    return key


def _activity(row: ClientRow) -> float:
    """Messages per second, both ways."""
    return (row.to_rate or 0.0) + (row.from_rate or 0.0)


SORTS: Mapping[str, SortKey] = {
    **{column.feed: _by(column) for column in CLIENT_COLUMNS.values() if column.sortable},
    "name": lambda row: row.stats.profile.name.casefold(),
    "address": lambda row: (row.stats.connection.ip, row.stats.connection.port),
    "language": lambda row: f"{row.stats.profile.lang} {row.stats.profile.version}",
    # Most clients have nothing pending, so waiting publishers come next, and then busy clients.
    "pending": lambda row: (
        row.stats.connection.pending_bytes,
        bool(row.stats.connection.waits_for),
        _activity(row),
    ),
    "to_rate": lambda row: row.to_rate or 0.0,
    "from_rate": lambda row: row.from_rate or 0.0,
}
"""Sort orders of the table of clients: its plain columns, and those made of several fields."""


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which rows of the tables a reader wants."""

    sort: str = "pending"
    descending: bool = True
    text: str = ""
    """Part of a name, an address, a language or a version, in any case."""
    slow: bool = False
    """Only clients that are slow, or held."""
    offset: int = 0
    limit: int = 15
    subject: str = ""
    """Part of a subject, in any case."""


@dataclass(frozen=True, slots=True)
class TablePage(Generic[R]):
    """The selected rows, and the numbers of rows that match and that exist."""

    rows: list[R]
    offset: int
    matched: int
    total: int


@dataclass(frozen=True, slots=True)
class Order(Generic[R]):
    """In which order rows come, and how many of them are shown from where on."""

    key: Callable[[R], Any]
    descending: bool
    offset: int
    limit: int


def select(rows: Iterable[R], is_wanted: Callable[[R], bool], order: Order[R]) -> Steps[TablePage[R]]:
    """The page of these rows. An offset past the end gives the last page."""
    total = matched = 0
    runs = []
    for some in batches(rows):
        matching = [row for row in some if is_wanted(row)]
        total += len(some)
        matched += len(matching)
        runs.append(sorted(matching, key=order.key, reverse=order.descending))
        yield
    # Rows are in the order of arrival, which sorting and merging keep among equals.
    ordered = merge(*runs, key=order.key, reverse=order.descending)
    offset = order.offset
    if offset >= matched:
        offset = max(0, matched - 1) // order.limit * order.limit
    for _ in batches(islice(ordered, offset)):
        yield
    return TablePage(list(islice(ordered, order.limit)), offset, matched, total)


def select_clients(snapshot: Snapshot, query: TableQuery) -> Steps[TablePage[ClientRow]]:
    """The page of clients."""
    wanted, slow_above = query.text.casefold(), snapshot.slow_above
    order = Order(SORTS[query.sort], query.descending, query.offset, query.limit)
    return select(snapshot.clients, lambda row: _matches(row, query, wanted, slow_above), order)


def select_subjects(snapshot: Snapshot, query: TableQuery) -> Steps[TablePage[SubjectRow]]:
    """The busiest subjects, of all or of those that match."""
    total = len(snapshot.subjects)
    if not query.subject:
        return TablePage(snapshot.busiest, 0, total, total)
    wanted = query.subject.casefold()
    matching: list[SubjectRow] = []
    for rows in batches(snapshot.subjects.values()):
        matching += [row for row in rows if wanted in row.subject.casefold()]
        yield
    busiest = yield from rank(matching)
    return TablePage(busiest, 0, len(matching), total)


def _matches(row: ClientRow, query: TableQuery, wanted: str, slow_above: int) -> bool:
    if query.slow and not is_affected(row.stats, slow_above):
        return False
    return not wanted or wanted in row.text
