"""Segments follow each other, and a failed attempt leaves nothing."""

from app.adapters.streams_log.file_head import SEGMENT, StreamIdentity, salt_of
from app.adapters.streams_log.segment import find_footer
from app.adapters.streams_log.steps import Batch, Outcome, carry_out
from app.adapters.streams_log.writer import MessageWriter
from app.domain.jetstream.storage.seam import StorageFailure
from app.ports.files import SyncFailed
from tests.fakes.disk import FakeDisk, full

IDENTITY = StreamIdentity(9, "S")


def writer(disk: FakeDisk) -> MessageWriter:
    """A writer of small segments."""
    disk.make_directory("d")
    made = MessageWriter(disk, "d", IDENTITY)
    made.size, made.ahead = 500, 512
    return made


def append(to: MessageWriter, first: int, last: int, size: int = 60) -> None:
    """Append messages of a size."""
    for sequence in range(first, last + 1):
        to.append(sequence, sequence, b"s", b"", bytes([sequence]) * size, (), size)


def carry(to: MessageWriter, *, sync: bool = True) -> Outcome:
    """Have everything written."""
    outcome = Outcome()
    carry_out(Batch(messages=to.take(sync=sync)), outcome)
    if outcome.messages is None:
        to.succeeded()
    else:
        to.failed()
    return outcome


def test_a_full_segment_is_closed() -> None:
    """It gets a footer, and the next one begins with the next sequence."""
    disk = FakeDisk()
    made = writer(disk)
    append(made, 1, 12)
    carry(made)

    assert [1, 2, 3] == list(made.segments)
    for number in (1, 2):
        file = disk.open(f"d/0000000{number}.segment")
        found = find_footer(file, file.size(), salt_of(IDENTITY, SEGMENT, number))
        assert found is not None
        assert made.segments[number + 1].first == found[1].last + 1
    assert (12, 12) == (made.written.last, made.synced.last)


def test_a_large_message_has_a_segment_for_itself() -> None:
    """It may be larger than a segment."""
    made = writer(FakeDisk())
    append(made, 1, 2, size=2000)
    carry(made)

    assert [(1, 1), (2, 2)] == [(each.first, each.last) for each in made.segments.values()]


def test_one_sync_is_for_all_that_was_appended() -> None:
    """However many messages there are."""
    disk = FakeDisk()
    made = writer(disk)
    made.size = 100_000
    append(made, 1, 1)
    carry(made)
    disk.log = []
    append(made, 2, 100)
    carry(made)

    assert ["allocate d/00000001.segment", "write d/00000001.segment", "sync d/00000001.segment"] == disk.log


def test_without_sync_nothing_is_known_to_be_safe() -> None:
    """A later round syncs what an earlier one wrote."""
    disk = FakeDisk()
    made = writer(disk)
    append(made, 1, 1)
    assert made.is_pending(sync=False)
    carry(made, sync=False)

    assert (1, 0) == (made.written.last, made.synced.last)
    assert not made.is_pending(sync=False)
    assert made.is_pending(sync=True)
    disk.log = []
    carry(made)
    assert made.synced.last == 1
    assert ["sync d/00000001.segment"] == disk.log


def test_a_failed_attempt_is_taken_back() -> None:
    """The next one begins where the last good one ended, and removes what the failed one has left."""
    disk = FakeDisk()
    made = writer(disk)
    append(made, 1, 2)
    carry(made)
    before = bytes(disk.files()["d/00000001.segment"].data[: made.written.end])

    def no_third(operation: str, name: str) -> None:
        if operation == "write" and "3" in name:
            raise full()

    disk.fault = no_third
    append(made, 3, 14)
    assert carry(made).messages is StorageFailure.FULL
    assert made.needs_repair
    assert (2, [1]) == (made.last, list(made.segments))

    disk.fault = lambda _operation, _name: None
    append(made, 3, 3, size=10)
    carry(made)
    assert ["d/00000001.segment"] == list(disk.files())
    assert before == bytes(disk.files()["d/00000001.segment"].data[: len(before)])
    assert not made.needs_repair


def test_a_failed_sync_breaks_the_disk() -> None:
    """Whether of a file or of a directory."""
    for operation in ("sync", "sync_directory"):
        disk = FakeDisk()
        made = writer(disk)

        def fault(happened: str, _name: str, failing: str = operation) -> None:
            if happened == failing:
                raise full()

        disk.fault = fault
        append(made, 1, 1)
        outcome = carry(made)
        assert outcome.messages is StorageFailure.BROKEN
        assert isinstance(outcome.error, SyncFailed)


def test_less_room_ahead_is_enough() -> None:
    """When there is no room for more than the messages, they are written all the same."""
    disk = FakeDisk()
    made = writer(disk)
    lengths: list[int] = []

    def fault(operation: str, _name: str) -> None:
        if operation == "allocate" and not lengths:
            lengths.append(1)
            raise full()

    disk.fault = fault
    append(made, 1, 1)

    assert carry(made).messages is None


def test_a_probe_leaves_nothing() -> None:
    """It fails as long as the disk is full."""
    disk = FakeDisk()
    writer(disk).probe()

    assert {} == disk.files()
