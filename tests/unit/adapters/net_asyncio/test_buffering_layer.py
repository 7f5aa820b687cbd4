"""Unit tests of what layers that keep input have in common."""

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.buffering_layer import BufferingLayer
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LinkSetup, begin
from app.ports.stream_wire import LinkContext, StreamWire
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import RecordingAcceptor


class Plain(BufferingLayer):
    """Keeps nothing; notes what it is asked for."""

    def __init__(self, wire: StreamWire, setup: LinkSetup) -> None:
        super().__init__(wire, setup)
        self.calls: list[str] = []
        self.over = False
        self.defect: Exception | None = None

    def _deliver(self) -> None:
        self.calls.append("deliver")
        if self.defect is not None:
            raise self.defect

    def _say_goodbye(self) -> None:
        self.calls.append("goodbye")

    def _finish(self) -> None:
        self.calls.append("finish")

    def _discards_input(self) -> bool:
        return self.over

    def end_input(self) -> bool:
        """See the base."""
        return self._end_input()


class Link:
    """The layer, and everything around it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.transport = FakeTransport()
        self.acceptor = RecordingAcceptor()
        context = LinkContext(self.clock, self.acceptor, self.failures.append)
        self.wire = StreamWire(context, PeerAddress("192.0.2.1", 1))
        self.layer = Plain(self.wire, LinkSetup(self.clock))
        begin(self.layer, self.transport)
        self.transport.requests.clear()


def test_what_was_kept_is_delivered_later_and_once() -> None:
    """A link that is resumed delivers after the call, however often it is resumed meanwhile."""
    link = Link()
    link.layer.pause_reading()
    paused = not link.transport.reading

    link.layer.resume_reading()
    link.layer.resume_reading()
    calls_within = list(link.layer.calls)
    link.clock.run_pending()

    assert paused
    assert [] == calls_within
    assert ["deliver"] == link.layer.calls
    assert ["pause_reading", "resume_reading"] == link.transport.requests


def test_a_link_that_is_paused_again_reads_no_more() -> None:
    """A pause before the delivery holds, unless input is discarded by then."""
    link = Link()
    for over in (False, True):
        link.layer.over = over
        link.layer.resume_reading()
        link.layer.pause_reading()
        link.clock.run_pending()

        assert link.transport.reading == over


def test_nothing_is_read_after_the_end() -> None:
    """A link that was ended is not resumed."""
    link = Link()

    link.layer.close()
    link.layer.resume_reading()
    link.clock.run_pending()

    assert ["goodbye", "deliver"] == link.layer.calls
    assert ["close"] == link.transport.requests


def test_the_ends() -> None:
    """The layer says its own goodbye before the lower is ended, but for an abort."""
    link = Link()

    link.layer.write_eof()
    link.layer.close()
    link.layer.abort()

    assert ["goodbye", "goodbye", "finish"] == link.layer.calls
    assert ["write_eof", "close", "abort"] == link.transport.requests


def test_a_defect_ends_the_link() -> None:
    """An error in the delivery aborts the one link, and is reported."""
    link, defect = Link(), RuntimeError("defect")
    link.layer.defect = defect

    link.layer.resume_reading()
    link.clock.run_pending()

    assert [defect] == link.failures
    assert "abort" in link.transport.requests


def test_the_end_of_input_is_passed_on_once() -> None:
    """The upper is notified once; afterwards the answer is whether it is open."""
    link = Link()

    link.layer.end_input()
    link.layer.end_input()

    assert 1 == link.acceptor.handlers[0].calls.count("eof_received")
