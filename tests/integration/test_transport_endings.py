"""Every transport keeps the promises of ``app/ports/transport.py``: the end of a link."""

from collections.abc import Callable
from functools import partial

import pytest

from app.domain.sessions.wire import Wire
from tests.fakes.handler import ClosingHandler, FaultyHandler, ReceiveRoom, RecordingHandler
from tests.support.transport_harness import (
    PAYLOAD,
    Transport,
    TransportHarness,
    every_transport,
    over_every_link,
    over_every_transport,
)

FAREWELL = b"-ERR 'Parser Error'\r\n"


@over_every_link
async def test_closing_after_the_peer_is_an_orderly_end(harness: TransportHarness) -> None:
    """When both sides have sent their end of file, the link is lost without an error."""
    handler, peer = await harness.link()
    peer.send_end()
    await harness.until(lambda: "eof_received" in handler.calls)

    handler.wire.write(b"bye")
    handler.wire.close()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert await peer.read_to_end() == b"bye"
    assert handler.losses == [None]


@over_every_link
async def test_closing_sends_what_is_pending(harness: TransportHarness) -> None:
    """All that was written before the close arrives, and then the end of file."""
    handler, peer = await harness.link()
    peer.stop_reading()

    handler.wire.write(PAYLOAD)
    handler.wire.close()
    peer.read_on()

    assert await peer.read_to_end() == PAYLOAD


@over_every_link
async def test_closing_sends_what_is_pending_after_the_peers_end(harness: TransportHarness) -> None:
    """A peer that has half closed still gets everything that was written before the close."""
    handler, peer = await harness.link()
    peer.stop_reading()
    peer.send_end()
    await harness.until(lambda: "eof_received" in handler.calls)

    handler.wire.write(PAYLOAD)
    handler.wire.close()
    peer.read_on()

    assert await peer.read_to_end() == PAYLOAD


@over_every_link
async def test_the_last_line_reaches_a_peer_with_unread_input(harness: TransportHarness) -> None:
    """A peer whose input we never read gets our last line and an end of file, not a reset."""
    handler, peer = await harness.link()
    handler.wire.pause()
    peer.send_unhurried(PAYLOAD)
    await harness.round_trip()

    handler.wire.write(FAREWELL)
    handler.wire.close()
    said = await peer.read_to_end()
    await peer.end()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert said == FAREWELL
    assert handler.calls == ["connection_lost"]


@over_every_link
async def test_a_closing_wire_delivers_no_input(harness: TransportHarness) -> None:
    """What the peer goes on sending after the close is discarded."""
    handler, peer = await harness.link(ClosingHandler)

    await peer.send(b"bad")
    await harness.until(lambda: handler.data == b"bad")
    await peer.send(b"more")
    assert await peer.read_to_end() == b""
    await peer.send(b"and more")
    peer.send_end()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert handler.calls == ["received", "connection_lost"]


@over_every_link
async def test_a_peer_that_never_closes_is_left(harness: TransportHarness) -> None:
    """A closed link is lost after a while even if the peer sends no end of file."""
    handler, _ = await harness.link()

    handler.wire.close()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert handler.losses == [None]


@over_every_link
async def test_a_peer_that_never_reads_is_left(harness: TransportHarness) -> None:
    """A closed link is lost after a while even if what is pending cannot be sent."""
    handler, peer = await harness.link()
    peer.stop_reading()

    handler.wire.write(PAYLOAD)
    handler.wire.close()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert handler.lost_once
    assert handler.wire.pending() == 0


@over_every_link
async def test_an_aborted_link_ends_at_once(harness: TransportHarness) -> None:
    """Abort drops pending bytes, notifies the handler later, and ends the peer's side too."""
    handler, peer = await harness.link()
    peer.stop_reading()
    handler.wire.write(PAYLOAD)

    handler.wire.abort()
    pending_after, calls_after = handler.wire.pending(), list(handler.calls)
    peer.read_on()
    await harness.until(lambda: "connection_lost" in handler.calls)
    await peer.ending()

    assert pending_after == 0
    assert calls_after == []
    assert handler.calls == ["connection_lost"]


@over_every_transport
async def test_a_reset_by_the_peer_is_a_loss_with_a_cause(harness: TransportHarness) -> None:
    """A peer that resets the link is reported as an error, once."""
    handler, peer = await harness.link()

    peer.reset()
    await harness.until(lambda: "connection_lost" in handler.calls)

    assert handler.calls == ["connection_lost"]
    assert isinstance(handler.losses[0], ConnectionError)


@every_transport
@pytest.mark.parametrize("parting", ["close", "abort"])
@pytest.mark.parametrize("cue", ["received", "eof_received", "drained"])
def test_a_handler_may_leave_at_any_time(transport: Transport, cue: str, parting: str) -> None:
    """Ending the link from within any call loses it once, last, and not within that call."""

    async def scenario(harness: TransportHarness) -> None:
        handler, peer = await harness.link(partial(ClosingHandler, cue=cue, parting=parting))
        if cue == "drained":
            handler.wire.write(PAYLOAD)
        else:
            await peer.send(b"x")
            peer.send_end()
        await peer.ending()
        await peer.end()
        await harness.until(lambda: "connection_lost" in handler.calls)
        await harness.round_trip()

        assert cue in handler.calls
        assert handler.lost_once

    transport.run(scenario)


@every_transport
@pytest.mark.parametrize("parting", ["close", "abort"])
def test_an_acceptor_may_refuse(transport: Transport, parting: str) -> None:
    """A link that is ended while it is accepted is lost once, and a closing one says its last line."""

    class Refusing(RecordingHandler):
        def __init__(self, wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> None:
            super().__init__(wire, room, on_change)
            wire.write(FAREWELL)
            getattr(wire, parting)()

    async def scenario(harness: TransportHarness) -> None:
        handler, peer = await harness.link(Refusing)
        if parting == "close":
            assert await peer.read_to_end() == FAREWELL
        await peer.end()
        await harness.until(lambda: "connection_lost" in handler.calls)
        await harness.round_trip()

        assert handler.calls == ["connection_lost"]

    transport.run(scenario)


@every_transport
@pytest.mark.parametrize("second", ["close", "abort", "reset by the peer"])
@pytest.mark.parametrize("first", ["close", "abort", "reset by the peer"])
def test_a_link_ended_twice_is_lost_once(transport: Transport, first: str, second: str) -> None:
    """A link that is ended by either side, and then again, is lost exactly once."""

    async def scenario(harness: TransportHarness) -> None:
        handler, peer = await harness.link()
        ways = {"close": handler.wire.close, "abort": handler.wire.abort, "reset by the peer": peer.reset}
        ways[first]()
        ways[second]()
        await harness.until(lambda: "connection_lost" in handler.calls)
        await harness.round_trip()

        assert handler.calls == ["connection_lost"]

    transport.run(scenario)


@every_transport
@pytest.mark.parametrize("parting", ["close", "abort"])
def test_writes_after_the_end_are_ignored(transport: Transport, parting: str) -> None:
    """Nothing that is called on a wire after its end raises, logs, or reaches the peer."""

    def go_on(wire: Wire) -> None:
        for _ in range(20):
            wire.write(b"too late")
            wire.writelines([b"too", b"late"])
        wire.pause()
        wire.resume()

    async def scenario(harness: TransportHarness) -> None:
        handler, peer = await harness.link()
        getattr(handler.wire, parting)()
        go_on(handler.wire)
        said = await peer.read_to_end() if parting == "close" else b""
        await peer.end()
        await harness.until(lambda: "connection_lost" in handler.calls)
        go_on(handler.wire)
        handler.wire.close()
        handler.wire.abort()
        await harness.round_trip()

        assert said == b""
        assert handler.calls == ["connection_lost"]
        assert handler.wire.pending() == 0

    transport.run(scenario)


@every_transport
@pytest.mark.parametrize("fault", ["reserve", "received", "eof_received", "drained", "connection_lost"])
def test_a_defect_ends_one_link_only(transport: Transport, fault: str) -> None:
    """A handler that raises is reported and loses its link; the others go on."""

    async def scenario(harness: TransportHarness) -> None:
        handler, peer = await harness.link(partial(FaultyHandler, fault=fault))
        if fault == "drained":
            handler.wire.write(PAYLOAD)
        else:
            await peer.send(b"x")
            peer.send_end()
        if fault == "connection_lost":
            handler.wire.abort()
        await peer.ending()
        await harness.until(lambda: bool(harness.failures) and "connection_lost" in handler.calls)
        await harness.round_trip()
        failures = [repr(harness.failures.pop()) for _ in list(harness.failures)]

        assert failures == [f"ZeroDivisionError('{fault}')"]
        assert handler.lost_once

    transport.run(scenario)


@over_every_link
async def test_a_defect_in_the_acceptor_ends_one_link_only(harness: TransportHarness) -> None:
    """An acceptor that raises is reported, and its link is ended; the next one is accepted."""

    def refuse(wire: Wire, room: ReceiveRoom, on_change: Callable[[], None]) -> RecordingHandler:
        if not harness.failures:
            raise ZeroDivisionError
        return RecordingHandler(wire, room, on_change)

    acceptor = await harness.serve(refuse)

    first = await harness.connect()
    await harness.until(lambda: len(harness.failures) == 1)
    await first.ending()
    await harness.connect()
    await harness.until(lambda: len(acceptor.handlers) == 1)

    assert isinstance(harness.failures.pop(), ZeroDivisionError)
