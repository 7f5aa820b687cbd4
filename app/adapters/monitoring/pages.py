"""The answers of the pages, as JSON, made from the broker's view.

A page with many rows is written a few rows at a time, and a row with many subscriptions
a few subscriptions at a time; see `Chunks`. Nothing that is written is kept.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from ...ports.broker_view import (
    ClientStats,
    ClusterFacts,
    ConnectionQuery,
    ServerFacts,
    SlowConsumerRecord,
    Steps,
    SubscriptionStats,
)
from .connections import (
    ConnectionInfo,
    Connz,
    RouteEntry,
    Routez,
    UnreachableEntry,
    connection_info,
    route_entry,
)
from .context import MonitoringContext, RequestCounts
from .formats import duration, html_safe, indented, nanoseconds, rfc3339
from .schemas import (
    AccountStat,
    Accstatz,
    ClusterSection,
    DataStats,
    Gatewayz,
    Leafz,
    RequestStats,
    SlowConsumerEntry,
    SlowConsumerStats,
    SubscriptionDetail,
    Subsz,
    Varz,
)
from .stepper import Chunks

PROTOCOL = 0
"""INFO has no protocol number, which counts as 0."""

ROWS_PER_STEP = 16
"""Rows without lists that one step writes, in half a millisecond."""

MAX_SNAPSHOT = 4096
"""Largest page, in clients, that is read at once; rows of a larger one are read as they are written."""

GLOBAL_ACCOUNT = "$G"
"""The account of clients without one, under the name that current servers use."""

_connection_rows = TypeAdapter(list[ConnectionInfo])
_route_rows = TypeAdapter(list[RouteEntry])
_subscription_rows = TypeAdapter(list[SubscriptionDetail])
_subject_rows = TypeAdapter(list[str])

Listed = Iterator[tuple[SubscriptionStats, ...]]

IN_PAGE, IN_ROW = b" " * 2, b" " * 6
"""Indentation of a list's lines, besides the two blanks of their own level."""

T = TypeVar("T")
Row = TypeVar("Row")


def varz(context: MonitoringContext) -> Varz:
    """The server, now."""
    facts, settings, wall_time = context.view.server(), context.settings, context.wall_time
    info, limits, traffic = facts.info, facts.limits, facts.traffic
    return Varz(
        server_id=info.server_id,
        version=info.version,
        go=info.go,
        host=info.host,
        auth_required=info.auth_required,
        ssl_required=info.tls_required,
        tls_required=info.tls_required,
        tls_verify=info.tls_verify,
        max_connections=limits.max_connections,
        ping_interval=nanoseconds(limits.ping_interval),
        ping_max=limits.ping_max,
        http_host=settings.http_host,
        http_port=settings.http_port,
        https_port=settings.https_port,
        max_control_line=limits.max_control_line,
        max_pending_size=limits.max_pending,
        cluster_port=facts.cluster.port if facts.cluster else 0,
        tls_timeout=settings.tls_timeout,
        port=info.port,
        max_payload=limits.max_payload,
        start=rfc3339(wall_time.of(facts.started)),
        now=rfc3339(wall_time.now()),
        uptime=duration(context.view.monotonic() - facts.started),
        mem=context.figures.memory(),
        cores=context.figures.cores(),
        cpu=context.figures.cpu,
        connections=facts.connections,
        total_connections=facts.total_connections,
        routes=facts.routes,
        remotes=facts.remotes,
        in_msgs=traffic.in_msgs,
        out_msgs=traffic.out_msgs,
        in_bytes=traffic.in_bytes,
        out_bytes=traffic.out_bytes,
        slow_consumers=facts.slow_consumers,
        subscriptions=facts.subscriptions,
        http_req_stats=_requests(context.requests),
        server_name=settings.server_name or info.server_id,
        proto=PROTOCOL,
        auth_timeout=limits.auth_timeout,
        max_pending=limits.max_pending,
        write_deadline=nanoseconds(limits.write_deadline),
        gomaxprocs=context.figures.usable_cores(),
        leafnodes=0,
        connect_urls=list(info.connect_urls) or None,
        config_load_time=rfc3339(wall_time.of(facts.started)),
        slow_consumer_stats=_slow_consumers(facts),
        cluster=_cluster(facts.cluster),
        pynatsd=settings.pynatsd,
        python=settings.python,
        data_plane=settings.data_plane,
        held_publishers=facts.held_publishers,
        held_seconds=round(facts.held_seconds, 3),
        recent_slow_consumers=[_slow_consumer(context, record) for record in facts.slow_consumer_log],
        events=context.journal.counts() or None,
    )


def _slow_consumers(facts: ServerFacts) -> SlowConsumerStats:
    routes = facts.slow_routes
    return SlowConsumerStats(clients=facts.slow_consumers - routes, routes=routes, gateways=0, leafs=0)


def _slow_consumer(context: MonitoringContext, record: SlowConsumerRecord) -> SlowConsumerEntry:
    return SlowConsumerEntry(
        kind=record.kind,
        cid=record.cid,
        name=record.name,
        ip=record.ip,
        port=record.port,
        reason=record.reason,
        pending_bytes=record.pending_bytes,
        at=rfc3339(context.wall_time.of(record.at)),
    )


def _requests(counts: RequestCounts) -> RequestStats:
    return RequestStats(
        index=counts.index, connz=counts.connz, routez=counts.routez, subsz=counts.subsz, varz=counts.varz
    )


def _cluster(facts: ClusterFacts | None) -> ClusterSection | None:
    if facts is None:
        return None
    return ClusterSection(
        addr=facts.host, cluster_port=facts.port, auth_timeout=facts.auth_timeout, tls_required=facts.tls
    )


# --- connections ------------------------------------------------------------------------


def connz(
    context: MonitoringContext, query: ConnectionQuery, *, auth: bool = False, detail: bool = False
) -> Chunks:
    """A page of clients; with `auth` their users, with `detail` figures of their subscriptions."""
    total, chosen = yield from _chosen(context, query)
    now = context.view.monotonic()
    head = Connz(
        now=rfc3339(context.wall_time.of(now)),
        num_connections=len(chosen),
        total=total,
        offset=query.offset,
        limit=query.limit,
        connections=[],
    )
    rows = (connection_info(stats, now, context.wall_time, auth=auth) for stats in _present(context, chosen))
    if query.subscriptions:
        yield from _with_rows(head, _with_lists(context, rows, detail=detail))
    else:
        yield from _with_rows(head, _in_steps(rows, _connection_rows))


def _chosen(
    context: MonitoringContext, query: ConnectionQuery
) -> Generator[bytes, None, tuple[int, Sequence[ClientStats | int]]]:
    """The number of clients, and those of the page: their statistics, or the cids of a large page."""
    if min(query.limit, context.view.server().connections) <= MAX_SNAPSHOT:
        page = yield from _without_bytes(context.view.connections(replace(query, subscriptions=False)))
        return page.total, page.rows
    choice = yield from _without_bytes(context.view.choose(query))
    return choice.total, choice.cids


def _present(context: MonitoringContext, chosen: Iterable[ClientStats | int]) -> Iterator[ClientStats]:
    """Statistics of the chosen clients; a client that has left is skipped."""
    for one in chosen:
        stats = context.view.client(one) if isinstance(one, int) else one
        if stats is not None:
            yield stats


def _with_lists(context: MonitoringContext, rows: Iterable[ConnectionInfo], *, detail: bool) -> Chunks:
    """The rows as text, each with its client's subscriptions."""
    for row in rows:
        listed = context.view.subscriptions_of(row.cid)
        if detail:
            yield from _row_with_list(row, "subscriptions_list_detail", _details(listed, IN_ROW))
        else:
            yield from _row_with_list(row, "subscriptions_list", _subjects(listed))


# --- routes and subscriptions -----------------------------------------------------------


def routez(context: MonitoringContext, *, subscriptions: bool = False) -> Chunks:
    """All routes; with `subscriptions` their remote subjects."""
    routes = yield from _without_bytes(context.view.routes())
    now = context.view.monotonic()
    head = Routez(
        now=rfc3339(context.wall_time.of(now)),
        num_routes=len(routes),
        unreachable=_unreachable(context) or None,
        routes=[],
    )
    rows = (route_entry(stats, now, context.wall_time) for stats in routes)
    if subscriptions:
        yield from _with_rows(head, _routes_with_lists(context, rows))
    else:
        yield from _with_rows(head, _in_steps(rows, _route_rows))


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


def _routes_with_lists(context: MonitoringContext, rows: Iterable[RouteEntry]) -> Chunks:
    for row in rows:
        listed = context.view.subscriptions_of_route(row.remote_id)
        yield from _row_with_list(row, "subscriptions_list", _subjects(listed))


def subsz_figures(context: MonitoringContext) -> Steps[Subsz]:
    """The subscription index."""
    index = yield from context.view.index()
    return Subsz(
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
    yield indented((yield from _without_bytes(subsz_figures(context))))


def subsz_list(context: MonitoringContext, offset: int, limit: int) -> Chunks:
    """The subscription index, and a page of the clients' subscriptions."""
    total = yield from _without_bytes(context.view.count_subscriptions())
    figures = yield from _without_bytes(subsz_figures(context))
    paging = {"total": total, "offset": offset, "limit": limit, "subscriptions_list": []}
    rows = _details(context.view.all_subscriptions(offset, limit), IN_PAGE)
    yield from _with_rows(figures.model_copy(update=paging), rows)


def _subscription(stats: SubscriptionStats) -> SubscriptionDetail:
    return SubscriptionDetail(
        subject=stats.subject,
        qgroup=stats.queue or None,
        sid=stats.sid,
        msgs=stats.delivered,
        max=stats.limit or None,
        cid=stats.number,
    )


# --- pages that current tools request and that have no content here ----------------------


def accstatz(context: MonitoringContext) -> Accstatz:
    """Accounts. All clients belong to one."""
    facts = context.view.server()
    traffic = facts.traffic
    account = AccountStat(
        acc=GLOBAL_ACCOUNT,
        name=GLOBAL_ACCOUNT,
        conns=facts.connections,
        leafnodes=0,
        total_conns=facts.connections,
        num_subscriptions=facts.subscriptions,
        sent=DataStats(msgs=traffic.out_msgs, bytes=traffic.out_bytes),
        received=DataStats(msgs=traffic.in_msgs, bytes=traffic.in_bytes),
        slow_consumers=facts.slow_consumers - facts.slow_routes,
    )
    return Accstatz(
        server_id=facts.info.server_id, now=rfc3339(context.wall_time.now()), account_statz=[account]
    )


def gatewayz(context: MonitoringContext) -> Gatewayz:
    """Gateways to other clusters: there are none."""
    return Gatewayz(
        server_id=context.view.server().info.server_id,
        now=rfc3339(context.wall_time.now()),
        outbound_gateways={},
        inbound_gateways={},
    )


def leafz(context: MonitoringContext) -> Leafz:
    """Leaf nodes: there are none."""
    return Leafz(
        server_id=context.view.server().info.server_id,
        now=rfc3339(context.wall_time.now()),
        leafnodes=0,
        leafs=[],
    )


# --- writing rows -----------------------------------------------------------------------


def _without_bytes(steps: Steps[T]) -> Generator[bytes, None, T]:
    """The same steps, as steps of a page that give no bytes."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return answer
        yield b""


def _with_rows(head: BaseModel, rows: Chunks) -> Chunks:
    """`head`, with these rows in the empty list that is its last field; each row begins with a comma."""
    yield indented(head).removesuffix(b"]\n}")
    is_empty = True
    for piece in rows:
        yield piece[1:] if is_empty else piece
        is_empty = is_empty and not piece
    yield b"]\n}" if is_empty else b"\n  ]\n}"


def _row_with_list(row: BaseModel, name: str, items: Chunks) -> Chunks:
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


def _in_steps(rows: Iterable[Row], writer: TypeAdapter[list[Row]]) -> Chunks:
    """Rows of a page's list, `ROWS_PER_STEP` at a time."""
    left = iter(rows)
    while some := list(islice(left, ROWS_PER_STEP)):
        yield _items(some, writer, IN_PAGE)


def _subjects(listed: Listed) -> Chunks:
    """Subjects in the list of a row."""
    for some in listed:
        yield _items([one.subject for one in some], _subject_rows, IN_ROW)


def _details(listed: Listed, margin: bytes) -> Chunks:
    """Subscriptions in a list."""
    for some in listed:
        yield _items([_subscription(one) for one in some], _subscription_rows, margin)


def _items(some: list[Row], writer: TypeAdapter[list[Row]], margin: bytes) -> bytes:
    """Items of a list, each with a comma before it."""
    if not some:
        return b""
    text = writer.dump_json(some, indent=2, exclude_none=True)
    return b"," + html_safe(text.removeprefix(b"[").removesuffix(b"\n]").replace(b"\n", b"\n" + margin))
