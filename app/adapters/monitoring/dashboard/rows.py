"""The rows of the dashboard's feed: clients, routes, leaf links and events.

The fields of a connection are those of `app.adapters.monitoring.connections`.
"""

from collections.abc import Mapping, Sequence

from ....ports.broker_view import (
    ClientStats,
    LeafStats,
    RouteStats,
    SlowReceiver,
    SubscriptionStats,
    UnreachableRoute,
)
from ..connections import CLIENT_COLUMNS, ROUTE_COLUMNS, feed_fields
from ..journal import Entry
from .snapshot import ClientRow

Json = dict[str, object]

NOTHING: Mapping[int, str] = {}


def client_row(row: ClientRow, now: float) -> Json:
    """A row of the table of clients, with its rates."""
    return {**_client_fields(row.stats, now), "to_rate": row.to_rate, "from_rate": row.from_rate}


def client_detail(stats: ClientStats, listed: Sequence[SubscriptionStats], now: float) -> Json:
    """All fields of a client, with its subscriptions."""
    security = stats.connection.security
    return {
        **_client_fields(stats, now),
        "user": stats.profile.user,
        "tls": f"{security.version}, {security.cipher_suite}" if security else "",
        "subscriptions": [subscription_row(one) for one in listed],
    }


def _client_fields(stats: ClientStats, now: float) -> Json:
    return {**feed_fields(CLIENT_COLUMNS, stats, now), "holds": stats.connection.holds}


def subscription_row(stats: SubscriptionStats) -> Json:
    """One subscription."""
    return {
        "cid": stats.number,
        "sid": stats.sid,
        "subject": stats.subject,
        "queue": stats.queue,
        "delivered": stats.delivered,
        "limit": stats.limit,
    }


def route_row(route: RouteStats, now: float) -> Json:
    """A row of the table of routes."""
    return feed_fields(ROUTE_COLUMNS, route, now)


def leaf_row(leaf: LeafStats, now: float) -> Json:
    """A row of the table of leaf links."""
    connection, traffic = leaf.connection, leaf.connection.traffic
    return {
        "lid": connection.cid,
        "name": leaf.name,
        "ip": connection.ip,
        "port": connection.port,
        "hub": leaf.is_spoke,
        "solicited": leaf.solicited,
        "pending": connection.pending_bytes,
        "msgs_from": traffic.in_msgs,
        "msgs_to": traffic.out_msgs,
        "subs": leaf.subscriptions,
        "uptime": max(0.0, now - connection.started),
        "rtt": connection.rtt,
    }


def unreachable_row(record: UnreachableRoute, now: float) -> Json:
    """A configured server that no route leads to."""
    return {
        "url": record.url,
        "attempts": record.attempts,
        "error": record.error,
        "seconds": max(0.0, now - record.since),
    }


def slow_row(receiver: SlowReceiver) -> Json:
    """A receiver that was too slow; times on the monotonic scale."""
    backlog = receiver.backlog
    return {
        "at": round(receiver.at, 3),
        "link": f"{receiver.kind}:{receiver.number}",
        "address": f"{receiver.ip}:{receiver.port}",
        "who": receiver.name,
        "action": receiver.action.value,
        "reason": receiver.reason,
        "pending": receiver.pending_bytes,
        "publishers": receiver.publishers,
        "counting": not backlog.is_counted,
        "known": backlog.found.size,
        "subjects": [
            {"subject": one.subject.decode("utf-8", "replace"), "messages": one.messages, "bytes": one.size}
            for one in backlog.found.subjects
        ],
    }


def closed_row(stats: ClientStats) -> Json:
    """A client that has gone."""
    link, closing = stats.connection, stats.closing
    return {
        "cid": link.cid,
        "name": stats.profile.name,
        "address": f"{link.ip}:{link.port}",
        "user": stats.profile.user,
        "at": None if closing is None else round(closing.at, 3),
        "reason": "" if closing is None else closing.reason,
        "seconds": None if closing is None else max(0.0, closing.at - link.started),
        "pending": link.pending_bytes,
    }


def event_row(entry: Entry, pending: Mapping[int, int], busiest: Mapping[int, str] = NOTHING) -> Json:
    """An entry of the journal; `pending` is the unread bytes of closed slow consumers, by their number.

    `busiest` is the subject on which most came for a receiver that was too slow.
    """
    link = entry.link
    return {
        "kind": entry.kind.name,
        "title": entry.kind.title,
        "tone": entry.kind.tone,
        "at": round(entry.at, 3),
        "link": f"{link.kind}:{link.number}" if link else "",
        "address": link.address if link else "",
        "who": entry.who,
        "detail": entry.detail,
        "pending": pending.get(link.number) if link else None,
        "subject": busiest.get(link.number) if link else None,
        "count": entry.count,
    }
