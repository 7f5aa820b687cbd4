"""Taking snapshots: one for all requests, in steps, and not too often."""

import asyncio
from collections.abc import Iterator

import pytest

from app.adapters.monitoring.dashboard.snapshot import STALE_SECONDS
from app.adapters.monitoring.dashboard.snapshot_taker import SnapshotTaker
from app.adapters.monitoring.dashboard.taker import FRESH_SECONDS, SHARE
from tests.support.monitored_broker import MonitoredBroker

pytestmark = pytest.mark.asyncio


def ticking(seconds: float) -> Iterator[float]:
    """A stopwatch that shows this many seconds more at each reading."""
    now = 0.0
    while True:
        yield now
        now += seconds


async def test_simultaneous_requests_share_a_snapshot() -> None:
    """A hundred open pages cost one snapshot."""
    snapshots = SnapshotTaker(MonitoredBroker().context)

    first, *others = await asyncio.gather(*(snapshots.snapshot() for _ in range(100)))

    assert all(first is other for other in others)


async def test_a_fresh_snapshot_is_used_again() -> None:
    """Within the first second the same snapshot is returned, and then a new one."""
    broker = MonitoredBroker()
    snapshots = SnapshotTaker(broker.context, lambda: 0.0)
    first = await snapshots.snapshot()

    broker.server.advance(FRESH_SECONDS / 2)
    again = await snapshots.snapshot()
    broker.server.advance(FRESH_SECONDS)
    later = await snapshots.snapshot()

    assert first is again
    assert first is not later


async def test_an_expensive_snapshot_is_taken_seldom() -> None:
    """A snapshot that took long is used for `SHARE` times as long."""
    broker = MonitoredBroker()
    context = ticking(0.1)
    snapshots = SnapshotTaker(broker.context, lambda: next(context))
    first = await snapshots.snapshot()

    broker.server.advance(SHARE * 0.1 + 0.1)
    again = await snapshots.snapshot()
    broker.server.advance(SHARE * 2.0)
    later = await snapshots.snapshot()

    assert first is again
    assert first is not later


async def test_a_reader_who_leaves_does_not_spoil_the_snapshot() -> None:
    """When one of two readers gives up, the other one still gets an answer."""
    snapshots = SnapshotTaker(MonitoredBroker().context)
    leaver, stayer = (asyncio.create_task(snapshots.snapshot()) for _ in range(2))
    await asyncio.sleep(0)

    leaver.cancel()

    assert [] == (await stayer).clients


async def test_forgotten_when_nobody_reads() -> None:
    """Snapshot that nobody asked for lately are let go of, so they are compared with no more."""
    broker = MonitoredBroker()
    broker.connect("", "a")
    snapshots = SnapshotTaker(broker.context, lambda: 0.0)
    first = await snapshots.snapshot()

    snapshots.drop_stale()
    assert first is await snapshots.snapshot()
    broker.server.advance(STALE_SECONDS + 0.1)
    snapshots.drop_stale()

    assert None is (await snapshots.snapshot()).clients[0].to_rate
