"""Unit tests of which message goes next, and when again."""

import pytest

from app.domain.dataplane.message_run import MessageRun
from app.domain.jetstream.consumers.delivery import BETWEEN_READINGS, RUN
from app.domain.jetstream.consumers.scheduling import SHARE
from app.domain.jetstream.outlet import Delivery
from app.domain.jetstream.storage.seam import DamagedMessage, StoredMessage
from tests.fakes.jetstream import SECOND

from .harness import INBOX, MS, Harness, numbers


def make(count: int = 3, **fields: object) -> Harness:
    """A consumer after these messages."""
    harness = Harness()
    harness.publish(count)
    harness.create(**fields)
    return harness


def deliveries(harness: Harness) -> list[tuple[int, ...]]:
    """Deliveries and stream sequences that came."""
    return [numbers(sent)[:2] for sent in harness.outlet.take(INBOX)]


def test_messages_come_again_when_they_were_not_acknowledged() -> None:
    """In order, before new ones."""
    harness = make(3, ack_wait=SECOND)
    harness.fetch(2)
    harness.advance(1.01)
    assert [(2, 1), (2, 2), (1, 3)] == [numbers(sent)[:2] for sent in harness.fetch(9)]
    assert 2 == harness.count("num_redelivered")


def test_backoff() -> None:
    """Deliveries at 0, 0.2, 0.7 and 1.2 s, then an advisory, once."""
    harness = make(1, backoff=[200 * MS, 500 * MS], max_deliver=4)
    times = [0.0] * len(harness.ask(batch=9))
    for _ in range(300):
        harness.advance(0.01)
        times += [round(harness.clock.monotonic(), 1)] * len(harness.outlet.take(INBOX))
    assert [0.0, 0.2, 0.7, 1.2] == times
    fields = {"stream": "S", "consumer": "C", "stream_seq": 1, "deliveries": 4}
    assert [("max_deliver", fields)] == harness.advisories
    assert (0, 1, (4, 1)) == (
        harness.consumer.num_ack_pending,
        harness.stream.log.count,
        harness.place()[0],
    )


def test_exhausted_messages_make_room() -> None:
    """For new ones, also when the last refusal exhausts them."""
    harness = make(3, max_deliver=1, ack_wait=SECOND, max_ack_pending=1)
    (first,) = harness.ask(batch=9)
    harness.ack(first, b"-NAK")
    assert [(1, 2)] == deliveries(harness)
    harness.advance(1.01)
    assert [(1, 3)] == deliveries(harness)
    assert [1, 2] == [f["stream_seq"] for kind, f in harness.advisories if kind == "max_deliver"]
    assert 0 == harness.count("num_redelivered")


def test_a_lower_limit_holds_for_what_is_queued() -> None:
    """It is not delivered again."""
    harness = make(1, ack_wait=SECOND)
    harness.fetch()
    harness.advance(2)
    harness.consumer.update(harness.reconfigured(max_deliver=1))
    assert [] == harness.fetch()
    assert "max_deliver" == harness.advisories[-1][0]


def test_the_order_of_redeliveries() -> None:
    """By the time they were due, then by sequence."""
    harness = make(4, ack_wait=SECOND)
    harness.fetch(1)
    messages = harness.fetch(3)
    harness.ack(messages[1], b"-NAK")
    harness.advance(1.01)
    assert [3, 1, 2, 4] == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_removed_messages_are_not_delivered_again() -> None:
    """They leave what is pending, with an advisory, and the floor moves on."""
    harness = make(3, ack_wait=SECOND, max_ack_pending=2)
    harness.ask(batch=9)
    harness.outlet.take()
    harness.advance(0.5)
    harness.stream.remove(1)
    harness.run()
    assert [(1, 3)] == deliveries(harness)
    kind, fields = harness.advisories[-1]
    assert ("terminated", 1, "Unacknowledged message was deleted") == (
        kind,
        fields["stream_seq"],
        fields["reason"],
    )
    assert (1, 1) == harness.place()[1]
    harness.stream.remove(1)
    assert 1 == len(harness.advisories)


def test_a_queued_message_that_is_removed() -> None:
    """The next one is delivered."""
    harness = make(2, ack_wait=SECOND)
    harness.fetch(2)
    harness.advance(1.01)
    harness.stream.remove(1)
    assert [2] == [numbers(sent)[1] for sent in harness.fetch(9)]


def test_an_exhausted_message_that_is_removed() -> None:
    """It is forgotten, without another advisory."""
    harness = make(1, ack_wait=SECOND, max_deliver=2)
    harness.fetch()
    harness.advance(1.01)
    harness.fetch()
    harness.advance(1.01)
    assert 1 == harness.count("num_redelivered")
    harness.stream.remove(1)
    assert (0, 1) == (harness.count("num_redelivered"), len(harness.advisories))


class Damaged:
    """A log some of whose messages cannot be read."""

    def __init__(self, harness: Harness, *sequences: int) -> None:
        self.sequences = sequences
        self.runs = 0
        """How often a run was read."""
        self._read = harness.stream.log.read
        harness.stream.log.read = self.read  # type: ignore[method-assign] # what a damaged disk does
        self._read_run = harness.stream.log.read_run
        harness.stream.log.read_run = self.read_run  # type: ignore[method-assign] # the same

    def read(self, sequence: int) -> StoredMessage | None:
        """Fail for some."""
        if sequence in self.sequences:
            raise DamagedMessage
        return self._read(sequence)

    def read_run(self, first: int, most: int, size: int) -> MessageRun | None:
        """Only those before the first that is damaged."""
        self.runs += 1
        damaged = min((each for each in self.sequences if each >= first), default=first + most)
        return self._read_run(first, min(most, damaged - first), size) if damaged > first else None


def test_no_run_is_read_where_none_can_be_sent() -> None:
    """Hooks see messages one by one: each would cost the reading of those after it."""
    harness = make(300)
    harness.outlet.sends_runs = False
    log = Damaged(harness)
    assert list(range(1, 301)) == [numbers(sent)[1] for sent in harness.fetch(400)]
    assert 0 == log.runs


def test_damaged_messages_are_passed_over() -> None:
    """New ones and those that are due again; others are delivered."""
    harness = make(4, ack_wait=SECOND)
    Damaged(harness, 2)
    assert [1, 3, 4] == [numbers(sent)[1] for sent in harness.fetch(9)]
    assert 0 == harness.consumer.num_pending
    Damaged(harness, 3)
    harness.advance(1.01)
    assert [1, 4] == [numbers(sent)[1] for sent in harness.fetch(9)]
    assert 2 == harness.consumer.num_ack_pending


def test_a_turn_ends_by_the_clock() -> None:
    """The rest comes in the next one."""
    harness = make(0, max_ack_pending=-1)
    harness.consumer.pull(b"%d" % (10 * RUN), INBOX.encode())
    for _ in range(10 * RUN):
        harness.stream.add()
    now = harness.clock.monotonic()
    assert harness.consumer.serve(now)
    assert RUN == len(harness.outlet.take())
    assert not harness.consumer.serve(now + SHARE)
    assert 9 * RUN == len(harness.outlet.take())


def test_a_turn_without_runs_ends_by_the_clock() -> None:
    """There messages are sent one by one."""
    harness = make(0, headers_only=True)
    harness.consumer.pull(b"1000", INBOX.encode())
    for _ in range(10 * BETWEEN_READINGS):
        harness.stream.add()
    now = harness.clock.monotonic()
    assert harness.consumer.serve(now)
    assert BETWEEN_READINGS == len(harness.outlet.take())
    assert not harness.consumer.serve(now + SHARE)
    assert 9 * BETWEEN_READINGS == len(harness.outlet.take())


def test_a_pull_that_is_not_done_in_its_turn() -> None:
    """It goes on by itself."""
    harness = make(3 * RUN)
    harness.scheduling.__class__ = type("Short", (type(harness.scheduling),), {"share": 0.0})
    harness.consumer.pull(b"1000", INBOX.encode())
    assert RUN == len(harness.outlet.take())
    harness.run()
    assert 2 * RUN == len(harness.outlet.take())


def test_runs_end_at_holes_and_full_limits() -> None:
    """All that is there comes, in order, with the right numbers."""
    harness = make(0, max_ack_pending=150)
    for _ in range(200):
        harness.stream.add()
    harness.stream.remove(3)
    harness.stream.remove(4)
    harness.run()
    sent = harness.fetch(300)
    assert [s for s in range(1, 153) if s not in (3, 4)] == [numbers(each)[1] for each in sent]
    assert list(range(1, 151)) == [numbers(each)[2] for each in sent]
    assert [197 - i for i in range(150)] == [numbers(each)[4] for each in sent]
    harness.advance(1)
    harness.restart()
    assert ((150, 152), 150, 48) == (
        harness.place()[0],
        harness.consumer.num_ack_pending,
        harness.consumer.num_pending,
    )


class Failing:
    """An outlet that does not take the n-th message: it is too slow then, or fails."""

    def __init__(self, harness: Harness, after: int, error: Exception | None = None) -> None:
        self.left = after
        self.error = error
        self._deliver = harness.outlet.deliver
        harness.outlet.deliver = self.deliver  # type: ignore[method-assign] # a fault on command

    def deliver(
        self, to: bytes, subject: bytes, reply: bytes = b"", headers: bytes = b"", payload: bytes = b""
    ) -> Delivery:
        """Take some."""
        self.left -= 1
        if self.left < 0 and self.error is not None:
            raise self.error
        if self.left in (-1, -2, -3):
            return Delivery.CONGESTED
        return self._deliver(to, subject, reply, headers, payload)


def test_a_receiver_that_becomes_slow_in_the_middle() -> None:
    """Nothing is lost, nothing comes twice."""
    harness = make(10)
    Failing(harness, 4)
    assert [1, 2, 3, 4] == [numbers(sent)[1] for sent in harness.ask(batch=9)]
    assert 4 == harness.consumer.num_ack_pending
    harness.advance(0.01)
    assert [(s, s) for s in range(5, 10)] == [numbers(sent)[1:3] for sent in harness.outlet.take(INBOX)]


def test_an_error_in_the_middle() -> None:
    """What went before it is known."""
    harness = make(10)
    Failing(harness, 4, RuntimeError("broken"))
    with pytest.raises(RuntimeError):
        harness.ask(batch=9)
    assert (4, 6) == (harness.consumer.num_ack_pending, harness.consumer.num_pending)
    Failing(harness, 0, RuntimeError("broken"))
    with pytest.raises(RuntimeError):
        harness.consumer.serve(1.0)
    assert (4, 6) == (harness.consumer.num_ack_pending, harness.consumer.num_pending)


def test_nothing_is_delivered_before_it_is_safe() -> None:
    """Neither new messages nor counts of them."""
    harness = make(0)
    harness.ask(batch=5)
    harness.stream.holds = True
    harness.publish(2)
    assert ([], 0) == (deliveries(harness), harness.consumer.num_pending)
    harness.stream.commit()
    harness.run()
    assert [(1, 1), (1, 2)] == deliveries(harness)


def test_the_rest_is_counted_in_each_message() -> None:
    """Zero in the last one; clients end loops by it."""
    harness = make(0, filter_subject="s.a")
    for subject in ("s.a", "s.b", "s.a", "s.b"):
        harness.publish(1, subject)
    assert [1, 0] == [numbers(sent)[4] for sent in harness.fetch(9)]
    harness.publish(1, "s.b")
    assert 0 == harness.consumer.num_pending


SUBJECTS = ("a", "b.1", "b.2", "c")


@pytest.mark.parametrize("filters", [["a"], ["b.*"], ["a", "c"], ["a", "b.*", "c"], ["b.1"]])
@pytest.mark.parametrize("policy", ["explicit", "none"])
def test_filtered_messages_in_runs(filters: list[str], policy: str) -> None:
    """They are delivered as those of a consumer for which each is looked up alone."""
    quick, slow = Harness(), Harness()
    slow.outlet.deliver_run = lambda *_: (0, 0)  # type: ignore[method-assign] # nobody takes a run
    for harness in (quick, slow):
        for number in range(400):
            harness.publish(1, SUBJECTS[number * number % 7 % 4])
        harness.create(filter_subjects=filters, ack_policy=policy, max_ack_pending=-1)
        harness.stream.remove(9)
        harness.run()

    sent = [[each._replace(to=b"") for each in harness.ask(batch=1000)] for harness in (quick, slow)]

    assert sent[0] == sent[1]
    assert sent[0]
    assert quick.place() == slow.place()
    assert quick.consumer.num_pending == 0
    for harness, messages in zip((quick, slow), sent, strict=True):
        if policy == "explicit":
            harness.consumer.ack_many([numbers(each)[1] for each in messages[:50]])
    assert quick.place() == slow.place()
    assert quick.consumer.num_ack_pending == slow.consumer.num_ack_pending
