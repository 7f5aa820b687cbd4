"""A journal is replaced before it gets long, and the one before is kept."""

from app.adapters.streams_log.file_head import StreamIdentity
from app.adapters.streams_log.journal import JournalEntry, StreamJournal, sync_directory
from app.adapters.streams_log.journal_image import JournalFile, open_journal
from app.adapters.streams_log.record import CHANGE, COMPLETE, DOCUMENT
from app.adapters.streams_log.steps import Batch, Outcome, carry_out
from app.domain.jetstream.storage.seam import StorageFailure
from app.ports.files import SyncFailed
from tests.fakes.disk import FakeDisk, full


def journal(disk: FakeDisk) -> StreamJournal:
    """The journal of a stream with one document, written for the first time."""
    disk.make_directory("d")
    made = StreamJournal(disk, "d", StreamIdentity(3, "S"), lambda: [JournalEntry(DOCUMENT, b"", b"{}")])
    made.size, made.reserve = 400, 256
    outcome = Outcome()
    carry_out(Batch(journal=made.take_first("d")), outcome)
    assert outcome.journal is None
    made.succeeded()
    return made


def carry(made: StreamJournal, *, sync: bool = True) -> StorageFailure | None:
    """Have everything written."""
    outcome = Outcome()
    carry_out(Batch(journal=made.take(sync=sync)), outcome)
    if outcome.journal is None:
        made.succeeded()
    else:
        made.failed()
    return outcome.journal


def read(disk: FakeDisk, number: int) -> JournalFile:
    """A journal as it is on the disk."""
    found = open_journal(disk, "d", number, print)
    assert found is not None
    return found


def bodies(disk: FakeDisk, number: int) -> list[bytes]:
    """What its entries say."""
    return [record.body for record in read(disk, number).scan.records if record.kind != COMPLETE]


def test_entries_are_read_as_they_were_written() -> None:
    """In order, in as many rounds as it took."""
    disk = FakeDisk()
    made = journal(disk)
    for number in range(3):
        made.add(CHANGE, b"", b"change %d" % number)
        assert made.is_pending(sync=False)
        assert carry(made) is None

    assert [b"{}", b"change 0", b"change 1", b"change 2"] == bodies(disk, 1)
    assert read(disk, 1).is_whole
    assert not made.is_pending(sync=True)


def test_a_long_journal_is_replaced() -> None:
    """The new one begins with what counts; one old one is kept."""
    disk = FakeDisk()
    made = journal(disk)
    for number in range(60):
        made.add(CHANGE, b"", b"change %d" % number)
        carry(made)

    newest = made.number
    assert newest > 2
    assert [f"d/{number:08}.journal" for number in (newest - 1, newest)] == list(disk.files())
    assert bodies(disk, newest)[0] == b"{}"


def test_a_failed_replacement_is_forgotten() -> None:
    """The old journal goes on, with what was to be written."""
    disk = FakeDisk()
    made = journal(disk)
    made.rotate()
    made.add(CHANGE, b"", b"change")

    def fault(operation: str, name: str) -> None:
        if operation == "write" and "new" in name:
            raise full()

    disk.fault = fault
    assert carry(made) is StorageFailure.FULL
    assert carry(made) is None
    assert [b"{}", b"change"] == bodies(disk, 1)
    assert made.number == 1


def test_a_failed_write_is_overwritten() -> None:
    """What an attempt has left is cut off before the next."""
    disk = FakeDisk()
    made = journal(disk)
    made.add(CHANGE, b"", b"change")
    disk.fault = lambda operation, _name: 20 if operation == "write" else None
    assert carry(made) is StorageFailure.FULL

    disk.fault = lambda _operation, _name: None
    disk.log = []
    assert carry(made) is None
    assert disk.log[0] == "truncate d/00000001.journal"
    assert [b"{}", b"change"] == bodies(disk, 1)


def test_room_ahead_is_not_needed() -> None:
    """Without it entries are written as long as there is room for them."""
    disk = FakeDisk()
    made = journal(disk)
    refused: list[str] = []

    def fault(operation: str, name: str) -> None:
        if operation == "allocate" and not refused:
            refused.append(name)
            raise full()

    disk.fault = fault
    made.add(CHANGE, b"", bytes(300))

    assert carry(made) is None
    made.close()


def test_entries_that_are_not_synced_are_synced_later() -> None:
    """A later round syncs what an earlier one wrote."""
    disk = FakeDisk()
    made = journal(disk)
    made.add(CHANGE, b"", b"change")
    carry(made, sync=False)
    assert made.is_pending(sync=True)
    disk.log = []
    carry(made)

    assert ["sync d/00000001.journal"] == disk.log


def test_a_failed_sync_of_a_directory_has_a_kind() -> None:
    """It is an error of the disk."""
    disk = FakeDisk()

    def fault(_operation: str, _name: str) -> None:
        raise full()

    disk.fault = fault
    try:
        sync_directory(disk, ".")
    except SyncFailed as error:
        assert "directory" in str(error)  # noqa: PT017 - its text
    else:
        raise AssertionError
