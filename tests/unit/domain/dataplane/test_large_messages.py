"""Large messages: filled in place, bounded by what arrived, and gone when they are done."""

import pytest

from app.domain.dataplane.constants import OWN_BYTES, RECEIVE_BYTES, REFERENCED_BYTES
from app.domain.dataplane.seam import MakePlane, Progress
from tests.fakes.data_plane import Stage, Station

SIZES = [
    OWN_BYTES - 40,
    OWN_BYTES - 14,
    OWN_BYTES,
    OWN_BYTES + 1,
    2 * OWN_BYTES,
    RECEIVE_BYTES - 17,
    RECEIVE_BYTES,
    RECEIVE_BYTES + 1,
    700_000,
    1_048_576,
]
READS = [1_000, 4_096, 65_536, 65_537, 1 << 30]


def publish(size: int) -> bytes:
    """A PUB with a payload that has line ends in it."""
    return b"PUB foo %d\r\n%b\r\n" % (size, payload(size))


def payload(size: int) -> bytes:
    """Bytes that would be lines, and would show a shift."""
    return b"".join(b"PING %d\r\n" % i for i in range(size // 7 + 1))[:size]


def read(station: Station, data: bytes, size: int) -> Progress:
    """Feed in reads of at most `size` bytes; the last answer."""
    progress = Progress.DONE
    for start in range(0, len(data), size):
        progress = station.feed(data[start : start + size])
    return progress


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("per_read", READS)
def test_messages_of_any_size_in_any_reads(stage: Stage, size: int, per_read: int) -> None:
    """A message is delivered whole, whatever its size and that of the reads, and so are those around it."""
    station = stage.station()
    stage.subscribe(b"foo", station.target())
    data = publish(3) + publish(size) + publish(size) + publish(4) + b"PING\r\n"

    progress = read(station, data, per_read)

    heard = b"".join(b"MSG foo 1 %d\r\n%b\r\n" % (n, payload(n)) for n in (3, size, size, 4))
    assert heard == station.heard()
    assert (Progress.DONE, [b"PING\r"]) == (progress, station.control.lines)
    assert (4, 7 + 2 * size) == (station.inlet.in_msgs, station.inlet.in_bytes)
    assert not station.inlet.has_rest()


def test_room_grows_with_what_arrived(make_plane: MakePlane) -> None:
    """An announcement alone reserves little: room is never more than has already come, or a first portion."""
    station = Stage(make_plane, max_payload=-1).station()
    line = b"PUB foo 100000000000000000\r\n"
    station.feed(line)
    arrived = len(line)

    while arrived < 3_000_000:
        room = station.plane.reserve(station.inlet)
        assert 0 < len(room) <= max(OWN_BYTES, arrived)
        station.plane.ingest(station.inlet, len(room))
        arrived += len(room)


def test_room_ends_with_the_message(stage: Stage, station: Station) -> None:
    """The last portion of room is as large as the message still needs, and no larger."""
    data = publish(100_000)
    station.feed(data[:OWN_BYTES])

    room = stage.plane.reserve(station.inlet)

    assert len(data) - OWN_BYTES == len(room)


def test_a_large_payload_is_filled_in_place(stage: Stage, station: Station) -> None:
    """Each read goes after the one before; the message moves only when its room doubles."""
    data = publish(1_000_000)
    memories: list[object] = []

    position = station.put(data[:2_000])
    stage.plane.ingest(station.inlet, position)
    while position < len(data):
        room = stage.plane.reserve(station.inlet)
        if not memories or room.obj is not memories[-1]:
            memories.append(room.obj)
        count = min(len(room), 1_000, len(data) - position)
        room[:count] = data[position : position + count]
        stage.plane.ingest(station.inlet, count)
        position += count

    assert 1 == station.inlet.in_msgs
    assert len(memories) <= 5


def test_a_large_payload_is_not_scanned_again(stage: Stage, station: Station) -> None:
    """Nothing within an announced payload is taken for a line, complete or not."""
    stage.subscribe(b"foo", station.target())

    read(station, publish(200_000)[:-1], 777)

    assert ([], []) == (station.control.lines, station.control.partials[1:])
    assert 0 == station.inlet.in_msgs


def test_room_returns_to_normal(stage: Stage, station: Station) -> None:
    """After a large message the connection reads into the shared buffer again."""
    other = stage.station()
    read(station, publish(1_000_000), 50_000)

    mine, shared = stage.plane.reserve(station.inlet), stage.plane.reserve(other.inlet)

    assert RECEIVE_BYTES == len(mine)
    assert mine.obj is shared.obj


def test_an_idle_connection_reads_into_the_shared_buffer(stage: Stage) -> None:
    """Connections without a rest reserve the same memory, all of it."""
    first, second = stage.station(), stage.station()

    rooms = [stage.plane.reserve(first.inlet), stage.plane.reserve(second.inlet)]

    assert [RECEIVE_BYTES, RECEIVE_BYTES] == [len(room) for room in rooms]
    assert rooms[0].obj is rooms[1].obj


def test_a_small_rest_leaves_most_of_the_room(stage: Stage, station: Station) -> None:
    """A rest that fits a buffer of its own is put before the new bytes, in the shared one."""
    station.feed(publish(OWN_BYTES - 100)[:-1])

    room = stage.plane.reserve(station.inlet)

    assert RECEIVE_BYTES - len(publish(OWN_BYTES - 100)) + 1 == len(room)


def test_reserving_again_changes_nothing(stage: Stage, station: Station) -> None:
    """A room that was reserved and not used costs nothing that was kept."""
    stage.subscribe(b"foo", station.target())
    data = publish(300_000)
    for start in range(0, len(data), 30_000):
        stage.plane.reserve(station.inlet)
        stage.plane.reserve(stage.station().inlet)
        station.feed(data[start : start + 30_000])

    assert b"MSG foo 1 300000\r\n" + payload(300_000) + b"\r\n" == station.heard()


@pytest.mark.parametrize("split", [1, 2], ids=["between CR and LF", "before CR LF"])
@pytest.mark.parametrize("size", [5, 100_000], ids=["small", "large"])
def test_a_message_cut_at_its_very_end(stage: Stage, size: int, split: int) -> None:
    """Waiting for the last byte or two is like waiting for any other."""
    station = stage.station()
    stage.subscribe(b"foo", station.target())
    data = publish(size)

    station.feed(data[:-split])
    kept = (station.heard(), station.inlet.has_rest())
    station.feed(data[-split:])

    assert (b"", True) == kept
    assert b"MSG foo 1 %d\r\n%b\r\n" % (size, payload(size)) == station.heard()


@pytest.mark.parametrize("count", [1, 4])
def test_a_large_message_is_there_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """All receivers are handed the same bytes, not copies of them, also where messages come in a row."""
    sender, receivers = stage.station(), [stage.station() for _ in range(20)]
    stage.subscribe(b"foo", *(receiver.target() for receiver in receivers))
    pieces: list[bytes] = []
    for receiver in receivers:
        monkeypatch.setattr(receiver.wire, "writelines", pieces.extend)

    sender.feed(publish(REFERENCED_BYTES) * count)
    stage.plane.flush()

    large = [piece for piece in pieces if len(piece) >= REFERENCED_BYTES]
    assert (20 * count, count) == (len(large), len({id(piece) for piece in large}))
