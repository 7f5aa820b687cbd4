"""A broker and a stream, as consumers know them: messages are noted, time is moved by hand."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.adapters.clock_manual import ManualClock
from app.adapters.streams_memory.log import MemoryLog
from app.domain.dataplane.incoming_run import IncomingRun
from app.domain.dataplane.message_run import AckNumbers, MessageRun
from app.domain.dataplane.reach import Stored
from app.domain.dataplane.stored_answer import described
from app.domain.jetstream.outlet import Delivery, Outlet
from app.domain.jetstream.storage.seam import Done, StorageFailure
from app.domain.jetstream.streams.config import StreamConfig
from app.domain.jetstream.streams.readers import Reader
from app.domain.subjects.subject import matches, tokens_of
from app.domain.timers import Scheduler

SECOND = 10**9


class Sent(NamedTuple):
    """A message that left through the outlet."""

    to: bytes
    subject: bytes
    reply: bytes
    headers: bytes
    payload: bytes

    @property
    def status(self) -> str:
        """The first line of a message that has no payload, without the version."""
        return self.headers.split(b"\r\n")[0].decode().removeprefix("NATS/1.0 ")


class FakeOutlet:
    """Implements `Outlet`; `subscribe` makes interest, `congest` makes receivers slow."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        """What it runs by."""
        self.scheduler: Scheduler = self.clock
        self.sent: list[Sent] = []
        self.published: list[Sent] = []
        self.sends_runs = True
        self.congested: set[bytes] = set()
        self.deaf: set[bytes] = set()
        """Subjects that have interest, but nobody who gets a message."""
        self._interest: list[tuple[bytes, str]] = []
        self._watchers: dict[int, tuple[bytes, Callable[[], None]]] = {}
        self._names = 0
        self.failures: list[Exception] = []

    def wall(self) -> int:
        """The time of the clock, in whole microseconds: it is a float, which has no more digits."""
        return round(self.clock.time() * 10**6) * 1000

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
        """Another name for each call."""
        self._names += 1
        return f"{self._names:0{length}}"[:length]

    def subscribe(self, pattern: str, queue: str = "") -> None:
        """Let somebody be interested."""
        self._interest.append((pattern.encode(), queue))
        self._notify(pattern.encode())

    def unsubscribe(self, pattern: str, queue: str = "") -> None:
        """Let them go."""
        self._interest.remove((pattern.encode(), queue))
        self._notify(pattern.encode())

    def _notify(self, pattern: bytes) -> None:
        for subject, changed in list(self._watchers.values()):
            if matches(tokens_of(pattern), tokens_of(subject)):
                self.scheduler.call_soon(changed)

    @property
    def watched(self) -> int:
        """How many watch interest."""
        return len(self._watchers)

    def has_interest(self, subject: bytes, queue: str = "") -> bool:
        """See `Outlet`."""
        tokens = tokens_of(subject)
        return any(
            matches(tokens_of(pattern), tokens) and (not queue or queue == group)
            for pattern, group in self._interest
        )

    def has_listener(self, subject: bytes) -> bool:
        """See `Outlet`."""
        return self.has_interest(subject)

    def watch_interest(self, subject: bytes, changed: Callable[[], None]) -> Callable[[], None]:
        """See `Outlet`."""
        self._names += 1
        number = self._names
        self._watchers[number] = subject, changed

        def end() -> None:
            del self._watchers[number]

        return end

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Delivery:
        """Note the message, unless nobody gets it."""
        if to in self.deaf or not self.has_interest(to):
            return Delivery.NOBODY
        if to in self.congested:
            return Delivery.CONGESTED
        self.sent.append(Sent(to, subject, reply, headers, payload))
        return Delivery.SENT

    def answer(self, reply: bytes, head: bytes, number: int) -> bool:
        """As a message of the server."""
        return self.deliver(reply, reply, b"", b"", b"%b%d}" % (head, number)) is not Delivery.CONGESTED

    def answer_within_read(self, reply: bytes, head: bytes, number: int) -> bool:
        """The same."""
        return self.answer(reply, head, number)

    def answer_stored_within_read(self, reply: bytes, begin: bytes, message: Stored) -> bool:
        """As a message of the server."""
        block = described(begin, message) + b"\r\n"
        return self.deliver(reply, reply, b"", block, message[4]) is not Delivery.CONGESTED

    def deliver_answers(self, run: IncomingRun, start: int, first: int, head: bytes) -> int:
        """Note them, up to one that a slow receiver is to get."""
        return answer_all(self, run, start, first, head)

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """One by one; a failure after some is met again by the next one."""
        sent = size = 0
        for number, subject in enumerate(run.subjects):
            place = run.sequences[number], acks.number + number, run.times[number], acks.pending - number
            ack = acks.prefix + b"%d.%d.%d.%d" % place
            body = run.data[run.starts[number] : run.ends[number]]
            size += len(subject) + len(ack) + len(body)
            head = run.heads[number]
            try:
                if size > room or self.deliver(to, subject, ack, body[:head], body[head:]) != Delivery.SENT:
                    return sent, size - len(subject) - len(ack) - len(body)
            except RuntimeError:
                if not sent:
                    raise
                return sent, size - len(subject) - len(ack) - len(body)
            sent += 1
        return sent, size

    def publish(self, subject: bytes, payload: bytes, headers: bytes = b"", reply: bytes = b"") -> None:
        """Note it."""
        self.published.append(Sent(subject, subject, reply, headers, payload))

    def take(self, to: str = "") -> list[Sent]:
        """What was sent to this subject, or at all, since the last call."""
        sent, self.sent = self.sent, []
        if not to:
            return sent
        self.sent = [each for each in sent if each.to != to.encode()]
        return [each for each in sent if each.to == to.encode()]


def answer_all(outlet: Outlet, run: IncomingRun, start: int, first: int, head: bytes) -> int:
    """Answer the messages of a run one by one; see `Outlet.deliver_answers`."""
    for position in range(start, run.count):
        reply, text = run.reply(position), b"%b%d}" % (head, first + position)
        if reply and outlet.deliver(reply, reply, b"", b"", text) is Delivery.CONGESTED:
            return position
    return run.count


class FakeState:
    """A `StateLog` that survives `reopen`, without what was not committed, if it is to be lost."""

    def __init__(self, checkpoint: bytes = b"", changes: Sequence[bytes] = ()) -> None:
        self.checkpoint = checkpoint
        self.changes = changes
        self.failure: StorageFailure | None = None
        self.holds = False
        """Whether `commit` waits for `release`."""
        self.commits = 0
        self._waiting: list[Done] = []
        self._written: list[tuple[bytes, tuple[bytes, ...]]] = [(checkpoint, tuple(changes))]
        self._safe = 0

    @property
    def appended(self) -> int:
        """Bytes of changes since the last checkpoint."""
        return sum(map(len, self._written[-1][1]))

    def append(self, change: bytes) -> None:
        """See `StateLog`."""
        checkpoint, changes = self._written[-1]
        self._written.append((checkpoint, (*changes, change)))

    def replace(self, checkpoint: bytes) -> None:
        """See `StateLog`."""
        self._written.append((checkpoint, ()))

    def commit(self, done: Done) -> None:
        """See `StateLog`."""
        self.commits += 1
        if self.holds:
            self._waiting.append(done)
            return
        if self.failure is None:
            self._safe = len(self._written) - 1
        done(self.failure)

    def release(self) -> None:
        """Let all that waits be safe."""
        self.holds = False
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            self.commit(done)

    def reopen(self, keep: int | None = None) -> "FakeState":
        """What a restart finds: all that was written, or the safe part and `keep` writes after it."""
        last = len(self._written) - 1
        at = last if keep is None else min(last, self._safe + keep)
        return FakeState(*self._written[at])


class FakeStream:
    """A stream without rules: messages are safe at once, or by `commit`."""

    def __init__(self, outlet: FakeOutlet, config: StreamConfig | None = None, first: int = 1) -> None:
        self.outlet = outlet
        self.config = config or StreamConfig(name="S", subjects=("s.>",))
        self.log = MemoryLog(first)
        self.committed = first - 1
        self.holds = False
        """Whether messages wait for `commit`."""
        self.readers: list[Reader] = []
        self.settlements: list[tuple[str, int]] = []

    @property
    def name(self) -> str:
        """That of its configuration."""
        return self.config.name

    def settled(self, reader: str, sequence: int) -> None:
        """Note it, and remove what nobody needs."""
        self.settlements.append((reader, sequence))
        if not any(each.needs(sequence) for each in self.readers):
            self.remove(sequence)

    def add(self, subject: str = "s.a", payload: bytes = b"x", headers: bytes = b"") -> int:
        """Store a message."""
        sequence = self.log.append(subject.encode(), headers, payload, self.outlet.wall())
        if not self.holds:
            self.commit()
        return sequence

    def commit(self) -> None:
        """Let all messages be safe."""
        while self.committed < self.log.last:
            self.committed += 1
            subject = self.log.subject_of(self.committed)
            if subject is not None:
                for reader in self.readers:
                    if reader.wants(subject):
                        reader.stored(self.committed, subject)

    def remove(self, sequence: int) -> None:
        """Remove a message."""
        subject = self.log.subject_of(sequence)
        if subject is None:
            return
        self.log.remove([sequence])
        if sequence <= self.committed:
            for reader in self.readers:
                if reader.wants(subject):
                    reader.removed(sequence, subject)

    def purge(self, before: int = 0, sequences: Sequence[int] = ()) -> None:
        """Remove many at once: all below a sequence, or these."""
        if before:
            self.log.remove_before(before)
        self.log.remove(sequences)
        for reader in self.readers:
            reader.purged(self.log.first)
