"""The deliveries of a consumer: its position, unsettled messages, and those that are due again."""

from array import array
from collections import deque
from collections.abc import Iterable, Sequence

from ...dataplane.message_run import ascending
from .pending import FEW, QUEUED, PendingTable, Row, run_of


class Changes:
    """What happened since the state was saved last."""

    __slots__ = ("changed", "due", "exhausted", "moved", "new", "numbers", "settled", "through")

    def __init__(self) -> None:
        self.new = array("q")
        """Sequences that were delivered for the first time, ascending."""
        self.numbers = array("q")
        """Their consumer sequences."""
        self.due = 0
        """When the last of them is due."""
        self.changed: set[int] = set()
        """Sequences that were delivered again, or are due at another time."""
        self.exhausted: set[int] = set()
        """Sequences that are delivered no more, and were not acknowledged."""
        self.settled = array("q")
        self.through = 0
        """All sequences up to this one are settled."""
        self.moved = False
        """The position changed, without messages that wait for an ack."""


class Ledger:
    """Sequences and times only; times are nanoseconds of a clock that never steps."""

    __slots__ = (
        "_queue",
        "changes",
        "delivered",
        "deliveries",
        "floor",
        "floor_number",
        "must_rewrite",
        "number",
        "pending",
        "records",
    )

    def __init__(self, delivered: int, *, records: bool = True) -> None:
        """`delivered`: the sequence before the first that will be delivered."""
        self.number = 0
        """The last consumer sequence: deliveries, also repeated ones."""
        self.delivered = delivered
        """The highest sequence that was delivered."""
        self.floor_number = 0
        self.floor = delivered
        """All sequences up to this one are settled."""
        self.pending = PendingTable()
        self.deliveries: dict[int, int] = {}
        """How often a message was delivered, if more than once; also of those that are exhausted."""
        self._queue: deque[int] | None = None
        self.changes: Changes | None = None
        """None for no changes."""
        self.must_rewrite = False
        """Something happened that no change can express."""
        self.records = records
        """Whether changes are noted at all."""

    def _note(self) -> Changes:
        if self.changes is None:
            self.changes = Changes()
        return self.changes

    def deliver(self, sequence: int, due: int) -> None:
        """A new message is delivered, and has to be acknowledged until `due`."""
        self.number += 1
        self.delivered = sequence
        self.pending.add(sequence, self.number, due)
        if self.records:
            changes = self._note()
            changes.new.append(sequence)
            changes.numbers.append(self.number)
            changes.due = due

    def deliver_run(self, sequences: "array[int]", due: int) -> None:
        """New messages with these ascending sequences are delivered."""
        count = len(sequences)
        if count == 1:
            self.deliver(sequences[0], due)
            return
        number, self.number = self.number + 1, self.number + count
        self.delivered = sequences[-1]
        self.pending.add_run(sequences, number, due)
        if self.records:
            changes = self._note()
            changes.new.extend(sequences)
            changes.numbers.extend(ascending(number, count))
            changes.due = due

    def deliver_settled_run(self, sequence: int, count: int) -> None:
        """The same, of `count` messages up to this sequence that need no ack."""
        self.number += count - 1
        self.deliver_settled(sequence)

    def settle_many(self, sequences: Sequence[int]) -> "array[int]":
        """They were acknowledged; returns those for which that changes anything."""
        if len(sequences) >= FEW and not self.deliveries:
            run = run_of(sequences) or self.pending.rows_of(sequences)
            if run is not None:
                return self._settle_run(*run)
        pending, counts, settled = self.pending, self.deliveries, array("q")
        lowest: Row | None = None
        for sequence in sequences:
            row = pending.remove(sequence)
            if row is None and sequence not in counts:
                continue
            settled.append(sequence)
            if counts:
                counts.pop(sequence, None)
            if row is not None and (lowest is None or row < lowest):
                lowest = row
        if settled and self.records:
            self._note().settled.extend(settled)
        if lowest is not None:
            self._raise_floor(lowest)
        return settled

    def _settle_run(self, first: int, last: int) -> "array[int]":
        """All from `first` to `last` were acknowledged, and none was delivered more than once."""
        settled, lowest = self.pending.remove_run(first, last)
        if lowest is None:
            return settled
        if self.records:
            self._note().settled.extend(settled)
        self._raise_floor(lowest)
        return settled

    def deliver_settled(self, sequence: int) -> None:
        """A new message is delivered, and needs no ack."""
        self.number += 1
        self.delivered = self.floor = sequence
        self.floor_number = self.number
        if self.records:
            self._note().moved = True

    def redeliver(self, sequence: int, due: int) -> None:
        """The first of the queue is delivered again."""
        if self._queue:
            self._queue.popleft()
        self.number += 1
        self.deliveries[sequence] = self.deliveries_of(sequence) + 1
        self.pending.set_due(sequence, due)
        if self.records:
            self._note().changed.add(sequence)

    def deliveries_of(self, sequence: int) -> int:
        """How often a message was delivered that is not settled."""
        return self.deliveries.get(sequence, 1)

    def settle(self, sequence: int) -> bool:
        """It was acknowledged, or is gone; answers whether that changes anything."""
        row = self.pending.remove(sequence)
        counted = self.deliveries.pop(sequence, None)
        if row is None and counted is None:
            return False
        if self.records:
            self._note().settled.append(sequence)
        if row is not None:
            self._raise_floor(row)
        return True

    def settle_through(self, sequence: int) -> list[int]:
        """All up to this sequence were acknowledged; returns those that were pending."""
        if sequence <= self.floor:
            return []
        gone, number = self.pending.remove_through(sequence)
        if self.deliveries:
            self.deliveries = {s: n for s, n in self.deliveries.items() if s > sequence}
        self.floor = sequence
        if gone:
            self.floor_number = number
        if self.records:
            self._note().through = sequence
        return gone

    def exhaust(self, sequence: int, *, keep: bool) -> None:
        """It was delivered as often as allowed. `keep` its count: a late ack may still settle it."""
        row = self.pending.remove(sequence)
        if row is None:
            return
        count = self.deliveries.pop(sequence, 1)
        if keep:
            self.deliveries[sequence] = count
            if self.records:
                self._note().exhausted.add(sequence)
        elif self.records:
            self._note().settled.append(sequence)
        self._raise_floor(row)

    def _raise_floor(self, gone: Row) -> None:
        first = self.pending.first()
        if first is None:
            self.floor_number, self.floor = self.number, self.delivered
        elif gone[0] < first[0]:
            self.floor_number, self.floor = first[1] - 1, first[0] - 1

    def postpone(self, sequence: int, due: int) -> None:
        """It is due at another time; nothing happens if it is settled."""
        if sequence in self.pending:
            self.pending.set_due(sequence, due)
            if self.records:
                self._note().changed.add(sequence)

    def requeue(self, sequence: int) -> None:
        """It is to be delivered again as soon as possible; nothing happens if it is queued or settled."""
        due = self.pending.due_of(sequence)
        if due is not None and due != QUEUED:
            self.pending.set_due(sequence, QUEUED)
            if self.records:
                self._note().changed.add(sequence)
            self.enqueue((sequence,))

    def enqueue(self, sequences: Iterable[int]) -> None:
        """They are `QUEUED` in the table: put them at the end of the queue."""
        if self._queue is None:
            self._queue = deque()
        self._queue.extend(sequences)
        if len(self._queue) > 2 * self.pending.queued + 64:
            waiting = dict.fromkeys(s for s in self._queue if self.pending.due_of(s) == QUEUED)
            self._queue = deque(waiting)

    def next_redelivery(self) -> int:
        """The first of the queue; 0 for none."""
        queue = self._queue
        while queue:
            if self.pending.due_of(queue[0]) == QUEUED:
                return queue[0]
            queue.popleft()
        self._queue = None
        return 0

    def purge(self, first: int) -> None:
        """Nothing below `first` is there."""
        number = self.pending.drop_through(first - 1)
        if self.deliveries:
            self.deliveries = {s: n for s, n in self.deliveries.items() if s >= first}
        self.delivered = max(self.delivered, first - 1)
        if not self.pending:
            self.floor_number, self.floor = self.number, self.delivered
        elif self.floor < first - 1:
            self.floor = first - 1
            self.floor_number = number or self.floor_number
        self.must_rewrite = True

    def reset(self, delivered: int) -> "Ledger":
        """One without deliveries; its next message is the one after `delivered`."""
        ledger = Ledger(delivered, records=self.records)
        ledger.must_rewrite = True
        return ledger
