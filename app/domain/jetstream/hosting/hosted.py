"""A stream as a server hosts it: with its subscriptions and its consumers."""

from ..consumers.consumer import Consumer
from ..storage.seam import StreamStorage
from ..streams.stream import Stream


class HostedStream:
    """One of them."""

    __slots__ = ("changing", "consumers", "direct", "is_safe", "sids", "storage", "stream")

    def __init__(self, stream: Stream, storage: StreamStorage) -> None:
        self.stream = stream
        self.storage = storage
        self.sids: dict[str, bytes] = {}
        """Subscriptions by subject."""
        self.consumers: dict[str, Consumer] = {}
        self.direct: dict[str, Consumer] = {}
        """Those that servers of other domains copy by: they are in no list and no count."""
        self.changing: set[str] = set()
        """Consumers of which a change is not safe yet."""
        self.is_safe = True
        """Whether it is stored; False until its creation is answered."""

    def consumer(self, name: str) -> Consumer | None:
        """The consumer of this name, no matter who made it."""
        return self.consumers.get(name) or self.direct.get(name)

    @property
    def name(self) -> str:
        """That of the stream."""
        return self.stream.name
