"""A chunk finds its messages in flat arrays, with and without gaps."""

import pytest

from app.domain.jetstream.storage.chunk import NONE, SPAN, Chunk


def full(number: int = 2, messages: int = 600) -> Chunk:
    """A chunk whose messages have the subjects 1, 256, 65536 and 1 << 24 in turn."""
    chunk = Chunk(number, number * SPAN)
    for each in range(messages):
        chunk.append(number * SPAN + each, 1 << (each % 4 * 8), each, each, 1)
    return chunk


def test_numbers_whose_bytes_overlap_are_not_confused() -> None:
    """A number is found only where it begins, forwards and backwards."""
    chunk = full(messages=8)
    chunk.remove(0)
    chunk.remove(1)

    assert [4, 5, 2, 3] == [chunk.next_of(1 << (8 * each), 0) for each in range(4)]
    assert [NONE, NONE, 2, 3] == [chunk.previous_of(1 << (8 * each), 3) for each in range(4)]
    assert chunk.next_of(7, 0) == NONE
    assert chunk.previous_of(7, 7) == NONE


def test_a_chunk_of_few_survivors_gets_small() -> None:
    """Slots of removed messages are dropped when they are most."""
    chunk = full()
    for slot in range(600):
        if slot % 100:
            chunk.remove(slot)
    chunk.compact()

    assert len(chunk.ids) == chunk.live == 6
    assert [2 * SPAN + 100 * each for each in range(6)] == [chunk.sequence(slot) for slot in range(6)]
    assert chunk.slot(2 * SPAN + 100) == 1
    assert chunk.slot(2 * SPAN + 101) == NONE


def test_a_chunk_that_is_small_is_left_alone() -> None:
    """Compaction is for chunks where it saves something."""
    chunk = full(messages=100)
    for slot in range(99):
        chunk.remove(slot)
    chunk.compact()

    assert len(chunk.ids) == 100


def test_runs_of_messages() -> None:
    """Runs end at removed messages and at gaps."""
    chunk = Chunk(0, 1)
    for sequence in (1, 2, 3, 5, 6, 9):
        chunk.append(sequence, 1, 0, 0, 1)
    chunk.remove(chunk.slot(2))

    assert [(1, 1), (3, 3), (5, 6), (9, 9)] == list(chunk.runs())


def test_an_empty_chunk_has_no_runs() -> None:
    """Nothing is there when all is removed."""
    chunk = Chunk(0, 1)
    chunk.append(1, 1, 0, 0, 1)
    chunk.remove(0)

    assert [] == list(chunk.runs())
    assert chunk.previous_live(0) == NONE


@pytest.mark.parametrize("gap", [False, True])
def test_slots_are_cut_off(gap: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What was taken back leaves no slot."""
    chunk = Chunk(0, 1)
    for sequence in (1, 2, 4 if gap else 3):
        chunk.append(sequence, 1, 0, 0, 1)
    chunk.remove(2)
    chunk.cut(2)
    chunk.append(3, 1, 0, 0, 1)

    assert [(1, 3)] == list(chunk.runs())


def test_a_chunk_with_gaps_is_compacted_again() -> None:
    """What is sparse already gets smaller in the same way."""
    chunk = full()
    chunk.append(2 * SPAN + 700, 1, 0, 0, 1)
    for slot in range(600):
        chunk.remove(slot)
    chunk.compact()

    assert [(2 * SPAN + 700, 2 * SPAN + 700)] == list(chunk.runs())
