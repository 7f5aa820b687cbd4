"""What a stream checks before it stores a message: its header fields, in nats-server's order.

    (sealed · sizes) · counter · expected stream · TTL allowed · last subject sequence · last sequence ·
    schedules · source header · duplicate · last message id · roll-up        (jetstream-streams.md, section 3)

Limits, interest and the value of a TTL come after these; see `writer`, also for the first two.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..errors import JetStreamError
from ..storage.seam import StoredMessage
from . import headers as h
from .config import StreamConfig
from .contents import Contents
from .counters import check_increment
from .duplicates import DuplicateWindow
from .durations import parse_ttl
from .schedules import check_end_of_schedule, check_schedule
from .staged import Staged


class Duplicate(Exception):
    """The message is stored already, as this sequence."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        super().__init__(sequence)


class WrongSubjectSequence(JetStreamError):
    """The last message of the subject is another one than the publisher expects."""


class Ticket(NamedTuple):
    """What is to be done besides storing the message."""

    message_id: bytes = b""
    rollup: bytes = b""
    """`sub`, `all` or nothing."""
    ttl: bytes = b""
    due: int = 0
    """When a schedule is due; 0 for all else."""
    ends: bytes = b""
    """The subject of a schedule that ends."""


NOTHING = Ticket()


class Admission:
    """The checks of one stream."""

    def __init__(self, config: StreamConfig, contents: Contents, duplicates: DuplicateWindow) -> None:
        self.config = config
        self._contents = contents
        self._log = contents.log
        self._duplicates = duplicates
        self.last_id = b""
        """`Nats-Msg-Id` of the last message."""

    def check(
        self, subject: bytes, headers: bytes, payload: bytes, now: int, staged: Staged | None = None
    ) -> Ticket:
        """Check what a client published. Raises `JetStreamError` or `Duplicate`.

        `staged` are the messages before it of the same batch.
        """
        fields = h.special_fields(headers)
        if not fields:
            return NOTHING
        check_increment(fields, payload, is_counter=self.config.allow_msg_counter)
        self._check_absent_features(fields)
        expected = fields.get(h.EXPECTED_STREAM)
        if expected and expected != self.config.name.encode():
            raise JetStreamError(10060)
        ttl = fields.get(h.TTL, b"")
        if ttl and not self.config.allow_msg_ttl and parse_ttl(ttl):
            raise JetStreamError(10166)
        self._check_subject_sequence(subject, fields, staged)
        self._check_last_sequence(fields, staged)
        due = check_schedule(self.config, subject, fields, now)
        ends = check_end_of_schedule(self.config, subject, fields, self._scheduled_by(fields))
        if fields.get(h.STREAM_SOURCE):
            raise JetStreamError(10227)
        message_id = fields.get(h.MSG_ID, b"")
        if message_id:
            self._check_id(message_id, now, staged)
        expected = fields.get(h.EXPECTED_LAST_MSG_ID)
        if expected and staged is not None:
            raise JetStreamError(10177, h.EXPECTED_LAST_MSG_ID.decode())
        if expected and expected != self.last_id:
            raise JetStreamError(10070, self.last_id.decode("utf-8", "replace"))
        rollup = self._rollup(subject, fields, staged)
        return Ticket(message_id, rollup, ttl, due.time if due is not None else 0, ends)

    def _check_id(self, message_id: bytes, now: int, staged: Staged | None) -> None:
        sequence = self._duplicates.find(message_id, now)
        if staged is not None and (sequence or message_id in staged.ids):
            raise JetStreamError(10201)
        if sequence:
            raise Duplicate(sequence)

    def check_copy(self, headers: bytes) -> Ticket:
        """What a message from another stream brings along; its origin has checked it."""
        fields = h.special_fields(headers)
        rollup = fields.get(h.ROLLUP, b"").lower()
        allowed = self.config.allow_rollup_hdrs and not self.config.deny_purge
        return Ticket(
            fields.get(h.MSG_ID, b""),
            rollup if allowed and rollup in (b"sub", b"all") else b"",
            fields.get(h.TTL, b""),
        )

    def _check_absent_features(self, fields: Mapping[bytes, bytes]) -> None:
        """Messages of features that no stream here has are refused, never stored as others."""
        if fields.get(h.BATCH_ID) and not self.config.allow_atomic:
            raise JetStreamError(10174)

    def _scheduled_by(self, fields: Mapping[bytes, bytes]) -> StoredMessage | None:
        """The last message of the subject that `Nats-Scheduler` names."""
        state = self._log.subject_state(fields.get(h.SCHEDULER, b""))
        return self._contents.read(state.last) if state is not None else None

    def _check_subject_sequence(
        self, subject: bytes, fields: Mapping[bytes, bytes], staged: Staged | None
    ) -> None:
        other = fields.get(h.EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT)
        expected = fields.get(h.EXPECTED_LAST_SUBJECT_SEQUENCE)
        if not expected:
            if other:
                raise JetStreamError(10193)
            return
        if staged is not None and staged.has(other or subject):
            raise WrongSubjectSequence(10164)
        last = self._last_of(other or subject)
        if last != sequence_of(expected):
            raise WrongSubjectSequence(10071, last)

    def _last_of(self, subject: bytes) -> int:
        """The last sequence of a subject, or of what matches it; 0 for none."""
        state = self._log.subject_state(subject)
        if state is not None:
            return state.last
        if b"*" in subject or b">" in subject:
            return self._log.previous(self._log.last, (subject,))
        return 0

    def _check_last_sequence(self, fields: Mapping[bytes, bytes], staged: Staged | None) -> None:
        """In a batch only its first message may have this expectation."""
        expected = fields.get(h.EXPECTED_LAST_SEQUENCE)
        if not expected:
            return
        before = staged.count if staged is not None else 0
        if sequence_of(expected) != self._log.last + before:
            raise JetStreamError(10071, self._log.last + before)
        if before:
            raise JetStreamError(10164)

    def _rollup(self, subject: bytes, fields: Mapping[bytes, bytes], staged: Staged | None) -> bytes:
        rollup = fields.get(h.ROLLUP, b"").lower()
        if not rollup:
            return b""
        if not self.config.allow_rollup_hdrs or self.config.deny_purge:
            raise JetStreamError(10111, "rollup not permitted")
        if rollup not in (b"sub", b"all"):
            raise JetStreamError(10111, f'rollup value invalid: "{rollup.decode("utf-8", "replace")}"')
        if staged is not None and (subject in staged.subjects if rollup == b"sub" else staged.count):
            raise JetStreamError(10111, f"batch rollup {rollup.decode()} invalid")
        return rollup


def sequence_of(text: bytes) -> int:
    """A sequence; -1, which matches none, for what is no number."""
    return int(text) if text.isdigit() and len(text) < 20 else -1
