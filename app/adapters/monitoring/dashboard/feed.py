"""The one answer that the page asks for again and again."""

import json
import os
from dataclasses import asdict, dataclass

from app.adapters.monitoring.dashboard.details import NOTHING_OPENED, Opened, open_client, open_subject
from app.adapters.monitoring.dashboard.findings import Findings
from app.adapters.monitoring.dashboard.history import LENGTH, Excerpt, Window
from app.adapters.monitoring.dashboard.machine import memory_limit
from app.adapters.monitoring.dashboard.recorder import Recorder
from app.adapters.monitoring.dashboard.rows import Json, client_row, event_row, route_row, unreachable_row
from app.adapters.monitoring.dashboard.selection import Choice, select_clients, select_subjects
from app.adapters.monitoring.journal import Extract
from app.adapters.monitoring.process_figures import ProcessFigures
from app.adapters.monitoring.watch import Settings
from app.ports.broker_view import BrokerView, RouteStats, ServerFacts, Steps, UnreachableRoute

SLOW_CONSUMER = "slow_consumer"
"""The kind of event that has pending bytes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one request asks for."""

    window: Window
    epoch: str
    """The server that the page has samples of."""
    after: int
    """The number of the first sample that it lacks."""
    choice: Choice
    ring: str = ""
    """The ring that the number counts the samples of."""
    seen: int = -1
    """The revision of the journal that the page has."""
    opened: Opened = NOTHING_OPENED


@dataclass(frozen=True, slots=True)
class Material:
    """What an answer is made of; nothing of it changes any more but what the view gives."""

    now: float
    """On the monotonic scale."""
    view: BrokerView
    settings: Settings
    figures: ProcessFigures
    facts: ServerFacts
    routes: tuple[RouteStats, ...]
    unreachable: tuple[UnreachableRoute, ...]
    excerpt: Excerpt
    findings: Findings
    journal: Extract


def gather(recorder: Recorder, findings: Findings, routes: tuple[RouteStats, ...], wish: Wish) -> Material:
    """Everything but the choice of rows, in microseconds."""
    watch = recorder.watch
    facts = watch.view.server()
    known = wish.after if wish.epoch == facts.info.server_id else 0
    return Material(
        now=watch.view.monotonic(),
        view=watch.view,
        settings=watch.settings,
        figures=watch.figures,
        facts=facts,
        routes=routes,
        unreachable=watch.view.unreachable_routes(),
        excerpt=recorder.history.since(wish.window, known, wish.ring),
        findings=findings,
        journal=watch.journal.extract(),
    )


def answer(material: Material, wish: Wish, edition: str) -> Steps[bytes]:
    """The JSON text; `edition` names the version of the page."""
    findings, facts, now = material.findings, material.facts, material.now
    clients = yield from select_clients(findings, wish.choice)
    subjects = yield from select_subjects(findings, wish.choice)
    client = yield from open_client(material.view, wish.opened.client)
    subject = yield from open_subject(findings, wish.opened.subject)
    open_files = yield from material.figures.open_descriptors()
    document = {
        "edition": edition,
        "epoch": facts.info.server_id,
        "now": round(now, 3),
        "server": {**_server(material), "open_files": open_files},
        "totals": _totals(facts),
        "limits": _limits(material),
        "history": _history(wish.window, material.excerpt),
        "connections": {
            "total": clients.total,
            "matched": clients.matched,
            "slow": findings.slow,
            "troubled": findings.troubled,
            "pending": findings.pending,
            "offset": clients.offset,
            "rows": [client_row(row, now) for row in clients.rows],
        },
        "subjects": {
            "total": subjects.total,
            "matched": subjects.matched,
            "unranked": findings.unranked,
            "rows": [asdict(row) for row in subjects.rows],
        },
        "routes": [route_row(route, now) for route in material.routes],
        "unreachable": [unreachable_row(record, now) for record in material.unreachable],
        "events": _events(material, wish),
        "client": client,
        "subject": subject,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _history(window: Window, excerpt: Excerpt) -> Json:
    return {
        "window": window.name,
        "span": window.seconds,
        "ring": excerpt.ring,
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
        "release": settings.pynatsd,
        "version": info.version,
        "data_plane": settings.data_plane,
        "runtime": info.go,
        "cores": material.figures.cores(),
        "pid": os.getpid(),
        "host": info.host,
        "port": info.port,
        "log": settings.log,
        "config_file": settings.config_file,
        "clustered": material.facts.cluster is not None,
        "auth_required": info.auth_required,
        "tls_required": info.tls_required,
        "max_payload": limits.max_payload,
        "max_pending": limits.max_pending,
        "max_connections": limits.max_connections,
        "write_deadline": limits.write_deadline,
        "ping_interval": limits.ping_interval,
        "uptime": material.now - material.facts.started,
    }


def _totals(facts: ServerFacts) -> Json:
    return {
        **asdict(facts.traffic),
        "total_connections": facts.total_connections,
        "subscriptions": facts.subscriptions,
        "slow_consumers": facts.slow_consumers,
        "held_publishers": facts.held_publishers,
        "held_seconds": facts.held_seconds,
    }


def _limits(material: Material) -> Json:
    return {
        "slow_above": material.findings.slow_above,
        "connections": material.facts.limits.max_connections,
        "memory": memory_limit(),
        "files": material.figures.most_descriptors(),
    }


def _events(material: Material, wish: Wish) -> Json:
    """The journal; its entries only for a page that has not got them."""
    journal = material.journal
    known = wish.epoch == material.facts.info.server_id and wish.seen == journal.revision
    return {
        "now": round(journal.now, 3),
        "revision": journal.revision,
        "latest": journal.latest,
        "rows": None if known else _event_rows(material),
    }


def _event_rows(material: Material) -> list[Json]:
    """Newest first."""
    pending = {record.cid: record.pending_bytes for record in material.facts.slow_consumer_log}
    return [
        event_row(entry, pending if entry.kind.name == SLOW_CONSUMER else {})
        for entry in reversed(material.journal.entries)
    ]
