"""Every transport keeps the promises of ``app/ports/transport.py``: bytes on a live link."""

from functools import partial

from app.ports.transport import HIGH_WATER
from tests.fakes.handler import ReceiveRoom
from tests.support.transport_harness import (
    LOOPBACK,
    PAYLOAD,
    TransportHarness,
    over_every_link,
    over_every_transport,
)


@over_every_transport
async def test_a_wire_knows_its_peer(harness: TransportHarness) -> None:
    """A wire names the address its peer connected from."""
    handler, _ = await harness.link()

    assert handler.wire.peer.ip == LOOPBACK
    assert 0 < handler.wire.peer.port < 65536


@over_every_link
async def test_input_arrives_in_order(harness: TransportHarness) -> None:
    """Many pieces of many sizes arrive as the one stream that was sent."""
    pieces = [bytes([size % 251]) * size for size in range(1, 800)]
    handler, peer = await harness.link()

    for piece in pieces:
        await peer.send(piece)
    await harness.until(lambda: len(handler.data) >= sum(map(len, pieces)))

    assert handler.data == b"".join(pieces)


@over_every_link
async def test_output_arrives_in_order(harness: TransportHarness) -> None:
    """Single writes and lists of pieces arrive in the order they were written."""
    handler, peer = await harness.link()

    for number in range(100):
        handler.wire.write(b"%d," % number)
        handler.wire.writelines([b"%d;" % number, b"", b"%d." % number])

    expected = b"".join(b"%d,%d;%d." % (number, number, number) for number in range(100))
    assert await peer.read(len(expected)) == expected


@over_every_link
async def test_input_larger_than_the_room_arrives_in_steps(harness: TransportHarness) -> None:
    """A room of a few bytes is filled again and again until all input has been received."""
    acceptor = await harness.serve(room=ReceiveRoom(size=7))
    peer = await harness.connect()

    await peer.send(PAYLOAD[:1000])
    await harness.until(lambda: bool(acceptor.handlers) and len(acceptor.handlers[0].data) >= 1000)

    assert acceptor.handlers[0].data == PAYLOAD[:1000]
    assert acceptor.handlers[0].calls.count("received") >= 1000 / 7


@over_every_link
async def test_links_share_one_room(harness: TransportHarness) -> None:
    """No handler's room is lent to another before the bytes in it were received."""
    acceptor = await harness.serve()
    peers = [await harness.connect() for _ in range(20)]
    for round_number in range(50):
        for number, peer in enumerate(peers):
            await peer.send(bytes([number]) * (round_number + 1))
    total = sum(range(51))

    await harness.until(lambda: sum(len(handler.data) for handler in acceptor.handlers) >= 20 * total)

    assert {bytes(handler.data) for handler in acceptor.handlers} == {
        bytes([number]) * total for number in range(20)
    }


@over_every_link
async def test_a_large_write_arrives_whole(harness: TransportHarness) -> None:
    """A write of many megabytes returns at once, and arrives complete."""
    handler, peer = await harness.link()

    handler.wire.write(PAYLOAD)

    assert await peer.read(len(PAYLOAD)) == PAYLOAD


@over_every_link
async def test_what_the_peer_does_not_take_is_pending(harness: TransportHarness) -> None:
    """Bytes are pending while the peer does not read, and the wire signals when few are left."""
    handler, peer = await harness.link()
    peer.stop_reading()

    handler.wire.write(PAYLOAD)
    pending_before = handler.wire.pending()
    peer.read_on()
    received = await peer.read(len(PAYLOAD))
    await harness.until(lambda: "drained" in handler.calls)

    assert HIGH_WATER < pending_before <= len(PAYLOAD)
    assert received == PAYLOAD
    assert handler.wire.pending() == 0
    assert handler.calls == ["drained"]


@over_every_link
async def test_each_congestion_is_announced_when_it_is_over(harness: TransportHarness) -> None:
    """A wire that was above the high-water mark twice announces twice that it drained."""
    handler, peer = await harness.link()

    def announced(times: int) -> bool:
        return handler.calls.count("drained") == times

    for congestion in range(1, 3):
        peer.stop_reading()
        handler.wire.write(PAYLOAD)
        peer.read_on()
        await peer.read(len(PAYLOAD))
        await harness.until(partial(announced, congestion))

    assert handler.calls == ["drained", "drained"]


@over_every_link
async def test_a_little_congestion_passes_in_silence(harness: TransportHarness) -> None:
    """A wire that had bytes pending, but was never above the high-water mark, announces nothing."""
    handler, peer = await harness.link()
    peer.stop_reading()
    piece = b"x" * (HIGH_WATER // 4)
    written = 0

    while handler.wire.pending() < HIGH_WATER // 2:
        handler.wire.write(piece)
        written += len(piece)
    peer.read_on()
    await peer.read(written)
    await harness.round_trip()

    assert handler.wire.pending() == 0
    assert handler.calls == []


@over_every_link
async def test_a_paused_wire_reads_nothing(harness: TransportHarness) -> None:
    """Input waits while a wire is paused, and arrives once it reads on; repeated calls change nothing."""
    handler, peer = await harness.link()
    handler.wire.pause()
    handler.wire.pause()

    await peer.send(b"patience")
    await harness.round_trip()
    received_while_paused = bytes(handler.data)
    handler.wire.resume()
    handler.wire.resume()
    await harness.until(lambda: handler.data == b"patience")

    assert received_while_paused == b""


@over_every_link
async def test_a_paused_wire_holds_its_peer_back(harness: TransportHarness) -> None:
    """Input that nobody reads fills bounded buffers, and then stays with the peer."""
    handler, peer = await harness.link()
    handler.wire.pause()

    peer.send_unhurried(PAYLOAD)
    await harness.round_trip()
    pending_at_peer = peer.pending
    handler.wire.resume()
    await harness.until(lambda: len(handler.data) >= len(PAYLOAD))

    assert pending_at_peer > 0
    assert handler.data == PAYLOAD


@over_every_link
async def test_a_half_closed_peer_is_still_written_to(harness: TransportHarness) -> None:
    """The peer's end of file comes after its last byte, and leaves our direction open."""
    handler, peer = await harness.link()

    await peer.send(b"PING\r\n")
    peer.send_end()
    await harness.until(lambda: "eof_received" in handler.calls)
    handler.wire.write(b"PONG\r\n")

    assert handler.data == b"PING\r\n"
    assert handler.calls == ["received", "eof_received"]
    assert await peer.read(6) == b"PONG\r\n"


@over_every_link
async def test_the_end_of_input_is_reported_once(harness: TransportHarness) -> None:
    """Pausing and resuming after the peer's end of file brings it up no second time."""
    handler, peer = await harness.link()
    peer.send_end()
    await harness.until(lambda: "eof_received" in handler.calls)

    handler.wire.pause()
    handler.wire.resume()
    await harness.round_trip()

    assert handler.calls == ["eof_received"]
