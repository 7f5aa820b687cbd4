"""Removals wait until the messages they are about are written."""

from app.adapters.streams_log.removals import PendingRemovals, in_runs, pack, pack_runs, unpack


def test_removals_are_taken_once() -> None:
    """Those above the floor, as runs."""
    removals = PendingRemovals()
    removals.add([5, 9, 6])
    removals.skipped(20, 30)
    removals.erase(9, 77)

    assert (3, [(5, 6), (9, 9), (20, 30)], {9: 77}) == removals.take(3, 40)
    assert not removals.is_pending
    assert (None, [], {}) == removals.take(3, 40)


def test_what_is_not_written_waits() -> None:
    """A sequence that is not written might be used again, if writing it fails."""
    removals = PendingRemovals()
    removals.add([5, 9])
    removals.skipped(10, 12)
    removals.erase(9, 77)
    removals.all_before(10)

    assert (7, [], {}) == removals.take(1, 6)
    assert removals.is_pending
    assert (10, [(10, 12)], {9: 77}) == removals.take(1, 12)


def test_what_is_taken_back_needs_no_removal() -> None:
    """Those sequences are free again."""
    removals = PendingRemovals()
    removals.add([5, 9])
    removals.skipped(10, 12)
    removals.erase(9, 77)
    removals.all_before(20)
    removals.retract(6)

    assert (7, [], {}) == removals.take(1, 6)
    assert not removals.is_pending


def test_empty_segments_are_named_once() -> None:
    """A segment without messages can be removed."""
    removals = PendingRemovals()
    removals.note_empty(4)
    assert removals.has_empty

    assert {4} == removals.take_empty()
    assert not removals.has_empty


def test_sequences_as_bytes() -> None:
    """They come back as they were."""
    assert [1, 1 << 63] == unpack(pack([1, 1 << 63]))
    assert [1, 2, 5, 9] == unpack(pack_runs([(1, 2), (5, 9)]))
    assert [(1, 3), (5, 5)] == in_runs([1, 2, 3, 5])
    assert [] == unpack(b"short")
