"""The newest messages are in memory, and memory has a bound."""

from array import array

from app.adapters.streams_log.tail import Tail, TailBudget
from app.adapters.streams_log.tail_block import TailBlock
from app.domain.jetstream.storage.seam import StoredMessage


def fill(tail: Tail, first: int, last: int, size: int = 1000) -> None:
    """Keep messages of a size."""
    for sequence in range(first, last + 1):
        tail.add(StoredMessage(sequence, 0, b"s", b"", bytes(size)))


def kept(tail: Tail) -> list[int]:
    """The sequences that are kept."""
    return [sequence for sequence in range(1, 5000) if tail.get(sequence) is not None]


def test_what_is_not_written_is_kept() -> None:
    """Nothing can be read from a file that is not there yet."""
    tail = Tail(TailBudget())
    fill(tail, 1, 2000)
    tail.now_written(10)
    tail.shrink(0)

    assert list(range(11, 2001)) == kept(tail)


def test_the_oldest_go_first() -> None:
    """About a MiB of the newest is kept."""
    tail = Tail(TailBudget())
    fill(tail, 1, 2000)
    tail.now_written(2000)

    assert 2000 == kept(tail)[-1]
    assert 700 < len(kept(tail)) < 900
    assert tail.size <= 1 << 20


def test_removed_messages_are_not_kept() -> None:
    """One, all below, or all above."""
    tail = Tail(TailBudget())
    fill(tail, 1, 9)
    tail.discard(4)
    tail.discard(4)
    tail.discard_before(3)
    tail.retract(7)

    assert [3, 5, 6, 7] == kept(tail)
    assert tail.size == 4 * 1301


def test_streams_share_a_budget() -> None:
    """Those that were not written to for the longest time make room."""
    budget = TailBudget(limit=3000)
    first, second, third = (Tail(budget) for _ in range(3))
    for tail in (first, second):
        fill(tail, 1, 1)
        tail.now_written(1)
    first.now_written(1)
    budget.forget(third)
    fill(third, 1, 1)
    third.now_written(1)

    assert ([1], [], [1]) == (kept(first), kept(second), kept(third))


def test_removed_messages_leave_nothing() -> None:
    """Also if an old one stays: a tail that is small for ever needs no more memory with time."""
    tail = Tail(TailBudget())
    fill(tail, 1, 1)
    for sequence in range(2, 2000):
        fill(tail, sequence, sequence)
        tail.now_written(sequence)
        tail.discard(sequence)
    assert len(tail._order) < 200  # noqa: SLF001 - what this is about
    tail.discard(1)
    tail.now_written(2000)

    assert not tail._order  # noqa: SLF001 - the same


def block(first: int, last: int) -> TailBlock:
    """Messages in a row of a thousand bytes each."""
    count = last - first + 1
    return TailBlock(first, last, bytes(992 * count), 0, array("Q", [0] * count))


def test_blocks_are_found_by_their_messages() -> None:
    """Among messages that came one by one; what was taken back is in none."""
    tail = Tail(TailBudget())
    tail.add_block(block(1, 4))
    fill(tail, 5, 5)
    tail.add_block(block(6, 9))
    tail.add_block(block(10, 12))
    assert [4, 5, 9, 12] == [
        each for each in (4, 5, 9, 12, 13) if tail.block_of(each) is not None or tail.get(each) is not None
    ]
    assert tail.block_of(5) is None

    tail.retract(7)
    assert tail.block_of(8) is tail.block_of(10) is None
    assert tail.size == 4000 + 1301 + 4000
    tail.discard_before(6)
    assert tail.block_of(1) is None
    assert tail.size == 4000
    tail.discard_before(7)
    assert tail.block_of(7) is not None


def test_blocks_and_messages_go_oldest_first() -> None:
    """What can be read from files goes, and no more than has to."""
    tail = Tail(TailBudget())
    fill(tail, 1, 2)
    tail.add_block(block(3, 6))
    fill(tail, 7, 7)
    tail.add_block(block(8, 9))
    tail.written = 8
    tail.shrink(5000)
    assert kept(tail) == [7]
    assert tail.block_of(3) is None

    tail.shrink(0)
    assert kept(tail) == []
    assert tail.block_of(9) is not None


def test_messages_in_a_row() -> None:
    """As far as they are kept, up to a number and a size."""
    tail = Tail(TailBudget())
    fill(tail, 3, 9)
    tail.discard(6)

    run = tail.run(3, 99, 2000)

    assert run is not None
    assert list(run.sequences) == [3, 4]
    assert tail.run(6, 9, 2000) is None
    assert tail.run(3, 9, 10) is None
