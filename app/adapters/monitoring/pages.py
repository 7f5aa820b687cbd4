"""The answers of the pages, as JSON, made from the broker's view.

A page with many rows is written a few rows at a time, and a row with many subscriptions
a few subscriptions at a time; see `Chunks`. Nothing that is written is kept.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from ...domain.subjects.subject import matches, tokens_of
from ...ports.broker_view import (
    ACCOUNT,
    ClientStats,
    ClosedClient,
    ConnectionQuery,
    ConnectionState,
    LeafStats,
    RouteStats,
    Steps,
    SubscriptionStats,
    Traffic,
)
from .connections import (
    ConnectionInfo,
    Connz,
    RouteEntry,
    Routez,
    RowContext,
    UnreachableEntry,
    connection_info,
    route_entry,
)
from .context import MonitoringContext
from .formats import html_safe, indented, rfc3339
from .parameters import DEFAULT_LIMIT
from .schemas import (
    AccountStat,
    AccountTraffic,
    Accstatz,
    DataStats,
    Gatewayz,
    SubscriptionDetail,
    Subsz,
)
from .stepper import Chunks

ROWS_PER_STEP = 16
"""Rows without lists that one step writes, in half a millisecond."""

MAX_SNAPSHOT = 4096
"""Largest page, in clients, that is read at once; rows of a larger one are read as they are written."""

_connection_rows = TypeAdapter(list[ConnectionInfo])
_route_rows = TypeAdapter(list[RouteEntry])
_subscription_rows = TypeAdapter(list[SubscriptionDetail])
_subject_rows = TypeAdapter(list[str])

Listed = Iterator[tuple[SubscriptionStats, ...]]

_ALL = 1 << 48
"""More entries than there are."""

IN_PAGE, IN_ROW = b" " * 2, b" " * 6
"""Indentation of a list's lines, besides the two blanks of their own level."""

T = TypeVar("T")
Row = TypeVar("Row")


# --- connections ------------------------------------------------------------------------


def connz(
    context: MonitoringContext, query: ConnectionQuery, *, auth: bool = False, detail: bool = False
) -> Chunks:
    """A page of clients; with `auth` their users, with `detail` figures of their subscriptions."""
    total, chosen = yield from _chosen(context, query)
    now = context.view.monotonic()
    head = Connz(
        server_id=context.view.server().info.server_id if context.is_current else None,
        now=rfc3339(context.wall_time.of(now)),
        num_connections=len(chosen),
        total=total,
        offset=query.offset,
        limit=query.limit,
        connections=[],
    )
    row_context = RowContext(now, context.wall_time, is_current=context.is_current)
    rows = (connection_info(stats, row_context, auth=auth) for stats in _present(context, chosen))
    if query.subscriptions:
        yield from with_rows(head, _with_lists(context, rows, detail=detail))
    else:
        yield from with_rows(head, in_steps(rows, _connection_rows))


Chosen = ClientStats | ClosedClient | int
"""A row of a page: its statistics, or what they can be made of when the row is written."""


def _chosen(
    context: MonitoringContext, query: ConnectionQuery
) -> Generator[bytes, None, tuple[int, Sequence[Chosen]]]:
    """The number of clients, and those of the page; the statistics of a large page are taken later."""
    facts = context.view.server()
    clients = {
        ConnectionState.OPEN: facts.connections,
        ConnectionState.CLOSED: facts.closed_clients,
        ConnectionState.ALL: facts.connections + facts.closed_clients,
    }[query.state]
    if min(query.limit, clients) <= MAX_SNAPSHOT:
        page = yield from without_bytes(context.view.connections(replace(query, subscriptions=False)))
        return page.total, page.rows
    choice = yield from without_bytes(context.view.choose(query))
    return choice.total, choice.chosen


def _present(context: MonitoringContext, chosen: Iterable[Chosen]) -> Iterator[ClientStats]:
    """Statistics of the chosen clients; one that has left since it was chosen is skipped."""
    for one in chosen:
        if isinstance(one, ClosedClient):
            yield one.stats()
        elif isinstance(one, ClientStats):
            yield one
        elif (stats := context.view.client(one)) is not None:
            yield stats


def _with_lists(context: MonitoringContext, rows: Iterable[ConnectionInfo], *, detail: bool) -> Chunks:
    """The rows as text, each with its client's subscriptions."""
    for row in rows:
        listed = context.view.subscriptions_of(row.cid)
        if detail:
            yield from row_with_list(row, "subscriptions_list_detail", _details(context, listed, IN_ROW))
        else:
            yield from row_with_list(row, "subscriptions_list", subjects_in_row(listed))


# --- routes and subscriptions -----------------------------------------------------------


def routez(context: MonitoringContext, *, subscriptions: bool = False, detail: bool = False) -> Chunks:
    """All routes; with `subscriptions` their remote subjects, with `detail` also their figures."""
    routes = yield from without_bytes(context.view.routes())
    now = context.view.monotonic()
    head = Routez(
        server_id=context.view.server().info.server_id if context.is_current else None,
        server_name=context.server_name if context.is_current else None,
        now=rfc3339(context.wall_time.of(now)),
        num_routes=len(routes),
        unreachable=_unreachable(context) or None,
        routes=[],
    )
    row_context = RowContext(now, context.wall_time, is_current=context.is_current)
    rows = (route_entry(stats, row_context) for stats in routes)
    if subscriptions or detail:
        yield from with_rows(head, _routes_with_lists(context, rows, detail=detail))
    else:
        yield from with_rows(head, in_steps(rows, _route_rows))


def _unreachable(context: MonitoringContext) -> list[UnreachableEntry]:
    return [
        UnreachableEntry(
            url=route.url,
            attempts=route.attempts,
            error=route.error,
            since=rfc3339(context.wall_time.of(route.since)),
        )
        for route in context.view.unreachable_routes()
    ]


def _routes_with_lists(context: MonitoringContext, rows: Iterable[RouteEntry], *, detail: bool) -> Chunks:
    for row in rows:
        listed = context.view.subscriptions_of_route(row.remote_id)
        if detail:
            yield from row_with_list(row, "subscriptions_list_detail", _details(context, listed, IN_ROW))
        else:
            yield from row_with_list(row, "subscriptions_list", subjects_in_row(listed))


def subsz_figures(context: MonitoringContext) -> Steps[Subsz]:
    """The subscription index."""
    index = yield from context.view.index()
    current: dict[str, Any] = {}
    if context.is_current:
        current = {
            "server_id": context.view.server().info.server_id,
            "now": rfc3339(context.wall_time.now()),
            "total": 0,
            "offset": 0,
            "limit": DEFAULT_LIMIT,
        }
    return Subsz(
        **current,
        num_subscriptions=index.num_subscriptions,
        num_cache=index.num_cache,
        num_inserts=index.num_inserts,
        num_removes=index.num_removes,
        num_matches=index.num_matches,
        cache_hit_rate=index.cache_hit_rate,
        max_fanout=index.max_fanout,
        avg_fanout=index.avg_fanout,
        plan_cache_bytes=index.plan_cache_bytes,
    )


def subsz(context: MonitoringContext) -> Chunks:
    """The subscription index, as a page."""
    yield indented((yield from without_bytes(subsz_figures(context))))


def subsz_list(context: MonitoringContext, offset: int, limit: int, subject: str = "") -> Chunks:
    """The subscription index, and a page of the clients' subscriptions, or of those to one subject."""
    view = context.view
    if subject:
        total = yield from without_bytes(_count(_covering(view.all_subscriptions(0, _ALL), subject, 0, _ALL)))
        listed = _covering(view.all_subscriptions(0, _ALL), subject, offset, limit)
    else:
        total = yield from without_bytes(view.count_subscriptions())
        listed = view.all_subscriptions(offset, limit)
    figures = yield from without_bytes(subsz_figures(context))
    paging = {"total": total, "offset": offset, "limit": limit, "subscriptions_list": []}
    yield from with_rows(figures.model_copy(update=paging), _details(context, listed, IN_PAGE))


def _covering(listed: Listed, subject: str, offset: int, limit: int) -> Listed:
    """Those that cover a published subject, as far as offset and limit go."""
    tokens = tokens_of(subject.encode())
    passed, end = 0, offset + limit
    for some in listed:
        found = [one for one in some if matches(tokens_of(one.subject.encode()), tokens)]
        yield tuple(found[max(0, offset - passed) : max(0, end - passed)])
        passed += len(found)
        if passed >= end:
            return


def _count(listed: Listed) -> Steps[int]:
    count = 0
    for some in listed:
        count += len(some)
        yield
    return count


def _subscription(stats: SubscriptionStats, account: str | None) -> SubscriptionDetail:
    return SubscriptionDetail(
        account=account,
        account_tag=account,
        subject=stats.subject,
        qgroup=stats.queue or None,
        sid=stats.sid,
        msgs=stats.delivered,
        max=stats.limit or None,
        cid=stats.number,
    )


# --- pages that current tools request and that have no content here ----------------------


def accstatz(context: MonitoringContext) -> Steps[Accstatz]:
    """Accounts. All clients belong to one."""
    facts = context.view.server()
    routes = yield from context.view.routes()
    leaves = yield from context.view.leaves()
    sent, received = _both_ways(facts.traffic, routes, leaves)
    account = AccountStat(
        acc=ACCOUNT,
        name=ACCOUNT,
        conns=facts.connections,
        leafnodes=facts.leaves,
        total_conns=facts.connections + facts.leaves,
        num_subscriptions=facts.subscriptions,
        sent=sent,
        received=received,
        slow_consumers=facts.slow_consumers - facts.slow_routes,
    )
    return Accstatz(
        server_id=facts.info.server_id, now=rfc3339(context.wall_time.now()), account_statz=[account]
    )


def _both_ways(
    traffic: Traffic, routes: Iterable[RouteStats], leaves: Iterable[LeafStats]
) -> tuple[AccountTraffic, AccountTraffic]:
    """What was sent and received; there are no gateways."""
    over_routes = _sums(each.connection.traffic for each in routes)
    over_leaves = _sums(each.connection.traffic for each in leaves)
    none = DataStats(msgs=0, bytes=0)
    sent, received = (
        AccountTraffic(msgs=all_.msgs, bytes=all_.bytes, gateways=none, routes=routed, leafs=leafed)
        for all_, routed, leafed in zip(_sums([traffic]), over_routes, over_leaves, strict=True)
    )
    return sent, received


def _sums(traffic: Iterable[Traffic]) -> tuple[DataStats, DataStats]:
    """What all of these sent, and what they received."""
    parts = list(traffic)
    return (
        DataStats(msgs=sum(part.out_msgs for part in parts), bytes=sum(part.out_bytes for part in parts)),
        DataStats(msgs=sum(part.in_msgs for part in parts), bytes=sum(part.in_bytes for part in parts)),
    )


def gatewayz(context: MonitoringContext) -> Gatewayz:
    """Gateways to other clusters: there are none."""
    return Gatewayz(
        server_id=context.view.server().info.server_id,
        now=rfc3339(context.wall_time.now()),
        outbound_gateways={},
        inbound_gateways={},
    )


# --- writing rows -----------------------------------------------------------------------


def without_bytes(steps: Steps[T]) -> Generator[bytes, None, T]:
    """The same steps, as steps of a page that give no bytes."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return answer
        yield b""


def with_rows(head: BaseModel, rows: Chunks) -> Chunks:
    """`head`, with these rows in the empty list that is its last field; each row begins with a comma."""
    yield indented(head).removesuffix(b"]\n}")
    is_empty = True
    for piece in rows:
        yield piece[1:] if is_empty else piece
        is_empty = is_empty and not piece
    yield b"]\n}" if is_empty else b"\n  ]\n}"


def row_with_list(row: BaseModel, name: str, items: Chunks) -> Chunks:
    """A row, with a list of this name as its last field, unless the list is empty."""
    yield b",\n    " + indented(row).replace(b"\n", b"\n    ").removesuffix(b"\n    }")
    is_empty = True
    for piece in items:
        if piece and is_empty:
            is_empty = False
            yield b',\n      "%b": [' % name.encode()
            yield piece[1:]
        else:
            yield piece
    yield b"\n    }" if is_empty else b"\n      ]\n    }"


def in_steps(rows: Iterable[Row], writer: TypeAdapter[list[Row]]) -> Chunks:
    """Rows of a page's list, `ROWS_PER_STEP` at a time."""
    left = iter(rows)
    while some := list(islice(left, ROWS_PER_STEP)):
        yield _items(some, writer, IN_PAGE)


def subjects_in_row(listed: Listed) -> Chunks:
    """Subjects in the list of a row."""
    for some in listed:
        yield _items([one.subject for one in some], _subject_rows, IN_ROW)


def _details(context: MonitoringContext, listed: Listed, margin: bytes) -> Chunks:
    """Subscriptions in a list."""
    account = ACCOUNT if context.is_current else None
    for some in listed:
        yield _items([_subscription(one, account) for one in some], _subscription_rows, margin)


def _items(some: list[Row], writer: TypeAdapter[list[Row]], margin: bytes) -> bytes:
    """Items of a list, each with a comma before it."""
    if not some:
        return b""
    text = writer.dump_json(some, indent=2, exclude_none=True)
    return b"," + html_safe(text.removeprefix(b"[").removesuffix(b"\n]").replace(b"\n", b"\n" + margin))
