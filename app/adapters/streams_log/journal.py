"""The journal of a stream: everything that is not a message.

It has the configuration, the consumers and their state, and what was removed. When it has
become long, the next one begins with all that still counts, and takes its place by a rename.
The one before is kept.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from ...ports.files import File, Files, SyncFailed
from .file_head import JOURNAL, NEW, StreamIdentity, file_name, make_head, salt_of
from .record import COMPLETE, FIRST_OF_EPOCH, encode, seed_of
from .steps import Step
from .writer import sync_now

JOURNAL_SIZE = 256 << 10
"""Bytes; a journal that is shorter is not replaced."""
_GROWTH = 3
"""A journal is replaced when it is this many times as long as it was at first."""
RESERVE = 64 << 10
"""Bytes of room ahead: removals and acknowledgements go on when the disk is full."""


class JournalEntry(NamedTuple):
    """Something to be written."""

    kind: int
    name: bytes
    body: bytes


class _Place(NamedTuple):
    """Where a journal ends, to go back to."""

    number: int
    end: int
    checksum: int
    sequence: int
    salt: int
    file: File | None
    epoch: int
    new_epoch: bool
    unsynced: bool


class StreamJournal:
    """The newest journal. The loop adds entries; the worker carries out what `take` returns."""

    def __init__(
        self,
        files: Files,
        directory: str,
        identity: StreamIdentity,
        contents: Callable[[], Iterable[JournalEntry]],
    ) -> None:
        """`contents` are the entries that a new journal begins with."""
        self.size = JOURNAL_SIZE
        self.reserve = RESERVE
        self._files = files
        self.directory = directory
        self._identity = identity
        self._contents = contents
        self.number = 0
        self.highest = 0
        """The highest number that a file may have."""
        self.end = 0
        self._checksum = 0
        self._sequence = 0
        self._epoch = 0
        self._salt = 0
        self._new_epoch = True
        self._allocated = 0
        self._file: File | None = None
        self._pending: list[JournalEntry] = []
        self._taken: list[JournalEntry] = []
        self._unsynced = False
        self._rotating = False
        self._rotate_at = 0
        self._before = self._place()
        self._half_written = False
        """Whether the file may have something beyond the end."""

    def _place(self) -> _Place:
        place = self.number, self.end, self._checksum, self._sequence, self._salt, self._file
        return _Place(*place, self._epoch, self._new_epoch, self._unsynced)

    def resume(  # noqa: PLR0913 - by name, but for the first
        self, number: int, *, file: File, end: int, checksum: int, sequence: int, epoch: int
    ) -> None:
        """Go on after recovery."""
        self.number, self._file, self.end, self._checksum = number, file, end, checksum
        self._sequence, self._epoch = sequence, epoch
        self._salt = salt_of(self._identity, JOURNAL, number)
        self._rotate_at = end + self.size
        self._half_written = True

    def add(self, kind: int, name: bytes, body: bytes) -> None:
        """Have an entry written with the next round."""
        self._pending.append(JournalEntry(kind, name, body))

    def supersede(self, kinds: Collection[int], begin: bytes) -> None:
        """Forget entries that wait, if a later one says what they say: those whose bodies begin so."""
        self._pending = [
            each for each in self._pending if each.kind not in kinds or not each.body.startswith(begin)
        ]

    def is_pending(self, *, sync: bool) -> bool:
        """Whether something is to be written, or synced."""
        return bool(self._pending) or (sync and self._unsynced)

    def rotate(self) -> None:
        """Begin a new journal with the next round."""
        self._rotate_at = 0

    def take_first(self, directory: str) -> list[Step]:
        """The steps that write the first journal, in a directory that is made for it."""
        self._before = self._place()
        self._taken, self._pending = self._pending, []
        self._rotating = True
        return self._new_file(directory)[0]

    def take(self, *, sync: bool, also: Sequence[JournalEntry] = ()) -> list[Step]:
        """All that is to be written, as steps; `also` is not written again if that fails."""
        self._before = self._place()
        if (self._pending or also) and self.end >= self._rotate_at:
            return self._rotation()
        self._taken, self._pending = self._pending, []
        steps: list[Step] = []
        if self._taken or also:
            offset, pieces = self.end, self._encode([*self._taken, *also])
            steps.append(partial(self._write, offset, pieces, self.end))
            self._unsynced = True
        if sync and self._unsynced:
            steps.append(self._sync)
            self._unsynced = False
            self._epoch = (self._epoch + 1) & 0xFF
            self._new_epoch = True
        return steps

    def _encode(self, entries: Iterable[JournalEntry]) -> list[bytes]:
        pieces = []
        for kind, name, body in entries:
            self._sequence += 1
            flag = FIRST_OF_EPOCH if self._new_epoch else 0
            self._new_epoch = False
            seed = seed_of(self._salt, self.end)
            before = self._checksum
            record, self._checksum = encode(
                kind | flag, self._epoch, self._sequence, 0, (name, b"", body), before, seed
            )
            pieces.append(record)
            self.end += len(record)
        return pieces

    def _write(self, offset: int, pieces: list[bytes], end: int) -> None:
        file = self._file
        assert file is not None  # noqa: S101 - it is made before
        if self._half_written:
            self._cut_off(file, offset)
        if end > self._allocated:
            self._allocate(file, end)
        self._half_written = True
        try:
            file.write(offset, pieces)
        except OSError:
            self._cut_off(file, offset)  # some of what is refused now may be there
            raise
        self._half_written = False

    def _cut_off(self, file: File, end: int) -> None:
        """Be rid of what is beyond. Raises `SyncFailed`: then nothing is known of it."""
        try:
            file.truncate(end)
        except OSError as error:
            raise SyncFailed.of(error, "cut") from error
        sync_now(file)
        self._allocated = 0

    def _allocate(self, file: File, end: int) -> None:
        try:
            file.allocate(end + self.reserve)
            self._allocated = end + self.reserve
        except OSError:
            file.allocate(end)
            self._allocated = end

    def _sync(self) -> None:
        if self._file is not None:
            sync_now(self._file)

    def _rotation(self) -> list[Step]:
        """Steps that replace the journal; what is pending is among its contents already."""
        self._taken, self._pending = self._pending, []
        steps, temporary = self._new_file(self.directory)
        self._rotating = True
        name = f"{self.directory}/{file_name(self.number, JOURNAL)}"
        steps.append(partial(self._files.rename, temporary, name))
        steps.append(partial(sync_directory, self._files, self.directory))
        steps.append(partial(self._remove_old, self._before.number - 1))
        return steps

    def _new_file(self, directory: str) -> tuple[list[Step], str]:
        entries = [*self._contents(), JournalEntry(COMPLETE, b"", b"")]
        self.number = self.highest = max(self.number, self.highest) + 1
        self._salt = salt_of(self._identity, JOURNAL, self.number)
        head, self._checksum = make_head(self._identity, self.number, 1, 0, self._epoch)
        self.end = len(head)
        pieces = [head, *self._encode(entries)]
        self._rotate_at = max(self.size, _GROWTH * self.end)
        self._epoch = (self._epoch + 1) & 0xFF
        self._new_epoch = True
        self._unsynced = False
        created = not self._before.number
        name = f"{directory}/{file_name(self.number, JOURNAL)}" if created else f"{directory}/{JOURNAL}{NEW}"
        return [partial(self._make, name, pieces, self.end)], name

    def _make(self, name: str, pieces: list[bytes], end: int) -> None:
        file = self._files.create(name)
        try:
            self._allocate(file, end)
            file.write(0, pieces)
            sync_now(file)
        except OSError:
            file.close()
            raise
        self._file = file

    def _remove_old(self, number: int) -> None:
        try:
            self._files.remove(f"{self.directory}/{file_name(number, JOURNAL)}")
        except OSError:
            return

    def succeeded(self) -> None:
        """What was taken is written."""
        self._taken = []
        if self._rotating and self._before.file is not None:
            self._before.file.close()
        self._rotating = False

    def failed(self) -> None:
        """What was taken is to be written again, at the same place."""
        self._pending = self._taken + self._pending
        self._taken = []
        before = self._before
        if self._rotating and self._file is not None and self._file is not before.file:
            self._file.close()
        self.number, self.end, self._checksum, self._sequence, self._salt, self._file = before[:6]
        # no sync was made that the next record could prove
        self._epoch, self._new_epoch, self._unsynced = before.epoch, before.new_epoch, before.unsynced
        if self._rotating:
            self._rotate_at = self.end + self.size
        self._rotating = False

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def sync_directory(files: Files, directory: str) -> None:
    """Sync a directory. Raises `SyncFailed`."""
    try:
        files.sync_directory(directory)
    except OSError as error:
        raise SyncFailed(error.errno, f"sync of the directory failed: {error.strerror}") from error
