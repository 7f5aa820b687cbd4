"""A stream: it stores what is published, answers, removes by its rules, and lets consumers read.

    publish -> checks -> append -> (end of turn) commit -> acks, then readers hear of it

`admission` has the checks of header fields, `contents` the messages, `commits` what waits for the
storage, `expiry` what ends by itself, `feeds` what is copied from other streams.
"""

import hashlib
from collections.abc import Callable, Sequence

from ...steps import Step, Steps
from ...timers import Timer
from ..errors import JetStreamError
from ..json_values import rfc3339
from ..outlet import Outlet
from ..storage.seam import DamagedMessage, StorageFailure, StreamLog, StreamStorage, SubjectState
from . import headers as h
from .admission import NOTHING, Admission, Duplicate, Ticket
from .answers import Answers
from .commits import Commits
from .config import DISCARD_NEW, INTEREST, WORKQUEUE, StreamConfig
from .contents import Contents
from .duplicates import DuplicateWindow
from .durations import SECOND, parse_ttl
from .expiry import Expiry
from .feeds import Feeds
from .host import StreamHost
from .jobs import Jobs
from .publish_ack import BUSY, PublishAcks
from .purging import check_deletion, check_purge, purge
from .readers import Reader
from .republishing import Republisher
from .rules import duration_text
from .state import StateAnswer, state_json
from .transform import SubjectTransform

LONGEST_SLEEP = 60.0
"""Seconds after which a stream that waits reads the clock again: it may have been set."""

FAILURES = {
    StorageFailure.FULL: "no space left on device",
    StorageFailure.BROKEN: "the storage failed; nothing is stored before a restart",
}


class Stream:
    """One stream."""

    def __init__(
        self,
        config: StreamConfig,
        storage: StreamStorage,
        outlet: Outlet,
        host: StreamHost,
        answers: Answers,
        *,
        created: int = 0,
        domain: str = "",
    ) -> None:
        """`config` is a checked one; `created` is when the stream was made, `domain` goes into acks."""
        self.config = config
        self.storage = storage
        self.created = created
        self.readers: dict[str, Reader] = {}
        """Its consumers."""
        self.contents = Contents(storage.log)
        self.jobs = Jobs(outlet.scheduler)
        self._outlet = outlet
        self._host = host
        self._answers = answers
        self._acks = PublishAcks(config.name, domain)
        self.duplicates = DuplicateWindow(config.duplicate_window)
        self._admission = Admission(config, storage.log, self.duplicates)
        self._expiry = Expiry(storage.log)
        self._commits = Commits(storage.log, outlet, answers, self._safe, self._failed)
        self._feeds = Feeds(self, host, outlet)
        self._transform: SubjectTransform | None = None
        self._republisher: Republisher | None = None
        self._timer: Timer | None = None
        self._due = 0
        self._expiring = False
        self._trimming = False
        self._closed = False
        self._configure()

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

    @property
    def feeds(self) -> Feeds:
        """Its mirror or sources."""
        return self._feeds

    def _configure(self) -> None:
        config = self.config
        transform = config.subject_transform
        self._transform = None if transform is None else SubjectTransform(transform.src, transform.dest)
        republish = config.republish
        self._republisher = None if republish is None else Republisher(config.name, republish, self._outlet)
        self._admission.config = config
        self.duplicates.window = config.duplicate_window
        self._expiry.set(config.max_age, has_ttls=config.allow_msg_ttl)

    # storing

    def store(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """A message was published: store it or not, and answer after the commit."""
        if self.config.no_ack:
            reply = b""
        if self._commits.is_full:
            self._answers.send(reply, self._acks.refused(JetStreamError(10167)), BUSY)
            return
        if headers:
            headers = h.without_status(headers)
        if self._transform is not None:
            subject = self._transform.match(subject) or subject
        try:
            now = self._now()
            ticket = NOTHING
            if self.config.sealed or h.SPECIAL in headers:
                ticket = self._admission.check(subject, headers, now)
            sequence = self._publish(subject, headers, payload, ticket, now)
        except JetStreamError as error:
            self._commits.answer(reply, self._acks.refused(error))
        except Duplicate as duplicate:
            sequence = duplicate.sequence
            self._commits.answer(reply, self._acks.duplicate(sequence), sequence)
        else:
            if reply:
                self._commits.answer(reply, self._acks.stored(sequence), sequence)

    def store_copy(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Store a message of another stream. Raises `JetStreamError`."""
        self._publish(subject, headers, payload, self._admission.check_copy(headers), self._now())

    def store_mirrored(
        self, subject: bytes, headers: bytes, payload: bytes, sequence: int, time: int
    ) -> None:
        """Store a message of the origin, with its sequence and time. Raises `JetStreamError`."""
        self._check_sizes(subject, headers, payload)
        if sequence > self.log.last + 1:
            self.log.skip(sequence - 1, time)
        ticket = self._admission.check_copy(headers)
        self._append(subject, headers, payload, ticket, max(time, self.log.last_time))

    def _now(self) -> int:
        """The time for a message: never less than that of the one before."""
        return max(self._outlet.wall(), self.log.last_time)

    def _publish(self, subject: bytes, headers: bytes, payload: bytes, ticket: Ticket, now: int) -> int:
        self._check_sizes(subject, headers, payload)
        if self.config.retention == INTEREST and not self.contents.index.wanting(subject):
            return self._pass_by(subject, ticket, now)
        size = self.log.size_of(subject, headers, payload)
        if self._host.would_exceed(size, in_memory=self.config.in_memory):
            raise JetStreamError(10002)
        return self._append(subject, headers, payload, ticket, now)

    def _check_sizes(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        if 0 <= self.config.max_msg_size < len(headers) + len(payload):
            raise JetStreamError(10054)
        if len(headers) > h.MAX_BLOCK:
            raise JetStreamError(10097)
        if self._host.is_over_limit(in_memory=self.config.in_memory):
            raise JetStreamError(10023)

    def _pass_by(self, subject: bytes, ticket: Ticket, now: int) -> int:
        """Nobody wants the message: it gets a number, and is not kept."""
        log = self.log
        sequence = log.last + 1
        log.skip(sequence, now)
        self._note(sequence, ticket, now)
        if ticket.rollup == b"all":
            self.contents.remove_before(sequence)
        elif ticket.rollup:
            self.contents.remove(log.sequences_of(subject, sequence))
        self._commits.dirty()
        return sequence

    def _note(self, sequence: int, ticket: Ticket, now: int) -> None:
        self._admission.last_id = ticket.message_id
        if ticket.message_id:
            self.duplicates.add(ticket.message_id, sequence, now)
            if self._timer is None:
                self._arm()

    def _append(self, subject: bytes, headers: bytes, payload: bytes, ticket: Ticket, now: int) -> int:
        config, log = self.config, self.log
        ttl = 0
        if ticket.ttl:
            ttl, headers = self._ttl(ticket.ttl, headers)
        state: SubjectState | None = None
        removes: Sequence[int] = ()
        if config.max_msgs_per_subject > 0 or ticket.rollup or self._republisher is not None:
            state = log.subject_state(subject)
            removes = self._replaced(subject, state, ticket.rollup)
        if config.discard == DISCARD_NEW and config.mirror is None:
            self._check_room(log.size_of(subject, headers, payload), state, ticket.rollup)
        sequence = self.contents.append(subject, headers, payload, now, removes)
        self._commits.stored(len(headers) + len(payload))
        self._note(sequence, ticket, now)
        if config.allow_msg_ttl and ttl > 0:
            self._expiry.add(sequence, now, ttl)
            self._arm()
        elif self._timer is None and config.max_age:
            self._arm()
        self._trim()
        if self._republisher is not None:
            last = state.last if state is not None else 0
            call = self._republisher.copy(sequence, subject, headers, payload, now, last)
            if call is not None:
                self._commits.after(call)
        return sequence

    def _ttl(self, value: bytes, headers: bytes) -> tuple[int, bytes]:
        """Seconds, and the header block: a TTL below that of delete markers is raised to it."""
        ttl = parse_ttl(value)
        if ttl is None:
            raise JetStreamError(10165)
        least = self.config.subject_delete_marker_ttl // SECOND
        if 0 < ttl < least and self.config.max_msgs_per_subject != 1:
            return least, h.with_fields(h.without_field(headers, h.TTL), [(h.TTL, least)])
        return ttl, headers

    def _replaced(self, subject: bytes, state: SubjectState | None, rollup: bytes) -> Sequence[int]:
        """What goes in the same step as the message comes."""
        log, most = self.log, self.config.max_msgs_per_subject
        if rollup == b"all":
            return range(log.first, log.last + 1)
        if state is None:
            return ()
        if rollup:
            return log.sequences_of(subject, log.last)
        excess = state.messages + 1 - most if most > 0 and not self.config.discard_new_per_subject else 0
        if excess <= 0:
            return ()
        return (state.first,) if excess == 1 else log.sequences_of(subject, log.last)[:excess]

    def _check_room(self, size: int, state: SubjectState | None, rollup: bytes) -> None:
        """Discard new. A message that replaces one of its subject needs no more room than that."""
        config, log = self.config, self.log
        most = config.max_msgs_per_subject
        first = state.first if state is not None and 0 < most <= state.messages else 0
        if first and config.discard_new_per_subject and not rollup:
            raise JetStreamError(10077, "maximum messages per subject exceeded")
        if 0 < config.max_msgs <= log.count and not first:
            raise JetStreamError(10077, "maximum messages exceeded")
        if 0 < config.max_bytes < log.size + size and (not first or self._size_of(first) < size):
            raise JetStreamError(10077, "maximum bytes exceeded")

    def _size_of(self, sequence: int) -> int:
        """Bytes of a stored message; 0 if it cannot be read."""
        try:
            message = self.log.read(sequence)
        except DamagedMessage:
            return 0
        if message is None:
            return 0
        return self.log.size_of(message.subject, message.headers, message.payload)

    # commits

    def end_turn(self) -> None:
        """Commit what this turn did."""
        self._commits.end_turn()

    def after_commit(self, call: Callable[[StorageFailure | None], None]) -> None:
        """Make the call when all that was done so far is safe, here and in consumers' states."""
        self._commits.after(call)

    def _safe(self, last: int) -> None:
        if not self._closed:
            self.contents.announce(last)

    def _failed(self, first: int, last: int, failure: StorageFailure) -> bytes:
        """Messages could not be stored: their ids are free, and they are refused."""
        self.duplicates.drop(first, last)
        self._admission.last_id = b""
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
            self._release()

    def filters_changed(self, reader: Reader) -> None:
        """A consumer wants other subjects now."""
        self.contents.index.add(reader)
        self._release()

    def add_feed(self, feed: Reader) -> None:
        """A stream that copies from this one came."""
        self.contents.index.add(feed)

    def remove_feed(self, name: str) -> None:
        """It is gone."""
        self.contents.index.remove(name)
        self._release()

    def settled(self, name: str, sequence: int) -> None:  # noqa: ARG002 -- who settled it does not matter
        """A reader needs this message no more: by retention it goes."""
        if self.config.keeps_all:
            return
        subject = self.log.subject_of(sequence)
        if subject is None:
            return
        if self.config.retention == WORKQUEUE or not self.contents.needed(sequence, subject):
            self.contents.remove((sequence,))
            self._commits.dirty()

    def _release(self) -> None:
        """By interest: remove what nobody needs any more."""
        if self.config.retention == INTEREST and not self._closed:
            self.jobs.run(self._release_steps())

    def _release_steps(self) -> Steps[None]:
        step, log = Step(), self.log
        sequence = log.next(log.first)
        while sequence:
            subject = log.subject_of(sequence)
            if subject is not None and not self.contents.needed(sequence, subject):
                self.contents.remove((sequence,))
                self._commits.dirty()
            if step.is_over_after(8):
                yield
            sequence = log.next(sequence + 1)

    # removing

    def purge(self, pattern: bytes = b"", sequence: int = 0, keep: int = 0) -> int:
        """Remove messages that match, below a sequence or but the newest; how many went. Raises."""
        steps = self.purge_steps(pattern, sequence, keep)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return int(end.value)

    def purge_steps(self, pattern: bytes = b"", sequence: int = 0, keep: int = 0) -> Steps[int]:
        """The same in steps."""
        check_purge(self.config, sequence, keep)
        gone = yield from purge(self.contents, pattern, sequence, keep)
        self._commits.dirty()
        return gone

    def delete_message(self, sequence: int, *, erase: bool = True) -> None:
        """Remove one message; `erase` overwrites its bytes. Raises `JetStreamError`."""
        check_deletion(self.config, self.contents, sequence)
        self.contents.remove((sequence,), erase=erase)
        self._commits.dirty()

    def _is_too_full(self) -> bool:
        config, log = self.config, self.log
        return 0 < config.max_msgs < log.count or 0 < config.max_bytes < log.size

    def _trim(self) -> None:
        """Let the oldest go until the limits hold."""
        if self._is_too_full() and not self._trimming:
            self._trimming = True
            self.jobs.run(self._trim_steps(), self._trimmed)

    def _trimmed(self) -> None:
        self._trimming = False

    def _trim_steps(self) -> Steps[None]:
        step = Step()
        while self._is_too_full() and self.log.count:
            self.contents.remove((self.log.first,))
            self._commits.dirty()
            if step.is_over_after(8):
                yield

    def _fit_steps(self) -> Steps[None]:
        """Let go what the limits do not allow, after they changed or at the start."""
        step, most = Step(), self.config.max_msgs_per_subject
        yield from self._trim_steps()
        if most > 0:
            for subject, state in list(self.log.subjects()):
                if state.messages > most:
                    sequences = self.log.sequences_of(subject, self.log.last)
                    self.contents.remove(sequences[:-most])
                    self._commits.dirty()
                if step.is_over_after(1 + state.messages // 8):
                    yield

    # time

    def _arm(self) -> None:
        """Set the timer for what is due next."""
        dues = [due for due in (self._expiry.next_due, self.duplicates.next_due) if due is not None]
        if not dues or self._closed or self._expiring:
            return
        due = min(dues)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        delay = min(max(0, due - self._outlet.wall()) / SECOND, LONGEST_SLEEP)
        self._timer = self._outlet.scheduler.call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._expiring = True
        self.duplicates.forget(self._outlet.wall())
        self.jobs.run(self._expire_steps(), self._expired)

    def _expired(self) -> None:
        self._expiring = False
        self._arm()

    def _expire_steps(self) -> Steps[None]:
        step = Step()
        while sequence := self._expiry.pop(self._outlet.wall()):
            self._end(sequence)
            if step.is_over_after(16):
                yield

    def _end(self, sequence: int) -> None:
        """A message ended. A marker takes the place of the last one of a subject, if that is wanted."""
        ttl = self.config.subject_delete_marker_ttl // SECOND
        subject = self.log.subject_of(sequence)
        self._commits.dirty()
        if ttl and subject is not None and not self._is_marker(sequence):
            state = self.log.subject_state(subject)
            if state is not None and state.messages == 1:
                self._store_marker(subject, ttl)
        self.contents.remove((sequence,))

    def _is_marker(self, sequence: int) -> bool:
        try:
            message = self.log.read(sequence)
        except DamagedMessage:
            return False
        return message is not None and bool(h.field(message.headers, h.MARKER_REASON))

    def _store_marker(self, subject: bytes, ttl: int) -> None:
        text = duration_text(ttl * SECOND).encode()
        fields = [(h.MARKER_REASON, b"MaxAge"), (h.TTL, text), (h.ROLLUP, b"sub")]
        block = h.with_fields(b"", fields)
        try:
            self._append(subject, block, b"", Ticket(rollup=b"sub", ttl=text), self._now())
        except JetStreamError:
            return  # no room for it, by discard new

    # life

    def recover(self) -> Steps[None]:
        """Learn from what is stored: recent ids, TTLs, and how far the sources were read."""
        log, config = self.log, self.config
        step = Step()
        start = log.at_time(self._outlet.wall() - config.duplicate_window)
        first_id = max(start, log.first)
        sequence = log.next(log.first if config.allow_msg_ttl else first_id)
        while sequence:
            self._learn(sequence, with_id=sequence >= first_id)
            if step.is_over_after(8):
                yield
            sequence = log.next(sequence + 1)
        yield from self._feeds.recover()

    def _learn(self, sequence: int, *, with_id: bool) -> None:
        try:
            message = self.log.read(sequence)
        except DamagedMessage:
            return
        if message is None or h.SPECIAL not in message.headers:
            name = b""
        else:
            fields = h.special_fields(message.headers)
            name = fields.get(h.MSG_ID, b"")
            if self.config.allow_msg_ttl and (ttl := parse_ttl(fields.get(h.TTL, b""))):
                self._expiry.add(sequence, message.time, ttl)
            if name and with_id:
                self.duplicates.add(name, sequence, message.time)
        self._admission.last_id = name if sequence == self.log.last else b""

    def start(self) -> None:
        """Begin, after `recover` and when the consumers are there: time passes, and feeds flow."""
        self.jobs.run(self._fit_steps())
        self._release()
        self._arm()
        self._feeds.configure()

    def streams_changed(self) -> None:
        """Streams came or went: origins may be there now, or gone."""
        self._feeds.configure()

    def update(self, config: StreamConfig) -> None:
        """Take a checked configuration; what it does not allow goes at once, or in steps if it is much."""
        self.config = config
        self._configure()
        self.jobs.run(self._fit_steps())
        self._release()
        self._arm()
        self._feeds.configure()

    def state_json(
        self, *, subjects_filter: bytes = b"", offset: int = 0, deleted_details: bool = False
    ) -> StateAnswer:
        """The state in JSON (jetstream-api, section 4)."""
        return state_json(
            self.log,
            len(self.readers),
            subjects_filter=subjects_filter,
            offset=offset,
            deleted_details=deleted_details,
        )

    def close(self) -> None:
        """Stop; what is stored stays."""
        self._closed = True
        self.jobs.close()
        self._feeds.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def delete(self, done: Callable[[StorageFailure | None], None]) -> None:
        """End the stream and its consumers; `done` is called when nothing is left of it."""
        self.close()
        for reader in self.contents.index.all():
            reader.deleted()
        self.readers.clear()
        self.storage.delete(done)
