"""Messages that ask for a trace, over both twins."""

import pytest

from app.domain.dataplane.seam import HookedMessage
from app.domain.dataplane.trace_mark import asks
from tests.fakes.data_plane import Stage, Station

ASKING = b"NATS/1.0\r\nNats-Trace-Dest:t\r\n\r\n"
OTHER = b"NATS/1.0\r\nNats-Trace-Desk:t\r\n\r\n"


def hpub(block: bytes) -> bytes:
    """A message on `a` with these headers."""
    return b"HPUB a %d %d\r\n%bhi\r\n" % (len(block), len(block) + 2, block)


def test_the_mark() -> None:
    """It is looked for at the beginning of lines only."""
    assert [True, False, False] == [
        asks(ASKING),
        asks(OTHER),
        asks(b"NATS/1.0\r\nX:Nats-Trace-Dest:t\r\n\r\n"),
    ]


@pytest.mark.parametrize("traces", [True, False])
def test_it_goes_to_the_control_plane(stage: Stage, station: Station, *, traces: bool) -> None:
    """In a run as well, in order; without tracing it is delivered like all others."""
    station.inlet.headers = station.outbox.headers = True
    station.inlet.traces = traces
    stage.subscribe(b"a", station.target())

    station.feed(3 * hpub(OTHER) + 2 * hpub(ASKING) + hpub(OTHER) + b"PUB a 2\r\nho\r\n")

    handed = 2 if traces else 0
    assert handed * [HookedMessage(b"a", b"", len(ASKING), ASKING + b"hi")] == station.control.hooked_messages
    assert 7 - handed == station.outbox.out_msgs
    assert 7 == station.inlet.in_msgs
