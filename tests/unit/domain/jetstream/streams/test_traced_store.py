"""What becomes of traced messages in a stream, and what their steps say."""

import json
from collections.abc import Mapping

import pytest

from app.domain.dataplane.seam import HookedMessage
from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.message_trace.stream_step import StreamStep
from tests.fakes.stream_host import FakeReader, Made, block, make

TRACED = {"Nats-Trace-Dest": "trace disabled"}


class Traced:
    """A message on its way into a stream, and its step."""

    def __init__(  # noqa: PLR0913 - tests name what differs
        self,
        made: Made,
        headers: Mapping[str, str] | None = None,
        *,
        subject: bytes = b"s.1",
        payload: bytes = b"x",
        reply: bytes = b"_I.1",
        only: bool = False,
    ) -> None:
        self.fields: dict[str, object] = {}
        self.ends = 0
        data = block({**TRACED, **(headers or {})})
        message = HookedMessage(subject, reply, len(data), data + payload)
        made.stream.traced.take(message, StreamStep(self.fields, lambda: 0, self._end, only=only))

    def _end(self) -> None:
        self.ends += 1

    def said(self) -> dict[str, object]:
        """What its step says but for the time; it is complete."""
        assert self.ends == 1
        return {key: value for key, value in self.fields.items() if key != "ts"}


def answers(made: Made) -> list[object]:
    """The sequence of each answer or the number of its error."""
    made.outlet.clock.run_pending()
    documents = [json.loads(each) if each else None for each in made.outlet.take()]
    return [each and each.get("error", each).get("err_code", each.get("seq")) for each in documents]


def test_stored() -> None:
    """The step is complete when the message is safe; the subject is that on which it is stored."""
    made = make(subject_transform={"src": "s.1", "dest": "s.2"})
    assert made.stream.traced.name == "S"
    made.log.holds = True

    traced = Traced(made, {"K": "v"})
    assert ([], 0) == (answers(made), traced.ends)
    made.log.let_go()

    assert {"subject": "s.2"} == traced.said()
    assert ([1], [(1, "s.2", "x")]) == (answers(made), made.contents())


@pytest.mark.parametrize(
    ("failure", "text"),
    [(StorageFailure.FULL, "no space left on device"), (StorageFailure.GONE, "stream closed")],
)
def test_taken_back(failure: StorageFailure, text: str) -> None:
    """The step says why the storage did not keep it, also where the stream was deleted."""
    made = make()
    made.log.holds = True
    traced = Traced(made)
    made.stream.end_turn()
    made.log.let_go(failure)

    assert {"subject": "s.1", "error": text} == traced.said()
    assert [10077] == answers(made)


def test_only_traced() -> None:
    """Nothing is stored or answered, and the step says what would have come of it."""
    made = make(retention="interest")
    unwanted = Traced(made, only=True)
    made.stream.add_reader(FakeReader())
    wanted = Traced(made, only=True)

    assert [{"subject": "s.1", "nointerest": True}, {"subject": "s.1"}] == [unwanted.said(), wanted.said()]
    assert ([], []) == (answers(made), made.sequences())


def test_nobody_wants_it() -> None:
    """By interest it gets a number, and the step says why it is not kept."""
    made = make(retention="interest")

    traced = Traced(made)

    assert ([1], []) == (answers(made), made.sequences())
    assert {"subject": "s.1", "nointerest": True} == traced.said()


@pytest.mark.parametrize("only", [False, True])
def test_refused_by_checks(*, only: bool) -> None:
    """The reason is answered and in the step, which has no subject, also of what is only traced."""
    made = make()
    made.ask("s.1", "x", {"Nats-Msg-Id": "a"})

    wrong = Traced(made, {"Nats-Expected-Stream": "T"}, only=only)
    assert {"error": "expected stream does not match"} == wrong.said()
    assert [10060] == answers(made)

    twice = Traced(made, {"Nats-Msg-Id": "a"}, only=only)
    assert {"error": "msgid is duplicate"} == twice.said()
    assert [1] == answers(made)

    made.host.over_limit = True
    assert {"error": "insufficient resources (10023)"} == Traced(made, only=only).said()
    assert ([10023], [1]) == (answers(made), made.sequences())


def test_refused_while_storing() -> None:
    """The step has the subject then; what is only traced does not come so far."""
    made = make(max_msgs=1, discard="new")
    made.ask("s.1")

    stored, only = Traced(made), Traced(made, only=True)

    assert {"subject": "s.1", "error": "maximum messages exceeded"} == stored.said()
    assert {"subject": "s.1"} == only.said()
    assert [10077] == answers(made)


def test_without_answers() -> None:
    """A stream may answer nobody; its step is the same."""
    made = make(no_ack=True)

    stored, refused = Traced(made), Traced(made, {"Nats-Expected-Stream": "T"})

    assert [] == answers(made)
    assert [{"subject": "s.1"}, {"error": "expected stream does not match"}] == [
        stored.said(),
        refused.said(),
    ]


def test_a_counter() -> None:
    """Its answer says what it adds up to."""
    made = make(allow_msg_counter=True)

    traced = Traced(made, {"Nats-Incr": "2"}, payload=b"")

    made.outlet.clock.run_pending()
    assert {"stream": "S", "seq": 1, "val": "2"} == json.loads(made.outlet.take()[0])
    assert {"subject": "s.1"} == traced.said()


@pytest.mark.parametrize("only", [False, True])
def test_too_much_waits(*, only: bool) -> None:
    """It is refused at once."""
    made = make()
    made.stream.commits.max_messages = 0

    traced = Traced(made, only=only)

    assert {"error": "too many requests (10167)"} == traced.said()
    assert [10167] == answers(made)


def test_batches() -> None:
    """Only the last message of a batch is waited for; its step has the subject of the last one stored."""
    made = make(allow_atomic=True)
    batch = {"Nats-Batch-Id": "b"}

    first = Traced(made, {**batch, "Nats-Batch-Sequence": "1"})
    assert {} == first.said()
    last = Traced(made, {**batch, "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "eob"}, subject=b"s.2")

    assert [None, 1] == answers(made)
    assert {"subject": "s.1"} == last.said()


def test_a_batch_that_nobody_wants() -> None:
    """Its messages get numbers; the step has the subject of the last one."""
    made = make(allow_atomic=True, retention="interest")
    fields = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}

    traced = Traced(made, fields)

    assert [1] == answers(made)
    assert {"subject": "s.1", "nointerest": True} == traced.said()


def test_batches_that_are_only_traced() -> None:
    """Nothing is kept of them; the step says what is wrong when they come."""
    made = make(allow_atomic=True)
    fields = {"Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1", "Nats-Batch-Commit": "1"}

    assert {} == Traced(made, fields, only=True).said()
    made.host.over_limit = True
    assert {"error": "insufficient resources (10023)"} == Traced(made, fields, only=True).said()
    assert 0 == len(made.stream.batches)
    assert ([10023], []) == (answers(made), made.sequences())


def test_fast_batches() -> None:
    """What is stored is waited for; what is not says why, and a ping has nothing to say."""
    made = make(allow_batched=True)

    stored = Traced(made, {"Nats-Msg-Id": "a"}, reply=b"p.b.9.ok.1.0.$FI")
    made.outlet.clock.run_pending()
    assert {"subject": "s.1"} == stored.said()
    again = Traced(made, {"Nats-Msg-Id": "a"}, reply=b"p.b.9.ok.2.1.$FI")
    wrong = Traced(made, {"Nats-Expected-Last-Sequence": "7"}, reply=b"p.b.9.ok.3.1.$FI")
    assert {"error": "msgid is duplicate"} == again.said()
    assert {"error": "last sequence mismatch: 7 vs 1"} == wrong.said()
    assert {} == Traced(made, reply=b"p.b.9.ok.3.4.$FI").said()
    assert [1] == made.sequences()


def test_a_message_of_a_fast_batch_that_nobody_wants() -> None:
    """It gets a number, and one that is only traced gets none."""
    made = make(allow_batched=True, retention="interest")

    traced = Traced(made, reply=b"p.b.9.ok.1.0.$FI")
    made.outlet.clock.run_pending()

    assert {"subject": "s.1", "nointerest": True} == traced.said()
    assert {"subject": "s.1", "nointerest": True} == Traced(made, reply=b"p.b.9.ok.2.1.$FI", only=True).said()
    assert 1 == made.log.last
