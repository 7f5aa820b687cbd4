"""Unit tests of how far sources were read."""

import pytest

from app.domain.jetstream.streams.feed_positions import MOST_CHANGES, NAME, FeedPosition, FeedPositions
from tests.fakes.stream_host import HeldStorage, KeptState

INDEX = ("O", ">", ">")
OTHER = ("O", "a\fb", "c\f>")


def loaded(storage: HeldStorage) -> FeedPositions:
    """What is known after a restart."""
    positions = FeedPositions(storage)
    positions.load()
    return positions


def test_positions_come_back() -> None:
    """The last one of each source counts."""
    storage = HeldStorage()
    positions = loaded(storage)
    positions.note(INDEX, FeedPosition(3, "id"), 1)
    positions.note(OTHER, FeedPosition(9, "other"), 4)
    positions.note(INDEX, FeedPosition(5, "id"), 7)
    again = loaded(storage)

    assert {INDEX: FeedPosition(5, "id"), OTHER: FeedPosition(9, "other")} == again.positions
    assert again.seen == 7


def test_changes_are_written_anew_when_they_are_many() -> None:
    """So the state stays small."""
    storage = HeldStorage()
    positions = loaded(storage)
    for number in range(1, 1000):
        positions.note(INDEX, FeedPosition(number, "id"), number)
    positions.note(OTHER, FeedPosition(1, "x"), 1000)
    again = loaded(storage)

    assert storage.states[NAME].appended < 2 * MOST_CHANGES
    assert storage.states[NAME].checkpoint
    assert {INDEX: FeedPosition(999, "id"), OTHER: FeedPosition(1, "x")} == again.positions
    again.note(INDEX, FeedPosition(1000, "id"), 1001)
    assert loaded(storage).positions[INDEX] == FeedPosition(1000, "id")


@pytest.mark.parametrize("record", [b"x", b"{}", b"[1]", b'[["O",">",">","1","id",1]]', b'[["O"]]', b"[]"])
def test_what_cannot_be_read_is_passed_by(record: bytes) -> None:
    """A newer version may write something else."""
    storage = HeldStorage()
    storage.write_consumer(NAME, {})
    storage.states[NAME] = state = KeptState()
    state.append(record)

    assert {} == loaded(storage).positions
