"""From what the broker's view tells to the answers of the pages, as JSON.

A page with many rows is written a stretch of rows at a time; see `Steps`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from app.adapters.monitoring.formats import duration, html_safe, indented, nanoseconds, rfc3339
from app.adapters.monitoring.schemas import (
    Cluster,
    ConnectionInfo,
    Connz,
    RequestStats,
    RouteInfo,
    Routez,
    SlowConsumerStats,
    SubscriptionDetail,
    Subsz,
    Varz,
)
from app.adapters.monitoring.watch import RequestCounts, Watch
from app.ports.broker_view import (
    ClientStats,
    ClusterFacts,
    ConnectionQuery,
    RouteStats,
    Steps,
    SubscriptionStats,
)

PROTOCOL = 0
"""INFO offers clients no protocol number, which counts as 0."""

STRETCH = 256
"""Rows that are written in one step. A row of many subscriptions counts as several."""

_LISTED_PER_ROW = 8

_connection_rows = TypeAdapter(list[ConnectionInfo])
_route_rows = TypeAdapter(list[RouteInfo])
_subscription_rows = TypeAdapter(list[SubscriptionDetail])

Stats = TypeVar("Stats", ClientStats, RouteStats, SubscriptionStats)
Row = TypeVar("Row", bound=BaseModel)


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
        slow_consumer_stats=SlowConsumerStats(clients=facts.slow_consumers, routes=0, gateways=0, leafs=0),
        cluster=_cluster(facts.cluster),
        pynatsd=settings.pynatsd,
        python=settings.python,
        data_plane=settings.data_plane,
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


def connz(watch: Watch, query: ConnectionQuery, *, auth: bool = False, detail: bool = False) -> Steps[bytes]:
    """A page of clients; with the names they logged in by, and with details of their subscriptions."""
    page = yield from watch.view.connections(query)
    now = watch.view.monotonic()
    head = Connz(
        now=rfc3339(watch.calendar.date(now)),
        num_connections=len(page.rows),
        total=page.total,
        offset=query.offset,
        limit=query.limit,
        connections=[],
    )

    def row(stats: ClientStats) -> ConnectionInfo:
        return _client(watch, stats, now, auth=auth, detail=detail)

    return (yield from _with_rows(head, page.rows, row, _connection_rows))


def _client(watch: Watch, stats: ClientStats, now: float, *, auth: bool, detail: bool) -> ConnectionInfo:
    link, profile, listed = stats.connection, stats.profile, stats.subscription_list
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
        subscriptions_list=None if detail else _subjects(listed),
        subscriptions_list_detail=[_subscription(one) for one in listed] if detail and listed else None,
    )


def _subjects(listed: Sequence[SubscriptionStats]) -> list[str] | None:
    return [one.subject for one in listed] or None


# --- routes and subscriptions -----------------------------------------------------------


def routez(watch: Watch, *, subscriptions: bool = False) -> Steps[bytes]:
    """All routes; with what their peers listen to."""
    routes = yield from watch.view.routes(subscriptions=subscriptions)
    now = watch.view.monotonic()
    head = Routez(now=rfc3339(watch.calendar.date(now)), num_routes=len(routes), routes=[])

    def row(stats: RouteStats) -> RouteInfo:
        return _route(watch, stats, now)

    return (yield from _with_rows(head, routes, row, _route_rows))


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
        subscriptions_list=_subjects(stats.subscription_list),
    )


def subsz(watch: Watch) -> Subsz:
    """The subscription index, now."""
    index = watch.view.index()
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


def subsz_list(watch: Watch, offset: int, limit: int) -> Steps[bytes]:
    """The subscription index, and a page of what clients listen to."""
    page = yield from watch.view.subscriptions(offset, limit)
    paging = {"total": page.total, "offset": offset, "limit": limit, "subscriptions_list": []}
    head = subsz(watch).model_copy(update=paging)
    return (yield from _with_rows(head, page.rows, _subscription, _subscription_rows))


def _subscription(stats: SubscriptionStats) -> SubscriptionDetail:
    return SubscriptionDetail(
        subject=stats.subject,
        qgroup=stats.queue or None,
        sid=stats.sid,
        msgs=stats.delivered,
        max=stats.limit or None,
        cid=stats.number,
    )


# --- writing rows -----------------------------------------------------------------------


def _with_rows(
    head: BaseModel,
    stats: Sequence[Stats],
    row: Callable[[Stats], Row],
    writer: TypeAdapter[list[Row]],
) -> Steps[bytes]:
    """`head`, whose last field is an empty list, with these rows in that list."""
    text = indented(head)
    if not stats:
        return text
    stretches = []
    for stretch in _stretches(stats):
        yield
        written = writer.dump_json([row(one) for one in stretch], indent=2, exclude_none=True)
        inner = written.removeprefix(b"[").removesuffix(b"\n]")
        stretches.append(html_safe(inner.replace(b"\n", b"\n  ")))
    yield
    return b"%b%b\n  ]\n}" % (text.removesuffix(b"]\n}"), b",".join(stretches))


def _stretches(stats: Sequence[Stats]) -> Iterator[list[Stats]]:
    stretch: list[Stats] = []
    weight = 0
    for one in stats:
        stretch.append(one)
        weight += 1
        if not isinstance(one, SubscriptionStats):
            weight += len(one.subscription_list) // _LISTED_PER_ROW
        if weight >= STRETCH:
            yield stretch
            stretch, weight = [], 0
    if stretch:
        yield stretch
