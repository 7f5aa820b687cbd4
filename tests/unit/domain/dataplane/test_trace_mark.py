"""Messages that ask for a trace, over both twins."""

import pytest

from app.domain.dataplane.seam import HookedMessage, Plan, Progress
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


@pytest.mark.parametrize("closed", [True, False])
def test_it_may_stop_the_ingest(stage: Stage, station: Station, *, closed: bool) -> None:
    """What comes after it is kept, but for nothing where its publisher is closed; and it goes on later."""
    inlet, rest = station.inlet, b"PUB a 2\r\nho\r\n"
    inlet.headers = inlet.traces = inlet.verbose = inlet.trace = True
    stage.subscribe(b"a", station.target())

    def stop(_plan: Plan, _message: HookedMessage) -> bool:
        inlet.closed = closed
        return False

    station.control.pass_on = stop

    assert Progress.STOPPED is station.feed(hpub(ASKING) + rest)
    assert b"" == station.heard()
    assert [(b"HPUB", b"a 31 33\r", ASKING + b"hi")] == station.control.traces
    assert (b"" if closed else rest) == inlet.kept()
    assert closed or station.go_on() is Progress.DONE
    assert (b"" if closed else b"+OK\r\nMSG a 1 2\r\nho\r\n") == station.heard()


def test_one_that_is_denied(stage: Stage, station: Station) -> None:
    """It goes to the control plane too."""
    inlet = station.inlet
    inlet.headers = inlet.traces = inlet.verbose = True
    stage.planner.answer = lambda plane, _audience, _subject: plane.plan((), (), denied=True)

    station.feed(2 * hpub(ASKING))

    assert 2 * [(b"a", b"")] == station.control.denials
    assert 2 == len(station.control.hooked_messages)
    assert b"" == station.heard()
