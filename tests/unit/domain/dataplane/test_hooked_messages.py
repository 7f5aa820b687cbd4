"""Messages that hooks have to see, over both twins: they go to the control plane, whole and in order."""

import pytest

from app.domain.dataplane.constants import OWN_BYTES
from app.domain.dataplane.seam import Hook, HookedMessage, Plan, Plane, Progress, Target
from tests.fakes.data_plane import Stage, Station, group_of


def hook(stage: Stage, subject: bytes, *plain: Target, at: Hook = Hook.PUBLISH) -> None:
    """Let hooks see the messages on this subject."""
    answer = stage.planner.answer

    def decide(plane: Plane, audience: int, asked: bytes) -> Plan:
        return plane.plan(plain, (), hook=at) if asked == subject else answer(plane, audience, asked)

    stage.planner.answer = decide


def test_a_message_for_hooks(stage: Stage, station: Station) -> None:
    """The control plane gets all of it, nobody else does, and what follows is served; it is counted."""
    hook(stage, b"h")
    stage.subscribe(b"a", station.target())
    station.inlet.headers = True

    station.feed(b"PUB h re 2\r\nhi\r\nHPUB h 12 14\r\nNATS/1.0\r\n\r\nhe\r\nPUB a 2\r\nho\r\n")

    assert [
        HookedMessage(b"h", b"re", 0, b"hi"),
        HookedMessage(b"h", b"", 12, b"NATS/1.0\r\n\r\nhe"),
    ] == station.control.hooked_messages
    assert b"MSG a 1 2\r\nho\r\n" == station.heard()
    assert (3, 18, 1) == (station.inlet.in_msgs, station.inlet.in_bytes, stage.plane.out_msgs)
    assert (3, 18) == (stage.plane.in_msgs, stage.plane.in_bytes)


def test_it_comes_once_however_it_is_cut(stage: Stage, station: Station) -> None:
    """Whole messages are handed over, equal ones in a row one by one."""
    hook(stage, b"h")

    station.feed_bytewise(2 * b"PUB h 2\r\nhi\r\n")
    station.feed(2 * b"PUB h 2\r\nhi\r\n")

    assert 4 * [HookedMessage(b"h", b"", 0, b"hi")] == station.control.hooked_messages


def test_a_large_one(stage: Stage, station: Station) -> None:
    """The same holds for a message that has a buffer of its own."""
    hook(stage, b"h")
    payload = 3 * OWN_BYTES * b"x"

    station.feed(b"PUB h %d\r\n%b\r\nPUB h 0\r\n\r\n" % (len(payload), payload))

    assert [payload, b""] == [message.payload for message in station.control.hooked_messages]


def test_the_control_plane_stops_the_ingest(stage: Stage, station: Station) -> None:
    """What follows is kept until it goes on."""
    hook(stage, b"h")
    stage.subscribe(b"a", station.target())
    station.control.pass_on = lambda _plan, _message: False

    assert Progress.STOPPED is station.feed(b"PUB h 0\r\n\r\nPUB a 0\r\n\r\n")
    assert b"PUB a 0\r\n\r\n" == station.inlet.kept()
    assert b"" == station.heard()

    assert Progress.DONE is station.go_on()
    assert b"MSG a 1 0\r\n\r\n" == station.heard()
    assert Progress.STOPPED is station.feed(b"PUB h 0\r\n\r\n")
    assert not station.inlet.has_rest()


@pytest.mark.parametrize("goes_on", [True, False])
def test_the_control_plane_closes_it(stage: Stage, station: Station, *, goes_on: bool) -> None:
    """Nothing is kept of a connection that is closed meanwhile."""
    hook(stage, b"h")

    def close(_plan: Plan, _message: HookedMessage) -> bool:
        station.inlet.closed = True
        return goes_on

    station.control.pass_on = close

    assert Progress.STOPPED is station.feed(b"PUB h 0\r\n\r\nPUB h 0\r\n\r\n")
    assert (1, False) == (len(station.control.hooked_messages), station.inlet.has_rest())


def test_verbose_patient_and_traced(stage: Stage, station: Station) -> None:
    """There is no +OK, nobody waits for listeners, and the log sees it."""
    hook(stage, b"h")
    station.inlet.verbose = station.inlet.trace = True
    stage.plane.patient = lambda: True

    assert Progress.DONE is station.feed(b"PUB h 2\r\nhi\r\n")

    assert b"" == station.heard()
    assert [(b"PUB", b"h 2\r", b"hi")] == station.control.traces
    assert 1 == len(station.control.hooked_messages)


def test_a_message_is_put_past_the_hooks(stage: Stage, station: Station) -> None:
    """In the midst of an ingest another inlet may publish what it is given, of any size."""
    hook(stage, b"h")
    other = stage.station()
    stage.subscribe(b"a", other.target())
    past = stage.plane.inlet(station.control, station.outbox)
    past.publishing = True

    def publish(_plan: Plan, message: HookedMessage) -> bool:
        past.put(b"PUB a %d\r\n%b\r\n" % (len(message.payload), message.payload))
        assert Progress.DONE is stage.plane.ingest(past, 0)
        return not past.has_rest()

    station.control.pass_on = publish
    sizes = (2, OWN_BYTES + 1, 0, 70)

    for size in sizes:
        station.feed(b"PUB h %d\r\n%b\r\nPUB a 1\r\n.\r\n" % (size, size * b"x"))

    assert b"".join(b"MSG a 1 %d\r\n%b\r\nMSG a 1 1\r\n.\r\n" % (size, size * b"x") for size in sizes) == (
        other.heard()
    )


def test_a_hold_within(stage: Stage, station: Station) -> None:
    """A receiver that asks to hold the publisher then is heard."""
    hook(stage, b"h")
    slow = stage.station()
    slow.outbox.alarm = 0
    slow.owner.decide = lambda: True
    stage.subscribe(b"a", slow.target())
    past = stage.plane.inlet(station.control, station.outbox)
    past.publishing = True

    def publish(_plan: Plan, _message: HookedMessage) -> bool:
        past.put(b"PUB a 0\r\n\r\n")
        assert Progress.HELD is stage.plane.ingest(past, 0)
        return True

    station.control.pass_on = publish

    assert Progress.HELD is station.feed(2 * b"PUB h 0\r\n\r\n")
    assert b"PUB h 0\r\n\r\n" == station.inlet.kept()


def test_receivers(stage: Stage) -> None:
    """They are the open ones of a plan, and one member of each group; the one to skip is none."""
    plane = stage.plane
    first, second, third = (stage.station() for _ in range(3))
    plain = [first.target(), second.target(b"2")]
    member = third.target(b"3")
    plan = plane.plan(plain, [[group_of(plane, [member])], [plane.group()]], hook=Hook.DELIVER)

    assert (Hook.DELIVER, [*plain, member]) == (plan.hook, list(plane.receivers(plan, None)))
    assert [plain[1], member] == list(plane.receivers(plan, first.outbox))
    assert plain == list(plane.receivers(plan, third.outbox))
    second.outbox.closed = True
    plain[0].retire()
    assert [member] == list(plane.receivers(plan, None))
    assert plain[0].subscription is None
    assert member.subscription is not None


def test_delivery_to_one(stage: Stage, station: Station) -> None:
    """One receiver gets the message as others do, without headers if it takes none, and it is counted."""
    target, headed = station.target(), stage.station()
    headed.outbox.headers = True
    other = headed.target(b"7")
    large = OWN_BYTES * b"x"
    block = b"NATS/1.0\r\n\r\n"
    for message in (
        HookedMessage(b"a", b"", 0, b"hi"),
        HookedMessage(b"a", b"re", 0, large),
        HookedMessage(b"a", b"re", 12, block + b"he"),
        HookedMessage(b"a", b"", 12, block),
    ):
        stage.plane.deliver_to(target, message)
        stage.plane.deliver_to(other, message)

    plain = b"MSG a %b 2\r\nhi\r\nMSG a %b re %d\r\n%b\r\n"
    expected = plain % (b"1", b"1", len(large), large) + b"MSG a 1 re 2\r\nhe\r\nMSG a 1 0\r\n\r\n"
    assert expected == station.heard()
    ending = b"HMSG a 7 re 12 14\r\n%bhe\r\nHMSG a 7 12 12\r\n%b\r\n" % (block, block)
    assert plain % (b"7", b"7", len(large), large) + ending == headed.heard()
    assert (4, 4, 8) == (target.delivered, station.outbox.out_msgs, stage.plane.out_msgs)
    assert (4 + len(large), 28 + len(large)) == (station.outbox.out_bytes, headed.outbox.out_bytes)
    target.retire()
    stage.plane.deliver_to(target, HookedMessage(b"a", b"", 0, b"hi"))
    assert b"" == station.heard()


@pytest.mark.parametrize("header", [-1, 3])
def test_more_headers_than_there_is_payload(stage: Stage, station: Station, header: int) -> None:
    """That is refused, and nothing is sent."""
    with pytest.raises(ValueError, match="bytes of headers in a message of 2"):
        stage.plane.deliver_to(station.target(), HookedMessage(b"a", b"", header, b"hi"))

    assert b"" == station.heard()
