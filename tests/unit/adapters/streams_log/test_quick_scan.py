"""The whole part of a segment is read as `scan` would read it."""

import sys
from random import Random

import pytest

from app.adapters.streams_log import quick_scan
from app.adapters.streams_log.footer import SegmentColumns
from app.adapters.streams_log.quick_scan import Reached, message_reader, read_plainly, read_whole
from app.adapters.streams_log.record import (
    ERASED,
    FIRST_OF_EPOCH,
    FOOT,
    MESSAGE,
    REMOVING_MESSAGE,
    SKIP,
    Record,
    decode,
    encode,
    erased,
    seed_of,
    with_removals,
)
from app.adapters.streams_log.scan import scan
from app.adapters.streams_log.segments_reader import add_record

START, BEFORE, SALT, NUMBER = 40, 7, 1234, 3
BEGIN = Reached(START, BEFORE, -1, 5, 9)


@pytest.fixture(name="reader", params=["compiled", "plain"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is for both ways to read."""
    if request.param == "plain":
        monkeypatch.setattr(quick_scan, "message_reader", lambda: read_plainly)
    elif message_reader() is read_plainly:
        pytest.skip("the compiled code is not built")


def file_of(random: Random, kinds: list[int]) -> bytearray:
    """A segment with records of these kinds."""
    data, before = bytearray(START), BEFORE
    for position, kind in enumerate(kinds):
        offset, sequence = len(data), 10 + 2 * position
        body = random.randbytes(random.choice([0, 1, 50]))
        if kind == REMOVING_MESSAGE:
            body = with_removals(body, [1, sequence - 2])
        headers = random.choice([b"", b"NATS/1.0\r\n\r\n"])
        texts = (b"s.%d" % random.randrange(3), headers, body)
        written = MESSAGE if kind == ERASED else kind
        flag = random.choice([0, FIRST_OF_EPOCH])
        seed = seed_of(SALT, offset)
        record, before = encode(written | flag, position // 4, sequence, 100 + position, texts, before, seed)
        if kind == ERASED:
            found = decode(record, offset, offset, SALT)
            assert found is not None
            record = erased(found, seed)
        data += record
    return data


def by_scan(data: bytes) -> tuple[SegmentColumns, list[Record]]:
    """What `scan` finds, in columns, and its records."""
    columns = SegmentColumns()
    records = scan(data, START, BEFORE, SALT, synced=0).records
    for record in records:
        add_record(columns, record, NUMBER)
    return columns, records


def lists(columns: SegmentColumns) -> list[list[object]]:
    """Columns, to compare."""
    names = [columns.names[each] for each in columns.ids]
    rest = columns.sequences, columns.places, columns.times, columns.sizes, columns.removes
    return [list[object](names), *(list[object](each) for each in rest)]


def test_it_finds_what_a_scan_finds() -> None:
    """Messages of all kinds, to the end of the file."""
    for seed in range(50):
        random = Random(seed)
        kinds = random.choices([MESSAGE, REMOVING_MESSAGE, SKIP, ERASED], [6, 2, 1, 1], k=12)
        data = bytes(file_of(random, kinds)) + bytes(random.choice([0, 100]))
        columns = SegmentColumns()
        reached = read_whole(data, BEGIN, SALT, NUMBER, columns)
        expected, records = by_scan(data)

        assert lists(expected) == lists(columns)
        last = records[-1]
        assert (last.end, last.checksum, last.sequence) == (reached.offset, reached.before, reached.last)
        assert (last.epoch, reached.epoch) == (2, 2)
        times = [record.time for record in records if record.kind != ERASED]
        assert reached.time == (times[-1] if times else BEGIN.time)


def test_it_ends_where_something_is_wrong() -> None:
    """Whichever byte is: all records before it were read, and none from it on."""
    data = file_of(Random(1), [MESSAGE, REMOVING_MESSAGE, SKIP, MESSAGE])
    _, records = by_scan(bytes(data))
    for at in range(START, len(data)):
        data[at] ^= 1
        columns = SegmentColumns()
        reached = read_whole(bytes(data), BEGIN, SALT, NUMBER, columns)
        data[at] ^= 1

        whole = [record for record in records if record.end <= at]
        assert reached.offset == (whole[-1].end if whole else START)
        assert [record.sequence for record in whole if record.kind != SKIP] == list(columns.sequences)


def test_it_ends_before_a_footer_and_what_does_not_follow() -> None:
    """A footer is for those who know where it counts; a record of another chain is none."""
    footer = file_of(Random(1), [MESSAGE, FOOT])
    assert read_whole(bytes(footer), BEGIN, SALT, NUMBER, SegmentColumns()).last == 10
    for kind in (MESSAGE, SKIP):
        data = file_of(Random(1), [MESSAGE])
        stale, _ = encode(kind, 0, 12, 0, (b"s", b"", b""), 4321, seed_of(SALT, len(data)))
        assert read_whole(bytes(data) + stale, BEGIN, SALT, NUMBER, SegmentColumns()).last == 10
        chained = file_of(Random(1), [MESSAGE])
        before = read_whole(bytes(chained), BEGIN, SALT, NUMBER, SegmentColumns()).before
        back, _ = encode(kind, 0, 10, 0, (b"s", b"", b""), before, seed_of(SALT, len(chained)))
        assert read_whole(bytes(chained) + back, BEGIN, SALT, NUMBER, SegmentColumns()).last == 10


def test_nothing_is_read_of_nothing() -> None:
    """It begins where it ends."""
    assert read_whole(bytes(START), BEGIN, SALT, NUMBER, SegmentColumns()) == BEGIN
    assert read_whole(b"", BEGIN, SALT, NUMBER, SegmentColumns()) == BEGIN


def test_both_ways_read_the_same() -> None:
    """To the last column, also where bytes are not those that were written."""
    for seed in range(300):
        random = Random(seed)
        kinds = random.choices([MESSAGE, REMOVING_MESSAGE, SKIP], [8, 3, 1], k=random.randrange(9))
        data = file_of(random, kinds)
        for _ in range(random.randrange(3)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        cut = bytes(data[: random.choice([len(data), random.randrange(len(data) + 1)])])
        found = []
        for read in (message_reader(), read_plainly):
            columns = SegmentColumns()
            columns.number_of(b"s.2")
            found.append((read(cut, BEGIN, SALT, NUMBER, columns), lists(columns), columns.names))

        assert found[0] == found[1]


def test_where_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain way is taken."""
    monkeypatch.setitem(sys.modules, f"{quick_scan.__package__}.native_records", None)

    assert message_reader.__wrapped__() is read_plainly
