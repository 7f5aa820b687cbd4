"""One stream on disk: its messages, its journal, and what waits to be written."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from ...domain.for_each import finish_each
from ...domain.jetstream.storage.index import Index
from ...domain.jetstream.storage.seam import Document, Done, StorageFailure
from ...ports.files import Files
from .cleaning import Cleaner
from .consumers import Consumers, FileState, VolatileState, to_json
from .directories import SIZES, Sizes, give_up_stream, making_stream, remove_stream, stream_directory
from .fast_path import take_fast_path
from .file_head import StreamIdentity
from .journal import JournalEntry, StreamJournal
from .journal_image import JournalFile
from .log import FileLog
from .proposals import Answer, Proposal
from .record import DOCUMENT
from .removals import PendingRemovals
from .rounds import Rounds
from .steps import Batch, Outcome, Step
from .stream_entries import StreamEntries, StreamParts
from .tail import Tail, TailBudget
from .waiting import CommitWaiting, divided
from .writer import MessageWriter

Report = Callable[[str, str], None]
"""Called with the name of a stream and what is wrong with it."""


class FileStream:
    """All that is kept of one stream."""

    def __init__(  # noqa: PLR0913 - what all streams share, and what is this one's own
        self,
        files: Files,
        number: int,
        identity: StreamIdentity,
        rounds: Rounds,
        tails: TailBudget,
        *,
        parts: StreamParts | None = None,
        sizes: Sizes = SIZES,
        relaxed: bool = False,
        report: Report = lambda _stream, _text: None,
    ) -> None:
        """`number` names its directory."""
        self._files = files
        self.number = number
        self.identity = identity
        self._rounds = rounds
        self._tails = tails
        self._report = report
        self.directory = stream_directory(number)
        if parts is None:
            writer = MessageWriter(files, self.directory, identity)
            parts = StreamParts(Index(), writer, PendingRemovals())
        parts.writer.size, parts.writer.ahead = sizes.segment, sizes.ahead
        self.parts = parts
        self._index, self.writer, self._removals = parts.index, parts.writer, parts.removals
        self._tail = Tail(tails)
        self._log = FileLog(identity.name, self._index, self.writer, self._removals, self._tail)
        self._log.attach(self)
        self.relaxed = relaxed
        self.consumer_table = Consumers(self)
        self._cleaner = Cleaner(files, identity, self.writer, self._log, self._removals)
        self.entries = StreamEntries(parts, self._log, self._cleaner, self.consumer_table)
        self._proposals = self.entries.proposals
        self.journal = StreamJournal(files, self.directory, identity, self.entries.contents)
        self.journal.size, self.journal.reserve = sizes.journal, sizes.ahead
        self.is_made = self._gone = False
        self.on_gone: Callable[[], None] = lambda: None
        self._waiting: list[CommitWaiting] = []
        self._repairing = False
        """Whether the next round removes what a failed one may have left."""
        self._refused: list[Done] = []
        """Those whose messages were taken back. They hear of it when the files are rid of these."""
        self._taken: list[CommitWaiting] = []
        self._journal_wanted = self._journal_taken = self._was_full = False
        self._has_failed = False  # to write at once what waits
        self._incomplete = False
        """Whether removals may be in segments only."""
        take_fast_path(self)

    # the seam

    @property
    def log(self) -> FileLog:
        return self._log

    @property
    def document(self) -> Document:
        return self.entries.document

    def write(self, document: Document) -> None:
        self.entries.document = document
        self.enter(DOCUMENT, b"", to_json(document))

    def begin(self, first: int) -> None:
        """A new stream's first message gets this sequence."""
        self._index.skip(first - 1, 0)
        self.writer.resume(first - 1, 0, None, 0, 0)

    def recovered(self, document: Document) -> None:
        """The document as it is on the disk."""
        self.entries.document = document

    def resume(self, journal: JournalFile, *, highest: int, whole: bool) -> None:
        """Go on after recovery, with this journal. `highest` is the number of the newest, readable or not."""
        self.is_made = self._incomplete = True
        sequence = journal.scan.records[-1].sequence if journal.scan.records else 0
        epoch = journal.epoch + 1 & 0xFF
        self.journal.resume(
            journal.number,
            file=journal.file,
            end=journal.scan.end,
            checksum=journal.checksum,
            sequence=sequence,
            epoch=epoch,
        )
        self.journal.highest = highest
        if not whole:
            self.journal.rotate()
        self._tail.written = self._index.last
        if self._cleaner.to_erase or self._cleaner.is_pending:
            self.later()

    def erase_again(self, sequence: int, place: int) -> None:
        """This message's bytes were to be overwritten when the last server ended."""
        self._cleaner.to_erase[sequence] = place

    @property
    def consumers(self) -> Mapping[str, Document]:
        return self.consumer_table.documents

    def open_consumer(self, name: str) -> FileState | VolatileState:
        return self.consumer_table.state(name)

    def write_consumer(
        self, name: str, document: Document, *, in_memory: bool = False
    ) -> FileState | VolatileState:
        return self.consumer_table.write(name, document, in_memory=in_memory)

    def delete_consumer(self, name: str) -> None:
        self.consumer_table.delete(name)

    def delete(self, done: Done) -> None:
        self._rounds.hold(self)
        step = partial(give_up_stream, self._files, self.directory)
        self._rounds.alone(Batch(prepare=[step]), partial(self._given_up, done))

    def _given_up(self, done: Done, outcome: Outcome) -> None:
        """The directory has lost its name, or the stream goes on."""
        if outcome.messages is not None and self.is_made:
            self._rounds.let_go(self)
            done(outcome.messages)
            return
        self._gone = True
        self._rounds.forget(self)
        self._tails.forget(self._tail)
        self.on_gone()
        waiting, self._waiting = self._waiting, []
        self._rounds.alone(Batch(prepare=[self._remove_files]), lambda _: done(None))
        self._refuse(StorageFailure.GONE, waiting)

    # proposals

    def propose(self, document: Document, done: Done) -> None:
        entry = JournalEntry(DOCUMENT, b"", to_json(document))
        self._propose(Proposal(done, lambda: [entry], partial(self.recovered, document)))

    def propose_consumer(self, name: str, document: Document, done: Done) -> None:
        entries = partial(self.consumer_table.change, name, document)
        self._propose(Proposal(done, entries, partial(self.consumer_table.changed, name, document)))

    def propose_deletion(self, name: str, done: Done) -> None:
        entries = partial(self.consumer_table.end, name)
        self._propose(Proposal(done, entries, partial(self.consumer_table.ended, name)))

    def propose_removal(self, sequences: Sequence[int], done: Done, *, erase: bool) -> None:
        """See `StreamLog`."""
        entries = partial(self.entries.removal, sorted(sequences), erase=erase)
        agree = partial(self._removals.agree, sequences, erase=erase)
        self._propose(Proposal(done, entries, agree, max(sequences, default=0)))

    def propose_removal_before(self, sequence: int, done: Done) -> None:
        """See `StreamLog`."""
        entries = partial(self.entries.removal_before, sequence)
        self._propose(Proposal(done, entries, partial(self._removals.agree_before, sequence), sequence - 1))

    def _propose(self, proposal: Proposal) -> None:
        if not self._broken(proposal.done):
            self._proposals.add(proposal)
            self._want_journal()

    # commits

    def commit(self, done: Done, *, only_messages: bool) -> None:
        """Have what was done so far made safe."""
        if (self._log.failure is not None or self._gone) and self._broken(done):
            return
        if only_messages and self._repairing:
            self._refused.append(done)  # the messages that it is for were taken back
            return
        self._has_failed = False
        if only_messages and self.commit_now():
            done(None)
            return
        messages = self.writer.is_pending(sync=False) or bool(self.writer.unfinished)
        journal = not only_messages or not self.is_made
        if self.relaxed and self.is_made and only_messages and not self._has_failed:
            self._rounds.request(self)
            done(None)
            return
        self._waiting.append(CommitWaiting(done, messages, journal))
        self._journal_wanted |= journal
        if journal:
            self._rounds.request(self)
        else:
            self._rounds.begin(self)

    def commit_now(self) -> bool:
        """Write what waits for no sync at once, if that is little; False if a round has to do it.

        What needs a new file, or follows a failure, is for a round, which has two changes of threads. If
        the write fails nothing was noted, and a round writes the same again.
        """
        rounds, log, writer = self._rounds, self._log, self.writer
        if not (self.relaxed or rounds.interval) or log.failure is not None or not writer.is_quick:
            return False
        if self._waiting or self._journal_wanted or not self.is_made or self._gone:
            return False
        try:
            if not rounds.try_now(writer.write_now):
                return False
        except OSError:
            self._has_failed = True
            return False
        log.written_now()
        if self not in rounds.unsynced:
            rounds.sync_later(self)
        return True

    def commit_state(self, done: Done) -> None:
        """Have the state of consumers made safe."""
        if self._broken(done):
            return
        self._waiting.append(CommitWaiting(done, messages=False, journal=True))
        self._want_journal()

    def _broken(self, done: Done) -> bool:
        failure = StorageFailure.GONE if self._gone else self._log.failure
        if failure not in (StorageFailure.GONE, StorageFailure.BROKEN):
            return False
        done(failure)
        return True

    def _want_journal(self, *, sync: bool = False) -> None:
        """Have the next round write it."""
        self._journal_wanted = True
        self._rounds.request(self, sync=sync)

    def enter(self, kind: int, name: bytes, body: bytes) -> None:
        """Write an entry of the journal, soon."""
        self.journal.add(kind, name, body)
        self.later()

    def supersede(self, kinds: Collection[int], begin: bytes) -> None:
        """Forget entries that wait; see `StreamJournal`."""
        self.journal.supersede(kinds, begin)

    def later(self) -> None:
        """Something is to be written soon."""
        if not self._journal_wanted and not self._gone:
            self._rounds.later(self)

    def due(self) -> None:
        """What was to be written soon is due."""
        self._journal_wanted = True

    def damage_found(self, text: str) -> None:
        """Damage was met when a message was read."""
        self._report(self.identity.name, text)

    # rounds

    def take(self, *, sync: bool) -> Batch:
        """What is to be written in this round."""
        batch = Batch()
        if self._gone or self._log.failure is StorageFailure.BROKEN:
            return batch
        self._taken, self._waiting = self._waiting, []
        unsynced = self.journal.is_pending(sync=True) or self._cleaner.is_pending
        wanted = self._journal_wanted or (sync and unsynced)
        sync = sync or (self._rounds.interval == 0 and not self.relaxed)
        self._log.taken()
        batch.messages = self.writer.take(sync=sync or (wanted and self._has_entries))
        if not self.is_made:
            self._journal_wanted = False
            batch.prepare = making_stream(self._files, self.directory, self.journal.take_first)
        elif wanted:
            self._journal_wanted = False
            self._journal_taken = True
            self.entries.enter_removals(self.journal)
            if sync and self._cleaner.to_erase:
                self.entries.mark(self.journal)  # what is torn then is no end of what was written
            if sync and self._incomplete and self._cleaner.is_pending:
                self._incomplete = False
                self.entries.enter_all(self.journal)
            self._proposals.take(self.writer.written.last)
            batch.journal = self.journal.take(sync=sync, also=self._proposals.entries())
            batch.cleaning = self._cleaner.steps() if sync else []
        else:
            batch.write = self.writer.only_write
        if self._removals.is_pending:
            self._wait_on()
        if self._proposals:
            self._want_journal()
        if not sync:
            self._rounds.sync_later(self)
        return batch

    @property
    def _has_entries(self) -> bool:
        """Whether the journal gets something, which may rely on messages."""
        return self.journal.is_pending(sync=False) or self._removals.is_pending or bool(self._proposals)

    def _wait_on(self) -> None:
        """What was removed right after it was stored is entered when it is written: in the next round."""
        again = [waiting for waiting in self._taken if waiting.journal]
        if again:
            self._taken = [waiting for waiting in self._taken if not waiting.journal]
            self._waiting += again
            self._want_journal()

    def taken_done(self, outcome: Outcome) -> Callable[[], None]:
        """A round is over: note what is written; returns what answers those who waited for it."""
        taken, self._taken = self._taken, []
        if self._gone:
            return partial(self._refuse, StorageFailure.GONE, taken)
        refused, self._refused = self._refused, []
        answers: list[Answer] = []
        self.is_made |= outcome.prepared
        if outcome.error is not None:
            self._report_error(outcome)
        try:
            answers = self._settle(outcome)
            if self._log.failure is None:
                self._rewrite()
        except Exception as error:  # noqa: BLE001 - a defect; those who wait are answered all the same
            outcome.messages = outcome.journal = self._log.failure = StorageFailure.BROKEN
            outcome.error = error
            self._report_error(outcome)
        return partial(self._answer, taken, refused, outcome, answers)

    def _answer(
        self,
        taken: Sequence[CommitWaiting],
        refused: Sequence[Done],
        outcome: Outcome,
        proposals: list[Answer],
    ) -> None:
        """Answer those whose messages were taken back, and those who waited for this round."""
        after_repair, answers = divided(taken, outcome, is_repairing=self._repairing)
        self._refused += after_repair
        calls: list[Answer] = [partial(done, StorageFailure.FULL) for done in refused]
        calls += [*answers, *proposals]
        if self._log.failure is StorageFailure.BROKEN:
            rest, self._waiting = self._waiting, []
            calls.append(partial(self._refuse, StorageFailure.BROKEN, rest))
        finish_each(lambda call: call(), calls)

    def _settle(self, outcome: Outcome) -> list[Answer]:
        """Note what is written now; returns what answers for proposals."""
        broken = StorageFailure.BROKEN in (outcome.messages, outcome.journal)
        if outcome.messages is None and not broken:
            self._messages_done()
        else:
            self._messages_failed(StorageFailure.BROKEN if broken else StorageFailure.FULL)
        if outcome.journal is None and not broken:
            self.journal.succeeded()
        else:
            self.journal.failed()
            if not broken:
                self._journal_wanted |= self._journal_taken
                self._rounds.probe_later(self)
        self._journal_taken = False
        self._cleaner.done(safe=outcome.is_good)
        if self._repairing:
            self._make_room()
        answers = self._proposals.finish(StorageFailure.BROKEN if broken else outcome.journal)
        if not outcome.prepared:
            answers += self._proposals.refuse(outcome.journal or StorageFailure.BROKEN)
        elif outcome.messages is not None:
            answers += self._proposals.refuse(outcome.messages, self.writer.written.last)
        return answers

    def _rewrite(self) -> None:
        """Write a segment again, if the journal has everything that its messages removed."""
        if not self._incomplete and not self.journal.is_pending(sync=True):
            rewriting = self._cleaner.next_rewriting()
            if rewriting is not None:
                self._rounds.alone(Batch(prepare=[rewriting.run]), self._rewritten)

    def _rewritten(self, outcome: Outcome) -> None:
        if not self._gone and not self._cleaner.rewritten(outcome):
            self._report_error(outcome)
            self._messages_failed(StorageFailure.BROKEN)

    def _make_room(self) -> None:
        """With what repairs the files, give back what no message needs: a round that failed did not."""
        self._log.close_empty()
        self._journal_wanted |= self._cleaner.is_pending
        self._rounds.request(self)

    def _messages_done(self) -> None:
        self._repairing = False
        if self.writer.has_closed:
            self.later()  # what waits for that can go
        if self.writer.unfinished:
            self._log.failure = None
            self._was_full = False
        self.writer.succeeded()
        self._log.succeeded()

    def _messages_failed(self, failure: StorageFailure) -> None:
        self._log.failure = failure
        self.writer.failed()
        self._log.failed()
        self._refused += [waiting.done for waiting in self._waiting if waiting.messages]
        self._waiting = [waiting for waiting in self._waiting if not waiting.messages]
        if failure is StorageFailure.FULL:
            self._rounds.probe_later(self)
            self._repairing = not self._repairing
        else:
            self._refuse(failure)

    def _refuse(self, failure: StorageFailure, waiting: Sequence[CommitWaiting] = ()) -> None:
        """Say that messages are not stored, and what waits is not done; by now nothing is on the disk."""
        refused, self._refused = [*self._refused, *(each.done for each in waiting)], []
        calls: list[Answer] = [partial(done, failure) for done in refused]
        calls += [*self._proposals.finish(failure), *self._proposals.refuse(failure)]
        finish_each(lambda call: call(), calls)

    def _report_error(self, outcome: Outcome) -> None:
        is_broken = StorageFailure.BROKEN in (outcome.messages, outcome.journal)
        if is_broken or not self._was_full:
            self._was_full |= not is_broken
            self._report(self.identity.name, outcome.in_words())

    def probe(self) -> Step:
        """A step that fails unless there is room."""
        return self.writer.probe

    def probed(self, outcome: Outcome) -> None:
        """Publishing goes on if there is room, and so does the journal."""
        if self._gone or self._log.failure is StorageFailure.BROKEN:
            return
        if outcome.messages is not None:
            self._rounds.probe_later(self)
            if self._cleaner.is_pending:
                self._make_room()
            return
        self._log.failure = None
        self._was_full = False
        if self._journal_wanted:
            self._rounds.request(self)

    def _remove_files(self) -> None:
        """Remove the directory; runs in the worker."""
        self.close_files()
        remove_stream(self._files, self.directory)

    def prepare_close(self) -> None:
        """Write everything with the next round, footers included."""
        if self._log.failure is None and not self._gone:
            self.writer.close_active()
        self._want_journal(sync=True)

    def mark(self) -> None:
        """Write how far everything is synced, with the next round."""
        is_well = self.is_made and not self._gone and self._log.failure is None
        if is_well and self.entries.mark(self.journal):
            self._want_journal(sync=True)

    def close_files(self) -> None:
        """Let go of all files."""
        self.writer.close_files()
        self.journal.close()

    @property
    def used(self) -> int:
        """Bytes on the disk."""
        return self.writer.used + self.journal.end
