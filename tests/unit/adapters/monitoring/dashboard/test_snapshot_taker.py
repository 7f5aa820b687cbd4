"""Snapshots of clients and subscriptions, as they are taken."""

import pytest

from app.adapters.monitoring.dashboard.snapshot_taker import SnapshotTaker
from tests.support.monitored_broker import MonitoredBroker

pytestmark = pytest.mark.asyncio


async def test_it_finds_clients_and_subjects() -> None:
    """A snapshot has the clients and their subscriptions."""
    broker = MonitoredBroker()
    broker.connect("billing", "orders.*", "mail")

    snapshot = await SnapshotTaker(broker.context).snapshot()

    assert ["billing"] == [row.stats.profile.name for row in snapshot.clients]
    assert ["orders.*", "mail"] == list(snapshot.subjects)


async def test_rates_come_with_the_second_snapshot() -> None:
    """What was delivered between two snapshots shows as messages per second."""
    broker = MonitoredBroker()
    client = broker.connect("", "a")
    snapshots = SnapshotTaker(broker.context, lambda: 0.0)
    await snapshots.snapshot()

    client.ask(b"PUB a 1\r\nx\r\n" * 8)
    broker.server.advance(2.0)
    snapshot = await snapshots.snapshot()

    assert (4.0, 4.0) == (snapshot.clients[0].to_rate, snapshot.clients[0].from_rate)
    assert 4.0 == snapshot.subjects["a"].rate
