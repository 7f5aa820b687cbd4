"""Every transport keeps the promises of ``app/ports/transport.py``: listening."""

import errno
import socket

import pytest

from app.ports.transport import ListenError
from tests.support.transport_harness import (
    LOOPBACK,
    TCP,
    Transport,
    TransportHarness,
    every_transport,
    over_every,
    over_every_transport,
)


@over_every_transport
async def test_many_links_at_once(harness: TransportHarness) -> None:
    """Hundreds of links that arrive together are all served."""
    acceptor = await harness.serve()
    peers = [await harness.connect() for _ in range(300)]

    for number, peer in enumerate(peers):
        await peer.send(b"%d" % number)
    await harness.until(
        lambda: len(acceptor.handlers) == 300 and all(handler.data for handler in acceptor.handlers)
    )
    for handler in acceptor.handlers:
        handler.wire.write(bytes(handler.data.zfill(3)))

    assert [int(await peer.read(3)) for peer in peers] == list(range(300))


@over_every(TCP)
async def test_links_that_have_left_in_a_rush(harness: TransportHarness) -> None:
    """Of more links than a turn takes, nobody is asked about those that have ended and said nothing."""
    acceptor = await harness.serve()
    where = (harness.address.host, harness.address.port)
    for _ in range(200):  # the loop does not turn meanwhile
        socket.create_connection(where).close()
    with socket.create_connection(where) as half_closed:
        half_closed.sendall(b"last words")
        half_closed.shutdown(socket.SHUT_WR)
        peer = await harness.connect()
        await peer.send(b"here")
        await harness.until(
            lambda: {b"here", b"last words"} <= {bytes(handler.data) for handler in acceptor.handlers}
        )

    assert 64 + 2 == len(acceptor.handlers)


@over_every_transport
async def test_closing_a_listener_spares_its_links(harness: TransportHarness) -> None:
    """A closed listener refuses new links, may be closed again, and leaves live ones alone."""
    acceptor = harness.acceptor()
    listener = harness.listener()
    address = await listener.start(acceptor)
    peer = await harness.connect(address)
    await harness.until(lambda: len(acceptor.handlers) == 1)

    await listener.close()
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        await harness.connect(address)
    await peer.send(b"still here")
    await harness.until(lambda: acceptor.handlers[0].data == b"still here")

    assert acceptor.handlers[0].calls == ["received"]


@over_every_transport
async def test_a_listener_that_never_started_may_be_closed(harness: TransportHarness) -> None:
    """Closing a listener before its start is harmless: its address is free."""
    listener = harness.listener()
    await listener.close()
    acceptor = await harness.serve()

    await harness.connect()
    await harness.until(lambda: len(acceptor.handlers) == 1)

    assert 1 == len(acceptor.handlers)


@over_every_transport
async def test_a_taken_port_is_refused_in_plain_words(harness: TransportHarness) -> None:
    """A second listener at the same address fails, says why, and leaves the first alone."""
    acceptor = harness.acceptor()
    address = await harness.listener().start(acceptor)

    with pytest.raises(ListenError, match=r"^address already in use$"):
        await harness.listener(port=address.port).start(harness.acceptor())
    await harness.connect(address)
    await harness.until(lambda: len(acceptor.handlers) == 1)

    assert address.host == LOOPBACK


@every_transport
@pytest.mark.parametrize("port", [-1, 0])
def test_any_free_port_will_do(transport: Transport, port: int) -> None:
    """Port -1, and 0, stand for a free port, and the answer names the real one."""

    async def scenario(harness: TransportHarness) -> None:
        addresses = [await harness.listener(port=port).start(harness.acceptor()) for _ in range(3)]

        assert len({address.port for address in addresses}) == 3
        assert all(address.port > 0 for address in addresses)

    transport.run(scenario)


@over_every_transport
async def test_a_refused_link_says_so(harness: TransportHarness) -> None:
    """Connecting to where nobody listens fails as on any network; the harness relies on it."""
    listener = harness.listener()
    address = await listener.start(harness.acceptor())
    await listener.close()

    with pytest.raises(ConnectionRefusedError) as refusal:
        await harness.connect(address)

    assert refusal.value.errno == errno.ECONNREFUSED
