"""A websocket between an event loop and a handler, in virtual time and without a socket."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.websocket_frames import MOST_FRAMES, closing, control
from app.adapters.net_asyncio.websocket_layer import (
    LEAST_IN_PLACE,
    LEAST_READ,
    MOST_READ,
    REPLY_BYTES,
    WebsocketLayers,
    WebsocketSettings,
)
from app.domain.events import Event
from app.domain.fair_queue import CROWDED_READ
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LinkSetup, begin
from app.ports.stream_wire import LinkContext, StreamWire
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import ReceiveRoom, RecordingAcceptor, RecordingHandler
from tests.support.websocket_frames import frame
from tests.unit.adapters.net_asyncio.test_websocket_frames import squeeze
from tests.unit.adapters.net_asyncio.test_websocket_upgrade import request


class Link:
    """Our end of a websocket, and everything around it."""

    def __init__(self, *, compression: bool = False, room: ReceiveRoom | None = None) -> None:
        self.clock = ManualClock()
        self.facts: list[Event] = []
        self.failures: list[Exception] = []
        self.transport = FakeTransport()
        self.acceptor = RecordingAcceptor(room=room)
        context = LinkContext(self.clock, self.acceptor, self.failures.append)
        self.wire = StreamWire(context, PeerAddress("192.0.2.1", 1234))
        settings = WebsocketSettings(self.facts.append, 10_000, compression=compression)
        self.setup = LinkSetup(self.clock)
        self.lowest = WebsocketLayers(settings)(self.wire, self.setup)
        begin(self.lowest, self.transport)

    @property
    def handler(self) -> RecordingHandler:
        """Who serves the link."""
        return self.acceptor.handlers[0]

    def feed(self, data: bytes) -> None:
        """Let input come in."""
        room = self.lowest.get_buffer(-1)
        room[: len(data)] = data
        self.lowest.buffer_updated(len(data))

    def sent(self) -> bytes:
        """What was written since the last call."""
        data = bytes(self.transport.written)
        self.transport.written.clear()
        self.transport.buffered = 0
        return data

    def shake_hands(self, **headers: str) -> None:
        """Get a websocket."""
        self.feed(request(**headers))
        assert self.sent().startswith(b"HTTP/1.1 101 ")


def test_link_is_accepted_when_it_has_a_websocket() -> None:
    """Nobody serves the link before the request; data that comes with it is delivered."""
    link = Link()
    before = len(link.acceptor.handlers)

    link.feed(request() + frame(b"PING\r\n"))

    assert before == 0
    assert link.handler.open
    assert bytes(link.handler.data) == b"PING\r\n"


def test_each_flush_is_one_frame() -> None:
    """Several pieces go out with one header; nothing is sent for nothing."""
    link = Link()
    link.shake_hands()

    link.handler.wire.writelines([b"PING\r\n", b"PONG\r\n"])
    link.handler.wire.write(b"")

    assert link.sent() == b"\x82\x0cPING\r\nPONG\r\n"


def test_long_output_is_compressed_if_agreed() -> None:
    """Long data is compressed, short data is not."""
    link = Link(compression=True)
    link.shake_hands(Sec_WebSocket_Extensions="permessage-deflate")
    packed = squeeze(b"x" * 100)

    link.handler.wire.write(b"PING\r\n")
    link.handler.wire.writelines([b"x" * 50, b"x" * 50])

    assert link.sent() == b"\x82\x06PING\r\n" + bytes((0xC2, len(packed))) + packed


def test_bad_request_is_refused_and_logged() -> None:
    """The peer hears why, the link is closed, and the log has one line."""
    link = Link()

    link.feed(b"CONNECT {}\r\n\r\n")

    assert link.sent().startswith(b"HTTP/1.1 400 ")
    assert not link.wire.is_open
    assert not link.acceptor.handlers
    assert [fact.text()[:24] for fact in link.facts] == ["websocket handshake erro"]


def test_slow_request_is_refused() -> None:
    """W2: a request that does not end in time ends the link, whatever came of it."""
    link = Link()
    link.feed(b"GET / HTTP/1.1\r\n")
    link.clock.advance(1.0)
    link.feed(b"Host: a\r\n")

    link.clock.advance(1.0)

    assert link.sent().startswith(b"HTTP/1.1 408 ")
    assert not link.wire.is_open


def test_end_of_file_in_the_request() -> None:
    """Half a request is refused."""
    link = Link()
    link.feed(b"GET / HTTP/1.1\r\n")

    link.lowest.eof_received()

    assert link.sent().startswith(b"HTTP/1.1 400 ")


def test_broken_frames_close_the_link_with_a_status() -> None:
    """The peer hears the status in a close frame, and the log says why."""
    link = Link()
    link.shake_hands()

    link.feed(b"\x82\x01x")

    assert link.sent() == closing(1002, "mask bit missing")
    assert not link.wire.is_open
    assert [fact.text() for fact in link.facts] == ["websocket error: mask bit missing"]


def test_close_is_answered() -> None:
    """The handler hears the end of input after the data, and the peer its own status."""
    link = Link()
    link.shake_hands()

    link.feed(frame(b"PING\r\n") + frame(b"\x03\xe9bye", 0x88))

    assert bytes(link.handler.data) == b"PING\r\n"
    assert link.sent() == control(8, b"\x03\xe9")
    assert "eof_received" in link.handler.calls


def test_pings_are_answered_and_bounded() -> None:
    """W8: each ping has its pong, and who takes none of them is cut."""
    link = Link()
    link.shake_hands()
    link.feed(frame(b"a", 0x89) + frame(b"", 0x89))
    answered = link.sent()

    for _ in range(REPLY_BYTES // 100):
        link.feed(frame(b"x" * 125, 0x89))

    assert answered == control(10, b"a") + control(10)
    assert "abort" in link.transport.requests
    assert len(link.transport.written) <= REPLY_BYTES + 1000


def test_paused_link_keeps_its_input() -> None:
    """Nothing is delivered while the link is paused, and all of it later."""
    link = Link()
    link.shake_hands()
    link.handler.wire.pause()
    link.feed(frame(b"PING\r\n"))
    held = bytes(link.handler.data)

    link.handler.wire.resume()
    link.clock.run_pending()

    assert held == b""
    assert bytes(link.handler.data) == b"PING\r\n"
    assert link.transport.reading


def test_a_link_that_was_paused_reads_in_place_again() -> None:
    """More was kept than the room of the handler takes; when it has been read, none of it is put there."""
    link = Link(room=ReceiveRoom(LEAST_IN_PLACE))
    link.shake_hands()
    link.handler.wire.pause()
    link.feed(3 * frame(b"x" * 9000) + frame(b"PING\r\n")[:3])
    link.handler.wire.resume()
    link.clock.run_pending()

    link.feed(frame(b"PING\r\n")[3:])

    assert bytes(link.handler.data) == 27_000 * b"x" + b"PING\r\n"
    assert not link.failures


@pytest.mark.parametrize("compression", [False, True])
def test_many_small_frames_take_turns(compression: bool) -> None:  # noqa: FBT001
    """A flood of frames without data is read in several turns, in order, with what came in meanwhile."""
    link = Link(compression=compression)
    link.shake_hands(**({"Sec_WebSocket_Extensions": "permessage-deflate"} if compression else {}))
    link.feed(frame(b"", 0x02) + MOST_FRAMES * frame(b"", 0x00) + frame(b"PING\r\n", 0x80))
    at_once, reads = bytes(link.handler.data), link.transport.reading

    link.clock.run_pending()

    assert (b"", False) == (at_once, reads)
    assert b"PING\r\n" == bytes(link.handler.data)
    assert link.transport.reading


def test_many_small_frames_before_the_end() -> None:
    """The end of input comes after the frames that wait for their turn."""
    link = Link()
    link.shake_hands()
    link.feed(frame(b"", 0x02) + MOST_FRAMES * frame(b"", 0x00) + frame(b"PING\r\n", 0x80))

    stays = link.lowest.eof_received()
    link.clock.run_pending()

    assert stays
    assert b"PING\r\n" == bytes(link.handler.data)
    assert ["received", "eof_received"] == link.handler.calls


def test_our_close_is_a_frame_with_a_status() -> None:
    """When we end the link, the peer hears a normal close."""
    link = Link()
    link.shake_hands()

    link.handler.wire.close()
    link.transport.buffered = 0
    link.wire.resume_writing()
    link.clock.run_pending()

    assert link.sent() == closing(1000)
    assert "write_eof" in link.transport.requests
    assert not link.failures


def test_loss_in_the_handshake() -> None:
    """A link that is lost leaves no timer."""
    link = Link()

    link.lowest.connection_lost(None)

    assert link.clock.timers_outstanding == 0


def test_frames_are_read_where_their_data_goes() -> None:
    """The room of the handler is lent, and data comes through however its frames are cut."""
    link = Link()
    link.shake_hands()
    text = b"PUB a 300\r\n" + 300 * b"x" + b"\r\n"
    data = 3 * (frame(text) + frame(b"hi", 0x89) + frame(text[:5], 0x02) + frame(text[5:], 0x80))

    for step in (1, 2, 7, 200, 5000):
        for at in range(0, len(data), step):
            link.feed(data[at : at + step])

    assert link.lowest.get_buffer(-1).obj is link.handler.reserve().obj
    assert bytes(link.handler.data) == 5 * 6 * text
    assert link.sent() == 5 * 3 * control(10, b"hi")


def test_a_small_room_is_not_lent() -> None:
    """At the end of a large message frames are read beside the room, or each would take several reads."""
    link = Link(room=ReceiveRoom(LEAST_IN_PLACE - 1))
    link.shake_hands()

    room = link.lowest.get_buffer(-1)
    link.feed(frame(b"PING\r\n") + frame(bytes(LEAST_IN_PLACE)))

    assert LEAST_READ == len(room)
    assert bytes(link.handler.data) == b"PING\r\n" + bytes(LEAST_IN_PLACE)


def test_a_peer_that_sends_much_fills_the_room_of_a_crowded_round() -> None:
    """A connection sees by a full room that a peer sends much, and has to wait for its turn."""
    link = Link(room=ReceiveRoom(CROWDED_READ))
    link.shake_hands()
    link.handler.on_note = link.handler.wire.pause
    data = 3 * frame(bytes(CROWDED_READ))

    link.feed(data[: len(link.lowest.get_buffer(-1))])

    assert CROWDED_READ == len(link.handler.data)


def test_a_room_that_was_lent_is_forgotten() -> None:
    """Where nothing came to it, what comes after a pause is kept beside it."""
    link = Link()
    link.shake_hands()
    link.lowest.get_buffer(-1)

    link.handler.wire.pause()
    link.feed(frame(b"PING\r\n"))

    assert bytes(link.handler.data) == b""


def test_more_is_read_at_once_where_much_comes() -> None:
    """Where messages may be compressed, the room grows with each read that fills it, and shrinks again."""
    link = Link(compression=True)
    link.shake_hands(Sec_WebSocket_Extensions="permessage-deflate")
    full, few = [], []

    for _ in range(6):
        full.append(len(link.lowest.get_buffer(-1)))
        link.feed((full[-1] // 8) * frame(b"PI")[:8] + bytes(full[-1] % 8))
    for _ in range(6):
        link.feed(frame(b"PI"))
        few.append(len(link.lowest.get_buffer(-1)))

    assert [LEAST_READ << shift for shift in range(4)] + [MOST_READ, MOST_READ] == full
    assert [MOST_READ // 2, MOST_READ // 4, MOST_READ // 8, LEAST_READ, LEAST_READ, LEAST_READ] == few
