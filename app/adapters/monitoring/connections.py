"""The fields of a connection on pages: ``/connz``, ``/routez`` and the dashboard.

Each field has a place in its schema, and a `Column` of the same name, which says how it
is read from the broker's statistics. Every table takes its rows from here, so a new field
is added here alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from ...domain.security.link_security import PeerCredentials
from ...ports.broker_view import ACCOUNT, ClientStats, RouteStats
from .context import WallTime
from .formats import duration, rfc3339
from .schemas import Duration, PageModel, SubscriptionDetail, Time


class WaitedReceiver(PageModel):
    """A receiver that a publisher waits for."""

    cid: int
    name: str


class PeerProcess(PageModel):
    """The process at the other end of a unix socket."""

    pid: int
    uid: int
    gid: int


class ConnectionInfo(PageModel):
    """One client."""

    cid: int
    kind: Annotated[str | None, Field(examples=["Client"])] = None
    type: Annotated[str | None, Field(description="How it speaks: nats or websocket.")] = None
    ip: str
    port: int
    start: Time
    last_activity: Time
    stop: Annotated[Time | None, Field(description="When it was closed.")] = None
    reason: Annotated[str | None, Field(description="Why it was closed.", examples=["Client Closed"])] = None
    rtt: Annotated[
        str | None, Field(description="Round-trip time of the last ping.", examples=["0.412ms"])
    ] = None
    uptime: Annotated[Duration, Field(description="Until now, or until it was closed; so is idle.")]
    idle: Duration
    pending_bytes: int
    in_msgs: Annotated[int, Field(description="Published by it.")]
    out_msgs: Annotated[int, Field(description="Delivered to it.")]
    in_bytes: int
    out_bytes: int
    subscriptions: int
    name: str | None = None
    lang: str | None = None
    version: str | None = None
    tls_version: str | None = None
    tls_cipher_suite: str | None = None
    authorized_user: Annotated[str | None, Field(description="Only with auth=1.")] = None
    name_tag: Annotated[str | None, Field(description="Its account; only with auth=1.")] = None
    waits_for: Annotated[
        list[WaitedReceiver] | None, Field(description="The receivers that it waits for as a publisher.")
    ] = None
    unix_peer: Annotated[PeerProcess | None, Field(description="Only at the unix socket; ip is unix.")] = None
    subscriptions_list: Annotated[list[str] | None, Field(description="Only with subs=1.")] = None
    subscriptions_list_detail: Annotated[
        list[SubscriptionDetail] | None, Field(description="Only with subs=detail.")
    ] = None


class Connz(PageModel):
    """A page of clients."""

    server_id: str | None = None
    now: Time
    num_connections: Annotated[int, Field(description="Entries in this page.")]
    total: Annotated[int, Field(description="All clients of the state that was asked for.")]
    offset: int
    limit: int
    connections: list[ConnectionInfo]


class RouteEntry(PageModel):
    """One route."""

    rid: int
    remote_id: Annotated[str, Field(description="Server id of the peer.")]
    did_solicit: Annotated[bool, Field(description="Whether this server dialled.")]
    is_configured: bool
    ip: str
    port: int
    pending_size: Annotated[int, Field(description="Pending bytes.")]
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    subscriptions: int
    start: Time
    uptime: Duration
    remote_name: Annotated[str | None, Field(description="What the peer calls itself, or its server id.")] = (
        None
    )
    rtt: Annotated[
        str | None, Field(description="Round-trip time of the last ping.", examples=["0.412ms"])
    ] = None
    subscriptions_list: Annotated[list[str] | None, Field(description="Only with subs=1.")] = None


class UnreachableEntry(PageModel):
    """A configured server that no route leads to."""

    url: Annotated[str, Field(description="Without user and password.")]
    attempts: Annotated[int, Field(description="Failed dials in a row.")]
    error: Annotated[str, Field(description="Why the last one failed.")]
    since: Annotated[Time, Field(description="When the first one failed.")]


class Routez(PageModel):
    """The routes."""

    server_id: str | None = None
    server_name: str | None = None
    now: Time
    num_routes: int
    unreachable: Annotated[
        list[UnreachableEntry] | None, Field(description="Configured servers that no route leads to, if any.")
    ] = None
    routes: list[RouteEntry]


KIND, NATS, WEBSOCKET = "Client", "nats", "websocket"

OF_LOGINS = ("authorized_user", "name_tag")
"""Fields that are shown on request only."""

S = TypeVar("S", ClientStats, RouteStats)
R = TypeVar("R", bound=PageModel)


def _or_none(value: object, _wall_time: WallTime) -> object:
    return value or None


def _as_time(moment: float, wall_time: WallTime) -> str:
    return rfc3339(wall_time.of(moment))


def _as_time_or_none(moment: float | None, wall_time: WallTime) -> str | None:
    return None if moment is None else _as_time(moment, wall_time)


def _as_duration(seconds: float, _wall_time: WallTime) -> str:
    return duration(seconds)


def _as_milliseconds(seconds: float | None, _wall_time: WallTime) -> str | None:
    return None if seconds is None else f"{1000.0 * seconds:.3f}ms"


def _as_receivers(receivers: tuple[tuple[int, str], ...], _wall_time: WallTime) -> object:
    return [WaitedReceiver(cid=cid, name=name) for cid, name in receivers] or None


def _as_process(found: PeerCredentials | None, _wall_time: WallTime) -> object:
    return None if found is None else PeerProcess(pid=found.pid, uid=found.uid, gid=found.gid)


@dataclass(frozen=True, slots=True)
class Column(Generic[S]):
    """Where a field comes from, and how it is written."""

    read: Callable[[S, float], Any]
    """The value, from the statistics and the time now; both on the monotonic scale."""
    feed: str = ""
    """Its name in the dashboard's feed; empty for a field that is not in it."""
    form: Callable[[Any, WallTime], object] | None = None
    """How pages write the value, if not as it is; a field whose value is None is left out."""
    sortable: bool = False
    """Whether the dashboard's table can be sorted by it."""
    of_today: bool = False
    """Whether pages of gnatsd 0.8.0 lack it."""


CLIENT_COLUMNS: Mapping[str, Column[ClientStats]] = {
    "cid": Column(lambda client, _: client.connection.cid, "cid", sortable=True),
    "kind": Column(lambda _client, _: KIND, of_today=True),
    "type": Column(lambda client, _: WEBSOCKET if client.websocket else NATS, of_today=True),
    "ip": Column(lambda client, _: client.connection.ip, "ip"),
    "port": Column(lambda client, _: client.connection.port, "port"),
    "start": Column(lambda client, _: client.connection.started, form=_as_time),
    "last_activity": Column(lambda client, _: client.connection.last_activity, form=_as_time),
    "stop": Column(lambda client, _: client.closing.at if client.closing else None, form=_as_time_or_none),
    "reason": Column(lambda client, _: client.closing.reason if client.closing else None),
    "rtt": Column(lambda client, _: client.connection.rtt or None, form=_as_milliseconds, of_today=True),
    "uptime": Column(
        lambda client, now: now - client.connection.started, "uptime", _as_duration, sortable=True
    ),
    "idle": Column(
        lambda client, now: now - client.connection.last_activity, "idle", _as_duration, sortable=True
    ),
    "pending_bytes": Column(lambda client, _: client.connection.pending_bytes, "pending"),
    "in_msgs": Column(lambda client, _: client.connection.traffic.in_msgs, "msgs_from", sortable=True),
    "out_msgs": Column(lambda client, _: client.connection.traffic.out_msgs, "msgs_to", sortable=True),
    "in_bytes": Column(lambda client, _: client.connection.traffic.in_bytes, "bytes_from", sortable=True),
    "out_bytes": Column(lambda client, _: client.connection.traffic.out_bytes, "bytes_to", sortable=True),
    "subscriptions": Column(lambda client, _: client.subscriptions, "subs", sortable=True),
    "name": Column(lambda client, _: client.profile.name, "name", _or_none),
    "lang": Column(lambda client, _: client.profile.lang, "lang", _or_none),
    "version": Column(lambda client, _: client.profile.version, "version", _or_none),
    "tls_version": Column(
        lambda client, _: client.connection.security.version if client.connection.security else None
    ),
    "tls_cipher_suite": Column(
        lambda client, _: client.connection.security.cipher_suite if client.connection.security else None
    ),
    "authorized_user": Column(lambda client, _: client.profile.user, form=_or_none),
    "name_tag": Column(lambda _client, _: ACCOUNT, of_today=True),
    "waits_for": Column(lambda client, _: client.connection.waits_for, "waits_for", _as_receivers),
    "unix_peer": Column(lambda client, _: client.connection.credentials, form=_as_process),
}
"""The fields of `ConnectionInfo`, without the lists of subscriptions, which are written piece by piece."""

ROUTE_COLUMNS: Mapping[str, Column[RouteStats]] = {
    "rid": Column(lambda route, _: route.connection.cid, "rid"),
    "remote_id": Column(lambda route, _: route.remote_id, "remote"),
    "did_solicit": Column(lambda route, _: route.solicited, "solicited"),
    "is_configured": Column(lambda route, _: route.configured),
    "ip": Column(lambda route, _: route.connection.ip, "ip"),
    "port": Column(lambda route, _: route.connection.port, "port"),
    "pending_size": Column(lambda route, _: route.connection.pending_bytes, "pending"),
    "in_msgs": Column(lambda route, _: route.connection.traffic.in_msgs, "msgs_from"),
    "out_msgs": Column(lambda route, _: route.connection.traffic.out_msgs, "msgs_to"),
    "in_bytes": Column(lambda route, _: route.connection.traffic.in_bytes),
    "out_bytes": Column(lambda route, _: route.connection.traffic.out_bytes),
    "subscriptions": Column(lambda route, _: route.subscriptions, "subs"),
    "start": Column(lambda route, _: route.connection.started, form=_as_time),
    "uptime": Column(lambda route, now: now - route.connection.started, "uptime", _as_duration),
    "remote_name": Column(lambda route, _: route.name, "name", _or_none),
    "rtt": Column(lambda route, _: route.rtt or None, "rtt", _as_milliseconds),
}
"""The fields of `RouteEntry`, without the list of subscriptions."""


Fields = tuple[tuple[str, Callable[[S, float], Any], Callable[[Any, WallTime], object] | None], ...]
"""The columns of a page: name, source and form of each."""


def _fields(columns: Mapping[str, Column[S]], *, of_today: bool) -> Fields[S]:
    return tuple(
        (name, column.read, column.form)
        for name, column in columns.items()
        if of_today or not column.of_today
    )


_CLIENT_FIELDS = {of_today: _fields(CLIENT_COLUMNS, of_today=of_today) for of_today in (False, True)}
_ROUTE_FIELDS = _fields(ROUTE_COLUMNS, of_today=True)


@dataclass(frozen=True, slots=True)
class RowContext:
    """When rows are made, and for which readers."""

    now: float
    """On the monotonic scale."""
    wall_time: WallTime
    is_current: bool = True
    """Whether the fields of current servers are shown."""


def connection_info(stats: ClientStats, row_context: RowContext, *, auth: bool) -> ConnectionInfo:
    """A client's entry in ``/connz``; who it logged in as only with `auth`."""
    if stats.closing is not None:
        row_context = replace(row_context, now=stats.closing.at)
    fields = _page_fields(_CLIENT_FIELDS[row_context.is_current], stats, row_context)
    if not auth:
        for name in OF_LOGINS:
            fields.pop(name, None)
    return ConnectionInfo(**fields)


def route_entry(stats: RouteStats, row_context: RowContext) -> RouteEntry:
    """A route's entry in ``/routez``."""
    return RouteEntry(**_page_fields(_ROUTE_FIELDS, stats, row_context))


def feed_fields(columns: Mapping[str, Column[S]], stats: S, now: float) -> dict[str, object]:
    """A row of the dashboard's feed."""
    return {column.feed: _not_negative(column.read(stats, now)) for column in columns.values() if column.feed}


def _page_fields(fields: Fields[S], stats: S, row_context: RowContext) -> dict[str, Any]:
    """The fields that have a value."""
    now, wall_time = row_context.now, row_context.wall_time
    found = {}
    for name, read, form in fields:
        value = read(stats, now)
        if form is not None:
            value = form(value, wall_time)
        if value is not None:
            found[name] = value
    return found


def _not_negative(value: object) -> object:
    """Times can end before they begin: clients act while a page is made."""
    return max(0.0, value) if isinstance(value, float) else value
