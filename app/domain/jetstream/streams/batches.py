"""Atomic batches: all of their messages are stored, or none (jetstream-streams.md, section 8).

A batch is kept in memory until its last message comes. Then all of it is checked, and appended in one
turn, so that one commit makes it safe. If a crash leaves only a part on the disk, that is the end of
the stream: `torn_batch` finds it.
"""

from collections.abc import Callable, Mapping

from ...timers import DueQueue, Scheduler
from ..errors import JetStreamError
from ..storage.seam import StreamLog
from . import headers as h
from .api_level import without_required_level
from .contents import Contents
from .staged import Staged
from .writer import Prepared, Writer

MAX_ID = 64
MAX_MESSAGES = 1000
MAX_BATCHES = 50
MAX_BYTES = 64 * 1024 * 1024
"""Of all batches of one stream that are not complete."""
SILENCE = 10.0
"""Seconds without a message after which a batch is abandoned."""

EOB = b"eob"


class _Batch:
    __slots__ = ("last", "messages", "size")

    def __init__(self) -> None:
        self.last = 0
        self.size = 0
        self.messages: list[tuple[bytes, bytes, bytes]] = []


class AtomicBatches:
    """The batches of one stream that are not complete."""

    def __init__(self, writer: Writer, scheduler: Scheduler) -> None:
        self._writer = writer
        self._batches: dict[bytes, _Batch] = {}
        self._size = 0
        self._due: DueQueue[bytes] = DueQueue(scheduler, SILENCE, self._time_out)
        self.abandoned: Callable[[str, str], None] = _ignore
        """Called with the id of a batch that ended without success, and the reason."""

    def __len__(self) -> int:
        return len(self._batches)

    def take(
        self, name: bytes, subject: bytes, headers: bytes, payload: bytes
    ) -> tuple[list[int], int] | None:
        """A message of a batch. None if others are to come, else the sequences and how many there are.

        Raises `JetStreamError`; the batch is gone then, if it had begun.
        """
        self._writer.check_early(headers, payload)
        if len(name) > MAX_ID:
            raise JetStreamError(10179)
        fields = h.special_fields(headers)
        number = _number(fields)
        commit = fields.get(h.BATCH_COMMIT, b"")
        batch = self._begun(name, number, is_end=commit == EOB)
        if commit not in (b"", b"1", EOB):
            self._drop(name)
            raise JetStreamError(10200)
        try:
            headers = without_required_level(headers)
        except JetStreamError:
            self._abandon(name, "unsupported")
            raise
        batch.last += 1
        if batch.last != number or (number == 1 and commit == EOB):
            self._abandon(name, "incomplete")
            raise JetStreamError(10176)
        if number - (commit == EOB) > MAX_MESSAGES:
            self._abandon(name, "large")
            raise JetStreamError(10199, MAX_MESSAGES)
        if commit != EOB:
            self._stage(name, batch, (subject, headers, payload))
        if not commit:
            return None
        self._drop(name)
        return self._commit(batch, is_marked=commit != EOB), len(batch.messages)

    def _begun(self, name: bytes, number: int, *, is_end: bool) -> _Batch:
        batch = self._batches.get(name)
        if batch is None:
            if number != 1:
                raise (
                    JetStreamError(10199, MAX_MESSAGES)
                    if number - is_end > MAX_MESSAGES
                    else (JetStreamError(10176))
                )
            if len(self._batches) >= MAX_BATCHES:
                raise JetStreamError(10210)
            batch = self._batches[name] = _Batch()
        self._due.add(name)
        return batch

    def _stage(self, name: bytes, batch: _Batch, message: tuple[bytes, bytes, bytes]) -> None:
        size = sum(len(each) for each in message)
        if self._size + size > MAX_BYTES:
            self._abandon(name, "large")
            raise JetStreamError(10210)
        batch.messages.append(message)
        batch.size += size
        self._size += size

    def _drop(self, name: bytes) -> None:
        batch = self._batches.pop(name)
        self._size -= batch.size
        self._due.discard(name)

    def _abandon(self, name: bytes, reason: str) -> None:
        self._drop(name)
        self.abandoned(name.decode("utf-8", "replace"), reason)

    def _time_out(self, name: bytes) -> None:
        self._abandon(name, "timeout")

    def _commit(self, batch: _Batch, *, is_marked: bool) -> list[int]:
        """Check all, then store all."""
        staged = Staged()
        prepared: list[Prepared] = []
        for place, (subject, headers, payload) in enumerate(batch.messages, 1):
            block = headers
            if place == len(batch.messages) and not is_marked:
                block = h.with_fields(headers, [(h.BATCH_COMMIT, b"1")])
            prepared.append(self._writer.prepare(subject, block, payload, staged))
        self._writer.check_batch(staged)
        return self._writer.store_batch(prepared)

    def close(self) -> None:
        """Forget all."""
        for name in list(self._batches):
            self._drop(name)


def _ignore(_name: str, _reason: str) -> None:
    """The default for callbacks: does nothing."""


def _number(fields: Mapping[bytes, bytes]) -> int:
    text = fields.get(h.BATCH_SEQUENCE, b"")
    if not text.isdigit() or len(text) > 18:
        raise JetStreamError(10175)
    return int(text)


def torn_batch(contents: Contents) -> list[int]:
    """The messages at the end of a log that are a batch without its end, after a crash.

    Their numbers in the batch say where it began: its sequences have no gaps.
    """
    log: StreamLog = contents.log
    last = contents.read(log.last)
    block = last.headers if last is not None else b""
    if not h.field(block, h.BATCH_ID) or h.field(block, h.BATCH_COMMIT):
        return []
    try:
        number = _number(h.special_fields(block))
    except JetStreamError:
        return []
    return list(range(max(1, log.last - min(number, MAX_MESSAGES) + 1), log.last + 1))
