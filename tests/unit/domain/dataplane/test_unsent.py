"""What is kept of the bytes that a wire has not passed on."""

from app.domain.dataplane.unsent import KEPT_FROM, MOST_KEPT, Unsent, UnsentFlush
from app.ports.transport import HIGH_WATER
from tests.fakes.data_plane import Stage, Station

FLUSH = b"x" * (KEPT_FROM // 2)


def kept(station: Station) -> list[tuple[int, int]]:
    """How large the flushes are that are kept, and how much of each was passed on."""
    found = station.outbox.unsent()
    return [
        (len(one.pieces if isinstance(one.pieces, bytes) else b"".join(one.pieces)), one.passed)
        for one in found
    ]


def send(station: Station, data: bytes = FLUSH) -> None:
    """Hand this over."""
    station.outbox.send(data)
    station.outbox.flush()


def test_flushes_leave_as_they_are_passed_on() -> None:
    """Whole flushes, of which the first may be passed on in part."""
    unsent = Unsent()
    unsent.add(b"abcd", 4, 14)
    unsent.add([b"ef", b"g"], 3, 17)

    assert [UnsentFlush(b"abcd", 0), UnsentFlush([b"ef", b"g"], 0)] == unsent.rest(10)
    assert [UnsentFlush(b"abcd", 3), UnsentFlush([b"ef", b"g"], 0)] == unsent.rest(13)
    assert [UnsentFlush([b"ef", b"g"], 0)] == unsent.rest(14)
    assert [] == unsent.rest(17)


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """What comes later is not known; there is room again when what was kept is passed on."""
    unsent = Unsent()
    unsent.add(b"a", MOST_KEPT, MOST_KEPT)
    unsent.add(b"b", 1, MOST_KEPT + 1)
    assert 1 == len(unsent.rest(0))
    assert [] == unsent.rest(MOST_KEPT)
    unsent.add(b"c", 1, MOST_KEPT + 2)

    assert [UnsentFlush(b"c", 0)] == unsent.rest(MOST_KEPT + 1)


def test_wires_announce_that_they_have_drained() -> None:
    """From the mark on from which bytes are kept: so what is kept is let go of."""
    assert HIGH_WATER == KEPT_FROM


def test_a_quick_receiver_keeps_nothing(station: Station) -> None:
    """Nor does one for which little is pending."""
    send(station)
    station.wire.stall()
    send(station)
    send(station)

    assert [] == station.outbox.unsent()


def test_a_slow_receiver(station: Station) -> None:
    """From the flush on with which much is pending, and for as long as it is."""
    station.wire.stall()
    for _ in range(4):
        send(station)
    assert [(len(FLUSH), 0), (len(FLUSH), 0)] == kept(station)

    station.wire.pass_on(2 * len(FLUSH))
    assert [(len(FLUSH), 0), (len(FLUSH), 0)] == kept(station)
    send(station)
    assert [(len(FLUSH), 0)] * 3 == kept(station)
    station.wire.pass_on(1)
    assert (len(FLUSH), 1) == kept(station)[0]
    station.wire.pass_on(3 * len(FLUSH) - 1)
    station.outbox.pending()
    assert [] == station.outbox.unsent()


def test_a_low_alarm(station: Station) -> None:
    """Where publishers are held earlier, bytes are kept earlier: from a quarter of that on."""
    station.outbox.alarm = 4000
    station.wire.stall()
    send(station, b"a" * 1000)
    assert [] == station.outbox.unsent()
    send(station, b"b")

    assert [(1, 0)] == kept(station)


def test_large_messages_are_kept_as_they_were_handed_over(stage: Stage) -> None:
    """Their pieces are not joined for that."""
    sender, receiver = stage.station(), stage.station()
    stage.subscribe(b"foo", receiver.target())
    receiver.wire.stall()
    sender.feed(b"PUB foo 400000\r\n%b\r\n" % bytes(400_000))
    stage.plane.flush()
    (flush,) = receiver.outbox.unsent()

    assert len(b"MSG foo 1 400000\r\n") + 400_002 == sum(map(len, flush.pieces))  # type: ignore[arg-type] # pieces
    assert 0 == flush.passed
