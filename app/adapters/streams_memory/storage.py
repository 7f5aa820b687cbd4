"""All streams of a server, in memory."""

from collections.abc import Callable, Mapping, Sequence

from ...domain.jetstream.storage.seam import Document, Done, StoreProblem
from .log import MemoryLog


class MemoryState:
    """The state of one consumer: it is never read again, so nothing is kept."""

    checkpoint = b""
    changes: Sequence[bytes] = ()
    appended = 0

    def append(self, change: bytes) -> None:
        pass

    def replace(self, checkpoint: bytes) -> None:
        pass

    def commit(self, done: Done) -> None:
        done(None)


class MemoryStreamStorage:
    """One stream and its consumers."""

    def __init__(self, streams: dict[str, "MemoryStreamStorage"], name: str, first: int) -> None:
        """`streams` are those that this one belongs to."""
        self.log = MemoryLog(first)
        self._streams = streams
        self._name = name
        self._document: Document = {}
        self._consumers: dict[str, Document] = {}
        self._states: dict[str, MemoryState] = {}

    @property
    def document(self) -> Document:
        return self._document

    def write(self, document: Document) -> None:
        self._document = document

    @property
    def consumers(self) -> Mapping[str, Document]:
        return self._consumers

    def open_consumer(self, name: str) -> MemoryState:
        return self._states[name]

    def write_consumer(
        self,
        name: str,
        document: Document,
        *,
        in_memory: bool = False,  # noqa: ARG002 - they all are
    ) -> MemoryState:
        self._consumers[name] = document
        return self._states.setdefault(name, MemoryState())

    def delete_consumer(self, name: str) -> None:
        self._consumers.pop(name, None)
        self._states.pop(name, None)

    def propose(self, document: Document, done: Done) -> None:
        self.write(document)
        done(None)

    def propose_consumer(self, name: str, document: Document, done: Done) -> None:
        self._consumers[name] = document
        done(None)

    def propose_deletion(self, name: str, done: Done) -> None:
        self.delete_consumer(name)
        done(None)

    def delete(self, done: Done) -> None:
        self._streams.pop(self._name, None)
        done(None)


class MemoryStorage:
    """The streams of one server."""

    problems: Sequence[StoreProblem] = ()
    used = 0

    def __init__(self) -> None:
        self.on_problem: Callable[[StoreProblem], None] = lambda _problem: None
        """Not called: memory has no problems."""
        self._streams: dict[str, MemoryStreamStorage] = {}

    @property
    def streams(self) -> Mapping[str, MemoryStreamStorage]:
        return self._streams

    def create(
        self,
        name: str,
        document: Document,
        *,
        first: int = 1,
        relaxed: bool = False,  # noqa: ARG002 - nothing is waited for
    ) -> MemoryStreamStorage:
        stream = self._streams[name] = MemoryStreamStorage(self._streams, name, first)
        stream.write(document)
        return stream

    def sync_every(self, seconds: float) -> None:
        """Nothing to do: memory is never synced."""

    def close(self) -> None:
        self._streams.clear()
