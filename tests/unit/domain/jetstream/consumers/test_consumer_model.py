"""A consumer against a simple model: acks, refusals, redeliveries, removals, restarts in any order."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.jetstream import SECOND, Sent

from .harness import Harness, numbers

ACK_WAIT = 10
"""Tenths of a second."""

MAX_DELIVER = 3
MAX_PENDING = 5


@dataclass
class Model:
    """What a consumer should know; times in tenths of a second."""

    now: int = 0
    next: int = 1
    last: int = 0
    due: dict[int, int] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    def pass_time(self, tenths: int) -> None:
        """Messages fall due one after the other."""
        self.now += tenths
        for sequence in sorted(self.due, key=lambda s: (self.due[s], s)):
            if self.due[sequence] <= self.now:
                self.fall_due(sequence)

    def fall_due(self, sequence: int) -> None:
        """It is queued, or was delivered too often."""
        del self.due[sequence]
        if self.count[sequence] < MAX_DELIVER:
            self.queue.append(sequence)

    def restart(self) -> None:
        """What was queued is due at once, in order of sequences."""
        waiting = sorted(self.queue)
        self.queue = waiting

    @property
    def pending(self) -> int:
        """Messages that are not settled."""
        return len(self.due) + len(self.queue)

    def fetch(self, batch: int) -> list[tuple[int, int]]:
        """Deliveries and sequences of what should come."""
        found = []
        for _ in range(batch):
            while self.next in self.gone:
                self.next += 1
            if self.queue:
                sequence = self.queue.pop(0)
            elif self.pending < MAX_PENDING and self.next <= self.last:
                sequence, self.next = self.next, self.next + 1
            else:
                break
            self.count[sequence] = self.count.get(sequence, 0) + 1
            self.due[sequence] = self.now + ACK_WAIT
            found.append((self.count[sequence], sequence))
        return found

    def settle(self, sequence: int) -> None:
        """It is not pending any more."""
        self.due.pop(sequence, None)
        if sequence in self.queue:
            self.queue.remove(sequence)

    def remove(self, sequence: int) -> None:
        """It is not in the stream any more."""
        self.gone.add(sequence)
        self.settle(sequence)

    def refuse(self, sequence: int, delay: int) -> None:
        """Again, later or now."""
        if sequence not in self.due and sequence not in self.queue:
            return
        if delay:
            self.settle(sequence)
            self.due[sequence] = self.now + delay
        elif sequence in self.due:
            self.fall_due(sequence)


class Run:
    """The consumer and the model, side by side."""

    def __init__(self) -> None:
        self.harness = Harness()
        self.harness.create(
            ack_wait=ACK_WAIT * SECOND // 10, max_deliver=MAX_DELIVER, max_ack_pending=MAX_PENDING
        )
        self.model = Model()
        self.messages: dict[int, Sent] = {}

    def step(self, kind: str, number: int) -> None:
        """Do something to both."""
        if kind in ("ack", "nak", "later", "progress"):
            sequence = sorted(self.messages)[number % len(self.messages)] if self.messages else 0
            if sequence:
                self.answer(kind, sequence)
        else:
            getattr(self, kind)(number)

    def answer(self, kind: str, sequence: int) -> None:
        """Say something of a message."""
        payload = {"ack": b"", "nak": b"-NAK", "later": b"-NAK 700ms", "progress": b"+WPI"}[kind]
        self.harness.ack(self.messages[sequence], payload)
        if kind == "ack":
            self.model.settle(sequence)
        else:
            self.model.refuse(sequence, {"nak": 0, "later": 7, "progress": ACK_WAIT}[kind])

    def publish(self, number: int) -> None:
        """Some messages."""
        self.harness.publish(number)
        self.model.last += number

    def fetch(self, number: int) -> None:
        """The same messages come."""
        self.harness.outlet.subscribe("inbox")
        sent = [each for each in self.harness.ask("inbox", batch=number, no_wait=True) if each.reply]
        self.harness.outlet.unsubscribe("inbox")
        self.messages |= {numbers(each)[1]: each for each in sent}
        expected = self.model.fetch(number)
        assert expected[: len(sent)] == [numbers(each)[:2] for each in sent]
        assert len(expected) == len(sent)

    def wait(self, number: int) -> None:
        """Time passes."""
        self.harness.advance(number / 10)
        self.model.pass_time(number)

    def remove(self, number: int) -> None:
        """A message goes."""
        self.harness.stream.remove(number)
        self.harness.run()
        if number <= self.model.last:
            self.model.remove(number)

    def restart(self, number: int) -> None:
        """After an orderly end, or after what was saved."""
        self.wait(1)
        self.model.restart()
        self.harness.restart(away=number / 10)
        waiting, self.model.queue = self.model.queue, []
        for sequence in waiting:
            self.model.due[sequence] = 0
        self.model.now += number
        for sequence in sorted(self.model.due):
            if self.model.due[sequence] <= self.model.now:
                self.model.fall_due(sequence)
        self.harness.advance(0)

    def check(self) -> None:
        """They agree."""
        consumer, model = self.harness.consumer, self.model
        waiting = sum(s not in model.gone for s in range(model.next, model.last + 1))
        assert (model.pending, waiting) == (consumer.num_ack_pending, consumer.num_pending)


STEPS = ["publish", "fetch", "fetch", "ack", "ack", "nak", "later", "progress", "wait", "remove", "restart"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), max_size=40))
def test_a_consumer_is_like_its_model(steps: list[tuple[str, int]]) -> None:
    """Each delivery, its count and its order."""
    run = Run()
    for kind, number in steps:
        run.step(kind, number)
        run.check()


class Crashes:
    """A consumer that is killed again and again, and clients that note what was confirmed."""

    def __init__(self) -> None:
        self.harness = Harness()
        self.harness.create(ack_wait=SECOND, max_ack_pending=-1)
        self.confirmed: set[int] = set()
        self.held: list[Sent] = []

    def step(self, kind: str, number: int) -> None:
        """Do something."""
        if kind in ("ack", "double", "nak"):
            if self.held:
                self.answer(kind, self.held.pop(number % len(self.held)))
        elif kind == "publish":
            self.harness.publish(number)
        elif kind == "wait":
            self.harness.advance(number / 100)
        elif kind == "crash":
            self.harness.restart(keep=number - 1)
        else:
            self.fetch(number)

    def fetch(self, number: int) -> list[Sent]:
        """Nothing comes that was confirmed."""
        sent = self.harness.fetch(number)
        assert not self.confirmed & {numbers(each)[1] for each in sent}
        self.held += sent
        return sent

    def answer(self, kind: str, message: Sent) -> None:
        """Acknowledge a message, or refuse it."""
        if self.harness.ack(message, b"-NAK" if kind == "nak" else b"", double=kind == "double"):
            self.confirmed.add(numbers(message)[1])


KINDS = ["publish", "fetch", "ack", "double", "nak", "wait", "crash"]


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 9)), max_size=40))
def test_crashes_lose_nothing(steps: list[tuple[str, int]]) -> None:
    """What was acknowledged and answered never comes again; all else comes until it is acknowledged."""
    run = Crashes()
    for kind, number in steps:
        run.step(kind, number)
    harness = run.harness
    for _ in range(4):
        harness.advance(1.1)
        for message in run.fetch(1000):
            harness.ack(message)
    last = harness.stream.log.last
    delivered, floor = harness.place()
    assert ((last, last), 0, 0) == (
        (delivered[1], floor[1]),
        harness.consumer.num_ack_pending,
        harness.consumer.num_pending,
    )
