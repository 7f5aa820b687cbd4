"""Acks, other answers and calls that wait, in order, until a stream's storage is safe.

There is at most one commit per turn and stream. While one is under way the next is filled, so the
depth of what is outstanding sets the size of a commit by itself.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from ...dataplane.incoming_run import IncomingRun
from ...for_each import for_each
from ..outlet import Outlet
from ..storage.seam import StorageFailure, StreamLog
from .answers import Answers

Waiting = tuple[bytes, bytes, int]
"""A reply subject, what is sent there, and the sequence that it says is stored; 0 for none."""


class RunAnswers(NamedTuple):
    """The answers to the messages of a run, which were stored."""

    run: IncomingRun
    head: bytes
    """How each answer begins, up to the sequence; a brace closes it."""
    first: int
    """Sequence of the first message."""


Call = Callable[[StorageFailure | None], None]

MAX_MESSAGES = 100_000
MAX_BYTES = 128 * 1024 * 1024
"""What may wait of one stream; more is refused (jetstream-api.md, section 1)."""


RESERVE = 8192
RESERVED_BYTES = 4 * 1024 * 1024
"""Room for what comes before it is asked again whether publishers must wait: a run, and small writes."""


class _Batch:
    __slots__ = ("answers", "calls", "count", "first", "last", "only_messages", "size")

    def __init__(self) -> None:
        self.answers: list[Waiting | RunAnswers] = []
        self.calls: list[Call] = []
        self.count = 0
        self.size = 0
        self.only_messages = True
        """Whether nothing was done but appending."""
        self.first = 0
        self.last = 0
        """The sequences that were used since the commit before: none if `last` is less than `first`."""


class Commits:
    """The commits of one stream."""

    def __init__(
        self,
        log: StreamLog,
        outlet: Outlet,
        answers: Answers,
        safe: Callable[[int], None],
        failed: Callable[[int, StorageFailure], bytes],
    ) -> None:
        """`safe` gets the last sequence that is safe.

        `failed` gets the first one that is taken back, and returns what is answered in place of acks.
        """
        self._log = log
        self._outlet = outlet
        self._answers = answers
        self._safe = safe
        self._failed = failed
        self._batch = _Batch()
        self.last = log.last
        """The last sequence that was committed."""
        self._scheduled = False
        self._under_way = 0
        self.is_idle = True
        """Whether nothing waits: neither for the end of the turn nor for the storage."""
        self._count = 0
        self._size = 0
        self.max_messages = MAX_MESSAGES
        self.max_bytes = MAX_BYTES

    @property
    def is_full(self) -> bool:
        """Whether too much waits already."""
        return self._count >= self.max_messages or self._size >= self.max_bytes

    def must_wait(self) -> bool:
        """Whether there is less room than the next messages may need, so that publishers should wait."""
        return self._count > self.max_messages - RESERVE or self._size > self.max_bytes - RESERVED_BYTES

    def has_room(self, count: int, size: int) -> bool:
        """Whether so large a run may wait too."""
        return self._count + count <= self.max_messages and self._size + size <= self.max_bytes

    def stored(self, size: int, count: int = 1) -> None:
        """Messages were appended: `size` are their bytes."""
        batch = self._batch
        batch.count += count
        batch.size += size
        self._count += count
        self._size += size
        if not self._scheduled:
            self._schedule()

    def changed(self) -> None:
        """Something else than appending was done."""
        self._batch.only_messages = False
        self._schedule()

    def answer(self, reply: bytes, text: bytes, sequence: int = 0) -> None:
        """Send it after the next commit, unless this sequence is not stored then.

        At once if nothing waits: then it depends on nothing that is not safe.
        """
        if self.is_idle:
            self._answers.send(reply, text)
        elif reply:
            self._batch.answers.append((reply, text, sequence))
            if not self._scheduled:
                self._schedule()

    def answer_run(self, answers: RunAnswers) -> None:
        """Send them after the next commit, if the messages are stored then."""
        self._batch.answers.append(answers._replace(run=answers.run.detached()))

    def after(self, call: Call) -> None:
        """Make the call when all that was done so far is safe, or failed."""
        self._batch.calls.append(call)
        self._schedule()

    def _schedule(self) -> None:
        """Something is to be committed at the end of this turn."""
        if not self._scheduled:
            self._scheduled = True
            self.is_idle = False
            self._outlet.at_end_of_turn(self.end_turn)

    def end_turn(self) -> None:
        """Commit what this turn did, if anything."""
        if not self._scheduled:
            return
        self._scheduled = False
        batch, self._batch = self._batch, _Batch()
        batch.first, batch.last = self.last + 1, self._log.last
        self.last = batch.last
        self._under_way += 1
        self._log.commit(partial(self._done, batch), only_messages=batch.only_messages)

    def commit_one(self, sequence: int, size: int, reply: bytes, text: bytes) -> None:
        """A message was appended while nothing waited: commit it and answer, at once if it may be."""
        if self._log.commit_now():
            self.last = sequence
            if reply:
                self._answers.send(reply, text)
            self._safe(sequence)
        else:
            self.stored(size)
            self.answer(reply, text, sequence)

    def _done(self, batch: _Batch, failure: StorageFailure | None) -> None:
        self._outlet.together(partial(self._finish, batch, failure))

    def _finish(self, batch: _Batch, failure: StorageFailure | None) -> None:
        """Everything that waited is done, whatever one of the calls raises: nobody waits for ever."""
        self._under_way -= 1
        self.is_idle = not self._scheduled and not self._under_way
        self._count -= batch.count
        self._size -= batch.size
        failed = self._outlet.failed
        if failure is None:
            for_each(self._send, batch.answers, failed)
            for_each(self._safe, (batch.last,), failed)
        else:
            self._refuse(batch, failure)
        for_each(lambda call: call(failure), batch.calls, failed)

    def _send(self, each: Waiting | RunAnswers) -> None:
        if isinstance(each, RunAnswers):
            self._answers.send_run(each.run, each.first, each.head)
        else:
            self._answers.send(each[0], each[1])

    def _refuse(self, batch: _Batch, failure: StorageFailure) -> None:
        """The storage took back all that is not safe, also what no commit was asked for yet."""
        refusal = self._failed(batch.first, failure)
        self.last = self._log.last
        refused = ((reply, refusal if number else text) for reply, text, number in _one_by_one(batch.answers))
        for_each(lambda each: self._answers.send(*each), refused, self._outlet.failed)
        self._batch.answers = [
            (reply, refusal if sequence >= batch.first else text, 0)
            for reply, text, sequence in _one_by_one(self._batch.answers)
        ]


def _one_by_one(answers: Iterable[Waiting | RunAnswers]) -> Iterator[Waiting]:
    """All answers; those of a run without their text, since they are refused."""
    for each in answers:
        if isinstance(each, RunAnswers):
            for position in range(each.run.count):
                yield each.run.reply(position), b"", each.first + position
        else:
            yield each
