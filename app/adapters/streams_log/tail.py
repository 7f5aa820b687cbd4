"""The newest messages of the streams, in memory: readers at the head need no file."""

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable
from operator import attrgetter

from ...domain.dataplane.message_run import MessageRun
from ...domain.jetstream.storage.message_runs import run_of
from ...domain.jetstream.storage.seam import StoredMessage
from .tail_block import TailBlock

OF_ONE = 1 << 20
OF_ALL = 64 << 20
"""Bytes that are kept of one stream, and of all."""
_FEW = 100
"""Sequences of messages that are gone, which cost nothing."""
_OVERHEAD = 300
"""Bytes of memory that a message needs besides its own."""


class Tail:
    """The newest messages of one stream. What is not written yet is always there.

    They came one by one, or many at once, in blocks.
    """

    __slots__ = ("_blocks", "_budget", "_messages", "_order", "counted", "get", "size", "written")

    def __init__(self, budget: "TailBudget") -> None:
        self._budget = budget
        self._blocks: list[TailBlock] = []
        """In the order of their sequences."""
        self._messages: dict[int, StoredMessage] = {}
        self.get: Callable[[int], StoredMessage | None] = self._messages.get
        """Returns a message that is kept, and that came by itself."""
        self._order: deque[int] = deque()
        """Their sequences; some may be removed."""
        self.size = 0
        self.counted = 0
        """The size that the budget has counted."""
        self.written = 0
        """Up to this sequence messages can be read from files."""

    def add(self, message: StoredMessage) -> None:
        """Keep a new message."""
        sequence, _, subject, headers, payload = message
        self._messages[sequence] = message
        self._order.append(sequence)
        self.size += _OVERHEAD + len(subject) + len(headers) + len(payload)

    def add_block(self, block: TailBlock) -> None:
        """Keep new messages."""
        self._blocks.append(block)
        self.size += block.size

    def block_of(self, sequence: int) -> TailBlock | None:
        """The block with a message, also one that is removed."""
        blocks = self._blocks
        at = bisect_right(blocks, sequence, key=_FIRST) - 1
        return blocks[at] if at >= 0 and sequence <= blocks[at].last else None

    def run(self, first: int, most: int, size: int) -> MessageRun | None:
        """One that is kept, and those right after it, with `size` bytes of bodies at most."""
        get, found = self._messages.get, list[StoredMessage]()
        for sequence in range(first, first + most):
            message = get(sequence)
            if message is None:
                break
            found.append(message)
        return run_of(found, size) if found else None

    def discard(self, sequence: int) -> None:
        """Forget one that was removed; what is in a block stays, and only its index knows."""
        message = self._messages.pop(sequence, None)
        if message is not None:
            _, _, subject, headers, payload = message
            self.size -= _OVERHEAD + len(subject) + len(headers) + len(payload)

    def retract(self, last: int) -> None:
        """Forget all above."""
        while self._order and self._order[-1] > last:
            self.discard(self._order.pop())
        blocks = self._blocks
        while blocks and blocks[-1].first > last:
            self.size -= blocks.pop().size
        if blocks and blocks[-1].last > last:
            blocks[-1] = blocks[-1]._replace(last=last)

    def discard_before(self, sequence: int) -> None:
        """Forget all below."""
        while self._order and self._order[0] < sequence:
            self.discard(self._order.popleft())
        while self._blocks and self._blocks[0].last < sequence:
            self._drop_block()

    def _drop_block(self) -> None:
        self.size -= self._blocks.pop(0).size

    def now_written(self, sequence: int) -> None:
        """Messages up to this one can be read from files now."""
        self.written = sequence
        order, messages = self._order, self._messages
        while order and order[0] not in messages:
            order.popleft()
        if self.size > OF_ONE or len(order) > 2 * len(messages) + _FEW:
            self.shrink(OF_ONE)
        if self.size != self.counted or self._budget.newest is not self:
            self._budget.used(self)

    def shrink(self, size: int) -> None:
        """Forget the oldest that can be read from files, until the rest is no larger."""
        order, blocks, written, messages = self._order, self._blocks, self.written, self._messages
        while order and order[0] not in messages:
            order.popleft()
        while self.size > size:
            single = order[0] if order else written + 1
            if blocks and blocks[0].last <= written and (single > written or blocks[0].first < single):
                self._drop_block()
            elif single <= written:
                self.discard(order.popleft())
            else:
                break
        if len(order) > 2 * len(messages) + _FEW:
            self._order = deque(each for each in order if each in messages)


_FIRST = attrgetter("first")


class TailBudget:
    """What the tails of all streams may need together."""

    def __init__(self, limit: int = OF_ALL) -> None:
        self._limit = limit
        self._sizes: OrderedDict[Tail, int] = OrderedDict()
        self._total = 0
        self.newest: Tail | None = None
        """The tail that changed last."""

    def used(self, tail: Tail) -> None:
        """A tail has changed; those that have not for the longest time make room."""
        self._total += tail.size - self._sizes.pop(tail, 0)
        self._sizes[tail] = tail.counted = tail.size
        self.newest = tail
        while self._total > self._limit and len(self._sizes) > 1:
            oldest, size = self._sizes.popitem(last=False)
            oldest.shrink(0)
            oldest.counted = 0
            self._total -= size

    def forget(self, tail: Tail) -> None:
        """A stream is gone."""
        self._total -= self._sizes.pop(tail, 0)
        self.newest = None
