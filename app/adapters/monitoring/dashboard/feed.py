"""The feed: the one JSON answer that the page polls."""

import json
import os
import time
from dataclasses import asdict, dataclass

from ....ports.broker_view import BrokerView, LeafStats, RouteStats, ServerFacts, Steps, UnreachableRoute
from ..context import MonitorSettings
from ..journal import JournalSnapshot
from ..process_figures import ProcessFigures, memory_limit
from .details import NO_DETAILS, DetailQuery, client_details, subject_details
from .history import LENGTH, Excerpt, Window
from .recorder import Recorder
from .rows import (
    Json,
    client_row,
    closed_row,
    event_row,
    leaf_row,
    route_row,
    slow_row,
    unreachable_row,
)
from .selection import TableQuery, select_clients, select_subjects
from .snapshot import Snapshot

SLOW_CONSUMER = "slow_consumer"
"""The kind of event that has pending bytes."""

MAX_LATEST = 12
"""Slow receivers, and clients that have gone, on the page."""

SLOW_KINDS = frozenset({SLOW_CONSUMER, "publishers_held"})
"""The kinds that are about a receiver that is too slow."""


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """One request for the feed."""

    window: Window
    epoch: str
    """Id of the server whose samples the page has."""
    after: int
    """Number of the first sample that the page lacks."""
    table: TableQuery
    ring: str = ""
    """Name of the ring in which that number counts."""
    seen: int = -1
    """Revision of the journal that the page has."""
    detail: DetailQuery = NO_DETAILS


@dataclass(frozen=True, slots=True)
class FeedData:
    """What an answer is made of. Only the view still changes."""

    now: float
    """On the monotonic scale."""
    view: BrokerView
    settings: MonitorSettings
    figures: ProcessFigures
    facts: ServerFacts
    routes: tuple[RouteStats, ...]
    leaves: tuple[LeafStats, ...]
    unreachable: tuple[UnreachableRoute, ...]
    excerpt: Excerpt
    snapshot: Snapshot
    journal: JournalSnapshot


@dataclass(frozen=True, slots=True)
class ServerLinks:
    """Links to other servers."""

    routes: tuple[RouteStats, ...] = ()
    leaves: tuple[LeafStats, ...] = ()


def server_links(view: BrokerView) -> Steps[ServerLinks]:
    """Those that are there now."""
    routes = yield from view.routes()
    return ServerLinks(routes, (yield from view.leaves()))


def collect(recorder: Recorder, snapshot: Snapshot, links: ServerLinks, query: FeedQuery) -> FeedData:
    """Collect the data, in microseconds; rows are selected later."""
    context = recorder.context
    facts = context.view.server()
    known = query.after if query.epoch == facts.info.server_id else 0
    return FeedData(
        now=context.view.monotonic(),
        view=context.view,
        settings=context.settings,
        figures=context.figures,
        facts=facts,
        routes=links.routes,
        leaves=links.leaves,
        unreachable=context.view.unreachable_routes(),
        excerpt=recorder.history.since(query.window, known, query.ring),
        snapshot=snapshot,
        journal=context.journal.snapshot(),
    )


def feed_json(data: FeedData, query: FeedQuery, edition: str) -> Steps[bytes]:
    """The answer as JSON; `edition` names the version of the page."""
    snapshot, facts, now = data.snapshot, data.facts, data.now
    clients = yield from select_clients(snapshot, query.table)
    subjects = yield from select_subjects(snapshot, query.table)
    client = yield from client_details(data.view, query.detail.client)
    subject = yield from subject_details(snapshot, query.detail.subject)
    open_files = yield from data.figures.open_descriptors()
    document = {
        "edition": edition,
        "epoch": facts.info.server_id,
        "now": round(now, 3),
        "server": {**_server(data), "open_files": open_files},
        "totals": _totals(facts),
        "limits": _limits(data),
        "history": _history(query.window, data.excerpt),
        "connections": {
            "total": clients.total,
            "matched": clients.matched,
            "slow": snapshot.slow,
            "affected": snapshot.affected,
            "pending": snapshot.pending,
            "offset": clients.offset,
            "rows": [client_row(row, now) for row in clients.rows],
        },
        "subjects": {
            "total": subjects.total,
            "matched": subjects.matched,
            "unranked": snapshot.unranked,
            "rows": [asdict(row) for row in subjects.rows],
        },
        "routes": [route_row(route, now) for route in data.routes],
        "leaves": [leaf_row(leaf, now) for leaf in data.leaves],
        "unreachable": [unreachable_row(record, now) for record in data.unreachable],
        "events": _events(data, query),
        "slow": _slow(data),
        "closed": _closed(data),
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


def _server(data: FeedData) -> Json:
    info, limits, settings = data.facts.info, data.facts.limits, data.settings
    return {
        "name": settings.server_name or info.server_id,
        "id": info.server_id,
        "release": settings.pynatsd,
        "version": info.version,
        "data_plane": settings.data_plane,
        "runtime": info.go,
        "cores": data.figures.cores(),
        "pid": os.getpid(),
        "host": info.host,
        "port": info.port,
        "log": settings.log,
        "config_file": settings.config_file,
        "clustered": data.facts.cluster is not None,
        "auth_required": info.auth_required,
        "tls_required": info.tls_required,
        "max_payload": limits.max_payload,
        "max_pending": limits.max_pending,
        "max_connections": limits.max_connections,
        "write_deadline": limits.write_deadline,
        "ping_interval": limits.ping_interval,
        "lame_duck": _seconds_left(data),
        "certificates": {name: ends - time.time() for name, ends in settings.certificates.items()},
        "uptime": data.now - data.facts.started,
    }


def _seconds_left(data: FeedData) -> float | None:
    """Until the end of lame duck mode; None without it."""
    facts = data.facts.lame_duck
    return None if facts is None else max(0.0, facts.ends - data.now)


def _totals(facts: ServerFacts) -> Json:
    return {
        **asdict(facts.traffic),
        "total_connections": facts.total_connections,
        "subscriptions": facts.subscriptions,
        "slow_consumers": facts.slow_consumers,
        "held_publishers": facts.held_publishers,
        "held_seconds": facts.held_seconds,
    }


def _limits(data: FeedData) -> Json:
    return {
        "slow_above": data.snapshot.slow_above,
        "connections": data.facts.limits.max_connections,
        "memory": memory_limit(),
        "files": data.figures.max_descriptors(),
    }


def _events(data: FeedData, query: FeedQuery) -> Json:
    """The journal; its entries only for a page that lacks them."""
    journal = data.journal
    known = query.epoch == data.facts.info.server_id and query.seen == journal.revision
    return {
        "now": round(journal.now, 3),
        "revision": journal.revision,
        "latest": journal.latest,
        "rows": None if known else _event_rows(data),
    }


def _slow(data: FeedData) -> Json:
    """The latest receivers that were too slow, newest first."""
    receivers = data.view.slow_receivers()
    return {"total": len(receivers), "rows": [slow_row(one) for one in receivers[: -MAX_LATEST - 1 : -1]]}


def _closed(data: FeedData) -> Json:
    """The latest clients that have gone, newest first."""
    rows = [closed_row(one) for one in data.view.closed_lately(MAX_LATEST)]
    return {"total": data.facts.closed_clients, "rows": rows}


def _event_rows(data: FeedData) -> list[Json]:
    """Newest first."""
    pending = {record.number: record.pending_bytes for record in data.facts.slow_consumer_log}
    busiest = {
        receiver.number: receiver.backlog.found.subjects[0].subject.decode("utf-8", "replace")
        for receiver in data.view.slow_receivers()
        if receiver.backlog.found.subjects
    }
    rows = []
    for entry in reversed(data.journal.entries):
        is_cut, is_slow = entry.kind.name == SLOW_CONSUMER, entry.kind.name in SLOW_KINDS
        rows.append(event_row(entry, pending if is_cut else {}, busiest if is_slow else {}))
    return rows
