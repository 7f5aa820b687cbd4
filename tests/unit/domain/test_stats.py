"""Unit tests of the snapshots of counters."""

from dataclasses import FrozenInstanceError, replace

import pytest

from app.domain.interest.index import IndexStats
from app.domain.stats import ConnectionStats, ServerStats, Traffic

TRAFFIC = Traffic(in_msgs=3, in_bytes=12, out_msgs=6, out_bytes=24)
CONNECTION = ConnectionStats(7, "127.0.0.1", 40000, 1.5, 2.5, 0, TRAFFIC)
SERVER = ServerStats(1, 9, 0, TRAFFIC, IndexStats(2, 1, 5, 3, 4, 0.5, 2, 2.0))


@pytest.mark.parametrize(
    ("snapshot", "field"),
    [(TRAFFIC, "in_msgs"), (CONNECTION, "pending_bytes"), (SERVER, "slow_consumers")],
    ids=["traffic", "connection", "server"],
)
def test_a_snapshot_stays_as_it_was_taken(
    snapshot: Traffic | ConnectionStats | ServerStats, field: str
) -> None:
    """Whoever reads figures cannot change them."""
    with pytest.raises(FrozenInstanceError):
        setattr(snapshot, field, 99)


def test_equal_figures_are_equal() -> None:
    """Snapshots compare by value, whichever moment they are of."""
    assert replace(SERVER, traffic=replace(TRAFFIC)) == SERVER
    assert replace(SERVER, traffic=replace(TRAFFIC, in_msgs=4)) != SERVER
    assert replace(CONNECTION, cid=8) != CONNECTION
