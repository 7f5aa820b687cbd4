"""Rates: the growth of running totals per second."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .answers import ClientAnswer, ServerAnswer, TrafficTotals


@dataclass(frozen=True, slots=True)
class TrafficRates:
    """Messages and bytes per second."""

    in_msgs: float = 0.0
    out_msgs: float = 0.0
    in_bytes: float = 0.0
    out_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerReading:
    """The state of a server at one time, with rates since the reading before."""

    server: ServerAnswer
    clients: tuple[ClientAnswer, ...]
    rates: TrafficRates | None = None
    """None for the first reading."""
    client_rates: Mapping[int, TrafficRates] = field(default_factory=dict)
    """By cid, for clients that were in the reading before."""


class Meter:
    """Computes rates from each answer and the one before."""

    def __init__(self) -> None:
        self._at = 0.0
        self._server: ServerAnswer | None = None
        self._clients: dict[int, TrafficTotals] = {}

    def read(self, at: float, server: ServerAnswer, clients: tuple[ClientAnswer, ...]) -> ServerReading:
        """The reading of an answer that arrived at `at`, in seconds on a monotonic scale.

        A restarted server counts from zero, so earlier totals are not comparable.
        """
        before, seconds = self._server, max(at - self._at, 0.001)
        if before is None or not _is_same_run(before, server):
            rates, known = None, {}
        else:
            rates, known = _rates(before.traffic, server.traffic, seconds), self._clients
        self._at, self._server = at, server
        self._clients = {client.cid: client.traffic for client in clients}
        client_rates = {
            client.cid: _rates(known[client.cid], client.traffic, seconds)
            for client in clients
            if client.cid in known
        }
        return ServerReading(server, clients, rates, client_rates)


def _is_same_run(before: ServerAnswer, now: ServerAnswer) -> bool:
    """Whether it is the same run of the same server."""
    counters = ("in_msgs", "out_msgs", "in_bytes", "out_bytes")
    fell = any(getattr(now.traffic, name) < getattr(before.traffic, name) for name in counters)
    return before.id == now.id and not fell


def _rates(before: TrafficTotals, now: TrafficTotals, seconds: float) -> TrafficRates:
    return TrafficRates(
        in_msgs=max(0, now.in_msgs - before.in_msgs) / seconds,
        out_msgs=max(0, now.out_msgs - before.out_msgs) / seconds,
        in_bytes=max(0, now.in_bytes - before.in_bytes) / seconds,
        out_bytes=max(0, now.out_bytes - before.out_bytes) / seconds,
    )
