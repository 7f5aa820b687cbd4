"""Counters of a broker, as tests compare them."""

from dataclasses import dataclass, replace

from app.domain.broker import Broker
from app.domain.interest.index import IndexStats
from app.domain.stats import Traffic


@dataclass(frozen=True, slots=True)
class BrokerStats:
    """A snapshot of the whole broker."""

    connections: int
    """Clients now."""
    total_connections: int
    """Clients ever."""
    slow_consumers: int
    traffic: Traffic
    subscriptions: IndexStats


def stats_of(broker: Broker) -> BrokerStats:
    """The counters now, without the bytes of the plans, which differ between the twins."""
    return BrokerStats(
        connections=len(broker.sessions),
        total_connections=broker.total_connections,
        slow_consumers=broker.slow.closed,
        traffic=broker.traffic,
        subscriptions=replace(broker.interest.stats(), plan_cache_bytes=0),
    )
