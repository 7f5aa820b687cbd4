"""What ends by the clock, and goes on later: messages for many, flushes, and decisions."""

import pytest

from app.domain.dataplane.constants import (
    CHECK_WORK,
    DELIVERY_WORK,
    FLUSH_SECONDS,
    OUTBOXES_PER_CHECK,
    RECEIVERS_PER_CHECK,
    TURN_WORK,
)
from app.domain.dataplane.seam import NOT_KEPT, MakePlane, Progress, Target
from tests.fakes.clock import TickingClock
from tests.fakes.data_plane import Stage, Station, group_of

PUBLISH = b"PUB foo 2\r\nok\r\n"
LARGE = b"PUB foo   20000\r\n" + 20_000 * b"x" + b"\r\n"


@pytest.fixture(name="clock")
def _clock(stage: Stage) -> TickingClock:
    """A clock that stands still, and turns of a second on it."""
    clock = TickingClock()
    stage.plane.clock = clock.monotonic
    stage.plane.until = 1.0
    return clock


def many(stage: Stage, count: int, groups: int = 0) -> tuple[Station, list[Target]]:
    """A station with a number of targets on ``foo``, and as many groups of one member."""
    receiver = stage.station()
    targets = [receiver.target(b"%d" % number) for number in range(count + groups)]
    stage.planner.listeners[b"foo"] = (targets[:count], [[one] for one in targets[count:]])
    return receiver, targets


@pytest.mark.parametrize("message", [PUBLISH, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("groups", [0, 5, 2 * RECEIVERS_PER_CHECK])
def test_a_message_for_very_many(
    stage: Stage, station: Station, clock: TickingClock, groups: int, message: bytes
) -> None:
    """It is delivered in turns, to each receiver once and in order, and the publisher waits meanwhile."""
    receiver, targets = many(stage, 3 * RECEIVERS_PER_CHECK, groups)
    clock.pace = 1.0

    progress = station.feed(message + b"PING\r\n")
    first = receiver.outbox.out_msgs
    left = [stage.plane.flush()]
    while left[-1]:
        left.append(stage.plane.flush_rest())

    assert (Progress.TURN, RECEIVERS_PER_CHECK, []) == (progress, first, station.control.lines)
    assert len(left) == -(-len(targets) // RECEIVERS_PER_CHECK)
    assert [1] * len(targets) == [target.delivered for target in targets]
    sids = [line.split()[2] for line in receiver.wire.heard().split(b"\r\n") if line.startswith(b"MSG")]
    assert [b"%d" % number for number in range(len(targets))] == sids
    assert Progress.DONE is station.go_on()
    assert [b"PING\r"] == station.control.lines


def test_others_publish_meanwhile(stage: Stage, station: Station, clock: TickingClock) -> None:
    """While a message for very many is under way another publisher is served, and its flush is its own."""
    receiver, _ = many(stage, 2 * RECEIVERS_PER_CHECK)
    other = stage.station()
    stage.subscribe(b"bar", receiver.target(b"bar"))
    clock.pace = 1.0

    station.feed(PUBLISH)
    begun = stage.plane.flush()
    clock.pace = 0.0
    progress = other.feed(b"PUB bar 2\r\nok\r\n")

    assert (True, Progress.DONE, False) == (begun, progress, stage.plane.flush())
    assert receiver.wire.heard().endswith(b"MSG bar bar 2\r\nok\r\n")
    assert not stage.plane.flush_rest()
    assert 2 * RECEIVERS_PER_CHECK + 1 == receiver.outbox.out_msgs


def test_a_message_for_receivers_that_closed(stage: Stage, station: Station, clock: TickingClock) -> None:
    """Even where nothing is to be flushed, the publisher waits for its turn."""
    receiver, _ = many(stage, 2 * RECEIVERS_PER_CHECK)
    receiver.outbox.closed = True
    clock.pace = 1.0

    station.feed(PUBLISH)

    assert [True, False] == [stage.plane.flush(), stage.plane.flush_rest()]


def test_several_interrupted_messages(stage: Stage, clock: TickingClock) -> None:
    """They go on one after the other."""
    receiver, targets = many(stage, 2 * RECEIVERS_PER_CHECK)
    clock.pace = 1.0
    for _ in range(3):
        stage.station().feed(PUBLISH)

    clock.pace = 0.0
    assert not stage.plane.flush_rest()
    assert [3] * len(targets) == [target.delivered for target in targets]
    assert receiver.outbox.out_msgs == 3 * len(targets)


def test_a_flush_ends_by_the_clock(stage: Stage, clock: TickingClock) -> None:
    """After some outboxes the clock is looked at; the rest is handed over later, in order."""
    stations = [stage.station() for _ in range(3 * OUTBOXES_PER_CHECK)]
    for station in stations:
        station.outbox.send(b"x")

    clock.pace = FLUSH_SECONDS
    left, counts = [stage.plane.flush()], []
    counts.append(sum(bool(station.wire.heard()) for station in stations))
    while left[-1]:
        left.append(stage.plane.flush_rest())
        counts.append(sum(bool(station.wire.heard()) for station in stations))

    assert ([True, True, False], [OUTBOXES_PER_CHECK] * 3) == (left, counts)


def test_a_single_outbox_needs_no_clock(stage: Stage, station: Station, clock: TickingClock) -> None:
    """A flush of one is not timed."""
    clock.pace = 1.0
    before = clock.monotonic()
    station.outbox.send(b"x")

    assert (False, before + 1.0) == (stage.plane.flush(), clock.monotonic())


def test_an_outbox_that_cannot_be_handed_over(stage: Stage) -> None:
    """It costs its own connection; the others get what is theirs."""
    broken, well = stage.station(), stage.station()

    def fail(_data: bytes) -> None:
        raise MemoryError

    broken.wire.write = fail  # type: ignore[method-assign, assignment] # a wire without memory
    broken.outbox.send(b"x")
    well.outbox.send(b"y")
    stage.plane.flush()

    assert (["MemoryError()"], b"y") == ([repr(error) for error in broken.owner.failures], well.wire.heard())


@pytest.mark.parametrize("rest", [False, True], ids=["flush", "flush_rest"])
def test_a_flush_that_fails_forgets_nobody(stage: Stage, clock: TickingClock, *, rest: bool) -> None:
    """If a flush cannot even begin, all that waited goes with the next one."""
    stations = [stage.station() for _ in range(3)]
    for station in stations:
        station.outbox.send(b"x")

    def fail() -> float:
        if not fail_at.pop():
            return 0.0
        raise MemoryError

    fail_at = [True, False] if rest else [True]
    stage.plane.clock = fail
    with pytest.raises(MemoryError):
        stage.plane.flush_rest() if rest else stage.plane.flush()
    stage.plane.clock = clock.monotonic
    stage.plane.flush_rest() if rest else stage.plane.flush()

    assert [b"x"] * 3 == [station.wire.heard() for station in stations]


def test_an_interrupted_message_that_fails(stage: Stage, station: Station, clock: TickingClock) -> None:
    """It ends there, and those after it go on."""
    receiver, targets = many(stage, 2 * RECEIVERS_PER_CHECK)
    clock.pace = 1.0
    station.feed(PUBLISH)
    stage.station().feed(PUBLISH)
    stage.plane.flush()

    def fail() -> bool:
        receiver.outbox.alarm = 1 << 60
        raise MemoryError

    receiver.owner.decide = fail
    receiver.outbox.alarm = 0
    clock.pace = 0.0
    with pytest.raises(MemoryError):
        stage.plane.flush_rest()

    assert not stage.plane.flush_rest()
    assert 2 == targets[0].delivered == targets[RECEIVERS_PER_CHECK].delivered
    assert 1 == targets[-1].delivered


def test_the_clock_is_not_asked_for_each_message(station: Station, clock: TickingClock) -> None:
    """Cheap messages are counted, and the clock is looked at now and then."""
    clock.pace = 1e-9
    station.feed(b"PUB a 0\r\n\r\n")
    before = clock.monotonic()
    count = 3 * CHECK_WORK // DELIVERY_WORK

    station.feed(count * b"PUB a 0\r\n\r\nPUB b 0\r\n\r\n")

    looks = round((clock.monotonic() - before) / 1e-9)
    assert 6 <= looks <= 9


def test_time_ends_a_turn_of_messages(stage: Stage, station: Station, clock: TickingClock) -> None:
    """Where messages take long, a turn ends before its work does."""
    stage.subscribe(b"foo", station.target())
    clock.pace = 0.5
    count = TURN_WORK // DELIVERY_WORK // 20

    progress = station.feed(count * (b"PUB a 0\r\n\r\n" + PUBLISH))

    assert Progress.TURN is progress
    assert 0 < station.inlet.in_msgs < 2 * count


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_decision_that_takes_turns(stage: Stage, station: Station, turns: int) -> None:
    """The message waits, in order, and is decided once."""
    stage.planner.turns = turns
    stage.planner.listeners[b"foo"] = ((station.target(),), ())

    answers = [station.feed(PUBLISH + b"PING\r\n" + PUBLISH)]
    while answers[-1] is Progress.TURN:
        assert ([], 0) == (station.control.lines, station.inlet.in_msgs)
        answers.append(station.go_on())

    assert [Progress.TURN] * (turns - 1) + [Progress.DONE] == answers
    assert (2 * b"MSG foo 1 2\r\nok\r\n", [b"PING\r"]) == (station.heard(), station.control.lines)
    assert 1 == len(stage.planner.asked)


def test_a_decision_for_one_message(stage: Stage, station: Station) -> None:
    """What was decided while subscriptions changed is not kept, not even for the next message."""
    stage.planner.decide = lambda _subject: NOT_KEPT

    station.feed(PUBLISH + b"PUB foo 0\r\n\r\n" + PUBLISH)

    assert (3, 0) == (len(stage.planner.asked), stage.plane.plan_figures().plans)


def test_a_decision_for_who_closed(stage: Stage, station: Station) -> None:
    """It is given up."""
    stage.planner.turns = 3
    station.feed(PUBLISH)

    station.inlet.closed = True

    assert (Progress.STOPPED, False) == (station.go_on(), station.inlet.has_rest())


def test_a_decision_for_other_rights(stage: Stage, station: Station) -> None:
    """A decision that was begun for other rights is of no use."""
    stage.planner.turns = 2
    station.feed(PUBLISH)
    station.inlet.audience = 5
    station.go_on()
    station.go_on()

    assert [0, 5] == [audience for audience, _ in stage.planner.asked]


def test_two_that_seek_the_same(stage: Stage, station: Station) -> None:
    """Two publishers may decide for one subject at the same time; one plan is kept."""
    stage.planner.turns = 2
    other = stage.station()
    for one in (station, other):
        one.feed(PUBLISH)
    for one in (station, other):
        one.go_on()

    assert (2, 1) == (len(stage.planner.asked), stage.plane.plan_figures().plans)


def test_members_that_closed_are_passed_over(stage: Stage, station: Station) -> None:
    """A member whose connection is closed is drawn no more, and the others share evenly."""
    gone, well = stage.station(), stage.station()
    parts = [group_of(stage.plane, [one.target(b"%d" % n) for n in range(3)]) for one in (gone, well)]
    plan = stage.plane.plan((), [parts])
    stage.planner.plan = lambda *_args: (plan, 1)  # type: ignore[method-assign] # two parts
    gone.outbox.closed = True

    station.feed(300 * PUBLISH)

    heard = well.heard()
    assert ([0, 3], b"") == ([len(part) for part in parts], gone.wire.heard())
    assert 300 == heard.count(b"MSG foo ")
    assert all(heard.count(b"MSG foo %d " % n) > 60 for n in range(3))


def test_a_group_without_members(stage: Stage, station: Station) -> None:
    """Nobody gets the message, and nothing fails."""
    plan = stage.plane.plan((), [[stage.plane.group()]])
    stage.planner.plan = lambda *_args: (plan, 1)  # type: ignore[method-assign] # an empty group

    assert Progress.DONE is station.feed(PUBLISH)
    assert (1, 0) == (station.inlet.in_msgs, stage.plane.out_msgs)


def test_members_come_and_go(stage: Stage, station: Station) -> None:
    """A group knows its members, in any order of leaving; to leave twice changes nothing."""
    targets = [station.target(b"%d" % n) for n in range(5)]
    group = group_of(stage.plane, targets)
    unknown = station.target(b"x")

    counts = []
    for target in (targets[1], targets[1], targets[4], unknown, targets[0], targets[3], targets[2]):
        group.remove(target)
        counts.append(len(group))

    assert [4, 4, 3, 3, 2, 1, 0] == counts


def test_plan_figures(stage: Stage, station: Station) -> None:
    """The figures follow what is kept: plans, fan-out, and a size that goes back to nothing."""
    stage.planner.listeners[b"foo"] = (
        [station.target(b"%d" % n) for n in range(3)],
        [[station.target(b"g")]],
    )
    station.feed(PUBLISH + b"PUB bar 0\r\n\r\n")
    for audience in (1, 2):
        station.inlet.audience = audience
        station.feed(PUBLISH)

    figures = stage.plane.plan_figures()
    stage.plane.changed(b"foo")
    fewer = stage.plane.plan_figures()
    stage.plane.changed(b"bar")

    assert (4, 4, 12) == figures[:3]
    assert (1, 0, 0) == fewer[:3]
    assert 0 == stage.plane.plan_figures().size < fewer.size < figures.size


def test_many_audiences_are_charged(make_plane: MakePlane) -> None:
    """However many audiences there are, the size of the cache stays bounded."""
    stage = Stage(make_plane)
    station = stage.station()
    for audience in range(2000):
        station.inlet.audience = audience
        station.feed(PUBLISH)

    assert stage.plane.plan_figures().size > 2000 * 200
