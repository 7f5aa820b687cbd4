"""A mirror or source whose origin is in another domain, on the other side of a leaf link (ADR 0074).

    waiting ──(the origin's API is heard of)──> asking ──(answer)──> reading
       ^                                          │ error, no answer     │ gap, silence, the link came back
       └───────────(later each time)──────────────┴──────────────────────┘

Each time it asks for a new consumer that begins after the last message that was copied. Confirmations
of flow control go out when what came before them is safe here: so an origin that removes what its
readers have, a work queue for example, loses nothing, and no more than a window is on its way.
"""

from collections.abc import Callable, Sequence
from functools import partial

from ...timers import Timer
from ..errors import JetStreamError
from ..storage.seam import StorageFailure, StoredMessage
from . import headers as h
from . import remote_origin as remote
from .config import StreamSource
from .feed import Feed, Target
from .feed_positions import FeedPositions
from .host import StreamHost
from .subject_rules import is_literal

ANSWER_TIME = 10.0
"""Seconds that an answer may take."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds until it is asked again; twice as long each time."""

PAUSE = 1.0
"""Seconds between two requests because of what got lost: a message may never get through."""

LEAST = 0.001
"""Seconds below which silence is over: what is left may be a rounding error, which no timer waits for."""

FEW = 10
"""Messages that a mirror may lack to answer for its origin: one that is in use is always a little behind."""

MIRROR_LEVELS = (4, 0)
SOURCE_LEVELS = (5, 4, 0)
"""API levels that are asked for, one after the other: what they add is used where it is there."""


class RemoteFeed(Feed):
    """What one stream gets from one of another domain."""

    def __init__(
        self, target: Target, source: StreamSource, host: StreamHost, positions: FeedPositions | None
    ) -> None:
        super().__init__(target, source, host, positions)
        self._levels: Sequence[int] = MIRROR_LEVELS if self.mirrors else SOURCE_LEVELS
        self._level = 0
        """The place in these of the next request."""
        self._kind = "MIRROR" if self.mirrors else "SRC"
        self._subject = remote.api_subject(source, f"CONSUMER.CREATE.{source.name}")
        self._end_watch: Callable[[], None] | None = None
        self._sid = b""
        """Of the subject that is listened to; empty for none."""
        self._timer: Timer | None = None
        self._is_reachable = False
        self._delay = FIRST_DELAY
        self._asked_at = -PAUSE
        self._attempt = 0
        """Counts requests: what belongs to an earlier one is ignored."""
        self._consumer = b""
        """The one that is read; empty while none is."""
        self._number = 0
        """Messages that it has sent, which all came here."""
        self._pending = 0
        self.has_caught_up = False
        """Whether nearly all was here at some time since the start."""

    # ---- asking ----

    def connect(self) -> None:
        """Begin; harmless if that is so already."""
        if self._end_watch is not None or self.is_closed:
            return
        if not is_literal(self._subject):
            self.error = self._failed(f'"{self._subject}" is no subject')
            return
        self._end_watch = self._host.outlet.watch_interest(self._subject.encode(), self._reach_changed)
        if self.mirrors:
            self.position = self.copied = self._target.log.last
        self._reach_changed()
        if not self._is_reachable:
            self._ask()

    def _reach_changed(self) -> None:
        """The link may be there again: the origin is read again, as messages may have got lost."""
        was, self._is_reachable = self._is_reachable, self._outlet.has_interest(self._subject.encode())
        if self._is_reachable and not was:
            self._delay = FIRST_DELAY
            self._ask()

    def _ask(self) -> None:
        """Ask the origin for a consumer."""
        self._stop_reading()
        if not self._is_reachable:
            self._fail(self._failed(f"nobody serves {self._subject}: is there a link to this domain?"))
            return
        self._attempt += 1
        self._asked_at = self._outlet.scheduler.monotonic()
        self._timer = self._outlet.scheduler.call_later(ANSWER_TIME, self._unanswered)
        level = self._levels[self._level]
        wanted = remote.RemoteConsumer(
            self._kind,
            self._target.config.name,
            self._host.domain,
            self._name(level),
            remote.deliver_subject(self.source, self._kind[0], self._outlet.random_name(8)),
            self._start(),
            level,
        )
        reply = f"$JSC.R.{self._outlet.random_name(8)}".encode()
        self._sid = self._host.listen(reply, partial(self._answered, self._attempt))
        subject, payload = wanted.request(self.source)
        headers = wanted.headers("" if self.mirrors else self.identity)
        self._outlet.publish(subject.encode(), payload, headers, reply)

    def _ask_anew(self) -> None:
        """Something got lost."""
        wait = self._asked_at + PAUSE - self._outlet.scheduler.monotonic()
        if wait <= 0:
            self._ask()
        else:
            self._stop_reading()
            self._timer = self._outlet.scheduler.call_later(wait, self._ask)

    def _name(self, level: int) -> str:
        """What the origin adds letters to by itself, where it knows of sourcing consumers."""
        name = remote.stable_name(self._kind, self._host.domain, self.name)
        return name if level else f"{name}_{self._outlet.random_name(8)}"

    def _start(self) -> remote.RemoteStart:
        if self.position:
            return remote.RemoteStart(self.position + 1)
        return remote.RemoteStart(self.source.opt_start_seq, self.source.opt_start_time)

    def _failed(self, words: str) -> JetStreamError:
        return JetStreamError(10029 if self.mirrors else 10045, words)

    def _unanswered(self) -> None:
        self._fail(self._failed(f"no answer to {self._subject}"))

    def _answered(self, attempt: int, _subject: bytes, headers: bytes, payload: bytes, _reply: bytes) -> None:
        """The origin made a consumer, or said why not."""
        if attempt != self._attempt or self._consumer:
            return
        answer = remote.read_answer(headers, payload)
        number = 0 if answer.error is None else answer.error.number
        if number == remote.OTHER_STREAM and self.identity:
            self.position = self.copied = 0
            self.identity = ""
            self._ask()
        elif number in remote.NO_SUCH_LEVEL and self._levels[self._level]:
            self._level += 1
            self._ask()
        elif answer.error is not None:
            self._fail(answer.error)
        elif not is_literal(answer.deliver):
            self._fail(self._failed(f'"{answer.deliver}" is no subject to deliver to'))
        else:
            self._read(answer)

    def _read(self, answer: remote.RemoteAnswer) -> None:
        """Listen to what the consumer sends; it begins when it hears of that."""
        self._stop_reading()
        self.error = None
        self._consumer, self._number = answer.name.encode(), 0
        self._note_pending(answer.pending)
        if answer.identity:
            self.identity = answer.identity
        self._touch()
        self._sid = self._host.listen(answer.deliver.encode(), partial(self._hear, self._attempt))
        self._watch_silence(remote.SILENCE)

    def _watch_silence(self, seconds: float) -> None:
        self._timer = self._outlet.scheduler.call_later(seconds, self._check_silence)

    def _check_silence(self) -> None:
        left = self._contact + remote.SILENCE - self._outlet.scheduler.monotonic()
        if left > LEAST:
            self._delay = FIRST_DELAY
            self._watch_silence(left)
        else:
            self._ask()

    def _fail(self, error: JetStreamError) -> None:
        """Ask again later."""
        self._stop_reading()
        self.error = error
        self._level = 0
        self._timer = self._outlet.scheduler.call_later(self._delay, self._ask)
        self._delay = min(2 * self._delay, LONGEST_DELAY)

    def _stop_reading(self) -> None:
        if self._sid:
            self._host.leave(self._sid)
            self._sid = b""
        self._consumer = b""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ---- what the consumer sends ----

    def _hear(self, attempt: int, subject: bytes, headers: bytes, payload: bytes, reply: bytes) -> None:
        if attempt != self._attempt or not self._consumer:
            return
        self._touch()
        place = remote.read_reply(reply)
        if place is None:
            if remote.is_status(headers, payload):
                self._hear_status(headers, reply)
            return
        if place.consumer != self._consumer or place.deliveries > 1:
            return
        if place.number > self._number + 1:
            self._ask_anew()
        elif place.number == self._number + 1:
            self._number = place.number
            self._note_pending(place.pending)
            if place.sequence > self.position:
                self._take(StoredMessage(place.sequence, place.time, subject, headers, payload))

    def _take(self, message: StoredMessage) -> None:
        try:
            self._store(message)
        except JetStreamError as error:
            self._fail(error)
            return
        self.error = None
        self._delay = FIRST_DELAY
        self.position = message.sequence
        self._target.after_storing(partial(self._is_stored, self._attempt, self.identity, message.sequence))

    def _is_stored(self, attempt: int, identity: str, sequence: int, failure: StorageFailure | None) -> None:
        """The copy is safe, or has to be made again."""
        if failure is None:
            self._has_copied(sequence, identity)
        elif not self.is_closed:
            self.position = self._target.log.last if self.mirrors else self.copied
            if attempt == self._attempt and self._consumer:
                self._fail(JetStreamError(10077, failure.value))

    def _hear_status(self, headers: bytes, reply: bytes) -> None:
        last = h.field(headers, remote.LAST_CONSUMER)
        if not remote.is_control(headers):
            self._ask_anew()
        elif reply:
            self._confirm_when_safe(reply)
        elif last.isdigit() and last != b"%d" % self._number:
            self._ask_anew()
        elif stalled := h.field(headers, remote.STALLED):
            self._confirm_when_safe(stalled)

    def _confirm_when_safe(self, reply: bytes) -> None:
        attempt, number, sequence = self._attempt, self._number, self.position

        def confirm(failure: StorageFailure | None) -> None:
            if failure is None and attempt == self._attempt and not self.is_closed:
                fields = [(remote.LAST_CONSUMER, number), (remote.LAST_STREAM, sequence)]
                self._outlet.publish(reply, b"", h.with_fields(b"", fields))

        if is_literal(reply.decode("utf-8", "replace")):
            self._target.after_storing(confirm)

    # ---- end ----

    def _note_pending(self, pending: int) -> None:
        self._pending = pending
        self.has_caught_up = self.has_caught_up or pending < FEW

    def _lag(self) -> int:
        return self._pending

    def close(self) -> None:
        """Stop; what the origin keeps for this stream stays there."""
        self.is_closed = True
        self._stop_reading()
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None

    def end(self) -> None:
        """Stop for good, and tell the origin to forget the consumer."""
        consumer = self._consumer.decode()
        self.close()
        subject = remote.api_subject(self.source, f"CONSUMER.DELETE.{self.source.name}.{consumer}")
        if consumer and is_literal(subject):
            self._outlet.publish(subject.encode(), b"", b"", f"$JSC.R.{self._outlet.random_name(8)}".encode())
