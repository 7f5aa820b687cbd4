"""Unit tests of acks, those that lie among them."""

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams.config import StreamConfig
from tests.fakes.jetstream import SECOND

from .harness import Harness, numbers

FIELDS = {"stream": "S", "consumer": "C"}


def make(count: int = 3, **fields: object) -> Harness:
    """A consumer after these messages."""
    harness = Harness()
    harness.publish(count)
    harness.create(**fields)
    return harness


@pytest.mark.parametrize("payload", [b"", b"+ACK", b"+OK", b"+TERM", b"+TERM why", b"+NXT"])
def test_settled_for_good(payload: bytes) -> None:
    """Not delivered again."""
    harness = make(1)
    (message,) = harness.fetch()
    harness.ack(message, payload)
    harness.advance(100)
    assert [] == harness.fetch()
    assert ((1, 1), (1, 1)) == harness.place()


def test_out_of_order() -> None:
    """The floor waits for the lowest."""
    harness = make(5)
    messages = harness.fetch(5)
    for i in (4, 2, 1):
        harness.ack(messages[i])
    assert (0, 0) == harness.place()[1]
    harness.ack(messages[0])
    assert (3, 3) == harness.place()[1]
    assert 1 == harness.consumer.num_ack_pending


def test_an_answer_comes_when_the_ack_is_safe() -> None:
    """Not before."""
    harness = make()
    first, second, _ = harness.fetch(3)
    harness.state.holds = True
    assert not harness.ack(first, double=True)
    assert not harness.ack(second, b"+WPI", double=True)
    harness.state.release()
    answers = harness.outlet.take("_INBOX.ack")
    assert [(b"", b"", b"")] * 2 == [(a.reply, a.headers, a.payload) for a in answers]
    harness.restart(keep=0)
    assert 2 == harness.consumer.num_ack_pending


def test_answers_of_a_turn_share_a_commit() -> None:
    """One for all."""
    harness = make(9)
    messages = harness.fetch(9)
    before = harness.state.commits
    for message in messages:
        harness.consumer.ack(message.reply.split(b".")[-5:], b"", b"_INBOX.ack")
    harness.run()
    assert (9, 1) == (len(harness.outlet.take("_INBOX.ack")), harness.state.commits - before)


def test_no_answer_when_the_disk_fails() -> None:
    """The client asks again."""
    harness = make()
    (message,) = harness.fetch()
    harness.state.failure = StorageFailure.FULL
    assert not harness.ack(message, double=True)
    harness.state.failure = None
    assert harness.ack(message, double=True)


def test_plain_acks_are_saved_soon() -> None:
    """Within a tenth of a second, without an answer."""
    harness = make()
    (message,) = harness.fetch()
    harness.advance(1)
    harness.ack(message)
    harness.advance(0.09)
    harness.restart(keep=0)
    assert 0 == harness.consumer.num_ack_pending


def test_acks_that_lie() -> None:
    """Twice and old: answered. Future, foreign, malformed: not. Nothing moves."""
    harness = make(5)
    messages = harness.fetch(3)
    assert harness.ack(messages[0], double=True)
    assert harness.ack(messages[0], double=True)
    assert harness.ack(messages[0], b"-NAK", double=True)
    assert harness.ack(messages[0], b"+TERM", double=True)
    assert harness.ack(messages[1], b"hello", double=True)
    harness.consumer.ack([b"1", b"0", b"1", b"1", b"0"], b"", b"_INBOX.ack")
    harness.run()
    assert 1 == len(harness.outlet.take())
    before = harness.info
    for tokens in (
        [b"1", b"4", b"4", b"1", b"0"],
        [b"1", b"x", b"1", b"1", b"0"],
        [b"1", b"-1", b"1", b"1", b"0"],
        [b"1", b"2", b"x", b"1", b"0"],
        [b"1", b"9" * 40, b"1", b"1", b"0"],
        [b"1", b"2"],
        [],
    ):
        for payload in (b"", b"-NAK", b"+TERM", b"+WPI", b"+NXT 5"):
            harness.consumer.ack(tokens, payload, b"_INBOX.ack")
    harness.run()
    assert [] == harness.outlet.take()
    assert before == harness.info


def test_lying_deliveries_and_numbers_move_nothing_else() -> None:
    """Only the stream sequence counts."""
    harness = make(2)
    harness.fetch(2)
    harness.consumer.ack([b"77", b"2", b"999999", b"1", b"0"], b"", b"")
    assert ((2, 2), (0, 0)) == harness.place()
    assert 1 == harness.consumer.num_ack_pending


def test_all_up_to_a_message() -> None:
    """A lying consumer sequence does not move the floor beyond what was delivered."""
    harness = make(5, ack_policy="all")
    messages = harness.fetch(4)
    harness.ack(messages[2])
    assert (1, (3, 3)) == (harness.consumer.num_ack_pending, harness.place()[1])
    assert harness.ack(messages[0], double=True)
    harness.consumer.ack([b"1", b"4", b"4000", b"1", b"0"], b"", b"")
    assert (4, 4) == harness.place()[1]


def test_all_on_an_interest_stream() -> None:
    """Each message of them is released."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention="interest"))
    harness.create(ack_policy="all")
    harness.publish(3)
    messages = harness.fetch(3)
    harness.ack(messages[2])
    assert [("C", 1), ("C", 2), ("C", 3)] == harness.stream.settlements
    assert 0 == harness.stream.log.count


def test_without_acks_nothing_is_waited_for() -> None:
    """A message is released when it was sent; an ack means nothing."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention="interest"))
    harness.create(ack_policy="none")
    harness.publish(2)
    (message,) = harness.fetch()
    assert ([("C", 1)], 0) == (harness.stream.settlements, harness.consumer.num_ack_pending)
    assert not harness.ack(message, double=True)
    assert ((1, 1), (1, 1)) == harness.place()


def test_a_refused_message_comes_again_at_once() -> None:
    """With an advisory."""
    harness = make(2)
    first, _ = harness.fetch(2)
    harness.ack(first, b"-NAK")
    (again,) = harness.fetch()
    assert (2, 1, 3) == numbers(again)[:3]
    harness.ack(again, b"-NAK")
    nak = {"consumer_seq": 3, "stream_seq": 1, "deliveries": 2}
    assert ("nak", FIELDS | nak) == harness.advisories[-1]


def test_a_refused_message_comes_later() -> None:
    """After the delay that the client wants, not before."""
    harness = make(2)
    first, second = harness.fetch(2)
    harness.ack(first, b'-NAK {"delay": 2000000000}')
    harness.ack(second, b"-NAK 1s")
    harness.advance(0.99)
    assert [] == harness.fetch(2)
    harness.advance(0.02)
    assert [2] == [numbers(sent)[1] for sent in harness.fetch(2)]
    harness.advance(1)
    assert [1] == [numbers(sent)[1] for sent in harness.fetch(2)]


def test_extreme_delays() -> None:
    """Negative ones are none, long ones do no harm."""
    harness = make(2)
    first, second = harness.fetch(2)
    harness.ack(first, b'-NAK {"delay": -5}')
    harness.ack(second, b'-NAK {"delay": %d}' % (2**63 - 1))
    harness.advance(1)
    assert [1] == [numbers(sent)[1] for sent in harness.fetch(2)]


def test_work_in_progress_starts_the_wait_anew() -> None:
    """From the moment it is said."""
    harness = make(1, ack_wait=10 * SECOND)
    (message,) = harness.fetch()
    harness.advance(9)
    harness.ack(message, b"+WPI")
    harness.advance(9)
    assert [] == harness.fetch()
    harness.advance(1.1)
    assert [2] == [numbers(sent)[0] for sent in harness.fetch()]


def test_terminated_with_a_reason() -> None:
    """In the advisory."""
    harness = make(2)
    first, second = harness.fetch(2)
    harness.ack(first, b"+TERM no good")
    harness.ack(second, b"+TERM")
    about = {"consumer_seq": 1, "stream_seq": 1, "deliveries": 1, "reason": "no good"}
    assert ("terminated", FIELDS | about) == harness.advisories[0]
    assert "reason" not in harness.advisories[1][1]


def test_a_sample_of_acks_is_measured() -> None:
    """Evenly; 100 % are all."""
    harness = make(8, sample_freq="50%")
    messages = harness.fetch(8)
    harness.advance(0.15)
    for message in messages:
        harness.ack(message)
    harness.ack(messages[0])
    metrics = [fields for kind, fields in harness.advisories if kind == "consumer_ack"]
    assert [2, 4, 6, 8] == [fields["stream_seq"] for fields in metrics]
    assert {"consumer_seq": 2, "stream_seq": 2, "ack_time": 150_000_000, "deliveries": 1} | FIELDS == metrics[
        0
    ]


def test_a_late_ack_took_as_long_as_acks_may() -> None:
    """How long exactly is not known any more when the message waits for its redelivery."""
    harness = make(1, sample_freq="100%", ack_wait=SECOND)
    (message,) = harness.fetch(1)
    harness.advance(1.5)
    harness.ack(message)
    (fields,) = [fields for kind, fields in harness.advisories if kind == "consumer_ack"]
    assert fields["ack_time"] == SECOND


def test_room_for_new_messages() -> None:
    """Each ack makes some; redeliveries are not stopped."""
    harness = make(4, max_ack_pending=2, ack_wait=SECOND)
    harness.ask(batch=9)
    harness.outlet.take()
    harness.advance(1.1)
    again = harness.outlet.take()
    assert [(2, 1), (2, 2)] == [numbers(sent)[:2] for sent in again]
    harness.ack(again[0])
    assert [3] == [numbers(sent)[1] for sent in harness.outlet.take()]


def test_room_by_an_ack_for_all() -> None:
    """It goes on, too."""
    harness = make(4, max_ack_pending=2, ack_policy="all")
    messages = harness.ask(batch=9)
    harness.ack(messages[1])
    assert [3, 4] == [numbers(sent)[1] for sent in harness.outlet.take()]


def test_a_work_queue_loses_what_is_settled() -> None:
    """Also what was delivered too often, if a late ack comes."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention="workqueue"))
    harness.create(max_deliver=1, ack_wait=SECOND)
    harness.publish(2)
    first, second = harness.fetch(2)
    harness.ack(first)
    harness.advance(2)
    assert (1, 0) == (harness.stream.log.count, harness.consumer.num_ack_pending)
    harness.ack(second, b"+TERM")
    assert 0 == harness.stream.log.count


def test_many_plain_acks_at_once() -> None:
    """As one by one; those that lie mean nothing."""
    harness = make(9, max_ack_pending=6)
    messages = harness.ask(batch=9)
    harness.consumer.ack_many([4, 2, 1, 1, 99, 0, -3, 7])
    harness.run()
    assert (((9, 9), (2, 2)), 6) == (harness.place(), harness.consumer.num_ack_pending)
    harness.consumer.ack_many([5, 3])
    assert (5, 5) == harness.place()[1]
    harness.consumer.ack_many([])
    harness.advance(1)
    harness.restart()
    assert (4, (5, 5)) == (harness.consumer.num_ack_pending, harness.place()[1])
    assert 6 == len(messages)


def test_many_acks_of_exhausted_messages() -> None:
    """They are settled late."""
    harness = Harness(StreamConfig(name="S", subjects=("s.>",), retention="workqueue"))
    harness.create(max_deliver=1, ack_wait=SECOND)
    harness.publish(3)
    harness.fetch(2)
    harness.advance(2)
    harness.fetch(1)
    harness.consumer.ack_many([1, 2, 3])
    assert 0 == harness.stream.log.count


def test_many_acks_for_all_that_came_before() -> None:
    """The highest of them counts; a sample is measured as ever."""
    harness = make(5, ack_policy="all")
    harness.fetch(5)
    harness.consumer.ack_many([2, 4])
    assert (4, 4) == harness.place()[1]
    harness = make(5, sample_freq="100%")
    harness.fetch(5)
    harness.consumer.ack_many([2, 2])
    assert ["consumer_ack"] == [kind for kind, _ in harness.advisories]


def test_many_acks_where_none_are_wanted() -> None:
    """Or after the end."""
    harness = make(2, ack_policy="none")
    harness.fetch(2)
    before = harness.info
    harness.consumer.ack_many([1, 2])
    assert before == harness.info
    harness = make(2, mem_storage=True)
    harness.fetch(2)
    harness.consumer.ack_many([1])
    harness.consumer.delete()
    harness.consumer.ack_many([2])
    assert 1 == harness.consumer.num_ack_pending
