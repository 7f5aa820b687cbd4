"""One seed: a stream is used, the power goes, it is recovered, and compared with what it answered for.

Or the process is killed, and the disk keeps all that was written: then answers need wait for no sync.

Each operation adds messages and removes others. After a crash what an answered operation did holds;
what an operation without an answer did may hold or not, but a batch and a roll-up hold as a whole,
and of the messages that were not answered for none is there if one before it is lost. That is compared
before the stream holds its limits again: a removal that is lost may leave more than they allow.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from app.adapters.streams_log.directories import Sizes
from app.adapters.streams_log.storage import FileStorage, StoreSettings
from app.domain.jetstream.errors import JetStreamError
from app.domain.jetstream.storage.seam import DamagedMessage, StorageFailure, StreamStorage
from app.domain.jetstream.streams.config import StreamConfig
from app.domain.jetstream.streams.stream import Stream
from tests.fakes.disk import Crash, FakeDisk, StepWorker
from tests.fakes.stream_host import BEGIN, FakeHost, block, config
from tests.support.runs import run_of

SUBJECTS = ("s.1", "s.2", "s.3")
LIMITS: tuple[dict[str, object], ...] = (
    {},
    {"max_msgs_per_subject": 1},
    {"max_msgs_per_subject": 3, "max_msgs": 8},
    {"max_msgs": 6},
    {"max_bytes": 400},
)

Message = tuple[str, str]
"""Subject and payload."""


def is_ack(payload: bytes) -> bool:
    """Whether an answer says that all of an operation is stored; the others of a fast batch do not."""
    return payload.startswith(b'{"stream":') and b'"seq":' in payload


class BrokenPromise(AssertionError):
    """A stream is not what it answered for."""


@dataclass
class Operation:
    """What was done, and whether it was answered for."""

    name: str
    added: dict[int, Message]
    removed: set[int]
    is_answered: bool = False
    ids: dict[str, int] = field(default_factory=dict)


class Play:
    """A stream on a disk."""

    def __init__(self, seed: int, *, is_killed: bool = False) -> None:
        """`is_killed`: the process ends and not the power, and syncs come later than answers."""
        self.random = Random(seed)
        self.disk = FakeDisk()
        self.operations: list[Operation] = []
        self.answers = 0
        self.answered_at_once = 0
        """Messages that were written and answered by the call that stored them."""
        self._is_killed = is_killed
        limits = self.random.choice(LIMITS)
        self._config: StreamConfig = config(
            storage="file", allow_rollup_hdrs=True, allow_atomic=True, allow_batched=True, **limits
        )
        self._incarnation = seed * 1000
        self._names = 0
        self._sizes = Sizes(self.random.choice([600, 3000, 20_000]), self.random.choice([300, 1500]), 1024)
        self._open()

    def _open(self) -> None:
        """The stream as it is on the disk; a new one if there is none."""
        self.worker, self.host = StepWorker(), FakeHost()
        self.host.outlet.shift = 10**9 * len(self.operations)
        self.storage = FileStorage(
            self.disk,
            self.worker,
            self.host.outlet.clock,
            self._next_incarnation,
            StoreSettings(1.0 if self._is_killed else 0.0, self._sizes),
        )
        stored: StreamStorage | None = self.storage.streams.get("S")
        if stored is None:
            stored = self.storage.create("S", {"config": "S"})
        self.stream = Stream(self._config, stored, self.host, created=BEGIN)
        for _ in self.stream.recover():
            pass
        self.recovered = self._contents()
        self.stream.start()
        self._settle()

    def _next_incarnation(self) -> int:
        self._incarnation += 1
        return self._incarnation

    def _settle(self) -> None:
        """Let all that is under way be done."""
        self.host.outlet.clock.run_pending()
        self.worker.finish()
        self._hear()

    def _hear(self) -> None:
        """Note which operations were answered for."""
        self.host.outlet.clock.run_pending()
        for sent in self.host.outlet.sent:
            operation = self.operations[int(sent.subject.split(b".")[1])]
            if is_ack(sent.payload):
                operation.is_answered = True
        self.host.outlet.sent.clear()

    # using it

    def run(self) -> None:
        """Use it, let the power go, compare; several times. Raises `BrokenPromise`."""
        for _ in range(self.random.choice([1, 2, 3])):
            self.disk.crash_at = self.disk.operations + self.random.randrange(250)
            try:
                for _ in range(80):
                    self._do_one()
            except Crash:
                pass
            self._hear_after_crash()
            self.disk = self.disk.copy() if self._is_killed else self.disk.crashed(self.random)
            self._open()
            self._compare()

    def _hear_after_crash(self) -> None:
        """Answers that left before the power went count."""
        for sent in self.host.outlet.sent:
            operation = self.operations[int(sent.subject.split(b".")[1])]
            operation.is_answered = is_ack(sent.payload)
        self.host.outlet.sent.clear()

    def _do_one(self) -> None:
        """Something by chance."""
        choice = self.random.random()
        if choice < 0.13:
            self._publish_alone()
        elif choice < 0.33:
            self._publish()
        elif choice < 0.45 and self._names % 3:
            self._publish_run()
        elif choice < 0.45:
            self._fast_batch()
        elif choice < 0.55:
            self._batch()
        elif choice < 0.62:
            self._delete()
        elif choice < 0.67:
            self._purge()
        elif choice < 0.85:
            self.host.outlet.clock.run_pending()
            self.worker.step()
            self._hear()
        else:
            self._settle()

    def _contents(self) -> dict[int, Message]:
        """What is there. The power does not go meanwhile: what was just written would not be noted."""
        crash_at, self.disk.crash_at = self.disk.crash_at, -1
        try:
            return self._read_all()
        finally:
            self.disk.crash_at = crash_at

    def _read_all(self) -> dict[int, Message]:
        log, found = self.stream.log, dict[int, Message]()
        sequence = log.next(1)
        while sequence:
            try:
                message = log.read(sequence)
            except DamagedMessage:
                raise BrokenPromise(f"what was written of {sequence} is lost") from None
            if message is None:
                raise BrokenPromise(f"{sequence} cannot be read")
            found[sequence] = (message.subject.decode(), message.payload.decode())
            sequence = log.next(sequence + 1)
        return found

    def _noted(self, name: str, before: dict[int, Message]) -> Operation:
        """What an operation did, which is the last one."""
        after = self._contents()
        operation = self.operations[-1]
        operation.name = name
        operation.added = {each: after[each] for each in after.keys() - before.keys()}
        operation.removed = before.keys() - after.keys()
        return operation

    def _begin(self) -> tuple[dict[int, Message], bytes]:
        self.operations.append(Operation("", {}, set()))
        return self._contents(), b"_I.%d" % (len(self.operations) - 1)

    def _publish(self) -> None:
        before, reply = self._begin()
        self._names += 1
        name = f"id{self._names}"
        headers = {"Nats-Msg-Id": name}
        kind = self.random.choice(["", "", "", "", "sub", "all"])
        if kind:
            headers["Nats-Rollup"] = kind
        subject, payload = self.random.choice(SUBJECTS), f"{self._names}" * self.random.randrange(1, 9)
        self.stream.store(subject.encode(), block(headers), payload.encode(), reply)
        operation = self._noted(f"publish {kind}", before)
        if operation.added:
            operation.ids = {name: max(operation.added)}

    def _publish_alone(self) -> None:
        """A message that is all there is of a turn, or of a read."""
        before, reply = self._begin()
        self._names += 1
        subject, payload = self.random.choice(SUBJECTS), b"%d" % self._names
        headers, sent = self.random.choice([b"", block({"A": "b"})]), len(self.host.outlet.sent)
        message = subject.encode(), headers, payload, reply
        if not (self._names % 2 and self.stream.store_lone(*message)):
            self.stream.store_alone(*message)
        self.answered_at_once += len(self.host.outlet.sent) - sent
        self._noted("publish alone", before)

    def _publish_run(self) -> None:
        """Several messages in a row, of which the last one has an answer."""
        before, reply = self._begin()
        count = self.random.randrange(1, 9)
        messages: list[tuple[bytes, bytes, bytes, bytes]] = []
        for number in range(1, count + 1):
            self._names += 1
            subject, payload = self.random.choice(SUBJECTS), b"%d" % self._names
            messages.append((subject.encode(), b"", payload, reply if number == count else b""))
        first = self.stream.log.last + 1
        self.stream.store_run(run_of(messages))
        self._note_run("run", before, first, messages)

    def _fast_batch(self) -> None:
        """Messages that are stored as they come, some of them in a row; the last one has the answer."""
        before, reply = self._begin()
        count = self.random.randrange(2, 9)
        alone = self.random.randrange(1, count)
        messages: list[tuple[bytes, bytes, bytes, bytes]] = []
        for number in range(1, count + 1):
            self._names += 1
            operation = 0 if number == 1 else 2 if number == count else 1
            place = b"%b.u%d.2.fail.%d.%d.$FI" % (reply, len(self.operations), number, operation)
            messages.append((self.random.choice(SUBJECTS).encode(), b"", b"%d" % self._names, place))
        first = self.stream.log.last + 1
        for message in messages[:alone]:
            self.stream.store(*message)
        left = messages[alone:]
        while left:
            left = left[self.stream.store_run(run_of(left)) :]
        self._note_run("fast batch", before, first, messages)

    def _note_run(
        self,
        name: str,
        before: dict[int, Message],
        first: int,
        messages: Sequence[tuple[bytes, bytes, bytes, bytes]],
    ) -> None:
        """Messages from this sequence on; some of them may be gone already because of others."""
        operation = self._noted(name, before)
        if self.stream.log.last >= first:
            run = {
                first + at: (subject.decode(), payload.decode())
                for at, (subject, _, payload, _) in enumerate(messages)
            }
            operation.removed |= run.keys() - operation.added.keys()
            operation.added = run

    def _batch(self) -> None:
        before, reply = self._begin()
        count = self.random.randrange(2, 6)
        for number in range(1, count + 1):
            self._names += 1
            headers = {"Nats-Batch-Id": f"b{self._names - number}", "Nats-Batch-Sequence": f"{number}"}
            if number == count:
                headers["Nats-Batch-Commit"] = "1"
            subject = self.random.choice(SUBJECTS)
            last = reply if number == count else b""
            self.stream.store(subject.encode(), block(headers), f"{self._names}".encode(), last)
        self._noted("batch", before)

    def _delete(self) -> None:
        before, _ = self._begin()
        operation = self.operations[-1]
        operation.name = "delete"
        if before:
            sequence = self.random.choice(sorted(before))
            operation.removed = {sequence}
            answered = partial(self._answered, operation)
            self.stream.delete_message(sequence, answered, erase=self.random.random() < 0.5)

    def _purge(self) -> None:
        before, _ = self._begin()
        operation = self.operations[-1]
        operation.name = "purge"
        pattern, keep = self.random.choice(["", "s.1"]), self.random.randrange(3)
        found = [each for each in sorted(before) if pattern in ("", before[each][0])]
        operation.removed = set(found[: max(0, len(found) - keep)])

        def done(gone: int, failure: StorageFailure | None) -> None:
            if failure is None and gone > len(operation.removed):
                raise BrokenPromise(f"{gone} messages are gone of {len(operation.removed)}")
            self._answered(operation, failure)

        deque(self.stream.purge_steps(pattern.encode(), 0, keep, done), maxlen=0)

    @staticmethod
    def _answered(operation: Operation, failure: StorageFailure | None) -> None:
        operation.is_answered = failure is None
        if failure is not None:
            operation.removed = set()

    # comparing

    def _compare(self) -> None:
        """Compare, and begin the next life with what is there."""
        there = self.recovered
        self._compare_messages(there)
        self._compare_wholes(there)
        self._compare_ids()
        self.answers += sum(each.is_answered for each in self.operations)
        first = Operation("recovered", self._contents(), set(), is_answered=True)
        self.operations = [first]

    def _compare_messages(self, there: dict[int, Message]) -> None:
        lost = 0
        fates: dict[int, tuple[Operation, Message]] = {}
        removals: dict[int, Operation] = {}
        for operation in self.operations:
            fates.update({each: (operation, message) for each, message in operation.added.items()})
            removals.update(dict.fromkeys(operation.removed, operation))
        for sequence, (operation, message) in sorted(fates.items()):
            removal = removals.get(sequence)
            if sequence in there:
                if there[sequence] != message:
                    raise BrokenPromise(f"{sequence} is another message")
                if removal is not None and removal.is_answered:
                    raise BrokenPromise(f"{sequence} came back after {removal.name}")
                if lost:
                    raise BrokenPromise(f"{sequence} is there, and {lost} before it is lost")
            elif removal is None:
                if operation.is_answered:
                    raise BrokenPromise(f"{sequence} of {operation.name} is lost")
                lost = sequence
        if unknown := there.keys() - fates.keys():
            raise BrokenPromise(f"{sorted(unknown)} were never stored")

    def _compare_wholes(self, there: dict[int, Message]) -> None:
        """A batch is there as a whole, and a roll-up with what it removed."""
        removed_later: set[int] = set()
        for operation in reversed(self.operations):
            if operation.name == "batch":
                kept = {each in there for each in operation.added if each not in removed_later}
                if len(kept) > 1:
                    raise BrokenPromise(f"of the batch {sorted(operation.added)} there is a part")
            if operation.name.startswith("publish"):
                is_there = any(each in there for each in operation.added)
                back = [each for each in operation.removed if each in there]
                if is_there and back:
                    raise BrokenPromise(f"{back} are there beside {operation.name} {list(operation.added)}")
            removed_later |= operation.removed

    def _compare_ids(self) -> None:
        """Publishes that were answered for are duplicates."""
        for operation in self.operations:
            for name, sequence in operation.ids.items():
                if operation.is_answered and not self._is_removed(sequence):
                    self._compare_id(name, sequence)

    def _is_removed(self, sequence: int) -> bool:
        return any(sequence in each.removed for each in self.operations)

    def _compare_id(self, name: str, sequence: int) -> None:
        self.stream.store(b"s.1", block({"Nats-Msg-Id": name}), b"again", b"_I.0")
        self._settle_alone()
        if b'"duplicate": true' not in self._last or b'"seq":%d,' % sequence not in self._last:
            raise BrokenPromise(f"{name} of {sequence} is no duplicate: {self._last!r}")

    def _settle_alone(self) -> None:
        self.host.outlet.clock.run_pending()
        self.worker.finish()
        self.host.outlet.clock.run_pending()
        self._last = self.host.outlet.sent[-1].payload
        self.host.outlet.sent.clear()


def play(seed: int, *, is_killed: bool = False) -> str | None:
    """Play a seed: what broke, or None."""
    try:
        Play(seed, is_killed=is_killed).run()
    except (BrokenPromise, JetStreamError) as broken:
        return str(broken)
    return None
