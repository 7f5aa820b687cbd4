"""Unit tests of rates and replays."""

from app.domain.jetstream.consumers.pace import SECOND, RateLimit, Replay


def test_a_bucket_goes_at_once_and_then_the_rate() -> None:
    """8,000 bits are 1,000 bytes a second."""
    rate = RateLimit(8000, 2000, 0)
    assert 0 == rate.ready_at(2000, 0)
    rate.spend(2000)
    assert SECOND // 2 == rate.ready_at(500, 0)
    assert SECOND == rate.ready_at(500, SECOND)
    rate.spend(500)
    assert SECOND == rate.ready_at(500, SECOND)
    assert 2 * SECOND == rate.ready_at(1500, SECOND)


def test_a_message_larger_than_the_bucket_goes_when_it_is_full() -> None:
    """It does not wait for ever."""
    rate = RateLimit(8000, 1000, 0)
    rate.spend(1000)
    assert SECOND == rate.ready_at(5000, 0)
    assert 10 * SECOND == rate.ready_at(5000, 10 * SECOND)


def test_gaps_are_those_of_storing() -> None:
    """Up to the messages that came later."""
    replay = Replay(3)
    assert 5 == replay.ready_at(1, 100 * SECOND, 5)
    replay.sent(100 * SECOND, 5)
    assert 5 + 2 * SECOND == replay.ready_at(2, 102 * SECOND, 6)
    assert 9 * SECOND == replay.ready_at(2, 102 * SECOND, 9 * SECOND)
    assert 6 == replay.ready_at(2, 100 * SECOND + 1000, 6)
    assert 6 == replay.ready_at(4, 102 * SECOND, 6)
