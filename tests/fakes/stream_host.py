"""The host of a stream in tests: an outlet, a service, a consumer, a storage that waits."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import ClassVar, NamedTuple

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_memory.log import MemoryLog
from app.adapters.streams_memory.storage import MemoryState, MemoryStorage, MemoryStreamStorage
from app.domain.dataplane.message_run import AckNumbers, MessageRun
from app.domain.jetstream.consumers.config import ConsumerConfig
from app.domain.jetstream.outlet import Delivery
from app.domain.jetstream.storage.chunk import IndexEntry
from app.domain.jetstream.storage.seam import DamagedMessage, Document, Done, StorageFailure, StoredMessage
from app.domain.jetstream.streams.answers import Answers
from app.domain.jetstream.streams.config import StreamConfig
from app.domain.jetstream.streams.fast_places import FastBatchCount
from app.domain.jetstream.streams.host import Handler
from app.domain.jetstream.streams.parsing import parse_stream_config
from app.domain.jetstream.streams.rules import checked
from app.domain.jetstream.streams.stream import Stream
from app.domain.timers import Scheduler
from tests.fakes.jetstream import AnswersAsMessages

SECOND = 1_000_000_000
BEGIN = 1_795_000_000 * SECOND
"""What the wall clock says at first."""


class Sent(NamedTuple):
    """A message that left."""

    subject: bytes
    payload: bytes = b""
    headers: bytes = b""


class FakeOutlet(AnswersAsMessages):
    """Keeps what is sent; inboxes that begin with `congested` or `deserted` take nothing."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.scheduler: Scheduler = self.clock
        self.sent: list[Sent] = []
        self.published: list[Sent] = []
        self.sends_runs = True
        self.congested: tuple[bytes, ...] = ()
        self.deserted: tuple[bytes, ...] = ()
        self.unwatched: list[Callable[[], None]] = []
        self.failures: list[Exception] = []
        self.shift = 0
        """Nanoseconds that the wall clock was set forward."""

    def wall(self) -> int:
        """Nanoseconds since the epoch."""
        return BEGIN + self.shift + round(self.clock.monotonic() * SECOND)

    def at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Soon: no turn is under way here."""
        self.scheduler.call_soon(call)

    def together(self, call: Callable[[], object]) -> None:
        """At once."""
        call()

    def failed(self, error: Exception) -> None:
        """Keep the defect."""
        self.failures.append(error)

    def random_name(self, length: int) -> str:
        """The same letters each time."""
        return "abcdefgh"[:length]

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Delivery:
        """Keep the message, unless its receiver is slow or gone."""
        assert not reply
        assert subject == to
        if to.startswith(self.congested):
            return Delivery.CONGESTED
        if to.startswith(self.deserted):
            return Delivery.NOBODY
        self.sent.append(Sent(to, payload, headers))
        return Delivery.SENT

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """A stream delivers none."""
        raise AssertionError((to, run, acks, room))

    def publish(self, subject: bytes, payload: bytes, headers: bytes = b"", reply: bytes = b"") -> None:
        """Keep the message."""
        assert not reply
        self.published.append(Sent(subject, payload, headers))

    def has_interest(self, subject: bytes, queue: str = "") -> bool:
        """Somebody always listens."""
        return bool(subject) or bool(queue)

    def has_listener(self, subject: bytes) -> bool:
        """Somebody always listens."""
        return bool(subject)

    def watch_interest(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """Nothing ever changes."""
        assert subject
        return lambda: self.unwatched.append(changed)

    def take(self) -> list[bytes]:
        """The payloads of what was sent since the last time."""
        taken = [each.payload for each in self.sent]
        self.sent.clear()
        return taken


class FakeHost:
    """A service with limits that tests set."""

    has_account_limits: ClassVar[bool] = True

    def __init__(self) -> None:
        self.outlet: FakeOutlet = FakeOutlet()
        self.answers = Answers(self.outlet)
        self.fast_batches = FastBatchCount()
        self.domain = ""
        self.over_limit = False
        self.room: int | None = None
        """Bytes that the account may still use; None for any."""
        self.streams: dict[str, Stream] = {}
        self.consumers: dict[tuple[str, str], FakeConsumer] = {}
        self.listeners: dict[bytes, tuple[bytes, Handler]] = {}
        """Subjects, and who gets their messages, by sid."""
        self._sids = count(1)

    def find_consumer(self, stream: str, name: str) -> "FakeConsumer | None":
        """One that a test made."""
        return self.consumers.get((stream, name))

    def reset_consumer(self, stream: str, name: str) -> int:
        """Count it."""
        consumer = self.consumers[stream, name]
        consumer.resets += 1
        consumer.number = 0
        return consumer.floor

    def listen(self, subject: bytes, handler: Handler) -> bytes:
        """The test calls the handler."""
        sid = b"%d" % next(self._sids)
        self.listeners[sid] = (subject, handler)
        return sid

    def leave(self, sid: bytes) -> None:
        """No more."""
        del self.listeners[sid]

    def is_over_limit(self, *, in_memory: bool) -> bool:
        """As tests say."""
        assert in_memory in (False, True)
        return self.over_limit

    def has_much_room(self, *, in_memory: bool) -> bool:
        """Where there is no limit."""
        assert in_memory in (False, True)
        return not self.over_limit and self.room is None

    def would_exceed(self, size: int, *, in_memory: bool) -> bool:
        """As tests say."""
        assert in_memory in (False, True)
        return self.room is not None and size > self.room

    def find_origin(self, name: str) -> Stream | None:
        """A stream that was made here."""
        return self.streams.get(name)


class FakeConsumer:
    """A consumer by which a stream copies; tests say what it delivers."""

    def __init__(self, host: FakeHost, subject: str = "d", policy: str = "flow_control") -> None:
        self._host = host
        self._subject = subject.encode()
        self.config = ConsumerConfig(ack_policy=policy)
        self.num_pending = 0
        self.floor = 0
        self.resets = 0
        self.number = 0

    def deliver(self, sequence: int, payload: str = "x", subject: str = "o.1", deliveries: int = 1) -> None:
        """Send a message to those who listen."""
        self.number += 1
        reply = f"$JS.ACK.O.C.{deliveries}.{sequence}.{self.number}.{BEGIN}.0"
        self.send(subject, b"", payload, reply)

    def control(self, words: str, reply: str = "", **fields: object) -> None:
        """A heartbeat, or a request for flow control."""
        lines = "".join(f"Nats-{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.send("d", f"NATS/1.0 100 {words}\r\n{lines}\r\n".encode(), "", reply)

    def send(self, subject: str, headers: bytes, payload: str, reply: str) -> None:
        """A message."""
        for to, handler in list(self._host.listeners.values()):
            if to == self._subject:
                handler(subject.encode(), headers, payload.encode(), reply.encode())


@dataclass
class FakeReader:
    """A consumer that notes what it hears."""

    name: str = "c"
    filters: Sequence[bytes] = ()
    wanted: set[int] = field(default_factory=set)
    """Sequences that it needs."""
    heard: list[tuple[str, int]] = field(default_factory=list)
    needs_all: bool = True

    def wants(self, subject: bytes) -> bool:
        """Whether it has no filters, or this very subject among them."""
        return not self.filters or subject in self.filters

    def needs(self, sequence: int) -> bool:
        """As tests say."""
        return self.needs_all or sequence in self.wanted

    def stored(self, sequence: int, subject: bytes) -> None:
        """Note it."""
        assert subject
        self.heard.append(("stored", sequence))

    def removed(self, sequence: int, subject: bytes) -> None:
        """Note it."""
        assert subject
        self.heard.append(("removed", sequence))

    def purged(self, first: int) -> None:
        """Note it."""
        self.heard.append(("purged", first))

    def deleted(self) -> None:
        """Note it."""
        self.heard.append(("deleted", 0))


class HeldLog(MemoryLog):
    """A log whose commits wait until the test lets them succeed or fail, if it holds them."""

    def __init__(self, first: int = 1) -> None:
        super().__init__(first)
        self.holds = False
        self.is_quick = False
        """Whether what is stored alone is safe at once."""
        self.is_quickest = False
        """Whether it is stored in one step."""
        self.is_failing: StorageFailure | None = None
        self.commits: list[tuple[Done, bool]] = []
        self.damaged: set[int] = set()
        self.removed_with: list[list[int]] = []
        """What went with each message."""
        self.proposals: list[Done] = []
        self._safe = (self.last, 0)
        self._removed: list[tuple[int, IndexEntry, bytes]] = []
        """What went with unsafe messages: the message's sequence, and all of what went."""

    @property
    def failure(self) -> StorageFailure | None:  # type: ignore[override]  # memory itself never fails
        """As tests say."""
        return self.is_failing

    def append(
        self, subject: bytes, headers: bytes, payload: bytes, time: int, removes: Sequence[int] = ()
    ) -> int:
        """Append, and remember what goes."""
        self.removed_with.append(list(removes))
        taken = [each for each in map(super().read, removes) if each is not None]
        sizes = [self.size_at(each.sequence) for each in taken]
        sequence = super().append(subject, headers, payload, time, removes)
        for each, size in zip(taken, sizes, strict=True):
            entry = IndexEntry(each.sequence, each.subject, len(each.headers), each.time, size)
            self._removed.append((sequence, entry, each.headers + each.payload))
        return sequence

    def read(self, sequence: int) -> StoredMessage | None:
        """Read it, unless the test damaged it."""
        if sequence in self.damaged:
            raise DamagedMessage
        return super().read(sequence)

    def commit(self, done: Done, *, only_messages: bool = False) -> None:
        """Succeed at once, or wait."""
        self.commits.append((done, only_messages))
        if not self.holds:
            self.let_go()

    def propose_removal(self, sequences: Sequence[int], done: Done, *, erase: bool = False) -> None:
        """The same."""
        assert erase in (False, True)
        assert all(0 < each <= self.last for each in sequences)
        self.propose(done)

    def propose_removal_before(self, sequence: int, done: Done) -> None:
        """The same."""
        assert sequence <= self.last + 1
        self.propose(done)

    def propose(self, done: Done) -> None:
        """Succeed at once, or wait."""
        if self.holds:
            self.proposals.append(done)
        else:
            done(self.is_failing)

    def commit_now(self) -> bool:
        """As tests say."""
        return self.is_quick

    def store_now(self, subject: bytes, headers: bytes, payload: bytes, time: int, most: int) -> int:
        """As tests say."""
        if not self.is_quickest:
            return 0
        return super().store_now(subject, headers, payload, time, most)

    def let_go(self, failure: StorageFailure | None = None) -> None:
        """Let the commits that wait succeed, or fail."""
        waiting, self.commits = self.commits, []
        if failure is None:
            self._safe = (self.last, self.last_time)
            self._removed.clear()
        else:
            self._take_back()
        for done, _ in waiting:
            done(failure)
        proposals, self.proposals = self.proposals, []
        for done in proposals:
            done(failure)

    def _take_back(self) -> None:
        last, time = self._safe
        for sequence in range(last + 1, self.last + 1):
            self._bodies.pop(sequence, None)
        self._index.retract(last, time)
        for _, entry, body in self._removed:
            if entry.sequence <= last:
                self._index.restore(entry)
                self._bodies[entry.sequence] = body
        self._removed.clear()


class KeptState(MemoryState):
    """The state of a consumer, which is kept."""

    def __init__(self) -> None:
        self.checkpoint = b""
        self.changes: list[bytes] = []

    @property
    def appended(self) -> int:  # type: ignore[override]  # in memory it is always 0
        """Bytes of changes."""
        return sum(len(each) for each in self.changes)

    def append(self, change: bytes) -> None:
        """Keep it."""
        self.changes.append(change)

    def replace(self, checkpoint: bytes) -> None:
        """Keep it alone."""
        self.checkpoint = checkpoint
        self.changes.clear()


class HeldStorage(MemoryStreamStorage):
    """The storage of one stream with such a log, and states that are kept."""

    def __init__(self, first: int = 1) -> None:
        super().__init__({}, "", first)
        self.log: HeldLog = HeldLog(first)
        self.states: dict[str, KeptState] = {}

    def open_consumer(self, name: str) -> KeptState:
        """What was kept."""
        return self.states[name]

    def write_consumer(self, name: str, document: Document, *, in_memory: bool = False) -> KeptState:
        """Make one."""
        super().write_consumer(name, document, in_memory=in_memory)
        return self.states.setdefault(name, KeptState())

    def propose(self, document: Document, done: Done) -> None:
        """Succeed at once, or wait."""
        self._propose(partial(super().propose, document), done)

    def propose_consumer(self, name: str, document: Document, done: Done) -> None:
        """The same."""
        self._propose(partial(super().propose_consumer, name, document), done)

    def propose_deletion(self, name: str, done: Done) -> None:
        """The same."""
        self._propose(partial(super().propose_deletion, name), done)

    def _propose(self, apply: Callable[[Done], None], done: Done) -> None:
        def written(failure: StorageFailure | None) -> None:
            if failure is None:
                apply(done)
            else:
                done(failure)

        self.log.propose(written)


class HeldStorages(MemoryStorage):
    """The storage of a server that has one stream."""

    begin_held = False
    """Whether its commits are held from the beginning."""

    def create(self, name: str, document: Document, *, first: int = 1, relaxed: bool = False) -> HeldStorage:  # noqa: ARG002 - the signature of a storage
        """Make it."""
        self.held = HeldStorage(first)
        self.held.write(document)
        self.held.log.holds = self.begin_held
        self._streams[name] = self.held
        return self.held


class Made(NamedTuple):
    """A stream, and its host."""

    stream: Stream
    host: FakeHost
    log: HeldLog
    outlet: FakeOutlet

    def publish(
        self, subject: str, payload: str = "", headers: dict[str, str] | None = None, reply: str = "_I.1"
    ) -> None:
        """Publish, as a client does."""
        self.stream.store(subject.encode(), block(headers), payload.encode(), reply.encode())

    def ask(self, subject: str, payload: str = "", headers: dict[str, str] | None = None) -> str:
        """Publish, end the turn, and return the answer."""
        self.publish(subject, payload, headers)
        self.outlet.clock.run_pending()
        (answer,) = self.outlet.take()
        return answer.decode()

    def purge(self, pattern: bytes = b"", sequence: int = 0, keep: int = 0) -> int:
        """Purge, end the turn, and return how many went so far."""
        before = self.log.count
        deque(self.stream.purge_steps(pattern, sequence, keep, lambda *_: None), maxlen=0)
        self.stream.end_turn()
        return before - self.log.count

    def sequences(self) -> list[int]:
        """What is there."""
        found = []
        sequence = self.log.next(1)
        while sequence:
            found.append(sequence)
            sequence = self.log.next(sequence + 1)
        return found

    def contents(self) -> list[tuple[int, str, str]]:
        """Sequences, subjects and payloads of what is there."""
        messages = [self.log.read(each) for each in self.sequences()]
        return [(m.sequence, m.subject.decode(), m.payload.decode()) for m in messages if m is not None]


def block(headers: dict[str, str] | None) -> bytes:
    """A header block with these fields; empty for none."""
    if headers is None:
        return b""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"NATS/1.0\r\n{lines}\r\n".encode()


def config(**fields: object) -> StreamConfig:
    """A checked configuration of a stream `S` on `s.>` in memory."""
    return checked(parse_stream_config({"name": "S", "subjects": ["s.>"], "storage": "memory"} | fields))


def make(
    host: FakeHost | None = None,
    storage: HeldStorage | None = None,
    /,
    *,
    start: bool = True,
    **fields: object,
) -> Made:
    """A stream that was recovered and, unless not wanted, started."""
    host = host or FakeHost()
    made = config(**fields)
    storage = storage or HeldStorage(made.first_seq or 1)
    stream = Stream(made, storage, host, created=BEGIN)
    host.streams[made.name] = stream
    for _ in stream.recover():
        pass
    if start:
        stream.start()
    return Made(stream, host, storage.log, host.outlet)
