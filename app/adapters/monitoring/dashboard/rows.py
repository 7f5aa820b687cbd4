"""What the page is sent of each client, route and event."""

from collections.abc import Mapping, Sequence

from app.adapters.monitoring.dashboard.findings import ClientRow
from app.adapters.monitoring.journal import Entry
from app.ports.broker_view import ClientStats, RouteStats, SubscriptionStats, UnreachableRoute

Json = dict[str, object]


def client_row(row: ClientRow, now: float) -> Json:
    """A line of the table of clients."""
    return {**_client(row.stats, now), "to_rate": row.to_rate, "from_rate": row.from_rate}


def client_detail(stats: ClientStats, listed: Sequence[SubscriptionStats], now: float) -> Json:
    """All that is known of a client, with what it listens to."""
    security = stats.connection.security
    return {
        **_client(stats, now),
        "user": stats.profile.user,
        "tls": f"{security.version}, {security.cipher_suite}" if security else "",
        "subscriptions": [subscription_row(one) for one in listed],
    }


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


def _client(stats: ClientStats, now: float) -> Json:
    link, profile = stats.connection, stats.profile
    return {
        "cid": link.cid,
        "name": profile.name,
        "ip": link.ip,
        "port": link.port,
        "lang": profile.lang,
        "version": profile.version,
        "pending": link.pending_bytes,
        "waits_for": link.waits_for,
        "holds": link.holds,
        "msgs_to": link.traffic.out_msgs,
        "msgs_from": link.traffic.in_msgs,
        "bytes_to": link.traffic.out_bytes,
        "bytes_from": link.traffic.in_bytes,
        "subs": stats.subscriptions,
        "idle": max(0.0, now - link.last_activity),
        "uptime": max(0.0, now - link.started),
    }


def route_row(route: RouteStats, now: float) -> Json:
    """A line of the table of routes."""
    link = route.connection
    return {
        "rid": link.cid,
        "remote": route.remote_id,
        "name": route.name,
        "solicited": route.solicited,
        "ip": link.ip,
        "port": link.port,
        "pending": link.pending_bytes,
        "msgs_to": link.traffic.out_msgs,
        "msgs_from": link.traffic.in_msgs,
        "subs": route.subscriptions,
        "rtt": route.rtt or None,
        "uptime": max(0.0, now - link.started),
    }


def unreachable_row(record: UnreachableRoute, now: float) -> Json:
    """A configured server that does not answer."""
    return {
        "url": record.url,
        "attempts": record.attempts,
        "error": record.error,
        "seconds": max(0.0, now - record.since),
    }


def event_row(entry: Entry, pending: Mapping[int, int]) -> Json:
    """An entry of the journal; `pending` is what slow consumers had not read, by their number."""
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
        "count": entry.count,
    }
