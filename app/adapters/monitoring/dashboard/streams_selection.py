"""The part of a snapshot of JetStream that a reader selects: pages of streams and of consumers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ....ports.broker_view import Steps
from .selection import Order, TablePage, select
from .streams_snapshot import ConsumerRow, StreamRow, StreamsSnapshot

StreamSort: TypeAlias = Callable[[StreamRow], float | str]
ConsumerSort: TypeAlias = Callable[[ConsumerRow], float | str | tuple[int, int]]

NEVER = 2**63 - 1
"""After all times: a stream without a message has no old one."""

STREAM_SORTS: Mapping[str, StreamSort] = {
    "name": lambda row: row.figures.name.casefold(),
    "messages": lambda row: row.figures.messages,
    "bytes": lambda row: row.figures.size,
    "oldest": lambda row: -(row.figures.first_time or NEVER),
    "rate": lambda row: row.rate or 0.0,
    "consumers": lambda row: row.figures.consumers,
    "lag": lambda row: row.lag,
    "unacknowledged": lambda row: row.unacknowledged,
    "redelivered": lambda row: row.redelivered,
}
"""Sort orders of the table of streams. The oldest message is the one of the largest age."""

CONSUMER_SORTS: Mapping[str, ConsumerSort] = {
    "name": lambda row: row.figures.name.casefold(),
    "stream": lambda row: row.figures.stream.casefold(),
    "lag": lambda row: (row.figures.lag, row.figures.unacknowledged),
    "unacknowledged": lambda row: row.figures.unacknowledged,
    "redelivered": lambda row: row.figures.redelivered,
    "waiting": lambda row: row.figures.waiting,
    "delivered": lambda row: row.figures.delivered,
    "rate": lambda row: row.rate or 0.0,
    "acked": lambda row: row.figures.acked_at,
}
"""Sort orders of the table of consumers."""


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Which rows of one table a reader wants."""

    sort: str
    descending: bool = True
    offset: int = 0
    limit: int = 15


@dataclass(frozen=True, slots=True)
class StreamsQuery:
    """What a reader wants of both tables, and whose details."""

    streams: RowSelection
    consumers: RowSelection
    text: str = ""
    """Part of the name of a stream or consumer, or of a subject, in any case."""
    stream: str = ""
    """Whose details are wanted; with `consumer`, those of its consumer."""
    consumer: str = ""


def select_streams(snapshot: StreamsSnapshot, query: StreamsQuery) -> Steps[TablePage[StreamRow]]:
    """The page of streams: those that match, by name or by subject."""
    wanted, by = query.text.casefold(), query.streams
    order = Order(STREAM_SORTS[by.sort], by.descending, by.offset, by.limit)
    return select(snapshot.streams.values(), lambda row: _names(row, wanted), order)


def select_consumers(snapshot: StreamsSnapshot, query: StreamsQuery) -> Steps[TablePage[ConsumerRow]]:
    """The page of consumers: those that match by name, and all of a stream whose name does."""
    wanted, by = query.text.casefold(), query.consumers
    order = Order(CONSUMER_SORTS[by.sort], by.descending, by.offset, by.limit)
    return select(
        snapshot.consumers.values(),
        lambda row: wanted in f"{row.figures.name}\n{row.figures.stream}".casefold(),
        order,
    )


def consumers_of(snapshot: StreamsSnapshot, stream: str, limit: int) -> Steps[TablePage[ConsumerRow]]:
    """Those of one stream, the furthest back first."""
    order = Order(CONSUMER_SORTS["lag"], descending=True, offset=0, limit=limit)
    return select(snapshot.consumers.values(), lambda row: row.figures.stream == stream, order)


def _names(row: StreamRow, wanted: str) -> bool:
    return not wanted or wanted in "\n".join((row.figures.name, *row.figures.subjects)).casefold()
