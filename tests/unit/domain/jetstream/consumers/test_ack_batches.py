"""Unit tests of acks that are taken together."""

from array import array
from collections.abc import Sequence

from app.domain.jetstream.consumers.ack_batches import LIMIT, AckBatches


class Listener:
    """A consumer that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def ack(self, tokens: Sequence[bytes], payload: bytes, reply: bytes) -> None:
        """One ack."""
        self.heard.append((tokens[1], payload, reply))

    def ack_many(self, sequences: Sequence[int]) -> None:
        """Many."""
        self.heard.append(list(sequences))


def tokens(sequence: bytes, number: bytes = b"1") -> list[bytes]:
    """Those of an ack."""
    return [b"1", sequence, number, b"1", b"0"]


def test_plain_acks_wait_for_the_end_of_the_turn() -> None:
    """Of each consumer together."""
    batches, one, other = AckBatches(), Listener(), Listener()
    batches.flush()
    for sequence, payload in ((b"1", b""), (b"2", b"+ACK"), (b"3", b"+OK")):
        batches.take(one, tokens(sequence), payload, b"")
    batches.take(other, tokens(b"9"), b"", b"")
    assert ([], []) == (one.heard, other.heard)
    batches.flush()
    batches.flush()
    assert ([[1, 2, 3]], [[9]]) == (one.heard, other.heard)


def test_other_acks_keep_their_order() -> None:
    """What waits is taken before them."""
    batches, one = AckBatches(), Listener()
    batches.take(one, tokens(b"1"), b"", b"")
    batches.take(one, tokens(b"2"), b"-NAK", b"")
    batches.take(one, tokens(b"3"), b"", b"reply")
    assert [[1], (b"2", b"-NAK", b""), (b"3", b"", b"reply")] == one.heard


def test_malformed_acks_mean_nothing() -> None:
    """Neither words nor numbers without end."""
    batches, one = AckBatches(), Listener()
    for sequence, number in ((b"x", b"1"), (b"-1", b"1"), (b"1", b"x"), (b"1" * 40, b"1")):
        batches.take(one, tokens(sequence, number), b"", b"")
    batches.flush()
    assert [] == one.heard


def test_not_too_many_wait() -> None:
    """They are taken in the middle of a turn."""
    batches, one = AckBatches(), Listener()
    for _ in range(LIMIT + 1):
        batches.take(one, tokens(b"7"), b"", b"")
    assert [[7] * LIMIT] == one.heard


def test_acks_in_a_row() -> None:
    """They wait with the others, and all are taken in order."""
    batches, one = AckBatches(), Listener()
    batches.take_many(one, array("q", (1, 2)))
    batches.take(one, tokens(b"3"), b"", b"")
    batches.take_many(one, array("q", (9, 8)))
    batches.flush()
    assert [[1, 2, 3, 9, 8]] == one.heard
