"""The one answer that the page asks for again and again."""

import json
from dataclasses import asdict, dataclass

from app.adapters.monitoring.dashboard.findings import ClientRow, Findings
from app.adapters.monitoring.dashboard.history import LENGTH, Excerpt, Window
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.selection import Choice, count_slow, select_clients, select_subjects
from app.ports.broker_view import RouteStats, ServerFacts

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request asks for."""

    window: Window
    epoch: str
    """The server that the page has samples of."""
    after: int
    """The number of the first sample that it lacks."""
    choice: Choice


@dataclass(frozen=True, slots=True)
class Material:
    """What an answer is made of; nothing of it changes any more."""

    now: float
    """Seconds since the epoch."""
    monotonic: float
    facts: ServerFacts
    routes: tuple[RouteStats, ...]
    excerpt: Excerpt
    findings: Findings


def gather(recorder: Recorder, findings: Findings, routes: tuple[RouteStats, ...], wish: Wish) -> Material:
    """Everything but the choice of rows, in microseconds."""
    facts = recorder.view.server()
    known = wish.after if wish.epoch == facts.info.server_id else 0
    return Material(
        now=recorder.sample().at,
        monotonic=recorder.view.monotonic(),
        facts=facts,
        routes=routes,
        excerpt=recorder.history.since(wish.window, known),
        findings=findings,
    )


def answer(recorder: Recorder, material: Material, wish: Wish, edition: str) -> bytes:
    """The JSON text; `edition` names the version of the page. May run in another thread."""
    facts, slow_above = material.facts, material.facts.limits.hold_above
    clients = select_clients(material.findings, wish.choice, slow_above)
    subjects = select_subjects(material.findings, wish.choice)
    document = {
        "edition": edition,
        "epoch": facts.info.server_id,
        "now": material.now,
        "server": _server(recorder, material),
        "totals": _totals(facts),
        "limits": {"slow_above": slow_above},
        "history": _history(wish.window, material.excerpt),
        "connections": {
            "total": clients.total,
            "matched": clients.matched,
            "slow": count_slow(material.findings, slow_above),
            "pending": sum(row.stats.pending_bytes for row in material.findings.clients),
            "offset": clients.offset,
            "rows": [_client(row, material.monotonic) for row in clients.rows],
        },
        "subjects": {
            "total": subjects.total,
            "matched": subjects.matched,
            "unranked": material.findings.unranked,
            "rows": [asdict(row) for row in subjects.rows],
        },
        "routes": [_route(route) for route in material.routes],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _history(window: Window, excerpt: Excerpt) -> Json:
    return {
        "window": window.name,
        "step": excerpt.step,
        "length": LENGTH,
        "first": excerpt.first,
        "samples": excerpt.samples,
        "latest": excerpt.latest,
    }


def _server(recorder: Recorder, material: Material) -> Json:
    info, limits, host = material.facts.info, material.facts.limits, recorder.host
    return {
        "name": host.server_name,
        "id": info.server_id,
        "version": info.version,
        "data_plane": host.data_plane,
        "runtime": info.go,
        "cores": host.cores,
        "host": info.host,
        "port": info.port,
        "auth_required": info.auth_required,
        "tls_required": info.tls_required,
        "max_payload": limits.max_payload,
        "max_pending": limits.max_pending,
        "max_connections": limits.max_connections,
        "uptime": material.monotonic - material.facts.started,
    }


def _totals(facts: ServerFacts) -> Json:
    return {
        **asdict(facts.traffic),
        "total_connections": facts.total_connections,
        "subscriptions": facts.subscriptions,
        "slow_consumers": facts.slow_consumers,
    }


def _client(row: ClientRow, now: float) -> Json:
    stats = row.stats
    return {
        "cid": stats.cid,
        "name": stats.profile.name,
        "ip": stats.ip,
        "port": stats.port,
        "lang": stats.profile.lang,
        "version": stats.profile.version,
        "pending": stats.pending_bytes,
        "to_rate": row.to_rate,
        "from_rate": row.from_rate,
        "msgs_to": stats.traffic.out_msgs,
        "msgs_from": stats.traffic.in_msgs,
        "bytes_to": stats.traffic.out_bytes,
        "bytes_from": stats.traffic.in_bytes,
        "subs": stats.subscriptions,
        "idle": max(0.0, now - stats.last_activity),
        "uptime": max(0.0, now - stats.started),
    }


def _route(route: RouteStats) -> Json:
    return {
        "remote": route.remote_id,
        "ip": route.ip,
        "port": route.port,
        "pending": route.pending_bytes,
        "msgs_to": route.traffic.out_msgs,
        "msgs_from": route.traffic.in_msgs,
        "subs": route.subscriptions,
    }
