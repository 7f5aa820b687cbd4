"""Fast batches: messages that are stored as they come, with one answer for several (ADR 0069).

The publisher knows after how many messages it gets the next answer; it need not wait for
an answer to each. Nothing of a batch is kept but numbers: it ends with the server.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ...dataplane.incoming_run import IncomingRun
from ...timers import DueQueue, Scheduler
from ..errors import JetStreamError
from .admission import Duplicate
from .api_level import without_required_level
from .commits import Commits
from .fast_places import COMMIT, COMMIT_EOB, PING, FastBatchCount, FastPlace, frame_of, place_of
from .publish_ack import PublishAcks
from .writer import Writer

MAX_ID = 64
MAX_BATCHES = 1000
"""Of one stream."""
MOST_BATCHES = 50_000
"""Of all streams of a server."""
SILENCE = 10.0
"""Seconds without a message after which a batch is forgotten."""

MOST_UNANSWERED = 500
"""Messages of all batches of a stream that go without an answer."""


class FastOutcome(NamedTuple):
    """What became of one message."""

    sequence: int = 0
    """Of the message; 0 if it was not stored."""
    error: JetStreamError | None = None
    is_duplicate: bool = False


class _Batch:
    """Numbers of one batch: of its messages, but for `stored` and `needs`."""

    __slots__ = ("announced", "every", "gap_ok", "last", "most", "needs", "safe", "stored")

    def __init__(self, place: FastPlace, every: int) -> None:
        self.gap_ok = place.gap_ok
        self.most = place.flow
        self.every = every
        """Messages after which the publisher has an answer."""
        self.last = 0
        """The last number that came."""
        self.safe = 0
        """The last number that was stored, or need not be."""
        self.announced = 0
        """The last number that was answered for."""
        self.stored = 0
        """The sequence of the last message that was stored."""
        self.needs = 0
        """The highest sequence that its answers rely on: a message with a known id may not be safe yet."""


class FastBatches:
    """The fast batches of one stream."""

    def __init__(
        self,
        writer: Writer,
        commits: Commits,
        acks: PublishAcks,
        scheduler: Scheduler,
        total: FastBatchCount,
    ) -> None:
        self._writer = writer
        self._commits = commits
        self._acks = acks
        self._total = total
        self._batches: dict[bytes, _Batch] = {}
        self._due: DueQueue[bytes] = DueQueue(scheduler, SILENCE, self._drop)
        self.is_open = False
        """Whether the stream takes fast batches."""
        self.is_silent = False
        """Whether the stream sends no acks: then publishers hear of gaps, errors and progress alone."""

    def __len__(self) -> int:
        return len(self._batches)

    def configure(self, *, is_open: bool, is_silent: bool) -> None:
        """What holds from now on."""
        self.is_open, self.is_silent = is_open, is_silent
        if not is_open:
            self.close()

    # one message

    def take(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> FastOutcome:
        """A message whose reply has the suffix of fast batches."""
        try:
            self._writer.check_early(headers, payload)
            place = self._place_of(reply)
            batch = self._batch_of(place)
            headers = self._checked(headers, place)
        except JetStreamError as error:
            if not self.is_silent:
                self._commits.answer(reply, self._acks.refused(error))
            return FastOutcome(error=error)
        self._due.add(place.batch)
        if place.operation == PING:
            self._ping(batch, place, reply)
            return FastOutcome()
        if not self._is_next(batch, place, reply):
            return FastOutcome()
        if place.operation == COMMIT_EOB:
            batch.last -= 1
            self._end(batch, place, reply)
            return FastOutcome()
        if place.number == 1 and place.operation != COMMIT and not self.is_silent:
            self._commits.answer(reply, self._acks.flow(0, batch.every))
        return self._store(batch, place, (subject, headers, payload), reply)

    def _place_of(self, reply: bytes) -> FastPlace:
        place = place_of(reply)
        if not self.is_open:
            raise JetStreamError(10205)
        if place is None:
            raise JetStreamError(10206)
        if len(place.batch) > MAX_ID:
            raise JetStreamError(10207)
        return place

    def _batch_of(self, place: FastPlace) -> _Batch:
        batch = self._batches.get(place.batch)
        if batch is not None:
            return batch
        if place.number != 1 or place.operation == PING:
            raise JetStreamError(10208)
        if len(self._batches) >= MAX_BATCHES or self._total.count >= MOST_BATCHES:
            raise JetStreamError(10211)
        every = 1 if self._batches else min(MOST_UNANSWERED, place.flow)
        batch = self._batches[place.batch] = _Batch(place, every)
        self._total.count += 1
        return batch

    def _checked(self, headers: bytes, place: FastPlace) -> bytes:
        """The headers without the level that they ask for; a batch that asks for a higher one ends."""
        try:
            return without_required_level(headers)
        except JetStreamError:
            self._drop(place.batch)
            raise

    def _ping(self, batch: _Batch, place: FastPlace, reply: bytes) -> None:
        """Answer how far it is. All up to the number of the ping should have come."""
        if place.number > batch.last:
            self._commits.answer(reply, self._acks.gap(batch.last + 1, place.number + 1))
            if not batch.gap_ok:
                self._end(batch, place, reply)
                return
            batch.last = batch.safe = place.number
            if self._announce(batch, reply):
                return
        self._commits.answer(reply, self._acks.flow(batch.announced, batch.every), batch.needs)

    def _is_next(self, batch: _Batch, place: FastPlace, reply: bytes) -> bool:
        """Whether the message follows those before it; if not, that ends the batch."""
        expected = batch.last + 1
        if place.number != expected:
            self._commits.answer(reply, self._acks.gap(expected, place.number))
        if place.number == expected or (batch.gap_ok and place.number > expected):
            batch.last = place.number
            return True
        self._end(batch, place, reply)
        return False

    def _store(
        self, batch: _Batch, place: FastPlace, message: tuple[bytes, bytes, bytes], reply: bytes
    ) -> FastOutcome:
        is_last = place.operation == COMMIT
        try:
            sequence = self._writer.publish(*message)
        except JetStreamError as error:
            self._refuse(batch, place, error, reply)
            return FastOutcome(error=error)
        except Duplicate as duplicate:
            batch.safe = place.number
            batch.needs = max(batch.needs, duplicate.sequence)
            self._announce(batch, reply)
            if is_last and batch.last == 1 and not batch.gap_ok:
                self._drop(place.batch)
                text = self._acks.duplicate_batch(duplicate.sequence, place.batch, place.number)
                self._commits.answer(reply, text, duplicate.sequence)
            elif is_last:
                self._end(batch, place, reply)
            return FastOutcome(is_duplicate=True)
        batch.stored = batch.needs = sequence
        batch.safe = batch.last
        if is_last:
            self._end(batch, place, reply)
        else:
            self._announce(batch, reply)
        return FastOutcome(sequence)

    def _refuse(self, batch: _Batch, place: FastPlace, error: JetStreamError, reply: bytes) -> None:
        """A message is not stored. That ends a batch that may have no gaps."""
        if batch.last == 1 and not batch.gap_ok:
            self._drop(place.batch)
            self._commits.answer(reply, self._acks.refused(error))
            return
        self._commits.answer(reply, self._acks.failed(place.number, error))
        if batch.gap_ok and place.operation != COMMIT:
            return
        batch.last -= 1
        self._end(batch, place, reply)

    # answers

    def _announce(self, batch: _Batch, reply: bytes) -> bool:
        """Say how far it is, if that is due. All batches of a stream share what goes without an answer."""
        steps = (batch.safe - batch.announced) // batch.every
        if steps <= 0:
            return False
        batch.announced += steps * batch.every
        most = min(max(MOST_UNANSWERED // len(self._batches), 1), batch.most)
        if batch.every < most:
            batch.every = min(2 * batch.every, most)
        else:
            batch.every = max(batch.every // 2, most)
        self._commits.answer(reply, self._acks.flow(batch.announced, batch.every), batch.needs)
        return True

    def _end(self, batch: _Batch, place: FastPlace, reply: bytes) -> None:
        """Nothing more comes: answer for all that was stored."""
        self._drop(place.batch)
        self._commits.answer(reply, self._acks.batch_of(batch.stored, place.batch, batch.last), batch.needs)

    def _drop(self, name: bytes) -> None:
        del self._batches[name]
        self._due.discard(name)
        self._total.count -= 1

    # many messages

    def take_run(self, run: IncomingRun) -> int:
        """Messages in a row of fast batches: store those that follow each other in a batch that has begun.

        Returns how many were taken; 0 if the first one has to be taken alone.
        """
        reply = run.reply(0)
        place = place_of(reply) if self.is_open else None
        batch = self._batches.get(place.batch) if place is not None else None
        if place is None or batch is None or place.number != batch.last + 1:
            return 0
        count = sum(1 for _ in _in_order(run, reply, place.number))
        part = run.part(0, count)
        if not count or not self._commits.has_room(count, run.size):
            return 0
        first = self._writer.publish_run(part)
        if not first:
            return 0
        batch.last = batch.safe = place.number + count - 1
        batch.stored = batch.needs = first + count - 1
        self._due.add(place.batch)
        self._announce(batch, run.reply(count - 1))
        return count

    # life

    def failed(self, first: int) -> None:
        """Messages from this sequence on were taken back: batches that rely on some of them are over."""
        for name in [name for name, batch in self._batches.items() if batch.needs >= first]:
            self._drop(name)

    def close(self) -> None:
        """Forget all."""
        for name in list(self._batches):
            self._drop(name)


def _in_order(run: IncomingRun, reply: bytes, number: int) -> Iterator[int]:
    """The positions of a run whose messages are plain ones of a batch, from this number on without a gap."""
    head, tail = frame_of(reply)
    for position in range(run.count):
        if run.reply(position) != b"%b%d%b" % (head, number + position, tail):
            return
        yield position
