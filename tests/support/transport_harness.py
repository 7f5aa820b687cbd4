"""A harness that runs the same scenarios over every transport.

A scenario is a coroutine function. It runs on the event loop of its transport, under
one deadline, and waits for what it expects instead of sleeping. Whatever the transport
reports as a failure, raises into the loop or logs fails it, unless it was foreseen.
"""

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from operator import attrgetter
from tempfile import TemporaryDirectory
from typing import Literal, cast

import pytest

from app.adapters.clock_loop import LoopClock
from app.adapters.net_asyncio import TcpDialer, TcpListener
from app.adapters.net_asyncio.tls_choice import ChoiceTerms, choice_layers
from app.adapters.net_asyncio.tls_context import client_context, server_context
from app.adapters.net_asyncio.tls_layer import TlsLayers, TlsSettings
from app.adapters.net_asyncio.unix_listener import UnixListener
from app.adapters.net_asyncio.unix_socket import UnixSocketSettings
from app.adapters.net_memory import MemoryNetwork
from app.domain.events import AcceptFailed, Event
from app.ports.layers import LayerFactory
from app.ports.transport import Address, Dialer, Listener
from tests.fakes.handler import HandlerFactory, ReceiveRoom, RecordingAcceptor, RecordingHandler
from tests.fakes.layers import Framed, Scrambled
from tests.support.certificates import Authority, KeyPair, certificates
from tests.support.memory_client import open_connection
from tests.support.patience import PATIENCE
from tests.support.tls_stream import TlsStream

DEADLINE = PATIENCE
"""Seconds a scenario may take; far more than it needs."""

LOOPBACK = "127.0.0.1"

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

PAYLOAD = bytes(range(256)) * 65536
"""16 MiB: more than two systems hold between them on behalf of one link."""

Scenario = Callable[["TransportHarness"], Coroutine[None, None, None]]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@dataclass(frozen=True)
class Transport:
    """One adapter on one event loop."""

    name: str
    loop_factory: LoopFactory | None
    in_memory: bool = False
    unix: bool = False
    """Whether listeners are unix sockets."""
    tls: Literal["", "greeting", "secure-first"] = ""
    """Whether links are protected, and what comes first."""
    choice: Literal["", "tls", "clear"] = ""
    """What peers choose that may begin with TLS, or go without it."""
    below: tuple[LayerFactory, ...] = ()
    """Further layers at both ends, below TLS; in memory only, where peers can have them too."""

    def run(self, scenario: Scenario) -> None:
        """Run a scenario to its end; raises what it raises."""
        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            runner.run(_supervise(self, scenario))


def _tcp_transports() -> list[Transport]:
    found = [Transport("tcp-asyncio", None)]
    if find_spec("uvloop"):
        import uvloop  # noqa: PLC0415 - optional: it does not exist on every system

        found.append(Transport("tcp-uvloop", uvloop.new_event_loop))
    return found


TCP = _tcp_transports()
TLS = [
    Transport(f"tls-{mode}-{tcp.name.removeprefix('tcp-')}", tcp.loop_factory, tls=mode)
    for tcp in TCP
    for mode in ("greeting", "secure-first")
]
UNIX = [Transport(f"unix-{tcp.name.removeprefix('tcp-')}", tcp.loop_factory, unix=True) for tcp in TCP]
MEMORY = [
    Transport("memory", None, in_memory=True),
    Transport("memory-layers", None, in_memory=True, below=(Scrambled, Framed)),
    Transport("memory-tls-over-layers", None, in_memory=True, tls="greeting", below=(Framed, Scrambled)),
]
CHOICE = [
    Transport(f"choice-{choice}-{tcp.name.removeprefix('tcp-')}", tcp.loop_factory, choice=choice)
    for tcp in TCP
    for choice in ("tls", "clear")
]
EVERY = [*TCP, *TLS, *CHOICE, *MEMORY]
LINKS = [*EVERY, *UNIX]
"""All there are; unix sockets have no ports, and nobody dials them."""


every_transport = pytest.mark.parametrize("transport", EVERY, ids=attrgetter("name"))
"""Run a test function, which takes ``transport``, over each of them."""


def over_every(transports: list[Transport]) -> Callable[[Scenario], Callable[[Transport], None]]:
    """Make a scenario a test, run over each of these."""

    def made(scenario: Scenario) -> Callable[[Transport], None]:
        @pytest.mark.parametrize("transport", transports, ids=attrgetter("name"))
        def test(transport: Transport) -> None:
            transport.run(scenario)

        test.__doc__ = scenario.__doc__
        return test

    return made


over_every_transport = over_every(EVERY)
"""Make a scenario a test, run over each transport."""

over_every_link = over_every(LINKS)
"""The same, over unix sockets, too."""


@dataclass
class TransportHarness:
    """Servers, clients and recorded failures of one scenario."""

    transport: Transport
    failures: list[Exception] = field(default_factory=list)
    """What the transport reported through ``on_failure``; a scenario that foresees one takes it out."""
    accept_failures: list[AcceptFailed] = field(default_factory=list)
    facts: list[Event] = field(default_factory=list)
    """Events of handshakes."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _network: MemoryNetwork | None = None
    _address: Address | None = None
    _listeners: list[Listener] = field(default_factory=list)
    _dialers: list[TcpDialer] = field(default_factory=list)
    _acceptors: list[RecordingAcceptor] = field(default_factory=list)
    _peers: "list[PeerEnd]" = field(default_factory=list)
    _files: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Make the network, if it is in memory."""
        if self.transport.in_memory:
            self._network = MemoryNetwork(LoopClock(), on_failure=self._failed)

    @property
    def address(self) -> Address:
        """Where `serve` listens."""
        if self._address is None:
            raise LookupError("serve() first, or name an address")
        return self._address

    def notes(self) -> "ObservedTexts":
        """Make a list that `until` takes notice of."""
        return ObservedTexts(self._changed.set)

    def dialer(
        self, *, trusting: Authority | None = None, layers: Sequence[LayerFactory] | None = None
    ) -> Dialer:
        """Make a dialer of this transport, which trusts one authority, or has these layers."""
        if layers is None:
            tls = [self.dialed_tls(trusting)] if self.transport.tls else []
            layers = [*self.transport.below, *tls]
        if self._network is not None:
            return self._network.dialer(layers)
        dialer = TcpDialer(on_failure=self._failed, layers=layers)
        self._dialers.append(dialer)
        return dialer

    def dialed_tls(self, trusting: Authority | None = None) -> TlsLayers:
        """TLS of a dialer, which trusts one authority."""
        authority = trusting or certificates().authority
        files = replace(certificates().files(pair=certificates().client), ca_file=authority.ca_file)
        return TlsLayers(TlsSettings(client_context(files), DEADLINE, self.facts.append, for_routes=True))

    def listener(
        self,
        host: str = LOOPBACK,
        port: int = -1,
        pair: KeyPair | None = None,
        layers: Sequence[LayerFactory] | None = None,
    ) -> Listener:
        """Make a listener of this transport; it shows the usual certificate unless given another."""
        if layers is None:
            layers = [*self.transport.below, *self._accepted_layers(pair)]
        if self._network is not None:
            made: Listener = self._network.listener(host, port, layers)
        elif self.transport.unix:
            made = UnixListener(
                UnixSocketSettings(self._files.enter_context(TemporaryDirectory()) + "/s"),
                on_failure=self._failed,
                on_accept_failed=self.accept_failures.append,
                layers=layers,
            )
        else:
            made = TcpListener(
                host,
                port,
                on_failure=self._failed,
                on_accept_failed=self.accept_failures.append,
                layers=layers,
            )
        self._listeners.append(made)
        return made

    def _accepted_layers(self, pair: KeyPair | None) -> list[LayerFactory]:
        if self.transport.choice:
            # A peer that chooses TLS begins at once; one that does not is silent for a moment at most.
            waits = self.transport.choice == "tls"
            terms = ChoiceTerms(DEADLINE, DEADLINE) if waits else ChoiceTerms(0.01, optional=True)
            return [choice_layers(self.accepted_tls(pair, "first" if waits else ""), terms)]
        return [self.accepted_tls(pair, self.transport.tls)] if self.transport.tls else []

    def accepted_tls(self, pair: KeyPair | None = None, mode: str = "secure-first") -> TlsLayers:
        """TLS of a listener, which shows the usual certificate unless given another."""
        return TlsLayers(
            TlsSettings(
                server_context(certificates().files(pair=pair)),
                timeout=DEADLINE,
                record=self.facts.append,
                for_routes=mode == "secure-first",
                first=mode == "first",
            )
        )

    async def serve(
        self,
        factory: HandlerFactory = RecordingHandler,
        room: ReceiveRoom | None = None,
        pair: KeyPair | None = None,
        layers: Sequence[LayerFactory] | None = None,
    ) -> RecordingAcceptor:
        """Listen, and drive a handler of `factory` for each link; `connect` goes there from now on."""
        acceptor = self.acceptor(factory, room)
        self._address = await self.listener(pair=pair, layers=layers).start(acceptor)
        return acceptor

    def acceptor(
        self, factory: HandlerFactory = RecordingHandler, room: ReceiveRoom | None = None
    ) -> RecordingAcceptor:
        """Make an acceptor whose handlers `until` takes notice of."""
        acceptor = RecordingAcceptor(self._changed.set, factory=factory, room=room)
        self._acceptors.append(acceptor)
        return acceptor

    async def connect(self, address: Address | None = None) -> "PeerEnd":
        """Open a link from the outside, by default to the listener of `serve`."""
        where = address or self.address
        if self._network is not None:
            reader, writer = await open_connection(
                self._network, where.host, where.port, layers=self.transport.below
            )
        elif self.transport.unix:
            reader, writer = await asyncio.open_unix_connection(where.host)
        else:
            reader, writer = await asyncio.open_connection(where.host, where.port)
        peer = PeerEnd(reader, writer)
        self._peers.append(peer)
        if self.transport.tls or self.transport.choice == "tls":
            await peer.shake_hands(certificates().client_context())
        return peer

    async def link(self, factory: HandlerFactory = RecordingHandler) -> "tuple[RecordingHandler, PeerEnd]":
        """Make one link over a listener of its own; return both its ends, once it is open or refused."""
        acceptor = await self.serve(factory)
        peer = await self.connect()
        await self.until(lambda: any(handler.open or handler.calls for handler in acceptor.handlers))
        return acceptor.handlers[0], peer

    async def until(self, expected: Callable[[], bool]) -> None:
        """Wait until a call of a handler makes `expected` true."""
        while not expected():
            self._changed.clear()
            await self._changed.wait()

    async def round_trip(self) -> None:
        """Let a byte go there and back on another link: the loop has seen what came before."""
        address = self._address
        handler, peer = await self.link()
        self._address = address
        await peer.send(b"?")
        await self.until(lambda: handler.data == b"?")
        handler.wire.write(b"!")
        await peer.read(1)

    async def clear_up(self) -> None:
        """End every link that is left, and see the loss of each."""
        for dialer in self._dialers:
            dialer.close()
        for listener in self._listeners:
            await listener.close()
        handlers = [handler for acceptor in self._acceptors for handler in acceptor.handlers]
        for handler in handlers:
            handler.wire.abort()
        for peer in self._peers:
            await peer.end()
        await self.until(lambda: all("connection_lost" in handler.calls for handler in handlers))
        self._files.close()

    def _failed(self, error: Exception) -> None:
        self.failures.append(error)
        self._changed.set()


class ObservedTexts(list[str]):
    """Texts in order of arrival; calls `on_change` after each."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._on_change = on_change

    def append(self, text: str) -> None:
        """Add a text."""
        super().append(text)
        self._on_change()


class PeerEnd:
    """The far end of a link, driven by a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._transport = cast("asyncio.Transport", writer.transport)
        self._tls: TlsStream | None = None

    async def shake_hands(self, context: ssl.SSLContext) -> None:
        """Protect the link; all that follows travels over TLS."""
        self._tls = TlsStream(self._reader, self._writer, context)
        await self._tls.shake_hands()

    @property
    def port(self) -> int:
        """The port of this end; TCP only."""
        return int(self._writer.get_extra_info("sockname")[1])

    @property
    def pending(self) -> int:
        """Bytes that this end has not been rid of yet."""
        return self._transport.get_write_buffer_size()

    async def send(self, data: bytes) -> None:
        """Send; returns when not too much is pending at this end."""
        self.send_unhurried(data)
        await self._writer.drain()

    def send_unhurried(self, data: bytes) -> None:
        """Send what the other end may not read yet; does not wait."""
        if self._tls is None:
            self._writer.write(data)
        else:
            self._tls.write(data)

    async def read(self, count: int) -> bytes:
        """Read exactly `count` bytes; raises `asyncio.IncompleteReadError` if the link ends before."""
        if self._tls is None:
            return await self._reader.readexactly(count)
        return await self._tls.read_exactly(count)

    async def read_to_end(self) -> bytes:
        """Read to the end of file; raises `ConnectionError` when the link is reset."""
        if self._tls is None:
            return await self._reader.read()
        return await self._tls.read_to_end()

    async def ending(self) -> None:
        """Wait for the link's end, orderly or not."""
        try:
            await self.read_to_end()
        except ConnectionError:
            return

    def stop_reading(self) -> None:
        """Leave what comes in with the transport."""
        self._transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def send_end(self) -> None:
        """Send an end of file, and go on reading."""
        if self._tls is None:
            self._writer.write_eof()
        else:
            self._tls.write_eof()

    def reset(self) -> None:
        """End the link without ceremony."""
        endpoint = self._writer.get_extra_info("socket")
        if endpoint is not None:
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    async def end(self) -> None:
        """End the link, and wait until this end is gone."""
        self._transport.abort()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return


class _Complaints(logging.Handler):
    """Keeps what the event loop logs from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


async def _supervise(transport: Transport, scenario: Scenario) -> None:
    complaints = _Complaints()
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: complaints.texts.append(repr(context))
    )
    logger = logging.getLogger("asyncio")
    logger.addHandler(complaints)
    harness = TransportHarness(transport)
    try:
        async with asyncio.timeout(DEADLINE):
            try:
                await scenario(harness)
            finally:
                await harness.clear_up()
    finally:
        logger.removeHandler(complaints)
    assert harness.failures == []
    assert complaints.texts == []
