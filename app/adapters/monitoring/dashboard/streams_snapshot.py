"""A snapshot of JetStream: streams and consumers, with rates since the snapshot before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ....ports.broker_view import Steps
from ....ports.streams_view import ConsumerFigures, Overview, StreamFigures
from .snapshot import STALE_SECONDS, batches
from .taker import Taker

MAX_STREAMS = 10_000
MAX_CONSUMERS = 50_000
"""A snapshot holds no more, so that it fits into a few dozen megabytes."""

ConsumerKey = tuple[str, str]
"""The stream, and the name."""


@dataclass(slots=True)
class StreamRow:
    """A stream in the table, with sums over its consumers."""

    figures: StreamFigures
    rate: float | None = None
    """Messages stored per second; None while unknown."""
    lag: int = 0
    """That of the consumer that is furthest back."""
    unacknowledged: int = 0
    redelivered: int = 0


@dataclass(frozen=True, slots=True)
class ConsumerRow:
    """A consumer in the table."""

    figures: ConsumerFigures
    rate: float | None = None
    """Messages delivered per second; None while unknown."""

    @property
    def key(self) -> ConsumerKey:
        """Which one it is."""
        return self.figures.stream, self.figures.name


@dataclass(slots=True)
class StreamsSnapshot:
    """JetStream at one time. It is not changed once it is complete."""

    at: float
    """When it was begun, on the monotonic scale."""
    streams: dict[str, StreamRow] = field(default_factory=dict)
    consumers: dict[ConsumerKey, ConsumerRow] = field(default_factory=dict)
    total_streams: int = 0
    total_consumers: int = 0
    messages: int = 0
    size: int = 0
    lag: int = 0
    """Of all consumers, as the others."""
    unacknowledged: int = 0
    redelivered: int = 0


class StreamsTaker(Taker[StreamsSnapshot]):
    """Takes them; without JetStream they are empty."""

    async def _make(self, before: StreamsSnapshot | None) -> StreamsSnapshot:
        begun, streams = self._context.view.monotonic(), self._context.streams()
        if streams is None:
            return StreamsSnapshot(begun)
        overview = await self._run(streams.overview(MAX_STREAMS, MAX_CONSUMERS))
        return await self._run(with_rates(before, begun, overview))


def with_rates(before: StreamsSnapshot | None, at: float, overview: Overview) -> Steps[StreamsSnapshot]:
    """The snapshot of an overview, with rates since `before`, unless that is stale."""
    snapshot = StreamsSnapshot(
        at, total_streams=overview.total_streams, total_consumers=overview.total_consumers
    )
    if before is not None and at - before.at > STALE_SECONDS:
        before = None
    seconds = max(at - before.at, 0.001) if before is not None else 0.0
    yield from _add_streams(snapshot, overview.streams, before.streams if before else {}, seconds)
    yield from _add_consumers(snapshot, overview.consumers, before.consumers if before else {}, seconds)
    return snapshot


def _add_streams(
    snapshot: StreamsSnapshot, found: Sequence[StreamFigures], before: Mapping[str, StreamRow], seconds: float
) -> Steps[None]:
    for some in batches(found):
        for figures in some:
            was = before.get(figures.name)
            rate = None if was is None else max(0, figures.last - was.figures.last) / seconds
            snapshot.streams[figures.name] = StreamRow(figures, rate)
            snapshot.messages += figures.messages
            snapshot.size += figures.size
        yield


def _add_consumers(
    snapshot: StreamsSnapshot,
    found: Sequence[ConsumerFigures],
    before: Mapping[ConsumerKey, ConsumerRow],
    seconds: float,
) -> Steps[None]:
    for some in batches(found):
        for figures in some:
            was = before.get((figures.stream, figures.name))
            rate = None if was is None else max(0, figures.delivered - was.figures.delivered) / seconds
            row = ConsumerRow(figures, rate)
            snapshot.consumers[row.key] = row
            _add_to_sums(snapshot, figures)
        yield


def _add_to_sums(snapshot: StreamsSnapshot, figures: ConsumerFigures) -> None:
    snapshot.lag += figures.lag
    snapshot.unacknowledged += figures.unacknowledged
    snapshot.redelivered += figures.redelivered
    stream = snapshot.streams.get(figures.stream)
    if stream is not None:
        stream.lag = max(stream.lag, figures.lag)
        stream.unacknowledged += figures.unacknowledged
        stream.redelivered += figures.redelivered
