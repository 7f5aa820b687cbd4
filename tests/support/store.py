"""A store on a fake disk, for tests that use it step by step."""

from collections.abc import Callable

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_log.directories import Sizes
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from app.adapters.streams_log.stream import FileStream
from app.domain.jetstream.storage.seam import DamagedMessage, StorageFailure, StoredMessage
from tests.fakes.disk import FakeDisk, StepWorker

SMALL = Sizes(segment=1500, journal=600, ahead=1024)
HEADERS = b"NATS/1.0\r\nA: b\r\n\r\n"


class Store:
    """A storage with its disk, worker and clock."""

    def __init__(self, disk: FakeDisk | None = None, *, interval: float = 0.0, sizes: Sizes = SMALL) -> None:
        self.disk = disk or FakeDisk()
        self.worker = StepWorker()
        self.clock = ManualClock()
        self._incarnations = iter(range(100, 999))
        settings = StoreSettings(interval, sizes)
        self.storage = FileStorage(
            self.disk, self.worker, self.clock, lambda: next(self._incarnations), settings
        )
        self.outcomes: list[StorageFailure | None] = []

    def turn(self, seconds: float = 0.0) -> None:
        """Let what is due happen, until nothing is left to do."""
        self.clock.advance(seconds)
        while self.worker.step():
            self.clock.advance(0.0)

    def create(self, name: str = "S", *, first: int = 1, relaxed: bool = False) -> FileStream:
        """A stream that is on the disk."""
        stream = self.storage.create(name, {"name": name}, first=first, relaxed=relaxed)
        stream.log.commit(self.outcomes.append)
        self.turn()
        assert [None] == self.outcomes
        self.outcomes.clear()
        return stream

    def commit(self, stream: FileStream) -> StorageFailure | None:
        """Commit, and wait for it."""
        found: list[StorageFailure | None] = []
        stream.log.commit(found.append)
        while not found:
            self.turn(0.0)
        return found[0]

    def reopened(self, *, close: bool = False) -> "Store":
        """The store as another server finds it."""
        if close:
            self.storage.close()
        return Store(self.disk.copy())


def fill(stream: FileStream, messages: int, payload: bytes = b"payload", time: int = 1000) -> None:
    """Store messages on three subjects, some with headers."""
    for number in range(messages):
        headers = HEADERS if number % 4 == 0 else b""
        stream.log.append(b"s.%d" % (number % 3), headers, payload + b" %d" % number, time + number)


def contents(stream: FileStream) -> dict[int, StoredMessage | str]:
    """All messages of a stream; those that are damaged say so."""
    found: dict[int, StoredMessage | str] = {}
    sequence = stream.log.next(1)
    while sequence:
        try:
            message = stream.log.read(sequence)
            found[sequence] = message if message is not None else "missing"
        except DamagedMessage:
            found[sequence] = "damaged"
        sequence = stream.log.next(sequence + 1)
    return found


Change = Callable[[bytearray], None]


def changed(disk: FakeDisk, name: str, change: Change) -> FakeDisk:
    """A copy of a disk with another content of one file."""
    other = disk.copy()
    change(other.files()[name].data)
    return other
