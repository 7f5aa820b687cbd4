"""From what the broker's view has to the answers of the pages, as JSON.

A page with many rows is written a few rows at a time, and a row with many subscriptions
a few of them at a time; see `Chunks`. Nothing is kept of what is written.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from app.adapters.monitoring.formats import duration, html_safe, indented, nanoseconds, rfc3339
from app.adapters.monitoring.schemas import (
    AccountStat,
    Accstatz,
    Cluster,
    ConnectionInfo,
    Connz,
    DataStats,
    Gatewayz,
    Leafz,
    RequestStats,
    RouteInfo,
    Routez,
    SlowConsumer,
    SlowConsumerStats,
    SubscriptionDetail,
    Subsz,
    UnreachableRoute,
    Varz,
    Waited,
)
from app.adapters.monitoring.turns import Chunks
from app.adapters.monitoring.watch import RequestCounts, Watch
from app.ports.broker_view import (
    ClientStats,
    ClusterFacts,
    ConnectionQuery,
    RouteStats,
    ServerFacts,
    SlowConsumerRecord,
    Steps,
    SubscriptionStats,
)

PROTOCOL = 0
"""INFO offers clients no protocol number, which counts as 0."""

STRETCH = 16
"""Rows without lists that are written in one step, which takes half a millisecond."""

MOST_HELD = 4096
"""Clients of one page that are held, as they were when it was begun, until they are written."""

GLOBAL_ACCOUNT = "$G"
"""The account of those who have none, as today's servers name it."""

_connection_rows = TypeAdapter(list[ConnectionInfo])
_route_rows = TypeAdapter(list[RouteInfo])
_subscription_rows = TypeAdapter(list[SubscriptionDetail])
_subject_rows = TypeAdapter(list[str])

Listed = Iterator[tuple[SubscriptionStats, ...]]

IN_PAGE, IN_ROW = b" " * 2, b" " * 6
"""What comes before each line of a list, besides the two blanks of its own level."""

T = TypeVar("T")
Row = TypeVar("Row")


def varz(watch: Watch) -> Varz:
    """The server, now."""
    facts, settings, calendar = watch.view.server(), watch.settings, watch.calendar
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
        start=rfc3339(calendar.date(facts.started)),
        now=rfc3339(calendar.now()),
        uptime=duration(watch.view.monotonic() - facts.started),
        mem=watch.figures.memory(),
        cores=watch.figures.cores(),
        cpu=watch.figures.cpu,
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
        http_req_stats=_requests(watch.requests),
        server_name=settings.server_name or info.server_id,
        proto=PROTOCOL,
        auth_timeout=limits.auth_timeout,
        max_pending=limits.max_pending,
        write_deadline=nanoseconds(limits.write_deadline),
        gomaxprocs=watch.figures.usable_cores(),
        leafnodes=0,
        connect_urls=list(info.connect_urls) or None,
        config_load_time=rfc3339(calendar.date(facts.started)),
        slow_consumer_stats=_slow_consumers(facts),
        cluster=_cluster(facts.cluster),
        pynatsd=settings.pynatsd,
        python=settings.python,
        data_plane=settings.data_plane,
        held_publishers=facts.held_publishers,
        held_seconds=round(facts.held_seconds, 3),
        recent_slow_consumers=[_slow_consumer(watch, record) for record in facts.slow_consumer_log],
        events=watch.journal.counts() or None,
    )


def _slow_consumers(facts: ServerFacts) -> SlowConsumerStats:
    routes = facts.slow_routes
    return SlowConsumerStats(clients=facts.slow_consumers - routes, routes=routes, gateways=0, leafs=0)


def _slow_consumer(watch: Watch, record: SlowConsumerRecord) -> SlowConsumer:
    return SlowConsumer(
        kind=record.kind,
        cid=record.cid,
        name=record.name,
        ip=record.ip,
        port=record.port,
        reason=record.reason,
        pending_bytes=record.pending_bytes,
        at=rfc3339(watch.calendar.date(record.at)),
    )


def _requests(counts: RequestCounts) -> RequestStats:
    return RequestStats(
        index=counts.index, connz=counts.connz, routez=counts.routez, subsz=counts.subsz, varz=counts.varz
    )


def _cluster(facts: ClusterFacts | None) -> Cluster | None:
    if facts is None:
        return None
    return Cluster(
        addr=facts.host, cluster_port=facts.port, auth_timeout=facts.auth_timeout, tls_required=facts.tls
    )


# --- connections ------------------------------------------------------------------------


def connz(watch: Watch, query: ConnectionQuery, *, auth: bool = False, detail: bool = False) -> Chunks:
    """A page of clients; with the names they logged in by, and with details of their subscriptions."""
    total, chosen = yield from _chosen(watch, query)
    now = watch.view.monotonic()
    head = Connz(
        now=rfc3339(watch.calendar.date(now)),
        num_connections=len(chosen),
        total=total,
        offset=query.offset,
        limit=query.limit,
        connections=[],
    )
    rows = (_client(watch, stats, now, auth=auth) for stats in _present(watch, chosen))
    if query.subscriptions:
        yield from _with_rows(head, _with_lists(watch, rows, detail=detail))
    else:
        yield from _with_rows(head, _stretches(rows, _connection_rows))


def _chosen(
    watch: Watch, query: ConnectionQuery
) -> Generator[bytes, None, tuple[int, Sequence[ClientStats | int]]]:
    """How many clients there are, and those of the page: as they are now, or the cids of very many."""
    if min(query.limit, watch.view.server().connections) <= MOST_HELD:
        page = yield from _without_bytes(watch.view.connections(replace(query, subscriptions=False)))
        return page.total, page.rows
    choice = yield from _without_bytes(watch.view.choose(query))
    return choice.total, choice.cids


def _present(watch: Watch, chosen: Iterable[ClientStats | int]) -> Iterator[ClientStats]:
    """Those that are known, and those that are still here."""
    for one in chosen:
        stats = watch.view.client(one) if isinstance(one, int) else one
        if stats is not None:
            yield stats


def _with_lists(watch: Watch, rows: Iterable[ConnectionInfo], *, detail: bool) -> Chunks:
    """The same, written, each with what its client listens to."""
    for row in rows:
        listed = watch.view.subscriptions_of(row.cid)
        if detail:
            yield from _row_with_list(row, "subscriptions_list_detail", _details(listed, IN_ROW))
        else:
            yield from _row_with_list(row, "subscriptions_list", _subjects(listed))


def _client(watch: Watch, stats: ClientStats, now: float, *, auth: bool) -> ConnectionInfo:
    link, profile = stats.connection, stats.profile
    traffic, security = link.traffic, link.security
    return ConnectionInfo(
        cid=link.cid,
        ip=link.ip,
        port=link.port,
        start=rfc3339(watch.calendar.date(link.started)),
        last_activity=rfc3339(watch.calendar.date(link.last_activity)),
        uptime=duration(now - link.started),
        idle=duration(now - link.last_activity),
        pending_bytes=link.pending_bytes,
        in_msgs=traffic.in_msgs,
        out_msgs=traffic.out_msgs,
        in_bytes=traffic.in_bytes,
        out_bytes=traffic.out_bytes,
        subscriptions=stats.subscriptions,
        name=profile.name or None,
        lang=profile.lang or None,
        version=profile.version or None,
        tls_version=security.version if security else None,
        tls_cipher_suite=security.cipher_suite if security else None,
        authorized_user=(profile.user or None) if auth else None,
        waits_for=[Waited(cid=cid, name=name) for cid, name in link.waits_for] or None,
    )


# --- routes and subscriptions -----------------------------------------------------------


def routez(watch: Watch, *, subscriptions: bool = False) -> Chunks:
    """All routes; with what their peers listen to."""
    routes = yield from _without_bytes(watch.view.routes())
    now = watch.view.monotonic()
    head = Routez(
        now=rfc3339(watch.calendar.date(now)),
        num_routes=len(routes),
        unreachable=_unreachable(watch) or None,
        routes=[],
    )
    rows = (_route(watch, stats, now) for stats in routes)
    if subscriptions:
        yield from _with_rows(head, _routes_with_lists(watch, rows))
    else:
        yield from _with_rows(head, _stretches(rows, _route_rows))


def _unreachable(watch: Watch) -> list[UnreachableRoute]:
    return [
        UnreachableRoute(
            url=route.url,
            attempts=route.attempts,
            error=route.error,
            since=rfc3339(watch.calendar.date(route.since)),
        )
        for route in watch.view.unreachable_routes()
    ]


def _routes_with_lists(watch: Watch, rows: Iterable[RouteInfo]) -> Chunks:
    for row in rows:
        listed = watch.view.subscriptions_of_route(row.remote_id)
        yield from _row_with_list(row, "subscriptions_list", _subjects(listed))


def _route(watch: Watch, stats: RouteStats, now: float) -> RouteInfo:
    link = stats.connection
    return RouteInfo(
        rid=link.cid,
        remote_id=stats.remote_id,
        did_solicit=stats.solicited,
        is_configured=stats.configured,
        ip=link.ip,
        port=link.port,
        pending_size=link.pending_bytes,
        in_msgs=link.traffic.in_msgs,
        out_msgs=link.traffic.out_msgs,
        in_bytes=link.traffic.in_bytes,
        out_bytes=link.traffic.out_bytes,
        subscriptions=stats.subscriptions,
        start=rfc3339(watch.calendar.date(link.started)),
        uptime=duration(now - link.started),
        remote_name=stats.name or None,
        rtt=f"{1000.0 * stats.rtt:.3f}ms" if stats.rtt else None,
    )


def subsz_figures(watch: Watch) -> Steps[Subsz]:
    """The subscription index."""
    index = yield from watch.view.index()
    return Subsz(
        num_subscriptions=index.num_subscriptions,
        num_cache=index.num_cache,
        num_inserts=index.num_inserts,
        num_removes=index.num_removes,
        num_matches=index.num_matches,
        cache_hit_rate=index.cache_hit_rate,
        max_fanout=index.max_fanout,
        avg_fanout=index.avg_fanout,
    )


def subsz(watch: Watch) -> Chunks:
    """The subscription index, as a page."""
    yield indented((yield from _without_bytes(subsz_figures(watch))))


def subsz_list(watch: Watch, offset: int, limit: int) -> Chunks:
    """The subscription index, and a page of what clients listen to."""
    total = yield from _without_bytes(watch.view.count_subscriptions())
    figures = yield from _without_bytes(subsz_figures(watch))
    paging = {"total": total, "offset": offset, "limit": limit, "subscriptions_list": []}
    rows = _details(watch.view.all_subscriptions(offset, limit), IN_PAGE)
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


# --- what today's tools ask for and there is none of here --------------------------------


def accstatz(watch: Watch) -> Accstatz:
    """Figures of accounts: all clients belong to one here."""
    facts = watch.view.server()
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
        server_id=facts.info.server_id, now=rfc3339(watch.calendar.now()), account_statz=[account]
    )


def gatewayz(watch: Watch) -> Gatewayz:
    """Gateways to other clusters: there are none."""
    return Gatewayz(
        server_id=watch.view.server().info.server_id,
        now=rfc3339(watch.calendar.now()),
        outbound_gateways={},
        inbound_gateways={},
    )


def leafz(watch: Watch) -> Leafz:
    """Leaf nodes: there are none."""
    return Leafz(
        server_id=watch.view.server().info.server_id, now=rfc3339(watch.calendar.now()), leafnodes=0, leafs=[]
    )


# --- writing rows -----------------------------------------------------------------------


def _without_bytes(steps: Steps[T]) -> Generator[bytes, None, T]:
    """The same steps, as those of a page that is not written yet."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: T = end.value
            return answer
        yield b""


def _with_rows(head: BaseModel, rows: Chunks) -> Chunks:
    """`head`, whose last field is an empty list, with these rows in that list; each begins with a comma."""
    yield indented(head).removesuffix(b"]\n}")
    is_empty = True
    for piece in rows:
        yield piece[1:] if is_empty else piece
        is_empty = is_empty and not piece
    yield b"]\n}" if is_empty else b"\n  ]\n}"


def _row_with_list(row: BaseModel, name: str, items: Chunks) -> Chunks:
    """A row, and as its last field a list of this name, unless that is empty."""
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


def _stretches(rows: Iterable[Row], writer: TypeAdapter[list[Row]]) -> Chunks:
    """Rows of the list of a page, some at a time."""
    left = iter(rows)
    while stretch := list(islice(left, STRETCH)):
        yield _items(stretch, writer, IN_PAGE)


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
