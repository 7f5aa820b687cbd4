"""Searches go from chunk to chunk."""

from app.domain.jetstream.storage.chunk import SPAN
from app.domain.jetstream.storage.chunk_list import ChunkList


def three() -> ChunkList:
    """Chunks 0, 2 and 5 with one message each, made in another order."""
    chunks = ChunkList()
    for number in (2, 5, 0):
        chunks.get(number * SPAN + 7).append(number * SPAN + 7, 1, 0, number * 100, 1)
    return chunks


def test_chunks_are_in_order() -> None:
    """They are ascending, however they came."""
    chunks = three()

    assert [0, 2, 5] == chunks.numbers
    assert ([0], [5]) == (chunks.split(2 * SPAN)[0], chunks.split(2 * SPAN)[2])
    assert ([0, 2], None, [5]) == chunks.split(3 * SPAN)
    assert ([0, 2], [5]) == (chunks.up_to(4 * SPAN), chunks.since(4 * SPAN))
    assert chunks.live([0, 5]) == 2


def test_searches_cross_chunks() -> None:
    """A search goes on in the next chunk, either way, until it finds something."""
    chunks = three()

    assert 2 * SPAN + 7 == chunks.next(8, lambda chunk, slot, _: chunk.next_live(slot))
    assert chunks.next(5 * SPAN + 8, lambda chunk, slot, _: chunk.next_live(slot)) == 0
    assert chunks.previous(2 * SPAN, lambda chunk, slot, _: chunk.previous_live(slot)) == 7
    assert chunks.previous(6, lambda chunk, slot, _: chunk.previous_live(slot)) == 0
    assert (2 * SPAN + 7, 0) == (chunks.at_time(101), chunks.at_time(501))


def test_gaps_between_chunks() -> None:
    """All that is not there between the first message and the last sequence is a gap."""
    chunks = three()
    chunks.drop(2)

    assert [(8, 5 * SPAN + 6), (5 * SPAN + 8, 5 * SPAN + 9)] == chunks.gaps(7, 5 * SPAN + 9)


def test_a_message_has_a_slot_until_it_is_compacted() -> None:
    """A removed message is not found, but its slot is."""
    chunks = three()
    chunks.by_number[0].remove(0)

    assert chunks.find(7) is None
    assert chunks.slot(7) is not None
    assert chunks.slot(SPAN) is None
    assert chunks.slot(8) is None
    chunks.clear()
    assert [] == chunks.numbers


def test_whose_a_message_is() -> None:
    """It is of a subject as long as it is there."""
    chunks = three()
    first = 2 * SPAN + 7

    assert chunks.is_of(first, 1)
    assert not any((chunks.is_of(first, 2), chunks.is_of(first + 1, 1), chunks.is_of(3 * SPAN, 1)))
    chunks.by_number[2].remove(0)
    assert not chunks.is_of(first, 1)
