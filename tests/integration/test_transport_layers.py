"""Layers stack in any order, on every transport, and keep the promises of ``app/ports/transport.py``."""

import asyncio
from collections.abc import Callable, Coroutine
from operator import attrgetter, itemgetter

import pytest

from app.adapters.net_asyncio.tls_layer import TlsLayers
from app.domain.sessions.wire import Wire
from app.ports.layers import SETUPS, LayerFactory
from app.ports.transport import HIGH_WATER
from tests.fakes.handler import ReceiveRoom, RecordingHandler
from tests.fakes.layers import Framed, OneByOne, Polite, Scrambled
from tests.support.certificates import certificates
from tests.support.transport_harness import LOOPBACK, MEMORY, PAYLOAD, TCP, Transport, TransportHarness

Stack = Callable[[TlsLayers], list[LayerFactory]]

STACKS: list[tuple[str, Stack]] = [
    ("scrambled", lambda _: [Scrambled]),
    ("framed", lambda _: [Framed]),
    ("polite", lambda _: [Polite]),
    ("scrambled-framed-byte-by-byte", lambda _: [OneByOne, Scrambled, Framed]),
    ("under-tls", lambda tls: [Framed, Scrambled, tls]),
    ("over-tls", lambda tls: [tls, Framed]),
    ("under-and-over-tls", lambda tls: [Scrambled, Polite, tls, Polite, Framed]),
    ("under-and-over-tls-byte-by-byte", lambda tls: [OneByOne, Framed, tls, OneByOne, Scrambled]),
]

PLAIN = [*TCP, MEMORY[0]]


Link = tuple[RecordingHandler, RecordingHandler]
Scenario = Callable[[TransportHarness, Stack], Coroutine[None, None, None]]


def over_every_stack(scenario: Scenario) -> Callable[[Transport, tuple[str, Stack]], None]:
    """Make a scenario a test, run for each stack over each plain transport."""

    @pytest.mark.parametrize("stack", STACKS, ids=itemgetter(0))
    @pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
    def test(transport: Transport, stack: tuple[str, Stack]) -> None:
        transport.run(lambda harness: scenario(harness, stack[1]))

    test.__doc__ = scenario.__doc__
    return test


async def link(harness: TransportHarness, stack: Stack, room: ReceiveRoom | None = None) -> Link:
    """Both ends of a link with the same layers: the one that dialed, and the accepted one."""
    accepted = await harness.serve(layers=stack(harness.accepted_tls()), room=room)
    dialed, refusals = harness.acceptor(room=room), harness.notes()
    dialer = harness.dialer(layers=stack(harness.dialed_tls()))
    dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
    await harness.until(lambda: bool(refusals or (dialed.handlers and accepted.handlers)))
    assert refusals == []
    near, far = dialed.handlers[0], accepted.handlers[0]
    await harness.until(lambda: near.open and far.open)
    return near, far


@over_every_stack
async def test_bytes_travel_both_ways(harness: TransportHarness, stack: Stack) -> None:
    """What is written at one end arrives at the other, in order, and nothing else."""
    near, far = await link(harness, stack)

    near.wire.write(PAYLOAD[:5000])
    near.wire.writelines([b"one ", b"", b"two"])
    far.wire.write(b"answer")
    await harness.until(lambda: len(far.data) >= 5007 and len(near.data) >= 6)

    assert far.data == PAYLOAD[:5000] + b"one two"
    assert near.data == b"answer"


@over_every_stack
async def test_a_close_sends_what_is_pending(harness: TransportHarness, stack: Stack) -> None:
    """All that was written before the close arrives, then the end of file; each end is lost once."""
    near, far = await link(harness, stack)

    near.wire.write(PAYLOAD[:3000])
    near.wire.close()
    await harness.until(lambda: "eof_received" in far.calls)
    far.wire.close()
    await harness.until(lambda: near.lost_once and far.lost_once)

    assert far.data == PAYLOAD[:3000]
    assert (near.losses, far.losses) == ([None], [None])


@over_every_stack
async def test_an_abort_ends_both_ends(harness: TransportHarness, stack: Stack) -> None:
    """The other end hears of it, and each is lost once."""
    near, far = await link(harness, stack)

    near.wire.abort()
    await harness.until(lambda: near.lost_once and bool({"eof_received", "connection_lost"} & set(far.calls)))
    far.wire.abort()
    await harness.until(lambda: far.lost_once)

    assert near.losses == [None]
    assert near.wire.pending() == far.wire.pending() == 0


@over_every_stack
async def test_a_paused_link_delivers_nothing(harness: TransportHarness, stack: Stack) -> None:
    """What comes in meanwhile, the end of file included, waits wherever it is."""
    near, far = await link(harness, stack, ReceiveRoom(size=100))

    far.wire.pause()
    near.wire.write(PAYLOAD[:1000])
    near.wire.close()
    await harness.round_trip()
    far_data_while_paused = bytes(far.data)
    far.wire.resume()
    await harness.until(lambda: "eof_received" in far.calls)
    far.wire.close()

    assert far_data_while_paused == b""
    assert far.data == PAYLOAD[:1000]


WHOLE = [stack for stack in STACKS if "byte" not in stack[0]]


@pytest.mark.parametrize("stack", WHOLE, ids=itemgetter(0))
@pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
def test_back_pressure_reaches_the_writer(transport: Transport, stack: tuple[str, Stack]) -> None:
    """Bytes are pending while the peer does not read, and the wire announces when few are left."""

    async def scenario(harness: TransportHarness) -> None:
        near, far = await link(harness, stack[1])
        far.wire.pause()
        near.wire.write(PAYLOAD)
        pending_before = near.wire.pending()
        far.wire.resume()
        await harness.until(lambda: len(far.data) >= len(PAYLOAD) and "drained" in near.calls)

        assert HIGH_WATER < pending_before
        assert far.data == PAYLOAD
        assert near.calls.count("drained") == 1

    transport.run(scenario)


@pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
def test_a_layer_may_refuse_a_dialed_link(transport: Transport) -> None:
    """Exactly one answer comes: the layer's reason; no handler is asked for."""

    async def scenario(harness: TransportHarness) -> None:
        accepted = await harness.serve(layers=[Scrambled])
        dialed, refusals = harness.acceptor(), harness.notes()
        dialer = harness.dialer(layers=[Polite])

        dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
        await harness.until(lambda: bool(accepted.handlers))
        accepted.handlers[0].wire.write(b"who are you?")
        await harness.until(lambda: bool(refusals) and "connection_lost" in accepted.handlers[0].calls)

        assert refusals == ["the peer is rude"]
        assert dialed.handlers == []

    transport.run(scenario)


@pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
def test_what_a_layer_is_setting_up_is_given_up(transport: Transport) -> None:
    """A dialer that closes meanwhile ends the link, and nobody is answered."""

    async def scenario(harness: TransportHarness) -> None:
        accepted = await harness.serve(layers=[])
        dialed, refusals = harness.acceptor(), harness.notes()
        dialer = harness.dialer(layers=[Polite])
        dialer.dial(harness.address.host, harness.address.port, dialed, refusals.append)
        await harness.until(lambda: bool(accepted.handlers and accepted.handlers[0].data))

        dialer.close()
        await harness.until(
            lambda: bool({"eof_received", "connection_lost"} & set(accepted.handlers[0].calls))
        )

        assert (dialed.handlers, refusals) == ([], [])

    transport.run(scenario)


@pytest.mark.parametrize("transport", TCP, ids=attrgetter("name"))
def test_links_in_a_handshake_hold_new_ones_back(transport: Transport) -> None:
    """At the limit new links wait in the system's queue, and come in when there is room."""

    async def scenario(harness: TransportHarness) -> None:
        acceptor = await harness.serve(layers=[Polite])
        silent = [await asyncio.open_connection(LOOPBACK, harness.address.port) for _ in range(SETUPS + 5)]
        polite = [await harness.connect() for _ in range(2)]
        for peer in polite:
            await peer.send(Polite.WORD)
        await harness.until(lambda: len(acceptor.handlers) == 2)
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()

        assert all(handler.open for handler in acceptor.handlers)

    transport.run(scenario)


def _no_layer(*_: object) -> Wire:
    raise ValueError("no such host")


@pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
def test_a_layer_that_cannot_dial_a_host(transport: Transport) -> None:
    """A `ValueError` of its factory is a refusal in plain words."""

    async def scenario(harness: TransportHarness) -> None:
        await harness.serve(layers=[])
        refusals = harness.notes()

        harness.dialer(layers=[_no_layer]).dial(  # type: ignore[list-item] # it makes no layer
            harness.address.host, harness.address.port, harness.acceptor(), refusals.append
        )
        await harness.until(lambda: bool(refusals))

        assert refusals == ["no such host"]

    transport.run(scenario)


@pytest.mark.parametrize("transport", PLAIN, ids=attrgetter("name"))
def test_a_context_is_replaced_while_links_are_open(transport: Transport) -> None:
    """New handshakes see the new certificate; links that are there go on with the old one."""

    async def scenario(harness: TransportHarness) -> None:
        tls = harness.accepted_tls()
        accepted = await harness.serve(layers=[tls])
        dialed, refusals = harness.acceptor(), harness.notes()
        host, port = harness.address.host, harness.address.port
        old = harness.dialer(layers=[harness.dialed_tls()])
        old.dial(host, port, dialed, refusals.append)
        await harness.until(lambda: bool(dialed.handlers and accepted.handlers))

        tls.replace_context(harness.accepted_tls(certificates().expired_server).settings.context)
        old.dial(host, port, dialed, refusals.append)
        await harness.until(lambda: bool(refusals))
        dialed.handlers[0].wire.write(b"still here")
        await harness.until(lambda: accepted.handlers[0].data == b"still here")

        assert refusals == ["TLS handshake error: certificate verify failed: certificate has expired"]
        assert len(dialed.handlers) == 1

    transport.run(scenario)
