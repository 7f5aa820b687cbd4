"""The answer of ``/varz``, made from the broker's view (monitoring-pages.md, section 3)."""

from collections.abc import Mapping
from typing import Any

from ...ports.broker_view import PROTO, ClusterFacts, LameDuckFacts, ServerFacts, SlowReceiver
from .context import MonitoringContext
from .formats import duration, nanoseconds, rfc3339
from .leaf_page import leaf_section
from .schemas import (
    ClusterSection,
    LameDuckSection,
    PeerCounts,
    RequestStats,
    SlowConsumerEntry,
    Varz,
)

SYSTEM_ACCOUNT = "$SYS"
"""Named as in nats-server; no client can log in to it."""

NO_PROTOCOL = 0
"""The INFO of gnatsd 0.8.0 has no protocol number, which counts as 0."""

Fields = dict[str, Any]


def varz(context: MonitoringContext) -> Varz:
    """The server, now."""
    facts = context.view.server()
    current = _of_today(context, facts) if context.is_current else {"proto": NO_PROTOCOL}
    return Varz(
        **_identity(context, facts),
        **_limits(facts),
        **_listeners(context, facts),
        **_resources(context, facts),
        **_traffic(facts),
        **_own(context, facts),
        **current,
        http_req_stats=_requests(context),
        slow_consumer_stats=peer_counts(facts.slow_consumers, facts.slow_routes, facts.slow_leaves),
        cluster=_cluster(facts.cluster, context.settings.certificates),
        events=context.journal.counts() or None,
    )


def _identity(context: MonitoringContext, facts: ServerFacts) -> Fields:
    info = facts.info
    return {
        "server_id": info.server_id,
        "server_name": context.server_name,
        "tags": list(context.settings.tags) or None,
        "version": info.version,
        "go": info.go,
        "auth_required": info.auth_required,
        "ssl_required": info.tls_required,
        "tls_required": info.tls_required,
        "tls_verify": info.tls_verify,
        "connect_urls": list(info.connect_urls) or None,
    }


def _limits(facts: ServerFacts) -> Fields:
    limits = facts.limits
    return {
        "max_connections": limits.max_connections,
        "ping_interval": nanoseconds(limits.ping_interval),
        "ping_max": limits.ping_max,
        "max_control_line": limits.max_control_line,
        "max_payload": limits.max_payload,
        "max_pending": limits.max_pending,
        "max_pending_size": limits.max_pending,
        "auth_timeout": limits.auth_timeout,
        "write_deadline": nanoseconds(limits.write_deadline),
    }


def _listeners(context: MonitoringContext, facts: ServerFacts) -> Fields:
    settings = context.settings
    return {
        "host": facts.info.host,
        "port": facts.info.port,
        "http_host": settings.http_host,
        "http_port": settings.http_port,
        "https_port": settings.https_port,
        "cluster_port": facts.cluster.port if facts.cluster else 0,
        "tls_timeout": settings.tls_timeout,
    }


def _resources(context: MonitoringContext, facts: ServerFacts) -> Fields:
    wall_time, figures = context.wall_time, context.figures
    return {
        "start": rfc3339(wall_time.of(facts.started)),
        "config_load_time": rfc3339(wall_time.of(context.settings.loaded or facts.started)),
        "now": rfc3339(wall_time.now()),
        "uptime": duration(context.view.monotonic() - facts.started),
        "mem": figures.memory(),
        "cores": figures.cores(),
        "gomaxprocs": figures.usable_cores(),
        "cpu": figures.cpu,
    }


def _traffic(facts: ServerFacts) -> Fields:
    traffic = facts.traffic
    return {
        "connections": facts.connections,
        "total_connections": facts.total_connections,
        "routes": facts.routes,
        "remotes": facts.remotes,
        "leafnodes": facts.leaves,
        "in_msgs": traffic.in_msgs,
        "out_msgs": traffic.out_msgs,
        "in_bytes": traffic.in_bytes,
        "out_bytes": traffic.out_bytes,
        "slow_consumers": facts.slow_consumers,
        "subscriptions": facts.subscriptions,
    }


def _own(context: MonitoringContext, facts: ServerFacts) -> Fields:
    """Of this server alone."""
    settings = context.settings
    return {
        "pynatsd": settings.pynatsd,
        "python": settings.python,
        "data_plane": settings.data_plane,
        "config_digest": settings.digest or None,
        "tls_cert_not_after": _moment(settings.certificates.get("tls")),
        "websocket_tls_cert_not_after": _moment(settings.certificates.get("websocket.tls")),
        "held_publishers": facts.held_publishers,
        "held_seconds": round(facts.held_seconds, 3),
        "lame_duck": _lame_duck(context, facts.lame_duck),
        "recent_slow_consumers": [_slow_consumer(context, record) for record in facts.slow_consumer_log],
    }


def _jetstream(context: MonitoringContext) -> Fields:
    streams = context.streams()
    if streams is None:
        return {}
    return {"config": streams.config(), "stats": streams.figures(), "limits": {}}


def _lame_duck(context: MonitoringContext, facts: LameDuckFacts | None) -> LameDuckSection | None:
    if facts is None:
        return None
    of = context.wall_time.of
    return LameDuckSection(began=rfc3339(of(facts.began)), ends=rfc3339(of(facts.ends)))


def _of_today(context: MonitoringContext, facts: ServerFacts) -> Fields:
    """What a server that speaks the wire of today shows besides."""
    return {
        "proto": PROTO,
        "http_base_path": "",
        "max_subscriptions": facts.limits.max_subscriptions or None,
        "gateway": {},
        "leaf": leaf_section(context.settings.leaf, facts, context.settings.certificates),
        "mqtt": {},
        "websocket": {},
        "system_account": SYSTEM_ACCOUNT,
        "jetstream": _jetstream(context),
        "in_client_msgs": facts.client_traffic.in_msgs,
        "in_client_bytes": facts.client_traffic.in_bytes,
        "out_client_msgs": facts.client_traffic.out_msgs,
        "out_client_bytes": facts.client_traffic.out_bytes,
        "stale_connections": facts.stale_connections,
        "stale_connection_stats": peer_counts(
            facts.stale_connections, facts.stale_routes, facts.stale_leaves
        ),
        "closed_connections": facts.closed_clients,
        "header_violations": facts.violations.headers,
        "permission_violations": facts.violations.permissions,
    }


def peer_counts(total: int, routes: int, leaves: int) -> PeerCounts:
    """A count of peers, those that are no other servers being clients."""
    return PeerCounts(clients=total - routes - leaves, routes=routes, gateways=0, leafs=leaves)


def _slow_consumer(context: MonitoringContext, record: SlowReceiver) -> SlowConsumerEntry:
    return SlowConsumerEntry(
        kind=record.kind,
        cid=record.number,
        name=record.name,
        ip=record.ip,
        port=record.port,
        reason=record.reason,
        pending_bytes=record.pending_bytes,
        at=rfc3339(context.wall_time.of(record.at)),
    )


def _requests(context: MonitoringContext) -> RequestStats:
    """Requests by page; those for pages that gnatsd 0.8.0 does not have are left out where it is imitated."""
    counts = context.requests
    answered = RequestStats(
        index=counts.index, connz=counts.connz, routez=counts.routez, subsz=counts.subsz, varz=counts.varz
    )
    if not context.is_current:
        return answered
    of_today = ("accountz", "accstatz", "gatewayz", "healthz", "leafz", "slowz", "stacksz")
    return answered.model_copy(update={name: getattr(counts, name) for name in of_today})


def _cluster(facts: ClusterFacts | None, ends: Mapping[str, float]) -> ClusterSection | None:
    if facts is None:
        return None
    return ClusterSection(
        addr=facts.host,
        cluster_port=facts.port,
        auth_timeout=facts.auth_timeout,
        tls_required=facts.tls,
        tls_cert_not_after=_moment(ends.get("cluster.tls")),
    )


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)
