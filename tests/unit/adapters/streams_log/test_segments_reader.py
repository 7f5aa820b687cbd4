"""Segments that are not closed are read record by record."""

from app.adapters.streams_log.file_head import StreamIdentity
from app.adapters.streams_log.journal_image import JournalImage, Mark
from app.adapters.streams_log.segments_reader import SegmentsReader
from tests.fakes.disk import FakeDisk
from tests.support.store import Store, fill


def stored(messages: int = 20) -> FakeDisk:
    """A store whose server has crashed, in several segments."""
    store = Store()
    stream = store.create()
    fill(stream, messages, payload=b"x" * 100)
    stream.log.skip(messages + 5, 5000)
    stream.log.append(b"s", b"", b"", 5001, removes=[2])
    store.commit(stream)
    return store.disk.copy()


def read(
    disk: FakeDisk, numbers: list[int], mark: Mark | None = None
) -> tuple[list[tuple[int, int]], list[str]]:
    """First and last sequence of each segment, and what was reported."""
    texts: list[str] = []
    reader = SegmentsReader(disk, "streams/1", StreamIdentity(100, "S"), texts.append)
    found = list(reader.read_all(numbers, JournalImage(mark=mark or Mark())))
    return [(each.segment.first, each.segment.last) for each in found], texts


def test_segments_follow_each_other() -> None:
    """Segments are read in order, with footers and without."""
    found, texts = read(stored(), [1, 2, 3])

    assert [] == texts
    assert found[0][0] == 1
    assert found[0][1] + 1 == found[1][0]
    assert found[-1][1] == 26


def test_an_empty_file_is_removed() -> None:
    """It was made just before a crash."""
    disk = stored()
    disk.create("streams/1/00000009.segment")
    found, texts = read(disk, [1, 2, 3, 9])

    assert (3, []) == (len(found), texts)
    assert "streams/1/00000009.segment" not in disk.files()


def test_a_file_without_records_is_set_aside() -> None:
    """A file without records is set aside, whatever is in it."""
    disk = stored()
    disk.create("streams/1/00000009.segment").write(0, [b"something else" * 10])
    _, texts = read(disk, [1, 9])
    assert ["segment 9 was not synced before a crash; it is set aside in damaged"] == texts
    disk.create("streams/1/00000002.segment").write(0, [b"something else" * 10])
    _, texts = read(disk, [1, 2, 3])

    assert ["segment 2 has no message that can be read; it is set aside in damaged"] == texts
    assert len([name for name in disk.files() if name.startswith("damaged/")]) == 2


def test_a_damaged_head_costs_nothing() -> None:
    """The messages are read all the same."""
    disk = stored()
    name = "streams/1/00000003.segment"
    disk.files()[name].data[20] ^= 1
    found, texts = read(disk, [1, 2, 3])

    assert found[-1][1] == 26
    assert ["the head of segment 3 is damaged; its messages are read all the same"] == texts


def test_a_file_that_cannot_be_read_is_reported() -> None:
    """A file that cannot be read is reported, and the others are read."""
    found, texts = read(stored(), [1, 2, 7])

    assert len(found) == 2
    assert texts[0].startswith("segment 7 cannot be read")


def test_valid_records_that_are_cut_are_kept_aside() -> None:
    """What was not synced is cut off; if that has whole records, there is a copy."""
    store = Store()
    stream = store.create()
    stream.writer.size = 100_000
    fill(stream, 9, payload=b"x" * 200)
    store.commit(stream)
    disk = store.disk.copy()
    disk.files()["streams/1/00000001.segment"].data[700] ^= 1
    found, texts = read(disk, [1])

    assert found[0][1] < 9
    assert [] == texts
    assert [name for name in disk.files() if name.startswith("damaged/streams-1-1-")]


def test_a_footer_of_the_newest_segment_is_believed_if_it_was_synced() -> None:
    """The mark of the journal says so; otherwise what is before it may be missing."""
    store = Store()
    stream = store.create()
    fill(stream, 3)
    store.commit(stream)
    disk = store.disk.copy()
    store.storage.close()
    closed = store.disk.copy()
    closed.files()["streams/1/00000001.segment"].data[100] ^= 1

    def messages(of: FakeDisk, mark: Mark) -> int:
        reader = SegmentsReader(of, "streams/1", StreamIdentity(100, "S"), print)
        return len(next(reader.read_all([1], JournalImage(mark=mark))).footer.columns.ids)

    assert messages(closed, Mark(1, 0, 3, 0)) == 3
    assert messages(closed, Mark()) == 2
    assert messages(disk, Mark()) == 3
