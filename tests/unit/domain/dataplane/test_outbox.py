"""Outboxes: what waits for one connection, in order, counted, and watched by its owner."""

from app.domain.dataplane.constants import FLUSH_BYTES
from tests.fakes.data_plane import Stage, Station

PUBLISH = b"PUB foo 5\r\nhello\r\n"
MESSAGE = b"MSG foo 1 5\r\nhello\r\n"


def test_bytes_wait_for_the_flush(station: Station) -> None:
    """What is queued goes to the wire at the flush, in order and at once."""
    station.outbox.send(b"one ")
    station.outbox.send(b"two")
    early = station.wire.heard()
    station.outbox.flush()

    assert (b"", [b"one two"]) == (early, station.wire.writes)


def test_a_plane_flushes_those_touched(stage: Stage) -> None:
    """The plane's flush reaches each outbox that something waits in, once."""
    first, second, idle = stage.station(), stage.station(), stage.station()

    first.outbox.send(b"a")
    second.outbox.send(b"b")
    first.outbox.send(b"c")
    stage.plane.flush()
    stage.plane.flush()

    assert [[b"ac"], [b"b"], []] == [first.wire.writes, second.wire.writes, idle.wire.writes]


def test_a_flush_leaves_what_would_take_long(stage: Stage) -> None:
    """Some bytes go to the wires in one go; the others wait, and what comes meanwhile goes before them."""
    first, second, third, fourth = (stage.station() for _ in range(4))
    bulk = b"x" * (FLUSH_BYTES // 2)

    for station in (first, second, third, fourth):
        station.outbox.send(bulk)
    left = stage.plane.flush()
    third.outbox.send(b"after")
    first.outbox.send(b"before")
    late = stage.plane.flush()
    heard = [len(station.heard()) for station in (first, second, third, fourth)]
    rest = stage.plane.flush_rest()

    assert (True, False, False) == (left, late, rest)
    assert [len(bulk) + len(b"before"), len(bulk), 0, 0] == heard
    assert [bulk + b"after", bulk] == [third.heard(), fourth.heard()]


def test_a_rest_of_many_slices(stage: Stage) -> None:
    """A rest is handed over a slice at a time, and all of it in the end."""
    stations = [stage.station() for _ in range(4)]
    bulk = b"x" * FLUSH_BYTES

    for station in stations:
        station.outbox.send(bulk)
    left = [stage.plane.flush(), *(stage.plane.flush_rest() for _ in range(4))]

    assert [True, True, True, False, False] == left
    assert [bulk] * 4 == [station.heard() for station in stations]


def test_messages_and_lines_share_one_queue(stage: Stage, station: Station) -> None:
    """Control plane bytes and messages leave in the order in which they came."""
    stage.subscribe(b"foo", station.target())

    station.outbox.send(b"PONG\r\n")
    station.feed(PUBLISH)
    station.outbox.send(b"+OK\r\n")

    assert b"PONG\r\n" + MESSAGE + b"+OK\r\n" == station.heard()


def test_large_messages_keep_their_place(stage: Stage) -> None:
    """Messages of all sizes reach each receiver whole and in order."""
    sender, first, second = stage.station(), stage.station(), stage.station()
    stage.subscribe(b"foo", first.target(b"1"), second.target(b"22"))
    sizes = [0, 3, 100_000, 1, 20_000, 300_000, 2]

    for size in sizes:
        sender.feed(b"PUB foo %d\r\n%b\r\n" % (size, size * b"x"))
    second.outbox.send(b"PONG\r\n")

    assert b"".join(b"MSG foo 1 %d\r\n%b\r\n" % (size, size * b"x") for size in sizes) == first.heard()
    assert (
        b"".join(b"MSG foo 22 %d\r\n%b\r\n" % (size, size * b"x") for size in sizes) + b"PONG\r\n"
        == second.heard()
    )


def test_deliveries_are_counted(stage: Stage, station: Station) -> None:
    """Messages, their payload bytes and the time of the last one are counted; lines are not."""
    stage.subscribe(b"foo", station.target())
    before = station.outbox.last_delivery

    stage.plane.now = 7.5
    station.feed(2 * PUBLISH)
    stage.plane.now = 9.5
    station.outbox.send(b"PONG\r\n")

    assert (0.0, 7.5) == (before, station.outbox.last_delivery)
    assert (2, 10) == (station.outbox.out_msgs, station.outbox.out_bytes)


def test_pending_counts_both_sides(station: Station) -> None:
    """Pending is what waits here and what the wire has not passed on."""
    station.wire.stall()

    station.outbox.send(b"12345")
    waiting = station.outbox.pending()
    station.outbox.flush()
    station.outbox.send(b"678")
    both = station.outbox.pending()
    station.wire.pass_on(4)

    assert (5, 8, 4) == (waiting, both, station.outbox.pending())


def test_passed_grows_while_the_receiver_reads(station: Station) -> None:
    """What was passed on is counted from the start, and queueing alone does not change it."""
    station.wire.stall()
    station.outbox.send(b"12345")
    passed = [station.outbox.passed()]

    station.outbox.flush()
    passed.append(station.outbox.passed())
    station.wire.pass_on(3)
    passed.append(station.outbox.passed())
    station.wire.pass_on()
    station.outbox.send(b"67")
    station.outbox.flush()
    passed.append(station.outbox.passed())

    assert [0, 0, 3, 7] == passed


def test_the_owner_is_asked_above_the_alarm(stage: Stage, station: Station) -> None:
    """A message that leaves as much pending as the alarm says is no reason to ask; one byte more is."""
    stage.subscribe(b"foo", station.target())

    station.outbox.alarm = 2 * len(MESSAGE)
    station.feed(2 * PUBLISH)
    at_the_alarm = station.owner.presses
    station.outbox.alarm = 3 * len(MESSAGE) - 1
    station.feed(PUBLISH)

    assert (0, 1) == (at_the_alarm, station.owner.presses)


def test_the_owner_is_asked_at_each_message(stage: Stage, station: Station) -> None:
    """Above the alarm the owner hears of every further message."""
    stage.subscribe(b"foo", station.target())
    station.outbox.alarm = 0

    station.feed(3 * PUBLISH)

    assert 3 == station.owner.presses


def test_the_alarm_knows_what_the_wire_held(stage: Stage, station: Station) -> None:
    """Bytes that the wire had not passed on at the last flush count towards the alarm."""
    stage.subscribe(b"foo", station.target())
    station.outbox.alarm = len(MESSAGE) + 1
    station.wire.stall()

    station.feed(PUBLISH)
    stage.plane.flush()
    alone = station.owner.presses
    station.feed(PUBLISH)

    assert (0, 1) == (alone, station.owner.presses)


def test_the_owner_may_flush_while_asked(stage: Stage, station: Station) -> None:
    """A flush from within the question loses and doubles nothing."""
    stage.subscribe(b"foo", station.target())
    station.outbox.alarm = 0

    def flush() -> bool:
        station.outbox.flush()
        return False

    station.owner.decide = flush
    station.feed(2 * PUBLISH)

    assert [MESSAGE, MESSAGE] == station.wire.writes
    assert b"" == station.heard()[2 * len(MESSAGE) :]


def test_a_closed_outbox_takes_nothing(stage: Stage, station: Station) -> None:
    """Neither lines nor messages get in, and nothing is counted."""
    other = stage.station()
    stage.subscribe(b"foo", station.target(), other.target(b"2"))

    station.outbox.closed = True
    station.outbox.send(b"PONG\r\n")
    other.feed(PUBLISH)

    assert (b"", b"MSG foo 2 5\r\nhello\r\n") == (station.heard(), other.heard())
    assert (0, 0, 0.0) == (
        station.outbox.out_msgs,
        station.outbox.out_bytes,
        station.outbox.last_delivery,
    )
    assert (1, 5) == (stage.plane.out_msgs, stage.plane.out_bytes)


def test_tracing_gives_messages_to_the_owner(stage: Stage, station: Station) -> None:
    """While tracing, the owner is given each message's line, but no line of the control plane."""
    stage.subscribe(b"foo", station.target(b"9"))
    station.outbox.trace = True

    station.feed(b"PUB foo 2\r\nok\r\nPUB foo  re \t002\r\nok\r\n")
    station.outbox.send(b"PONG\r\n")

    assert [b"MSG foo 9 2", b"MSG foo 9 re 002"] == station.owner.heads
    assert b"MSG foo 9 2\r\nok\r\nMSG foo 9 re 002\r\nok\r\nPONG\r\n" == station.heard()
