"""Copying by a consumer of the origin that its operator has made (ADR 0071).

The consumer decides which messages come, and how fast. It is pushed to its deliver subject as to any
other client, and settles what is safe here by answers to flow control. When something was missed it is
reset, and has all again that it has not settled.
"""

from functools import partial

from ...timers import Timer
from ..errors import JetStreamError
from ..storage.seam import StorageFailure, StoredMessage
from . import headers as h
from . import remote_origin as remote
from .config import StreamSource
from .feed import Feed, Target
from .feed_positions import FeedPositions
from .host import OriginConsumer, StreamHost

SETUP = 2.0
"""Seconds until it is tried again to use a consumer that cannot be used."""

CHECK = 10.0
"""Seconds between checks whether the consumer is still there."""

OF_ANOTHER_DOMAIN = "a consumer of another domain can't be used: leave out `consumer`, or `external`"


class ConsumerFeed(Feed):
    """A feed that a consumer brings messages. It is no reader of the origin: the consumer is."""

    def __init__(
        self, target: Target, source: StreamSource, host: StreamHost, positions: FeedPositions | None
    ) -> None:
        super().__init__(target, source, host, positions)
        self._consumer: OriginConsumer | None = None
        by = "" if source.consumer is None else source.consumer.name
        self._names = source.name.encode(), by.encode()
        """The stream and the consumer that messages have to come from."""
        self._sid = b""
        self._number = 0
        """The last consumer sequence that came since the reset."""
        self._is_due = False
        self._checks: Timer | None = None
        """Runs while a consumer is used."""

    # connecting

    def connect(self) -> None:
        """Have the consumer begin, soon; harmless if it has."""
        if self.source.external is not None:
            self.error = JetStreamError(10029 if self.mirrors else 10045, OF_ANOTHER_DOMAIN)
            return
        if self._consumer is None or self._found() is not self._consumer:
            self._try(0)

    def _found(self) -> OriginConsumer | None:
        wanted = self.source.consumer
        return None if wanted is None else self._host.find_consumer(self.source.name, wanted.name)

    def _try(self, delay: float) -> None:
        """Begin again after this number of seconds: what the consumer has not settled comes again."""
        self._leave()
        if not self._is_due:
            self._is_due = True
            self._outlet.scheduler.call_later(delay, self._begin)

    def _begin(self) -> None:
        self._is_due = False
        origin, consumer = self._host.find_origin(self.source.name), self._found()
        wanted = self.source.consumer
        if self.is_closed or wanted is None:
            return
        if origin is None or consumer is None:
            self._fail(10059 if origin is None else 10014)
        elif not consumer.config.acks_by_flow:
            self._fail(10214 if self.mirrors else 10217)
        else:
            self.error = None
            self._consumer, self._number = consumer, 0
            if not self.mirrors and self.identity not in ("", origin.identity):
                self.position = self.copied = 0
            self.identity = origin.identity
            self._sid = self._host.listen(wanted.deliver_subject.encode(), self._take)
            floor = self._host.reset_consumer(self.source.name, wanted.name)
            self.position = max(self.position, self._target.log.last if self.mirrors else 0, floor)
            self.copied = max(self.copied, floor)
            self._touch()
            self._check_later()

    def _fail(self, number: int) -> None:
        self._has_contact = False
        self.error = JetStreamError(number)
        self._try(SETUP)

    def _check_later(self) -> None:
        self._checks = self._outlet.scheduler.call_later(CHECK, self._check)

    def _check(self) -> None:
        """Whether the consumer is still there."""
        if self._found() is self._consumer:
            self._check_later()
        else:
            self._try(0)

    def _leave(self) -> None:
        self._consumer = None
        if self._checks is not None:
            self._checks.cancel()
            self._checks = None
        if self._sid:
            self._host.leave(self._sid)
            self._sid = b""

    def close(self) -> None:
        """Stop; the consumer stays, and keeps what is not settled."""
        self.is_closed = True
        self._leave()

    # what comes

    def _take(self, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        """A message to the deliver subject."""
        if remote.is_control(headers):
            self._touch()
            if reply:
                self._settle(reply)
            else:
                self._hear_heartbeat(headers)
            return
        place = remote.read_reply(reply)
        if place is None or (place.stream, place.consumer) != self._names:
            return  # of another consumer with this deliver subject, for example
        self._touch()
        if place.number <= self._number or place.deliveries > 1:
            return
        if place.number > self._number + 1:
            self._try(SETUP)
            return
        if place.sequence > self.position:
            try:
                self._store(StoredMessage(place.sequence, place.time, subject, headers, payload))
            except JetStreamError as error:
                self.error = error
                self._try(SETUP)
                return
            self.error = None
            self.position = place.sequence
            self._target.after_storing(partial(self._is_safe_here, self.identity, place.sequence))
        self._number = place.number

    def _settle(self, reply: bytes) -> None:
        """Answer flow control when all that came is safe."""
        fields = [(remote.LAST_CONSUMER, self._number), (remote.LAST_STREAM, self.position)]
        self._target.after_storing(partial(self._answer, reply, h.with_fields(b"", fields)))

    def _answer(self, reply: bytes, headers: bytes, failure: StorageFailure | None) -> None:
        if failure is None and not self.is_closed:
            self._outlet.publish(reply, b"", headers)

    def _hear_heartbeat(self, headers: bytes) -> None:
        """Find out whether something was missed, or whether an answer was."""
        last, stalled = h.field(headers, remote.LAST_CONSUMER), h.field(headers, remote.STALLED)
        if last.isdigit() and int(last[:20]) > self._number:
            self._try(SETUP)
        elif stalled:
            self._settle(stalled)

    def _is_safe_here(self, identity: str, sequence: int, failure: StorageFailure | None) -> None:
        if failure is None:
            self._has_copied(sequence, identity)
        elif self._consumer is not None:
            self.position = self._target.log.last if self.mirrors else self.copied
            self._try(SETUP)

    # what it says

    def _lag(self) -> int:
        """What the consumer has not delivered."""
        return 0 if self._consumer is None else self._consumer.num_pending
