"""The recorder: samples of the server, from its start on."""

import asyncio

import pytest

from app.adapters.monitoring.dashboard.history import WINDOWS
from app.adapters.monitoring.dashboard.recorder import Recorder
from tests.support.monitored_broker import MonitoredBroker


def test_a_sample_holds_the_totals() -> None:
    """A sample tells what has passed so far, what it took, and who is there."""
    broker = MonitoredBroker()
    broker.connect("", "a").ask(b"PUB a 3\r\nabc\r\nPUB b 2\r\nxy\r\n")
    broker.server.advance(4.0)
    recorder = Recorder(broker.watch, lambda: 1.25)

    recorder.record()

    [sample] = recorder.history.since(WINDOWS[0], 0).samples
    assert (broker.view.monotonic(), 2, 1, 5, 3, 1.25, 1) == (
        sample.at,
        sample.in_msgs,
        sample.out_msgs,
        sample.in_bytes,
        sample.out_bytes,
        sample.cpu_seconds,
        sample.connections,
    )
    assert sample.mem > 0


@pytest.mark.asyncio
async def test_it_records_until_it_is_cancelled() -> None:
    """The first sample is taken at once, and the recording ends when the server does."""
    recorder = Recorder(MonitoredBroker().watch)
    recording = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)

    recording.cancel()
    await asyncio.wait([recording])

    assert recording.cancelled()
    assert 1 == len(recorder.history.since(WINDOWS[0], 0).samples)
