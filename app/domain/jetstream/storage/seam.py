"""The seam between streams and their storage.

A stream decides what is stored and what goes; a storage keeps it. All calls return at once: what a
storage has to write, it writes later, and `commit` says when it is safe.

Storage            all streams of a server: what was recovered, and new ones
└── StreamStorage  one stream: its document (configuration), its log, its consumers
    ├── StreamLog  the messages, by sequence
    └── StateLog   what one consumer has to remember

Sequences start at 1 and are never used twice. Times are nanoseconds since the epoch. Documents are
JSON objects that the storage does not look into.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from ...dataplane.incoming_run import IncomingRun
from ...dataplane.message_run import MessageRun

HIGHEST_FIRST = 1 << 62
"""The highest sequence that a message may be given on request: all that follow it stay below 2^63."""

Document = Mapping[str, object]
"""A JSON object."""


class StoredMessage(NamedTuple):
    """A message of a stream."""

    sequence: int
    time: int
    subject: bytes
    headers: bytes
    """The whole header block, its version line included; empty for none."""
    payload: bytes


class SubjectState(NamedTuple):
    """What a stream holds of one subject."""

    first: int
    last: int
    messages: int


class Lost(NamedTuple):
    """Messages that were damaged, as far as is known."""

    sequences: tuple[int, ...]
    size: int
    """Bytes."""


class StorageFailure(Enum):
    """Why something is not stored."""

    FULL = "full"
    """No room; a later attempt may succeed."""
    BROKEN = "broken"
    """An error of the disk: nothing is stored before a restart."""
    GONE = "gone"
    """The stream was deleted meanwhile; nothing is wrong with the disk."""


class DamagedMessage(Exception):
    """The message's bytes are not those that were stored."""


Done = Callable[[StorageFailure | None], None]
"""Called once, in a later turn or at once: with None when all is safe, else with the reason."""


class StreamLog(Protocol):
    """The messages of one stream. What is appended can be read at once, whether it is safe or not."""

    @property
    def first(self) -> int:
        """The lowest sequence that is there; `last` + 1 if there is none."""
        ...

    @property
    def last(self) -> int:
        """The highest sequence ever used, also by messages that are gone; 0 in a new log."""
        ...

    @property
    def first_time(self) -> int:
        """When the first message was stored; 0 if there is none."""
        ...

    @property
    def last_time(self) -> int:
        """When the last message was stored, also if it is gone; 0 in a new log."""
        ...

    @property
    def count(self) -> int:
        """Messages that are there."""
        ...

    @property
    def size(self) -> int:
        """Their bytes, as `max_bytes` counts them for this storage (jetstream-streams.md, section 4)."""
        ...

    @property
    def subject_count(self) -> int:
        """Different subjects of the messages that are there."""
        ...

    @property
    def lost(self) -> Lost | None:
        """What damage has cost; None for nothing."""
        ...

    def size_of(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        """What such a message adds to `size`."""
        ...

    def size_at(self, sequence: int) -> int:
        """What this message adds to `size`; 0 if it is not there."""
        ...

    def append(
        self, subject: bytes, headers: bytes, payload: bytes, time: int, removes: Sequence[int] = ()
    ) -> int:
        """Store a message as the next sequence, which is returned; `removes` go in the same record.

        Either all of it survives a crash or nothing (a roll-up is not half done), and when the disk
        is full `removes` come back with the message going. So what a limit removes because of this
        message belongs here too. `time` is not less than `last_time`; the caller sees to it.
        """
        ...

    def append_run(self, run: IncomingRun, time: int) -> int:
        """Store messages in a row as the next sequences, and return the first of these.

        The first one gets this time, and each of the others a nanosecond more than the one before.
        """
        ...

    def skip(self, last: int, time: int) -> None:
        """Use up all sequences up to `last` without a message: they count as removed."""
        ...

    def remove(self, sequences: Sequence[int], *, erase: bool = False) -> int:
        """Remove these; returns how many were there. `erase` overwrites their bytes once it is safe."""
        ...

    def remove_before(self, sequence: int) -> int:
        """Remove all below; returns how many that were. A sequence above `last` uses up those between."""
        ...

    def propose_removal(self, sequences: Sequence[int], done: Done, *, erase: bool = False) -> None:
        """Have it made safe that these go, without removing them; then `remove` has to follow.

        If `done` gets a failure they stay, also after a restart, unless the disk is broken. It may be
        called at once.
        """
        ...

    def propose_removal_before(self, sequence: int, done: Done) -> None:
        """The same for all below, and `remove_before`; the sequence is `last` + 1 at most."""
        ...

    def read(self, sequence: int) -> StoredMessage | None:
        """The message; None if it is not there. Raises `DamagedMessage`."""
        ...

    def read_run(self, first: int, most: int, size: int) -> MessageRun | None:
        """The message and those right after it, `most` at most, with `size` bytes of bodies at most.

        It may have fewer. None where `read` has to say what there is.
        """
        ...

    def matching(self, first: int, end: int, most: int, filters: Sequence[bytes]) -> list[int]:
        """The sequence `first`, whose subject matches, and those after it that match, ascending.

        They are below `end`, and `most` at most; there may be fewer. The filters are not those for all.
        """
        ...

    def time_of(self, sequence: int) -> int:
        """When it was stored; 0 if it is not there."""
        ...

    def subject_of(self, sequence: int) -> bytes | None:
        """Its subject, without reading the message; None if it is not there."""
        ...

    def next(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """The first sequence from `start` on whose subject matches one of the filters; 0 for none.

        No filters stand for all messages.
        """
        ...

    def previous(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """The last sequence up to `start` whose subject matches; 0 for none."""
        ...

    def next_with_headers(self, start: int) -> int:
        """The first sequence from `start` on whose message has headers; 0 for none."""
        ...

    def at_time(self, time: int) -> int:
        """The first sequence stored at this time or later; `last` + 1 if there is none."""
        ...

    def count_from(self, start: int, filters: Sequence[bytes] = ()) -> int:
        """How many messages from `start` on match. Exact; quick for `start` <= `first` and near the end."""
        ...

    def subjects(self, pattern: bytes = b">") -> Iterator[tuple[bytes, SubjectState]]:
        """Subjects that are there and match, in no order."""
        ...

    def subject_state(self, subject: bytes) -> SubjectState | None:
        """That of one literal subject; None if no message has it."""
        ...

    def last_of(self, subject: bytes) -> int:
        """The last sequence of one literal subject; 0 if no message has it."""
        ...

    def read_last(self, subject: bytes) -> StoredMessage | None:
        """The last message of one literal subject; None if there is none. Raises `DamagedMessage`."""
        ...

    def excess(self, subject: bytes, most: int) -> Sequence[int]:
        """The oldest of one literal subject that are too many when one more comes, if `most` may be there."""
        ...

    def sequences_of(self, subject: bytes, up_to: int) -> list[int]:
        """All sequences of one literal subject up to `up_to`, ascending."""
        ...

    def holes(self) -> list[int]:
        """Sequences between `first` and `last` that are not there, ascending."""
        ...

    @property
    def hole_count(self) -> int:
        """How many `holes` there are, without making the list."""
        ...

    @property
    def failure(self) -> StorageFailure | None:
        """Why nothing can be stored now; None as a rule. It becomes None again when there is room.

        Meanwhile nothing is appended; all else goes on as far as it can.
        """
        ...

    def commit(self, done: Done, *, only_messages: bool = False) -> None:
        """Have all that was done so far made safe, here and in the stream's `StateLog`s.

        `only_messages`: what was appended, with what those records remove, is enough; all else
        follows within 100 ms. That saves a write of a second file.
        When `done` gets a failure, messages that were appended since the last success are taken
        back: `last` is lower again, and the messages that they removed are there again.
        """
        ...

    def store_now(self, subject: bytes, headers: bytes, payload: bytes, time: int, most: int) -> int:
        """Append a message and commit it in one step; 0 if that would take a wait: then nothing was done.

        It gets the time of the message before if that is later. With `most` over 0 a message that is
        `excess` goes with it.
        """
        ...

    def commit_now(self) -> bool:
        """Do as `commit` with `only_messages` if that takes no wait. If False nothing was committed."""
        ...


class StateLog(Protocol):
    """What one consumer has to remember: a checkpoint, and changes after it, in its own form."""

    @property
    def checkpoint(self) -> bytes:
        """The one that was recovered; empty for none."""
        ...

    @property
    def changes(self) -> Sequence[bytes]:
        """Those that were recovered, after it, in order."""
        ...

    def append(self, change: bytes) -> None:
        """Write a change."""
        ...

    def replace(self, checkpoint: bytes) -> None:
        """Write a checkpoint, so that nothing before it is needed any more."""
        ...

    @property
    def appended(self) -> int:
        """Bytes of changes since the last checkpoint."""
        ...

    def commit(self, done: Done) -> None:
        """Have all changes so far made safe."""
        ...


class StreamStorage(Protocol):
    """All that is kept of one stream."""

    @property
    def log(self) -> StreamLog:
        """The messages."""
        ...

    @property
    def document(self) -> Document:
        """As it was last written."""
        ...

    def write(self, document: Document) -> None:
        """Replace the document; safe after the next `commit`."""
        ...

    @property
    def consumers(self) -> Mapping[str, Document]:
        """The documents of consumers that were recovered or created, by name."""
        ...

    def open_consumer(self, name: str) -> StateLog:
        """The state of a consumer that is there."""
        ...

    def write_consumer(self, name: str, document: Document, *, in_memory: bool = False) -> StateLog:
        """Create a consumer or replace its document; `in_memory` ones leave no trace on a disk."""
        ...

    def delete_consumer(self, name: str) -> None:
        """Forget it, and its state."""
        ...

    def propose(self, document: Document, done: Done) -> None:
        """Replace the document when it is safe; a failure leaves the one that is there. See `StreamLog`."""
        ...

    def propose_consumer(self, name: str, document: Document, done: Done) -> None:
        """The same for the document of a consumer that is there."""
        ...

    def propose_deletion(self, name: str, done: Done) -> None:
        """Forget a consumer, and its state, when that is safe; a failure leaves both."""
        ...

    def delete(self, done: Done) -> None:
        """Forget the stream and all its messages; its files are gone when `done` is called.

        Meanwhile nothing is committed. After a failure it is there as before, and goes on.
        """
        ...


class StoreProblem(NamedTuple):
    """What was found when a storage was opened, in words for an operator."""

    stream: str
    """Empty where it concerns no stream."""
    text: str


class Storage(Protocol):
    """The streams of one server."""

    on_problem: Callable[[StoreProblem], None]
    """Called with what comes up after it was opened: a disk that fails or is full, damage that is met."""

    @property
    def streams(self) -> Mapping[str, StreamStorage]:
        """Those that were recovered or created, by name."""
        ...

    @property
    def problems(self) -> Sequence[StoreProblem]:
        """What was damaged; shown by the log and by `/healthz`."""
        ...

    @property
    def used(self) -> int:
        """Bytes on the disk; 0 in memory."""
        ...

    def create(
        self, name: str, document: Document, *, first: int = 1, relaxed: bool = False
    ) -> StreamStorage:
        """Make a stream whose first message gets the sequence `first`.

        `relaxed` streams do not wait for the disk at `commit` (`persist_mode: async`).
        """
        ...

    def sync_every(self, seconds: float) -> None:
        """Sync in other intervals from now on; with 0, before anything counts as safe."""
        ...

    def close(self) -> None:
        """Write what is not written yet, and let go of all files. Blocks until that is done."""
        ...
