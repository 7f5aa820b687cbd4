"""A chunk finds its messages in flat arrays, with and without gaps."""

import pickle

import pytest

from app.domain.jetstream.storage.chunk import NONE, SPAN, Chunk
from app.domain.jetstream.storage.split_column import SplitColumn


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


def packed() -> Chunk:
    """A full chunk with two subjects, sizes and places that need little room."""
    chunk = Chunk(0, 0)
    for each in range(SPAN):
        chunk.append(each, 1 + each % 2, 3 << 32 | each, 10**18 + each, 100)
    chunk.pack()
    chunk.pack()
    return chunk


def room_of(chunk: Chunk) -> int:
    """Bytes of its columns."""
    return sum(len(pickle.dumps(getattr(chunk, name))) for name in ("ids", "sizes", "following")) + sum(
        len(pickle.dumps(column._lows))  # noqa: SLF001 - what this is about
        for column in (chunk.places, chunk.times)
        if isinstance(column, SplitColumn)
    )


def test_a_packed_chunk_needs_half_the_room() -> None:
    """14 bytes a message, and it has the same messages."""
    chunk = packed()

    assert 14 * SPAN <= room_of(chunk) < 14.1 * SPAN
    assert (chunk.places[7], chunk.times[7], chunk.ids[7], chunk.sizes[7]) == (
        3 << 32 | 7,
        10**18 + 7,
        2,
        100,
    )
    assert [chunk.next_of(2, 2), chunk.previous_of(2, 2), chunk.next_of(7, 0), chunk.next_of(1 << 20, 0)] == [
        3,
        1,
        NONE,
        NONE,
    ]
    assert chunk.previous_of(1 << 20, 9) == NONE
    assert chunk.next_with_headers(0) == NONE


def test_a_packed_chunk_is_changed() -> None:
    """A message goes, moves, has a farther neighbour, or comes back; columns get wide where they have to."""
    chunk = packed()
    chunk.remove(0)
    chunk.forget(4)
    assert (chunk.next_live(0), chunk.previous_live(3)) == (4, NONE)
    chunk.move(5, 3 << 32 | 9)
    chunk.link(5, 6)
    assert (chunk.is_packed, chunk.places[5], chunk.following[5]) == (True, 3 << 32 | 9, 6)
    chunk.link(5, 1 << 20)
    assert (chunk.following[5], chunk.following[6]) == (1 << 20, 0)
    chunk.move(5, 9 << 32)
    assert (chunk.is_packed, chunk.places[5], chunk.places[6]) == (False, 9 << 32, 3 << 32 | 6)
    chunk.pack()
    chunk.insert(0, 5, 77, 1, 1 << 20)
    assert not chunk.is_packed
    chunk.pack()
    chunk.cut(SPAN - 1)
    assert not chunk.is_packed
    chunk.pack()
    chunk.append(SPAN - 1, 1, 7, 7, 7)
    assert not chunk.is_packed
    assert (chunk.ids[0], chunk.places[0], chunk.sizes[0]) == (5, 77, 1 << 20)
    assert (chunk.places[SPAN - 1], chunk.times[9]) == (7, 10**18 + 9)


def test_a_packed_chunk_gets_small() -> None:
    """It is packed again, and what was removed can come back."""
    chunk = packed()
    for slot in range(SPAN):
        if slot % 8:
            chunk.remove(slot)
    chunk.compact()
    assert (chunk.is_packed, chunk.live, chunk.slot(9), chunk.sequence(2)) == (True, SPAN // 8, NONE, 16)
    chunk.insert(9, 4, 7, 8, 9)

    assert (chunk.sequence(2), chunk.ids[2], chunk.places[2], chunk.times[2], chunk.sizes[2]) == (
        9,
        4,
        7,
        8,
        9,
    )
    assert (chunk.sequence(3), chunk.places[3], chunk.following[2]) == (16, 3 << 32 | 16, 0)


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


def test_how_many_follow_each_other() -> None:
    """Up to the limit, to what was removed, and to a gap."""
    chunk = full(messages=10)
    assert [10, 4, 1] == [chunk.run(0, 99), chunk.run(0, 4), chunk.run(9, 5)]
    chunk.remove(6)
    assert [6, 3, 3] == [chunk.run(0, 99), chunk.run(3, 99), chunk.run(7, 99)]
    chunk.append(2 * SPAN + 12, 1, 0, 0, 1)
    chunk.append(2 * SPAN + 13, 1, 0, 0, 1)
    assert [6, 3, 2, 1] == [chunk.run(0, 99), chunk.run(7, 99), chunk.run(10, 99), chunk.run(10, 1)]


def test_live_messages_are_found_near_and_far() -> None:
    """After few and after many slots without one, forwards and backwards."""
    chunk = full(messages=600)
    for slot in range(1, 599):
        if slot not in (5, 300):
            chunk.remove(slot)

    assert [0, 5, 5, 300, 300, 599] == [chunk.next_live(slot) for slot in (0, 1, 5, 6, 290, 301)]
    assert [599, 300, 300, 5, 0] == [chunk.previous_live(slot) for slot in (599, 598, 301, 299, 4)]
    sequences = [2 * SPAN + slot for slot in (0, 5, 300, 599)]
    assert [(each, each) for each in sequences] == list(chunk.runs())
