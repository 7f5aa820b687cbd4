"""Unit tests of what waits for the storage (jetstream-streams.md, section 3)."""

import pytest

from app.domain.dataplane.incoming_run import IncomingRun, read_run
from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.answers import Answers
from app.domain.jetstream.streams.commits import RESERVE, RESERVED_BYTES, Commits, RunAnswers
from tests.fakes.stream_host import FakeOutlet, HeldLog
from tests.support.runs import frame


class Waiting:
    """Commits, and what they said."""

    def __init__(self) -> None:
        self.outlet = FakeOutlet()
        self.log = HeldLog()
        self.log.holds = True
        self.safe: list[int] = []
        self.failed: list[int] = []
        self.called: list[StorageFailure | None] = []
        self.commits = Commits(self.log, self.outlet, Answers(self.outlet), self.safe.append, self.fail)

    def fail(self, first: int, failure: StorageFailure) -> bytes:
        """Note it."""
        self.failed.append(first)
        return failure.value.encode()

    def append(self, reply: bytes = b"_I.1") -> None:
        """Store a message of ten bytes."""
        sequence = self.log.append(b"s", b"", b"x" * 10, 1)
        self.commits.stored(10)
        self.commits.answer(reply, b"ack %d" % sequence, sequence)

    def turn(self) -> None:
        """End the turn."""
        self.outlet.clock.run_pending()


def test_acks_leave_after_the_commit_in_order() -> None:
    """There is one commit per turn, and nothing is answered before."""
    waiting = Waiting()
    waiting.append()
    waiting.commits.answer(b"_I.1", b"error")
    waiting.append()
    waiting.turn()

    assert [] == waiting.outlet.take()
    assert 1 == len(waiting.log.commits)
    waiting.log.let_go()
    assert [b"ack 1", b"error", b"ack 2"] == waiting.outlet.take()
    assert [2] == waiting.safe


def test_an_answer_waits_for_the_commit_under_way() -> None:
    """What is answered while a commit is under way is sent after it, and after one of its own."""
    waiting = Waiting()
    waiting.append()
    waiting.turn()
    waiting.commits.answer(b"_I.2", b"error", 0)
    waiting.turn()

    assert [] == waiting.outlet.take()
    waiting.log.let_go()
    waiting.turn()
    waiting.log.let_go()
    assert [b"ack 1", b"error"] == waiting.outlet.take()


class NotingAnswers(Answers):
    """Answers that note the runs which were answered."""

    def __init__(self, outlet: FakeOutlet) -> None:
        super().__init__(outlet)
        self.runs: list[IncomingRun] = []

    def send_run(self, run: IncomingRun, first: int, head: bytes) -> None:
        """Note it, too."""
        self.runs.append(run)
        super().send_run(run, first, head)


def test_answers_to_a_run_keep_only_its_own_bytes() -> None:
    """Many that wait for a disk that lags would keep many times as much."""
    waiting = Waiting()
    answers = NotingAnswers(waiting.outlet)
    commits = Commits(waiting.log, waiting.outlet, answers, waiting.safe.append, waiting.fail)
    own = b"".join(frame((b"s", b"", b"x" * 10, b"_I.%d" % each)) for each in range(4))
    run = read_run(own + bytes(100_000), 0, 4)
    first = waiting.log.append_run(run, 1)
    commits.stored(run.size, run.count)
    commits.answer_run(RunAnswers(run, b'{"seq":', first))
    waiting.turn()
    waiting.log.let_go()

    assert [own] == [each.data for each in answers.runs]
    assert [b'{"seq":%d}' % each for each in range(1, 5)] == waiting.outlet.take()


def test_nothing_waits_without_a_reason() -> None:
    """An answer that depends on nothing leaves at once, and an empty turn commits nothing."""
    waiting = Waiting()
    waiting.commits.answer(b"_I.1", b"error")
    waiting.commits.end_turn()

    assert [b"error"] == waiting.outlet.take()
    assert [] == waiting.log.commits


def test_messages_alone_need_less_than_other_changes() -> None:
    """The storage is asked for no more than was done."""
    waiting = Waiting()
    waiting.append()
    waiting.turn()
    waiting.append(b"")
    waiting.commits.changed()
    waiting.turn()

    assert [True, False] == [only for _, only in waiting.log.commits]


def test_calls_are_made_after_the_answers() -> None:
    """They come in order, with the outcome."""
    waiting = Waiting()
    waiting.append()
    waiting.commits.after(waiting.called.append)
    waiting.turn()
    assert [] == waiting.called
    waiting.log.let_go()

    assert [None] == waiting.called


def defect(*_: object) -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError


@pytest.mark.parametrize("failure", [None, StorageFailure.FULL])
def test_a_defect_costs_one_call(failure: StorageFailure | None) -> None:
    """All other calls are made, and answers sent; each defect is reported once."""
    waiting = Waiting()
    waiting.append()
    waiting.commits.after(defect)
    waiting.commits.after(waiting.called.append)
    waiting.commits.after(defect)
    waiting.commits.after(waiting.called.append)
    waiting.turn()
    waiting.log.let_go(failure)

    assert [failure, failure] == waiting.called
    assert ["ZeroDivisionError"] * 2 == [type(each).__name__ for each in waiting.outlet.failures]
    assert len(waiting.outlet.take()) == 1


def test_a_defect_of_a_reader_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one of a receiver, but its own."""
    waiting = Waiting()
    monkeypatch.setattr(waiting.commits, "_safe", defect)
    for number in range(3):
        waiting.append(b"_I.%d" % number)
    waiting.commits.after(waiting.called.append)
    waiting.turn()
    whole = waiting.outlet.deliver
    receivers = iter((defect, whole, whole))

    def deliver(*given: bytes) -> object:
        return next(receivers)(*given)

    monkeypatch.setattr(waiting.outlet, "deliver", deliver)
    waiting.log.let_go()

    assert [b"ack 2", b"ack 3"] == waiting.outlet.take()
    assert [None] == waiting.called
    assert len(waiting.outlet.failures) == 2


def test_a_failure_refuses_what_was_not_safe() -> None:
    """Acks become refusals, those of the turn that is not committed yet too; other answers stay."""
    waiting = Waiting()
    waiting.append()
    waiting.turn()
    waiting.log.let_go()
    waiting.outlet.take()
    waiting.append()
    waiting.commits.answer(b"_I.1", b"error")
    waiting.commits.after(waiting.called.append)
    waiting.turn()
    waiting.append()
    waiting.commits.answer(b"_I.1", b"dup 1", 1)
    waiting.log.let_go(StorageFailure.FULL)

    assert [b"full", b"error"] == waiting.outlet.take()
    assert [2] == waiting.failed
    assert [StorageFailure.FULL] == waiting.called
    waiting.turn()
    waiting.log.let_go()
    assert [b"full", b"dup 1"] == waiting.outlet.take()
    assert [1, 1] == waiting.safe


def test_sequences_go_on_after_a_failure() -> None:
    """What was taken back is used again, and is safe then."""
    waiting = Waiting()
    waiting.append()
    waiting.turn()
    waiting.log.let_go(StorageFailure.FULL)
    waiting.outlet.take()
    waiting.append()
    waiting.turn()
    waiting.log.let_go()

    assert [b"ack 1"] == waiting.outlet.take()
    assert [1] == waiting.failed


def test_there_is_a_bound() -> None:
    """Too many messages, or too many bytes, are full; what is safe does not count."""
    waiting = Waiting()
    waiting.commits.max_messages = 2
    full = []
    for _ in range(2):
        waiting.append()
        full.append(waiting.commits.is_full)
    waiting.turn()
    waiting.log.let_go()
    full.append(waiting.commits.is_full)
    waiting.commits.max_bytes = 10
    waiting.append()
    full.append(waiting.commits.is_full)

    assert [False, True, False, True] == full


def test_publishers_wait_before_it_is_full() -> None:
    """What may come at once has room yet."""
    waiting = Waiting()
    waiting.commits.max_messages, waiting.commits.max_bytes = RESERVE + 1, RESERVED_BYTES + 1000
    found = []
    for size in (1, 1, 1000):
        found.append(waiting.commits.must_wait())
        waiting.commits.stored(size)
        found.append(waiting.commits.must_wait())
    waiting.commits.max_messages = RESERVE + 9
    found.append(waiting.commits.must_wait())

    assert found == [False, False, False, True, True, True, True]
