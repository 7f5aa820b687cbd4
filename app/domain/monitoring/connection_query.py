"""Which clients a page shows, and in which order (monitoring-pages.md, section 4)."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from ..closed_clients import ClosedClient
from ..closing_reason import ClosingReason
from ..protocol.encode import ACCOUNT
from ..sessions.client import ClientSession
from ..steps import ROW_WORK, Step, Steps


class SortKey(Enum):
    """What a page of connections is sorted by (monitoring-pages.md, section 4.1)."""

    CID = "cid"
    START = "start"
    UPTIME = "uptime"
    SUBS = "subs"
    PENDING = "pending"
    MSGS_TO = "msgs_to"
    MSGS_FROM = "msgs_from"
    BYTES_TO = "bytes_to"
    BYTES_FROM = "bytes_from"
    LAST = "last"
    IDLE = "idle"
    RTT = "rtt"
    STOP = "stop"
    REASON = "reason"


OF_CLOSED = frozenset({SortKey.STOP, SortKey.REASON})
"""Keys that only closed clients have."""


class ConnectionState(Enum):
    """Which clients are asked for."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ConnectionQuery:
    """Which connections are asked for, and in which order."""

    sort: SortKey = SortKey.CID
    offset: int = 0
    limit: int = 1024
    subscriptions: bool = False
    """Whether rows list what their client listens to."""
    state: ConnectionState = ConnectionState.OPEN
    user: str = ""
    """Only those that logged in as this user; empty for all."""
    account: str = ""
    """Only those of this account; empty for all."""
    cid: int = 0
    """Only this one; 0 for all."""

    @property
    def is_filtered(self) -> bool:
        """Whether not all of the state are asked for."""
        return bool(self.user or self.account or self.cid)

    def admits(self, client: "Client") -> bool:
        """Whether a client passes the filters."""
        cid = client.cid if isinstance(client, ClosedClient) else client.number
        return self.cid in (0, cid) and self.user in ("", client.user) and self.account in ("", ACCOUNT)


Client = ClientSession | ClosedClient

_OPEN: dict[SortKey, Callable[[ClientSession], float]] = {
    SortKey.SUBS: lambda session: -len(session.subscriptions),
    SortKey.PENDING: lambda session: -session.connection.outbox.pending(),
    SortKey.MSGS_TO: lambda session: -session.connection.outbox.out_msgs,
    SortKey.MSGS_FROM: lambda session: -session.connection.inlet.in_msgs,
    SortKey.BYTES_TO: lambda session: -session.connection.outbox.out_bytes,
    SortKey.BYTES_FROM: lambda session: -session.connection.inlet.in_bytes,
    SortKey.LAST: lambda session: -session.connection.last_activity,
    SortKey.IDLE: lambda session: session.connection.last_activity,
    SortKey.RTT: lambda session: -session.connection.rtt,
}
"""Smallest first. Those that have equal values, or no such key, keep the order of arrival."""

_RANKS = {reason: rank for rank, reason in enumerate(sorted(ClosingReason, key=lambda reason: reason.value))}

_CLOSED: dict[SortKey, Callable[[ClosedClient], float]] = {
    SortKey.UPTIME: lambda client: client.started - client.stopped,
    SortKey.SUBS: lambda client: -client.subscriptions,
    SortKey.PENDING: lambda client: -client.pending_bytes,
    SortKey.MSGS_TO: lambda client: -client.out_msgs,
    SortKey.MSGS_FROM: lambda client: -client.in_msgs,
    SortKey.BYTES_TO: lambda client: -client.out_bytes,
    SortKey.BYTES_FROM: lambda client: -client.in_bytes,
    SortKey.LAST: lambda client: -client.last_activity,
    SortKey.IDLE: lambda client: client.last_activity,
    SortKey.RTT: lambda client: -client.rtt,
    SortKey.STOP: lambda client: -client.stopped,
    SortKey.REASON: lambda client: _RANKS[client.reason],
}
"""The same for closed ones."""


def open_in_order(sessions: Sequence[ClientSession], key: SortKey, step: Step) -> Steps[Iterable[Client]]:
    """Clients that are here, given in the order of arrival."""
    measure = _OPEN.get(key)
    if measure is None:
        return sessions
    measured = (
        (measure(session), session.number, session) for session in sessions if not session.connection.closed
    )
    return (yield from _sorted(measured, step))


def all_in_order(clients: Sequence[Client], key: SortKey, now: float, step: Step) -> Steps[Iterable[Client]]:
    """Clients of which some or all are closed."""
    of_open, of_closed = _OPEN.get(key), _CLOSED.get(key)

    def measured(client: Client) -> tuple[float, int, Client]:
        if isinstance(client, ClosedClient):
            return of_closed(client) if of_closed else 0.0, client.cid, client
        if client.connection.closed:
            return 0.0, client.number, client
        if key is SortKey.UPTIME:
            return client.connection.started - now, client.number, client
        return of_open(client) if of_open else 0.0, client.number, client

    return (yield from _sorted(map(measured, clients), step))


def _sorted(measured: Iterable[tuple[float, int, Client]], step: Step) -> Steps[Iterable[Client]]:
    """Sorted a stretch at a time, and merged as they are taken. No two have the same number."""
    runs: list[list[tuple[float, int, Client]]] = [[]]
    for one in measured:
        runs[-1].append(one)
        if step.is_over_after(ROW_WORK // 2):
            runs[-1].sort()
            runs.append([])
            yield
    runs[-1].sort()
    return (client for _, _, client in heapq.merge(*runs))
