"""Unit tests of links to hubs, whose INFO decides about TLS; in virtual time and without a socket."""

import gc
import ssl
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.info_first import LARGEST_INFO, InfoTerms, info_first_layers
from app.adapters.net_asyncio.tls_context import TlsFiles, dialing_context, server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.domain.events import Event
from app.domain.sessions.wire import PeerAddress, Wire
from app.ports.layers import LinkSetup, begin
from app.ports.stream_wire import LinkContext, StreamWire
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import HandlerFactory, ReceiveRoom, RecordingAcceptor, RecordingHandler
from tests.support.certificates import certificates

PLAIN = b'INFO {"server_id":"NHUB"}\r\n'
SECURE = b'INFO {"server_id":"NHUB","tls_required":true}\r\n'
OFFERED = b'INFO {"server_id":"NHUB","tls_available":true}\r\n'
SECONDS = 1.0


class HubEngine:
    """The TLS of a hub, without a link."""

    def __init__(self) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = server_context(certificates().files())
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def shake(self, heard: bytes) -> bytes:
        """Take what was said; return the answer."""
        self._incoming.write(heard)
        with suppress(ssl.SSLError):  # it waits for more, or was refused
            self._engine.do_handshake()
        return self._outgoing.read()

    def seal(self, data: bytes) -> bytes:
        """Encrypt."""
        self._engine.write(data)
        return self._outgoing.read()


class HubLink:
    """Our end of a link to a hub, and everything around it."""

    def __init__(
        self,
        factory: HandlerFactory = RecordingHandler,
        *,
        demands_tls: bool = False,
        name: str = "localhost",
    ) -> None:
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.refusals: list[str] = []
        self.facts: list[Event] = []
        self.transport = FakeTransport()
        self.room = ReceiveRoom()
        self.acceptor = RecordingAcceptor(factory=factory, room=self.room)
        context = dialing_context(TlsFiles("", "", certificates().authority.ca_file))
        settings = TlsSettings(context, SECONDS, self.facts.append, for_routes=True, peers="leafnode")
        make = info_first_layers(TlsLayers(settings), InfoTerms(SECONDS, demands_tls))
        wire = StreamWire(
            LinkContext(self.clock, self.acceptor, self.failures.append), PeerAddress("192.0.2.1", 1)
        )
        self.layer = make(wire, LinkSetup(self.clock, dialed=name, refused=self.refusals.append))
        begin(self.layer, self.transport)

    def receive(self, data: bytes, size: int = 65536) -> None:
        """What an event loop does when data comes in, in reads of at most `size` bytes."""
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            room = self.layer.get_buffer(-1)
            room[: len(piece)] = piece
            self.layer.buffer_updated(len(piece))
            self.clock.run_pending()

    def sent(self) -> bytes:
        """What went out since the last call."""
        self.clock.run_pending()
        data = bytes(self.transport.written)
        self.transport.written.clear()
        return data

    def shake_hands(self, hub: HubEngine) -> None:
        """Make the handshake."""
        while said := self.sent():
            answer = hub.shake(said)
            if answer:
                self.receive(answer)

    def data(self) -> bytes:
        """What the handler has got."""
        (handler,) = self.acceptor.handlers
        return bytes(handler.data)


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_a_hub_without_tls(size: int) -> None:
    """The handler is made when INFO is there, and gets all that the hub has sent."""
    link = HubLink()
    early = len(link.acceptor.handlers)
    link.receive(PLAIN + b"PING\r\n", size)

    assert 0 == early
    assert PLAIN + b"PING\r\n" == link.data()
    assert link.acceptor.handlers[0].open
    assert link.acceptor.handlers[0].wire.security is None
    assert [] == link.refusals


@pytest.mark.parametrize(("info", "demands"), [(SECURE, False), (SECURE, True), (OFFERED, True)])
def test_a_hub_with_tls(info: bytes, demands: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The handshake comes first, and then INFO is delivered as if it had come inside."""
    link, hub = HubLink(demands_tls=demands), HubEngine()
    link.receive(info, 5)
    early = len(link.acceptor.handlers)
    link.shake_hands(hub)
    link.receive(hub.seal(b"PING\r\n"))
    link.acceptor.handlers[0].wire.write(b"CONNECT {}\r\n")

    assert 0 == early
    assert info + b"PING\r\n" == link.data()
    assert link.acceptor.handlers[0].wire.security is not None
    assert b"CONNECT" not in link.sent()
    assert [] == link.refusals


@pytest.mark.parametrize(
    ("info", "demands", "reason"),
    [
        (PLAIN, True, "TLS is asked for, and the hub offers none"),
        (b"-ERR 'go away'\r\n", True, "the hub sent no INFO, and TLS is asked for"),
        (b"INFO {\r\n", True, "the hub sent no INFO, and TLS is asked for"),
        (b"INFO []\r\n", True, "the hub sent no INFO, and TLS is asked for"),
        (SECURE + b"PING\r\n", False, "the hub sent more than INFO before the TLS handshake"),
        (b"x" * (LARGEST_INFO + 1), False, f"the hub's INFO is longer than {LARGEST_INFO} bytes"),
        (
            b"INFO " + b"x" * LARGEST_INFO + b"\n",
            False,
            f"the hub's INFO is longer than {LARGEST_INFO} bytes",
        ),
    ],
)
def test_hubs_that_are_refused(info: bytes, demands: bool, reason: str) -> None:  # noqa: FBT001 - a parameter
    """Where TLS is asked for nothing else is taken in clear text, and an INFO without end is no INFO."""
    link = HubLink(demands_tls=demands)
    link.receive(info)

    assert [reason] == link.refusals
    assert [] == link.acceptor.handlers
    assert "abort" in link.transport.requests


def test_what_is_no_info_is_left_to_the_session() -> None:
    """A hub may say why it will not have us, where TLS is not asked for."""
    link = HubLink()
    link.receive(b"-ERR 'maximum connections exceeded'\r\n")

    assert b"-ERR 'maximum connections exceeded'\r\n" == link.data()


def test_a_hub_that_is_silent() -> None:
    """It is given up in time; one that has said INFO is not."""
    silent, other = HubLink(), HubLink()
    other.receive(PLAIN)
    for link in (silent, other):
        link.clock.advance(SECONDS)

    assert ["no INFO within 1 s"] == silent.refusals
    assert [] == other.refusals


def test_a_hub_that_closes() -> None:
    """Before INFO the dial has failed; afterwards the handler learns of the end."""
    early, late = HubLink(), HubLink()
    late.receive(PLAIN)
    for link in (early, late):
        link.layer.eof_received()
        link.clock.run_pending()

    assert ["the hub closed the link before INFO"] == early.refusals
    assert [] == late.refusals
    assert late.acceptor.handlers[0].calls


def test_a_link_that_is_cut() -> None:
    """The same, without a last word."""
    early, late = HubLink(), HubLink()
    late.receive(PLAIN)
    for link in (early, late):
        link.layer.connection_lost(None)
        link.clock.run_pending()

    assert ["the hub closed the link before INFO"] == early.refusals
    assert [] == late.refusals


def test_a_hub_with_another_name() -> None:
    """Its certificate is for somebody else."""
    link, hub = HubLink(demands_tls=True, name="elsewhere.example"), HubEngine()
    link.receive(SECURE)
    link.shake_hands(hub)

    (refusal,) = link.refusals
    assert refusal.startswith("TLS handshake error: certificate verify failed")
    assert [] == link.acceptor.handlers


def test_a_link_that_ends_in_the_handshake() -> None:
    """The dial has failed, for the reason of TLS."""
    link = HubLink()
    link.receive(SECURE)
    link.layer.connection_lost(None)

    assert ["TLS handshake error: EOF"] == link.refusals


def test_a_defect_ends_the_one_link() -> None:
    """It is reported, and the loop goes on."""

    def fail(_wire: Wire, _room: ReceiveRoom, _on_change: Callable[[], None]) -> NoReturn:
        raise ZeroDivisionError

    link = HubLink(fail)
    link.receive(PLAIN)

    assert [ZeroDivisionError] == [type(error) for error in link.failures]


@pytest.mark.parametrize("info", [b"", PLAIN, SECURE])
def test_a_link_that_is_over_is_forgotten(info: bytes) -> None:
    """Memory returns without the garbage collector, however far the link had come."""
    link, hub = HubLink(), HubEngine()
    if info:
        link.receive(info)
        link.shake_hands(hub)
    layer = weakref.ref(link.layer)
    gc.collect()
    gc.disable()
    try:
        link.layer.connection_lost(None)
        link.clock.run_pending()
        link.acceptor.handlers.clear()
        link.room.holder = None
        del link.layer
        forgotten = layer() is None
    finally:
        gc.enable()

    assert forgotten
