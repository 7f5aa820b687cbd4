"""The intake: JetStream's own connection to the broker, and all that comes in over it.

It is a local client: what streams listen to are ordinary subscriptions, so plans, routes, permissions
and answers to requests that reach nobody work by themselves. Messages are handed over in order, as many
in a turn as there is time for, and at the end of a turn those who got some have it said.

Nobody waits for a receiver that is a part of the server: it is never cut as a slow consumer, and while
it lags its publishers are held.
"""

from collections import deque
from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol, TypeVarTuple

from ..broker import Broker
from ..dataplane.ack_run import ACK_START
from ..dataplane.incoming_run import IncomingRun, TakeLone
from ..dataplane.message_run import AckRun
from ..dataplane.reach import Direct
from ..dataplane.seam import HookedMessage
from ..fair_queue import SLICE
from ..message_trace.stream_step import StreamStep
from ..sessions.connection import Connection
from ..sessions.local_client import LocalClient
from ..sessions.local_wire import LocalWire
from ..timers import Scheduler

Arguments = TypeVarTuple("Arguments")

Handler = Callable[[bytes, bytes, bytes, bytes], None]
"""Gets a message: subject, headers, payload, reply; in the last three empty is none."""

TakeAcks = Callable[[AckRun], None]
"""Gets plain acks in a row."""

EndTurn = Callable[[], None]
"""Called when no more messages come in this turn."""

MustWait = Callable[[], bool]
"""Answers whether so much waits for the storage that no more messages should come."""

RunHandler = Callable[[IncomingRun], int]
"""Gets messages in a row, none of which has special headers other than an id.

It returns how many it took, one at least; those that are left come again.
"""

MESSAGES_PER_CHECK = 32
"""Messages after which the clock is asked."""

LONGEST_RUN = 4096
SHORTEST_RUN = 4
"""Messages that are handed over at once, at most and at least."""

FIRST_RUN = 512
"""The most of the first run. Later ones are longer or shorter, as they take less or more than a turn."""

PATIENCE = 2.0
"""Seconds that messages wait for streams whose storage lags; then they come, and may be refused."""

RETRY = 0.005
"""Seconds after which it is asked again."""

JOINED_BYTES = 64 * 1024
"""Writes are joined up to about this number of bytes."""


class TracedReceiver(Protocol):
    """A stream, as the receiver of messages that are traced."""

    @property
    def name(self) -> str:
        """The name of the stream."""
        ...

    def take(self, message: HookedMessage, step: StreamStep) -> None:
        """Store it or not, and complete the step once that is known."""
        ...


class IntakeReceivers(NamedTuple):
    """Who gets the messages of a subscription."""

    handler: Handler
    end_turn: EndTurn | None
    runs: RunHandler | None
    must_wait: MustWait | None
    alone: Handler
    traced: TracedReceiver | None


_MSG = b"MSG"
_HMSG = b"HMSG"

TRACED = b"TRACED"
"""How a line begins that holds the place of a traced message; its number and the sid follow."""


class IntakeConnection(Connection):
    """The connection; flow control may hold publishers for it, but not end it."""

    __slots__ = ()

    def abort_slow(self, reason: str, *, full: bool = False) -> None:
        """Nothing to do: it is not a peer that sends faulty lines."""
        del reason, full


class IntakeWire(LocalWire):
    """What the broker has written, taken apart in place."""

    def __init__(self, scheduler: Scheduler, on_failure: Callable[[Exception], None]) -> None:
        """`on_failure` is called with what a handler raises, which costs one message."""
        super().__init__(scheduler, _nothing)
        self._on_failure = on_failure
        self._clock = scheduler.monotonic
        self.handlers: dict[bytes, IntakeReceivers] = {}
        """By sid."""
        self.in_turn = False
        """Whether messages are handed over at the moment: `after_turn` follows."""
        self.after_turn: Callable[[], None] = _no_turn
        self.endings: list[Callable[[], None]] | None = None
        """What is called when this turn ends; None if no messages are handed over at the moment."""
        self.acks_sid = b""
        """The subscription whose plain acks go to `take_acks`."""
        self.take_acks: TakeAcks = _nothing
        self.end_acks: EndTurn = _no_turn
        self.take_traced: Callable[[bytes, bytes], None] = _nothing
        """Gets the number of a traced message, and the sid, when it is its turn."""
        self.plane: Direct
        self.lone: dict[bytes, TakeLone] = {}
        """Who takes messages within the read that brings them, by sid, where nothing waits."""
        self.has_requests = False
        """Whether requests that were handed over still wait: no message may overtake them."""
        self._writes: deque[bytes] = deque()
        """Whole messages, several in each."""
        self._position = 0
        """In the first of them: what comes before was handed over."""
        self._size = 0
        self._longest = FIRST_RUN
        """Messages of the next run at most."""
        self._waiting: dict[MustWait, float] = {}
        """The streams whose storage lags, and since when. All wait for the first of them, and no longer."""
        self._retries = False
        """Whether the timer runs after which the next message is tried again."""
        self.resume_below = 0
        """Pending bytes at which publishers that wait may go on."""
        self._was_much = False
        """Whether more than `resume_below` was pending since publishers last continued."""

    def write(self, data: bytes) -> None:
        """See `Wire`."""
        if not self.is_closing:
            self.plane.lone = None
            self._writes.append(data)
            self._size += len(data)
            if self._size > self.resume_below:
                self._was_much = True
            if not self._is_due:
                self.schedule()

    def pending(self) -> int:
        """See `Wire`."""
        return self._size

    def abort(self) -> None:
        """See `Wire`."""
        self._writes.clear()
        self._size = self._position = 0
        self.plane.lone = None
        super().abort()

    def hand_over(self) -> None:
        """See `LocalWire`."""
        if not self._writes or self.is_held:
            return
        self.in_turn = True
        self.endings = []
        try:
            if not self._hand_over_one():
                self._hand_over(self._clock() + SLICE)
        finally:
            endings, self.endings = self.endings, None  # what these ask for has another turn
            for call in endings:
                self._guarded(call)
            self.in_turn = False
            try:
                self.after_turn()
            except Exception as error:  # noqa: BLE001 - as in `_guarded`, which would be one more call
                self._on_failure(error)
        if not self._writes:
            self.let_pass()
        elif not self._retries:
            self.schedule()
        if self._was_much:
            self.relieve()

    def let_pass(self) -> None:
        """Have lone messages taken as they come, if nothing waits that came before."""
        if not (self._writes or self.has_requests or self.is_closing):
            self.plane.lone = self.lone

    def _hand_over_one(self) -> bool:
        """Hand over a message that is all there is; False if it has to go the way of several."""
        writes = self._writes
        if len(writes) > 1 or self._position or self._waiting:
            return False
        message = self.plane.read_one(writes[0])
        entry = self.handlers.get(message[0]) if message is not None else None
        if message is None or entry is None:
            return False
        _, subject, headers, payload, reply = message
        _, end_turn, _, must_wait, alone, _ = entry
        if must_wait is not None and must_wait():
            return False
        self._size -= len(writes.popleft())
        try:
            alone(subject, headers, payload, reply)
        except Exception as error:  # noqa: BLE001 - as in `_take`
            self._on_failure(error)
        if end_turn is not None:
            self._guarded(end_turn)
        return True

    def _has_to_wait(self, must_wait: MustWait) -> bool:
        """Whether the next message stays where it is, and all after it, for some ms."""
        waiting = self._waiting
        if not must_wait():
            waiting.pop(must_wait, None)
            return False
        now = self._clock()
        if must_wait not in waiting:
            waiting = self._waiting = {each: since for each, since in waiting.items() if each()}
            waiting[must_wait] = now
        if now - min(waiting.values()) >= PATIENCE:
            return False
        if not self._retries:
            self._retries = True
            self._scheduler.call_later(RETRY, self._retry)
        return True

    def forget(self, must_wait: MustWait) -> None:
        """This stream holds up no messages any more."""
        self._waiting.pop(must_wait, None)

    def _retry(self) -> None:
        self._retries = False
        self.schedule()

    def _hand_over(self, until: float) -> None:
        touched: dict[EndTurn, None] = {}
        while self._writes:
            data = self._writes[0] if len(self._writes) == 1 else self._joined()
            start = self._position
            self._position = self._take(data, start, until, touched)
            self._size -= self._position - start
            if self._position < len(data):
                break
            self._position = 0
            self._writes.popleft()
        for end_turn in touched:
            self._guarded(end_turn)

    def _joined(self) -> bytes:
        """The first of the writes, with those after it as long as they are small.

        Many publishers write a message each; together they make a run.
        """
        writes = self._writes
        data = writes[0]
        if len(data) >= JOINED_BYTES:
            return data
        pieces, size = [writes.popleft()[self._position :]], 0
        while writes and size < JOINED_BYTES:
            pieces.append(writes.popleft())
            size += len(pieces[-1])
        self._position = 0
        writes.appendleft(b"".join(pieces))
        return writes[0]

    def relieve(self) -> None:
        """Let waiting publishers continue, if little is left and there was more."""
        if self._was_much and self._size <= self.resume_below and not self.is_closing:
            self._was_much = False
            self.handler.drained()

    def _take(  # noqa: C901, PLR0912 - one loop, for speed
        self, data: bytes, position: int, until: float, touched: dict[EndTurn, None]
    ) -> int:
        """Hand over messages from this position on, until the turn is over; return the first one left."""
        find, handlers, size, count = data.find, self.handlers, len(data), 0
        while position < size:
            if data.startswith(ACK_START, position):
                end = self._take_acks(data, position, touched)
                if end:
                    position = end
                    if self._clock() >= until:
                        break
                    continue
            end = find(b"\r\n", position)
            words = data[position:end].split(b" ")
            verb = words[0]
            start, position = position, end + 2
            if verb == _MSG:
                block = position
                stop = block + int(words[-1])
                reply = words[3] if len(words) == 5 else b""
            elif verb == _HMSG:
                block = position + int(words[-2])
                stop = position + int(words[-1])
                reply = words[3] if len(words) == 6 else b""
            elif verb != TRACED:
                continue
            elif self._is_held_up(words[2]):
                return start
            else:
                self._guarded(self.take_traced, words[1], words[2])
                if self._clock() >= until:
                    break
                continue
            entry = handlers.get(words[2])
            run_end = 0
            if entry is not None:
                must_wait = entry.must_wait
                if must_wait is not None and (self._waiting or must_wait()) and self._has_to_wait(must_wait):
                    return start
                if entry.end_turn is not None:
                    touched[entry.end_turn] = None
                if entry.runs is not None and stop + 2 < size:
                    run_end = self._take_run(entry.runs, data, start)
                if not run_end:
                    is_alone = not count and stop + 2 == size and len(self._writes) == 1
                    handler = entry.alone if is_alone else entry.handler
                    try:
                        handler(words[1], data[position:block], data[block:stop], reply)
                    except Exception as error:  # noqa: BLE001 - a defect costs one message, and no other
                        self._on_failure(error)
            position = run_end or stop + 2
            count += MESSAGES_PER_CHECK if run_end else 1
            if count % MESSAGES_PER_CHECK == 0 and self._clock() >= until:
                break
        return position

    def _is_held_up(self, sid: bytes) -> bool:
        """Whether a message for this subscription has to wait."""
        entry = self.handlers.get(sid)
        must_wait = None if entry is None else entry.must_wait
        return must_wait is not None and (bool(self._waiting) or must_wait()) and self._has_to_wait(must_wait)

    def _take_acks(self, data: bytes, position: int, touched: dict[EndTurn, None]) -> int:
        """Hand over plain acks in a row; where the next message begins, or 0 if there are none."""
        run = self.plane.read_acks(data, position)
        if run is None or run.sid != self.acks_sid:
            return 0
        self._guarded(self.take_acks, run)
        touched[self.end_acks] = None
        return run.end

    def _take_run(self, handler: RunHandler, data: bytes, start: int) -> int:
        """Hand over messages in a row; returns where they end, and 0 if they are not worth it."""
        run = self.plane.read_run(data, start, self._longest)
        if run.count < SHORTEST_RUN:
            return 0
        began = self._clock()
        try:
            taken = handler(run)
        except Exception as error:  # noqa: BLE001 - a defect costs one run, and no other stream
            self._on_failure(error)
            taken = run.count
        if taken < run.count:
            self._longest = max(taken, SHORTEST_RUN)
        elif self._clock() - began > SLICE:
            self._longest = max(run.count // 2, SHORTEST_RUN)
        elif run.count == self._longest:
            self._longest = min(2 * self._longest, LONGEST_RUN)
        return run.end_of(taken)

    def _guarded(self, call: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
        try:
            call(*arguments)
        except Exception as error:  # noqa: BLE001 - a defect costs one message or turn, and no other stream
            self._on_failure(error)


class Intake(LocalClient):
    """Subscriptions by handler, and publishing."""

    connection_type: ClassVar[type[Connection]] = IntakeConnection
    seen_by_hooks: ClassVar[bool] = False

    def __init__(self, broker: Broker) -> None:
        self.wire = IntakeWire(broker.scheduler, broker.failed)
        self.wire.resume_below = broker.limits.resume_below
        self.wire.plane = broker.plane
        self.wire.let_pass()
        super().__init__(broker, "JetStream", wire=self.wire)
        broker.adopt(self)
        broker.plane.server = self.connection.outbox

    def attend(  # noqa: PLR0913, PLR0917 - by name, and all but two have a default
        self,
        subject: bytes,
        handler: Handler,
        end_turn: EndTurn | None = None,
        runs: RunHandler | None = None,
        must_wait: MustWait | None = None,
        alone: Handler | None = None,
        traced: TracedReceiver | None = None,
        lone: TakeLone | None = None,
    ) -> bytes:
        """Have `handler` get each message on this subject; the sid is what `leave` takes.

        `runs`, if any, gets several in a row that have no special headers but ids. `end_turn` is called at
        the end of each turn in which some came. While `must_wait` answers True, and for `PATIENCE` at most,
        all messages stay here, also those for others, so that publishers wait. `alone`, if any, gets a
        message in place of `handler` if that is all there is in a turn, `traced` those that are traced, and
        `lone` those that it takes within the read that brings them.
        Raises as `subscribe` does.
        """
        sid = self.listen(subject)
        self.wire.handlers[sid] = IntakeReceivers(
            handler, end_turn, runs, must_wait, alone or handler, traced
        )
        if lone is not None:
            self.wire.lone[sid] = lone
        return sid

    def attend_acks(self, subject: bytes, handler: Handler, take_acks: TakeAcks, end_turn: EndTurn) -> None:
        """The same for acks: `take_acks` gets plain ones in a row, and `handler` all others."""
        self.wire.acks_sid = self.attend(subject, handler, end_turn)
        self.wire.take_acks, self.wire.end_acks = take_acks, end_turn

    def leave(self, sid: bytes) -> None:
        """End that; messages that are on the way are not handed over."""
        entry = self.wire.handlers.pop(sid, None)
        self.wire.lone.pop(sid, None)
        if entry is None:
            return
        if entry.must_wait is not None:
            self.wire.forget(entry.must_wait)
        if not self.closed:
            self.session.process_unsub(sid)
            self.announce_soon()


def _nothing(*_message: object) -> None:
    """No message takes this way."""


def _no_turn() -> None:
    """There is nothing to do at the end of a turn."""
