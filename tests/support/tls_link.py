"""A TLS link in virtual time: the server end over a fake transport, and a client driven by a test."""

import ssl
from collections.abc import Callable, Iterable

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.buffering_layer import BufferingLayer
from app.adapters.net_asyncio.tls_choice import ChoiceTerms, choice_layers
from app.adapters.net_asyncio.tls_context import server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.domain.events import Event
from app.domain.sessions.wire import PeerAddress
from app.ports.layers import LinkSetup, Upper, begin
from app.ports.stream_wire import LinkContext, StreamWire
from tests.fakes.asyncio_transport import FakeTransport
from tests.fakes.handler import HandlerFactory, ReceiveRoom, RecordingAcceptor, RecordingHandler
from tests.support.certificates import certificates

PEER = PeerAddress("192.0.2.1", 1234)
TIMEOUT = 0.5


class TlsMemoryClient:
    """The engine of a TLS client, without a link."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.engine = (context or certificates().client_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost"
        )

    def shake(self, heard: bytes = b"") -> bytes:
        """Take what the server said; return what comes next in the handshake."""
        self._incoming.write(heard)
        try:
            self.engine.do_handshake()
        except ssl.SSLWantReadError:
            return self._outgoing.read()
        return self._outgoing.read()

    def seal(self, data: bytes) -> bytes:
        """Encrypt."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.engine.write(rest) :]
        return self._outgoing.read()

    def unseal(self, heard: bytes) -> bytes:
        """Decrypt; what is unfinished waits for the next call."""
        self._incoming.write(heard)
        plain = b""
        while self._incoming.pending or self.engine.pending():
            try:
                piece = self.engine.read(65536)
            except ssl.SSLWantReadError:
                break
            if not piece:
                break
            plain += piece
        return plain

    def goodbye(self) -> bytes:
        """The record that ends our direction."""
        try:
            self.engine.unwrap()
        except ssl.SSLError:
            return self._outgoing.read()
        return self._outgoing.read()

    def heard_goodbye(self, heard: bytes) -> bool:
        """Whether the server said so; it is the last that is heard."""
        self._incoming.write(heard)
        try:
            return self.engine.read(1) == b""
        except ssl.SSLZeroReturnError:  # both sides have said so
            return True
        except ssl.SSLWantReadError:
            return False


class TlsLink:
    """Our end of a link, and everything around it."""

    def __init__(  # noqa: PLR0913 - each is asked for by name
        self,
        factory: HandlerFactory = RecordingHandler,
        *,
        for_routes: bool = False,
        peers: str = "",
        room: ReceiveRoom | None = None,
        verify: bool = False,
        identify: bool = False,
        pins: Iterable[str] = (),
        choice: ChoiceTerms | None = None,
    ) -> None:
        """With `choice` the client may begin with TLS, or go without it, as it says."""
        self.clock = ManualClock()
        self.failures: list[Exception] = []
        self.facts: list[Event] = []
        self.transport = FakeTransport()
        self.acceptor = RecordingAcceptor(factory=factory, room=room)
        settings = TlsSettings(
            server_context(certificates().files(verify=verify)),
            TIMEOUT,
            self.facts.append,
            for_routes,
            peers,
            identify=identify,
            first=choice is not None and choice.greet_after is not None,
            pins=frozenset(pins),
        )
        self.layers = TlsLayers(settings)
        self.setup = LinkSetup(self.clock)
        wire = StreamWire(LinkContext(self.clock, self.acceptor, self.failures.append), PEER)
        make: Callable[[Upper, LinkSetup], BufferingLayer] = self.layers
        if choice is not None:
            make = choice_layers(self.layers, choice)
        self.layer = make(wire, self.setup)
        begin(self.layer, self.transport)

    @property
    def handler(self) -> RecordingHandler:
        """The handler that the acceptor made."""
        return self.acceptor.handlers[0]

    @property
    def texts(self) -> list[str]:
        """Events of the handshake."""
        return [fact.text() for fact in self.facts]

    def receive(self, data: bytes, size: int | None = None) -> None:
        """Do what an event loop does when data comes in, in reads of at most `size` bytes."""
        while data:
            room = self.layer.get_buffer(-1)
            count = min(len(data), len(room), size or len(room))
            room[:count] = data[:count]
            self.layer.buffer_updated(count)
            self.clock.run_pending()
            data = data[count:]

    def sent(self) -> bytes:
        """What went out since the last call; the transport is rid of it."""
        data = bytes(self.transport.written)
        self.transport.written.clear()
        self.transport.buffered = 0
        if data and self.transport.limits[-1] == (0, None):
            self.layer.resume_writing()
            self.clock.run_pending()
        return data

    def shake_hands(self, client: TlsMemoryClient, size: int | None = None) -> None:
        """Make the handshake; what was sent before it must have been taken out."""
        said = client.shake()
        while said:
            self.receive(said, size)
            said = client.shake(self.sent())

    def lose(self, error: Exception | None = None) -> None:
        """End the link, as the loop does."""
        self.layer.connection_lost(error)
        self.clock.run_pending()


def secure_link(
    factory: HandlerFactory = RecordingHandler, *, room: ReceiveRoom | None = None
) -> tuple[TlsLink, TlsMemoryClient]:
    """A link and its client, after the handshake."""
    link, client = TlsLink(factory, room=room), TlsMemoryClient()
    link.shake_hands(client)
    link.transport.requests.clear()
    return link, client
