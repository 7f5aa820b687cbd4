"""Stores messages: what comes with one, and what goes because of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...dataplane.incoming_run import IncomingRun
from ..errors import JetStreamError
from ..storage.seam import StorageFailure, SubjectState
from . import headers as h
from .admission import NOTHING, Admission, Ticket
from .config import DISCARD_NEW, INTEREST, StreamConfig
from .context import StreamContext
from .counters import count, total_of
from .durations import SECOND, parse_ttl
from .republishing import Republisher
from .rules import duration_text
from .run_limits import excess_of, fits, is_allowed
from .schedules import Firing
from .staged import Later, Staged
from .transform import SubjectTransform

MOST = 1024
"""Messages that go in one step with a new one; if more have to go they follow."""

ANY_SIZE = 1 << 62

FAILURES = {
    StorageFailure.FULL: "no space left on device",
    StorageFailure.BROKEN: "the storage failed; nothing is stored before a restart",
    StorageFailure.GONE: "the stream was deleted meanwhile",
}


class Prepared(NamedTuple):
    """A message that passed its checks."""

    subject: bytes
    headers: bytes
    payload: bytes
    ticket: Ticket
    time: int


class Writer:
    """All ways into one stream."""

    def __init__(self, parts: StreamContext, stored: Callable[[int], None]) -> None:
        """`stored` is called after a message, with a number if it ends or is due by itself."""
        self._contents = parts.contents
        self._log = parts.contents.log
        self._commits = parts.commits
        self._duplicates = parts.duplicates
        self._expiry = parts.expiry
        self._schedules = parts.schedules
        self._learner = parts.learner
        self._outlet = parts.host.outlet
        self._host = parts.host
        self._config = StreamConfig()
        self._in_memory = False
        self._most = 0
        """Messages of one subject; 0 for any number."""
        self.largest = ANY_SIZE
        """Bytes of headers and payload."""
        self.is_plain = False
        """Whether a message without special fields is just appended, and older ones of its subject may go."""
        self._takes_runs = False
        """Whether the same goes for messages in a row, if limits allow it."""
        self.admission = Admission(self._config, parts.contents, parts.duplicates)
        self._transform: SubjectTransform | None = None
        self._republisher: Republisher | None = None
        self._stored = stored
        self.total = 0
        """What the last message added up to, if this is a counter."""

    def configure(self, config: StreamConfig) -> None:
        """What holds from now on."""
        self._config = self.admission.config = config
        self._in_memory = config.in_memory
        self._most = max(config.max_msgs_per_subject, 0)
        self.largest = config.max_msg_size if config.max_msg_size >= 0 else ANY_SIZE
        rules = config.sealed, config.subject_transform, config.republish, config.allow_msg_counter
        self._takes_runs = not any(rules)
        limits = (
            config.retention == INTEREST,
            config.max_msgs > 0,
            config.max_bytes > 0,
            config.discard_new_per_subject,
        )
        self.is_plain = not any((*rules, *limits))
        mapping, republish = config.subject_transform, config.republish
        self._transform = None if mapping is None else SubjectTransform(mapping.src, mapping.dest)
        self._republisher = None if republish is None else Republisher(config.name, republish, self._outlet)

    def read_last_id(self) -> None:
        """Learn the id of the last message, after a start or when messages were taken back."""
        message = self._contents.read(self._log.last)
        self.admission.last_id = h.field(message.headers, h.MSG_ID) if message is not None else b""

    def now(self) -> int:
        """The time for a message: never less than that of the one before."""
        return max(self._outlet.wall(), self._log.last_time)

    # ways in

    def publish(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        """What a client published; returns its sequence. Raises `JetStreamError` or `Duplicate`."""
        if self.is_plain and h.SPECIAL not in headers:
            sequence = self.append_plain(subject, headers, payload)
            self._commits.stored(len(headers) + len(payload))
            if self._config.max_age:
                self._stored(0)
            return sequence
        return self.store(self.prepare(subject, headers, payload))

    def append_plain(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        """The same for a message without special fields, if `is_plain`; the caller has it committed."""
        if headers:
            headers = h.without_status(headers)
        size = len(headers) + len(payload)
        is_long = len(headers) > h.MAX_BLOCK or len(subject) > h.MAX_SUBJECT
        if is_long or 0 <= self._config.max_msg_size < size:
            self._check_size(subject, headers, payload)
        log, host, in_memory = self._log, self._host, self._in_memory
        if host.is_over_limit(in_memory=in_memory) or log.failure is not None:
            self.check_storage()
        if host.has_account_limits:
            size = log.size_of(subject, headers, payload)
            if host.would_exceed(size, in_memory=in_memory):
                raise JetStreamError(10002)
        removes: Sequence[int] = ()
        if self._config.max_msgs_per_subject > 0:
            removes = log.excess(subject, self._config.max_msgs_per_subject)
        now, last = self._outlet.wall(), log.last_time
        now = max(now, last)
        self.admission.last_id = b""
        if removes and self._contents.index.filters:
            return self._contents.append(subject, headers, payload, now, removes)
        return log.append(subject, headers, payload, now, removes)

    def store_now(self, subject: bytes, headers: bytes, payload: bytes) -> int:
        """The same, and commit it in one step; 0 if that is not possible, and then nothing was done."""
        if headers:
            headers = h.without_status(headers)
        if len(headers) > h.MAX_BLOCK or len(subject) > h.MAX_SUBJECT:
            return 0
        most, host = self._most, self._host
        if (most and self._contents.index.filters) or len(headers) + len(payload) > self.largest:
            return 0
        if host.is_over_limit(in_memory=self._in_memory):
            return 0
        if host.has_account_limits:
            size = self._log.size_of(subject, headers, payload)
            if host.would_exceed(size, in_memory=self._in_memory):
                return 0
        sequence = self._log.store_now(subject, headers, payload, self._outlet.wall(), most)
        if sequence:
            self.admission.last_id = b""
        return sequence

    def publish_run(self, run: IncomingRun) -> int:
        """What clients published in a row, without special fields but ids; returns the first one's sequence.

        0 if they have to be stored one by one: a rule or a limit concerns some of them.
        """
        config, log = self._config, self._log
        if not self._takes_runs or not is_allowed(run, config, self._contents, self._host):
            return 0
        if run.message_ids and not self._are_new(run.message_ids):
            return 0
        if fits(run, config, log):
            first = log.append_run(run, self.now())
        elif config.discard == DISCARD_NEW:
            return 0
        else:
            first = log.last + 1
            for start in range(0, run.count, MOST):
                self._displace(run.part(start, start + MOST))
        self._note_ids(first, run.message_ids)
        self._commits.stored(run.size, run.count)
        self._stored(0)
        return first

    def _are_new(self, message_ids: Sequence[bytes]) -> bool:
        """Whether none of these messages is stored already, or there twice."""
        self._learner.finish()
        return self._duplicates.are_new(list(filter(None, message_ids)), self.now())

    def _note_ids(self, first: int, message_ids: Sequence[bytes]) -> None:
        """The messages from `first` on have these ids; none at all if there is no list."""
        self.admission.last_id = message_ids[-1] if message_ids else b""
        time = self._log.last_time
        for sequence, each in enumerate(message_ids, first):
            if each:
                self._duplicates.add(each, sequence, time)

    def _displace(self, run: IncomingRun) -> None:
        """Store messages for which others have to go: these go with the last one.

        A crash may leave the first ones, and the limits hold again when the stream has started.
        """
        log, most = self._log, self._config.max_msgs_per_subject
        last = run.count - 1
        if last:
            log.append_run(run.part(0, last), self.now())
        subject, headers, payload = run.message(last)
        excess = excess_of(run.names, most, subject, log) if most > 0 else ()
        removes = self._with_oldest(excess, log.size_of(subject, headers, payload), b"")
        self._contents.append(subject, headers, payload, self.now(), removes)

    def prepare(
        self, subject: bytes, headers: bytes, payload: bytes, staged: Staged | None = None
    ) -> Prepared:
        """Check what a client published. `staged` are the messages before it of the same batch."""
        if headers:
            headers = h.without_status(headers)
        if self._transform is not None:
            subject = self._transform.match(subject) or subject
        now = self.now()
        ticket = NOTHING
        if self._config.sealed:
            raise JetStreamError(10109)
        self._check_size(subject, headers, payload)
        if h.SPECIAL in headers:
            if h.MSG_ID in headers:
                self._learner.finish()
            ticket = self.admission.check(subject, headers, payload, now, staged)
        if ticket.due and not ticket.rollup:
            headers = h.with_fields(headers, [(h.ROLLUP, b"sub")])
            ticket = ticket._replace(rollup=b"sub")
        if self._config.allow_msg_counter:
            headers, payload = self._count(subject, headers, payload, staged)
            self._check_size(subject, headers, payload)
        if staged is not None:
            self._stage(subject, headers, payload, ticket, staged)
        return Prepared(subject, headers, payload, ticket, now)

    def _stage(self, subject: bytes, headers: bytes, payload: bytes, ticket: Ticket, staged: Staged) -> None:
        """Check early what is else found out while storing: a batch must not end in the middle."""
        if parse_ttl(ticket.ttl) is None:
            raise JetStreamError(10165)
        size = self._log.size_of(subject, headers, payload)
        state = self._log.subject_state(subject)
        if self._config.discard == DISCARD_NEW:
            self._check_room(size, state, ticket.rollup, staged)
        replaces = state is not None and 0 < self._config.max_msgs_per_subject <= state.messages
        staged.add(subject, size, ticket.message_id, replaces=replaces)

    def check_early(self, headers: bytes, payload: bytes) -> None:
        """What a message of a batch must keep to when it comes. Raises `JetStreamError`.

        Its subject is checked with the whole batch: the stream may store it under another one.
        """
        if self._config.sealed:
            raise JetStreamError(10109)
        self.check_storage()
        self._check_size(b"", headers, payload)

    def check_batch(self, staged: Staged) -> None:
        """What all messages of a batch together must keep to. Raises `JetStreamError`."""
        if self._host.would_exceed(staged.size, in_memory=self._config.in_memory):
            raise JetStreamError(10002)

    def store(self, prepared: Prepared) -> int:
        """Store what passed its checks; returns its sequence. Raises `JetStreamError`."""
        return self._store(prepared)

    def store_batch(self, batch: Sequence[Prepared]) -> list[int]:
        """Store messages for which there is room; returns their sequences.

        What goes because of them goes with the last one: a crash may leave the first ones, and these
        are removed at the next start.
        """
        later = Later()
        sequences: list[int] = []
        for place, each in enumerate(batch, 1):
            later.is_over = place == len(batch)
            if self.is_unwanted(each.subject):
                sequences.append(self._pass_by(each.subject, each.ticket, each.time, later))
            else:
                sequences.append(self._append(each, later))
        return sequences

    def copy(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """A message of another stream. Raises `JetStreamError`."""
        ticket = self.admission.check_copy(headers)
        if self._config.allow_msg_counter:
            headers, payload = self._count(subject, headers, payload, None)
        self._check_size(subject, headers, payload)
        self._store(Prepared(subject, headers, payload, ticket, self.now()))

    def mirror(self, subject: bytes, headers: bytes, payload: bytes, sequence: int, time: int) -> None:
        """A message of the mirrored stream, with its sequence and time. Raises `JetStreamError`."""
        if sequence <= self._log.last:  # a purge went beyond it
            return
        self.check_storage()
        if len(subject) > h.MAX_SUBJECT:
            raise JetStreamError(10054)
        time = max(time, self._log.last_time)
        if sequence > self._log.last + 1:
            self._log.skip(sequence - 1, time)
            self._commits.changed()
        self._append(Prepared(subject, headers, payload, self.admission.check_copy(headers), time))

    def marker(self, subject: bytes, ttl: int) -> None:
        """Let a marker take the place of the last message of a subject. Raises `JetStreamError`."""
        text = duration_text(ttl * SECOND).encode()
        block = h.with_fields(b"", [(h.MARKER_REASON, b"MaxAge"), (h.TTL, text), (h.ROLLUP, b"sub")])
        self.check_storage()
        self._append(Prepared(subject, block, b"", Ticket(rollup=b"sub", ttl=text), self.now()))

    def _count(
        self, subject: bytes, headers: bytes, payload: bytes, staged: Staged | None
    ) -> tuple[bytes, bytes]:
        before = staged.totals.get(subject) if staged is not None else None
        if before is None:
            state = self._log.subject_state(subject)
            before = total_of(self._contents.read(state.last) if state is not None else None)
        counted = count(before, headers, payload, subject)
        if staged is not None:
            staged.totals[subject] = counted.total
        self.total = counted.total.value
        return counted.headers, counted.payload

    def fire(self, firing: Firing) -> None:
        """Store what a schedule is for, and end the schedule if that was all. Raises `JetStreamError`."""
        ticket = Ticket(rollup=firing.rollup, ttl=firing.ttl, ends=firing.ends)
        self._check_size(firing.subject, firing.headers, firing.payload)
        self._store(Prepared(firing.subject, firing.headers, firing.payload, ticket, self.now()))

    # checks

    def _check_size(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        if len(subject) > h.MAX_SUBJECT or 0 <= self._config.max_msg_size < len(headers) + len(payload):
            raise JetStreamError(10054)
        if len(headers) > h.MAX_BLOCK:
            raise JetStreamError(10097)

    def check_storage(self) -> None:
        """Whether the storage takes anything at all. Raises `JetStreamError`."""
        if self._host.is_over_limit(in_memory=self._config.in_memory):
            raise JetStreamError(10023)
        failure = self._log.failure
        if failure is not None:
            raise JetStreamError(10077, FAILURES[failure])

    def _check_room(
        self, size: int, state: SubjectState | None, rollup: bytes, staged: Staged | None = None
    ) -> None:
        """Discard new. A message that replaces one of its subject needs no more room than that."""
        config, log = self._config, self._log
        most = config.max_msgs_per_subject
        first = state.first if state is not None and 0 < most <= state.messages else 0
        if first and config.discard_new_per_subject and not rollup:
            raise JetStreamError(10077, "maximum messages per subject exceeded")
        more, more_size = (staged.more, staged.size) if staged is not None else (0, 0)
        if 0 < config.max_msgs <= log.count + more and not first:
            raise JetStreamError(10077, "maximum messages exceeded")
        total = log.size + more_size + size
        if 0 < config.max_bytes < total and (not first or log.size_at(first) < size):
            raise JetStreamError(10077, "maximum bytes exceeded")

    # storing

    def _store(self, message: Prepared) -> int:
        subject, headers, payload, ticket, now = message
        self.check_storage()
        if self.is_unwanted(subject):
            return self._pass_by(subject, ticket, now)
        size = self._log.size_of(subject, headers, payload)
        if self._host.would_exceed(size, in_memory=self._config.in_memory):
            raise JetStreamError(10002)
        if ticket.ttl and parse_ttl(ticket.ttl) is None:
            raise JetStreamError(10165)
        if self._config.discard == DISCARD_NEW:
            self._check_room(size, self._log.subject_state(subject), ticket.rollup)
        return self._append(message)

    def is_unwanted(self, subject: bytes) -> bool:
        """By interest a message that no consumer wants is not kept."""
        return self._config.retention == INTEREST and not self._contents.index.wanting(subject)

    def _pass_by(self, subject: bytes, ticket: Ticket, now: int, later: Later | None = None) -> int:
        """No consumer wants the message: it gets a sequence, and is not kept."""
        log = self._log
        gone = self._replaced(subject, log.subject_state(subject) if ticket.rollup else None, ticket)
        sequence = log.last + 1
        log.skip(sequence, now)
        self._commits.changed()
        self._note(sequence, ticket, now)
        if later is not None:
            later.sequences.update(gone)
            gone = sorted(later.sequences) if later.is_over else ()
        self._contents.remove(gone)
        self._stored(0)
        return sequence

    def _note(self, sequence: int, ticket: Ticket, now: int) -> None:
        self.admission.last_id = ticket.message_id
        if ticket.message_id:
            self._learner.finish()
            self._duplicates.add(ticket.message_id, sequence, now)

    def _append(self, message: Prepared, later: Later | None = None) -> int:
        subject, headers, payload, ticket, now = message
        config, log = self._config, self._log
        ttl = 0
        if ticket.ttl:
            ttl, headers = self._ttl(ticket.ttl, headers)
        state: SubjectState | None = None
        if config.max_msgs_per_subject > 0 or ticket.rollup or self._republisher is not None:
            state = log.subject_state(subject)
        removes = self._replaced(subject, state, ticket)
        if later is not None:
            later.sequences.update(removes)
            removes = sorted(later.sequences) if later.is_over else ()
        if later is None or later.is_over:
            removes = self._with_oldest(removes, log.size_of(subject, headers, payload), ticket.rollup)
        sequence = self._contents.append(subject, headers, payload, now, removes)
        self._commits.stored(len(headers) + len(payload))
        self._note(sequence, ticket, now)
        if ttl and config.allow_msg_ttl:
            self._expiry.add(sequence, now, ttl)
        if ticket.due:
            self._schedules.add(sequence, ticket.due)
        self._finish(ttl or ticket.due, later)
        if self._republisher is not None:
            last = state.last if state is not None else 0
            call = self._republisher.copy(log, sequence, last)
            if call is not None:
                self._commits.after(call)
        return sequence

    def _finish(self, due: int, later: Later | None) -> None:
        """Hold limits and set timers, in a batch after its last message."""
        if later is None:
            self._stored(due)
            return
        later.due = later.due or due
        if later.is_over:
            self._stored(later.due)

    def _ttl(self, value: bytes, headers: bytes) -> tuple[int, bytes]:
        """Seconds, and the header block: a TTL below that of delete markers is raised to it."""
        ttl = parse_ttl(value) or 0
        least = self._config.subject_delete_marker_ttl // SECOND
        if 0 < ttl < least and self._config.max_msgs_per_subject != 1:
            return least, h.with_fields(h.without_field(headers, h.TTL), [(h.TTL, least)])
        return ttl, headers

    def _replaced(self, subject: bytes, state: SubjectState | None, ticket: Ticket) -> Sequence[int]:
        """Messages in whose place it comes: by a roll-up, the limit of its subject, or a schedule's end."""
        log, config = self._log, self._config
        if ticket.rollup == b"all":
            return self._contents.all_sequences()
        replaced: Sequence[int] = ()
        if ticket.rollup:
            replaced = self._rolled_up(subject, state)
        elif config.max_msgs_per_subject > 0 and not config.discard_new_per_subject:
            replaced = log.excess(subject, config.max_msgs_per_subject)
        if ticket.ends:
            return sorted({*replaced, *log.sequences_of(ticket.ends, log.last)})
        return replaced

    def _rolled_up(self, subject: bytes, state: SubjectState | None) -> Sequence[int]:
        """Messages of the same subject; with wildcards in it, of all that match."""
        log = self._log
        if b"*" in subject or b">" in subject:
            matching = [name for name, _ in log.subjects(subject)]
            return sorted(each for name in matching for each in log.sequences_of(name, log.last))
        return log.sequences_of(subject, log.last) if state is not None else ()

    def _with_oldest(self, replaced: Sequence[int], size: int, rollup: bytes) -> Sequence[int]:
        """These, and the oldest ones for which there is no room beside a message of this size."""
        config, log = self._config, self._log
        is_short = 0 < config.max_msgs <= log.count
        is_small = 0 < config.max_bytes < log.size + size
        if rollup == b"all" or config.discard == DISCARD_NEW or not (is_short or is_small):
            return replaced
        if not replaced and not is_small and log.count == config.max_msgs:
            return (log.first,)
        count = log.count + 1 - len(replaced)
        total = log.size + size - sum(log.size_at(each) for each in replaced)
        gone, known = list(replaced), set(replaced)
        most = len(gone) + MOST
        oldest = log.first
        while (0 < config.max_msgs < count or 0 < config.max_bytes < total) and len(gone) < most:
            oldest = log.next(oldest)
            if not oldest:
                break
            if oldest not in known:
                gone.append(oldest)
                count -= 1
                total -= log.size_at(oldest) if config.max_bytes > 0 else 0
            oldest += 1
        return gone
