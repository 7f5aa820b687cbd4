"""A stream: it stores what is published, answers, removes by its rules, and lets consumers read.

    publish -> checks -> append -> (end of turn) commit -> acks, then readers hear of it

writer      checks and stores          contents    the messages, and who reads them
commits     what waits for the storage  upkeep      limits, retention, and what ends by itself
feeds       what is copied from other streams
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from ...dataplane.incoming_run import FAST_SUFFIX, IncomingRun
from ...for_each import for_each
from ...protocol.json_text import rfc3339
from ...steps import Steps
from ..errors import JetStreamError
from ..storage.seam import Done, StorageFailure, StreamLog, StreamStorage
from . import headers as h
from .admission import Duplicate
from .batches import AtomicBatches, torn_batch
from .commits import Commits, RunAnswers
from .config import StreamConfig
from .contents import Contents
from .context import StreamContext
from .direct import DirectGets
from .duplicates import DuplicateWindow
from .expiry import Expiry
from .fast_batches import FastBatches
from .feeds import Feeds
from .gets import get_message
from .host import StreamHost
from .jobs import Jobs
from .learning import Learner
from .lone_store import LoneStore
from .publish_ack import BUSY, PublishAcks
from .purging import carry_out, check_deletion, check_purge, plan_purge, propose
from .readers import Reader
from .schedules import Firing, Schedules
from .state import StateAnswer, state_json
from .traced_store import TracedStore
from .upkeep import Upkeep
from .writer import FAILURES, Writer

Purged = Callable[[int, StorageFailure | None], None]
"""Gets how many messages are gone, or why none is."""

SINGLY = 64
"""Messages of a run that are stored one by one, before others have their turn."""


def _unheard(_: StorageFailure | None) -> None:
    """The default for `done`: does nothing."""


class Stream:
    """One stream. Make it, run `recover` to its end, add the readers, and `start` it."""

    def __init__(
        self, config: StreamConfig, storage: StreamStorage, host: StreamHost, *, created: int = 0
    ) -> None:
        """`config` is a checked one; `created` is when the stream was made."""
        self.config = config
        self.storage = storage
        self.created = created
        self.readers: dict[str, Reader] = {}
        """Its consumers."""
        self.contents = Contents(storage.log)
        self.commits = Commits(storage.log, host.outlet, host.answers, self._safe, self._failed)
        self.must_wait = self.commits.must_wait
        """Whether publishers should wait, since the storage lags; asked for each message."""
        self.jobs = Jobs(host.outlet.scheduler)
        self.gets = DirectGets(config.name, storage.log, host, self.jobs)
        """Direct gets, if `allow_direct` or `mirror_direct` lets them come here."""
        self.feeds = Feeds(self, host, storage)
        """Its mirror or sources."""
        self._host = host
        self._acks = PublishAcks(config.name, host.domain)
        self._duplicates = DuplicateWindow(config.duplicate_window)
        self._expiry = Expiry(storage.log)
        self._schedules = Schedules(storage.log)
        learner = Learner(self.contents, self._duplicates, self._expiry, self._schedules)
        parts = StreamContext(
            self.contents,
            self.commits,
            self._duplicates,
            self._expiry,
            self._schedules,
            learner,
            self.jobs,
            host,
        )
        self._learner = learner
        self._upkeep = Upkeep(parts, self._mark, self._fire)
        self._writer = Writer(parts, self._upkeep.stored)
        self._lone = LoneStore(self.contents, self.commits, self._writer.admission, host, self._acks.head)
        self.store_lone = self._lone.take
        """Stores and answers a message within the read that brought it, or returns False."""
        self.batches = AtomicBatches(self._writer, host.outlet.scheduler)
        """Batches that are not complete; `batches.abandoned` may be set."""
        self.fast = FastBatches(
            self._writer, self.commits, self._acks, host.outlet.scheduler, host.fast_batches
        )
        """Batches whose messages are stored as they come."""
        self.traced = TracedStore(self, self._writer, self.commits, self._acks)
        """The way in for messages that are traced."""
        self._closed = False
        self._is_short = False
        """Whether a message may take the fast path of `store_alone`."""
        self._configure(config)

    def _configure(self, config: StreamConfig) -> None:
        self._writer.configure(config)
        self._upkeep.configure(config)
        self.fast.configure(is_open=config.allow_batched, is_silent=config.no_ack)
        self._is_short = self._writer.is_plain and not config.no_ack and not config.max_age
        self._lone.configure(config, self._writer.largest, is_open=self._is_short)

    # what it is

    @property
    def name(self) -> str:
        """Its name."""
        return self.config.name

    @property
    def log(self) -> StreamLog:
        """Its messages, for reading; `contents` removes."""
        return self.contents.log

    @property
    def committed(self) -> int:
        """The highest sequence that is safe; consumers deliver up to it."""
        return self.contents.committed

    @property
    def identity(self) -> str:
        """Another one for each stream that was ever made under this name."""
        return hashlib.sha256(rfc3339(self.created).encode()).hexdigest()[:8]

    @property
    def reserved(self) -> int:
        """Bytes that are set aside for it: its `max_bytes`."""
        return max(0, self.config.max_bytes)

    @property
    def size(self) -> int:
        """Bytes that it uses, as `max_bytes` counts them."""
        return self.log.size

    def state_json(
        self, *, subjects_filter: bytes = b"", offset: int = 0, deleted_details: bool = False
    ) -> StateAnswer:
        """The state in JSON (jetstream-api.md, section 4)."""
        return state_json(
            self.log,
            len(self.readers),
            subjects_filter=subjects_filter,
            offset=offset,
            deleted_details=deleted_details,
        )

    def get_message(self, document: Mapping[str, object]) -> dict[str, object]:
        """The `message` of STREAM.MSG.GET. Raises `JetStreamError`."""
        return get_message(self.log, document)

    # storing

    def store(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """A message was published: store it or not, and answer after the commit."""
        is_fast = reply.endswith(FAST_SUFFIX)
        if self.config.no_ack and not is_fast:
            reply = b""
        if self.commits.is_full:
            self._host.answers.send(reply, self._acks.refused(JetStreamError(10167)), BUSY)
            return
        if is_fast:
            self.fast.take(subject, headers, payload, reply)
            return
        try:
            if self.config.allow_atomic and (name := h.field(headers, h.BATCH_ID)):
                self.take_batched(name, subject, headers, payload, reply)
                return
            sequence = self._writer.publish(subject, headers, payload)
        except JetStreamError as error:
            self.commits.answer(reply, self._acks.refused(error))
        except Duplicate as duplicate:
            self.commits.answer(reply, self._acks.duplicate(duplicate.sequence), duplicate.sequence)
        else:
            if reply and self.config.allow_msg_counter:
                self.commits.answer(reply, self._acks.counted(sequence, self._writer.total), sequence)
            elif reply:
                self.commits.answer(reply, self._acks.stored(sequence), sequence)

    def store_alone(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """The same for a message that is all there is in this turn: written and answered within it.

        A client that waits for each answer sends such messages. Nothing has to be noted for the end of
        the turn then, for which a message of several pays with half of its function calls.
        """
        commits = self.commits
        is_short = self._is_short and commits.is_idle and h.SPECIAL not in headers
        if not is_short or reply.endswith(FAST_SUFFIX):
            self.store(subject, headers, payload, reply)
            return
        sequence = self._writer.store_now(subject, headers, payload)
        if sequence:
            commits.last = sequence
            if reply:
                self._host.answers.send_number(reply, self._acks.head, sequence)
            self.contents.announce(sequence)
            return
        try:
            sequence = self._writer.append_plain(subject, headers, payload)
        except JetStreamError as error:
            commits.answer(reply, self._acks.refused(error))
        else:
            text = b"%b%d}" % (self._acks.head, sequence)
            commits.commit_one(sequence, len(headers) + len(payload), reply, text)

    def store_run(self, run: IncomingRun) -> int:
        """Messages in a row were published; none has special fields but ids. Returns how many were taken.

        Where they have to be stored one by one, these are some at first, so that a turn can end.
        """
        if run.batched:
            taken = self.fast.take_run(run)
            if not taken:
                self.store(*next(run.messages()))
            return taken or 1
        first = self._writer.publish_run(run) if self.commits.has_room(run.count, run.size) else 0
        if not first:
            for message in islice(run.messages(), SINGLY):
                self.store(*message)
            return min(run.count, SINGLY)
        if not self.config.no_ack:
            self.commits.answer_run(RunAnswers(run, self._acks.head, first))
        return run.count

    def take_batched(self, name: bytes, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> int:
        """A message of an atomic batch; those before its last are answered with nothing but an answer.

        Returns the last sequence of the batch, or 0 if others are to come. Raises `JetStreamError`.
        """
        stored = self.batches.take(name, subject, headers, payload)
        if stored is None:
            self.commits.answer(reply, b"")
            return 0
        sequences, count = stored
        text = self._acks.batch(sequences[-1], name.decode("utf-8", "replace"), count)
        self.commits.answer(reply, text, sequences[-1])
        return sequences[-1]

    def store_copy(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Store a message of another stream. Raises `JetStreamError`."""
        self._writer.copy(subject, headers, payload)

    def store_mirrored(
        self, subject: bytes, headers: bytes, payload: bytes, sequence: int, time: int
    ) -> None:
        """Store a message of the mirrored stream. Raises `JetStreamError`."""
        self._writer.mirror(subject, headers, payload, sequence, time)

    def _mark(self, subject: bytes, ttl: int) -> None:
        self._writer.marker(subject, ttl)

    def _fire(self, firing: Firing) -> None:
        self._writer.fire(firing)

    # commits

    def end_turn(self) -> None:
        """Commit what this turn did; it happens by itself at the end of the turn."""
        self.commits.end_turn()

    def after_commit(self, call: Callable[[StorageFailure | None], None]) -> None:
        """Make the call when all that was done so far is safe, here and in consumers' states."""
        self.commits.changed()
        self.commits.after(call)

    def after_storing(self, call: Callable[[StorageFailure | None], None]) -> None:
        """Make the call when all messages so far are safe."""
        self.commits.after(call)

    def _safe(self, last: int) -> None:
        if not self._closed:
            self.contents.announce(last)

    def _failed(self, first: int, failure: StorageFailure) -> bytes:
        """Messages from `first` on were taken back: their ids are free, and they are refused."""
        forget: tuple[Callable[[], object], ...] = (
            partial(self._duplicates.drop, first),
            partial(self._expiry.drop, first),
            partial(self._schedules.drop, first),
            self._writer.read_last_id,
            partial(self.fast.failed, first),
            self.contents.taken_back,
        )
        for_each(lambda each: each(), forget, self._host.outlet.failed)
        return self._acks.refused(JetStreamError(10077, FAILURES[failure]))

    # readers

    def add_reader(self, reader: Reader) -> None:
        """A consumer came."""
        self.readers[reader.name] = reader
        self.contents.index.add(reader)

    def remove_reader(self, name: str) -> None:
        """A consumer is gone; what only it held goes."""
        if self.readers.pop(name, None) is not None:
            self.contents.index.remove(name)
            self._upkeep.release()

    def filters_changed(self, reader: Reader) -> None:
        """A consumer wants other subjects now."""
        self.contents.index.add(reader)
        self._upkeep.release()

    def add_feed(self, feed: Reader) -> None:
        """A stream that copies from this one came."""
        self.contents.index.add(feed)

    def remove_feed(self, name: str) -> None:
        """It is gone."""
        self.contents.index.remove(name)
        self._upkeep.release()

    def settled(self, name: str, sequence: int) -> None:  # noqa: ARG002 -- who it was does not matter here
        """A reader needs this message no more: by retention it goes."""
        self._upkeep.settled(sequence)

    # removing

    def when_written(self, call: Callable[[StorageFailure | None], None]) -> Done:
        """What a storage calls for a proposal: the call, in a turn of its own."""
        outlet = self._host.outlet

        def done(failure: StorageFailure | None) -> None:
            outlet.together(lambda: for_each(lambda each: each(failure), (call,), outlet.failed))

        return done

    def purge_steps(self, pattern: bytes, sequence: int, keep: int, done: Purged) -> Steps[None]:
        """Remove messages that match, below a sequence or but the newest, when that is safe; in steps.

        `done` gets how many went, or a failure: then all are there. Raises `JetStreamError`.
        """
        check_purge(self.config, sequence, keep)
        plan = yield from plan_purge(self.contents, pattern, sequence, keep)
        uses_up_numbers = isinstance(plan, int) and plan > self.log.last + 1

        def removed(gone: int) -> None:
            if uses_up_numbers:
                self.after_commit(partial(done, gone))
            else:
                self.commits.changed()  # room is made by the round after the one that closes a segment
                done(gone, None)

        def written(failure: StorageFailure | None) -> None:
            if failure is None and not self._closed:
                self.jobs.run(carry_out(self.contents, plan, removed))
            else:
                done(0, failure or StorageFailure.GONE)

        propose(self.log, plan, self.when_written(written))

    def delete_message(self, sequence: int, done: Done = _unheard, *, erase: bool = True) -> None:
        """Remove one message when that is safe, and call `done`; `erase` overwrites its bytes.

        After a failure it is there. Raises `JetStreamError`.
        """
        check_deletion(self.config, self.contents, sequence)

        def written(failure: StorageFailure | None) -> None:
            if failure is None:
                self.contents.remove((sequence,), erase=erase)
            done(failure)

        self.log.propose_removal((sequence,), self.when_written(written), erase=erase)

    # life

    def recover(self) -> Steps[None]:
        """Learn from what is stored as much as has to be known first: `start` learns the rest."""
        torn = torn_batch(self.contents) if self.config.allow_atomic else []
        if torn:
            self.contents.remove(torn)
            self.commits.changed()
        self._writer.read_last_id()
        yield from self.feeds.recover()

    def start(self) -> None:
        """Begin: time passes, limits hold, and feeds flow."""
        self._learner.begin(self.config, self._host.outlet, self.jobs, self._upkeep.learned)
        self._upkeep.start()
        self.feeds.configure()

    def streams_changed(self) -> None:
        """Streams came or went: origins may be there now, or gone."""
        self.feeds.configure()

    def update(self, config: StreamConfig) -> None:
        """Take a checked configuration; what it does not allow goes at once, or in steps if it is much."""
        self.config = config
        self._configure(config)
        self.feeds.configure()

    def close(self) -> None:
        """Stop; what is stored stays."""
        self._closed = True
        self._lone.is_open = False
        self.jobs.close()
        self.batches.close()
        self.fast.close()
        self.gets.close()
        self.feeds.close()
        self._upkeep.close()

    def end(self) -> None:
        """The stream is gone, and so are its consumers."""
        self.feeds.end()
        self.close()
        for reader in self.contents.index.all():
            reader.deleted()
        self.readers.clear()
