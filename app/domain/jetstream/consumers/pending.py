"""Messages that were delivered and are not settled, by sequence, and when each is due again.

A million of them must cost little memory, and nothing may look at all of them at once. So they are
rows of flat arrays, in blocks: 24 bytes a message. New messages come with ascending sequences, so a
row is found by bisection. A heap of blocks knows which block holds the row that is due first.
"""

import heapq
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...dataplane.message_run import ascending

SIZE = 256
"""Rows of a block."""

_GONE = 2**63 - 1
"""The due time of a row that was removed."""

FEW = 4
"""Fewer rows are settled one by one."""

QUEUED = _GONE - 1
"""The due time of a row that waits for its redelivery."""


Row = tuple[int, int]
"""A message that is not settled: its sequence, and the consumer sequence of its first delivery."""


class _Removed(NamedTuple):
    """Rows of one block."""

    sequences: "array[int]"
    lowest: Row
    queued: int


def run_of(sequences: Sequence[int]) -> tuple[int, int] | None:
    """The first and the last, if they follow each other without gaps."""
    if not sequences or sequences[-1] - sequences[0] != len(sequences) - 1:
        return None
    given = sequences if isinstance(sequences, array) else array("q", sequences)
    run = ascending(given[0], len(given)) if given[0] >= 0 else None
    return (run[0], run[-1]) if run == given else None


class _Block:
    """Rows with ascending sequences, removed ones among them."""

    __slots__ = ("due", "earliest", "head", "live", "numbers", "sequences")

    def __init__(self) -> None:
        self.sequences = array("q")
        self.numbers = array("q")
        self.due = array("q")
        self.live = 0
        self.head = 0
        """All rows before this index were removed."""
        self.earliest = _GONE
        """No row is due before."""

    def find(self, sequence: int) -> int:
        """The index of the row, -1 if it is not there."""
        sequences = self.sequences
        guess = sequence - sequences[0]
        if not 0 <= guess < len(sequences) or sequences[guess] != sequence:
            guess = bisect_left(sequences, sequence)
            if guess >= len(sequences) or sequences[guess] != sequence:
                return -1
        return -1 if self.due[guess] == _GONE else guess

    def remove_run(self, first: int, last: int) -> "_Removed | None":
        """Remove the rows from `first` to `last`."""
        begin, end = bisect_left(self.sequences, first), bisect_right(self.sequences, last)
        due = self.due[begin:end]
        missing = due.count(_GONE)
        if missing == len(due):
            return None
        sequences = self.sequences[begin:end]
        lowest = begin
        if missing:
            kept = [i for i in range(begin, end) if self.due[i] != _GONE]
            sequences, lowest = array("q", map(self.sequences.__getitem__, kept)), kept[0]
        self.due[begin:end] = array("q", (_GONE,)) * (end - begin)
        self.live -= len(sequences)
        return _Removed(sequences, (sequences[0], self.numbers[lowest]), due.count(QUEUED))

    def between(self, first: int, last: int) -> "array[int]":
        """The sequences of the rows from `first` to `last`."""
        begin, end = bisect_left(self.sequences, first), bisect_right(self.sequences, last)
        sequences, due = self.sequences[begin:end], self.due[begin:end]
        if _GONE in due:
            return array("q", [s for s, when in zip(sequences, due, strict=True) if when != _GONE])
        return sequences

    def live_rows(self, end: int) -> Sequence[int]:
        """Indices below `end` of rows that were not removed."""
        if self.live == len(self.due):
            return range(end)
        return [i for i in range(end) if self.due[i] != _GONE]

    def compact(self) -> None:
        """Forget the rows that were removed."""
        kept = [i for i, due in enumerate(self.due) if due != _GONE]
        self.sequences = array("q", [self.sequences[i] for i in kept])
        self.numbers = array("q", [self.numbers[i] for i in kept])
        self.due = array("q", [self.due[i] for i in kept])
        self.head = 0

    def absorb(self, other: "_Block") -> None:
        """Take over the rows of the block that follows."""
        self.sequences.extend(other.sequences)
        self.numbers.extend(other.numbers)
        self.due.extend(other.due)
        self.live += other.live
        other.live = 0


class PendingTable:
    """Rows by sequence. Times are nanoseconds on any scale that the caller keeps to."""

    __slots__ = ("_blocks", "_count", "_firsts", "_heap", "_pushed", "queued")

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._firsts: list[int] = []
        self._heap: list[tuple[int, int, _Block]] = []
        self._pushed = 0
        self._count = 0
        self.queued = 0
        """How many rows are `QUEUED`."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, sequence: int) -> bool:
        return self._find(sequence) is not None

    def add(self, sequence: int, number: int, due: int) -> None:
        """A new row; its sequence is higher than all that were added before."""
        block = self._blocks[-1] if self._blocks else None
        if block is None or len(block.due) >= SIZE:
            block = _Block()
            self._blocks.append(block)
            self._firsts.append(sequence)
        block.sequences.append(sequence)
        block.numbers.append(number)
        block.due.append(due)
        block.live += 1
        self._count += 1
        if due < block.earliest:
            self._due_earlier(block, due)

    def add_run(self, sequences: "array[int]", number: int, due: int) -> None:
        """New rows with ascending sequences, and numbers that follow each other; due at the same time."""
        start, count = 0, len(sequences)
        while start < count:
            self.add(sequences[start], number + start, due)
            block = self._blocks[-1]
            more = min(SIZE - len(block.due), count - start - 1)
            start += 1
            block.sequences.extend(sequences[start : start + more])
            block.numbers.extend(ascending(number + start, more))
            block.due.extend(array("q", (due,)) * more)
            block.live += more
            self._count += more
            start += more

    def rows_of(self, sequences: Sequence[int]) -> tuple[int, int] | None:
        """The first and the last of these sequences, if they are those of all rows from one to the other."""
        if not self._blocks:
            return None
        first, last = sequences[0], sequences[-1]
        at = max(0, bisect_right(self._firsts, first) - 1)
        end = bisect_right(self._firsts, last)
        rows = array("q")
        for block in self._blocks[at:end]:
            rows.extend(block.between(first, last))
            if len(rows) > len(sequences):
                return None
        given = sequences if isinstance(sequences, array) else array("q", sequences)
        return (first, last) if rows == given else None

    def due_of(self, sequence: int) -> int | None:
        """When it is due; `QUEUED` if it waits for its redelivery; None if it is not there."""
        found = self._find(sequence)
        return None if found is None else found[0].due[found[1]]

    def number_of(self, sequence: int) -> int | None:
        """The consumer sequence of its first delivery; None if it is not there."""
        found = self._find(sequence)
        return None if found is None else found[0].numbers[found[1]]

    def set_due(self, sequence: int, due: int) -> None:
        """It is due then, or `QUEUED`; nothing happens if it is not there."""
        found = self._find(sequence)
        if found is None:
            return
        block, index = found
        self.queued += (due == QUEUED) - (block.due[index] == QUEUED)
        block.due[index] = due
        if due < block.earliest:
            self._due_earlier(block, due)

    def remove(self, sequence: int) -> Row | None:
        """Forget it; returns what it was."""
        found = self._find(sequence)
        if found is None:
            return None
        block, index = found
        row = sequence, block.numbers[index]
        self.queued -= block.due[index] == QUEUED
        block.due[index] = _GONE
        block.live -= 1
        self._count -= 1
        if block.live * 4 < len(block.due):
            self._shrink(block)
        return row

    def remove_run(self, first: int, last: int) -> "tuple[array[int], Row | None]":
        """Forget all from `first` to `last`; returns their sequences, ascending, and the lowest row."""
        gone = array("q")
        lowest: Row | None = None
        emptied: list[_Block] = []
        at = max(0, bisect_right(self._firsts, first) - 1)
        while at < len(self._blocks) and self._firsts[at] <= last:
            block = self._blocks[at]
            removed = block.remove_run(first, last)
            if removed:
                self.queued -= removed.queued
                if lowest is None:
                    lowest = removed.lowest
                gone.extend(removed.sequences)
                if block.live * 4 < len(block.due):
                    emptied.append(block)
            at += 1
        self._count -= len(gone)
        for block in emptied:
            self._shrink(block)
        return gone, lowest

    def first(self) -> Row | None:
        """The lowest sequence."""
        if not self._blocks:
            return None
        block = self._blocks[0]
        while block.due[block.head] == _GONE:
            block.head += 1
        return block.sequences[block.head], block.numbers[block.head]

    def load(self, sequences: "array[int]", numbers: "array[int]", dues: "array[int]") -> None:
        """These rows, in place of all."""
        self.__init__()  # type: ignore[misc] # a table as new
        self._count = len(sequences)
        for start in range(0, len(sequences), SIZE):
            block = _Block()
            end = start + SIZE
            block.sequences, block.numbers = sequences[start:end], numbers[start:end]
            block.due = dues[start:end]
            block.live = len(block.due)
            self._blocks.append(block)
            self._firsts.append(block.sequences[0])
            self._due_earlier(block, min(block.due))

    def remove_through(self, sequence: int) -> tuple[list[int], int]:
        """Forget all up to this sequence; returns their sequences, and the number of the last one."""
        gone: list[int] = []
        number = 0
        while self._blocks and self._firsts[0] <= sequence:
            block = self._blocks[0]
            end = bisect_right(block.sequences, sequence)
            kept = block.live_rows(end)
            if kept:
                number = block.numbers[kept[-1]]
                gone += block.sequences[:end] if len(kept) == end else [block.sequences[i] for i in kept]
            self._count -= len(kept)
            self.queued -= block.due[:end].count(QUEUED)
            block.live -= len(kept)
            for column in (block.sequences, block.numbers, block.due):
                del column[:end]
            block.head = 0
            if block.live:
                self._firsts[0] = block.sequences[0]
                break
            del self._blocks[0], self._firsts[0]
        return gone, number

    def drop_through(self, sequence: int) -> int:
        """The same for those who ask only for the number; 0 for none. It passes by whole blocks."""
        number, whole = 0, max(0, bisect_right(self._firsts, sequence) - 1)
        for block in self._blocks[:whole]:
            number = block.numbers[block.live_rows(len(block.due))[-1]]
            self._count -= block.live
            self.queued -= block.due.count(QUEUED)
            block.live = 0
        del self._blocks[:whole], self._firsts[:whole]
        gone, last = self.remove_through(sequence)
        return last if gone else number

    def after(self, sequence: int, limit: int) -> list[int]:
        """Up to `limit` sequences above this one, ascending."""
        found: list[int] = []
        start = max(0, bisect_right(self._firsts, sequence) - 1)
        for block in self._blocks[start:]:
            begin = bisect_right(block.sequences, sequence)
            found += [block.sequences[i] for i in range(begin, len(block.due)) if block.due[i] != _GONE]
            if len(found) >= limit:
                break
        return found[:limit]

    @property
    def next_due(self) -> int | None:
        """No row is due before this time; None if no row will be due."""
        heap = self._heap
        while heap and not self._is_current(heap[0]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take_due(self, now: int, blocks: int) -> list[int]:
        """Rows that are due, ascending, now `QUEUED`. Looks into `blocks` blocks at most."""
        found: list[int] = []
        for _ in range(blocks):
            due = self.next_due
            if due is None or due > now:
                break
            block = heapq.heappop(self._heap)[2]
            for index, when in enumerate(block.due):
                if when <= now:
                    found.append(block.sequences[index])
                    block.due[index] = QUEUED
            block.earliest = _GONE
            earliest = min(block.due)
            if earliest < QUEUED:
                self._due_earlier(block, earliest)
        found.sort()
        self.queued += len(found)
        return found

    def latest_due(self) -> int:
        """When the last row is due; 0 if none will be."""
        return max((d for block in self._blocks for d in block.due if d < QUEUED), default=0)

    def shift(self, by: int) -> None:
        """Let all rows be due later by this much, or earlier."""
        self._replace_due(lambda due: due + by)

    def make_due(self, now: int) -> None:
        """Let all rows be due now."""
        self._replace_due(lambda due: min(due, now))

    def _replace_due(self, change: Callable[[int], int]) -> None:
        for block in self._blocks:
            block.due = array("q", [change(d) if d < QUEUED else d for d in block.due])
            block.earliest = _GONE
            self._due_earlier(block, min(block.due))

    def columns(self) -> tuple["array[int]", "array[int]", "array[int]"]:
        """Sequences, numbers and due times of all rows. Costs little for rows that are close together."""
        sequences, numbers, dues = array("q"), array("q"), array("q")
        for block in self._blocks:
            if block.live < len(block.due):
                block.compact()
            sequences.extend(block.sequences)
            numbers.extend(block.numbers)
            dues.extend(block.due)
        self._firsts = [block.sequences[0] for block in self._blocks]
        return sequences, numbers, dues

    def __iter__(self) -> Iterator[int]:
        for block in self._blocks:
            for sequence, due in zip(block.sequences, block.due, strict=True):
                if due != _GONE:
                    yield sequence

    def _find(self, sequence: int) -> tuple[_Block, int] | None:
        blocks = self._blocks
        if not blocks:
            return None
        at = 0 if len(blocks) == 1 else bisect_right(self._firsts, sequence) - 1
        if at < 0:
            return None
        block = blocks[at]
        index = block.find(sequence)
        return None if index < 0 else (block, index)

    def _shrink(self, block: _Block) -> None:
        """Less than a quarter of the block is in use: drop it, or make it small and join it to another."""
        if block.live and len(block.due) < SIZE // 4:
            return
        at = bisect_right(self._firsts, block.sequences[0]) - 1
        if at < 0 or self._blocks[at] is not block:
            return  # it was joined to another one
        if not block.live:
            del self._blocks[at], self._firsts[at]
            return
        block.compact()
        self._firsts[at] = block.sequences[0]
        for left in (at - 1, at):
            self._join(left)

    def _join(self, left: int) -> None:
        if not 0 <= left < len(self._blocks) - 1:
            return
        block, other = self._blocks[left], self._blocks[left + 1]
        if len(block.due) + len(other.due) > SIZE // 2:
            return
        block.earliest, earliest = _GONE, min(block.earliest, other.earliest)
        block.absorb(other)
        del self._blocks[left + 1], self._firsts[left + 1]
        self._due_earlier(block, earliest)

    def _due_earlier(self, block: _Block, due: int) -> None:
        block.earliest = due
        if due >= QUEUED:
            return
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, block))
        if len(self._heap) > 2 * len(self._blocks) + 16:
            self._heap = [(b.earliest, i, b) for i, b in enumerate(self._blocks) if b.earliest < QUEUED]
            heapq.heapify(self._heap)
            self._pushed = max(self._pushed, len(self._blocks))

    @staticmethod
    def _is_current(entry: tuple[int, int, _Block]) -> bool:
        return entry[2].live > 0 and entry[2].earliest == entry[0]
