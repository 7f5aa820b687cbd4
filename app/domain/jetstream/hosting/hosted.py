"""A stream as a server hosts it: with its subscriptions and its consumers."""

from ..consumers.consumer import Consumer
from ..storage.seam import StreamStorage
from ..streams.stream import Stream


class HostedStream:
    """One of them."""

    __slots__ = ("consumers", "sids", "storage", "stream")

    def __init__(self, stream: Stream, storage: StreamStorage) -> None:
        self.stream = stream
        self.storage = storage
        self.sids: dict[str, bytes] = {}
        """Subscriptions by subject."""
        self.consumers: dict[str, Consumer] = {}

    @property
    def name(self) -> str:
        """That of the stream."""
        return self.stream.name
