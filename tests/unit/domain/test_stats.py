"""Unit tests of the snapshots of counters."""

from dataclasses import FrozenInstanceError, replace

import pytest

from app.domain.stats import ConnectionStats, Traffic

TRAFFIC = Traffic(in_msgs=3, in_bytes=12, out_msgs=6, out_bytes=24)
CONNECTION = ConnectionStats(7, "127.0.0.1", 40000, 1.5, 2.5, 0, TRAFFIC)


@pytest.mark.parametrize(
    ("snapshot", "field"),
    [(TRAFFIC, "in_msgs"), (CONNECTION, "pending_bytes")],
    ids=["traffic", "connection"],
)
def test_a_snapshot_stays_as_it_was_taken(snapshot: Traffic | ConnectionStats, field: str) -> None:
    """A reader of figures cannot change them."""
    with pytest.raises(FrozenInstanceError):
        setattr(snapshot, field, 99)


def test_equal_figures_are_equal() -> None:
    """Snapshots compare by value, at whatever time they were taken."""
    assert replace(CONNECTION, traffic=replace(TRAFFIC)) == CONNECTION
    assert replace(CONNECTION, traffic=replace(TRAFFIC, in_msgs=4)) != CONNECTION
    assert replace(CONNECTION, cid=8) != CONNECTION
