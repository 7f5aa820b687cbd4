"""What the journals say is taken together."""

from collections.abc import Collection

import pytest

from app.adapters.streams_log.consumers import Consumers
from app.adapters.streams_log.journal_image import JournalImage, Mark, cut_off, open_journal
from app.adapters.streams_log.record import DOCUMENT, ERASE, FLOOR, LOST, MARK, REMOVED, REMOVED_RUNS, Record
from app.adapters.streams_log.removals import pack
from app.adapters.streams_log.scan import Scan
from app.domain.jetstream.storage.seam import Done
from app.ports.files import SyncFailed
from tests.fakes.disk import FakeDisk, full


class _Nowhere:
    """Writes nothing."""

    def enter(self, kind: int, name: bytes, body: bytes) -> None:
        """Forget it."""

    def supersede(self, kinds: Collection[int], begin: bytes) -> None:
        """There is nothing."""

    def commit_state(self, done: Done) -> None:
        """Nothing is to be done."""
        done(None)


def entry(kind: int, body: bytes) -> Record:
    """An entry of a journal."""
    return Record(0, 0, kind, False, 0, 1, 0, b"", b"", body, 0, 0)  # noqa: FBT003 - a field


def image(*entries: tuple[int, bytes]) -> JournalImage:
    """What these entries say."""
    made = JournalImage()
    for kind, body in entries:
        made.take(entry(kind, body), Consumers(_Nowhere()))
    return made


def test_entries_add_up() -> None:
    """Documents and marks replace each other; removals are all kept; the floor rises."""
    found = image(
        (DOCUMENT, b'{"v":1}'),
        (DOCUMENT, b'{"v":2}'),
        (REMOVED, pack([5, 7])),
        (REMOVED_RUNS, pack([10, 20])),
        (FLOOR, pack([4, 30, 99])),
        (FLOOR, pack([3, 2, 1])),
        (ERASE, pack([7])),
        (LOST, pack([8, 9])),
        (MARK, pack([2, 500, 31, 100])),
    )

    assert {"v": 2} == found.document
    assert [(5, 5), (7, 7), (10, 20)] == found.runs
    assert (4, 31, 100) == (found.floor, found.last, found.last_time)
    assert ([7], [(8, 9)], Mark(2, 500, 31, 100)) == (found.erase, found.lost, found.mark)
    assert found.highest == 31
    assert image((REMOVED, pack([50]))).highest == 50


@pytest.mark.parametrize(
    ("kind", "body"), [(DOCUMENT, b"["), (DOCUMENT, b"[]"), (DOCUMENT, b"\xff"), (FLOOR, b"")]
)
def test_what_makes_no_sense_is_refused(kind: int, body: bytes) -> None:
    """The caller reports it."""
    with pytest.raises(ValueError, match=r"."):
        image((kind, body))


def test_a_file_that_is_no_journal_is_reported() -> None:
    """It is not used."""
    disk = FakeDisk()
    disk.make_directory("d")
    disk.create("d/00000001.journal").write(0, [b"something else"])
    texts: list[str] = []

    assert open_journal(disk, "d", 1, texts.append) is None
    assert open_journal(disk, "d", 2, texts.append) is None
    assert ["journal 1 has no valid hea", "journal 2 cannot be read: "] == [text[:26] for text in texts]


def test_a_tail_is_cut_off_for_good() -> None:
    """The cut is synced before anything else is written."""
    disk = FakeDisk()
    file = disk.create("f")
    file.write(0, [b"0123456789"])
    cut_off(file, Scan([], [], 4, b"456789", 0))
    assert disk.files()["f"].safe == b"0123"

    def fault(operation: str, _name: str) -> None:
        if operation == "sync":
            raise full()

    disk.fault = fault
    with pytest.raises(SyncFailed):
        cut_off(file, Scan([], [], 4, b"", 0))
