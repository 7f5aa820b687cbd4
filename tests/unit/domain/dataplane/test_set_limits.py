"""Limits of messages that are replaced while connections are there."""

import pytest

from app.domain.dataplane.seam import Fault
from tests.fakes.data_plane import Stage, Station

MESSAGE = b"PUB foo 10\r\n0123456789\r\n"
ROUTED = b"MSG foo RSID:1:1 10\r\n0123456789\r\n"


def replace(stage: Stage, station: Station, max_payload: int, max_line: int = 1024) -> None:
    """Let other limits hold for this connection."""
    stage.plane.set_limits(max_payload, max_line)
    stage.plane.limit(station.inlet)


def test_a_smaller_payload(stage: Stage, station: Station) -> None:
    """The very line that was good before is refused, though it was understood already."""
    station.feed(MESSAGE)

    replace(stage, station, 9)
    station.feed(MESSAGE)

    assert (1, [(Fault.PAYLOAD, b"10")]) == (station.inlet.in_msgs, station.control.faults)


def test_a_larger_payload(stage: Stage, station: Station) -> None:
    """What would have been refused is served."""
    replace(stage, station, 9)
    replace(stage, station, 10)
    station.feed(MESSAGE)

    assert (1, []) == (station.inlet.in_msgs, station.control.faults)


def test_a_shorter_line(stage: Stage, station: Station) -> None:
    """The limit of a line is replaced too."""
    replace(stage, station, 100, 5)
    station.feed(MESSAGE)

    assert [Fault.LINE] == [fault for fault, _ in station.control.faults]


@pytest.mark.parametrize("stop", [12, 20], ids=["line", "payload"])
def test_an_incomplete_message(stage: Stage, station: Station, stop: int) -> None:
    """It is judged again as soon as there is more of it."""
    station.feed(MESSAGE[:stop])

    replace(stage, station, 9)
    station.feed(MESSAGE[stop:])

    assert (0, [(Fault.PAYLOAD, b"10")]) == (station.inlet.in_msgs, station.control.faults)


def test_a_route_has_its_own(stage: Stage) -> None:
    """What no client may send a route may: its messages were taken by another server."""
    route = stage.route()
    route.feed(ROUTED)

    replace(stage, route, 9, 5)
    route.feed(ROUTED)

    assert (2, []) == (route.inlet.in_msgs, route.control.faults)


def test_new_connections_have_the_new_ones(stage: Stage) -> None:
    """They need no further word."""
    stage.plane.set_limits(9, 1024)
    newcomer = stage.station()

    newcomer.feed(MESSAGE)

    assert [Fault.PAYLOAD] == [fault for fault, _ in newcomer.control.faults]
