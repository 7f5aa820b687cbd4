"""Plain acks of one turn, taken together: they come as fast as messages."""

from array import array
from collections.abc import Sequence
from typing import Protocol

from ...for_each import finish_each

PLAIN = frozenset({b"", b"+ACK", b"+OK"})
LIMIT = 4096
"""Acks that wait, before they are taken in the middle of a turn."""

LONGEST = 19
"""Digits of a number that is beyond all sequences."""


class Acknowledged(Protocol):
    """A consumer."""

    def ack(self, tokens: Sequence[bytes], payload: bytes, reply: bytes) -> None:
        """One ack of any kind."""
        ...

    def ack_many(self, sequences: Sequence[int]) -> None:
        """Plain acks without replies."""
        ...


class AckBatches:
    """Acks that wait for the end of the turn, by consumer. All other acks keep their order after them."""

    __slots__ = ("_batches", "_count")

    def __init__(self) -> None:
        self._batches: dict[Acknowledged, array[int]] = {}
        self._count = 0

    def take(self, consumer: Acknowledged, tokens: Sequence[bytes], payload: bytes, reply: bytes) -> None:
        """An ack; `tokens` are the five after the consumer's name."""
        if reply or payload not in PLAIN:
            self.flush()
            consumer.ack(tokens, payload, reply)
            return
        sequence = tokens[1]
        if sequence.isdigit() and tokens[2].isdigit() and len(sequence) < LONGEST:
            self.take_many(consumer, array("q", (int(sequence),)))

    def take_many(self, consumer: Acknowledged, sequences: "array[int]") -> None:
        """Plain acks without replies."""
        batch = self._batches.get(consumer)
        if batch is None:
            self._batches[consumer] = sequences
        else:
            batch.extend(sequences)
        self._count += len(sequences)
        if self._count >= LIMIT:
            self.flush()

    def flush(self) -> None:
        """Take all that wait; before anything that asks for the state of consumers, too."""
        if not self._batches:
            return
        batches, self._batches, self._count = self._batches, {}, 0
        finish_each(lambda batch: batch[0].ack_many(batch[1]), batches.items())
