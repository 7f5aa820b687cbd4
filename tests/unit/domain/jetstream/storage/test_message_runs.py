"""Runs of messages that are there as objects, or among others."""

from collections.abc import Sequence

import pytest

from app.adapters.streams_memory.log import MemoryLog
from app.domain.dataplane.message_run import MessageRun
from app.domain.jetstream.storage.message_runs import GATHERED, read_messages, run_of
from app.domain.jetstream.storage.seam import DamagedMessage, StoredMessage


class CountingLog(MemoryLog):
    """Counts what is read, and may be damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.singly = 0
        self.damaged = 0
        for number in range(1, 301):
            headers = b"H" * (number % 3)
            self.append(b"s.%d" % (number % 7), headers, b"x%d" % number, 10 * number)

    def read(self, sequence: int) -> StoredMessage | None:
        """See `StreamLog`."""
        self.singly += 1
        if sequence == self.damaged:
            raise DamagedMessage
        return super().read(sequence)


def messages(run: MessageRun | None) -> list[StoredMessage]:
    """What a run has, taken apart."""
    assert run is not None
    columns = zip(run.sequences, run.times, run.subjects, run.heads, run.starts, run.ends, strict=True)
    return [
        StoredMessage(sequence, time, subject, run.data[start : start + head], run.data[start + head : end])
        for sequence, time, subject, head, start, end in columns
    ]


@pytest.mark.parametrize(
    ("sequences", "singly"),
    [
        (range(5, 60), 0),
        ([5], 0),
        ([*range(5, 60, 2)], 0),
        ([5, 6, 7, 8, 11, 13, 14, 15], 0),
        ([*range(5, 300, 50)], 6),
        ([*range(5, 300, 7)], 0),
        ([*range(5, 300, 15)], 20),
    ],
)
def test_messages_among_others(sequences: Sequence[int], singly: int) -> None:
    """They come as they are stored, and only those that are far apart are read one by one."""
    log = CountingLog()

    found = messages(read_messages(log, sequences, 10_000))

    assert log.singly == singly
    assert found == [log.read(each) for each in sequences]


def test_large_messages_between_are_not_read() -> None:
    """All in a row are read only if the room for them has enough that are wanted."""
    log = CountingLog()
    for number in range(600):
        log.append(b"t", b"", bytes(1000), 10_000 + number)
    log.remove_before(301)
    some, many = range(301, 900, 4), range(301, 900, 2)

    assert len(messages(read_messages(log, some, 50_000))) == 50
    assert log.singly == 50
    assert len(messages(read_messages(log, many, 50_000))) == 25
    assert log.singly == 50


def test_messages_next_to_removed_ones() -> None:
    """Those right before a gap are read one by one, and what is gone ends a run."""
    log = CountingLog()
    log.remove([7, 8, 40])

    assert [each.sequence for each in messages(read_messages(log, [5, 9, 11], 1000))] == [5, 9, 11]
    assert [each.sequence for each in messages(read_messages(log, [20, 40, 60], 1000))] == [20]
    assert read_messages(log, [40, 60, 80], 1000) is None


def test_messages_that_are_damaged() -> None:
    """A run ends before them; as the first one it is read alone."""
    log = CountingLog()
    log.damaged = 200

    assert [each.sequence for each in messages(read_messages(log, [50, 100, 200, 300], 1000))] == [50, 100]
    assert read_messages(log, [200, 300], 1000) is None


def test_as_much_as_there_is_room_for() -> None:
    """Bytes of bodies and the number of single reads have a bound."""
    log = CountingLog()

    assert [each.sequence for each in messages(read_messages(log, [100, 150, 200, 250], 9))] == [100, 150]
    assert read_messages(log, [100, 150], 3) is None
    for number in range(2000):
        log.append(b"t", b"", b"x", 10_000 + number)
    assert len(messages(read_messages(log, range(1, 2300, 30), 10_000))) == GATHERED


def test_with_headers_and_without() -> None:
    """Headers and payload are one body, and how much of it is headers is said."""
    one = StoredMessage(4, 10, b"a", b"", b"xy")
    two = StoredMessage(5, 11, b"b", b"HH", b"z")

    run = run_of([one, two], 100)
    plain = run_of([one], 100)

    assert run is not None
    assert (run.data, list(run.heads), list(run.sequences)) == (b"xyHHz", [0, 2], [4, 5])
    assert (run.subjects, list(run.times)) == ([b"a", b"b"], [10, 11])
    assert plain is not None
    assert (plain.data, list(plain.heads)) == (b"xy", [0])
    assert run_of([one], 1) is None
