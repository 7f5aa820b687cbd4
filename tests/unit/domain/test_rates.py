"""How much may happen within a second."""

import gc

from app.adapters.clock_manual import ManualClock
from app.domain.rates import Bucket, Meters, PublishRate, UserMeter


def test_a_bucket() -> None:
    """It is full at first, fills at its rate up to one second's worth, and may be in debt."""
    bucket = Bucket(10, 0.0)
    assert [True] * 10 + [False] == [bucket.admits(0.0) for _ in range(11)]
    assert bucket.admits(0.1)
    assert 0.0 == bucket.take(10, 100.0)
    assert 0.5 == bucket.take(5, 100.0)
    assert 0.0 == bucket.take(0, 100.5)


def test_a_bucket_with_a_burst() -> None:
    """It holds no more than its burst, says how long the next one takes, and takes one back."""
    bucket = Bucket(4.0, 0.0, 8)
    assert [True] * 8 + [False] == [bucket.admits(0.0) for _ in range(9)]
    assert 0.25 == bucket.wait(0.0)
    assert 0.0 == bucket.wait(0.25)
    assert (True, False) == (bucket.admits(0.25), bucket.admits(0.25))
    bucket.give_back()
    assert (True, False) == (bucket.admits(0.25), bucket.admits(0.25))
    assert 8 == sum(bucket.admits(3600.0) for _ in range(16))
    bucket.give_back()
    assert 0.0 == bucket.wait(3600.0)


def test_a_meter() -> None:
    """Messages and payload are counted apart, and the longer wait counts; what is 0 has no limit."""
    meter = UserMeter(PublishRate(messages=10, payload=1000), 0.0)
    assert 0.0 == meter.charge(10, 10, 0.0)
    assert 2.0 == meter.charge(10, 2990, 0.0)
    assert 0.0 == UserMeter(PublishRate(), 0.0).charge(10**9, 10**12, 0.0)


def test_connections_of_one_user() -> None:
    """They share a meter, which goes with the last of them."""
    meters, rate = Meters(ManualClock()), PublishRate(messages=1)
    first = meters.of("a", rate)

    assert first is meters.of("a", rate)
    assert first is not meters.of("b", rate)
    assert first is not meters.of("a", PublishRate(messages=2))
    del first
    gc.collect()
    assert 0 == len(meters._meters)  # noqa: SLF001 - what a long-lived server must not keep
