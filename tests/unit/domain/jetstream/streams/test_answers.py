"""Unit tests of answers to slow receivers."""

import pytest

from app.domain.jetstream.streams import answers
from tests.fakes.stream_host import FakeOutlet, Sent
from tests.support.runs import run_of


@pytest.fixture(name="outlet")
def _outlet() -> FakeOutlet:
    """A way out."""
    return FakeOutlet()


def test_answers_leave_at_once(outlet: FakeOutlet) -> None:
    """Nothing waits as a rule, and nothing is sent without a reply subject."""
    sender = answers.Answers(outlet)
    sender.send(b"_I.1", b"a", b"h")
    sender.send(b"", b"b")

    assert [Sent(b"_I.1", b"a", b"h")] == outlet.sent
    assert len(sender) == 0


def test_congested_receivers_get_theirs_in_order(outlet: FakeOutlet) -> None:
    """What a slow inbox does not take waits, others go on, and the order stays."""
    sender = answers.Answers(outlet)
    outlet.congested = (b"_SLOW.",)
    sender.send(b"_SLOW.1", b"1")
    sender.send(b"_FAST.1", b"2")
    outlet.congested = ()
    sender.send(b"_SLOW.2", b"3")

    assert [b"2"] == outlet.take()
    assert len(sender) == 2
    outlet.clock.advance(answers.RETRY)
    assert [b"1", b"3"] == outlet.take()
    assert len(sender) == 0
    assert outlet.clock.timers_outstanding == 0


def test_a_number_waits_as_any_answer_does(outlet: FakeOutlet) -> None:
    """For its own receiver, and after what waits for it already."""
    sender = answers.Answers(outlet)
    outlet.congested = (b"_SLOW.",)
    sender.send_number(b"_FAST.1", b'{"seq":', 1)
    sender.send_number(b"_SLOW.1", b'{"seq":', 2)
    outlet.congested = ()
    sender.send_number(b"_SLOW.1", b'{"seq":', 3)

    assert [b'{"seq":1}'] == outlet.take()
    outlet.clock.advance(answers.RETRY)
    assert [b'{"seq":2}', b'{"seq":3}'] == outlet.take()


def test_it_tries_until_the_receiver_is_ready(outlet: FakeOutlet) -> None:
    """A receiver that stays slow is asked again and again, with one timer."""
    sender = answers.Answers(outlet)
    outlet.congested = (b"_SLOW.",)
    sender.send(b"_SLOW.1", b"1")
    outlet.clock.advance(10 * answers.RETRY)

    assert outlet.clock.timers_outstanding == 1
    outlet.congested = ()
    outlet.clock.advance(answers.RETRY)
    assert [b"1"] == outlet.take()


def test_there_is_a_bound(outlet: FakeOutlet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it answers are dropped."""
    monkeypatch.setattr(answers, "MOST", 1)
    sender = answers.Answers(outlet)
    outlet.congested = (b"_SLOW.",)
    sender.send(b"_SLOW.1", b"1")
    sender.send(b"_SLOW.2", b"2")

    assert len(sender) == 1


def test_closing_forgets_what_waits(outlet: FakeOutlet) -> None:
    """No timer stays, whether something waits or not."""
    sender = answers.Answers(outlet)
    sender.close()
    outlet.congested = (b"_SLOW.",)
    sender.send(b"_SLOW.1", b"1")
    sender.close()

    assert len(sender) == 0
    assert outlet.clock.timers_outstanding == 0


RUN = run_of([(b"s", b"", b"x", reply) for reply in (b"_I.1", b"", b"_SLOW.1", b"_I.2", b"_SLOW.2")])


def test_a_run_is_answered_in_order(outlet: FakeOutlet) -> None:
    """From a slow inbox on the answers wait as others do, and those after it leave."""
    sender = answers.Answers(outlet)
    outlet.congested = (b"_SLOW.",)
    sender.send_run(RUN, 7, b'{"seq":')
    assert outlet.take() == [b'{"seq":7}', b'{"seq":10}']
    assert len(sender) == 2

    sender.send_run(RUN, 17, b'{"seq":')
    assert outlet.take() == [b'{"seq":17}', b'{"seq":20}']
    outlet.congested = ()
    outlet.clock.advance(answers.RETRY)
    assert outlet.take() == [b'{"seq":%d}' % each for each in (9, 11, 19, 21)]
