"""Messages with headers over both twins, and what their senders ask for: HPUB, HMSG, no responders, echo."""

import pytest

from app.domain.dataplane.constants import RECEIVERS_PER_CHECK
from app.domain.dataplane.seam import Fault, Progress
from tests.fakes.clock import TickingClock
from tests.fakes.data_plane import Stage, Station

BLOCK = b"NATS/1.0\r\nBar: Baz\r\n\r\n"
MESSAGE = b"HPUB a re 22 24\r\n" + BLOCK + b"hi\r\n"


@pytest.fixture(name="sender")
def _sender(stage: Stage) -> Station:
    """A client that may send headers."""
    station = stage.station()
    station.inlet.headers = True
    return station


@pytest.fixture(name="able")
def _able(stage: Stage) -> Station:
    """A receiver that takes headers."""
    station = stage.station()
    station.outbox.headers = True
    return station


def test_each_receiver_gets_what_it_takes(stage: Stage, sender: Station, able: Station) -> None:
    """A receiver that takes headers gets them, another one the payload alone; each counts its bytes."""
    plain = stage.station()
    stage.subscribe(b"a", able.target(b"1"), plain.target(b"2"))

    sender.feed(MESSAGE)

    assert b"HMSG a 1 re 22 24\r\n" + BLOCK + b"hi\r\n" == able.heard()
    assert b"MSG a 2 re 2\r\nhi\r\n" == plain.heard()
    assert (24, 2, 26) == (able.outbox.out_bytes, plain.outbox.out_bytes, stage.plane.out_bytes)


def test_one_byte_after_the_other(stage: Stage, sender: Station, able: Station) -> None:
    """A message that arrives in single bytes is the same, however its line is spelled."""
    stage.subscribe(b"a", able.target(b"1"))

    sender.feed_bytewise(b"hpub\ta \t re  22  24 \r\n" + BLOCK + b"hi\r\n")

    assert b"HMSG a 1 re 22 24\r\n" + BLOCK + b"hi\r\n" == able.heard()


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_run(stage: Stage, sender: Station, able: Station, size: int) -> None:
    """Equal lines in a row are delivered in order, to those that take headers and to those that do not."""
    plain = stage.station()
    messages = [b"%c" % (65 + number) * size for number in range(3)]
    stage.subscribe(b"a", able.target(b"1"))
    stage.subscribe(b"b", able.target(b"1"), plain.target(b"2"))

    sender.feed(b"".join(b"HPUB a 2 %d\r\n%b\r\n" % (size, message) for message in messages))
    sender.feed(b"".join(b"HPUB b 2 %d\r\n%b\r\n" % (size, message) for message in messages))

    heard = b"".join(
        b"HMSG %b 1 2 %d\r\n%b\r\n" % (subject, size, message)
        for subject in (b"a", b"b")
        for message in messages
    )
    assert heard == able.heard()
    assert b"".join(b"MSG b 2 %d\r\n%b\r\n" % (size - 2, one[2:]) for one in messages) == plain.heard()


def test_no_bytes_of_headers(stage: Stage, sender: Station, able: Station) -> None:
    """A message whose headers have no bytes is a plain one."""
    stage.subscribe(b"a", able.target(b"1"))

    sender.feed(b"HPUB a re 0 2\r\nhi\r\nHPUB a 00 2\r\nho\r\n")

    assert b"MSG a 1 re 2\r\nhi\r\nMSG a 1 2\r\nho\r\n" == able.heard()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"HPUB a 3 2", Fault.SIZE),
        (b"HPUB a -1 2", Fault.SIZE),
        (b"HPUB a x 2", Fault.SIZE),
        (b"HPUB a " + 30 * b"0" + b" 2", Fault.SIZE),
        (b"HPUB a 2", Fault.ARGUMENTS),
        (b"HPUB a b c 2 2", Fault.ARGUMENTS),
        (b"HPUB a 2 99999999", Fault.PAYLOAD),
    ],
)
def test_sizes_that_lie(sender: Station, line: bytes, fault: Fault) -> None:
    """Sizes that contradict each other, are no numbers, or too large, are a fault."""
    assert Progress.STOPPED == sender.feed(line + b"\r\nhi\r\n")
    assert [fault] == [one for one, _ in sender.control.faults]


def test_without_the_right(stage: Stage, sender: Station, able: Station) -> None:
    """HPUB of a client that announced no headers is no message, even if another sent the same line before."""
    other = stage.station()
    stage.subscribe(b"a", able.target(b"1"))
    sender.feed(MESSAGE)
    able.heard()

    other.feed(MESSAGE)

    assert b"HPUB a re 22 24\r" == other.control.lines[0]
    assert not able.heard()


def test_routed(stage: Stage, able: Station) -> None:
    """HMSG of a route is a message where the route may send headers."""
    route = stage.route()
    route.inlet.headers = True
    stage.planner.listeners[b"a"] = ([able.target(b"1")], [])

    route.feed(b"HMSG a RSID:1:1 re 22 24\r\n" + BLOCK + b"hi\r\nHPUB a 0 0\r\n\r\nPING\r\n")

    assert b"HMSG a 1 re 22 24\r\n" + BLOCK + b"hi\r\nMSG a 1 0\r\n\r\n" == able.heard()


def test_traced(stage: Stage, sender: Station, able: Station) -> None:
    """The trace has the verbs with their H, and what each receiver got."""
    sender.inlet.trace = True
    plain, route = stage.station(), stage.route()
    route.inlet.headers = route.inlet.trace = True
    plain.outbox.trace = able.outbox.trace = True
    stage.subscribe(b"a", able.target(b"1"), plain.target(b"2"))

    sender.feed(MESSAGE)
    route.feed(b"HMSG a RSID:1:1 1 1\r\nx\r\n")

    assert [b"HPUB"] == [verb for verb, _, _ in sender.control.traces]
    assert [b"HMSG"] == [verb for verb, _, _ in route.control.traces]
    assert b"HMSG a 1 re 22 24" == able.owner.heads[0]
    assert b"MSG a 2 re 2" == plain.owner.heads[0]


def test_nobody(stage: Stage, sender: Station) -> None:
    """A request that reaches nobody is reported where that is asked for, if there is a reply subject."""
    sender.inlet.no_responders = True
    away = stage.station()
    stage.subscribe(b"gone", away.target(b"1"))
    away.outbox.closed = True

    sender.feed(
        b"PUB a re 0\r\n\r\nPUB a re 0\r\n\r\nPUB a 0\r\n\r\nHPUB b re 1 1\r\nx\r\nHPUB b 1 1\r\nx\r\n"
    )
    sender.feed(b"PUB gone re 0\r\n\r\n")

    assert [(b"a", b"re"), (b"a", b"re"), (b"b", b"re"), (b"gone", b"re")] == sender.control.unanswered


def test_no_echo(stage: Stage, sender: Station, able: Station) -> None:
    """A client that wants no echo gets none of its own messages; in a group another member does."""
    sender.inlet.echo = False
    stage.subscribe(b"a", sender.target(b"1"), able.target(b"2"))
    own, other = [sender.target(b"3") for _ in range(3)], able.target(b"4")
    away = stage.station()
    away.outbox.closed = True
    stage.planner.listeners[b"q"] = ([], [[*own, away.target(b"5"), other]])
    stage.planner.listeners[b"r"] = ([], [[sender.target(b"6")]])

    sender.feed(b"PUB a 1\r\nx\r\nPUB a 1\r\nx\r\n" + 20 * b"PUB q 1\r\ny\r\n" + b"PUB r 1\r\nz\r\n")

    assert not sender.heard()
    assert 2 * b"MSG a 2 1\r\nx\r\n" + 20 * b"MSG q 4 1\r\ny\r\n" == able.heard()


def test_no_echo_among_congested_members(stage: Stage, sender: Station, able: Station) -> None:
    """Where the drawn member can take nothing now, the publisher itself is no substitute."""
    sender.inlet.echo = False
    able.outbox.congested = True
    stage.planner.listeners[b"q"] = ([], [[able.target(b"1"), sender.target(b"2")]])

    sender.feed(20 * b"PUB q 1\r\ny\r\n")

    assert not sender.heard()
    assert 20 * b"MSG q 1 1\r\ny\r\n" == able.heard()


@pytest.mark.parametrize("receivers", [1, 3])
def test_a_run_that_reaches_nobody(stage: Stage, sender: Station, receivers: int) -> None:
    """Each of several equal requests is reported where all receivers are closed, and none otherwise."""
    sender.inlet.no_responders = True
    stations = [stage.station() for _ in range(receivers)]
    stage.subscribe(b"a", *(one.target(b"1") for one in stations))
    stage.subscribe(b"b", stage.station().target(b"1"), *(one.target(b"1") for one in stations))
    for one in stations:
        one.outbox.closed = True

    sender.feed(3 * b"PUB a re 0\r\n\r\n" + 3 * b"PUB b re 0\r\n\r\n" + 3 * b"PUB a 0\r\n\r\n")

    assert 3 * [(b"a", b"re")] == sender.control.unanswered


@pytest.mark.parametrize("hearing", [[], [0], [RECEIVERS_PER_CHECK], [3 * RECEIVERS_PER_CHECK - 1]])
def test_interrupted_and_nobody(stage: Stage, sender: Station, hearing: list[int]) -> None:
    """A request for very many is reported once, after the last of them, and only if all are closed."""
    sender.inlet.no_responders = True
    open_one, gone = stage.station(), stage.station()
    gone.outbox.closed = True
    stage.subscribe(
        b"a",
        *((open_one if n in hearing else gone).target(b"%d" % n) for n in range(3 * RECEIVERS_PER_CHECK)),
    )
    stage.plane.clock, stage.plane.until = TickingClock(pace=1.0).monotonic, 1.0

    sender.feed(b"PUB a re 2\r\nhi\r\nPUB a 2\r\nhi\r\n")
    early = list(sender.control.unanswered)
    left = [stage.plane.flush()]
    while left[-1]:
        left.append(stage.plane.flush_rest())

    assert not early
    assert ([] if hearing else [(b"a", b"re")]) == sender.control.unanswered


def test_interrupted_without_reply(stage: Stage, sender: Station) -> None:
    """A message for very many without a reply subject is never reported."""
    sender.inlet.no_responders = True
    gone = stage.station()
    gone.outbox.closed = True
    stage.subscribe(b"a", *(gone.target(b"%d" % n) for n in range(2 * RECEIVERS_PER_CHECK)))
    stage.plane.clock, stage.plane.until = TickingClock(pace=1.0).monotonic, 1.0

    sender.feed(b"PUB a 2\r\nhi\r\n")

    assert [True, False] == [stage.plane.flush(), stage.plane.flush_rest()]
    assert not sender.control.unanswered
