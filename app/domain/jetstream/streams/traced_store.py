"""Stores traced messages, and says of each what became of it, as a trace event has it (ADR 0063)."""

from functools import partial
from typing import Protocol

from ...dataplane.incoming_run import FAST_SUFFIX
from ...dataplane.seam import HookedMessage
from ...message_trace.stream_step import CLOSED, StreamStep
from ..errors import JetStreamError
from ..storage.seam import StorageFailure, StreamLog
from . import headers as h
from .admission import Duplicate
from .commits import Commits
from .config import StreamConfig
from .fast_batches import FastBatches
from .publish_ack import PublishAcks
from .refusal_text import DUPLICATE, refusal_text
from .writer import FAILURES, Writer


class StoresMessages(Protocol):
    """The stream, with its ways in for messages that are not traced."""

    @property
    def config(self) -> StreamConfig:
        """Its configuration."""
        ...

    @property
    def log(self) -> StreamLog:
        """Its messages."""
        ...

    @property
    def fast(self) -> FastBatches:
        """Its fast batches."""
        ...

    def store(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """Store a message or not, and answer."""
        ...

    def take_batched(self, name: bytes, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> int:
        """Take a message of a batch, and answer.

        Returns the last sequence of the batch, or 0 if others are to come. Raises `JetStreamError`.
        """
        ...


class TracedStore:
    """The way into one stream for traced messages. Implements `intake.TracedReceiver`."""

    __slots__ = ("_acks", "_commits", "_stream", "_writer")

    def __init__(self, stream: StoresMessages, writer: Writer, commits: Commits, acks: PublishAcks) -> None:
        self._stream = stream
        self._writer = writer
        self._commits = commits
        self._acks = acks

    @property
    def name(self) -> str:
        """That of the stream."""
        return self._stream.config.name

    def take(self, message: HookedMessage, step: StreamStep) -> None:
        """Store it or not, answer, and complete the step once it is safe. If only traced it is checked."""
        is_fast = message.reply.endswith(FAST_SUFFIX)
        if self._stream.config.no_ack and not is_fast:
            message = message._replace(reply=b"")
        reply, (headers, payload) = message.reply, _parts(message)
        if self._commits.is_full:
            self._stream.store(message.subject, headers, payload, reply)
            step.end(refusal_text(JetStreamError(10167), headers))
            return
        if is_fast and not step.only:
            self._take_fast(message, step)
            return
        name = h.field(headers, h.BATCH_ID) if self._stream.config.allow_atomic else b""
        try:
            stored = self._take_batched(name, message, step) if name else self._store(message, step)
        except JetStreamError as error:
            self._commits.answer(reply, self._acks.refused(error))
            step.end(refusal_text(error, headers))
        except Duplicate as duplicate:
            self._commits.answer(reply, self._acks.duplicate(duplicate.sequence), duplicate.sequence)
            step.end(DUPLICATE)
        else:
            if stored:
                self._commits.after(partial(_settle, step))
            else:
                step.end()

    def _store(self, message: HookedMessage, step: StreamStep) -> int:
        """The sequence of the message; 0 if it is only traced."""
        writer = self._writer
        prepared = writer.prepare(message.subject, *_parts(message))
        writer.check_storage()
        step.passed(prepared.subject, is_wanted=not writer.is_unwanted(prepared.subject))
        if step.only:
            return 0
        sequence = writer.store(prepared)
        is_counter = self._stream.config.allow_msg_counter
        text = self._acks.counted(sequence, writer.total) if is_counter else self._acks.stored(sequence)
        self._commits.answer(message.reply, text, sequence)
        return sequence

    def _take_fast(self, message: HookedMessage, step: StreamStep) -> None:
        """A message of a fast batch, which answers by itself."""
        headers, payload = _parts(message)
        outcome = self._stream.fast.take(message.subject, headers, payload, message.reply)
        if outcome.error is not None:
            step.end(refusal_text(outcome.error, headers))
        elif outcome.is_duplicate:
            step.end(DUPLICATE)
        elif outcome.sequence:
            subject = self._stream.log.subject_of(outcome.sequence)
            step.passed(subject or message.subject, is_wanted=subject is not None)
            self._commits.after(partial(_settle, step))
        else:
            step.end()

    def _take_batched(self, name: bytes, message: HookedMessage, step: StreamStep) -> int:
        """The last sequence of its batch; 0 if others are to come, for which the step does not wait."""
        headers, payload = _parts(message)
        if step.only:
            self._writer.check_early(headers, payload)
            return 0
        last = self._stream.take_batched(name, message.subject, headers, payload, message.reply)
        if last:
            subject = self._stream.log.subject_of(last)
            step.passed(subject or message.subject, is_wanted=subject is not None)
        return last


def _parts(message: HookedMessage) -> tuple[bytes, bytes]:
    """Headers and payload."""
    return message.payload[: message.header], message.payload[message.header :]


def _settle(step: StreamStep, failure: StorageFailure | None) -> None:
    """What was stored is safe, or is not there after all."""
    if failure is None:
        step.end()
    else:
        step.end(CLOSED if failure is StorageFailure.GONE else FAILURES[failure])
