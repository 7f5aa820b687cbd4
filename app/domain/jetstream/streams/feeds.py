"""The mirror or the sources of a stream, and how far each was read (jetstream-streams.md, section 9)."""

from ...steps import Step, Steps
from ..storage.seam import DamagedMessage, StreamLog, StreamStorage
from . import headers as h
from .config import StreamSource
from .consumer_feed import ConsumerFeed
from .feed import Feed, Target
from .feed_positions import FeedPosition, FeedPositions, Index
from .host import StreamHost
from .remote_feed import RemoteFeed


class Feeds:
    """The mirror or the sources of one stream."""

    def __init__(self, target: Target, host: StreamHost, storage: StreamStorage) -> None:
        self._target = target
        self._host = host
        self._positions = FeedPositions(storage)
        self._feeds: dict[tuple[str, str, str], Feed] = {}
        self._is_closed = False

    def configure(self) -> None:
        """Have the feeds of the configuration, and look for their origins; without effect after the end."""
        if self._is_closed:
            return
        config = self._target.config
        wanted = {source.index: source for source in config.sources}
        if config.mirror is not None:
            wanted = {config.mirror.index: config.mirror}
        for index in [index for index in self._feeds if index not in wanted]:
            self._feeds.pop(index).end()
        for index, source in wanted.items():
            feed = self._feeds.get(index)
            if feed is None:
                positions = self._positions if config.mirror is None else None
                feed = self._make(source, positions)
                feed.position, feed.identity = self._positions.positions.get(index, FeedPosition(0, ""))
                feed.copied = feed.position
                self._feeds[index] = feed
            feed.connect()

    def _make(self, source: StreamSource, positions: FeedPositions | None) -> Feed:
        kind = Feed if source.external is None else RemoteFeed
        if source.consumer is not None:
            kind = ConsumerFeed
        return kind(self._target, source, self._host, positions)

    def recover(self) -> Steps[None]:
        """Find how far each source was read: by what was noted, and by later copies that are stored."""
        step, log = Step(), self._target.log
        missing = {source.index for source in self._target.config.sources}
        if missing:
            self._positions.load()
        sequence = log.previous(log.last) if missing else 0
        while sequence > self._positions.seen and missing:
            index, position = _mark_of(log, sequence)
            if index in missing:
                missing.discard(index)
                self._positions.positions[index] = position
            if step.is_over_after(8):
                yield
            sequence = log.previous(sequence - 1)

    def mirror_json(self) -> dict[str, object] | None:
        """The status of the mirror; None if the stream is none."""
        return next((feed.status() for feed in self._feeds.values() if feed.mirrors), None)

    @property
    def has_caught_up(self) -> bool:
        """Whether a mirror of a stream elsewhere had nearly all of it at some time since the start."""
        return any(isinstance(feed, RemoteFeed) and feed.has_caught_up for feed in self._feeds.values())

    def sources_json(self) -> list[dict[str, object]]:
        """The status of each source."""
        return [feed.status() for feed in self._feeds.values() if not feed.mirrors]

    def end(self) -> None:
        """Stop all for good: the stream is deleted."""
        self._is_closed = True
        for feed in self._feeds.values():
            feed.end()
        self._feeds.clear()

    def close(self) -> None:
        """Stop all."""
        self._is_closed = True
        for feed in self._feeds.values():
            feed.close()
        self._feeds.clear()


def _mark_of(log: StreamLog, sequence: int) -> tuple[Index, FeedPosition]:
    """Which source a stored message is of, its sequence there, and the origin's identity."""
    try:
        message = log.read(sequence)
    except DamagedMessage:
        message = None
    words = b"" if message is None else h.field(message.headers, h.STREAM_SOURCE)
    parts = words.decode("utf-8", "replace").split(" ")
    if len(parts) < 5 or not parts[1].isdecimal():
        return ("", "", ""), FeedPosition(0, "")
    index = parts[0], parts[2], parts[3]
    return index, FeedPosition(int(parts[1]), parts[5] if len(parts) > 5 else "")
