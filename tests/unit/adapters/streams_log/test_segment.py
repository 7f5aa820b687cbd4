"""A closed segment is found by its end."""

from app.adapters.streams_log.footer import SegmentColumns, footer_of
from app.adapters.streams_log.segment import encode_closing, find_footer
from tests.fakes.disk import FakeDisk, FakeFile

SALT, BEFORE = 44, 0x01020304


def closed(change: int | None = None) -> FakeFile:
    """A segment of nothing but zeros, a checksum and a footer; with a change, one byte is wrong."""
    columns = SegmentColumns()
    columns.add(1, b"s", 9, 8, 7)
    closing = encode_closing(footer_of(columns, 1, 8), BEFORE, SALT, 50, 2)
    data = bytearray(bytes(46) + BEFORE.to_bytes(4, "little") + closing)
    if change is not None:
        data[change] ^= 1
    file = FakeDisk().create("segment")
    file.write(0, [bytes(data)])
    return file


def test_a_footer_is_found() -> None:
    """Where it is, and what it says."""
    file = closed()
    found = find_footer(file, file.size(), SALT)

    assert found is not None
    record, footer = found
    assert (50, 2, 1, 8) == (record.offset, record.epoch, footer.last, footer.last_time)


def test_a_damaged_footer_is_not_used() -> None:
    """Wherever the damage is, to the last byte."""
    size = closed().size()

    assert all(find_footer(closed(at), size, SALT) is None for at in range(50, size))


def test_an_open_segment_has_none() -> None:
    """Nor has a short file, nor another segment's."""
    file = closed()

    assert find_footer(file, 10, SALT) is None
    assert find_footer(file, file.size() - 1, SALT) is None
    assert find_footer(file, file.size(), SALT + 1) is None
