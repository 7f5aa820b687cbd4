"""Tombstones: the groups of members that have left, for a while and within bounds."""

from app.adapters.clock_manual import ManualClock
from app.domain.interest.tombstones import (
    MOST_TOMBSTONES,
    TOMBSTONE_BUDGET,
    TOMBSTONE_COST,
    TOMBSTONE_SECONDS,
    Tombstones,
)


def test_a_member_that_left_is_remembered_for_a_while() -> None:
    """Its group is known for as long as a message may be under way."""
    clock = ManualClock()
    tombstones = Tombstones(clock)
    tombstones.add(b"QRSID:1:1", b"q")

    known = tombstones.group_of(b"QRSID:1:1")
    clock.advance(TOMBSTONE_SECONDS)

    assert (b"q", None) == (known, tombstones.group_of(b"QRSID:1:1"))
    assert (0, 0) == (len(tombstones), tombstones.cost)


def test_others_are_not_known() -> None:
    """A sid that never was has no group."""
    assert Tombstones(ManualClock()).group_of(b"QRSID:1:1") is None


def test_the_last_group_of_a_sid_counts() -> None:
    """A sid that was used twice is remembered once, and again."""
    clock = ManualClock()
    tombstones = Tombstones(clock)
    tombstones.add(b"QRSID:1:1", b"first")
    clock.advance(TOMBSTONE_SECONDS / 2)
    tombstones.add(b"QRSID:1:1", b"second")
    clock.advance(TOMBSTONE_SECONDS / 2)

    assert (1, b"second") == (len(tombstones), tombstones.group_of(b"QRSID:1:1"))


def test_old_ones_go_when_new_ones_come() -> None:
    """Nobody has to ask for them."""
    clock = ManualClock()
    tombstones = Tombstones(clock)
    tombstones.add(b"QRSID:1:1", b"q")
    clock.advance(TOMBSTONE_SECONDS)

    tombstones.add(b"QRSID:1:2", b"q")

    assert 1 == len(tombstones)


def test_their_number_is_bounded() -> None:
    """The oldest goes first."""
    tombstones = Tombstones(ManualClock())

    for number in range(MOST_TOMBSTONES + 1):
        tombstones.add(b"QRSID:1:%d" % number, b"q")

    assert MOST_TOMBSTONES == len(tombstones)
    assert (None, b"q") == (tombstones.group_of(b"QRSID:1:0"), tombstones.group_of(b"QRSID:1:1"))


def test_their_bytes_are_bounded() -> None:
    """Long names leave room for fewer."""
    tombstones = Tombstones(ManualClock())
    queue = 4000 * b"q"

    for number in range(1000):
        tombstones.add(b"QRSID:1:%03d" % number, queue)

    assert TOMBSTONE_BUDGET // (TOMBSTONE_COST + len(b"QRSID:1:000") + 4000) == len(tombstones)
    assert tombstones.cost <= TOMBSTONE_BUDGET
