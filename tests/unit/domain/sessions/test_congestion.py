"""What flow control knows of one congested receiver; as a whole it is tested in test_flow.py."""

import pytest

from app.domain.sessions.congestion import (
    DRAIN_SECONDS,
    QUICK_BYTES,
    REPORT_HOLD,
    SLOW_CHECKS,
    TICK,
    Congestion,
    taken,
)
from tests.fakes.flow_peer import FlowPeer
from tests.support.flow_scene import Scene


@pytest.fixture(name="receiver")
def _receiver() -> FlowPeer:
    return Scene().peer()


def test_progress(receiver: FlowPeer) -> None:
    """A check says whether the receiver has taken anything since the check before."""
    congestion = Congestion(receiver, 100, 0.0)

    assert (False, True, False) == tuple(congestion.check(passed, 1.0) for passed in (100, 101, 101))


def test_a_receiver_becomes_slow(receiver: FlowPeer) -> None:
    """Consecutive checks with little progress make a receiver slow, and one with much makes it quick."""
    congestion = Congestion(receiver, 0, 0.0)
    for number in range(SLOW_CHECKS):
        assert congestion.quick
        congestion.check(0, (number + 1) * TICK)
    slow = not congestion.quick

    congestion.check(QUICK_BYTES, 1.0)

    assert slow
    assert congestion.quick


def test_the_first_moment_does_not_count(receiver: FlowPeer) -> None:
    """A check right after the start says nothing about the receiver."""
    congestion = Congestion(receiver, 0, 0.0)

    for _ in range(2 * SLOW_CHECKS):
        congestion.check(0, TICK / 4)

    assert congestion.quick


@pytest.mark.parametrize(
    ("elapsed", "share", "crawls"),
    [(REPORT_HOLD / 2, 0.0, False), (REPORT_HOLD, 0.5, True), (REPORT_HOLD, 1.0, False)],
)
def test_a_receiver_that_crawls(receiver: FlowPeer, elapsed: float, share: float, crawls: bool) -> None:  # noqa: FBT001 - pytest's way
    """A receiver crawls when, at its average pace, its backlog takes longer than the limit."""
    backlog = 1_000_000
    congestion = Congestion(receiver, 0, 0.0)

    congestion.check(int(share * backlog * elapsed / DRAIN_SECONDS), elapsed)

    assert crawls == congestion.crawls(elapsed, backlog)


def test_progress_is_what_the_peer_has_taken(receiver: FlowPeer) -> None:
    """Bytes that the system still holds for the peer are no progress."""
    receiver.outbox.queue(1000)
    receiver.outbox.take(800)
    receiver.held = 300

    assert 500 == taken(receiver)
