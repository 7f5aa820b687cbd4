"""All streams of a server, on disk."""

from collections.abc import Callable, Mapping, Sequence

from ...domain.jetstream.storage.seam import Document, StoreProblem
from ...domain.timers import Scheduler
from ...domain.value_object import value_object
from ...ports.files import Files, Worker
from .directories import SIZES, STREAMS, Sizes, remove_directory
from .file_head import GONE, NEW, StreamIdentity
from .journal_image import NewerFormat
from .recovery import recover_stream
from .rounds import Rounds
from .stream import FileStream
from .tail import TailBudget

LOCK = "lock"


class CannotOpenStore(Exception):
    """The directory cannot be used; the text says what to do."""


@value_object
class StoreSettings:
    """How a store works."""

    interval: float = 0.0
    """Seconds that written messages may wait for a sync; with 0 their acknowledgements wait for it."""
    sizes: Sizes = SIZES
    without_journal: bool = False
    """Whether streams are read whose journals are lost, without their configuration."""


class FileStorage:
    """The streams in a directory."""

    def __init__(
        self,
        files: Files,
        worker: Worker,
        scheduler: Scheduler,
        incarnation: Callable[[], int],
        settings: StoreSettings | None = None,
    ) -> None:
        """`incarnation` makes 64-bit numbers by chance. Raises `CannotOpenStore`."""
        self._files = files
        self._settings = settings or StoreSettings()
        self._incarnation = incarnation
        self.rounds = Rounds(worker, scheduler, self._settings.interval)
        self._tails = TailBudget()
        self._streams: dict[str, FileStream] = {}
        self._problems: list[StoreProblem] = []
        self.on_problem: Callable[[StoreProblem], None] = lambda _problem: None
        """Called with each problem that comes up later."""
        self._highest = 0
        try:
            files.lock(LOCK)
        except BlockingIOError:
            raise CannotOpenStore("another server uses this directory; each server needs its own") from None
        except OSError as error:
            raise CannotOpenStore(f"the directory cannot be locked: {error}") from error
        try:
            self._recover()
        except NewerFormat as error:
            files.close()
            raise CannotOpenStore(f"{error} was written by a newer version; use that version") from None
        except OSError as error:
            files.close()
            raise CannotOpenStore(f"the directory cannot be read or written: {error}") from error

    def _recover(self) -> None:
        files = self._files
        try:
            names = files.names(STREAMS)
        except FileNotFoundError:
            files.make_directory(STREAMS)
            files.sync_directory(".")
            return
        for name in names:
            number, dot, ending = name.partition(".")
            if not number.isdecimal():
                self._report("", f"{STREAMS}/{name} is none of ours; it is left as it is")
                continue
            self._highest = max(self._highest, int(number))
            if f"{dot}{ending}" in (NEW, GONE):
                remove_directory(files, f"{STREAMS}/{name}")
            elif not dot:
                self._recover_stream(int(number))

    def _recover_stream(self, number: int) -> None:
        def make(identity: StreamIdentity) -> FileStream:
            return self._make(number, identity, relaxed=False)

        stream = recover_stream(
            self._files, number, make, self._report, without_journal=self._settings.without_journal
        )
        if stream is None:
            return
        name = stream.identity.name
        if name in self._streams:
            self._report(name, f"{STREAMS}/{number} is a second stream of this name; it is left as it is")
            stream.close_files()
            return
        self._streams[name] = stream

    def _report(self, stream: str, text: str) -> None:
        problem = StoreProblem(stream, text)
        self._problems.append(problem)
        self.on_problem(problem)

    def _make(self, number: int, identity: StreamIdentity, *, relaxed: bool) -> FileStream:
        stream = FileStream(
            self._files,
            number,
            identity,
            self.rounds,
            self._tails,
            sizes=self._settings.sizes,
            relaxed=relaxed,
            report=self._report,
        )
        stream.on_gone = lambda: self._gone(stream)
        return stream

    def _gone(self, stream: FileStream) -> None:
        if self._streams.get(stream.identity.name) is stream:
            del self._streams[stream.identity.name]

    @property
    def streams(self) -> Mapping[str, FileStream]:
        return self._streams

    @property
    def problems(self) -> Sequence[StoreProblem]:
        return self._problems

    @property
    def used(self) -> int:
        return sum(stream.used for stream in self._streams.values())

    def create(self, name: str, document: Document, *, first: int = 1, relaxed: bool = False) -> FileStream:
        self._highest += 1
        stream = self._make(self._highest, StreamIdentity(self._incarnation(), name), relaxed=relaxed)
        stream.begin(first)
        stream.write(document)
        self._streams[name] = stream
        return stream

    def sync_every(self, seconds: float) -> None:
        self.rounds.sync_every(seconds)

    def let_go(self) -> None:
        """Close all files without writing anything: for tools."""
        for stream in self._streams.values():
            stream.close_files()
        self._files.close()

    def close(self) -> None:
        self.rounds.stop()
        for stream in self._streams.values():
            stream.prepare_close()
        self.rounds.flush()
        for stream in self._streams.values():
            stream.mark()
        self.rounds.flush()
        for stream in self._streams.values():
            stream.close_files()
        self._files.close()
