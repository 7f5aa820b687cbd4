"""The JSON answer that the page of streams polls."""

import json

from ....ports.broker_view import Steps
from ....ports.streams_view import StreamsView
from ..context import MonitoringContext
from .rows import Json
from .streams_selection import StreamsQuery, consumers_of, select_consumers, select_streams
from .streams_snapshot import ConsumerRow, StreamRow, StreamsSnapshot

MAX_SHOWN_SUBJECTS = 16
"""Subjects of a stream in its row."""

MAX_LISTED_CONSUMERS = 100
"""Consumers among the details of a stream."""


def streams_json(
    context: MonitoringContext, snapshot: StreamsSnapshot, query: StreamsQuery, edition: str
) -> Steps[bytes]:
    """The answer; `edition` names the version of the page."""
    facts, streams = context.view.server(), context.streams()
    chosen = yield from select_streams(snapshot, query)
    consumers = yield from select_consumers(snapshot, query)
    detail = yield from _detail(streams, snapshot, query)
    lame, now = facts.lame_duck, context.view.monotonic()
    document = {
        "edition": edition,
        "epoch": facts.info.server_id,
        "now": round(now, 3),
        "wall": context.wall_time.now(),
        "server": {
            "name": context.settings.server_name or facts.info.server_id,
            "lame_duck": None if lame is None else max(0.0, lame.ends - now),
            "clients": facts.connections,
            "held_publishers": facts.held_publishers,
        },
        "jetstream": None if streams is None else _summary(streams, snapshot),
        "streams": {
            "total": snapshot.total_streams,
            "known": chosen.total,
            "matched": chosen.matched,
            "offset": chosen.offset,
            "rows": [stream_row(row) for row in chosen.rows],
        },
        "consumers": {
            "total": snapshot.total_consumers,
            "known": consumers.total,
            "matched": consumers.matched,
            "offset": consumers.offset,
            "rows": [consumer_row(row) for row in consumers.rows],
        },
        "detail": detail,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _summary(streams: StreamsView, snapshot: StreamsSnapshot) -> Json:
    """The whole of it; the names are those of `/jsz`."""
    return {
        **streams.figures(),
        "config": streams.config(),
        "problem": streams.problem(),
        "messages": snapshot.messages,
        "bytes": snapshot.size,
        "lag": snapshot.lag,
        "unacknowledged": snapshot.unacknowledged,
        "redelivered": snapshot.redelivered,
    }


def stream_row(row: StreamRow) -> Json:
    """A row of the table of streams. Times in seconds since the epoch, None for none."""
    figures = row.figures
    return {
        "name": figures.name,
        "subjects": list(figures.subjects[:MAX_SHOWN_SUBJECTS]),
        "more_subjects": max(0, len(figures.subjects) - MAX_SHOWN_SUBJECTS),
        "retention": figures.retention,
        "in_memory": figures.in_memory,
        "messages": figures.messages,
        "bytes": figures.size,
        "oldest": _seconds(figures.first_time),
        "rate": row.rate,
        "consumers": figures.consumers,
        "lag": row.lag,
        "unacknowledged": row.unacknowledged,
        "redelivered": row.redelivered,
        "failure": figures.failure,
    }


def consumer_row(row: ConsumerRow) -> Json:
    """A row of the table of consumers."""
    figures = row.figures
    return {
        "name": figures.name,
        "stream": figures.stream,
        "push": figures.is_push,
        "paused": figures.is_paused,
        "lag": figures.lag,
        "unacknowledged": figures.unacknowledged,
        "redelivered": figures.redelivered,
        "waiting": figures.waiting,
        "delivered": figures.delivered,
        "delivered_at": _seconds(figures.delivered_at),
        "acked_at": _seconds(figures.acked_at),
        "rate": row.rate,
    }


def _detail(
    streams: StreamsView | None, snapshot: StreamsSnapshot, query: StreamsQuery
) -> Steps[Json | None]:
    """What is opened, with what `/jsz` says of it; None where nothing is, or what was opened has gone."""
    if streams is None or not query.stream:
        return None
    if query.consumer:
        row = snapshot.consumers.get((query.stream, query.consumer))
        info = streams.consumer(query.stream, query.consumer)
        return None if row is None or info is None else {**consumer_row(row), "info": info}
    found, info = snapshot.streams.get(query.stream), streams.stream(query.stream)
    if found is None or info is None:
        return None
    listed = yield from consumers_of(snapshot, query.stream, MAX_LISTED_CONSUMERS)
    rows = [consumer_row(row) for row in listed.rows]
    return {**stream_row(found), "info": info, "listed": rows}


def _seconds(nanoseconds: int) -> float | None:
    return nanoseconds / 1e9 if nanoseconds else None
