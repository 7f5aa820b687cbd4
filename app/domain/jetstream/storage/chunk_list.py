"""The chunks of a stream, in order: searches that go from one to the next."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from .chunk import NONE, SPAN, SPAN_BITS, Chunk

Search = Callable[[Chunk, int, int], int]
"""Finds a slot in a chunk, from this slot on, or up to it; the last argument is the chunk's number."""


class ChunkList:
    """Chunks that have messages, by number."""

    __slots__ = ("by_number", "numbers")

    def __init__(self) -> None:
        self.by_number: dict[int, Chunk] = {}
        self.numbers: list[int] = []
        """Ascending."""

    def get(self, sequence: int) -> Chunk:
        """The chunk for a sequence that will be added; made if there is none."""
        number = sequence >> SPAN_BITS
        chunk = self.by_number.get(number)
        if chunk is None:
            if self.numbers and self.numbers[-1] < number:
                self.by_number[self.numbers[-1]].pack()
            chunk = self.by_number[number] = Chunk(number, sequence)
            self.numbers.insert(bisect_left(self.numbers, number), number)
        return chunk

    def link(self, last: int, sequence: int) -> None:
        """Let the message `last` of a subject, if it has a slot, point to the next one of it."""
        chunk = self.by_number.get(last >> SPAN_BITS)
        if chunk is None:
            return
        slot = last - chunk.start if chunk.offsets is None else chunk.slot(last)
        if 0 <= slot < len(chunk.ids):
            distance = sequence - last
            if chunk.is_packed or distance >> 32:
                chunk.link(slot, distance)
            else:
                chunk.following[slot] = distance

    def drop(self, number: int) -> None:
        """Forget a chunk."""
        del self.by_number[number]
        del self.numbers[bisect_left(self.numbers, number)]

    def clear(self) -> None:
        """Forget all."""
        self.by_number.clear()
        self.numbers.clear()

    def find(self, sequence: int) -> tuple[Chunk, int] | None:
        """Where a message is; None if it is not there."""
        chunk = self.by_number.get(sequence >> SPAN_BITS)
        if chunk is None:
            return None
        slot = chunk.slot(sequence)
        return (chunk, slot) if slot != NONE and chunk.ids[slot] else None

    def is_of(self, sequence: int, id_: int) -> bool:
        """Whether a message is there, and of the subject with this id."""
        chunk = self.by_number.get(sequence >> SPAN_BITS)
        if chunk is None:
            return False
        slot = chunk.slot(sequence)
        return slot != NONE and chunk.ids[slot] == id_

    def slot(self, sequence: int) -> tuple[Chunk, int] | None:
        """The same for a message that may be removed, as long as it has a slot."""
        chunk = self.by_number.get(sequence >> SPAN_BITS)
        if chunk is None:
            return None
        slot = chunk.slot(sequence)
        return (chunk, slot) if slot != NONE else None

    def up_to(self, sequence: int) -> list[int]:
        """The numbers of the chunks up to that of this sequence."""
        return self.numbers[: bisect_right(self.numbers, sequence >> SPAN_BITS)]

    def since(self, sequence: int) -> list[int]:
        """The numbers of the chunks from that of this sequence on."""
        return self.numbers[bisect_left(self.numbers, sequence >> SPAN_BITS) :]

    def split(self, sequence: int) -> tuple[list[int], Chunk | None, list[int]]:
        """The chunks below, the one with this sequence, and those above."""
        number = sequence >> SPAN_BITS
        position = bisect_left(self.numbers, number)
        chunk = self.by_number.get(number)
        return self.numbers[:position], chunk, self.numbers[position + (chunk is not None) :]

    def next(self, start: int, search: Search) -> int:
        """The first sequence from `start` on that the search finds; 0 for none."""
        numbers = self.numbers
        for position in range(bisect_left(numbers, start >> SPAN_BITS), len(numbers)):
            chunk = self.by_number[numbers[position]]
            slot = search(chunk, chunk.slot_from(start), numbers[position])
            if slot != NONE:
                return chunk.sequence(slot)
        return 0

    def previous(self, start: int, search: Search) -> int:
        """The last sequence up to `start` that the search finds; 0 for none."""
        numbers = self.numbers
        for position in range(bisect_right(numbers, start >> SPAN_BITS) - 1, -1, -1):
            chunk = self.by_number[numbers[position]]
            slot = search(chunk, chunk.slot_from(start + 1) - 1, numbers[position])
            if slot != NONE:
                return chunk.sequence(slot)
        return 0

    def messages(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Sequence, place and size of all messages from `first` to `last`."""
        for number in self.since(first):
            chunk = self.by_number[number]
            yield from chunk.messages(chunk.slot_from(first), chunk.slot_from(last + 1))
            if chunk.base > last:
                return

    def at_time(self, time: int) -> int:
        """The sequence of the first slot with this time or a later one; 0 for none."""
        numbers = self.numbers
        position = bisect_left(numbers, time, key=lambda number: self.by_number[number].times[-1])
        if position == len(numbers):
            return 0
        chunk = self.by_number[numbers[position]]
        return chunk.sequence(bisect_left(chunk.times, time))

    def live(self, numbers: list[int]) -> int:
        """Messages in these chunks."""
        return sum(self.by_number[number].live for number in numbers)

    def gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """Sequences from the first message to `last` that are not there, as first and last of each run."""
        found = []
        expected = first
        for number in self.numbers:
            chunk = self.by_number[number]
            if chunk.live == SPAN and expected == chunk.base:
                expected += SPAN
                continue
            for start, end in chunk.runs():
                if start > expected:
                    found.append((expected, start - 1))
                expected = end + 1
        if expected <= last:
            found.append((expected, last))
        return found
