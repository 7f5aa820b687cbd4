"""Unit tests of layers that look at the first bytes of a link."""

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.held_input_layer import HeldInputLayer
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LinkSetup, begin
from app.ports.stream_wire import LinkContext, StreamWire
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import ReceiveRoom, RecordingAcceptor


class Held(HeldInputLayer):
    """Holds what a test says."""

    def hold(self, data: bytes) -> None:
        """Hold it; `deliver` hands it on."""
        self._held = data

    def deliver(self) -> None:
        """See the base."""
        self._deliver()


class Link:
    """The layer, and everything around it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.transport = FakeTransport()
        self.acceptor = RecordingAcceptor(room=ReceiveRoom(4))
        wire = StreamWire(
            LinkContext(self.clock, self.acceptor, self.failures.append), PeerAddress("192.0.2.1", 1)
        )
        self.layer = Held(wire, LinkSetup(self.clock))
        begin(self.layer, self.transport)
        self.transport.requests.clear()
        (self.handler,) = self.acceptor.handlers


def test_what_is_held_is_delivered_in_pieces() -> None:
    """Each piece fits into the room of the handler."""
    link = Link()
    link.layer.hold(b"PING\r\nPONG\r\n")
    link.layer.deliver()

    assert b"PING\r\nPONG\r\n" == link.handler.data


def test_a_paused_link_keeps_what_is_held() -> None:
    """It comes later, after the call that resumes the link."""
    link = Link()
    link.layer.hold(b"PING\r\n")
    link.layer.pause_reading()
    link.layer.deliver()
    link.layer.resume_reading()
    early = bytes(link.handler.data)
    link.clock.run_pending()

    assert (b"", b"PING\r\n") == (early, bytes(link.handler.data))
    assert link.transport.reading


def test_a_link_that_holds_nothing_is_resumed_at_once() -> None:
    """There is no call of the loop in between."""
    link = Link()
    link.layer.pause_reading()
    link.layer.resume_reading()

    assert link.transport.reading


def test_the_end_comes_after_what_is_held() -> None:
    """The handler reads all that the peer has sent, and then its end."""
    link = Link()
    link.layer.hold(b"PING\r\n")
    link.layer.pause_reading()
    stays = link.layer.eof_received()
    early = list(link.handler.calls)
    link.layer.resume_reading()
    link.clock.run_pending()

    assert stays
    assert "eof" not in str(early)
    assert b"PING\r\n" == link.handler.data
    assert "eof" in str(link.handler.calls)


def test_an_end_with_nothing_held_is_passed_on() -> None:
    """The end of input is passed on at once when nothing is held."""
    link = Link()
    link.layer.eof_received()

    assert "eof" in str(link.handler.calls)


def test_an_aborted_link_delivers_nothing() -> None:
    """What is held is dropped."""
    link = Link()
    link.layer.hold(b"PING\r\n")
    link.layer.abort()
    link.layer.deliver()

    assert b"" == link.handler.data
