"""How an ingest ends before its bytes do, and how it is taken up again."""

import pytest

from app.domain.dataplane.constants import DELIVERY_WORK, MOST_CANDIDATES, OWN_BYTES, TURN_WORK
from app.domain.dataplane.seam import Progress
from tests.fakes.data_plane import Stage, Station

PUBLISH = b"PUB foo 5\r\nhello\r\n"
MESSAGE = b"MSG foo 1 5\r\nhello\r\n"
OTHER = b"PUB bar 5\r\nhello\r\n"
ALARM = 10


def stop_at(station: Station, last: bytes) -> None:
    """Let the control plane say stop after one line."""
    station.control.obey = lambda line: line != last


def test_stopped_by_a_line(stage: Stage, station: Station) -> None:
    """Input after a line that stops the ingest is kept, and processed later, in order."""
    stage.subscribe(b"foo", station.target())
    stop_at(station, b"wait")

    stopped = station.feed(PUBLISH + b"wait\nnext\n" + PUBLISH + PUBLISH[:7])
    early = (station.heard(), list(station.control.lines), station.inlet.has_rest())
    resumed = station.go_on()
    station.feed(PUBLISH[7:])

    assert (Progress.STOPPED, Progress.DONE) == (stopped, resumed)
    assert (MESSAGE, [b"wait"], True) == early
    assert (2 * MESSAGE, [b"wait", b"next"]) == (station.heard(), station.control.lines)


@pytest.mark.parametrize("rest", [b"", b"next\n" + PUBLISH[:7], b"x" * (OWN_BYTES + 5), b"PUB a 70000\r\nx"])
def test_what_is_kept_can_be_looked_at(station: Station, rest: bytes) -> None:
    """A copy of the unconsumed bytes shows what is to come, small or large, and changes nothing."""
    stop_at(station, b"wait")

    for piece in (b"wait\n", *(rest[start : start + 50_000] for start in range(0, len(rest), 50_000))):
        if station.inlet.kept():
            station.feed(piece)
        else:
            station.feed(b"wait\n" + piece if piece != b"wait\n" else piece)

    assert rest == station.inlet.kept() == station.inlet.kept()
    assert bool(rest) is station.inlet.has_rest()


def test_stopped_by_the_last_line(station: Station) -> None:
    """A stop after the last byte keeps nothing."""
    stop_at(station, b"wait")

    progress = station.feed(b"wait\n")

    assert (Progress.STOPPED, False) == (progress, station.inlet.has_rest())


def test_bytes_that_come_while_stopped(station: Station) -> None:
    """New bytes queue after those kept, and are taken up with them."""
    stop_at(station, b"wait")

    station.feed(b"wait\none\nt")
    station.feed(b"wo\nthree\n")

    assert [b"wait", b"one", b"two", b"three"] == station.control.lines


def test_stopped_again_and_again(station: Station) -> None:
    """Each stop keeps the rest again."""
    station.control.obey = lambda _line: False

    answers = [station.feed(b"a\nb\nc\n"), station.go_on(), station.go_on(), station.go_on()]

    assert [Progress.STOPPED] * 3 + [Progress.DONE] == answers
    assert [b"a", b"b", b"c"] == station.control.lines


def test_stopped_with_much_behind(stage: Stage, station: Station) -> None:
    """A rest of any size is kept whole."""
    stage.subscribe(b"foo", station.target())
    stop_at(station, b"wait")
    many = 10_000 * PUBLISH

    station.feed(b"wait\n" + many)
    stage.station().feed(b"PING\r\n")
    station.go_on()

    assert 10_000 * MESSAGE == station.heard()
    assert not station.inlet.has_rest()


def test_closed_by_a_line(station: Station) -> None:
    """Input after a line that closed the connection is neither obeyed nor kept."""

    def close(_line: bytes) -> bool:
        station.inlet.closed = True
        return False

    station.control.obey = close
    progress = station.feed(b"bye\nnext\n" + PUBLISH)

    assert (Progress.STOPPED, [b"bye"], 0) == (progress, station.control.lines, station.inlet.in_msgs)
    assert not station.inlet.has_rest()


def test_closed_within_a_message(stage: Stage, station: Station) -> None:
    """A publisher that a delivery closed is not served further."""
    stage.subscribe(b"foo", station.target())
    station.outbox.alarm = ALARM

    def close() -> bool:
        station.inlet.closed = True
        return False

    station.owner.decide = close
    progress = station.feed(2 * PUBLISH)

    assert (Progress.STOPPED, 1) == (progress, station.inlet.in_msgs)
    assert not station.inlet.has_rest()


@pytest.mark.parametrize("kept", [b"", b"PI", b"PUB foo 5\r\nhe", b"PUB foo 90000\r\nhe"])
def test_closed_between_reads(station: Station, kept: bytes) -> None:
    """A closed connection discards what was kept and what comes."""
    station.feed(kept)

    station.inlet.closed = True
    progress = station.feed(b"NG\r\n" + PUBLISH)

    assert (Progress.STOPPED, False) == (progress, station.inlet.has_rest())
    assert ([], 0) == (station.control.lines, station.inlet.in_msgs)


def test_a_message_for_a_congested_receiver_waits(stage: Stage) -> None:
    """It is given to nobody while an owner holds the publisher, and to all when none does; others pass."""
    sender, slow, quick = stage.station(), stage.station(), stage.station()
    stage.subscribe(b"foo", quick.target(), slow.target())
    stage.subscribe(b"other", quick.target(b"2"))
    slow.outbox.congested = True
    slow.owner.decide = lambda: True

    held = sender.feed(b"PUB other 2\r\nok\r\n" + 2 * PUBLISH + b"PING\r\n")
    early = (slow.heard(), quick.heard(), sender.inlet.in_msgs, sender.inlet.kept())
    slow.owner.decide = lambda: False
    last = sender.go_on()

    assert (b"", b"MSG other 2 2\r\nok\r\n", 1, 2 * PUBLISH + b"PING\r\n") == early
    assert [Progress.HELD, Progress.DONE] == [held, last]
    assert 2 * [2 * MESSAGE] == [slow.heard(), quick.heard()]
    assert [b"PING\r"] == sender.control.lines


def test_a_message_that_nobody_listens_to_waits_once(stage: Stage) -> None:
    """A patient ingest ends before it, so that others may subscribe; the rest follows."""
    sender, late = stage.station(), stage.station()
    stage.subscribe(b"other", late.target(b"2"))
    stage.plane.patient = lambda: True

    first = sender.feed(b"PUB other 2\r\nok\r\n" + PUBLISH + b"PUB nobody 2\r\nok\r\nPING\r\n")
    early = (late.heard(), sender.inlet.in_msgs)
    stage.subscribe(b"foo", late.target())
    last = sender.go_on()

    assert [Progress.LATER, Progress.DONE] == [first, last]
    assert (b"MSG other 2 2\r\nok\r\n", 1) == early
    assert (MESSAGE, 3, [b"PING\r"]) == (late.heard(), sender.inlet.in_msgs, sender.control.lines)


def test_a_message_that_nobody_listens_to_need_not_wait(stage: Stage) -> None:
    """Where nobody goes first it is published at once; that is asked once."""
    sender, answers = stage.station(), [False]
    stage.plane.patient = answers.pop

    progress = sender.feed(2 * PUBLISH + b"PING\r\n")

    assert (Progress.DONE, 2, []) == (progress, sender.inlet.in_msgs, answers)
    assert [b"PING\r"] == sender.control.lines


def test_a_refused_message_does_not_wait(stage: Stage) -> None:
    """Nobody can come to listen to it."""
    sender = stage.station()
    stage.planner.refused[(0, b"foo")] = b"-ERR 'no'\r\n"
    stage.plane.patient = lambda: True

    assert Progress.DONE == sender.feed(PUBLISH)
    assert b"-ERR 'no'\r\n" == sender.heard()


def test_each_congested_receiver_is_asked(stage: Stage) -> None:
    """The publisher waits for all of them that say so; retired ones are passed over."""
    sender, first, second = stage.station(), stage.station(), stage.station()
    gone = first.target()
    stage.subscribe(b"foo", first.target(), second.target(), gone)
    gone.retire()
    for station in (first, second):
        station.outbox.congested = True
        station.owner.decide = lambda: True

    sender.feed(PUBLISH)

    assert (1, 1) == (first.owner.presses, second.owner.presses)


def test_who_is_asked_may_free_those_after_it(stage: Stage) -> None:
    """The members of a group are looked at when the receivers before them have been asked."""
    sender, first, member = stage.station(), stage.station(), stage.station()
    stage.planner.listeners[b"foo"] = ((first.target(),), [[member.target()]])
    first.outbox.congested = member.outbox.congested = True

    def decide() -> bool:
        member.outbox.congested = False
        return True

    first.owner.decide = decide
    sender.feed(PUBLISH)

    assert (1, 0) == (first.owner.presses, member.owner.presses)


def test_nobody_is_asked_without_congestion(stage: Stage) -> None:
    """Once the mark is taken away messages pass without a question."""
    sender, slow = stage.station(), stage.station()
    stage.subscribe(b"foo", slow.target())
    slow.outbox.congested = True
    slow.outbox.congested = True
    slow.outbox.congested = False

    sender.feed(PUBLISH)

    assert (0, MESSAGE, False) == (slow.owner.presses, slow.heard(), slow.outbox.congested)


def test_a_receiver_that_closes_its_publisher_when_asked(stage: Stage, station: Station) -> None:
    """A publisher that is closed while it is held keeps nothing."""
    stage.subscribe(b"foo", station.target())
    station.outbox.congested = True

    def close() -> bool:
        station.inlet.closed = True
        return True

    station.owner.decide = close

    assert Progress.HELD == station.feed(2 * PUBLISH)
    assert not station.inlet.has_rest()


def test_a_queue_group_prefers_members_that_are_ready(stage: Stage) -> None:
    """A congested, closed or retired member gets no message while another one can take it."""
    sender, slow, closed, gone, quick = (stage.station() for _ in range(5))
    retired = gone.target()
    stage.planner.listeners[b"foo"] = ((), [[slow.target(), closed.target(), retired, quick.target()]])
    retired.retire()
    closed.outbox.closed = True
    slow.outbox.congested = True

    sender.feed(100 * PUBLISH)

    assert (0, 100) == (slow.outbox.out_msgs, quick.outbox.out_msgs)
    assert 0 == slow.owner.presses


def test_a_queue_group_whose_members_are_all_congested(stage: Stage) -> None:
    """The publisher waits for the member with the least pending bytes."""
    sender, first, second, third = (stage.station() for _ in range(4))
    stage.planner.listeners[b"foo"] = ((), [[first.target(), second.target(), third.target()]])
    for number, station in enumerate((second, third, first)):
        station.wire.stall()
        station.outbox.send(b"x" * (1 + number))
        station.outbox.congested = True
        station.owner.decide = lambda: True

    held = sender.feed(PUBLISH)
    second.owner.decide = lambda: False
    last = sender.go_on()

    assert [Progress.HELD, Progress.DONE] == [held, last]
    assert (0, 2, 0) == tuple(one.owner.presses for one in (first, second, third))
    assert 1 == sum(one.outbox.out_msgs for one in (first, second, third))


def test_bytes_of_the_server_for_a_congested_connection(station: Station) -> None:
    """A client whose answers are not read is held after the line that provoked one."""
    station.outbox.congested = True
    station.owner.decide = lambda: True

    def answer(_line: bytes) -> bool:
        station.outbox.send(b"PONG\r\n")
        return True

    station.control.obey = answer
    first = station.feed(b"PING\r\nPING\r\n")
    second = station.go_on()

    assert [Progress.HELD, Progress.HELD] == [first, second]
    assert 2 == len(station.control.lines)


def test_whom_else_a_publisher_serves(stage: Stage) -> None:
    """The two latest plans that differ are looked at; retired and closed receivers are not."""
    sender, slow, ready, closed = (stage.station() for _ in range(4))
    gone = ready.target()
    stage.subscribe(b"slow", slow.target(), closed.target(), gone)
    stage.planner.listeners[b"ready"] = ((), [[ready.target()]])
    gone.retire()
    closed.outbox.closed = True
    answers = [sender.inlet.serves_another(slow.outbox, 100)]

    for subject in (b"slow", b"ready", b"slow", b"slow"):
        sender.feed(b"PUB %b 2\r\nok\r\n" % subject)
        answers.append(sender.inlet.serves_another(slow.outbox, 100))
    ready.owner.unread = 101
    answers.append(sender.inlet.serves_another(slow.outbox, 100))
    ready.owner.unread = 100
    ready.wire.stall()
    ready.outbox.send(101 * b"x")
    answers.append(sender.inlet.serves_another(slow.outbox, 100))

    assert [False, False, True, True, True, False, False] == answers


def test_few_receivers_are_looked_at(stage: Stage) -> None:
    """A large audience costs no more than a small one."""
    sender, slow, ready = (stage.station() for _ in range(3))
    slow.wire.stall()
    slow.outbox.send(100 * b"x")
    stage.subscribe(
        b"foo", *(slow.target(b"%d" % number) for number in range(MOST_CANDIDATES)), ready.target()
    )

    sender.feed(PUBLISH)

    assert not sender.inlet.serves_another(sender.outbox, 10)


def test_held_by_a_receiver(stage: Stage) -> None:
    """A receiver that a message congests ends the ingest after that message; the rest is kept."""
    sender, slow, quick = stage.station(), stage.station(), stage.station()
    stage.subscribe(b"foo", slow.target(), quick.target())
    slow.outbox.alarm = ALARM
    slow.owner.decide = lambda: True

    held = sender.feed(PUBLISH + OTHER + PUBLISH + b"PING\r\n")
    early = (slow.heard(), quick.heard(), sender.inlet.in_msgs)
    again = sender.go_on()
    slow.owner.decide = lambda: False
    last = sender.go_on()

    assert [Progress.HELD, Progress.HELD, Progress.DONE] == [held, again, last]
    assert (MESSAGE, MESSAGE, 1) == early
    assert (MESSAGE, MESSAGE, 3) == (slow.heard(), quick.heard(), sender.inlet.in_msgs)
    assert [b"PING\r"] == sender.control.lines


def test_held_after_the_last_message(stage: Stage) -> None:
    """A hold is reported even if nothing is left to keep."""
    sender, slow = stage.station(), stage.station()
    stage.subscribe(b"foo", slow.target())
    slow.outbox.alarm = ALARM
    slow.owner.decide = lambda: True

    progress = sender.feed(PUBLISH)

    assert (Progress.HELD, False) == (progress, sender.inlet.has_rest())


def test_held_by_an_answer(station: Station) -> None:
    """A connection that is congested by our answers to it is held like any publisher."""
    station.outbox.alarm = ALARM
    station.owner.decide = lambda: True

    def answer(_line: bytes) -> bool:
        station.outbox.send(b"PONG\r\n")
        return True

    station.control.obey = answer
    held = station.feed(5 * b"PING\r\n")

    assert Progress.HELD == held
    assert 2 == len(station.control.lines)


def test_holds_do_not_linger(stage: Stage) -> None:
    """A hold concerns the ingest that caused it, and no other."""
    sender, slow, bystander = stage.station(), stage.station(), stage.station()
    stage.subscribe(b"foo", slow.target())
    slow.outbox.alarm = ALARM
    slow.owner.decide = lambda: True

    slow.outbox.send(2 * ALARM * b"x")
    first = bystander.feed(OTHER + OTHER)
    sender.feed(PUBLISH)
    second = bystander.feed(OTHER + OTHER)

    assert [Progress.DONE, Progress.DONE] == [first, second]


def test_a_turn_of_lines(station: Station) -> None:
    """When the time is used up by lines the ingest makes room for others; the rest is kept."""
    lines = 2000
    station.plane.clock = lambda: float(len(station.control.lines))
    station.plane.until = lines

    first = station.feed((2 * lines + 5) * b"PING\n")
    after_first = len(station.control.lines)
    station.plane.until = 2 * lines
    second = station.go_on()
    after_second = len(station.control.lines)
    station.plane.until = 3 * lines
    third = station.go_on()

    assert [Progress.TURN, Progress.TURN, Progress.DONE] == [first, second, third]
    assert [lines, 2 * lines, 2 * lines + 5] == [after_first, after_second, len(station.control.lines)]


def test_a_turn_of_deliveries(stage: Stage) -> None:
    """Bytes delivered are work, once for each receiver; nothing is lost between the turns."""
    sender, receiver = stage.station(), stage.station()
    stage.subscribe(b"foo", *(receiver.target(b"%d" % sid) for sid in range(100)))
    payload = 1000 * b"x"
    count = 200

    progress = sender.feed(count * (b"PUB foo 1000\r\n" + payload + b"\r\n"))
    first = receiver.outbox.out_bytes
    turns = [progress]
    while turns[-1] is not Progress.DONE:
        turns.append(sender.go_on())

    assert [Progress.TURN] * (len(turns) - 1) + [Progress.DONE] == turns
    assert TURN_WORK * 0.8 < first <= TURN_WORK + 100 * 1000
    assert len(turns) == 1 + 100 * count * 1000 // TURN_WORK
    assert 100 * count == receiver.outbox.out_msgs


def test_a_turn_of_messages_that_nobody_hears(stage: Stage, station: Station) -> None:
    """A message costs work even if nobody gets it."""
    count = TURN_WORK // DELIVERY_WORK + 10
    small = b"PUB a 0\r\n\r\n"
    per_read = 20_000

    sent, turns = 0, 0
    while sent < count:
        turns += station.feed(min(per_read, count - sent) * small) is Progress.TURN
        sent += min(per_read, count - sent)

    assert (0, count) == (turns, station.inlet.in_msgs)
    assert 0 == stage.plane.out_msgs


def test_the_last_message_of_a_turn(stage: Stage) -> None:
    """When the work is done and so are the bytes, there is no need for another turn."""
    sender, receiver = stage.station(), stage.station()
    stage.subscribe(b"foo", *(receiver.target(b"%d" % sid) for sid in range(50)))
    size = TURN_WORK // 50 + 1

    progress = sender.feed(b"PUB foo %d\r\n%b\r\n" % (size, size * b"x"))

    assert Progress.DONE == progress
    assert TURN_WORK < receiver.outbox.out_bytes


def test_an_incomplete_message_behind_a_turn(stage: Stage) -> None:
    """What is incomplete when a turn ends is kept and completed later."""
    sender, receiver = stage.station(), stage.station()
    stage.subscribe(b"foo", *(receiver.target(b"%d" % sid) for sid in range(100)))
    size = TURN_WORK // 100 + 1
    large = b"PUB foo %d\r\n%b\r\n" % (size, size * b"x")

    first = sender.feed(2 * large + large[:100])
    second = sender.go_on()
    third = sender.go_on()
    sender.feed(large[100:])

    assert [Progress.TURN, Progress.TURN, Progress.DONE] == [first, second, third]
    assert (300, False) == (receiver.outbox.out_msgs, sender.inlet.has_rest())
