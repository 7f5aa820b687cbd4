"""What a stream copies from another of the same server (jetstream-streams.md, section 9).

A feed reads the origin's log itself, up to what is safe there, in slices. It is a reader of the
origin, so that by interest or as a work queue the origin keeps what is not copied yet.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ...steps import Step, Steps
from ...subjects.subject import matches, tokens_of
from ..errors import JetStreamError
from ..storage.seam import DamagedMessage, StorageFailure, StoredMessage, StreamLog
from . import headers as h
from .config import StreamConfig, StreamSource
from .feed_positions import FeedPosition, FeedPositions
from .host import Origin, StreamHost
from .jobs import Jobs
from .transform import SubjectTransform

RETRY = 0.25
"""Seconds until a message is tried again that could not be stored."""

MESSAGE_WORK = 16


class Target(Protocol):
    """The stream that copies."""

    @property
    def config(self) -> StreamConfig:
        """Its configuration."""
        ...

    @property
    def log(self) -> StreamLog:
        """Its messages."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Its long work."""
        ...

    def store_copy(self, subject: bytes, headers: bytes, payload: bytes) -> None:
        """Store a message of a source. Raises `JetStreamError`."""
        ...

    def store_mirrored(
        self, subject: bytes, headers: bytes, payload: bytes, sequence: int, time: int
    ) -> None:
        """Store a message of the mirrored stream. Raises `JetStreamError`."""
        ...

    def after_storing(self, call: Callable[[StorageFailure | None], None]) -> None:
        """Make the call when all that was done so far is safe."""
        ...


class Feed:
    """What one stream gets from one other; a `Reader` of it."""

    def __init__(
        self, target: Target, source: StreamSource, host: StreamHost, positions: FeedPositions | None
    ) -> None:
        """`positions` is where a source notes how far it was read; None for a mirror."""
        self.source = source
        self.name = " ".join((target.config.name, *source.index))
        self.filters: Sequence[bytes] = source.filters
        self.mirrors = positions is None
        self._positions = positions
        self._noting = False
        self.position = 0
        """The last sequence of the origin that was copied, or passed by."""
        self.identity = ""
        """That of the origin which `position` is of."""
        self.error: JetStreamError | None = None
        self.copied = 0
        """The last sequence of the origin that is safe here."""
        self._target = target
        self._host = host
        self._outlet = host.outlet
        self._origin: Origin | None = None
        self._transforms = [SubjectTransform(each.src, each.dest) for each in source.subject_transforms]
        self._contact = 0.0
        self._has_contact = False
        self._running = False
        self._waiting = False
        self.is_closed = False

    # connecting

    def connect(self) -> None:
        """Find the origin, and begin to read it; harmless if that is so already."""
        origin = self._host.find_origin(self.source.name)
        if origin is None:
            self.deleted()
            return
        if origin is self._origin:
            return
        self._origin = origin
        self.error = None
        self._find_start(origin)
        origin.add_feed(self)
        self._touch()
        self._run()

    def _find_start(self, origin: Origin) -> None:
        """Where to go on in the origin, or to begin."""
        if self.mirrors:
            if self._target.log.last:
                self.position = self.copied = self._target.log.last
                return
        elif self.position and self.identity in ("", origin.identity):
            self.identity = origin.identity
            return
        self.identity = origin.identity
        start = self.source.opt_start_seq or 1
        if self.source.opt_start_time is not None:
            start = origin.log.at_time(self.source.opt_start_time)
        self.position = self.copied = start - 1

    def end(self) -> None:
        """Stop for good: the stream copies from there no more."""
        self.close()

    def close(self) -> None:
        """Stop."""
        self.is_closed = True
        if self._origin is not None:
            self._origin.remove_feed(self.name)
            self._origin = None

    # what the origin says

    def wants(self, subject: bytes) -> bool:
        """Whether messages of this subject are copied."""
        tokens = tokens_of(subject)
        return not self.filters or any(matches(tokens_of(each), tokens) for each in self.filters)

    def needs(self, sequence: int) -> bool:
        """Whether it is not copied yet."""
        return sequence > self.copied

    def stored(self, sequence: int, subject: bytes) -> None:  # noqa: ARG002 -- a reader's form
        """The origin has something new."""
        self._run()

    def removed(self, sequence: int, subject: bytes) -> None:
        """The origin's removals are not followed."""

    def purged(self, first: int) -> None:
        """The origin's purges are not followed."""

    def deleted(self) -> None:
        """The origin is gone; another one of its name may come."""
        self._origin = None
        self._has_contact = False
        self.error = JetStreamError(10059)

    # copying

    def _touch(self) -> None:
        self._contact = self._outlet.scheduler.monotonic()
        self._has_contact = True

    def _run(self) -> None:
        if not self._running and not self._waiting:
            self._running = True
            self._target.jobs.run(self._copy_steps(), self._stopped)

    def _stopped(self) -> None:
        self._running = False

    def _wait(self) -> None:
        """Go on later."""
        if not self._waiting:
            self._waiting = True
            self._outlet.scheduler.call_later(RETRY, self._again)

    def _again(self) -> None:
        self._waiting = False
        if not self.is_closed:
            self._run()

    def _copy_steps(self) -> Steps[None]:
        step = Step()
        while (origin := self._origin) is not None:
            sequence = origin.log.next(self.position + 1, self.filters)
            if not sequence or sequence > origin.committed:
                return
            if not self._copy(origin, sequence):
                self._wait()
                return
            if step.is_over_after(MESSAGE_WORK):
                yield

    def _copy(self, origin: Origin, sequence: int) -> bool:
        """Copy one message; False if it has to be tried again."""
        try:
            message = origin.log.read(sequence)
        except DamagedMessage:
            message = None
        self._touch()
        if message is not None:
            try:
                self._store(message)
            except JetStreamError as error:
                self.error = error
                return False
            self.error = None
        self.position = sequence
        self._target.after_storing(partial(self._is_safe, origin, self.identity, sequence))
        return True

    def _is_safe(self, origin: Origin, identity: str, sequence: int, failure: StorageFailure | None) -> None:
        """The copy is safe, or has to be made again."""
        if failure is None:
            self._has_copied(sequence, identity)
            if origin is self._origin:
                origin.settled(self.name, sequence)
        elif origin is self._origin:
            self.position = self._target.log.last if self.mirrors else self.copied
            self._wait()

    def _has_copied(self, sequence: int, identity: str) -> None:
        """Of the origin with this identity: if there is another one now, its sequences mean others."""
        if identity != self.identity:
            return
        self.copied = max(self.copied, sequence)
        if self._positions is not None and not self._noting and not self._target.config.in_memory:
            self._noting = True
            self._outlet.scheduler.call_soon(self._note)

    def _note(self) -> None:
        """Write how far the origin was read."""
        self._noting = False
        if self._positions is not None and not self.is_closed:
            position = FeedPosition(self.copied, self.identity)
            self._positions.note(self.source.index, position, self._target.log.last)

    def _store(self, message: StoredMessage) -> None:
        subject = message.subject
        for transform in self._transforms:
            made = transform.match(subject)
            if made is not None:
                subject = made
                break
        if self.mirrors:
            self._target.store_mirrored(
                subject, message.headers, message.payload, message.sequence, message.time
            )
            return
        name, filters, destination = self.source.index
        words = f"{name} {message.sequence} {filters} {destination} "
        mark = words.encode() + message.subject + f" {self.identity}".encode()
        block = h.with_fields(_foreign(message.headers), [(h.STREAM_SOURCE, mark)])
        self._target.store_copy(subject, block, message.payload)

    # what it says

    def _lag(self) -> int:
        """Messages of the origin that are not copied."""
        return 0 if self._origin is None else self._origin.log.count_from(self.position + 1, self.filters)

    def status(self) -> dict[str, object]:
        """Its part of STREAM.INFO."""
        source = self.source
        active = -1
        if self._has_contact:
            active = int((self._outlet.scheduler.monotonic() - self._contact) * 1e9)
        answer: dict[str, object] = {"name": source.name}
        if source.external is not None:
            answer["external"] = source.external.as_json()
        answer["lag"] = self._lag()
        if self.position and not self.mirrors:
            answer["seq"] = self.position
        answer["active"] = active
        if self.error is not None:
            answer["error"] = self.error.as_json()
        if source.filter_subject:
            answer["filter_subject"] = source.filter_subject
        if source.subject_transforms:
            answer["subject_transforms"] = [each.as_json() for each in source.subject_transforms]
        return answer


_UNWANTED = (b"Nats-Expected-", b"Nats-Batch-", h.STREAM_SOURCE + b":")


def _foreign(headers: bytes) -> bytes:
    """A header block without what was meant for the origin."""
    if h.SPECIAL not in headers:
        return headers
    lines = [line for line in headers.split(h.END) if not line.startswith(_UNWANTED)]
    return h.END.join(lines)
