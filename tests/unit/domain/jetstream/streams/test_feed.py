"""Unit tests of one feed: what it reads of its origin, and in which steps."""

import pytest

from app.domain.jetstream.storage.seam import StorageFailure
from app.domain.jetstream.streams import feed, jobs
from tests.fakes.stream_host import FakeHost, HeldStorage, make
from tests.support.origins import fill, mirror, origin, run, sourced, status


def test_much_is_searched_in_steps() -> None:
    """A stream without marks is read to its begin, without holding the loop."""
    host = FakeHost()
    made = make(host, name="T", subjects=["t"], sources=[{"name": "O"}])
    fill(made, *["t"] * 200)

    assert 1 < len(list(made.stream.recover()))


def test_damaged_messages_are_passed_by() -> None:
    """What cannot be read is not copied, and does not hold up the rest."""
    host = FakeHost()
    first = origin(host, "o.1", "o.2")
    first.log.damaged.add(1)
    made = mirror(host)
    run(host)

    assert [2] == made.sequences()


def test_much_is_copied_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile the status shows how much is to come."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    host = FakeHost()
    origin(host, *["o.1"] * 100)
    made = mirror(host)
    lag = status(made)["lag"]
    run(host)

    assert isinstance(lag, int)
    assert 0 < lag < 100
    assert 100 == made.log.count


def test_an_origin_may_go_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not copied yet is gone with it."""
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    host = FakeHost()
    first = origin(host, *["o.1"] * 100)
    made = mirror(host)
    outcomes: list[object] = []
    first.stream.end()
    first.stream.storage.delete(outcomes.append)
    run(host)

    assert 0 < made.log.count < 100
    made.stream.close()


def test_a_failure_of_an_origin_that_is_gone_changes_nothing() -> None:
    """There is nothing to copy again."""
    host = FakeHost()
    first = origin(host, "o.1")
    storage = HeldStorage()
    storage.log.holds = True
    made = sourced(host, storage)
    run(host)
    del host.streams["O"]
    outcomes: list[object] = []
    first.stream.end()
    first.stream.storage.delete(outcomes.append)
    storage.log.let_go(StorageFailure.FULL)

    assert [] == made.sequences()
    assert 0 == host.outlet.clock.timers_outstanding


def test_a_feed_knows_what_it_wants() -> None:
    """By the filters of its source."""
    host = FakeHost()
    source = sourced(host, filter_subject="o.*").stream.config.sources[0]
    made = feed.Feed(make(host).stream, source, host, None)

    assert made.wants(b"o.1")
    assert not made.wants(b"p")
    everything = feed.Feed(make(host).stream, sourced(host).stream.config.sources[0], host, None)
    assert everything.wants(b"p")
