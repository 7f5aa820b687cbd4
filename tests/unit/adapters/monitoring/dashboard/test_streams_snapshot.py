"""Snapshots of JetStream: streams and consumers, their sums and rates."""

from dataclasses import replace

import pytest

from app.adapters.monitoring.dashboard.snapshot import STALE_SECONDS
from app.adapters.monitoring.dashboard.streams_snapshot import StreamsSnapshot, StreamsTaker, with_rates
from tests.fakes.broker_view import Watched
from tests.fakes.streams_view import FakeStreams, consumer, stream
from tests.support.steps import finished


def snapshot(streams: FakeStreams, at: float, before: StreamsSnapshot | None = None) -> StreamsSnapshot:
    """What is made of these."""
    return finished(with_rates(before, at, finished(streams.overview(100, 100))))


def test_sums() -> None:
    """A stream shows the lag of the consumer that is furthest back, and sums of the rest."""
    streams = FakeStreams()
    streams.streams = [stream("A", messages=5), stream("B", messages=7)]
    streams.consumers = [
        consumer("A", "x", lag=3, unacknowledged=1, redelivered=1),
        consumer("A", "y", lag=4, unacknowledged=2, redelivered=2),
        consumer("gone", "z", lag=1),
    ]
    found = snapshot(streams, 1.0)
    row = found.streams["A"]

    assert (4, 3, 3) == (row.lag, row.unacknowledged, row.redelivered)
    assert (0, None) == (found.streams["B"].lag, found.streams["B"].rate)
    assert (12, 120, 8, 3, 3) == (
        found.messages,
        found.size,
        found.lag,
        found.unacknowledged,
        found.redelivered,
    )
    assert (2, 3) == (found.total_streams, found.total_consumers)


def test_rates() -> None:
    """They are what came since the snapshot before; nothing is known of what is new, or after a pause."""
    streams = FakeStreams()
    streams.streams, streams.consumers = [stream("A", messages=5)], [consumer("A", "x", delivered=1)]
    first = snapshot(streams, 1.0)
    streams.streams = [stream("A", messages=9), stream("B", messages=9)]
    streams.consumers = [consumer("A", "x", delivered=7), consumer("A", "new", delivered=7)]
    second = snapshot(streams, 3.0, first)
    late = snapshot(streams, 1.1 + STALE_SECONDS, first)

    assert (2.0, None) == (second.streams["A"].rate, second.streams["B"].rate)
    assert (3.0, None) == (second.consumers["A", "x"].rate, second.consumers["A", "new"].rate)
    assert None is late.streams["A"].rate


def test_a_stream_that_was_made_anew() -> None:
    """Its numbers begin again; a rate is never below nothing."""
    streams = FakeStreams()
    streams.streams, streams.consumers = [stream("A", messages=5)], [consumer("A", "x", delivered=9)]
    first = snapshot(streams, 1.0)
    streams.streams, streams.consumers = [stream("A", messages=1)], [consumer("A", "x")]
    second = snapshot(streams, 2.0, first)

    assert (0.0, 0.0) == (second.streams["A"].rate, second.consumers["A", "x"].rate)


@pytest.mark.asyncio
async def test_taking_them(watched: Watched) -> None:
    """Without JetStream a snapshot is empty; with it, it has what there is."""
    assert {} == (await StreamsTaker(watched.context).snapshot()).streams
    streams = FakeStreams()
    streams.streams = [stream("A")]
    taker = StreamsTaker(replace(watched.context, streams=lambda: streams))

    assert ["A"] == list((await taker.snapshot()).streams)
