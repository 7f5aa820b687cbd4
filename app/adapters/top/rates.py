"""Rates: what has been added to running totals, by the time it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.adapters.top.answers import Client, Server, Traffic


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages and bytes per second."""

    in_msgs: float = 0.0
    out_msgs: float = 0.0
    in_bytes: float = 0.0
    out_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the server said at one time, and how fast things went since the time before."""

    server: Server
    clients: tuple[Client, ...]
    pace: Pace | None = None
    """None while there is nothing to compare with."""
    paces: Mapping[int, Pace] = field(default_factory=dict)
    """By cid, of clients that were there before as well."""


class Meter:
    """Compares each answer with the one before."""

    def __init__(self) -> None:
        self._at = 0.0
        self._server: Server | None = None
        self._clients: dict[int, Traffic] = {}

    def read(self, at: float, server: Server, clients: tuple[Client, ...]) -> Reading:
        """The reading of an answer that came at `at`, in seconds on a scale that never steps.

        A server that was started anew counts from zero, so nothing of before is comparable.
        """
        before, seconds = self._server, max(at - self._at, 0.001)
        if before is None or not _goes_on(before, server):
            pace, known = None, {}
        else:
            pace, known = _pace(before.traffic, server.traffic, seconds), self._clients
        self._at, self._server = at, server
        self._clients = {client.cid: client.traffic for client in clients}
        paces = {
            client.cid: _pace(known[client.cid], client.traffic, seconds)
            for client in clients
            if client.cid in known
        }
        return Reading(server, clients, pace, paces)


def _goes_on(before: Server, now: Server) -> bool:
    """Whether it is the same run of the same server."""
    counters = ("in_msgs", "out_msgs", "in_bytes", "out_bytes")
    fell = any(getattr(now.traffic, name) < getattr(before.traffic, name) for name in counters)
    return before.id == now.id and not fell


def _pace(before: Traffic, now: Traffic, seconds: float) -> Pace:
    return Pace(
        in_msgs=max(0, now.in_msgs - before.in_msgs) / seconds,
        out_msgs=max(0, now.out_msgs - before.out_msgs) / seconds,
        in_bytes=max(0, now.in_bytes - before.in_bytes) / seconds,
        out_bytes=max(0, now.out_bytes - before.out_bytes) / seconds,
    )
