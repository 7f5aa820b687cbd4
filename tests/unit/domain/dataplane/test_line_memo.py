"""Lines that come again, with others in between: what was understood of them holds as long as it is right.

They come three times: a line is kept when it comes the second time, and known the third time.
"""

from collections.abc import Callable

import pytest

from app.domain.dataplane.seam import Fault, Plane
from tests.fakes.data_plane import Stage, Station

ONE, OTHER = b"PUB one 2\r\nok\r\n", b"PUB other 2\r\nok\r\n"
LONG = b"PUB %b 2\r\nok\r\n" % (b"long." * 60)
"""Longer than what is kept of a line."""


def test_lines_in_turn(stage: Stage, station: Station) -> None:
    """Each message goes to those who listen to its own subject, however often its line has come."""
    subjects = [b"a.%d" % number for number in range(300)]
    for subject in subjects:
        stage.subscribe(subject, station.target(subject))

    station.feed(3 * b"".join(b"PUB %b 2\r\nok\r\n" % subject for subject in subjects))

    assert 3 * b"".join(b"MSG %b %b 2\r\nok\r\n" % (name, name) for name in subjects) == station.heard()
    assert (300, 600) == (len(stage.planner.asked), stage.plane.plan_hits)


def test_lines_that_come_once(stage: Stage, station: Station) -> None:
    """More lines than can be kept do no harm to one that comes again and again among them."""
    stage.subscribe(b"one", station.target(b"one"))
    rare = [b"PUB rare.%d 2\r\nok\r\n" % number for number in range(3000)]

    station.feed(b"".join(ONE + line for line in rare))

    assert 3000 * b"MSG one one 2\r\nok\r\n" == station.heard()
    assert (3001, 2999) == (len(stage.planner.asked), stage.plane.plan_hits)


@pytest.mark.parametrize("line", [ONE, LONG], ids=["short", "long"])
def test_a_receiver_comes_later(stage: Stage, station: Station, line: bytes) -> None:
    """A plan that was noted for a line is not used when a subscription has changed it."""
    subject = line.split()[1]
    station.feed(3 * (line + OTHER))

    stage.subscribe(subject, station.target())
    stage.plane.changed(subject)
    station.feed(line + OTHER)

    assert b"MSG %b 1 2\r\nok\r\n" % subject == station.heard()


@pytest.mark.parametrize(
    "change",
    [
        lambda plane: plane.changed(b"*"),
        lambda plane: plane.changed(b">"),
        lambda plane: plane.forget_plans(),
    ],
    ids=["star", "rest", "all"],
)
def test_a_plan_is_forgotten(stage: Stage, station: Station, change: Callable[[Plane], None]) -> None:
    """What changes many plans at once changes those that were noted for lines."""
    station.feed(3 * (ONE + OTHER))

    stage.planner.listeners[b"one"] = ((station.target(),), ())
    change(stage.plane)
    station.feed(2 * (ONE + OTHER))

    assert 2 * b"MSG one 1 2\r\nok\r\n" == station.heard()


def test_each_audience_has_its_plan(stage: Stage) -> None:
    """Publishers of other rights send the same line, and the planner is asked for each of them once."""
    stations = [stage.station(), stage.station()]
    stations[1].inlet.audience = 7

    for station in 3 * stations:
        station.feed(ONE + OTHER)

    assert [(0, b"one"), (0, b"other"), (7, b"one"), (7, b"other")] == stage.planner.asked
    assert 8 == stage.plane.plan_hits


def test_a_message_of_one_kind_is_none_of_another(stage: Stage) -> None:
    """A line of a route that came before means nothing when a client sends it."""
    route, client = stage.route(), stage.station()
    line = b"MSG one RSID:1:1 2"
    route.feed(3 * (line + b"\r\nok\r\n" + ONE))

    client.feed(line + b"\r\n")

    assert [line + b"\r"] == client.control.lines


def test_headers_are_refused_to_whom_they_are_not_allowed(stage: Stage) -> None:
    """A line of HPUB that another client has sent is no message of one without headers."""
    able, other = stage.station(), stage.station()
    able.inlet.headers = True
    line = b"HPUB one 12 12\r\n"
    able.feed(3 * (line + b"NATS/1.0\r\n\r\n\r\n" + ONE))

    other.feed(line)

    assert (6, 0, [line[:-1]]) == (able.inlet.in_msgs, other.inlet.in_msgs, other.control.lines)


def test_other_limits(stage: Stage, station: Station) -> None:
    """No line is understood as it was under other limits."""
    station.feed(3 * (ONE + OTHER))

    stage.plane.set_limits(1, 1024)
    stage.plane.limit(station.inlet)
    station.feed(ONE)

    assert [(Fault.PAYLOAD, b"2")] == station.control.faults


def test_a_plan_that_does_not_last(stage: Stage, station: Station) -> None:
    """Where the planner says that a plan is for one message, it is asked for each."""
    stage.planner.decide = lambda _subject: -1

    station.feed(3 * (ONE + OTHER))

    assert 6 == len(stage.planner.asked)
