"""The one answer that the page asks for again and again."""

import json
from dataclasses import asdict, dataclass

from app.adapters.monitoring.dashboard.findings import ClientRow, Findings
from app.adapters.monitoring.dashboard.history import LENGTH, Excerpt, Window
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.selection import Choice, select_clients, select_subjects
from app.adapters.monitoring.watch import Settings
from app.ports.broker_view import RouteStats, ServerFacts, Steps

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
    """On the monotonic scale."""
    settings: Settings
    cores: int
    """Of this machine."""
    facts: ServerFacts
    routes: tuple[RouteStats, ...]
    excerpt: Excerpt
    findings: Findings


def gather(recorder: Recorder, findings: Findings, routes: tuple[RouteStats, ...], wish: Wish) -> Material:
    """Everything but the choice of rows, in microseconds."""
    facts = recorder.watch.view.server()
    known = wish.after if wish.epoch == facts.info.server_id else 0
    return Material(
        now=recorder.watch.view.monotonic(),
        settings=recorder.watch.settings,
        cores=recorder.watch.figures.cores(),
        facts=facts,
        routes=routes,
        excerpt=recorder.history.since(wish.window, known),
        findings=findings,
    )


def answer(material: Material, wish: Wish, edition: str) -> Steps[bytes]:
    """The JSON text; `edition` names the version of the page."""
    findings, facts = material.findings, material.facts
    clients = yield from select_clients(findings, wish.choice)
    subjects = yield from select_subjects(findings, wish.choice)
    document = {
        "edition": edition,
        "epoch": facts.info.server_id,
        "now": round(material.now, 3),
        "server": _server(material),
        "totals": _totals(facts),
        "limits": {"slow_above": findings.slow_above},
        "history": _history(wish.window, material.excerpt),
        "connections": {
            "total": clients.total,
            "matched": clients.matched,
            "slow": findings.slow,
            "pending": findings.pending,
            "offset": clients.offset,
            "rows": [_client(row, material.now) for row in clients.rows],
        },
        "subjects": {
            "total": subjects.total,
            "matched": subjects.matched,
            "unranked": findings.unranked,
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


def _server(material: Material) -> Json:
    info, limits, settings = material.facts.info, material.facts.limits, material.settings
    return {
        "name": settings.server_name or info.server_id,
        "id": info.server_id,
        "version": info.version,
        "data_plane": settings.data_plane,
        "runtime": info.go,
        "cores": material.cores,
        "host": info.host,
        "port": info.port,
        "auth_required": info.auth_required,
        "tls_required": info.tls_required,
        "max_payload": limits.max_payload,
        "max_pending": limits.max_pending,
        "max_connections": limits.max_connections,
        "uptime": material.now - material.facts.started,
    }


def _totals(facts: ServerFacts) -> Json:
    return {
        **asdict(facts.traffic),
        "total_connections": facts.total_connections,
        "subscriptions": facts.subscriptions,
        "slow_consumers": facts.slow_consumers,
    }


def _client(row: ClientRow, now: float) -> Json:
    stats, link = row.stats, row.stats.connection
    return {
        "cid": link.cid,
        "name": stats.profile.name,
        "ip": link.ip,
        "port": link.port,
        "lang": stats.profile.lang,
        "version": stats.profile.version,
        "pending": link.pending_bytes,
        "to_rate": row.to_rate,
        "from_rate": row.from_rate,
        "msgs_to": link.traffic.out_msgs,
        "msgs_from": link.traffic.in_msgs,
        "bytes_to": link.traffic.out_bytes,
        "bytes_from": link.traffic.in_bytes,
        "subs": stats.subscriptions,
        "idle": max(0.0, now - link.last_activity),
        "uptime": max(0.0, now - link.started),
    }


def _route(route: RouteStats) -> Json:
    link = route.connection
    return {
        "remote": route.remote_id,
        "ip": link.ip,
        "port": link.port,
        "pending": link.pending_bytes,
        "msgs_to": link.traffic.out_msgs,
        "msgs_from": link.traffic.in_msgs,
        "subs": route.subscriptions,
    }
